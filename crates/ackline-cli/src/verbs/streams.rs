//! `ackline streams`

mod add;
mod tail;

use super::options::{Name, Shared};
use super::output::{Cell, Row};
use super::session::{Care, Session};
use super::trouble::Trouble;
use ackline_admin::doctor::count;
use ackline_admin::reply::int;
use ackline_admin::view::{self, Overview, id_parts};
use ackline_admin::words::{Command, quoted};

pub(super) const EXAMPLES: &str = "\
Examples:
  ackline streams ls 'orders*' -o json
  ackline streams tail orders -f --field kind=refund
  ackline streams add orders item=tea pieces=3 --maxlen 100000
  ackline streams add orders --file entries.ndjson
  ackline streams trim orders --maxlen 100000 --dry-run";

/// Keys that one step of a search looks at.
const STEP: u64 = 1000;

/// `ackline streams`
#[derive(clap::Args)]
pub(crate) struct Streams {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Lists the streams of the database.
    Ls {
        /// Only keys like this: * stands for anything, ? for a character.
        #[arg(default_value = "*")]
        pattern: Name,
        /// So many at most.
        #[arg(short, long, value_name = "N", default_value_t = 1000)]
        count: usize,
    },
    /// Says all of one stream, and its groups.
    Info {
        /// The stream.
        key: Name,
    },
    /// Shows the last entries, and with -f those that are added.
    Tail(tail::Tail),
    /// Adds entries.
    Add(add::Add),
    /// Deletes the oldest entries.
    Trim(Trim),
    /// Deletes a stream with its groups.
    Rm {
        /// The stream.
        key: Name,
        #[command(flatten)]
        care: Care,
    },
}

#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("limit").required(true).args(["maxlen", "minid"]))]
struct Trim {
    /// The stream.
    key: Name,
    /// Keeps so many entries.
    #[arg(long, value_name = "N")]
    maxlen: Option<u64>,
    /// Keeps entries from this ID on.
    #[arg(long, value_name = "ID")]
    minid: Option<String>,
    /// Exactly, instead of whole blocks only, which is cheaper.
    #[arg(long)]
    exact: bool,
    /// Only what all groups have acknowledged (Redis 8.2, Ackline).
    #[arg(long)]
    acked: bool,
    #[command(flatten)]
    care: Care,
}

impl Streams {
    pub(super) fn run(&self) -> Result<(), Trouble> {
        match &self.verb {
            Verb::Ls { pattern, count } => ls(&mut Session::open(&self.shared)?, pattern, *count),
            Verb::Info { key } => info(&mut Session::open(&self.shared)?, key),
            Verb::Tail(tail) => tail.run(&self.shared, &mut Session::open(&self.shared)?),
            Verb::Add(add) => add.run(&mut Session::careful(&self.shared, add.care)?),
            Verb::Trim(trim) => trim.run(&mut Session::careful(&self.shared, trim.care)?),
            Verb::Rm { key, care } => rm(&mut Session::careful(&self.shared, *care)?, key),
        }
    }
}

/// Keys of streams in order, at most `limit`.
pub(super) fn find(session: &mut Session, pattern: &[u8], limit: usize) -> Result<Vec<Vec<u8>>, Trouble> {
    let (mut cursor, mut found) = (0, Vec::new());
    loop {
        let (next, keys) = view::stream_keys(&mut session.client, cursor, pattern, STEP)?;
        found.extend(keys);
        if next == 0 || found.len() > limit {
            break;
        }
        cursor = next;
    }
    // SCAN may tell the same key twice.
    found.sort();
    found.dedup();
    if found.len() > limit {
        found.truncate(limit);
        eprintln!("ackline: there are more than {limit} streams; the others are left out");
    }
    Ok(found)
}

fn ls(session: &mut Session, pattern: &Name, limit: usize) -> Result<(), Trouble> {
    let keys = find(session, &pattern.0, limit)?;
    let found = view::overviews(&mut session.client, &keys)?;
    session.out.rows(&found.iter().map(row).collect::<Vec<_>>(), "There are no streams here.")
}

/// The time of an ID, if it is one: IDs that were made up are small numbers.
fn added_at(id: &str) -> Cell {
    let ms = id_parts(id).and_then(|(ms, _)| i64::try_from(ms).ok());
    ms.filter(|ms| (1_000_000_000_000..10_000_000_000_000).contains(ms)).map_or(Cell::None, Cell::Since)
}

fn row(one: &Overview) -> Row {
    let stream = &one.stream;
    vec![
        ("name", Cell::Bytes(stream.name.clone())),
        ("length", Cell::Int(stream.length)),
        ("memory", stream.memory.map_or(Cell::None, Cell::Size)),
        ("groups", Cell::Int(stream.groups)),
        ("consumers", Cell::Int(one.consumers())),
        ("pending", Cell::Int(one.pending())),
        ("lag", Cell::int(one.lag())),
        ("oldest_pending_ms", Cell::span(one.oldest_pending())),
        ("last_added_at", added_at(&stream.last_id)),
    ]
}

