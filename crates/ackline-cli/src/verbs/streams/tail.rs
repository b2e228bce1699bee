//! `ackline streams tail`

use crate::verbs::options::{Form, Name, Shared};
use crate::verbs::output::{Cell, Ink, Row, fields_shown};
use crate::verbs::session::Session;
use crate::verbs::trouble::Trouble;
use ackline_admin::reply::{items, pairs};
use ackline_admin::view::{self, Entry, id_parts};
use ackline_admin::words::Command;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

/// Entries that are looked at behind each other to find some that match.
const SCANNED: usize = 10_000;

/// Entries that one command fetches.
const PAGE: u64 = 500;

/// Ms that a read waits: less than the patience of the connection.
const WAIT: &str = "1000";

/// How long to wait for the answer of a read that waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a server may rest between two attempts to reach it.
const AGAIN: Duration = Duration::from_millis(500);

/// `ackline streams tail`
#[derive(clap::Args)]
pub(super) struct Tail {
    /// The stream.
    key: Name,
    /// Goes on with what is added, until it is interrupted; waits for a server that is restarted.
    #[arg(short, long)]
    follow: bool,
    /// So many entries from the end at most.
    #[arg(short, long, value_name = "N", default_value_t = 10)]
    count: usize,
    /// Entries behind this ID, instead of the last ones; 0 = all.
    #[arg(long, value_name = "ID")]
    from: Option<String>,
    /// Only entries with this text in a field or a value.
    #[arg(long, value_name = "TEXT")]
    grep: Option<Name>,
    /// Only entries whose field F has the value V.
    #[arg(long, value_name = "F=V")]
    field: Option<Match>,
}

/// A field and its value.
#[derive(Clone, Debug)]
struct Match {
    field: Vec<u8>,
    value: Vec<u8>,
}

impl std::str::FromStr for Match {
    type Err = String;

    fn from_str(text: &str) -> Result<Match, String> {
        let (field, value) = split(text.as_bytes()).ok_or("expected FIELD=VALUE")?;
        Ok(Match { field, value })
    }
}

/// The two sides of the first `=`.
pub(super) fn split(word: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let at = word.iter().position(|byte| *byte == b'=')?;
    Some((word[..at].to_vec(), word[at + 1..].to_vec()))
}

/// The same for a word of the command line.
pub(super) fn pair(word: &OsString) -> Result<(Vec<u8>, Vec<u8>), Trouble> {
    let wrong = || Trouble::Usage(format!("{}: expected FIELD=VALUE", word.to_string_lossy()));
    split(word.as_bytes()).ok_or_else(wrong)
}

impl Tail {
    pub(super) fn run(&self, shared: &Shared, session: &mut Session) -> Result<(), Trouble> {
        let after = match &self.from {
            Some(from) => from.clone(),
            // What is added while the last entries are printed comes after them.
            None => self.end(session)?,
        };
        if self.from.is_none() {
            let last = self.last(session, &after)?;
            self.print(session, &last)?;
        }
        if self.from.is_some() && !self.follow {
            return self.forward(session, after);
        }
        if self.follow { self.go_on(shared, session, after) } else { Ok(()) }
    }

    /// What is added behind an ID, for ever: also when the server was restarted meanwhile.
    fn go_on(&self, shared: &Shared, session: &mut Session, mut after: String) -> Result<(), Trouble> {
        session.client.set_patience(Some(PATIENCE))?;
        loop {
            session.out.flush()?;
            let read = Command::new("XREAD COUNT", [PAGE.to_string()]).with(["BLOCK", WAIT, "STREAMS"]);
            let answer = match session.ask(&read.with([&self.key.0[..], after.as_bytes()])) {
                Err(trouble) if may_pass(&trouble) => {
                    reconnect(shared, session, &trouble)?;
                    continue;
                }
                answer => answer?,
            };
            let mut found = read_entries(&answer);
            if let Some(last) = found.last() {
                after.clone_from(&last.id);
            }
            found.retain(|entry| self.matches(entry));
            self.print(session, &found)?;
        }
    }

