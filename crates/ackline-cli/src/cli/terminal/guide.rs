//! What helps while a line is typed: hints, completion, colours. All of it comes from what the server says of its commands.

use crate::cli::columns;
use crate::cli::docs::Docs;
use crate::cli::syntax::{Next, hint, missing, next};
use ackline_admin::client::{Address, Client};
use ackline_admin::words::is_harmful;
use ackline_admin::{reply, view};
use nu_ansi_term::{Color, Style};
use reedline::{
    Completer, Highlighter, Hinter, History, Span, StyledText, Suggestion, ValidationResult, Validator,
};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// To wait for what is offered at Tab.
const PATIENCE: Duration = Duration::from_millis(500);
/// Steps of SCAN for one Tab, and what is offered at most.
const STEPS: usize = 5;
const STEP: u64 = 1000;
const OFFERED: usize = 200;
/// Words that are no commands of the server.
const OWN: [&str; 7] = ["help", "quit", "exit", "clear", "connect", ":set hints", ":set nohints"];

/// What the helpers of the editor share with the session.
pub(super) struct Guide {
    pub(super) docs: Docs,
    pub(super) hints: bool,
    /// Where the session is; what is offered is read over a connection of its own.
    pub(super) address: Address,
    /// Columns of the prompt.
    pub(super) prompt: usize,
    /// Whether anything may be asked: not while nobody is connected.
    pub(super) asks: bool,
    client: Option<(Address, Client)>,
}

/// As the editor holds it.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Guide>>);

impl Shared {
    pub(super) fn new(address: Address, hints: bool) -> Shared {
        Shared(Arc::new(Mutex::new(Guide {
            docs: Docs::default(),
            hints,
            address,
            prompt: 0,
            asks: false,
            client: None,
        })))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Guide> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The words of a line that may not be finished.
fn words(line: &str) -> Vec<String> {
    let closed =
        ["", "\"", "'"].iter().find_map(|quote| ackline_resp::words(format!("{line}{quote}").as_bytes()));
    let text = |word: Vec<u8>| String::from_utf8_lossy(&word).into_owned();
    let mut words: Vec<String> = closed.unwrap_or_default().into_iter().map(text).collect();
    // `3 PING`
    if words.len() > 1 && words[0].parse::<u32>().is_ok() {
        words.remove(0);
    }
    words
}

impl Guide {
    fn hint(&self, line: &str) -> String {
        let words = words(line);
        let Some((doc, named)) = self.docs.find(&words) else { return String::new() };
        let hint = hint(&missing(&doc.arguments, &mut &words[named..]));
        match line.ends_with(' ') || hint.is_empty() {
            true => hint,
            false => format!(" {hint}"),
        }
    }

    /// What may stand where a word begins with `start`, behind `before`.
    fn offers(&mut self, before: &[String], start: &str) -> Vec<String> {
        let mut all: Vec<String> = match before {
            [] => self.commands(),
            [help] if help.eq_ignore_ascii_case("help") => self.topics(),
            [outer] if !self.docs.subcommands(outer).is_empty() => {
                self.docs.subcommands(outer).into_iter().map(str::to_owned).collect()
            }
            _ => self.arguments(before, start),
        };
        all.retain(|one| one.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)));
        all.truncate(OFFERED);
        all
    }

    fn commands(&self) -> Vec<String> {
        let names =
            self.docs.commands.iter().filter(|doc| !doc.name.contains(' ')).map(|doc| doc.name.clone());
        names.chain(OWN.map(str::to_owned)).collect()
    }

    fn topics(&self) -> Vec<String> {
        let groups = self.docs.groups().into_iter().map(|group| format!("@{group}")).collect::<Vec<_>>();
        self.docs.commands.iter().map(|doc| doc.name.clone()).chain(groups).collect()
    }

