//! `ackline pending`

use super::dead::{self, Provenance};
use super::options::{Name, Shared};
use super::output::{Cell, Row};
use super::select::{Filter, Selection};
use super::session::{Care, Session};
use super::settle::{Mode, Settling};
use super::trouble::Trouble;
use ackline_admin::doctor::count;
use ackline_admin::view::{self, Entry};
use ackline_admin::words::quoted;

const EXAMPLES: &str = "\
Examples:
  ackline pending ls orders shop --min-idle 5m --payload
  ackline pending ack orders shop 1700000000000-0
  ackline pending nack orders shop --consumer ann --mode SILENT
  ackline pending claim orders shop --min-idle 5m --to bob --dry-run
  ackline pending bury orders shop --min-deliveries 10     to orders:dead";

/// Entries whose content is fetched in one round trip.
const TOGETHER: usize = 100;

/// `ackline pending`
#[derive(clap::Args)]
pub(crate) struct Pending {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
#[command(after_help = EXAMPLES)]
enum Verb {
    /// Lists pending entries by ID.
    Ls {
        key: Name,
        group: Name,
        #[command(flatten)]
        filter: Filter,
        /// So many at most.
        #[arg(short, long, value_name = "N", default_value_t = 50)]
        count: usize,
        /// With the entries' fields.
        #[arg(long)]
        payload: bool,
    },
    /// Acknowledges entries: they are done with.
    Ack {
        key: Name,
        group: Name,
        #[command(flatten)]
        which: Selection,
        #[command(flatten)]
        care: Care,
    },
    /// Gives entries back to the group (XNACK).
    Nack {
        key: Name,
        group: Name,
        #[command(flatten)]
        which: Selection,
        /// What is said of them.
        #[arg(long, value_enum, ignore_case = true, default_value = "FAIL")]
        mode: Mode,
        #[command(flatten)]
        care: Care,
    },
    /// Gives entries to a consumer, which finds them in its history. Their deliveries are not counted up.
    Claim {
        key: Name,
        group: Name,
        #[command(flatten)]
        which: Selection,
        /// The consumer; it need not exist.
        #[arg(long = "to", value_name = "CONSUMER")]
        heir: Name,
        #[command(flatten)]
        care: Care,
    },
    /// Moves entries to the dead letters, with where they come from, and acknowledges them.
    Bury {
        key: Name,
        group: Name,
        #[command(flatten)]
        which: Selection,
        /// The stream of dead letters [KEY:dead].
        #[arg(long, value_name = "KEY")]
        dead: Option<Name>,
        /// Noted as dead-letter-reason.
        #[arg(long, default_value = "rejected")]
        reason: String,
        /// Noted as dead-letter-error.
        #[arg(long, default_value = "moved by hand")]
        error: String,
        #[command(flatten)]
        care: Care,
    },
}

impl Pending {
    pub(super) fn run(&self) -> Result<(), Trouble> {
        match &self.verb {
            Verb::Ls { key, group, filter, count, payload } => {
                let mut session = Session::open(&self.shared)?;
                ls(&mut session, key, group, filter, *count, *payload)
            }
            Verb::Ack { key, group, which, care } => {
                let mut session = Session::careful(&self.shared, *care)?;
                let found = chosen(&mut session, key, group, which, "Acknowledge")?;
                let affected = Settling::new(&mut session, key, group).ack(&found)?;
                session.done("acknowledged", found.len() as i64, affected)
            }
            Verb::Nack { key, group, which, mode, care } => {
                let mut session = Session::careful(&self.shared, *care)?;
                let found = chosen(&mut session, key, group, which, "Give back")?;
                let affected = Settling::new(&mut session, key, group).nack(&found, *mode, None)?;
                session.done("given back", found.len() as i64, affected)
            }
            Verb::Claim { key, group, which, heir, care } => {
                let mut session = Session::careful(&self.shared, *care)?;
                let found = chosen(&mut session, key, group, which, "Claim")?;
                let min_idle = which.filter.filter().min_idle;
                let affected = Settling::new(&mut session, key, group).claim(&found, heir, min_idle)?;
                session.done("claimed", found.len() as i64, affected)
            }
            Verb::Bury { key, group, which, dead, reason, error, care } => {
                let mut session = Session::careful(&self.shared, *care)?;
                let found = chosen(&mut session, key, group, which, "Bury")?;
                let default = Name([&key.0[..], dead::SUFFIX].concat());
                let to = dead.as_ref().unwrap_or(&default);
                bury(&mut session, &found, &Provenance { stream: key, group, reason, error }, to)
            }
        }
    }
}

/// What is meant, after a question if it is much.
fn chosen(
    session: &mut Session,
    key: &Name,
    group: &Name,
    which: &Selection,
    what: &str,
) -> Result<Vec<view::Pending>, Trouble> {
    let found = which.find(session, key, group)?;
    if which.ids.is_empty() && found.len() > 1 {
        let entries = count(found.len() as i64, "entry");
        session.confirm(&format!("{what} {entries} of group {} of {}?", quoted(&group.0), quoted(&key.0)))?;
    }
    Ok(found)
}

fn ls(
    session: &mut Session,
    key: &Name,
    group: &Name,
    filter: &Filter,
    count: usize,
    payload: bool,
) -> Result<(), Trouble> {
    let found = super::select::all(session, key, group, &filter.filter(), count)?;
    let mut rows: Vec<Row> = found.iter().map(row).collect();
    if payload {
        for (row, entry) in rows.iter_mut().zip(contents(session, key, &found)?) {
            row.push(("fields", entry.fields.map_or(Cell::None, Cell::Fields)));
        }
    }
    session.out.rows(&rows, "Nothing is pending here.")?;
    if session.out.is_table() && found.len() == count {
        eprintln!("ackline: more may be pending; --count shows more of them");
    }
    Ok(())
}

fn row(one: &view::Pending) -> Row {
    let released = one.idle < 0;
    // 9223372036854775807 is a mark, not a number.
    let deliveries = match one.deliveries {
        i64::MAX => Cell::text("FATAL"),
        number => Cell::Int(number),
    };
    vec![
        ("id", Cell::text(&one.id)),
        ("consumer", if released { Cell::None } else { Cell::Bytes(one.consumer.clone()) }),
        ("idle_ms", if released { Cell::None } else { Cell::Span(one.idle) }),
        ("deliveries", deliveries),
    ]
}

fn contents(session: &mut Session, key: &Name, found: &[view::Pending]) -> Result<Vec<Entry>, Trouble> {
    let mut all = Vec::with_capacity(found.len());
    for some in found.chunks(TOGETHER) {
        let ids: Vec<String> = some.iter().map(|one| one.id.clone()).collect();
        all.extend(view::entries_by_id(&mut session.client, &key.0, &ids)?);
    }
    Ok(all)
}

fn bury(
    session: &mut Session,
    found: &[view::Pending],
    from: &Provenance<'_>,
    to: &Name,
) -> Result<(), Trouble> {
    let mut affected = 0;
    let mut gone = 0;
    for some in found.chunks(TOGETHER) {
        for (one, entry) in some.iter().zip(contents(session, from.stream, some)?) {
            let Some(fields) = entry.fields else {
                gone += 1;
                continue;
            };
            let done = session.change_together(from.moved(one, &fields, to))?;
            affected += i64::from(done.is_some());
        }
    }
    if gone > 0 {
        eprintln!(
            "ackline: the content of {} is gone; `ackline pending ack` takes them out",
            count(gone, "entry")
        );
    }
    session.done("buried", found.len() as i64, affected)
}
