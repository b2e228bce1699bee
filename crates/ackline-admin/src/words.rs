//! Commands and binary names: as they are shown, and as they stand in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use std::fmt;

/// A command as its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command(pub Vec<Vec<u8>>);

impl Command {
    /// A command of the words of a line, split at spaces, and more words, which may hold any bytes.
    pub fn new<W: AsRef<[u8]>>(line: &str, more: impl IntoIterator<Item = W>) -> Command {
        let words = line.split_ascii_whitespace().map(|word| word.as_bytes().to_vec());
        Command(words.chain(more.into_iter().map(|word| word.as_ref().to_vec())).collect())
    }

    /// The command with further words.
    pub fn with<W: AsRef<[u8]>>(mut self, more: impl IntoIterator<Item = W>) -> Command {
        self.0.extend(more.into_iter().map(|word| word.as_ref().to_vec()));
        self
    }
}

/// As one types it at the prompt of a command line client.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, word) in self.0.iter().enumerate() {
            let gap = if position == 0 { "" } else { " " };
            write!(f, "{gap}{}", quoted(word))?;
        }
        Ok(())
    }
}

impl Serialize for Command {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A word as it may be typed: in quotes and escaped where it has to be.
pub fn quoted(word: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if !word.is_empty() && word.iter().all(plain) {
        return String::from_utf8_lossy(word).into_owned();
    }
    format!("\"{}\"", escaped(word).replace('"', "\\\""))
}

/// Bytes as they may be shown on one line: text as it is, everything else escaped. Control characters do nothing to a
/// terminal this way.
pub fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| escape(&mut out, c));
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out
}

fn escape(out: &mut String, c: char) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\\' => out.push_str("\\\\"),
        c if is_harmful(c) => escape_bytes(out, c),
        c => out.push(c),
    }
}

fn escape_bytes(out: &mut String, c: char) {
    c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
}

/// Whether a character does something to a terminal in place of being shown: controls, and what turns the direction of
/// writing, which could make one name look like another.
pub fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text of several lines as it may be shown, whatever names are in it. What is quoted in it stays as it is.
pub fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_harmful(c) && c != '\n' => escape_bytes(&mut out, c),
            c => out.push(c),
        }
    }
    out
}

/// JSON as it may be shown: the same value, with escapes for what JSON would allow in strings as it is.
pub fn harmless_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // Between the strings of a value that is laid out in lines.
            c if is_harmful(c) && c != '\n' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Bytes in JSON: a string, or `{"base64": ".."}` if they are no UTF-8.
#[derive(Clone, Copy, Debug)]
pub struct Json<'b>(pub &'b [u8]);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_map([("base64", STANDARD.encode(self.0))]),
        }
    }
}

/// For `#[serde(serialize_with = ..)]`.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    Json(bytes).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_one_types_them() {
        let command =
            Command::new("XACK", [&b"orders"[..], b"a b", b"", b"\"\\", b"\x00\xff", "äöü".as_bytes()]);
        assert_eq!(command.to_string(), r#"XACK orders "a b" "" "\"\\" "\x00\xff" "äöü""#);
    }

    #[test]
    fn a_name_does_nothing_to_a_terminal() {
        assert_eq!(escaped(b"a\x1b[31m\n\t\x7f\\"), "a\\x1b[31m\\n\\t\\x7f\\\\");
        assert_eq!(escaped("\u{9b}\u{202e}".as_bytes()), "\\xc2\\x9b\\xe2\\x80\\xae");
    }

    #[test]
    fn texts_and_json_do_nothing_to_a_terminal() {
        assert_eq!(
            harmless("no \"\\x1b\" in \u{1b}]0;\u{7}\n  hint \u{9b}"),
            "no \"\\x1b\" in \\x1b]0;\\x07\n  hint \\xc2\\x9b"
        );
        let text = "é\u{9b}\u{202e}\u{1b}";
        let json = harmless_json(&serde_json::to_string(text).unwrap());
        assert_eq!(json, r#""é\u009b\u202e\u001b""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn bytes_in_json_are_text_where_they_can_be() {
        let json = |bytes| serde_json::to_string(&Json(bytes)).unwrap();
        assert_eq!(
            (json("é".as_bytes()), json(b"\xff")),
            ("\"é\"".to_owned(), r#"{"base64":"/w=="}"#.to_owned())
        );
    }
}