    fn arguments(&mut self, before: &[String], start: &str) -> Vec<String> {
        let Some((doc, named)) = self.docs.find(before) else { return Vec::new() };
        let mut offers = Vec::new();
        let (mut keys, mut values) = (false, Vec::new());
        for one in next(&missing(&doc.arguments, &mut &before[named..])) {
            match one {
                Next::Token(token) => offers.push(token.to_owned()),
                Next::Key => keys = true,
                Next::Value(name) => values.push(name.to_owned()),
            }
        }
        let given = before[named..].to_vec();
        if keys {
            offers.extend(self.keys(start));
        }
        values.iter().for_each(|name| offers.extend(self.names(name, &given)));
        offers
    }

    /// Keys, as far as a few steps of SCAN find them.
    fn keys(&mut self, start: &str) -> Vec<String> {
        let literal: String = start
            .chars()
            .flat_map(|char| match char {
                '*' | '?' | '[' | ']' | '\\' => vec!['\\', char],
                char => vec![char],
            })
            .collect();
        let (pattern, step) = (format!("{literal}*"), STEP.to_string());
        let (mut cursor, mut keys) = ("0".to_owned(), Vec::new());
        for _ in 0..STEPS {
            let Some(client) = self.client() else { break };
            let Ok(reply) = client.call(&["SCAN", &cursor, "MATCH", &pattern, "COUNT", &step]) else { break };
            let [next, found] = reply::items(&reply) else { break };
            cursor = reply::text(next);
            keys.extend(reply::items(found).iter().map(|key| spelled(reply::bytes(key))));
            if cursor == "0" || keys.len() >= OFFERED {
                break;
            }
        }
        keys.sort();
        keys.dedup();
        keys
    }

    /// Names of groups and consumers, where the key stands first.
    fn names(&mut self, what: &str, given: &[String]) -> Vec<String> {
        let (what, key) = (what.to_lowercase(), given.first().cloned());
        let (Some(key), Some(client)) = (key, self.client()) else { return Vec::new() };
        let names: Vec<Vec<u8>> = match (what.as_str(), given.get(1)) {
            ("group", _) => {
                let groups = view::groups(client, key.as_bytes()).unwrap_or_default();
                groups.into_iter().map(|group| group.name).collect()
            }
            ("consumer", Some(group)) => {
                let consumers = view::consumers(client, key.as_bytes(), group.as_bytes()).unwrap_or_default();
                consumers.into_iter().map(|consumer| consumer.name).collect()
            }
            _ => Vec::new(),
        };
        names.iter().map(|name| spelled(name)).collect()
    }

    /// A connection of one's own, as long as the session is where it was.
    fn client(&mut self) -> Option<&mut Client> {
        if self.client.as_ref().is_some_and(|(address, _)| *address != self.address) {
            self.client = None;
        }
        if self.client.is_none() && self.asks {
            let mut client = Client::connect(&self.address, PATIENCE).ok()?;
            client.set_patience(Some(PATIENCE)).ok()?;
            self.client = Some((self.address.clone(), client));
        }
        self.client.as_mut().map(|(_, client)| client)
    }

    /// After an answer that did not come in time, the next would be taken for it.
    pub(super) fn hang_up(&mut self) {
        self.client = None;
    }
}

/// A word as it has to be typed.
fn spelled(word: &[u8]) -> String {
    let plain = |char: char| !is_harmful(char) && !char.is_whitespace() && !matches!(char, '"' | '\'' | '\\');
    match std::str::from_utf8(word) {
        Ok(text) if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        _ => crate::cli::format::quoted(word),
    }
}

impl Completer for Shared {
    fn complete(&mut self, line: &str, pos: usize) -> Vec<Suggestion> {
        let line = &line[..pos];
        let from = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let start = &line[from..];
        let mut guide = self.lock();
        let offers = guide.offers(&words(&line[..from]), start);
        guide.hang_up();
        // Somebody who writes small letters goes on with them.
        let small = start.chars().next().is_some_and(char::is_lowercase)
            || start.is_empty() && line.chars().next().is_some_and(char::is_lowercase);
        let known = |word: &str| word.chars().all(|char| !char.is_lowercase());
        let value = |one: String| if small && known(&one) { one.to_lowercase() } else { one };
        let suggestion = |one: String| Suggestion {
            value: value(one),
            span: Span::new(from, pos),
            append_whitespace: true,
            ..Suggestion::default()
        };
        offers.into_iter().map(suggestion).collect()
    }
}

