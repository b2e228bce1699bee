//! An engine, a broker on it, and what lies in it.

use ackline::{Ackline, Reply};
use ackline_consumer::{Body, Fields};
use ackline_ruststream::AcklineBroker;
use ruststream::Outgoing;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Outgoing)]
#[outgoing(name = "orders")]
pub(crate) struct Order {
    pub(crate) id: u64,
}

pub(crate) fn engine() -> (Ackline, AcklineBroker) {
    let engine = Ackline::memory();
    (engine.clone(), AcklineBroker::embedded(engine).group("billing"))
}

/// How many entries are pending.
pub(crate) fn pending(engine: &Ackline, stream: &str, group: &str) -> i64 {
    match engine.command(&["XPENDING", stream, group]) {
        Ok(Reply::Array(parts)) => match parts.first() {
            Some(Reply::Int(count)) => *count,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// How many entries belong to a consumer. Those that were released are pending, but nobody's.
pub(crate) fn owned(engine: &Ackline, stream: &str, group: &str) -> usize {
    let is_owned = |entry: &&Reply| match entry {
        Reply::Array(parts) => !matches!(&parts[1], Reply::Bulk(owner) if owner.is_empty()),
        other => panic!("{other:?}"),
    };
    match engine.command(&["XPENDING", stream, group, "-", "+", "1000"]) {
        Ok(Reply::Array(all)) => all.iter().filter(is_owned).count(),
        other => panic!("{other:?}"),
    }
}

/// The consumers of a group.
pub(crate) fn consumers(engine: &Ackline, stream: &str, group: &str) -> usize {
    match engine.command(&["XINFO", "CONSUMERS", stream, group]) {
        Ok(Reply::Array(all)) => all.len(),
        other => panic!("{other:?}"),
    }
}

/// The entries of a stream.
pub(crate) fn entries(engine: &Ackline, stream: &str) -> Vec<Fields> {
    let Ok(Reply::Array(all)) = engine.command(&["XRANGE", stream, "-", "+"]) else { panic!("no stream") };
    let fields = |entry: &Reply| match entry {
        Reply::Entry(entry) => Fields::from_words(entry.words()).expect("pairs"),
        other => panic!("{other:?}"),
    };
    all.iter().map(fields).collect()
}

pub(crate) fn body(fields: &Fields) -> Body {
    Body::read(fields).expect("whole")
}
