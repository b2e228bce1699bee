//! For scripts.

use super::double;
use ackline_resp::decode_reply::Value;

pub(super) fn value(out: &mut Vec<u8>, value: &Value, between: &[u8]) {
    match value {
        Value::Simple(text) | Value::Bulk(text) | Value::Verbatim { text, .. } => out.extend(text),
        Value::Error(text) => {
            out.extend(text);
            out.push(b'\n');
        }
        Value::Int(n) => out.extend(n.to_string().bytes()),
        Value::Double(n) => out.extend(double(*n)),
        Value::Bool(yes) => out.extend(if *yes { &b"(true)"[..] } else { b"(false)" }),
        Value::BigNumber(digits) => out.extend(digits.bytes()),
        Value::Null | Value::NullArray => {}
        Value::Array(items) | Value::Set(items) | Value::Push(items) => {
            for (index, item) in items.iter().enumerate() {
                out.extend(if index > 0 { between } else { b"" });
                self::value(out, item, between);
            }
        }
        Value::Map(pairs) => {
            for (index, (key, item)) in pairs.iter().enumerate() {
                out.extend(if index > 0 { between } else { b"" });
                self::value(out, key, between);
                out.push(b' ');
                self::value(out, item, between);
            }
        }
        Value::Attribute(_, inner) => self::value(out, inner, between),
    }
}
