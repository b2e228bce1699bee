//! `ackline dead`: dead letters, with the conventions of consumers of Ackline: the stream `KEY:dead`, and fields `dead-letter-*` that say
//! where an entry comes from.

use super::options::{Name, Shared};
use super::output::{Cell, Row};
use super::session::{Care, Session};
use super::streams;
use super::trouble::Trouble;
use ackline_admin::doctor::count;
use ackline_admin::reply::int;
use ackline_admin::view::{self, Entry, Pending, id_parts};
use ackline_admin::words::{Command, quoted};
use std::collections::BTreeMap;

const EXAMPLES: &str = "\
Examples:
  ackline dead ls                                     all streams of dead letters
  ackline dead ls orders                              what is in orders:dead
  ackline dead redrive orders --all --dry-run
  ackline dead redrive orders 1700000000000-0 --to orders-by-hand
  ackline dead drop orders --all --yes

KEY is the stream that the entries come from, or that of its dead letters.";

/// What the names of streams of dead letters end with.
pub(super) const SUFFIX: &[u8] = b":dead";

/// What the names of fields begin with that say where an entry comes from.
const PREFIX: &[u8] = b"dead-letter-";

/// Dead letters that are looked at to tell where those of a stream come from.
const SAMPLED: u64 = 1000;

/// Dead letters that are fetched together.
const PAGE: usize = 100;

/// Entries, and the ID to go on from.
type Page = (Vec<Entry>, Option<String>);

/// `ackline dead`
#[derive(clap::Args)]
pub(crate) struct Dead {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
#[command(after_help = EXAMPLES)]
enum Verb {
    /// Lists streams of dead letters, or the dead letters of one.
    Ls {
        key: Option<Name>,
        /// So many at most, the oldest first.
        #[arg(short, long, value_name = "N", default_value_t = 50)]
        count: usize,
    },
    /// Shows dead letters in full.
    Show {
        key: Name,
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Sends dead letters back to where they come from: added there with a new ID and removed here, in one step each.
    Redrive {
        key: Name,
        #[command(flatten)]
        which: Which,
        /// To this stream instead.
        #[arg(long, value_name = "KEY")]
        to: Option<Name>,
        #[command(flatten)]
        care: Care,
    },
    /// Deletes dead letters.
    Drop {
        key: Name,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        care: Care,
    },
}

#[derive(clap::Args)]
struct Which {
    /// IDs in the stream of dead letters.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// All of them.
    #[arg(long)]
    all: bool,
    /// So many at most, the oldest first.
    #[arg(long, value_name = "N", default_value_t = usize::MAX, hide_default_value = true)]
    limit: usize,
}

impl Dead {
    pub(super) fn run(&self) -> Result<(), Trouble> {
        match &self.verb {
            Verb::Ls { key: None, .. } => ls_streams(&mut Session::open(&self.shared)?),
            Verb::Ls { key: Some(key), count } => ls(&mut Session::open(&self.shared)?, key, *count),
            Verb::Show { key, ids } => show(&mut Session::open(&self.shared)?, key, ids),
            Verb::Redrive { key, which, to, care } => {
                redrive(&mut Session::careful(&self.shared, *care)?, key, which, to.as_ref())
            }
            Verb::Drop { key, which, care } => {
                drop_letters(&mut Session::careful(&self.shared, *care)?, key, which)
            }
        }
    }
}

/// The stream of dead letters that is meant by a key.
fn stream(session: &mut Session, key: &Name) -> Result<Name, Trouble> {
    let dead = Name([&key.0[..], SUFFIX].concat());
    let there = session.ask(&Command::new("EXISTS", [&dead.0]))?;
    Ok(if int(&there) == Some(1) { dead } else { key.clone() })
}

/// The value of a field `dead-letter-NAME`.
fn note<'e>(entry: &'e Entry, name: &str) -> Option<&'e [u8]> {
    let fields = entry.fields.as_ref()?;
    let wanted = |field: &[u8]| field.strip_prefix(PREFIX) == Some(name.as_bytes());
    fields.iter().find(|(field, _)| wanted(field)).map(|(_, value)| &value[..])
}

