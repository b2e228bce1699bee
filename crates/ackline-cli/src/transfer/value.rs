//! Reading replies.

use ackline_engine::StreamId;
use redis::Value;

/// The bytes of a text; empty for anything else.
pub(super) fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::BulkString(bytes) => bytes,
        Value::SimpleString(text) => text.as_bytes(),
        Value::Okay => b"OK",
        _ => b"",
    }
}

/// As [`bytes`], without a copy where the reply has them.
pub(super) fn into_bytes(value: Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes,
        other => bytes(&other).to_vec(),
    }
}

/// A number, also one that was sent as text.
pub(super) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        other => std::str::from_utf8(bytes(other)).ok()?.parse().ok(),
    }
}

/// The ID of an entry.
pub(super) fn id(value: &Value) -> Option<StreamId> {
    StreamId::parse(bytes(value), 0).ok()
}

/// The elements of an array; none for anything else.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_sequence().unwrap_or_default()
}

/// As [`items`], without a copy.
pub(super) fn into_items(value: Value) -> Vec<Value> {
    value.into_sequence().unwrap_or_default()
}

/// A field of a map, which RESP2 sends as an array.
pub(super) fn field<'v>(map: &'v Value, name: &str) -> Option<&'v Value> {
    map.as_map_iter()?.find(|(key, _)| bytes(key) == name.as_bytes()).map(|(_, value)| value)
}

/// How a key is shown to a person.
pub(super) fn shown(key: &[u8]) -> String {
    format!("\"{}\"", String::from_utf8_lossy(key).escape_debug())
}
