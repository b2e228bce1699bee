//! Answers, whoever gave them.

use crate::error::{Error, Result, ServerError};
use crate::fields::Fields;
use crate::id::EntryId;
use bytes::Bytes;

/// An answer. Maps are flat: key, value, key, value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Nil,
    Int(i64),
    Bytes(Bytes),
    Array(Vec<Value>),
    /// An entry, told apart already by an engine that is no stranger. On the wire it is an array.
    Entry(Received),
    Error(ServerError),
}

/// An entry as a read hands it over.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) id: EntryId,
    /// `None` if the entry was deleted from the stream while it was pending.
    pub(crate) fields: Option<Fields>,
    /// What a read with CLAIM says: milliseconds idle, and how often it had been delivered before.
    pub(crate) before: Option<(i64, i64)>,
}

/// So large an entry is guessed to be.
pub(crate) const ENTRY: usize = 160;

/// Entries of a reply share buffers of at most this size: one that is kept for long keeps no more than that.
pub(crate) const BUFFER_MAX: usize = 16 * 1024;

impl Value {
    pub(crate) fn into_result(self) -> Result<Value> {
        match self {
            Value::Error(error) => Err(Error::Server(error)),
            value => Ok(value),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Value::Nil => "nothing",
            Value::Int(_) => "an integer",
            Value::Bytes(_) => "a string",
            Value::Array(_) => "an array of another shape",
            Value::Entry(_) => "an entry",
            Value::Error(_) => "an error",
        }
    }

    pub(crate) fn int(&self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(*n),
            Value::Bytes(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> Option<&Bytes> {
        match self {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        self.bytes().and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    pub(crate) fn id(&self) -> Option<EntryId> {
        self.bytes().and_then(|bytes| EntryId::parse(bytes))
    }

    pub(crate) fn array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(all) => Some(all),
            Value::Nil => Some(&[]),
            _ => None,
        }
    }

    pub(crate) fn into_array(self) -> Option<Vec<Value>> {
        match self {
            Value::Array(all) => Some(all),
            Value::Nil => Some(Vec::new()),
            _ => None,
        }
    }

    /// The value of a name in a flat map.
    pub(crate) fn of(&self, name: &str) -> Option<&Value> {
        let pairs = self.array()?.chunks_exact(2);
        pairs.into_iter().find(|pair| pair[0].text() == Some(name)).map(|pair| &pair[1])
    }

    /// One entry: `[id, [field, value, ..]]`, with CLAIM `[id, [..], idle, deliveries]`.
    pub(crate) fn into_received(self) -> Option<Received> {
        let parts = match self {
            Value::Entry(entry) => return Some(entry),
            other => other.into_array()?,
        };
        let mut parts = parts.into_iter();
        let id = parts.next()?.id()?;
        let fields = match parts.next()? {
            Value::Nil => None,
            words => Some(fields_of(words.into_array()?)?),
        };
        let before = match (parts.next(), parts.next()) {
            (Some(idle), Some(deliveries)) => Some((idle.int()?, deliveries.int()?)),
            _ => None,
        };
        Some(Received { id, fields, before })
    }

    /// A list of entries.
    pub(crate) fn into_entries(self) -> Option<Vec<Received>> {
        self.into_array()?.into_iter().map(Value::into_received).collect()
    }

    /// The entries of the one stream that was read: `[[key, entries]]`, or flat `[key, entries]` where the protocol has maps.
    pub(crate) fn into_stream(self) -> Option<Vec<Received>> {
        let mut outer = self.into_array()?;
        match outer.pop() {
            None => Some(Vec::new()),
            Some(last) if outer.is_empty() => last.into_array()?.pop()?.into_entries(),
            Some(last) => last.into_entries(),
        }
    }
}

fn fields_of(words: Vec<Value>) -> Option<Fields> {
    if words.iter().any(|word| word.bytes().is_none()) {
        return None;
    }
    Fields::from_words(words.iter().filter_map(Value::bytes))
}

/// What `read` understands of an answer; an error that describes the answer if that is nothing.
pub(crate) fn expect<T>(
    name: &'static str,
    value: Value,
    read: impl FnOnce(Value) -> Option<T>,
) -> Result<T> {
    let value = value.into_result()?;
    let got = value.kind();
    read(value).ok_or(Error::Answer { command: name, got })
}
