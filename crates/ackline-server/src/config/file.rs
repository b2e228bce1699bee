//! Directives: lines of a configuration file, and words of the command line.

use std::fmt;

/// Why a configuration is refused.
#[derive(Debug)]
pub struct ConfigError {
    pub(super) place: String,
    pub(super) reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for ConfigError {}

/// A name with its values.
pub(super) struct Directive {
    pub(super) place: String,
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

/// All directives in order: those of the file, then those of the command line.
pub(super) fn directives(args: &[String]) -> Result<Vec<Directive>, ConfigError> {
    let (mut all, mut rest) = (Vec::new(), args);
    if let Some((first, more)) = args.split_first()
        && !first.starts_with("--")
    {
        all = read_file(first)?;
        rest = more;
    }
    all.extend(from_words(rest)?);
    Ok(all)
}

fn read_file(path: &str) -> Result<Vec<Directive>, ConfigError> {
    let fail = |place: String, reason: String| ConfigError { place, reason };
    let text = std::fs::read_to_string(path).map_err(|error| fail(path.to_owned(), error.to_string()))?;
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{path}, line {}", number + 1);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words = split(line).ok_or_else(|| fail(place.clone(), "unbalanced quotes".to_owned()))?;
        if let Some((name, values)) = words.split_first() {
            all.push(Directive { place, name: name.clone(), values: values.to_vec() });
        }
    }
    Ok(all)
}

/// `--name value [value ..]`, up to the next `--`.
fn from_words(words: &[String]) -> Result<Vec<Directive>, ConfigError> {
    let mut all: Vec<Directive> = Vec::new();
    for word in words {
        match (word.strip_prefix("--"), all.last_mut()) {
            (Some(name), _) => {
                let (name, value) =
                    name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
                let values = value.map(str::to_owned).into_iter().collect();
                all.push(Directive { place: "command line".to_owned(), name: name.to_owned(), values });
            }
            (None, Some(directive)) => directive.values.push(word.clone()),
            (None, None) => {
                let reason = format!("expected --name, got '{word}'");
                return Err(ConfigError { place: "command line".to_owned(), reason });
            }
        }
    }
    Ok(all)
}

/// The words of a line, with quotes resolved; `None` if they are unbalanced, or closed in the middle of a word.
fn split(line: &str) -> Option<Vec<String>> {
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

#[cfg(test)]
mod tests {
    use super::split;

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
}
