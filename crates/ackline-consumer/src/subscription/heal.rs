//! A group that is gone is made again.

use super::Shared;
use crate::error::Result;
use crate::id::EntryId;
use crate::store::{Command, Value};
use crate::verbs;
use std::collections::BTreeMap;
use std::time::Duration;
use tracing::info;

/// More IDs than this do not go into one command.
const IDS_MAX: usize = 500;

impl Shared {
    /// Makes the group of a stream again, where nothing is missed.
    ///
    /// If the stream was lost too (flushed, deleted, a failover to an empty replica), what is in it now is new: from the
    /// beginning. If the stream is still there, somebody destroyed the group alone: from the last entry that this consumer saw,
    /// and what it has not settled becomes its own once more.
    pub(super) async fn heal(&self, stream: u16) -> Result<()> {
        let place = self.place_of(stream);
        let seen = self.seen.lock()[usize::from(stream)];
        let last = self.last_id(&place.stream).await?;
        let at = match last {
            Some(last) if last >= seen => seen,
            _ => EntryId::ZERO,
        };
        let answers = self.store.pipeline(vec![place.create_group(&at.to_string())]).await?;
        answers.into_iter().try_for_each(verbs::created)?;
        self.held.lock().start_over();
        self.healed.lock()[usize::from(stream)] = last.unwrap_or_default();
        self.take_back(stream).await?;
        self.meters[usize::from(stream)].groups_recreated.increment(1);
        info!(stream = place.stream, group = place.group, %at, "the group was gone; made again");
        Ok(())
    }

    /// Makes pending again what this consumer holds. What is no longer in the stream stays away.
    async fn take_back(&self, stream: u16) -> Result<()> {
        let place = self.place_of(stream);
        let mut by_count = BTreeMap::<i64, Vec<EntryId>>::new();
        for (id, deliveries) in self.held.lock().unsettled(stream) {
            by_count.entry(deliveries).or_default().push(id);
        }
        for (count, ids) in by_count {
            for ids in ids.chunks(IDS_MAX) {
                let claim = place.claim(&self.consumer, ids, Duration::ZERO, Some(count));
                self.store.call(claim.arg("FORCE")).await?;
            }
        }
        Ok(())
    }

    /// The last ID that a stream gave; `None` if there is no stream.
    async fn last_id(&self, stream: &str) -> Result<Option<EntryId>> {
        let command = Command::new("XINFO").arg("STREAM").key(stream);
        match self.store.pipeline(vec![command]).await?.pop() {
            Some(Value::Error(error)) if error.text().contains("no such key") => Ok(None),
            Some(answer) => Ok(answer.into_result()?.of("last-generated-id").and_then(Value::id)),
            None => Ok(None),
        }
    }
}
