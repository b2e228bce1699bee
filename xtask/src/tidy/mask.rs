//! Blanks out comments and the insides of literals, so that rules see only code. Lines stay where they were.

/// The source with every comment and the text of every string and character literal replaced by blanks.
pub(crate) fn mask(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let end = match hidden_end(&chars, at) {
            Some(end) => end.min(chars.len()),
            None => {
                out.push(chars[at]);
                at += 1;
                continue;
            }
        };
        out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

/// If a comment or a literal begins here, where it ends.
fn hidden_end(chars: &[char], at: usize) -> Option<usize> {
    let rest = &chars[at..];
    let inside_word = at > 0 && is_word(chars[at - 1]);
    match rest {
        ['/', '/', ..] => Some(at + rest.iter().take_while(|&&c| c != '\n').count()),
        ['/', '*', ..] => Some(block_comment_end(chars, at)),
        ['"', ..] => Some(quoted_end(chars, at + 1, '"')),
        ['r', '"' | '#', ..] if !inside_word => raw_string_end(chars, at + 1),
        ['b', 'r', '"' | '#', ..] if !inside_word => raw_string_end(chars, at + 2),
        ['\'', '\\', ..] => Some(quoted_end(chars, at + 1, '\'')),
        ['\'', _, '\'', ..] => Some(at + 3), // anything else after a quote is a lifetime
        _ => None,
    }
}

/// Block comments nest.
fn block_comment_end(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0usize);
    while at < chars.len() {
        match &chars[at..] {
            ['/', '*', ..] => (at, depth) = (at + 2, depth + 1),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

fn quoted_end(chars: &[char], start: usize, quote: char) -> usize {
    let mut at = start;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// `None` for a raw identifier, which begins like a raw string.
fn raw_string_end(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars[start..].iter().take_while(|&&c| c == '#').count();
    let mut at = start + hashes;
    if chars.get(at) != Some(&'"') {
        return None;
    }
    at += 1;
    while at < chars.len() {
        let closes =
            chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
        if closes {
            return Some(at + 1 + hashes);
        }
        at += 1;
    }
    Some(at)
}

/// Whether the character can be part of an identifier.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, want: &str) {
        assert_eq!(mask(source), want, "{source}");
    }

    #[test]
    fn comments_become_blanks() {
        check("a // b", "a     ");
        check("a /* b\n/* c */ d */ e", "a     \n             e");
        check("/// doc\nfn", "       \nfn");
    }

    #[test]
    fn literals_become_blanks() {
        check(r#"f("x\"y", z)"#, "f(      , z)");
        check(r##"r#"a"b"# + br"c""##, "         +      ");
        check(r"('\'', '}', b'{')", "(    ,    , b   )");
    }

    #[test]
    fn lifetimes_and_raw_identifiers_stay() {
        check("&'a str, 'static", "&'a str, 'static");
        check("r#type", "r#type");
        check("var\"x\"", "var   ");
    }
}
