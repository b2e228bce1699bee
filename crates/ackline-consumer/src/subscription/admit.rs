//! Entries that come in: told apart, and taken in.

use super::Shared;
use super::held::{At, Entry};
use super::options::Poison;
use super::outbox::{Fate, Settled};
use crate::error::Result;
use crate::event::What;
use crate::fields::Fields;
use crate::id::EntryId;
use crate::meter::Arrivals;
use crate::store::Received;
use bytes::Bytes;
use std::collections::HashMap;
use tokio::time::Instant;

/// From here on a count of deliveries says that the entry is poison. XNACK FATAL sets the greatest number; where it has to be
/// imitated that would overflow with the next delivery.
pub(crate) const POISON_FROM: i64 = 1 << 62;

impl Shared {
    /// Takes in what a read brought.
    pub(super) fn admit(&self, stream: u16, entries: Vec<Received>) {
        let Some(greatest) = entries.iter().map(|entry| entry.id).max() else { return };
        let now = Instant::now();
        let (mut ready, mut suspects) = (0, Vec::new());
        let mut arrivals = Arrivals::default();
        let mut held = self.held.lock();
        for received in entries {
            let told = received.before;
            let before = told.map_or(0, |(_, deliveries)| deliveries);
            let at = At { stream, id: received.id };
            let Some(fields) = received.fields else {
                suspects.push(Entry { at, fields: Fields::default(), deliveries: 0, lane: None });
                continue;
            };
            let entry = Entry { at, deliveries: before.saturating_add(1), lane: self.lane(&fields), fields };
            if self.is_poison(entry.deliveries) {
                suspects.push(entry);
            } else if held.hold(entry, now) {
                ready += 1;
                arrivals.count(told, self.options.lease);
            }
        }
        suspects.retain(|entry| held.hold_settled(entry.at, now));
        drop(held);
        self.meters[usize::from(stream)].arrived(&arrivals);
        let mut seen = self.seen.lock();
        let seen = &mut seen[usize::from(stream)];
        *seen = greatest.max(*seen);
        (0..ready.min(self.options.concurrency)).for_each(|_| self.arrived.notify_one());
        suspects.into_iter().for_each(|entry| self.refuse(entry));
        self.unless_stopped();
    }

    /// Until the guard is dropped it is remembered what is settled: to be had while asking for what is pending, and taking in
    /// the answer.
    pub(super) fn asking(&self) -> Asking<'_> {
        self.held.lock().ask();
        Asking(self)
    }

    /// The same for answers that do not say how often their entries were delivered. What is settled by now, or somebody
    /// else's, stays out.
    pub(super) async fn admit_counted(&self, stream: u16, mut entries: Vec<Received>) -> Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let place = self.place_of(stream);
        let ids: Vec<EntryId> = entries.iter().map(|entry| entry.id).collect();
        let counted = place.still_pending(&self.store, &ids).await?;
        let ours = counted.into_iter().filter(|pending| *pending.owner == *self.consumer);
        let counts: HashMap<EntryId, i64> = ours.map(|pending| (pending.id, pending.deliveries)).collect();
        entries.retain_mut(|entry| {
            let deliveries = counts.get(&entry.id).copied();
            entry.before = deliveries.map(|deliveries| (0, deliveries.saturating_sub(1)));
            deliveries.is_some()
        });
        self.admit(stream, entries);
        Ok(())
    }

    fn lane(&self, fields: &Fields) -> Option<Bytes> {
        let name = self.options.order_by.as_deref()?;
        fields.slice(name).or_else(|| {
            let body = crate::format::Body::read(fields).ok()?;
            body.headers.get(name).map(|value| Bytes::copy_from_slice(value.as_bytes()))
        })
    }

    fn is_poison(&self, deliveries: i64) -> bool {
        deliveries >= POISON_FROM
            || self.options.max_deliveries.is_some_and(|max| deliveries.unsigned_abs() > max)
    }

    /// What is not worked on: deleted meanwhile, or poison.
    fn refuse(&self, mut entry: Entry) {
        if entry.deliveries == 0 {
            return self.post(Settled { at: entry.at, fate: Fate::Discard, told: None });
        }
        // It never stood in its lane, so nobody waits behind it.
        entry.lane = None;
        let marked = entry.deliveries >= POISON_FROM;
        if marked && self.options.poison == Poison::Mark {
            self.observed(entry.at, What::Marked);
            return self.held.lock().forget(entry.at);
        }
        let reason = if marked { "fatal" } else { "max-deliveries" };
        self.bury(entry, reason, None, None);
    }
}

/// Somebody asks for what is pending.
pub(super) struct Asking<'a>(&'a Shared);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.held.lock().asked();
    }
}
