//! One line, however deep the reply is.

use super::{double, quoted};
use ackline_resp::decode_reply::Value;

pub(super) fn value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Simple(text) | Value::Bulk(text) | Value::Verbatim { text, .. } => {
            out.extend(quoted(text).bytes())
        }
        Value::Error(text) => out.extend(format!("ERROR,{}", quoted(text)).bytes()),
        Value::Int(n) => out.extend(n.to_string().bytes()),
        Value::Double(n) => out.extend(double(*n)),
        Value::Bool(yes) => out.extend(yes.to_string().bytes()),
        Value::BigNumber(digits) => out.extend(digits.bytes()),
        Value::Null | Value::NullArray => out.extend(b"NULL"),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => list(out, items.iter()),
        Value::Map(pairs) => list(out, pairs.iter().flat_map(|(key, value)| [key, value])),
        Value::Attribute(_, inner) => self::value(out, inner),
    }
}

fn list<'v>(out: &mut Vec<u8>, items: impl Iterator<Item = &'v Value>) {
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        value(out, item);
    }
}
