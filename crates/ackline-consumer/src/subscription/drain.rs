//! The tasks of a subscription, from its start to its end.

use super::outbox::{Fate, Settled};
use super::{Shared, keeper, reader, settler, watch};
use crate::error::{Error, Result};
use crate::id::EntryId;
use crate::verbs::{self, Place, Release};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout_at};
use tracing::{debug, info, warn};

/// How long the last verdicts may take to reach the server once nothing is worked on any more.
const FAREWELL: Duration = Duration::from_secs(5);

/// How many of its own pending entries a consumer that leaves looks through at once.
const SWEEP_MAX: usize = 1000;

pub(super) async fn drive(shared: Arc<Shared>) -> Result<()> {
    let mut readers = JoinSet::new();
    for (stream, _) in shared.streams() {
        readers.spawn(reader::run(Arc::clone(&shared), stream));
    }
    let mut others = JoinSet::new();
    others.spawn(keeper::run(Arc::clone(&shared)));
    others.spawn(settler::run(Arc::clone(&shared)));
    others.spawn(watch::run(Arc::clone(&shared)));
    let mut end = tokio::select! {
        () = shared.stop.cancelled() => Ok(()),
        // Before it is told to, a task ends only by a panic. Half a consumer would be worse than none.
        end = readers.join_next() => checked(end),
        end = others.join_next() => checked(end),
    };
    shared.stop();
    let deadline = Instant::now() + shared.options.drain;
    end = end.and(join(&mut readers).await);
    shared.give_back().await;
    let in_time = tokio::select! {
        done = timeout_at(deadline, shared.begun_until(0)) => done.is_ok(),
        () = shared.abort.cancelled() => false,
    };
    if !in_time {
        shared.give_up_begun();
    }
    let farewell = Instant::now() + FAREWELL;
    if timeout_at(farewell, shared.held_until_empty()).await.is_err() {
        warn!(entries = shared.held.lock().len(), "stopped before every verdict had reached the server");
    }
    shared.ended.cancel();
    end = end.and(join(&mut others).await);
    if timeout_at(farewell, shared.leave()).await.is_err() {
        debug!("stopped without having left the group");
    }
    shared.vitals.end();
    info!(consumer = &*shared.consumer, "stopped");
    end
}

/// Waits for tasks; an error if one has panicked.
async fn join(tasks: &mut JoinSet<()>) -> Result<()> {
    let mut all = Ok(());
    while let Some(end) = tasks.join_next().await {
        all = all.and(checked(Some(end)));
    }
    all
}

fn checked(end: Option<Result<(), JoinError>>) -> Result<()> {
    end.unwrap_or(Ok(())).map_err(Error::panicked)
}

impl Shared {
    /// Gives back what was fetched and not begun, as if it had never been delivered, and what was to be tried again later.
    async fn give_back(&self) {
        let (waiting, delayed) = self.held.lock().take_idle();
        let modes = [(waiting, Release::Silent), (delayed, Release::Fail)];
        for (entries, mode) in modes {
            for entry in entries {
                let fate = Fate::Release(mode, entry.deliveries);
                self.outbox.put(Settled { at: entry.at, fate, told: None });
            }
        }
        if let Err(error) = self.sweep().await {
            debug!(%error, "could not look for entries on their way");
        }
    }

    /// Entries that were on their way when the reader stopped are pending, and nobody holds them.
    async fn sweep(&self) -> Result<()> {
        if self.options.no_ack {
            return Ok(());
        }
        let whole = (EntryId::ZERO, EntryId::new(u64::MAX, u64::MAX));
        for (stream, place) in self.streams() {
            let look = place.pending(whole, SWEEP_MAX, Some(&self.consumer));
            for entry in verbs::pending(self.store.call(look).await?)? {
                let at = super::At { stream, id: entry.id };
                let new = !self.held.lock().holds(at) && entry.deliveries < super::admit::POISON_FROM;
                if new && self.held.lock().hold_settled(at, Instant::now()) {
                    let fate = Fate::Release(Release::Fail, entry.deliveries);
                    self.outbox.put(Settled { at, fate, told: None });
                }
            }
        }
        Ok(())
    }

    async fn begun_until(&self, count: usize) {
        self.left_until(|held| held.begun() <= count).await;
    }

    async fn held_until_empty(&self) {
        self.left_until(|held| held.len() == 0).await;
    }

    async fn left_until(&self, done: impl Fn(&super::Held) -> bool) {
        loop {
            let left = self.left.notified();
            if done(&self.held.lock()) {
                return;
            }
            left.await;
        }
    }

    /// The time for what was begun is over.
    fn give_up_begun(&self) {
        self.abort.cancel();
        let begun = self.held.lock().take_begun();
        warn!(entries = begun.len(), "still worked on; given up and given back");
        for (at, deliveries) in begun {
            let fate = Fate::Release(Release::Fail, deliveries);
            self.outbox.put(Settled { at, fate, told: None });
        }
    }

    /// A consumer with a name that nobody will use again leaves the group, if nothing of it is pending.
    async fn leave(&self) {
        if self.is_named() {
            return;
        }
        for place in &self.places {
            if let Err(error) = self.leave_group(place).await {
                debug!(stream = place.stream, %error, "could not leave the group");
            }
        }
    }

    async fn leave_group(&self, place: &Place) -> Result<()> {
        let all = verbs::consumers(self.store.call(place.consumers()).await?)?;
        let ours = all.iter().find(|consumer| *consumer.name == *self.consumer);
        match ours {
            Some(ours) if ours.pending == 0 => self.remove(place, &self.consumer).await,
            _ => Ok(()),
        }
    }
}
