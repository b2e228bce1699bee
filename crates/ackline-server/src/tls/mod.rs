//! Encryption: what the parameters and files of `tls-*` ask for, and how changes of them take effect.
//!
//! ```text
//! CONFIG SET tls-* ─┐
//! SIGHUP ───────────┼──► settings ──► Tls { current } ──► new connections; those that there are keep what they have
//! files change ─────┘       │
//!                           └── refused: what was current stays
//! ```

mod channel;
mod name;
mod settings;
#[cfg(test)]
mod tests;

pub(crate) use channel::Channel;

use crate::config::Config;
use ackline_engine::Error;
use parking_lot::{Mutex, MutexGuard, RwLock};
use rustls::ServerConfig;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

/// What the server shows to clients that connect encrypted, and whom it asks for what.
#[derive(Default)]
pub(crate) struct Tls {
    current: RwLock<Option<Arc<ServerConfig>>>,
    /// Held by whoever changes `current`, so that it is always that of the parameters.
    files: Mutex<Files>,
}

/// The files behind `current`, as they were.
#[derive(Default)]
struct Files {
    /// When they were loaded, successfully or not.
    tried: Vec<Stamp>,
    /// At the last look.
    seen: Vec<Stamp>,
}

/// What tells a changed file: its number, its size, the nanosecond of its last change. `None` if there is none.
type Stamp = Option<(u64, u64, i64, i64)>;

/// A change that was found good and has not taken effect.
pub(crate) struct Change<'t> {
    tls: &'t Tls,
    files: MutexGuard<'t, Files>,
    next: Option<Arc<ServerConfig>>,
    stamps: Vec<Stamp>,
}

impl Tls {
    /// What new connections are to use; `None` if nothing is configured.
    pub(crate) fn current(&self) -> Option<Arc<ServerConfig>> {
        self.current.read().clone()
    }

    /// At the start. Files that cannot be used are an error if there is a port that needs them.
    pub(crate) fn begin(&self, config: &Config) -> Result<(), String> {
        self.change(self.files.lock(), config)?.commit();
        Ok(())
    }

    /// Tries what the parameters would be if `pairs` were set; `None` if none of them is about encryption.
    pub(crate) fn prepare(
        &self,
        config: &Config,
        pairs: &[(&[u8], &[u8])],
    ) -> Result<Option<Change<'_>>, Error> {
        let about = |(name, _): &&(&[u8], &[u8])| name.to_ascii_lowercase().starts_with(b"tls-");
        let Some((first, _)) = pairs.iter().find(about) else { return Ok(None) };
        // Locked first: of two changes at once the second has to see what the first has set.
        let files = self.files.lock();
        let change = self.change(files, &config.with(pairs)?);
        change.map(Some).map_err(|why| {
            tracing::warn!("{why}");
            let first = String::from_utf8_lossy(first).to_ascii_lowercase();
            Error::from(format!(
                "ERR CONFIG SET failed (possibly related to argument '{first}') - Unable to update TLS \
                 configuration. Check server logs."
            ))
        })
    }

    fn change<'t>(&'t self, files: MutexGuard<'t, Files>, config: &Config) -> Result<Change<'t>, String> {
        let needed = config.int("tls-port") > 0 || self.current.read().is_some();
        // Taken before the files are read: a change in between is seen at the next look.
        let stamps = stamps(config);
        let next = match settings::load(config) {
            Err(why) if needed => return Err(why),
            Err(why) => {
                tracing::warn!("{why}");
                None
            }
            Ok(next) => next,
        };
        Ok(Change { tls: self, files, next, stamps })
    }

    /// Loads the files anew, changed or not. What cannot be used is logged, and what there was stays.
    pub(crate) fn reload(&self, config: &Config) {
        match self.change(self.files.lock(), config) {
            Ok(change) => {
                let any = change.next.is_some();
                change.commit();
                if any {
                    tracing::info!("certificates were loaded anew");
                }
            }
            Err(why) => {
                self.files.lock().tried = stamps(config);
                tracing::error!("certificates stay as they are: {why}");
            }
        }
    }

    /// Looks for changed files, and loads them once they are the same twice in a row: who replaces a certificate and its
    /// key does not do it in one moment. To be called every second or so.
    pub(crate) fn follow_files(&self, config: &Config) {
        let mut files = self.files.lock();
        let now = stamps(config);
        let settled = files.seen == now;
        files.seen.clone_from(&now);
        if settled && files.tried != now {
            drop(files);
            self.reload(config);
        }
    }
}

impl Change<'_> {
    /// Lets it take effect, for connections that come from now on.
    pub(crate) fn commit(mut self) {
        *self.tls.current.write() = self.next.take();
        self.files.seen.clone_from(&self.stamps);
        self.files.tried = std::mem::take(&mut self.stamps);
    }
}

/// The files of the parameters. Of a directory only the directory itself: its list of files.
fn stamps(config: &Config) -> Vec<Stamp> {
    let names = ["tls-cert-file", "tls-key-file", "tls-ca-cert-file", "tls-ca-cert-dir"];
    let paths = names.map(|name| config.string(name));
    let stamp = |path: &String| {
        let about = std::fs::metadata(path).ok()?;
        Some((about.ino(), about.len(), about.mtime(), about.mtime_nsec()))
    };
    paths.iter().filter(|path| !path.is_empty()).map(stamp).collect()
}
