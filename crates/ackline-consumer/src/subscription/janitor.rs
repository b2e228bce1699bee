//! Consumers that are gone leave their names behind. They are removed, without what they may still have.

use super::Shared;
use crate::error::{Error, Result};
use crate::id::EntryId;
use crate::store::Value;
use crate::verbs::{self, Pending, Place};
use std::time::Duration;
use tracing::{debug, info, warn};

/// How many entries are looked at each time.
const DELETED_MAX: usize = 100;

/// How many pending entries one look at a consumer shows.
const PENDING_MAX: usize = 10_000;

impl Shared {
    /// Removes consumers that were not seen for long and have nothing pending.
    pub(super) async fn forget_consumers(&self) {
        let Some(after) = self.options.forget_consumers else { return };
        for place in &self.places {
            if let Err(error) = self.forget_of(place, after).await {
                warn!(stream = place.stream, group = place.group, %error, "cannot look for dead consumers");
            }
        }
    }

    /// Acknowledges what was deleted while it was pending. Reading with CLAIM passes it by, so that it would stay for ever and
    /// keep its consumer in the group.
    pub(super) async fn forget_deleted(&self) {
        if self.options.no_ack {
            return;
        }
        for place in &self.places {
            if let Err(error) = self.forget_deleted_of(place).await {
                debug!(stream = place.stream, group = place.group, %error, "cannot look for deleted entries");
            }
        }
    }

    async fn forget_deleted_of(&self, place: &Place) -> Result<()> {
        // What is still there would have been claimed by then.
        let idle = self.options.lease * 2;
        let stale = verbs::pending(self.store.call(place.pending_idle(idle, DELETED_MAX)).await?)?;
        let looks = stale.iter().map(|entry| place.entry(entry.id)).collect();
        let found = self.store.pipeline(looks).await?;
        let gone = |(entry, found): (&Pending, &Value)| {
            found.array().is_some_and(<[_]>::is_empty).then_some(entry.id)
        };
        let gone: Vec<EntryId> = stale.iter().zip(&found).filter_map(gone).collect();
        if !gone.is_empty() {
            debug!(stream = place.stream, group = place.group, entries = gone.len(), "deleted while pending");
            self.store.call(place.ack(gone)).await?;
        }
        Ok(())
    }

    async fn forget_of(&self, place: &Place, after: Duration) -> Result<()> {
        let all = verbs::consumers(self.store.call(place.consumers()).await?)?;
        for consumer in all {
            let idle = Duration::from_millis(consumer.idle_ms.max(0).unsigned_abs());
            if consumer.pending == 0 && idle >= after && *consumer.name != *self.consumer {
                self.remove(place, &consumer.name).await?;
                info!(
                    stream = place.stream,
                    group = place.group,
                    consumer = consumer.name,
                    "consumer removed"
                );
            }
        }
        Ok(())
    }

    /// Removes a consumer that had nothing pending a moment ago. The command would also remove what it was given since: the
    /// same step therefore lists that, and it is put back.
    pub(super) async fn remove(&self, place: &Place, consumer: &str) -> Result<()> {
        let whole = (EntryId::ZERO, EntryId::MAX);
        let look = place.pending(whole, PENDING_MAX, Some(consumer));
        let answers = self.store.transaction(vec![look, place.delete_consumer(consumer)]).await?;
        let mut answers = answers.into_iter();
        let lost = verbs::pending(answers.next().ok_or(Error::Closed)?)?;
        answers.try_for_each(|answer: Value| answer.into_result().map(drop))?;
        self.put_back(place, lost).await
    }

    async fn put_back(&self, place: &Place, lost: Vec<Pending>) -> Result<()> {
        for entry in lost {
            let count = Some(entry.deliveries);
            let claim = place.claim(&self.consumer, &[entry.id], self.options.lease, count);
            self.store.call(claim.arg("FORCE")).await?;
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "harness"))]
mod tests {
    use crate::Text;
    use crate::harness::Harness;

    #[tokio::test(start_paused = true)]
    async fn what_came_after_the_look_is_put_back() {
        let harness = Harness::new();
        let client = harness.client();
        let id = client.add("s", Text("m".into())).await.unwrap();
        harness.command(&["XGROUP", "CREATE", "s", "g", "0"]);
        harness.command(&["XREADGROUP", "GROUP", "g", "old", "STREAMS", "s", ">"]);
        let subscription = client.consume("s", "g").name("new").subscribe().await.unwrap();
        let shared = subscription.shared();
        shared.remove(&shared.places[0], "old").await.unwrap();
        assert_eq!(harness.consumers("s", "g"), ["new"]);
        let delivery = subscription.next().await.unwrap();
        assert_eq!((delivery.id(), delivery.deliveries()), (id, 2));
        delivery.ack().await.unwrap();
        subscription.close().await;
    }
}
