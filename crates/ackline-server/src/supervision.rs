//! What a service manager is told, and the file that holds the process ID.

use crate::config::Config;
use crate::pulse::Pulse;
use crate::shared::Shared;
use sd_notify::NotifyState;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How much longer than the manager expects a step of loading may take.
const STEP_US: u32 = 30_000_000;
/// An I/O thread that has nothing to do turns more often than this.
const PATIENCE_MIN: Duration = Duration::from_secs(1);

/// The service manager, if there is one to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manager {
    listens: bool,
}

impl Manager {
    /// The manager that `supervised` asks for.
    pub(crate) fn new(config: &Config) -> Manager {
        let (asked, there) = (config.string("supervised"), std::env::var_os("NOTIFY_SOCKET").is_some());
        if asked == "systemd" && !there {
            tracing::warn!("supervised systemd: there is no NOTIFY_SOCKET to tell systemd anything");
        }
        Manager { listens: there && matches!(asked.as_str(), "systemd" | "auto") }
    }

    /// What INFO says of it.
    pub(crate) fn name(config: &Config) -> &'static str {
        match config.string("supervised").as_str() {
            "systemd" => "systemd",
            "auto" if std::env::var_os("NOTIFY_SOCKET").is_some() => "systemd",
            _ => "no",
        }
    }

    pub(crate) fn say_loading(self, text: &str) {
        self.say(&[NotifyState::Status(text), NotifyState::ExtendTimeoutUsec(STEP_US)]);
    }

    pub(crate) fn say_ready(self) {
        self.say(&[NotifyState::Ready, NotifyState::Status("ready to accept connections")]);
    }

    pub(crate) fn say_stopping(self) {
        self.say(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
    }

    fn say(self, states: &[NotifyState<'_>]) {
        if self.listens
            && let Err(error) = sd_notify::notify(states)
        {
            tracing::warn!("the service manager could not be told: {error}");
        }
    }

    /// Says regularly that the server is alive, if the manager wants to hear it and as long as all I/O threads turn.
    pub(crate) fn feed_watchdog(self, shared: &Arc<Shared>) -> std::io::Result<()> {
        let Some(interval) = sd_notify::watchdog_enabled().filter(|_| self.listens) else { return Ok(()) };
        let (pause, weak) = (interval / 2, Arc::downgrade(shared));
        let mut pulse = Pulse::new(shared, Instant::now());
        let watch = move || {
            while let Some(shared) = weak.upgrade() {
                // Once it stops, its I/O threads end, and the manager has a limit for that.
                match pulse.stuck(&shared, Instant::now(), pause.max(PATIENCE_MIN)) {
                    Some(thread) if !shared.is_stopping() => {
                        tracing::error!(
                            "I/O thread {thread} does not turn: the watchdog is not told that all is well"
                        );
                    }
                    _ => self.say(&[NotifyState::Watchdog]),
                }
                drop(shared);
                std::thread::sleep(pause);
            }
        };
        std::thread::Builder::new().name("watchdog".into()).spawn(watch).map(drop)
    }
}

/// The file with the process ID; it goes when this is dropped.
#[derive(Debug)]
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    /// Writes the file that `pidfile` names. A server does not fail for want of it.
    pub(crate) fn write(config: &Config) -> Option<PidFile> {
        let path = PathBuf::from(config.string("pidfile"));
        if path.as_os_str().is_empty() {
            return None;
        }
        match write_own(&path) {
            Ok(()) => Some(PidFile(path)),
            Err(error) => {
                tracing::warn!("the file of the process ID, {}, cannot be written: {error}", path.display());
                None
            }
        }
    }
}

/// Writes the process ID into a file of its own: what lies there goes, and what a link leads to stays as it is.
fn write_own(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).open(path)?;
    writeln!(file, "{}", std::process::id())
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_process_id_is_nobody_elses() {
        let dir = tempfile::tempdir().expect("a directory");
        let (path, other) = (dir.path().join("pid"), dir.path().join("other"));
        std::fs::write(&other, "precious").expect("written");
        std::os::unix::fs::symlink(&other, &path).expect("a link");
        write_own(&path).expect("written");
        let read = |path: &Path| std::fs::read_to_string(path).expect("there");
        assert_eq!((read(&path), read(&other)), (format!("{}\n", std::process::id()), "precious".to_owned()));
        write_own(&path).expect("written over its own");
        assert!(write_own(dir.path()).is_err(), "a directory is not removed");
    }
}
