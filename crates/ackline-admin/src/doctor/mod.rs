//! Why is this group stuck? What is seen, what it means, and the commands that mend it.
//!
//! [`gather`] looks at a group, [`gather_all`] at those of a stream, [`diagnose`] is a pure function of what was seen. The console and `ackline doctor` show the same.
//!
//! | kind | severity | seen |
//! |---|---|---|
//! | `no_consumers` | critical | entries wait, and the group has no consumer |
//! | `nobody_reads` | critical | entries wait, and no consumer has asked for any for [`Thresholds::silent`] |
//! | `dead_consumer` | warn | a consumer holds entries and has said nothing for [`Thresholds::lease`] |
//! | `poison` | warn | entries were delivered [`Thresholds::deliveries`] times or more |
//! | `fatal` | warn | entries that a consumer gave up by XNACK FATAL |
//! | `gone` | warn | entries are pending whose content was deleted or trimmed |
//! | `released` | warn, info | entries belong to nobody; warn if they were there for [`Thresholds::lease`] |
//! | `hoarder` | warn | one of several living consumers holds nearly everything |
//! | `stuck_head` | warn | the oldest pending entry waits far longer than the others |
//! | `never_acked` | warn | nearly everything that was ever delivered is still pending |
//! | `falls_behind` | warn | more is added than delivered |
//! | `leaked_consumers` | warn, info | consumers without entries, silent for [`Thresholds::leaked`]; warn if there are many |
//! | `untrimmed` | warn, info | nearly all of a long stream was acknowledged, and nobody trims it |
//! | `behind` | info | entries wait, and consumers read |
//! | `lag_unknown` | info | the server cannot say how many entries wait |
//! | `created_at_end` | info | the group began behind entries that it will not get |
//! | `producers_stopped` | info | nothing was added for [`Thresholds::quiet`] |
//! | `working` | info | everything was delivered, and some is pending |
//! | `healthy` | info | everything was delivered and acknowledged |

mod consumers;
mod facts;
mod held;
mod remedy;
mod stream;
#[cfg(test)]
mod tests;

pub use facts::{GroupFacts, Rates, gather, gather_all};
pub use remedy::Remedy;

use crate::words::Command;
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Work is late, lost from sight, or will be.
    Warn,
    /// No work is done.
    Critical,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// A name for programs; see the table of this module.
    pub kind: &'static str,
    /// What is seen, in a few words.
    pub title: String,
    /// What it means, and what may be done.
    pub detail: String,
    /// Commands that look closer or mend it, in this order. Words in capitals between angle brackets are to be filled in.
    pub commands: Vec<Command>,
    /// The same as an action of the admin port, if one step mends it and loses nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Remedy>,
}

impl Finding {
    fn new(severity: Severity, kind: &'static str, title: String, detail: impl Into<String>) -> Finding {
        Finding { severity, kind, title, detail: detail.into(), commands: Vec::new(), action: None }
    }

    fn command<W: AsRef<[u8]>>(mut self, line: &str, more: impl IntoIterator<Item = W>) -> Finding {
        self.commands.push(Command::new(line, more));
        self
    }

    fn remedy(mut self, remedy: Remedy) -> Finding {
        self.action = Some(remedy);
        self
    }
}

/// From when on something is remarkable. Times in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// An entry that is pending for so long was probably left: 5 minutes. Longer than the longest job, if consumers do not
    /// renew what they hold.
    pub lease: i64,
    /// A consumer that has not asked for so long does not read: 1 minute. Longer than the BLOCK of reads.
    pub silent: i64,
    /// Deliveries from which on an entry is suspected to be poison: 5.
    pub deliveries: i64,
    /// A consumer without entries that was silent for so long is a leftover: 1 day.
    pub leaked: i64,
    /// So many leftovers are worth a warning: 20.
    pub leaked_count: usize,
    /// A stream to which nothing was added for so long has lost its producers: 1 hour.
    pub quiet: i64,
    /// Pending entries below which nobody hoards and nothing is said of forgotten acknowledgements: 100.
    pub crowd: i64,
    /// Acknowledged entries from which on it is said that nobody trims: 100,000. Ten times as many are a warning.
    pub untrimmed: i64,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        const MINUTE: i64 = 60_000;
        Thresholds {
            lease: 5 * MINUTE,
            silent: MINUTE,
            deliveries: 5,
            leaked: 24 * 60 * MINUTE,
            leaked_count: 20,
            quiet: 60 * MINUTE,
            crowd: 100,
            untrimmed: 100_000,
        }
    }
}

