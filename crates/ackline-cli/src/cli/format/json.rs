//! JSON. Unlike redis-cli's it can always be read back: bytes that are no UTF-8, and quotes within quotes, are escaped.

use super::{double, quoted};
use ackline_admin::words::harmless_json;
use ackline_resp::decode_reply::Value;

pub(super) fn value(out: &mut Vec<u8>, value: &Value, ascii: bool) {
    match value {
        Value::Simple(text) | Value::Bulk(text) | Value::Verbatim { text, .. } => string(out, text, ascii),
        Value::Error(text) => {
            // Whoever reads this learns that it is no answer: it is not JSON.
            out.extend(b"error:");
            string(out, text, ascii);
        }
        Value::Int(n) => out.extend(n.to_string().bytes()),
        Value::Double(n) if !n.is_finite() => string(out, &double(*n), ascii),
        Value::Double(n) => out.extend(double(*n)),
        Value::Bool(yes) => out.extend(yes.to_string().bytes()),
        Value::BigNumber(digits) => out.extend(digits.strip_prefix('+').unwrap_or(digits).bytes()),
        Value::Null | Value::NullArray => out.extend(b"null"),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => array(out, items, ascii),
        Value::Map(pairs) => object(out, pairs, ascii),
        Value::Attribute(_, inner) => self::value(out, inner, ascii),
    }
}

fn array(out: &mut Vec<u8>, items: &[Value], ascii: bool) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        out.extend(if index > 0 { &b","[..] } else { b"" });
        value(out, item, ascii);
    }
    out.push(b']');
}

fn object(out: &mut Vec<u8>, pairs: &[(Value, Value)], ascii: bool) {
    out.push(b'{');
    for (index, (name, item)) in pairs.iter().enumerate() {
        out.extend(if index > 0 { &b","[..] } else { b"" });
        match name {
            Value::Simple(text) | Value::Bulk(text) | Value::Verbatim { text, .. } => {
                string(out, text, ascii)
            }
            // A name has to be a string.
            other => {
                let mut text = Vec::new();
                value(&mut text, other, ascii);
                string(out, &text, ascii);
            }
        }
        out.push(b':');
        value(out, item, ascii);
    }
    out.push(b'}');
}

fn string(out: &mut Vec<u8>, bytes: &[u8], ascii: bool) {
    let text = match ascii {
        true => {
            let quoted = quoted(bytes);
            quoted[1..quoted.len() - 1].to_owned()
        }
        false => text(bytes),
    };
    let json = serde_json::to_string(&text).expect("a string is JSON");
    out.extend(harmless_json(&json).bytes());
}

fn text(bytes: &[u8]) -> String {
    let chunk = |chunk: std::str::Utf8Chunk<'_>| {
        chunk.valid().chars().chain(chunk.invalid().iter().map(|byte| char::from(*byte))).collect::<String>()
    };
    bytes.utf8_chunks().map(chunk).collect()
}
