//! `ackline groups`

use super::moment;
use super::options::{Name, Shared};
use super::output::{Cell, Row};
use super::session::{Care, Session};
use super::trouble::Trouble;
use ackline_admin::doctor;
use ackline_admin::reply::{int, items};
use ackline_admin::view::{self, Group};
use ackline_admin::words::{Command, quoted};

const EXAMPLES: &str = "\
Examples:
  ackline groups ls orders
  ackline groups create orders shop --id 0            from the first entry on
  ackline groups reset orders shop --to 2h            gets again what was added in the last 2 hours
  ackline groups reset orders shop --to 2026-11-21T17:05 --dry-run";

/// `ackline groups`
#[derive(clap::Args)]
pub(crate) struct Groups {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
#[command(after_help = EXAMPLES)]
enum Verb {
    /// Lists the groups of a stream.
    Ls { key: Name },
    /// Says all of one group, and how healthy it is.
    Info { key: Name, group: Name },
    /// Creates a group, and the stream if there is none.
    Create {
        key: Name,
        group: Name,
        /// It gets what comes after this ID; 0 = everything, $ = only what is new.
        #[arg(long, default_value = "$", allow_hyphen_values = true)]
        id: String,
        #[command(flatten)]
        care: Care,
    },
    /// Puts a group elsewhere in its stream. Pending entries stay pending.
    Reset {
        key: Name,
        group: Name,
        /// begin, end, the last ID that it is not to get, a date (2026-11-21T17:05, UTC), or a time ago (2h).
        #[arg(long, allow_hyphen_values = true, value_name = "PLACE")]
        to: String,
        #[command(flatten)]
        care: Care,
    },
    /// Deletes a group with its pending entries; the stream's entries stay.
    Rm {
        key: Name,
        group: Name,
        #[command(flatten)]
        care: Care,
    },
}

impl Groups {
    pub(super) fn run(&self) -> Result<(), Trouble> {
        match &self.verb {
            Verb::Ls { key } => ls(&mut Session::open(&self.shared)?, key),
            Verb::Info { key, group } => info(&mut Session::open(&self.shared)?, key, group),
            Verb::Create { key, group, id, care } => {
                let mut session = Session::careful(&self.shared, *care)?;
                session
                    .change(Command::new("XGROUP CREATE", [&key.0, &group.0, id.as_bytes(), b"MKSTREAM"]))?;
                let affected = i64::from(!session.is_dry());
                session.done("created", 1, affected)
            }
            Verb::Reset { key, group, to, care } => {
                reset(&mut Session::careful(&self.shared, *care)?, key, group, to)
            }
            Verb::Rm { key, group, care } => rm(&mut Session::careful(&self.shared, *care)?, key, group),
        }
    }
}

fn ls(session: &mut Session, key: &Name) -> Result<(), Trouble> {
    // The error of a missing key is the server's.
    session.ask(&Command::new("XINFO GROUPS", [&key.0]))?;
    let found = view::overviews(&mut session.client, std::slice::from_ref(&key.0))?;
    let rows: Vec<Row> = found
        .iter()
        .flat_map(|one| one.groups.iter().zip(&one.oldest))
        .map(|(group, oldest)| row(group, oldest.as_ref().map(|one| one.idle)))
        .collect();
    session.out.rows(&rows, "The stream has no groups.")
}

pub(super) fn row(group: &Group, oldest: Option<i64>) -> Row {
    vec![
        ("name", Cell::Bytes(group.name.clone())),
        ("consumers", Cell::Int(group.consumers)),
        ("pending", Cell::Int(group.pending)),
        ("lag", Cell::int(group.lag)),
        ("entries_read", Cell::int(group.entries_read)),
        ("last_delivered_id", Cell::text(&group.last_delivered_id)),
        ("oldest_pending_ms", Cell::span(oldest.filter(|idle| *idle >= 0))),
    ]
}

fn info(session: &mut Session, key: &Name, group: &Name) -> Result<(), Trouble> {
    let facts = doctor::gather(&mut session.client, &key.0, &group.0)?;
    let findings = doctor::diagnose(&facts);
    let oldest = facts.sample.iter().map(|one| one.idle).max();
    let mut row = row(&facts.group, oldest);
    row.push(("released", Cell::Int(facts.released)));
    row.push(("health", Cell::text(doctor::health(&findings))));
    row.push(("consumer_list", Cell::Rows(facts.consumers.iter().map(super::consumers::row).collect())));
    session.out.row(&row)?;
    if session.out.is_table() {
        for finding in &findings {
            session.out.line(&format!("  {}", finding.title))?;
        }
    }
    Ok(())
}

fn reset(session: &mut Session, key: &Name, group: &Name, to: &str) -> Result<(), Trouble> {
    let time = session.ask(&Command::new("TIME", [""; 0]))?;
    let now = items(&time).first().and_then(int).unwrap_or(0).saturating_mul(1000);
    let id = moment::place(to, now).map_err(|why| Trouble::Usage(format!("--to {why}")))?;
    let names = (quoted(&key.0), quoted(&group.0));
    session.confirm(&format!("Put group {} of {} to {id}?", names.1, names.0))?;
    session.change(Command::new("XGROUP SETID", [&key.0, &group.0, id.as_bytes()]))?;
    let affected = i64::from(!session.is_dry());
    session.done_with("put elsewhere", 1, affected, vec![("id", Cell::Text(id))])
}

fn rm(session: &mut Session, key: &Name, group: &Name) -> Result<(), Trouble> {
    let groups = view::groups(&mut session.client, &key.0)?;
    let Some(found) = groups.iter().find(|one| one.name == group.0) else {
        return Err(Trouble::Refused(format!("NOGROUP there is no group {} here", quoted(&group.0))));
    };
    let pending = doctor::count(found.pending, "pending entry");
    session.confirm(&format!("Delete group {} with {pending}?", quoted(&group.0)))?;
    let answer = session.change(Command::new("XGROUP DESTROY", [&key.0, &group.0]))?;
    session.done("deleted", 1, answer.as_ref().and_then(int).unwrap_or(0))
}
