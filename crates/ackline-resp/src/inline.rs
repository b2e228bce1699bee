//! Inline requests: words on a line, with quotes.
//!
//! ```text
//! line   = blank* (word (blank+ word)*)? blank*
//! word   = plain* | plain* '"' ... '"' | plain* "'" ... "'"      a closing quote ends its word
//! ```

use std::fmt::Write;
use std::ops::Range;

/// The words of a line, as redis-cli and inline requests read them. `None` if its quotes are unbalanced.
pub fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut bytes, mut words) = (Vec::new(), Vec::new());
    split(line, &mut bytes, &mut words)?;
    Some(words.into_iter().map(|word| bytes[word].to_vec()).collect())
}

/// Appends a word in double quotes, everything unprintable escaped: what [`words`] reads back.
pub fn quote(out: &mut String, word: &[u8]) {
    out.push('"');
    for &byte in word {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
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

/// Splits a line into words, whose bytes go to `out`. `None` if its quotes are unbalanced.
pub(crate) fn split(line: &[u8], out: &mut Vec<u8>, words: &mut Vec<Range<usize>>) -> Option<()> {
    let mut rest = line;
    loop {
        let skip = rest.iter().take_while(|b| is_blank(**b)).count();
        rest = &rest[skip..];
        if rest.is_empty() {
            return Some(());
        }
        let start = out.len();
        rest = word(rest, out)?;
        words.push(start..out.len());
    }
}

/// What separates words: the blanks of C, and NUL.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r' | 0)
}

/// What ends a word that has begun; vertical tab and form feed are part of it then.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0)
}

/// Reads one word; answers what follows it.
fn word<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    while let Some((&byte, next)) = rest.split_first() {
        match byte {
            b'"' => return closed(double_quoted(next, out)?),
            b'\'' => return closed(single_quoted(next, out)?),
            byte if ends_word(byte) => return Some(rest),
            byte => out.push(byte),
        }
        rest = next;
    }
    Some(rest)
}

/// A closing quote is followed by a blank or the end.
fn closed(rest: &[u8]) -> Option<&[u8]> {
    rest.first().is_none_or(|byte| is_blank(*byte)).then_some(rest)
}

fn single_quoted<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'\\', b'\'', next @ ..] => {
                out.push(b'\'');
                next
            }
            [b'\'', next @ ..] => return Some(next),
            [byte, next @ ..] => {
                out.push(*byte);
                next
            }
            [] => return None,
        };
    }
}

fn double_quoted<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'\\', b'x', high, low, next @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                out.push(hex(*high) << 4 | hex(*low));
                next
            }
            [b'\\', byte, next @ ..] => {
                out.push(escaped(*byte));
                next
            }
            [b'"', next @ ..] => return Some(next),
            [byte, next @ ..] => {
                out.push(*byte);
                next
            }
            [] => return None,
        };
    }
}

fn escaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).map_or(0, |n| n as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_in_redis_cli() {
        let read = words(br#"XADD s * "a b" 'c "d" \' e' "\x00\xFF\n\"""#).expect("balanced");
        assert_eq!(read[3], b"a b");
        assert_eq!(read[4], b"c \"d\" ' e");
        assert_eq!(read[5], b"\x00\xff\n\"");
        assert_eq!(words(b"\"open"), None);
        assert_eq!(words(b"\"a\"b"), None);
    }

    #[test]
    fn what_is_quoted_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        let mut line = String::new();
        quote(&mut line, &all);
        assert_eq!(words(line.as_bytes()), Some(vec![all]));
    }
}
