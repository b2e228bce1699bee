//! For eyes.

use super::{double, printable, printable_line, quoted};
use ackline_resp::decode_reply::Value;

/// Elements of an aggregate as they are numbered.
struct Numbered {
    /// Behind the number: `)`, `~` or `#`.
    mark: char,
    width: usize,
    /// Stands before every line but the first.
    indent: String,
}

impl Numbered {
    fn new(mark: char, len: usize, indent: &str) -> Numbered {
        Numbered { mark, width: len.to_string().len(), indent: indent.to_owned() }
    }

    /// `12) `, with its indentation if it is not the first.
    fn begin(&self, out: &mut Vec<u8>, index: usize) {
        let indent = if index == 0 { "" } else { &self.indent };
        let (width, mark) = (self.width, self.mark);
        out.extend(format!("{indent}{:>width$}{mark} ", index + 1).bytes());
    }

    /// What an element's further lines begin with.
    fn inner(&self) -> String {
        format!("{}{:width$}", self.indent, "", width = self.width + 2)
    }
}

/// A value with its line end, at a place whose line has begun and whose further lines are indented.
pub(super) fn value(out: &mut Vec<u8>, value: &Value, indent: &str) {
    match value {
        Value::Array(items) => elements(out, items, (')', "(empty array)"), indent),
        Value::Set(items) => elements(out, items, ('~', "(empty set)"), indent),
        Value::Push(items) => elements(out, items, (')', "(empty push)"), indent),
        Value::Map(pairs) => map(out, pairs, indent),
        Value::Attribute(about, inner) => {
            out.extend(b"(attribute)\n");
            out.extend(indent.bytes());
            map(out, about, indent);
            out.extend(indent.bytes());
            self::value(out, inner, indent);
        }
        scalar => {
            self::scalar(out, scalar);
            out.push(b'\n');
        }
    }
}

fn scalar(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Simple(text) => printable_line(out, text),
        Value::Error(text) => {
            out.extend(b"(error) ");
            printable_line(out, text);
        }
        Value::Int(n) => out.extend(format!("(integer) {n}").bytes()),
        Value::Double(n) => out.extend([&b"(double) "[..], &double(*n)].concat()),
        Value::Bool(yes) => out.extend(if *yes { &b"(true)"[..] } else { b"(false)" }),
        Value::Bulk(text) => out.extend(quoted(text).bytes()),
        Value::Verbatim { text, .. } => printable(out, text),
        Value::BigNumber(digits) => out.extend(format!("(big number) {digits}").bytes()),
        _ => out.extend(b"(nil)"),
    }
}

fn elements(out: &mut Vec<u8>, items: &[Value], (mark, none): (char, &str), indent: &str) {
    if items.is_empty() {
        out.extend(none.bytes());
        out.push(b'\n');
    }
    let numbered = Numbered::new(mark, items.len(), indent);
    for (index, item) in items.iter().enumerate() {
        numbered.begin(out, index);
        value(out, item, &numbered.inner());
    }
}

fn map(out: &mut Vec<u8>, pairs: &[(Value, Value)], indent: &str) {
    if pairs.is_empty() {
        out.extend(b"(empty hash)\n");
    }
    let numbered = Numbered::new('#', pairs.len(), indent);
    for (index, (key, inner)) in pairs.iter().enumerate() {
        numbered.begin(out, index);
        value(out, key, &numbered.inner());
        // The value goes behind the key, on its last line.
        out.pop();
        out.extend(b" => ");
        let mut text = Vec::new();
        value(&mut text, inner, &numbered.inner());
        // What has several lines begins on one of its own.
        if is_aggregate(inner) && text[..text.len() - 1].contains(&b'\n') {
            out.push(b'\n');
            out.extend(numbered.inner().bytes());
        }
        out.extend(text);
    }
}

fn is_aggregate(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Set(_) | Value::Push(_) | Value::Map(_))
}
