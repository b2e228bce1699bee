//! Inline requests: words on a line, with quotes.
//!
//! ```text
//! line   = blank* (word (blank+ word)*)? blank*
//! word   = plain* | plain* '"' ... '"' | plain* "'" ... "'"      a closing quote ends its word
//! ```

use std::ops::Range;

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
