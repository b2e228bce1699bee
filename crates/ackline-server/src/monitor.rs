//! The lines that MONITOR shows.

use crate::session::Session;
use ackline_engine::{Args, Spec};
use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// `sec.usec [db addr] "word" ..`; passwords do not appear.
pub(crate) fn line(session: &Session, spec: &Spec, args: Args<'_>) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut line =
        format!("{}.{:06} [{} {}]", now.as_secs(), now.subsec_micros(), session.db, session.info.addr);
    let secret = matches!(spec.name, "auth" | "hello");
    for (at, word) in args.iter().enumerate() {
        line.push(' ');
        match secret && at > 0 {
            true => line.push_str("\"(redacted)\""),
            false => quote(&mut line, word),
        }
    }
    line
}

/// A word in double quotes, with everything unprintable escaped.
pub(crate) fn quote(out: &mut String, word: &[u8]) {
    out.push('"');
    for &byte in word {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            b' '..=b'~' => out.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(out, "\\x{byte:02x}")),
        }
    }
    out.push('"');
}
