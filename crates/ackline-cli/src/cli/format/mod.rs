//! Replies as text: for eyes, for scripts, as JSON, as CSV. What scripts read is byte for byte what redis-cli 8.6 prints.

mod csv;
mod json;
mod raw;
mod standard;
#[cfg(test)]
mod tests;

use ackline_admin::words::is_harmful;
use ackline_resp::decode_reply::Value;
use ackline_resp::encode::Writer;

/// How replies are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Output {
    /// Types, numbers before elements, everything unprintable escaped.
    Standard,
    /// Bytes as they are.
    Raw,
    /// JSON; bytes that are no UTF-8 as the characters of their numbers.
    Json,
    /// JSON in ASCII: strings are quoted and escaped as in [`Output::Standard`], and that is the JSON string.
    QuotedJson,
    /// One line of comma-separated values.
    Csv,
}

/// Output, and what stands between things.
#[derive(Clone, Debug)]
pub(super) struct Format {
    pub(super) output: Output,
    /// Between the elements of a raw reply.
    pub(super) between: Vec<u8>,
    /// Behind a raw reply.
    pub(super) behind: Vec<u8>,
}

impl Format {
    /// The reply to a command as it is printed, with its line end.
    pub(super) fn reply(&self, value: &Value, words: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        match self.output {
            _ if is_report(words) && text_of(value).is_some() => {
                report(&mut out, text_of(value).unwrap_or_default(), self.output);
            }
            Output::Standard => standard::value(&mut out, value, ""),
            Output::Raw => {
                raw::value(&mut out, value, &self.between);
                out.extend(&self.behind);
            }
            Output::Json | Output::QuotedJson => {
                json::value(&mut out, value, self.output == Output::QuotedJson);
                out.push(b'\n');
            }
            Output::Csv => {
                csv::value(&mut out, value);
                out.push(b'\n');
            }
        }
        out
    }
}

/// Commands whose answer is a text with lines of its own, which is printed as it is whatever the format.
fn is_report(words: &[Vec<u8>]) -> bool {
    let is = |at: usize, all: &[&str]| {
        words.get(at).is_some_and(|word| all.iter().any(|one| word.eq_ignore_ascii_case(one.as_bytes())))
    };
    is(0, &["INFO", "LOLWUT"])
        || is(0, &["CLIENT"]) && is(1, &["LIST", "INFO"])
        || is(0, &["MEMORY"]) && is(1, &["DOCTOR", "MALLOC-STATS"])
        || is(0, &["LATENCY"]) && is(1, &["DOCTOR", "GRAPH"])
        || is(0, &["CLUSTER"]) && is(1, &["INFO", "NODES"])
        || is(0, &["DEBUG"]) && is(1, &["HTSTATS", "HTSTATS-KEY"])
}

fn text_of(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Bulk(text) | Value::Verbatim { text, .. } => Some(text),
        _ => None,
    }
}

fn report(out: &mut Vec<u8>, text: &[u8], output: Output) {
    match output {
        Output::Standard => printable(out, text),
        _ => out.extend(text),
    }
    if !out.ends_with(b"\n") {
        out.push(b'\n');
    }
}

/// Text of several lines without what would move a terminal's cursor or change its colours.
pub(super) fn printable(out: &mut Vec<u8>, text: &[u8]) {
    for chunk in text.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\n' | '\r' | '\t' => out.push(char as u8),
                char if is_harmful(char) => out.extend(format!("\\x{:02x}", char as u32).bytes()),
                char => out.extend(char.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        chunk.invalid().iter().for_each(|byte| out.extend(format!("\\x{byte:02x}").bytes()));
    }
}

/// The same of a text that is kept.
pub(super) fn harmless(text: &str) -> String {
    let mut out = Vec::new();
    printable_line(&mut out, text.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

/// The same, of one line.
fn printable_line(out: &mut Vec<u8>, text: &[u8]) {
    let start = out.len();
    printable(out, text);
    out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
}

/// In double quotes, everything escaped that is not printable ASCII.
pub(super) fn quoted(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    ackline_resp::quote(&mut out, text);
    out
}

/// A number as servers write it.
fn double(n: f64) -> Vec<u8> {
    let mut line = Vec::new();
    Writer::new(&mut line, ackline_resp::Protocol::Resp3).double(n);
    line.strip_prefix(b",").and_then(|line| line.strip_suffix(b"\r\n")).map_or(Vec::new(), <[u8]>::to_vec)
}