fn is_note(name: &[u8]) -> bool {
    name.starts_with(PREFIX)
}

fn cell(entry: &Entry, name: &str) -> Cell {
    note(entry, name).map_or(Cell::None, |value| Cell::Bytes(value.to_vec()))
}

fn ls_streams(session: &mut Session) -> Result<(), Trouble> {
    let keys = streams::find(session, b"*:dead", usize::MAX)?;
    let mut rows: Vec<Row> = Vec::new();
    for key in keys {
        let length = session.ask(&Command::new("XLEN", [&key]))?;
        let newest = view::entries(&mut session.client, &key, ("-", "+"), true, SAMPLED)?;
        let mut reasons: BTreeMap<String, i64> = BTreeMap::new();
        for entry in &newest {
            let reason = note(entry, "reason").map_or("?".into(), String::from_utf8_lossy);
            *reasons.entry(reason.into_owned()).or_default() += 1;
        }
        let reasons =
            reasons.into_iter().map(|(reason, count)| Cell::Text(format!("{reason}:{count}"))).collect();
        rows.push(vec![
            ("name", Cell::Bytes(key)),
            ("length", Cell::int(int(&length))),
            ("reasons", Cell::List(reasons)),
        ]);
    }
    session.out.rows(&rows, "There are no dead letters.")
}

fn ls(session: &mut Session, key: &Name, count: usize) -> Result<(), Trouble> {
    let key = stream(session, key)?;
    let found = view::entries(&mut session.client, &key.0, ("-", "+"), false, count as u64)?;
    let rows: Vec<Row> = found.iter().map(row).collect();
    session.out.rows(&rows, "There are no dead letters.")
}

fn row(entry: &Entry) -> Row {
    let at = id_parts(&entry.id).and_then(|(ms, _)| i64::try_from(ms).ok());
    let deliveries =
        note(entry, "deliveries").and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
    vec![
        ("id", Cell::text(&entry.id)),
        ("at", at.map_or(Cell::None, Cell::Date)),
        ("reason", cell(entry, "reason")),
        ("error", cell(entry, "error")),
        ("stream", cell(entry, "stream")),
        ("group", cell(entry, "group")),
        ("consumer", cell(entry, "consumer")),
        ("original_id", cell(entry, "id")),
        ("deliveries", Cell::int(deliveries)),
    ]
}

fn show(session: &mut Session, key: &Name, ids: &[String]) -> Result<(), Trouble> {
    let key = stream(session, key)?;
    let found = view::entries_by_id(&mut session.client, &key.0, ids)?;
    let mut rows: Vec<Row> = Vec::new();
    for entry in &found {
        let Some(fields) = &entry.fields else {
            return Err(Trouble::Refused(format!("{} has no entry {}", quoted(&key.0), entry.id)));
        };
        let mut row = row(entry);
        row.push((
            "fields",
            Cell::Fields(fields.iter().filter(|(name, _)| !is_note(name)).cloned().collect()),
        ));
        rows.push(row);
    }
    match &rows[..] {
        [one] => session.out.row(one),
        _ if session.out.is_table() => rows.iter().try_for_each(|row| session.out.row(row)),
        _ => session.out.rows(&rows, ""),
    }
}

impl Which {
    /// The next page of what is meant, from an ID on.
    fn page(&self, session: &mut Session, key: &Name, from: &str, left: usize) -> Result<Page, Trouble> {
        if !self.all {
            let ids = &self.ids[..self.ids.len().min(left)];
            return Ok((view::entries_by_id(&mut session.client, &key.0, ids)?, None));
        }
        let count = left.min(PAGE);
        let page = view::entries(&mut session.client, &key.0, (from, "+"), false, count as u64)?;
        let next =
            page.last().filter(|_| page.len() == PAGE && left > PAGE).map(|last| format!("({}", last.id));
        Ok((page, next))
    }

