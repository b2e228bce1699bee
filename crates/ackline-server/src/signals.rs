//! What signals do.

use crate::shared::Shared;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// What comes sooner is the same request again: some send a signal to a process and then to its group.
const SECOND: Duration = Duration::from_secs(1);
/// The process's exit code if it is told twice to end.
const FORCED: i32 = 1;

/// Waits for signals on a thread of its own. SIGTERM and SIGINT end the server; a second one,
/// a second later, at once; SIGHUP reads the
/// certificates again. SIGUSR1, which scripts send to programs that hold a log file open, does nothing: a log file that
/// was moved is noticed without it.
pub(crate) fn watch(shared: &Arc<Shared>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1])?;
    let shared = Arc::downgrade(shared);
    let wait = move || {
        let mut told: Option<Instant> = None;
        for signal in signals.forever() {
            let Some(shared) = shared.upgrade() else { return };
            match signal {
                SIGHUP => shared.tls.reload(&shared.config),
                SIGUSR1 => {}
                signal => match told {
                    Some(at) if at.elapsed() >= SECOND => force(signal),
                    Some(_) => {}
                    None => {
                        told = Some(Instant::now());
                        end(&shared, signal);
                    }
                },
            }
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(drop)
}

/// The clean end that `shutdown-on-sigterm` and `shutdown-on-sigint` describe.
fn end(shared: &Shared, signal: i32) {
    let (name, parameter) = match signal {
        SIGINT => ("SIGINT", "shutdown-on-sigint"),
        _ => ("SIGTERM", "shutdown-on-sigterm"),
    };
    if shared.config.string(parameter).split(' ').any(|word| word == "nosave") {
        shared.saves_at_end.store(false, Relaxed);
    }
    tracing::info!("{name}: stopping; another one after a second ends the process at once");
    shared.stop();
}

/// Whoever asks twice does not want to wait. What was acknowledged is on disk, or as far as `appendfsync` has it.
fn force(signal: i32) {
    tracing::warn!("signal {signal} again: the process ends at once");
    std::process::exit(FORCED);
}
