//! What time alone brings about: leases are renewed, delayed entries tried again, stale entries of others taken over.

use super::Shared;
use super::held::{At, Entry};
use super::outbox::Settled;
use crate::error::Result;
use crate::id::EntryId;
use crate::store::Value;
use crate::verbs::{self, Release};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{debug, warn};

/// More IDs than this do not go into one command.
const IDS_MAX: usize = 500;

/// XAUTOCLAIM looks at least this often, so that what another consumer has given back does not wait for long.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// Dead consumers are looked for this often.
const FORGET_EVERY: Duration = Duration::from_secs(60);

pub(super) async fn run(shared: Arc<Shared>) {
    let mut due = Due::new(&shared, Instant::now());
    loop {
        let next = due.next(&shared);
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            () = shared.keep.notified() => {}
            () = shared.look.notified() => {
                due.look = Instant::now();
                due.asked = true;
            }
            () = shared.ended.cancelled() => return,
        }
        shared.retry_due().await;
        due.work(&shared).await;
    }
}

/// When what is due next.
struct Due {
    renew: Instant,
    renewed_at: Instant,
    look: Instant,
    /// Somebody has given an entry back in a way that wakes no reader.
    asked: bool,
    forget: Instant,
}

impl Due {
    fn new(shared: &Shared, now: Instant) -> Due {
        // Not all consumers that start together look at each other together.
        let forget = now + FORGET_EVERY.mul_f64(fastrand::f64());
        let look = now + shared.look_every();
        Due { renew: now + shared.renew_every(), renewed_at: now, look, asked: false, forget }
    }

    fn next(&self, shared: &Shared) -> Instant {
        let look = if shared.looks() || self.asked { self.look } else { self.renew };
        let delayed = shared.held.lock().next_due().unwrap_or(self.renew);
        self.renew.min(look).min(self.forget).min(delayed)
    }

    async fn work(&mut self, shared: &Shared) {
        let now = Instant::now();
        if self.renew <= now {
            let late = now.duration_since(self.renewed_at) >= shared.options.lease.mul_f64(0.8);
            // What fails is tried again soon: two failures in a row need not cost the lease.
            let wait = match shared.renew(late).await {
                true => {
                    self.renewed_at = now;
                    shared.renew_every()
                }
                false => shared.renew_every() / 4,
            };
            self.renew = Instant::now() + wait;
        }
        if (shared.looks() || self.asked) && self.look <= now {
            self.asked = false;
            shared.look_at_others().await;
            self.look = Instant::now() + shared.look_every();
        }
        if self.forget <= now {
            shared.forget_deleted().await;
            shared.forget_consumers().await;
            self.forget = Instant::now() + FORGET_EVERY;
        }
    }
}

impl Shared {
    fn renew_every(&self) -> Duration {
        (self.options.lease / 3).max(Duration::from_millis(1))
    }

    fn look_every(&self) -> Duration {
        LOOK_MAX.min(self.options.lease / 2)
    }

    /// Whether stale entries have to be looked for, because reading does not bring them.
    pub(super) fn looks(&self) -> bool {
        !self.can().claim && !self.options.no_ack
    }

    /// Delayed entries whose time has come: given back, or, where order is kept, tried again here.
    async fn retry_due(&self) {
        loop {
            let now = Instant::now();
            let Some(entry) = self.held.lock().due(now) else { return };
            let lost = self.held.lock().is_lost(entry.at);
            match entry.lane {
                _ if lost => self.abandon(&entry),
                None => {
                    self.held.lock().give_back(entry.at, None);
                    self.post(Settled::back(entry.at, Release::Fail, entry.deliveries));
                }
                Some(_) if self.is_spent(&entry) => self.bury(entry, "max-deliveries", None, None),
                Some(_) => self.try_again(entry).await,
            }
        }
    }

