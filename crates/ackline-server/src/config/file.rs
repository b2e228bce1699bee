//! Files of directives, and the words of a command line.

use super::place::{ConfigError, Directive, Place};
use super::words::split;
use ackline_engine::glob;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

/// Files that include each other deeper than this go in a circle.
const DEPTH_MAX: usize = 16;
/// Most bytes of a file of directives.
const FILE_MAX: u64 = 16 << 20;
/// The name of a configuration that is read from the standard input.
pub(super) const STDIN: &str = "-";

/// The directives of a command line, and the files that it names.
#[derive(Default)]
pub(super) struct CommandLine {
    /// Files in their order; [`STDIN`] = the standard input.
    pub(super) files: Vec<String>,
    pub(super) directives: Vec<Directive>,
}

/// `[FILE] [--name value [value ..]] .. [-]`.
pub(super) fn command_line(words: &[String]) -> Result<CommandLine, ConfigError> {
    let mut line = CommandLine::default();
    let mut words = words;
    if let Some((first, rest)) = words.split_first()
        && !first.starts_with("--")
    {
        line.files.push(first.clone());
        words = rest;
    }
    if let Some((last, rest)) = words.split_last()
        && last == STDIN
    {
        line.files.push(STDIN.to_owned());
        words = rest;
    }
    for directive in from_words(words)? {
        match directive.name.eq_ignore_ascii_case("include") {
            false => line.directives.push(directive),
            true => {
                included(&directive)?.iter().try_for_each(|path| include(path, 1, &mut line.directives))?
            }
        }
    }
    Ok(line)
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
                all.push(Directive { place: Place::CommandLine, name: name.to_owned(), values });
            }
            (None, Some(directive)) => directive.values.push(word.clone()),
            (None, None) => return Err(ConfigError::line(Place::CommandLine, word, "expected --name")),
        }
    }
    Ok(all)
}

/// The directives of a file and of those that it includes, in their order.
pub(super) fn read(path: &str) -> Result<Vec<Directive>, ConfigError> {
    let mut all = Vec::new();
    include(path, 0, &mut all)?;
    Ok(all)
}

fn include(path: &str, depth: usize, all: &mut Vec<Directive>) -> Result<(), ConfigError> {
    let text = text(path).map_err(|error| ConfigError::file(path, error))?;
    let name: Arc<str> = if path == STDIN { "the standard input".into() } else { path.into() };
    for (number, line) in text.lines().enumerate() {
        let place = Place::Line(Arc::clone(&name), number + 1);
        let Some(directive) = parse(line, place)? else { continue };
        match directive.name.eq_ignore_ascii_case("include") {
            false => all.push(directive),
            true if depth == DEPTH_MAX => {
                return Err(directive.refuse(format!("more than {DEPTH_MAX} files include each other")));
            }
            true => included(&directive)?.iter().try_for_each(|path| include(path, depth + 1, all))?,
        }
    }
    Ok(())
}

/// The text of a file, or of the standard input.
fn text(path: &str) -> std::io::Result<String> {
    let mut text = String::new();
    match path {
        STDIN => std::io::stdin().take(FILE_MAX + 1).read_to_string(&mut text)?,
        path => std::fs::File::open(path)?.take(FILE_MAX + 1).read_to_string(&mut text)?,
    };
    match text.len() as u64 > FILE_MAX {
        true => Err(std::io::Error::other(format!("longer than {FILE_MAX} bytes"))),
        false => Ok(text),
    }
}

/// The directive of a line; `None` for a comment or an empty line.
pub(super) fn parse(line: &str, place: Place) -> Result<Option<Directive>, ConfigError> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let Some(words) = split(line) else {
        // What cannot be read may hold a secret: the name alone is shown.
        let name = line.split_whitespace().next().unwrap_or_default().to_owned();
        let cut = Directive { place, name, values: vec!["..".to_owned()] };
        return Err(cut.refuse("Unbalanced quotes in configuration line"));
    };
    let directive = words.split_first().map(|(name, values)| Directive {
        place,
        name: name.clone(),
        values: values.to_vec(),
    });
    Ok(directive)
}

/// The files that an `include` names: by patterns those that there are, by name the one.
fn included(directive: &Directive) -> Result<Vec<String>, ConfigError> {
    match &directive.values[..] {
        [path] if path.contains(['*', '?', '[']) => Ok(matching(path)),
        [path] => Ok(vec![path.clone()]),
        _ => Err(directive.refuse("wrong number of arguments")),
    }
}

/// The files whose paths match a pattern, in alphabetical order.
fn matching(pattern: &str) -> Vec<String> {
    let root = if pattern.starts_with('/') { "/" } else { "" };
    let mut found = vec![PathBuf::from(root)];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = found.iter().flat_map(|dir| entries(dir, part)).collect();
    }
    found.into_iter().filter(|path| path.is_file()).map(|path| path.display().to_string()).collect()
}

/// What of a directory matches one part of a pattern. Hidden files match a pattern that begins with a dot alone.
fn entries(dir: &std::path::Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?', '[']) {
        return vec![dir.join(part)];
    }
    let here = if dir.as_os_str().is_empty() { std::path::Path::new(".") } else { dir };
    let names = std::fs::read_dir(here).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let fits = |name: &String| {
        name.starts_with('.') == part.starts_with('.')
            && glob::matches(part.as_bytes(), name.as_bytes(), false)
    };
    let mut names: Vec<String> = names.filter(fits).collect();
    names.sort();
    names.iter().map(|name| dir.join(name)).collect()
}
