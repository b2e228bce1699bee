//! How far it got, for whoever watches a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::time::Duration;

/// A line that changes, if standard error is a terminal.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    /// For a workload of this name.
    pub(super) fn start(name: &'static str) -> Progress {
        Progress(stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix}: {msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.with_style(style).with_prefix(name)
        }))
    }

    /// So many operations were begun in this time.
    pub(super) fn show(&self, operations: u64, time: Duration) {
        let Some(bar) = &self.0 else { return };
        let seconds = time.as_secs_f64();
        bar.set_message(format!("{seconds:.1} s, {:.0} a second", operations as f64 / seconds));
        bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