    async fn try_again(&self, mut entry: Entry) {
        entry.deliveries = entry.deliveries.saturating_add(1);
        let place = self.place(entry.at);
        let count = Some(entry.deliveries);
        let command = place.claim(&self.consumer, &[entry.at.id], Duration::ZERO, count);
        if let Err(error) = self.store.call(command).await {
            // The count is one too low then; the entry itself is still here.
            debug!(stream = place.stream, id = %entry.at.id, %error, "the next delivery could not be counted");
        }
        self.meter(entry.at).tried_again();
        self.held.lock().again(entry);
        self.arrived.notify_one();
        self.unless_stopped();
    }

    /// Renews the leases of everything that is held. If that comes late, somebody else may have taken over meanwhile.
    /// Whether all of it was done.
    async fn renew(&self, late: bool) -> bool {
        let now = Instant::now();
        let before = now.checked_sub(self.options.lease / 6).unwrap_or(now);
        let old = {
            let mut held = self.held.lock();
            held.tidy(now);
            held.stale(before)
        };
        let mut all = true;
        for (stream, place) in self.streams() {
            let of_stream: Vec<EntryId> =
                old.iter().filter(|at| at.stream == stream).map(|at| at.id).collect();
            for ids in of_stream.chunks(IDS_MAX) {
                let ours = match late {
                    true => self.still_ours(stream, ids).await,
                    false => Ok(ids.to_vec()),
                };
                let renewed = match ours {
                    Ok(ids) if ids.is_empty() => continue,
                    Ok(ids) => self.renew_of(stream, &ids, now).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = renewed {
                    warn!(stream = place.stream, entries = ids.len(), %error, "leases could not be renewed");
                    all = false;
                }
            }
        }
        all
    }

    async fn renew_of(&self, stream: u16, ids: &[EntryId], now: Instant) -> Result<()> {
        let place = self.place_of(stream);
        self.store.call(place.claim(&self.consumer, ids, Duration::ZERO, None)).await?;
        let mut held = self.held.lock();
        ids.iter().for_each(|&id| held.renewed(At { stream, id }, now));
        Ok(())
    }

    /// Which of the entries still belong to this consumer. The others are marked as lost.
    async fn still_ours(&self, stream: u16, ids: &[EntryId]) -> Result<Vec<EntryId>> {
        let place = self.place_of(stream);
        let pending = place.still_pending(&self.store, ids).await?;
        let mut ours = Vec::new();
        let mut held = self.held.lock();
        for &id in ids {
            match pending.iter().any(|one| one.id == id && *one.owner == *self.consumer) {
                true => ours.push(id),
                false => {
                    self.meters[usize::from(stream)].leases_lost.increment(1);
                    held.lose(At { stream, id });
                }
            }
        }
        Ok(ours)
    }

    /// XAUTOCLAIM through the whole group, as far as there is room.
    async fn look_at_others(&self) {
        // Leases do not wait for whoever reads the history.
        let Ok(_looking) = self.looking.try_lock() else { return };
        // Who stops takes nothing over.
        if self.stop.is_cancelled() {
            return;
        }
        for (stream, place) in self.streams() {
            if let Err(error) = self.take_over(stream).await {
                warn!(stream = place.stream, group = place.group, %error, "cannot look for stale entries");
            }
        }
    }

    async fn take_over(&self, stream: u16) -> Result<()> {
        let place = self.place_of(stream);
        let mut from = EntryId::ZERO;
        let _asking = self.asking();
        loop {
            let Some(room) = self.room_now().filter(|_| !self.stop.is_cancelled()) else { return Ok(()) };
            let command = place.auto_claim(&self.consumer, self.options.lease, from, room);
            let answer: Value = self.store.call(command).await?;
            let (next, entries) = verbs::auto_claimed(answer)?;
            let entries: Vec<_> = entries.into_iter().filter(|entry| entry.fields.is_some()).collect();
            self.meters[usize::from(stream)].claimed.increment(entries.len() as u64);
            self.admit_counted(stream, entries).await?;
            if next == EntryId::ZERO {
                return Ok(());
            }
            from = next;
        }
    }
}
