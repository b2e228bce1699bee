//! Which pending entries: by their IDs, or by what they have in common.

use super::moment;
use super::options::Name;
use super::session::Session;
use super::trouble::Trouble;
use ackline_admin::view::{self, PendingFilter};
use std::time::Duration;

/// Pending entries that one question asks for.
pub(super) const PAGE: u64 = 1000;

/// What pending entries have in common.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Filter {
    /// Those of this consumer.
    #[arg(long, value_name = "NAME")]
    pub(super) consumer: Option<Name>,
    /// Those that have been pending for so long, such as 30s; released ones count as such.
    #[arg(long, value_name = "TIME", value_parser = moment::duration)]
    min_idle: Option<Duration>,
    /// Those that were delivered so many times at least.
    #[arg(long, value_name = "N")]
    min_deliveries: Option<i64>,
    /// From this ID on.
    #[arg(long, value_name = "ID")]
    from: Option<String>,
    /// Up to this ID.
    #[arg(long, value_name = "ID")]
    until: Option<String>,
}

impl Filter {
    pub(super) fn filter(&self) -> PendingFilter {
        PendingFilter {
            consumer: self.consumer.as_ref().map(|name| name.0.clone()),
            min_idle: self.min_idle.map_or(0, moment::ms),
            min_deliveries: self.min_deliveries.unwrap_or(0),
            from: self.from.clone().unwrap_or_default(),
            to: self.until.clone().unwrap_or_default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.filter() == PendingFilter::default()
    }
}

/// IDs, a filter, or all.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Selection {
    /// IDs of pending entries.
    pub(super) ids: Vec<String>,
    #[command(flatten)]
    pub(super) filter: Filter,
    /// All that is pending.
    #[arg(long)]
    all: bool,
    /// So many at most.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    limit: usize,
}

impl Selection {
    /// The entries, as they are pending now. Those that are named need not be pending: they are what the server is asked about.
    pub(super) fn find(
        &self,
        session: &mut Session,
        key: &Name,
        group: &Name,
    ) -> Result<Vec<view::Pending>, Trouble> {
        match (self.ids.is_empty(), self.filter.is_empty(), self.all) {
            (true, true, false) => {
                Err(Trouble::Usage("give IDs, a filter such as --min-idle 5m, or --all".to_owned()))
            }
            (false, true, false) => named(session, key, group, &self.ids),
            (false, ..) => Err(Trouble::Usage("give either IDs, or a filter or --all".to_owned())),
            (true, ..) => all(session, key, group, &self.filter.filter(), self.limit),
        }
    }
}

/// All that match, in pages.
pub(super) fn all(
    session: &mut Session,
    key: &Name,
    group: &Name,
    filter: &PendingFilter,
    limit: usize,
) -> Result<Vec<view::Pending>, Trouble> {
    let (mut filter, mut found) = (filter.clone(), Vec::new());
    loop {
        let (page, next) = view::pending(&mut session.client, &key.0, &group.0, &filter, PAGE)?;
        found.extend(page);
        found.truncate(limit);
        match next.filter(|_| found.len() < limit) {
            Some(next) => filter.from = next,
            None => return Ok(found),
        }
    }
}

fn named(
    session: &mut Session,
    key: &Name,
    group: &Name,
    ids: &[String],
) -> Result<Vec<view::Pending>, Trouble> {
    let mut found = Vec::new();
    for id in ids {
        let exactly = PendingFilter { from: id.clone(), to: id.clone(), ..PendingFilter::default() };
        found.extend(view::pending(&mut session.client, &key.0, &group.0, &exactly, 1)?.0);
    }
    Ok(found)
}
