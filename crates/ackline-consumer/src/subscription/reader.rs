//! Reads one stream for as long as the subscription lives.

use super::Shared;
use super::backoff::Backoff;
use crate::error::Result;
use crate::id::EntryId;
use crate::store::Reader;
use crate::verbs::{self, Place};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// How long to wait before trying again after an error.
pub(super) const RETRY: Backoff =
    Backoff::exponential(Duration::from_millis(50), Duration::from_secs(5)).with_jitter();

/// What the consumer was given and may not have got: read before anything new, at the start and after each lost connection.
enum Phase {
    History(EntryId),
    New,
}

pub(super) async fn run(shared: Arc<Shared>, stream: u16) {
    let mut reader = shared.store.reader();
    let mut phase = shared.first_phase();
    let mut failed = 0;
    while !shared.stop.is_cancelled() {
        let step = match phase {
            Phase::History(after) => shared.read_history(&mut reader, stream, after).await,
            Phase::New => shared.read_new(&mut reader, stream).await,
        };
        match step {
            Ok(next) => {
                shared.note_read(stream);
                (phase, failed) = (next, 0);
            }
            Err(error) => {
                failed += 1;
                shared.note_failure(stream, &error);
                let place = &shared.places[usize::from(stream)];
                warn!(stream = place.stream, group = place.group, failed, %error, "cannot read");
                if error.is_no_group() && shared.heal(stream).await.is_ok() && failed == 1 {
                    continue;
                }
                phase = shared.first_phase();
                shared.pause(RETRY.after(failed)).await;
            }
        }
    }
}

impl Shared {
    fn place_of(&self, stream: u16) -> &Place {
        &self.places[usize::from(stream)]
    }

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
        let place = self.place_of(stream);
        let command = place.history(&self.consumer, room, after);
        let entries = verbs::delivered(reader.call(command, Duration::ZERO, &self.stop).await?)?;
        match entries.last() {
            None => Ok(Phase::New),
            Some(last) => {
                let last = last.id;
                self.admit_counted(stream, entries).await?;
                Ok(Phase::History(last))
            }
        }
    }

    async fn read_new(&self, reader: &mut Reader, stream: u16) -> Result<Phase> {
        let Some(room) = self.room().await else { return Ok(Phase::New) };
        let claim = (self.capabilities.claim && !self.options.no_ack).then_some(self.options.lease);
        let place = self.place_of(stream);
        let command = place.read(&self.consumer, room, self.options.block, claim, self.options.no_ack);
        let value = reader.call(command, self.options.block, &self.stop).await?;
        self.admit(stream, verbs::delivered(value)?);
        Ok(Phase::New)
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