fn info(session: &mut Session, key: &Name) -> Result<(), Trouble> {
    // The error of a missing key is the server's.
    session.ask(&Command::new("XINFO STREAM", [&key.0]))?;
    let found = view::overviews(&mut session.client, std::slice::from_ref(&key.0))?;
    let Some(one) = found.first() else { return Err(Trouble::Refused("ERR no such key".to_owned())) };
    let id = |id: &Option<String>| id.clone().map_or(Cell::None, Cell::Text);
    let mut row = row(one);
    row.extend([
        ("first_id", id(&one.stream.first_entry_id)),
        ("last_id", id(&one.stream.last_entry_id)),
        ("last_generated_id", Cell::text(&one.stream.last_id)),
        ("entries_added", Cell::Int(one.stream.entries_added)),
        ("max_deleted_id", Cell::text(&one.stream.max_deleted_id)),
    ]);
    let groups: Vec<Row> = one
        .groups
        .iter()
        .zip(&one.oldest)
        .map(|(group, oldest)| super::groups::row(group, oldest.as_ref().map(|one| one.idle)))
        .collect();
    if session.out.is_table() {
        session.out.row(&row)?;
        return if groups.is_empty() {
            Ok(())
        } else {
            session.out.line("").and_then(|()| session.out.rows(&groups, ""))
        };
    }
    row.push(("group_list", Cell::Rows(groups)));
    session.out.row(&row)
}

impl Trim {
    fn run(&self, session: &mut Session) -> Result<(), Trouble> {
        let length = session.ask(&Command::new("XLEN", [&self.key.0]))?;
        let length = int(&length).unwrap_or(0);
        let limit = self.maxlen.map(|n| n.to_string());
        let (word, limit) = match (&limit, &self.minid) {
            (Some(limit), _) => ("MAXLEN", limit),
            (None, Some(id)) => ("MINID", id),
            (None, None) => return Err(Trouble::Usage("give --maxlen or --minid".to_owned())),
        };
        let kind = if self.exact { "=" } else { "~" };
        let acked: &[&str] = if self.acked { &["ACKED"] } else { &[] };
        let matched = self.matched(session, length)?;
        if matched > 1 {
            let (entries, key) = (count(matched, "entry"), quoted(&self.key.0));
            session.confirm(&format!("Delete up to {entries} of {} from {key}?", length))?;
        }
        let command = Command::new("XTRIM", [&self.key.0]).with([word, kind, limit]).with(acked);
        let mut affected = 0;
        loop {
            let now = session.change(command.clone())?.as_ref().and_then(int).unwrap_or(0);
            affected += now;
            // Of whole blocks a server deletes 10,000 entries at once, unless it is told otherwise.
            if self.exact || now == 0 || affected >= matched {
                break;
            }
        }
        session.done(("entry", "deleted"), matched, affected)
    }

    /// How many entries the limit would take at most.
    fn matched(&self, session: &mut Session, length: i64) -> Result<i64, Trouble> {
        match (self.maxlen, &self.minid) {
            (Some(keep), _) => Ok((length - i64::try_from(keep).unwrap_or(i64::MAX)).max(0)),
            (None, Some(id)) => behind(session, &self.key.0, id, length),
            (None, None) => Ok(0),
        }
    }
}

/// How many entries lie before an ID, counted in pages.
fn behind(session: &mut Session, key: &[u8], id: &str, length: i64) -> Result<i64, Trouble> {
    const COUNTED: i64 = 1_000_000;
    let (mut from, mut n) = ("-".to_owned(), 0);
    loop {
        let page = view::entries(&mut session.client, key, (&from, &format!("({id}")), false, STEP)?;
        n += page.len() as i64;
        match page.last() {
            Some(last) if page.len() as u64 == STEP && n < COUNTED => from = format!("({}", last.id),
            Some(_) if n >= COUNTED => return Ok(length),
            _ => return Ok(n),
        }
    }
}

fn rm(session: &mut Session, key: &Name) -> Result<(), Trouble> {
    let stream = view::stream(&mut session.client, &key.0)?;
    let (entries, groups) = (count(stream.length, "entry"), count(stream.groups, "group"));
    session.confirm(&format!("Delete stream {} with {entries} and {groups}?", quoted(&key.0)))?;
    let answer = session.change(Command::new("DEL", [&key.0]))?;
    session.done(("stream", "deleted"), 1, answer.as_ref().and_then(int).unwrap_or(0))
}
