//! Words as redis-cli reads and prints them.

/// Splits a line into words: bare, `"with \n \xHH escapes"`, or `'nearly raw'`. `None` if a quote is left open or is
/// not followed by a blank.
pub fn split(line: &str) -> Option<Vec<Vec<u8>>> {
    let mut rest = line.trim_start().as_bytes();
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (word, left) = match rest[0] {
            b'"' => double_quoted(&rest[1..])?,
            b'\'' => single_quoted(&rest[1..])?,
            _ => bare(rest),
        };
        if !left.is_empty() && !left[0].is_ascii_whitespace() {
            return None;
        }
        words.push(word);
        rest = left.trim_ascii_start();
    }
    Some(words)
}

fn bare(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = text.iter().position(u8::is_ascii_whitespace).unwrap_or(text.len());
    (text[..end].to_vec(), &text[end..])
}

fn single_quoted(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        match text {
            [b'\'', rest @ ..] => return Some((word, rest)),
            [b'\\', b'\'', rest @ ..] => {
                word.push(b'\'');
                text = rest;
            }
            [byte, rest @ ..] => {
                word.push(*byte);
                text = rest;
            }
            [] => return None,
        }
    }
}

fn double_quoted(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        let (byte, rest) = match text {
            [b'"', rest @ ..] => return Some((word, rest)),
            [b'\\', b'x', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), rest)
            }
            [b'\\', escaped, rest @ ..] => (unescape(*escaped), rest),
            [byte, rest @ ..] => (*byte, rest),
            [] => return None,
        };
        word.push(byte);
        text = rest;
    }
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).unwrap_or(0) as u8
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

/// A bulk string in double quotes, everything unprintable escaped.
pub fn quote(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            7 => out.push_str("\\a"),
            8 => out.push_str("\\b"),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_in_redis_cli() {
        let words = split(r#"XADD s * "a b" 'c "d" \' e' "\x00\xFF\n\"""#).unwrap();
        assert_eq!(words[3], b"a b");
        assert_eq!(words[4], b"c \"d\" ' e");
        assert_eq!(words[5], b"\x00\xff\n\"");
        assert_eq!(split("\"open"), None);
        assert_eq!(split("\"a\"b"), None);
    }

    #[test]
    fn what_is_quoted_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(split(&quote(&all)), Some(vec![all]));
    }
}
