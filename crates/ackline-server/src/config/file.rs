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

/// The words of a line, with quotes resolved; `None` if they are unbalanced.
fn split(line: &str) -> Option<Vec<String>> {
    let (mut words, mut chars) = (Vec::new(), line.chars().peekable());
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = chars.peek().copied() else { return Some(words) };
        let mut word = String::new();
        if first == '"' || first == '\'' {
            chars.next();
            loop {
                match chars.next()? {
                    c if c == first => break,
                    '\\' if first == '"' => word.push(escaped(chars.next()?)),
                    c => word.push(c),
                }
            }
        } else {
            while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
                word.push(c);
            }
        }
        words.push(word);
    }
}

fn escaped(c: char) -> char {
    match c {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    }
}
