//! Gauges: what this consumer holds, and how far the whole group has come.

use super::Shared;
use super::held::Census;
use super::options::Poison;
use crate::error::{Error, Result};
use crate::id::EntryId;
use crate::store::Command;
use crate::verbs::{self, Place};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tracing::debug;

/// How often the gauges of what is held are set, and how old the clock of health checks may be.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// A task of its own: a server that answers slowly must keep neither leases nor gauges waiting.
pub(super) async fn run(shared: Arc<Shared>) {
    let work = async { tokio::join!(shared.sample_often(), shared.ask_often()) };
    tokio::select! {
        _ = work => {}
        () = shared.ended.cancelled() => {}
    }
    // Nobody will set them again.
    shared.meters.iter().for_each(|meter| meter.holds(&Census::default()));
}

impl Shared {
    async fn sample_often(&self) {
        loop {
            self.vitals.tick();
            let all = self.held.lock().census(self.places.len());
            self.meters.iter().zip(&all).for_each(|(meter, census)| meter.holds(census));
            tokio::time::sleep(SAMPLE_EVERY).await;
        }
    }

    async fn ask_often(&self) {
        let Some(every) = self.options.watch_group else { return };
        loop {
            for (stream, place) in self.streams() {
                if let Err(error) = self.ask(stream, place).await {
                    debug!(stream = place.stream, group = place.group, %error, "cannot ask about the group");
                }
            }
            tokio::time::sleep(every.max(Duration::from_millis(1))).await;
        }
    }

    async fn ask(&self, stream: u16, place: &Place) -> Result<()> {
        let meter = &self.meters[usize::from(stream)];
        let answers = self.store.pipeline(vec![place.groups(), place.pending_summary()]).await?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().ok_or(Error::Closed);
        let group = verbs::group(next()?, &place.group)?;
        let first = verbs::first_pending(next()?)?;
        if let Some(group) = group {
            meter.group_is(&group, first.map_or(Duration::ZERO, age));
        }
        if matches!(self.options.poison, Poison::DeadLetter | Poison::DeadLetterTo(_)) {
            let length = Command::new("XLEN").arg(self.dead_stream(place));
            meter.dead_letters_are(verbs::count("XLEN", self.store.call(length).await?)?);
        }
        Ok(())
    }
}

/// How long ago an entry was added, as far as its ID tells.
fn age(id: EntryId) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(Duration::from_millis(id.ms))
}
