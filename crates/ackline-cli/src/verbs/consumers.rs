//! `ackline consumers`

use super::options::{Name, Shared};
use super::output::{Cell, Row};
use super::select;
use super::session::{Care, Session};
use super::settle::{Mode, Settling};
use super::trouble::Trouble;
use ackline_admin::doctor::count;
use ackline_admin::reply::int;
use ackline_admin::view::{self, Consumer, PendingFilter};
use ackline_admin::words::{Command, quoted};

const EXAMPLES: &str = "\
Examples:
  ackline consumers ls orders shop
  ackline consumers release orders shop ann           what ann holds goes back to the group
  ackline consumers rm orders shop ann --release      the same, and ann is forgotten";

/// `ackline consumers`
#[derive(clap::Args)]
pub(crate) struct Consumers {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
#[command(after_help = EXAMPLES)]
enum Verb {
    /// Lists the consumers of a group.
    Ls { key: Name, group: Name },
    /// Gives what a consumer holds back to its group (XNACK SILENT), as if it had not been delivered.
    Release {
        key: Name,
        group: Name,
        consumer: Name,
        /// Who gets it on a server that does not know XNACK; otherwise it stays, but may be claimed at once.
        #[arg(long, value_name = "CONSUMER")]
        to: Option<Name>,
        #[command(flatten)]
        care: Care,
    },
    /// Removes a consumer. What it holds would be deleted with it, so that is refused without --release or --force.
    Rm {
        key: Name,
        group: Name,
        consumer: Name,
        /// Gives what it holds back to the group first.
        #[arg(long)]
        release: bool,
        /// Deletes what it holds with it: the group will never see these entries again.
        #[arg(long, conflicts_with = "release")]
        force: bool,
        /// Who gets it on a server that does not know XNACK.
        #[arg(long, value_name = "CONSUMER")]
        to: Option<Name>,
        #[command(flatten)]
        care: Care,
    },
}

impl Consumers {
    pub(super) fn run(&self) -> Result<(), Trouble> {
        match &self.verb {
            Verb::Ls { key, group } => {
                let mut session = Session::open(&self.shared)?;
                let found = view::consumers(&mut session.client, &key.0, &group.0)?;
                session.out.rows(&found.iter().map(row).collect::<Vec<_>>(), "The group has no consumers.")
            }
            Verb::Release { key, group, consumer, to, care } => {
                let mut session = Session::careful(&self.shared, *care)?;
                let (matched, affected) = release(&mut session, (key, group, consumer), to.as_ref())?;
                session.done("released", matched, affected)
            }
            Verb::Rm { key, group, consumer, release, force, to, care } => {
                let mut session = Session::careful(&self.shared, *care)?;
                rm(&mut session, (key, group, consumer), (*release, *force), to.as_ref())
            }
        }
    }
}

/// Key, group and consumer.
type Whom<'n> = (&'n Name, &'n Name, &'n Name);

pub(super) fn row(consumer: &Consumer) -> Row {
    vec![
        ("name", Cell::Bytes(consumer.name.clone())),
        ("pending", Cell::Int(consumer.pending)),
        ("idle_ms", Cell::Span(consumer.idle)),
        ("inactive_ms", Cell::span(consumer.inactive)),
    ]
}

/// How many it holds, and how many of them went back.
fn release(
    session: &mut Session,
    (key, group, consumer): Whom<'_>,
    to: Option<&Name>,
) -> Result<(i64, i64), Trouble> {
    let filter = PendingFilter { consumer: Some(consumer.0.clone()), ..PendingFilter::default() };
    let held = select::all(session, key, group, &filter, usize::MAX)?;
    if held.len() > 1 {
        let (entries, name) = (count(held.len() as i64, "entry"), quoted(&consumer.0));
        session.confirm(&format!("Release {entries} of consumer {name}?"))?;
    }
    let affected = Settling::new(session, key, group).nack(&held, Mode::Silent, to)?;
    Ok((held.len() as i64, affected))
}

fn rm(session: &mut Session, whom: Whom<'_>, how: (bool, bool), to: Option<&Name>) -> Result<(), Trouble> {
    let (key, group, consumer) = whom;
    let name = quoted(&consumer.0);
    let consumers = view::consumers(&mut session.client, &key.0, &group.0)?;
    let found = consumers.iter().find(|one| one.name == consumer.0);
    let found = found.ok_or_else(|| Trouble::Refused(format!("the group has no consumer {name}")))?;
    match how {
        (true, _) => {
            check_heir(session, whom, found, to)?;
            release(session, whom, to)?;
        }
        (_, true) => {
            let pending = count(found.pending, "pending entry");
            session.confirm(&format!("Delete consumer {name} and forget {pending}?"))?;
        }
        _ if found.pending > 0 => {
            let held = count(found.pending, "pending entry");
            return Err(Trouble::Refused(format!(
                "consumer {name} holds {held}, which would be forgotten with it: --release gives them back first, --force does not"
            )));
        }
        _ => {}
    }
    let answer = session.change(Command::new("XGROUP DELCONSUMER", [&key.0, &group.0, &consumer.0]))?;
    let forgotten = answer.as_ref().and_then(int).unwrap_or(0);
    if how.0 && forgotten > 0 {
        eprintln!(
            "ackline: {} came in between and {} forgotten",
            count(forgotten, "entry"),
            if forgotten == 1 { "was" } else { "were" }
        );
    }
    let affected = i64::from(!session.is_dry());
    session.done_with("removed", 1, affected, vec![("forgotten", Cell::Int(forgotten))])
}

/// Without XNACK an entry always has an owner: to remove this one there has to be another.
fn check_heir(
    session: &mut Session,
    (key, group, _): Whom<'_>,
    found: &Consumer,
    to: Option<&Name>,
) -> Result<(), Trouble> {
    if found.pending == 0 || to.is_some() {
        return Ok(());
    }
    let probe = Command::new("XNACK", [&key.0, &group.0]).with(["SILENT", "IDS", "1", "0-0"]);
    match session.ask(&probe) {
        Err(Trouble::Refused(text)) if text.to_lowercase().contains("unknown command") => {
            Err(Trouble::Refused(
                "this server does not know XNACK: --to CONSUMER says who gets what this one holds".to_owned(),
            ))
        }
        other => other.map(drop),
    }
}