    /// All that is meant, page after page.
    fn each(
        &self,
        session: &mut Session,
        key: &Name,
        mut act: impl FnMut(&mut Session, Vec<Entry>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let (mut from, mut left) = ("-".to_owned(), self.limit);
        loop {
            let (page, next) = self.page(session, key, &from, left)?;
            left -= page.len();
            act(session, page)?;
            match next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }

    /// Asks, if all is meant.
    fn confirm(&self, session: &mut Session, key: &Name, what: &str) -> Result<(), Trouble> {
        if !self.all {
            return Ok(());
        }
        let length = session.ask(&Command::new("XLEN", [&key.0]))?;
        let letters = count(
            int(&length).unwrap_or(0).min(i64::try_from(self.limit).unwrap_or(i64::MAX)),
            "dead letter",
        );
        session.confirm(&format!("{what} {letters} of {}?", quoted(&key.0)))
    }
}

fn redrive(session: &mut Session, key: &Name, which: &Which, to: Option<&Name>) -> Result<(), Trouble> {
    let key = stream(session, key)?;
    which.confirm(session, &key, "Redrive")?;
    let (mut matched, mut affected, mut stray) = (0, 0, 0);
    which.each(session, &key, |session, page| {
        for entry in page {
            let Some(commands) = sent_back(&entry, &key, to) else {
                stray += i64::from(entry.fields.is_some());
                continue;
            };
            matched += 1;
            affected += i64::from(session.change_together(commands)?.is_some());
        }
        Ok(())
    })?;
    if stray > 0 {
        eprintln!(
            "ackline: {} not saying where from: left alone (--to sends them somewhere)",
            count(stray, "entry")
        );
    }
    session.done("sent back", matched, affected)
}

/// The entry as it was for its stream, and it is no longer here. `None` if it is gone, or does not say where it comes from.
fn sent_back(entry: &Entry, key: &Name, to: Option<&Name>) -> Option<Vec<Command>> {
    let to = to.map(|name| &name.0[..]).or_else(|| note(entry, "stream"))?;
    let fields = entry.fields.as_ref()?.iter().filter(|(name, _)| !is_note(name));
    let add = Command::new("XADD", [to, b"*"]).with(fields.flat_map(|(name, value)| [name, value]));
    Some(vec![add, Command::new("XDEL", [&key.0[..], entry.id.as_bytes()])])
}

fn drop_letters(session: &mut Session, key: &Name, which: &Which) -> Result<(), Trouble> {
    let key = stream(session, key)?;
    which.confirm(session, &key, "Drop")?;
    let (mut matched, mut affected) = (0, 0);
    which.each(session, &key, |session, page| {
        let there = page.iter().filter(|entry| entry.fields.is_some()).map(|entry| entry.id.as_bytes());
        let ids: Vec<&[u8]> = there.collect();
        matched += ids.len() as i64;
        if !ids.is_empty() {
            let answer = session.change(Command::new("XDEL", [&key.0]).with(ids))?;
            affected += answer.as_ref().and_then(int).unwrap_or(0);
        }
        Ok(())
    })?;
    session.done("dropped", matched, affected)
}

/// Where an entry comes from that becomes a dead letter.
pub(super) struct Provenance<'n> {
    pub(super) stream: &'n Name,
    pub(super) group: &'n Name,
    pub(super) reason: &'n str,
    pub(super) error: &'n str,
}

impl Provenance<'_> {
    /// The commands that move it.
    pub(super) fn moved(&self, one: &Pending, fields: &[(Vec<u8>, Vec<u8>)], to: &Name) -> Vec<Command> {
        let deliveries = one.deliveries.to_string();
        let notes: [(&str, &[u8]); 7] = [
            ("reason", self.reason.as_bytes()),
            ("error", self.error.as_bytes()),
            ("stream", &self.stream.0),
            ("group", &self.group.0),
            ("consumer", &one.consumer),
            ("id", one.id.as_bytes()),
            ("deliveries", deliveries.as_bytes()),
        ];
        let add = Command::new("XADD", [&to.0[..], b"*"])
            .with(fields.iter().flat_map(|(name, value)| [name, value]))
            .with(
                notes.iter().flat_map(|(name, value)| [[PREFIX, name.as_bytes()].concat(), value.to_vec()]),
            );
        vec![add, Command::new("XACK", [&self.stream.0[..], &self.group.0, one.id.as_bytes()])]
    }
}
