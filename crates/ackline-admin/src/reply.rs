//! Picking facts out of replies. RESP2 and RESP3 say the same in different shapes: a map there is a flat array here.

use ackline_resp::decode_reply::Value;

/// The bytes of a string of any kind; empty for everything else.
pub fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Bulk(bytes) | Value::Simple(bytes) | Value::Verbatim { text: bytes, .. } => bytes,
        _ => b"",
    }
}

/// The text of a string of any kind.
pub fn text(value: &Value) -> String {
    String::from_utf8_lossy(bytes(value)).into_owned()
}

/// A number, also one that is written as a string.
pub fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) => Some(*n),
        other => std::str::from_utf8(bytes(other)).ok()?.parse().ok(),
    }
}

/// The elements of an array, a set or a push; none for everything else.
pub fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) | Value::Set(items) | Value::Push(items) => items,
        _ => &[],
    }
}

/// Keys and values of a map, or of a flat array of them.
pub fn pairs(value: &Value) -> Vec<(&Value, &Value)> {
    match value {
        Value::Map(pairs) => pairs.iter().map(|(key, value)| (key, value)).collect(),
        other => items(other).chunks_exact(2).map(|pair| (&pair[0], &pair[1])).collect(),
    }
}

/// The value of a key of a map.
pub fn field<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    pairs(value).into_iter().find(|(key, _)| bytes(key) == name.as_bytes()).map(|(_, value)| value)
}

/// A number of a map; `None` if it is missing or null.
pub fn field_int(value: &Value, name: &str) -> Option<i64> {
    field(value, name).and_then(int)
}

/// The text of a field of a map; empty if it is missing.
pub fn field_text(value: &Value, name: &str) -> String {
    field(value, name).map(text).unwrap_or_default()
}