    /// The last ID; 0-0 if there is no stream yet, for which one may wait.
    fn end(&self, session: &mut Session) -> Result<String, Trouble> {
        match view::stream(&mut session.client, &self.key.0) {
            Ok(stream) => Ok(stream.last_id),
            Err(ackline_admin::Error::Server(text)) if self.follow && text.contains("no such key") => {
                Ok("0-0".to_owned())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The last entries that match, in order.
    fn last(&self, session: &mut Session, end: &str) -> Result<Vec<Entry>, Trouble> {
        let (mut found, mut to, mut scanned) = (Vec::new(), end.to_owned(), 0);
        while found.len() < self.count && scanned < SCANNED {
            let count = if self.filters() { PAGE } else { (self.count as u64).min(PAGE) };
            let page = view::entries(&mut session.client, &self.key.0, ("-", &to), true, count)?;
            scanned += page.len();
            let Some(last) = page.last() else { break };
            to = format!("({}", last.id);
            found.extend(page.into_iter().filter(|entry| self.matches(entry)));
        }
        found.truncate(self.count);
        if found.len() < self.count && scanned >= SCANNED {
            eprintln!("ackline: only the last {scanned} entries were looked at");
        }
        found.reverse();
        Ok(found)
    }

    /// All entries behind an ID.
    fn forward(&self, session: &mut Session, after: String) -> Result<(), Trouble> {
        let mut from = format!("({after}");
        loop {
            let page = view::entries(&mut session.client, &self.key.0, (&from, "+"), false, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            from = format!("({}", last.id);
            let found: Vec<Entry> = page.into_iter().filter(|entry| self.matches(entry)).collect();
            self.print(session, &found)?;
        }
    }

    fn filters(&self) -> bool {
        self.grep.is_some() || self.field.is_some()
    }

    fn matches(&self, entry: &Entry) -> bool {
        let fields = entry.fields.as_deref().unwrap_or_default();
        let holds = |text: &Name| {
            let within = |bytes: &[u8]| contains(bytes, &text.0);
            fields.iter().any(|(name, value)| within(name) || within(value))
        };
        let has = |one: &Match| fields.iter().any(|(name, value)| *name == one.field && *value == one.value);
        self.grep.as_ref().is_none_or(holds) && self.field.as_ref().is_none_or(has)
    }

    /// Entries come one after the other, so that JSON is a line each.
    fn print(&self, session: &mut Session, entries: &[Entry]) -> Result<(), Trouble> {
        let streams = self.follow || self.from.is_some();
        match session.out.form {
            Form::Table => entries.iter().try_for_each(|entry| {
                let id = session.out.ink(Ink::Bold, &entry.id);
                session
                    .out
                    .line(&format!("{id}  {}", fields_shown(entry.fields.as_deref().unwrap_or_default())))
            }),
            Form::Json if !streams => session.out.rows(&entries.iter().map(row).collect::<Vec<_>>(), ""),
            Form::Json | Form::Ndjson => {
                entries.iter().try_for_each(|entry| session.out.json_line(&row(entry)))
            }
        }
    }
}

/// Whether it is worth waiting: the server is away, or reads its data.
fn may_pass(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Unreachable(_) => true,
        Trouble::Refused(text) => text.starts_with("LOADING"),
        Trouble::Usage(_) | Trouble::Deaf => false,
    }
}

/// A connection in the place of one that broke, however long that takes.
fn reconnect(shared: &Shared, session: &mut Session, why: &Trouble) -> Result<(), Trouble> {
    eprintln!("ackline: {why}; trying again");
    loop {
        std::thread::sleep(AGAIN);
        match shared.connect() {
            Ok(client) => session.client = client,
            Err(trouble) if may_pass(&trouble) => continue,
            Err(trouble) => return Err(trouble),
        }
        session.client.set_patience(Some(PATIENCE))?;
        match session.ask(&Command::new("PING", [""; 0])) {
            Err(trouble) if may_pass(&trouble) => {}
            answer => return answer.map(drop),
        }
    }
}

/// The entries of an answer of XREAD about one stream.
fn read_entries(answer: &ackline_admin::Value) -> Vec<Entry> {
    use ackline_admin::Value;
    // RESP2: [[key, entries]]; RESP3: {key: entries}.
    let entries = match answer {
        Value::Map(_) => pairs(answer).first().map(|(_, entries)| *entries),
        _ => items(answer).first().and_then(|stream| items(stream).get(1)),
    };
    entries.map(items).unwrap_or_default().iter().filter_map(view::entry).collect()
}

fn row(entry: &Entry) -> Row {
    let at = id_parts(&entry.id).and_then(|(ms, _)| i64::try_from(ms).ok());
    vec![
        ("id", Cell::text(&entry.id)),
        ("at", at.map_or(Cell::None, Cell::Int)),
        ("fields", entry.fields.clone().map_or(Cell::None, Cell::Fields)),
    ]
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text)
}
