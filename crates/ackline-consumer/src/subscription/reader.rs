//! Reads one stream for as long as the subscription lives.

use super::Shared;
use super::backoff::Backoff;
use crate::error::Result;
use crate::id::EntryId;
use crate::store::Reader;
use crate::verbs;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// How long to wait before trying again after an error.
pub(super) const RETRY: Backoff =
    Backoff::exponential(Duration::from_millis(50), Duration::from_secs(5)).with_jitter();

/// While there is more to read than is worked on, released and stale entries are asked for this often, because each entry
/// of such an answer says more than is needed of a new one. Otherwise every read asks for them.
const CLAIM_EVERY: Duration = Duration::from_millis(100);

/// How many of its own pending entries a consumer looks at together.
const LOOK_MAX: usize = 1000;

enum Phase {
    /// What the consumer was given and may not have got: read before anything new, at the start and after each lost connection.
    History(EntryId),
    /// What is new, and what others left.
    New,
    /// The same while it comes faster than it is worked on: others were last asked about at that time.
    Plenty(Instant),
}

pub(super) async fn run(shared: Arc<Shared>, stream: u16) {
    let mut reader = shared.store.reader();
    let mut phase = shared.first_phase();
    let mut failed = 0;
    while !shared.stop.is_cancelled() {
        let step = match phase {
            Phase::History(after) => shared.read_history(&mut reader, stream, after).await,
            Phase::New => shared.read_new(&mut reader, stream, None).await,
            Phase::Plenty(since) => shared.read_new(&mut reader, stream, Some(since)).await,
        };
        match step {
            Ok(next) => {
                shared.note_read(stream);
                if matches!((&phase, &next), (Phase::History(_), Phase::New)) && shared.looks() {
                    // Only now, or what was taken over would be read once more and its delivery counted twice.
                    shared.look.notify_one();
                }
                (phase, failed) = (next, 0);
            }
            Err(error) => {
                failed += 1;
                shared.note_failure(stream, &error);
                let place = shared.place_of(stream);
                warn!(stream = place.stream, group = place.group, failed, %error, "cannot read");
                if error.is_no_group() && shared.heal(stream).await.is_ok() && failed == 1 {
                    continue;
                }
                phase = shared.first_phase();
                if shared.relearn(&place.stream, &error).await {
                    continue;
                }
                shared.pause(RETRY.after(failed)).await;
            }
        }
    }
}

impl Shared {
    fn first_phase(&self) -> Phase {
        // Without acknowledgements nothing is ever pending.
        if self.options.no_ack { Phase::New } else { Phase::History(EntryId::ZERO) }
    }

    /// Sleeps, unless the subscription stops.
    pub(super) async fn pause(&self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = self.stop.cancelled() => {}
        }
    }

    async fn read_history(&self, reader: &mut Reader, stream: u16, after: EntryId) -> Result<Phase> {
        let Some(room) = self.room().await else { return Ok(Phase::New) };
        // What is taken over meanwhile would be here as well, and be counted and worked on twice.
        let _looking = self.looking.lock().await;
        let _asking = self.asking();
        // What is held is no news. It may be settled before the answer, which would not know of it.
        let held = self.held.lock().of_stream(stream);
        // Reading the history counts as a delivery, of everything that it brings.
        let Some(after) = self.unheld_after(stream, after, &held).await? else { return Ok(Phase::New) };
        let place = self.place_of(stream);
        let command = place.history(&self.consumer, room, after);
        let entries = verbs::delivered(reader.call(command, Duration::ZERO, &self.stop).await?)?;
        match entries.last() {
            None => Ok(Phase::New),
            Some(last) => {
                let last = last.id;
                let entries = entries.into_iter().filter(|entry| !held.contains(&entry.id)).collect();
                self.admit_counted(stream, entries).await?;
                Ok(Phase::History(last))
            }
        }
    }

    /// Behind which ID the first entry is that is pending for this consumer, and that it does not hold.
    async fn unheld_after(
        &self,
        stream: u16,
        after: EntryId,
        held: &HashSet<EntryId>,
    ) -> Result<Option<EntryId>> {
        let mut from = after.next();
        while let Some(first) = from {
            let range = (first, EntryId::MAX);
            let look = self.place_of(stream).pending(range, LOOK_MAX, Some(&self.consumer));
            let page = verbs::pending(self.store.call(look).await?)?;
            if let Some(entry) = page.iter().find(|entry| !held.contains(&entry.id)) {
                return Ok(entry.id.previous());
            }
            from = page.last().filter(|_| page.len() == LOOK_MAX).and_then(|last| last.id.next());
        }
        Ok(None)
    }

    async fn read_new(&self, reader: &mut Reader, stream: u16, claimed: Option<Instant>) -> Result<Phase> {
        let Some(room) = self.room().await else { return Ok(Phase::New) };
        let now = Instant::now();
        // Where order is kept, what was given back comes before what is new.
        let rarely = self.options.order_by.is_none();
        let recent = claimed.filter(|&at| rarely && now.duration_since(at) < CLAIM_EVERY);
        let claims = self.can().claim && !self.options.no_ack && recent.is_none();
        let claim = claims.then_some(self.options.lease);
        let place = self.place_of(stream);
        let command = place.read(&self.consumer, room, self.options.block, claim, self.options.no_ack);
        let value = reader.call(command, self.options.block, &self.stop).await?;
        let entries = verbs::delivered(value)?;
        let plenty = entries.len() == room;
        self.admit(stream, entries);
        Ok(if plenty { Phase::Plenty(recent.unwrap_or(now)) } else { Phase::New })
    }

    /// How many entries may be fetched, as soon as that is worth a read. `None` once the subscription stops.
    pub(super) async fn room(&self) -> Option<usize> {
        loop {
            let left = self.left.notified();
            let busy = self.held.lock().busy();
            if self.stop.is_cancelled() {
                return None;
            }
            if busy <= self.low_water() {
                return Some(self.capacity() - busy);
            }
            tokio::select! {
                () = left => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// How many entries may be fetched at this moment, if any.
    pub(super) fn room_now(&self) -> Option<usize> {
        let room = self.capacity().saturating_sub(self.held.lock().busy());
        (room > 0).then_some(room)
    }

    /// How many entries may be fetched or worked on.
    fn capacity(&self) -> usize {
        (self.options.prefetch + self.options.concurrency).max(1)
    }

    /// With no more than this the next read is due: halfway, so that a read brings many entries at once and nobody waits for it.
    pub(super) fn low_water(&self) -> usize {
        (self.options.prefetch / 2 + self.options.concurrency).min(self.capacity() - 1)
    }
}
