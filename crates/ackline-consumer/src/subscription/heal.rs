//! A group that is gone is made again.

use super::Shared;
use crate::error::Result;
use crate::id::EntryId;
use crate::store::{Command, Value};
use crate::verbs;
use tracing::info;

impl Shared {
    /// Makes the group of a stream again, where nothing is missed.
    ///
    /// If the stream was lost too (flushed, deleted, a failover to an empty replica), what is in it now is new: from the
    /// beginning. If the stream is still there, somebody destroyed the group alone: from the first entry that this consumer
    /// has not settled, or else from the last that it saw.
    pub(super) async fn heal(&self, stream: u16) -> Result<()> {
        let place = &self.places[usize::from(stream)];
        let seen = self.seen.lock()[usize::from(stream)];
        let lowest = self.held.lock().lowest(stream);
        let last = self.last_id(&place.stream).await?;
        let at = match last {
            Some(last) if last >= seen => lowest.and_then(EntryId::previous).unwrap_or(seen),
            _ => EntryId::ZERO,
        };
        let answers = self.store.pipeline(vec![place.create_group(&at.to_string())]).await?;
        answers.into_iter().try_for_each(verbs::created)?;
        self.meters[usize::from(stream)].groups_recreated.increment(1);
        info!(stream = place.stream, group = place.group, %at, "the group was gone; made again");
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
