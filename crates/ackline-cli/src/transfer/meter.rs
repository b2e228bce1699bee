//! Counts what was done, shows it while it goes on, and sums it up at the end.

use super::cursor::Window;
use super::value::shown;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// What was done so far.
pub(super) struct Meter {
    began: Instant,
    bar: Option<ProgressBar>,
    next_line: Instant,
    verbose: bool,
    /// Keys looked at.
    seen: u64,
    /// Keys that there were at the start.
    total: u64,
    pub(super) copied: u64,
    pub(super) present: u64,
    pub(super) vanished: u64,
    pub(super) entries: u64,
    pub(super) groups: u64,
    pub(super) pending: u64,
    pub(super) bytes: u64,
    /// Released entries that were given to a consumer.
    pub(super) given: u64,
    skipped: BTreeMap<String, u64>,
    failed: Vec<String>,
}

impl Meter {
    /// Begins to count.
    pub(super) fn start(verbose: bool) -> Meter {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} keys · {elapsed} · {msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style)
        });
        let began = Instant::now();
        Meter {
            began,
            bar,
            next_line: began + LINE_EVERY,
            verbose,
            seen: 0,
            total: 0,
            copied: 0,
            present: 0,
            vanished: 0,
            entries: 0,
            groups: 0,
            pending: 0,
            bytes: 0,
            given: 0,
            skipped: BTreeMap::new(),
            failed: Vec::new(),
        }
    }

    /// So many more keys are to be looked at.
    pub(super) fn expect(&mut self, keys: u64) {
        self.total += keys;
        if let Some(bar) = &self.bar {
            bar.set_length(self.total);
        }
    }

    /// So many keys are done.
    pub(super) fn done(&mut self, keys: u64) {
        self.seen += keys;
        self.show();
    }

    /// Shows how far it got, if it is time.
    pub(super) fn show(&mut self) {
        let message = format!("{} entries, {} pending, {}", self.entries, self.pending, size(self.bytes));
        match &self.bar {
            Some(bar) => {
                bar.set_position(self.seen);
                bar.set_message(message);
            }
            None if Instant::now() >= self.next_line => {
                self.next_line = Instant::now() + LINE_EVERY;
                eprintln!("{}/{} keys, {message}", self.seen, self.total);
            }
            None => {}
        }
    }

    /// A part of a stream was copied.
    pub(super) fn add(&mut self, window: &Window) {
        let size: usize = window.entries.iter().flat_map(|entry| &entry.words).map(Vec::len).sum();
        self.entries += window.entries.len() as u64;
        self.pending += window.pending.iter().map(|pending| pending.len() as u64).sum::<u64>();
        self.bytes += size as u64;
        self.show();
    }

    /// A key of a kind that is not copied.
    pub(super) fn skip(&mut self, kind: &str, database: i64, key: &[u8]) {
        *self.skipped.entry(kind.to_owned()).or_default() += 1;
        self.say(|| format!("skipped: db{database} {} ({kind})", shown(key)));
    }

    /// A key that could not be copied.
    pub(super) fn fail(&mut self, database: i64, key: &[u8], why: &str) {
        self.failed.push(format!("db{database} {}: {why}", shown(key)));
    }

    /// A line for those who asked for many.
    pub(super) fn say(&self, line: impl FnOnce() -> String) {
        match &self.bar {
            _ if !self.verbose => {}
            Some(bar) => bar.suspend(|| eprintln!("{}", line())),
            None => eprintln!("{}", line()),
        }
    }

    /// How many keys failed.
    pub(super) fn failures(&self) -> usize {
        self.failed.len()
    }

    /// The summary.
    pub(super) fn report(&self, dry_run: bool) -> String {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let mut text = String::new();
        for line in &self.failed {
            let _ = writeln!(text, "failed: {line}");
        }
        let verb = if dry_run { "to copy" } else { "copied" };
        let seconds = self.began.elapsed().as_secs_f64();
        let skipped: Vec<String> =
            self.skipped.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let skipped = if skipped.is_empty() { "none".to_owned() } else { skipped.join(", ") };
        let _ = writeln!(text, "keys {verb}:      {}", self.copied);
        let _ = writeln!(text, "already there:    {}", self.present);
        let _ = writeln!(text, "entries:          {}", self.entries);
        let _ = writeln!(text, "groups:           {}", self.groups);
        let _ = writeln!(text, "pending entries:  {}", self.pending);
        let _ = writeln!(text, "bytes:            {}", self.bytes);
        let _ = writeln!(text, "skipped:          {skipped}");
        let _ = writeln!(text, "gone meanwhile:   {}", self.vanished);
        let _ = writeln!(text, "failed:           {}", self.failed.len());
        let _ = writeln!(text, "seconds:          {seconds:.1}");
        text
    }
}

fn size(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