/// Columns that are left of the terminal's line behind so many.
fn room(before: usize) -> usize {
    let columns = columns(crossterm::terminal::size()).map_or(80, usize::from);
    columns - before % columns
}

/// What does not fit is left out: a hint of two lines moves everything.
fn cut(hint: String, room: usize) -> String {
    match hint.chars().count() < room {
        true => hint,
        false => hint.chars().take(room.saturating_sub(2)).chain(['…']).collect(),
    }
}

/// The hint that is shown, which is only shown.
pub(super) struct Hints(pub(super) Shared);

impl Hinter for Hints {
    fn handle(&mut self, line: &str, pos: usize, _: &dyn History, colours: bool, _: &str) -> String {
        let guide = self.0.lock();
        if !guide.hints || pos < line.len() {
            return String::new();
        }
        let hint = cut(guide.hint(line), room(guide.prompt + line.chars().count()));
        match colours && !hint.is_empty() {
            true => Style::new().fg(Color::DarkGray).paint(hint).to_string(),
            false => hint,
        }
    }

    fn complete_hint(&self) -> String {
        String::new()
    }

    fn next_hint_token(&self) -> String {
        String::new()
    }
}

impl Highlighter for Shared {
    fn highlight(&self, line: &str, _: usize) -> StyledText {
        let guide = self.lock();
        let end = line.find(char::is_whitespace).unwrap_or(line.len());
        let known = guide.docs.find(&[line[..end].to_owned()]).is_some();
        let mut text = StyledText::new();
        text.push((if known { Style::new().bold() } else { Style::new() }, line[..end].to_owned()));
        let mut rest = &line[end..];
        while let Some(open) = rest.find(['"', '\'']) {
            let quote = if rest[open..].starts_with('"') { '"' } else { '\'' };
            let len = rest[open + 1..].find(quote).map_or(rest.len() - open, |at| at + 2);
            text.push((Style::new(), rest[..open].to_owned()));
            text.push((Style::new().fg(Color::Green), rest[open..open + len].to_owned()));
            rest = &rest[open + len..];
        }
        text.push((Style::new(), rest.to_owned()));
        text
    }
}

/// A line whose quotes are open goes on.
pub(super) struct Quotes;

impl Validator for Quotes {
    fn validate(&self, line: &str) -> ValidationResult {
        let whole = |end: &str| ackline_resp::words(format!("{line}{end}").as_bytes()).is_some();
        match !whole("") && (whole("\"") || whole("'")) {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_on_while_a_quote_is_open() {
        let goes_on = |line: &str| matches!(Quotes.validate(line), ValidationResult::Incomplete);
        assert!(goes_on("echo \"a") && goes_on("echo 'a\nb"));
        assert!(!goes_on("echo \"a\"") && !goes_on("echo \"a\"b") && !goes_on(""));
    }

    #[test]
    fn hints_end_with_their_line() {
        assert_eq!(cut(" key value".to_owned(), 11), " key value");
        assert_eq!(cut(" key value".to_owned(), 10), " key val…");
        assert_eq!(cut(" key".to_owned(), 1), "…");
    }

    #[test]
    fn words_are_spelled_as_they_have_to_be_typed() {
        assert_eq!(spelled("größe:1".as_bytes()), "größe:1");
        assert_eq!(spelled(b"a b"), "\"a b\"");
        assert_eq!(spelled(b""), "\"\"");
        assert_eq!(spelled("\u{9b}1m".as_bytes()), "\"\\xc2\\x9b1m\"");
        assert_eq!(words("3 get \"a b"), ["get", "a b"]);
    }
}
