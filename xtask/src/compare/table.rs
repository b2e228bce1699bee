//! The rows of the document: what each is called, and what is compared in it.

use super::cases::{self, Metric};

/// A row.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) what: String,
    pub(super) judged: Metric,
    pub(super) goal: Option<f64>,
}

/// A part of the document.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) prose: &'static str,
    pub(super) lines: Vec<Line>,
}

/// Rows that are no runs of the load generator.
#[rustfmt::skip]
const OTHERS: &[(&str, &str, Metric)] = &[
    ("log/1", "log bytes a message, one command at a time", Metric::Bytes),
    ("log/16", "log bytes a message, 16 deep", Metric::Bytes),
    ("memory/entry", "an entry of 100 bytes", Metric::Bytes),
    ("memory/pending", "a pending entry", Metric::Bytes),
    ("memory/left-acked", "left of a pending entry that was acknowledged", Metric::Bytes),
    ("memory/left-trimmed", "left of an entry that was trimmed", Metric::Bytes),
    ("memory/left-deleted", "left of an entry whose stream was deleted", Metric::Bytes),
    ("memory/stream-one", "a stream with one entry, key included", Metric::Bytes),
    ("memory/stream-empty", "a stream whose entry was trimmed, key included", Metric::Bytes),
    ("memory/group", "a group", Metric::Bytes),
    ("memory/consumer", "a consumer", Metric::Bytes),
    ("memory/connection", "an idle connection", Metric::Bytes),
    ("memory/blocked", "a connection that is blocked in XREAD", Metric::Bytes),
    ("stall/delconsumer", "XGROUP DELCONSUMER, 1,000,000 pending", Metric::Milliseconds),
    ("stall/destroy", "XGROUP DESTROY, 1,000,000 pending", Metric::Milliseconds),
    ("stall/trim", "XTRIM MAXLEN 0, 1,000,000 entries", Metric::Milliseconds),
    ("stall/del", "DEL, 1,000,000 entries and pending entries", Metric::Milliseconds),
    ("restart/snapshot", "from a snapshot (RDB)", Metric::Seconds),
    ("restart/log", "from the log alone (AOF)", Metric::Seconds),
    ("disk/fdatasync", "fdatasync", Metric::P50),
];

/// Commands beside a long list of pending entries.
#[rustfmt::skip]
pub(super) const COMMANDS: &[(&str, &str)] = &[
    ("xadd", "XADD"),
    ("xreadgroup", "XREADGROUP, one new entry"),
    ("xack", "XACK, the newest"),
    ("xack-random", "XACK, at random"),
    ("xclaim", "XCLAIM, at random"),
    ("xnack", "XNACK, at random"),
    ("xclaim-idle", "XCLAIM, nobody idle enough"),
    ("xautoclaim-idle", "XAUTOCLAIM COUNT 100, nobody idle enough"),
    ("xpending-idle", "XPENDING IDLE, nobody idle enough"),
    ("xreadgroup-claim-idle", "XREADGROUP CLAIM, nobody idle enough"),
];

/// Title, beginning of the names, and what has to be known.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("Without durability, one thread", "none/", "Nothing is kept on disk."),
    (
        "Without durability, more threads",
        "scale/",
        "8 connections × 16 deep, two client threads. Peers: the better of one I/O thread and as many as Ackline has; \
         (1) says that one was better.",
    ),
    (
        "Without pipelining",
        "single/",
        "Nothing is kept on disk. 64 connections are driven by two client threads.",
    ),
    (
        "appendfsync always",
        "always/",
        "A reply means that it is on the disk, which takes most of the time. 64 connections are driven by two client threads.",
    ),
    ("appendfsync everysec", "everysec/", "64 connections are driven by two client threads."),
    (
        "Bytes of log",
        "log/",
        "What XADD, XREADGROUP and XACK of a message add to the log (AOF), 100 bytes of payload included.",
    ),
    ("Fan-out", "fanout/", "An operation is an XADD that reached all it has to reach."),
    ("Memory", "memory/", "Growth of `used_memory` in bytes, divided by the number of things made."),
    (
        "Stalls",
        "stall/",
        "The longest delay in ms that another connection, which sends PING after PING, sees during the command and 0.3 s after it.",
    ),
    (
        "Restart",
        "restart/",
        "Seconds from the start of the process to the first answer, with 1,000,000 entries that are all pending, after SIGKILL.",
    ),
];

/// All parts but that of the long lists.
pub(super) fn sections() -> Vec<Section> {
    let section = |(title, prefix, prose): &(&'static str, &str, &'static str)| {
        let cases = cases::CASES.iter().map(|case| case.name);
        let names = cases.chain(OTHERS.iter().map(|(name, ..)| *name));
        let lines = names.filter(|name| name.starts_with(prefix)).map(line).collect();
        Section { title, prose, lines }
    };
    SECTIONS.iter().map(section).collect()
}

/// The rows of the long lists, as far as there may be any.
pub(super) fn costs() -> Vec<Line> {
    let row = |zeros: u32| COMMANDS.iter().map(move |(name, _)| line(&format!("pending/1e{zeros}/{name}")));
    (4..=7).flat_map(row).collect()
}

/// The row of a name.
pub(super) fn line(name: &str) -> Line {
    let (what, judged, goal) = if let Some(case) = cases::find(name) {
        (case.what.to_owned(), case.judged, case.goal)
    } else if let Some((_, what, judged)) = OTHERS.iter().find(|other| other.0 == name) {
        ((*what).to_owned(), *judged, None)
    } else {
        (beside(name).unwrap_or_else(|| name.to_owned()), Metric::Cpu, None)
    };
    Line { name: name.to_owned(), what, judged, goal }
}

/// Threads of Ackline in a row.
pub(super) fn threads(name: &str) -> usize {
    cases::find(name).map_or(1, |case| case.threads)
}

fn beside(name: &str) -> Option<String> {
    let (zeros, command) = name.strip_prefix("pending/1e")?.split_once('/')?;
    let what = COMMANDS.iter().find(|other| other.0 == command)?.1;
    let count = match zeros {
        "4" => "10,000",
        "5" => "100,000",
        "6" => "1,000,000",
        _ => "10,000,000",
    };
    Some(format!("{what}, beside {count} pending"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_place_and_a_name() {
        let lines: Vec<Line> = sections().into_iter().flat_map(|section| section.lines).collect();
        // The disk has a sentence instead of a table.
        assert_eq!(lines.len(), cases::CASES.len() + OTHERS.len() - 1);
        assert!(lines.iter().chain(&costs()).all(|line| line.what != line.name));
        assert_eq!(line("pending/1e5/xclaim").what, "XCLAIM, at random, beside 100,000 pending");
    }
}
