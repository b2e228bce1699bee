//! The tasks of a subscription, from its start to its end.

use super::outbox::{Outbox, Settled};
use super::{At, Shared, keeper, reader, settler, watch};
use crate::error::{Error, Result};
use crate::id::EntryId;
use crate::verbs::{self, Pending, Place, Release};
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
    let _gone = shared.gone.clone().drop_guard();
    let mut readers = JoinSet::new();
    for (stream, _) in shared.streams() {
        readers.spawn(reader::run(Arc::clone(&shared), stream));
    }
    let mut others = JoinSet::new();
    others.spawn(keeper::run(Arc::clone(&shared)));
    for (stream, _) in shared.streams() {
        others.spawn(settler::run(Arc::clone(&shared), stream));
    }
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
    // What is being taken over comes in first, so that it goes back too.
    drop(shared.looking.lock().await);
    shared.over.cancel();
    shared.give_back().await;
    let done = timeout_at(deadline, shared.until_idle());
    if !matches!(shared.hurry.run_until_cancelled(done).await, Some(Ok(()))) {
        shared.give_up_begun();
    }
    shared.give_back_idle();
    let farewell = Instant::now() + FAREWELL;
    if timeout_at(farewell, shared.held_until_empty()).await.is_err() {
        warn!(entries = shared.held.lock().len(), "stopped before every verdict had reached the server");
    }
    shared.ended.cancel();
    end = end.and(join(&mut others).await);
    shared.outboxes.iter().for_each(Outbox::close);
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
    /// Once stopped, nothing is begun any more: what comes in late goes back at once.
    pub(super) fn unless_stopped(&self) {
        let waits = self.options.order_by.is_some() && self.held.lock().begun() > 0;
        if self.stop.is_cancelled() && !self.options.no_ack && !waits {
            self.give_back_idle();
        }
    }

    /// Gives back what was fetched and not begun, as if it had never been delivered, and what was to be tried again later.
    fn give_back_idle(&self) {
        let (waiting, delayed) = self.held.lock().take_idle();
        let silent =
            waiting.into_iter().map(|entry| Settled::back(entry.at, Release::Silent, entry.deliveries));
        let failed =
            delayed.into_iter().map(|entry| Settled::back(entry.at, Release::Fail, entry.deliveries));
        self.post_in_order(silent.chain(failed).collect());
    }

    /// Who is given back first is delivered first.
    fn post_in_order(&self, mut all: Vec<Settled>) {
        all.sort_by_key(|settled| settled.at);
        all.into_iter().for_each(|settled| self.post(settled));
    }

    async fn give_back(&self) {
        // What the server has forgotten already is worked on to the end.
        if self.options.no_ack {
            return;
        }
        // In order, what is behind an entry that is worked on must not be delivered before it.
        self.unless_stopped();
        if let Err(error) = self.sweep().await {
            debug!(%error, "could not look for entries on their way");
        }
    }

    /// Entries that are pending, and nobody holds them: on their way when the reader stopped, left undecided, or poison that
    /// stays.
    async fn sweep(&self) -> Result<()> {
        let _asking = self.asking();
        for (stream, place) in self.streams() {
            let mut from = EntryId::ZERO;
            loop {
                let range = (from, EntryId::MAX);
                let look = place.pending(range, SWEEP_MAX, Some(&self.consumer));
                let page = verbs::pending(self.store.call(look).await?)?;
                page.iter().for_each(|entry| self.sweep_one(stream, entry));
                match page.last().and_then(|last| last.id.next()) {
                    Some(next) if page.len() == SWEEP_MAX => from = next,
                    _ => break,
                }
            }
        }
        Ok(())
    }

    fn sweep_one(&self, stream: u16, entry: &Pending) {
        let at = At { stream, id: entry.id };
        let poison = entry.deliveries >= super::admit::POISON_FROM;
        let idle = Duration::from_millis(entry.idle_ms.max(0).unsigned_abs());
        // What is not handed back stays, and is given back once it is idle; poison that cannot be stays as it is.
        let stays = match poison {
            true => !self.hands_back(Release::Fatal),
            false => !self.hands_back(Release::Fail) && idle >= self.options.lease,
        };
        if stays || !self.held.lock().hold_returning(at, Instant::now()) {
            return;
        }
        let mode = match poison {
            true => Release::Fatal,
            // Never seen here, so nobody has begun it.
            false if entry.id > self.seen.lock()[usize::from(stream)] => Release::Silent,
            false => Release::Fail,
        };
        self.post(Settled::back(at, mode, entry.deliveries));
    }

    /// Waits for what is worked on; where nothing can be given back, for what is fetched, too.
    async fn until_idle(&self) {
        let all = self.options.no_ack;
        self.left_until(|held| if all { held.busy() == 0 } else { held.begun() == 0 }).await;
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
    pub(crate) fn give_up_begun(&self) {
        // First taken, then aborted: what is dropped on the way is given back, not left for its lease to run out.
        let begun = {
            let mut held = self.held.lock();
            held.close();
            held.take_begun()
        };
        self.abort.cancel();
        if !begun.is_empty() {
            warn!(entries = begun.len(), "still worked on; given up and given back");
        }
        let back = |(at, deliveries)| Settled::back(at, Release::Fail, deliveries);
        self.post_in_order(begun.into_iter().map(back).collect());
        self.give_back_idle();
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