/// What there is to say about a group, the worst first. A group without problems is `healthy`, `working` or `behind`.
pub fn diagnose(facts: &GroupFacts) -> Vec<Finding> {
    diagnose_with(facts, &Thresholds::default())
}

/// The same with other thresholds.
pub fn diagnose_with(facts: &GroupFacts, thresholds: &Thresholds) -> Vec<Finding> {
    let case = Case { facts, thresholds };
    let mut found: Vec<Finding> =
        [consumers::findings(&case), held::findings(&case), stream::findings(&case)].concat();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

/// `ok`, `warn` or `stuck`: the worst of some findings in a word.
pub fn health(findings: &[Finding]) -> &'static str {
    match findings.iter().map(|finding| finding.severity).max() {
        Some(Severity::Critical) => "stuck",
        Some(Severity::Warn) => "warn",
        _ => "ok",
    }
}

/// The facts, and by which measure they are judged.
struct Case<'f> {
    facts: &'f GroupFacts,
    thresholds: &'f Thresholds,
}

impl Case<'_> {
    fn key(&self) -> &[u8] {
        &self.facts.stream.name
    }

    fn group(&self) -> &[u8] {
        &self.facts.group.name
    }

    /// Whether entries wait to be delivered: by the lag, or, if it is unknown, because the group is not at the end.
    fn waits(&self) -> bool {
        match self.lag() {
            Some(lag) => lag > 0,
            None => self.facts.stream.length > 0 && !self.at_end(),
        }
    }

    /// The lag, if the server knows. Some say that less than nothing waits, which means that they do not.
    fn lag(&self) -> Option<i64> {
        self.facts.group.lag.filter(|lag| *lag >= 0)
    }

    /// Whether everything that is in the stream was delivered.
    fn at_end(&self) -> bool {
        use crate::view::id_parts;
        let last = self.facts.stream.last_entry_id.as_deref().unwrap_or(&self.facts.stream.last_id);
        id_parts(last).is_none_or(|last| Some(last) <= id_parts(&self.facts.group.last_delivered_id))
    }

    /// `12 entries wait`, or words for an unknown number.
    fn waiting(&self) -> String {
        match self.lag() {
            Some(1) => "1 entry waits".to_owned(),
            Some(lag) => format!("{} wait", count(lag, "entry")),
            None => "Entries wait (the server cannot say how many)".to_owned(),
        }
    }
}

/// `1 entry`, `2 entries`, `1,234 consumers`.
pub fn count(n: i64, one: &str) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut number = if n < 0 { "-".to_owned() } else { String::new() };
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            number.push(',');
        }
        number.push(digit);
    }
    match (n, one.strip_suffix('y')) {
        (1, _) => format!("{number} {one}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        _ => format!("{number} {one}s"),
    }
}

/// A time in its two greatest units: `5m 3s`.
pub fn span(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let Some(first) = units.iter().position(|(unit, _)| ms >= *unit) else { return "0ms".to_owned() };
    let (unit, name) = units[first];
    let rest = units.get(first + 1).map(|(smaller, name)| (ms % unit / smaller, name));
    match rest {
        // Ms beside seconds are noise.
        Some((amount, name2)) if amount > 0 && *name2 != "ms" => {
            format!("{}{name} {amount}{name2}", ms / unit)
        }
        _ => format!("{}{name}", ms / unit),
    }
}
