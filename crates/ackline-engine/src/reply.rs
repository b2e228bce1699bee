//! Replies, free of any protocol. The server turns them into RESP2 or RESP3 after the shard is unlocked.

use crate::error::Error;
use crate::id::StreamId;
use crate::state::{EntryRef, Name};
use bytes::Bytes;

/// What a command answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// `+OK`.
    Ok,
    /// A simple string.
    Simple(&'static str),
    /// A simple string with a text made on the way.
    Line(String),
    /// An integer.
    Int(i64),
    /// A bulk string.
    Bulk(Bytes),
    /// A bulk string that mostly needs no allocation.
    Name(Name),
    /// A bulk string with a text made by the engine.
    Text(String),
    /// A bulk string holding a decimal number.
    Decimal(i64),
    /// A bulk string `ms-seq`.
    Id(StreamId),
    /// Null bulk string: `$-1` in RESP2, `_` in RESP3.
    Null,
    /// Null array: `*-1` in RESP2, `_` in RESP3.
    NullArray,
    /// An array.
    Array(Vec<Reply>),
    /// A flat array of name, value in RESP2, a map in RESP3.
    Map(Vec<(Reply, Reply)>),
    /// An array of pairs in RESP2, a map in RESP3 (XREAD, XREADGROUP).
    Pairs(Vec<(Reply, Reply)>),
    /// An array in RESP2, a set in RESP3.
    Set(Vec<Reply>),
    /// A bulk string in RESP2, verbatim text in RESP3.
    Verbatim(String),
    /// A double in RESP3, a bulk string in RESP2.
    Double(f64),
    /// An entry: `[id, [field, value, ..]]`. Shares the block that the entry lies in.
    Entry(EntryRef),
    /// An entry read with CLAIM: `[id, [field, value, ..], idle, delivery count]`.
    Delivered(EntryRef, i64, i64),
    /// An error inside an array (EXEC).
    Error(Error),
}

impl Reply {
    /// An integer reply of a count.
    pub fn count(n: usize) -> Reply {
        Reply::Int(n as i64)
    }

    /// A bulk string copied from `bytes`.
    pub fn bulk(bytes: &[u8]) -> Reply {
        Reply::Name(bytes.into())
    }

    /// A field name of a map.
    pub fn name(text: &'static str) -> Reply {
        Reply::Bulk(Bytes::from_static(text.as_bytes()))
    }
}

/// What executing a command gives.
pub type Outcome = Result<Reply, Error>;
