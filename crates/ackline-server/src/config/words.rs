//! The words of a line, and a line of words.

/// The words of a line, with quotes resolved; `None` if they are unbalanced, or closed in the middle of a word.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let (mut words, mut chars) = (Vec::new(), line.chars().peekable());
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Some(words);
        }
        words.push(word(&mut chars)?);
    }
}

type Chars<'l> = std::iter::Peekable<std::str::Chars<'l>>;

fn word(chars: &mut Chars<'_>) -> Option<String> {
    let mut word = String::new();
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        if c == '"' || c == '\'' {
            quoted(chars, c, &mut word)?;
            return chars.peek().is_none_or(|c| c.is_whitespace()).then_some(word);
        }
        word.push(c);
    }
    Some(word)
}

/// What is behind an opening quote, up to the closing one.
fn quoted(chars: &mut Chars<'_>, quote: char, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            c if c == quote => return Some(()),
            '\\' if quote == '"' => word.push(escaped(chars)?),
            '\\' => word.push(chars.next_if_eq(&'\'').unwrap_or('\\')),
            c => word.push(c),
        }
    }
}

/// The character that stands behind a backslash; `\xHH` only for ASCII, as values are text.
fn escaped(chars: &mut Chars<'_>) -> Option<char> {
    Some(match chars.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'a' => '\u{7}',
        'x' => {
            let code = chars.next()?.to_digit(16)? * 16 + chars.next()?.to_digit(16)?;
            char::from_u32(code).filter(char::is_ascii)?
        }
        other => other,
    })
}

/// The words as a line that reads back as them: what needs no quotes has none.
pub(super) fn join(words: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty() && !word.chars().any(|c| c.is_whitespace() || c.is_control() || "\"'\\#".contains(c))
    };
    let quote = |word: &String| match plain(word) {
        true => word.clone(),
        false => in_quotes(word),
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

fn in_quotes(word: &str) -> String {
    let mut text = String::from('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c if c.is_ascii_control() => text.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::{join, split};

    #[test]
    fn quotes() {
        let cases: [(&str, Option<&[&str]>); 8] = [
            (r#"a "b c" 'd e'"#, Some(&["a", "b c", "d e"])),
            (r#"a "\x41\n\"" 'it\'s \n'"#, Some(&["a", "A\n\"", "it's \\n"])),
            (r#"a """#, Some(&["a", ""])),
            (r#"a b"c d""#, Some(&["a", "bc d"])),
            (r#"a "b"#, None),
            (r#"a "b"c"#, None),
            (r#"a "\xff""#, None),
            ("", Some(&[])),
        ];
        for (line, words) in cases {
            let expected = words.map(|words| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
            assert_eq!(split(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_quoted_reads_back() {
        for word in ["a", "", "a b", "it's", "say \"hi\"", "back\\slash", "a\nb\t", "\u{7}", "#5", "ü ß"] {
            let words = vec!["x".to_owned(), word.to_owned()];
            assert_eq!(split(&join(&words)), Some(words), "{word}");
        }
    }
}
