//! Idempotent producers: which message a producer already wrote (XADD IDMP, Redis 8.6).

use super::Name;
use crate::id::StreamId;
use std::collections::{BTreeMap, HashMap};

/// The idempotency records of one stream.
#[derive(Clone, Debug)]
pub(crate) struct Idempotence {
    /// Seconds that a record is kept, counted from the milliseconds of its entry's ID.
    pub(crate) duration: u64,
    /// Records kept a producer.
    pub(crate) maxsize: u64,
    pub(crate) producers: BTreeMap<Name, Producer>,
    pub(crate) added: u64,
    pub(crate) duplicates: u64,
}

/// What one producer wrote, in order of insertion.
#[derive(Clone, Debug, Default)]
pub(crate) struct Producer {
    by_iid: HashMap<Name, (StreamId, u64), foldhash::fast::FixedState>,
    by_order: BTreeMap<u64, Name>,
    next_order: u64,
}

impl Idempotence {
    /// That of a new stream, unless the settings say otherwise.
    pub(crate) const USUAL: Idempotence =
        Idempotence { duration: 100, maxsize: 100, producers: BTreeMap::new(), added: 0, duplicates: 0 };

    /// The entry that the producer wrote under this iid.
    pub(crate) fn find(&self, producer: &[u8], iid: &[u8]) -> Option<StreamId> {
        self.producers.get(producer)?.by_iid.get(iid).map(|(id, _)| *id)
    }

    /// Records kept, over all producers.
    pub(crate) fn tracked(&self) -> u64 {
        self.producers.values().map(|producer| producer.by_iid.len() as u64).sum()
    }

    pub(crate) fn insert(&mut self, producer: &[u8], iid: &[u8], id: StreamId) {
        let max = self.maxsize;
        // A producer of whom nothing is kept is none: an image could not tell.
        if max > 0 {
            let producer = self.producers.entry(producer.into()).or_default();
            producer.insert(iid, id);
            while producer.by_iid.len() as u64 > max {
                producer.drop_oldest();
            }
        }
        self.added = self.added.saturating_add(1);
    }

    pub(crate) fn clear(&mut self) {
        self.producers.clear();
    }

    /// Whether a record is older than the duration at `now` (Unix ms).
    pub(crate) fn has_expired(&self, now: i64) -> bool {
        let horizon = self.horizon(now);
        self.producers.values().any(|p| p.by_iid.values().any(|(id, _)| id.ms <= horizon))
    }

    /// Records of entries with `ms` up to this are expired at `now`.
    pub(crate) fn horizon(&self, now: i64) -> u64 {
        (now.max(0) as u64).saturating_sub(self.duration.saturating_mul(1000))
    }

    pub(crate) fn expire(&mut self, horizon: u64) {
        self.producers.retain(|_, producer| {
            producer.expire(horizon);
            !producer.by_iid.is_empty()
        });
    }
}

impl Producer {
    /// In order of insertion.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Name, StreamId)> {
        self.by_order.values().map(|iid| (iid, self.by_iid[iid].0))
    }

    fn insert(&mut self, iid: &[u8], id: StreamId) {
        if let Some((_, order)) = self.by_iid.insert(iid.into(), (id, self.next_order)) {
            self.by_order.remove(&order);
        }
        self.by_order.insert(self.next_order, iid.into());
        self.next_order += 1;
    }

    fn drop_oldest(&mut self) {
        if let Some((_, iid)) = self.by_order.pop_first() {
            self.by_iid.remove(&iid);
        }
    }

    fn expire(&mut self, horizon: u64) {
        let (by_iid, by_order) = (&mut self.by_iid, &mut self.by_order);
        by_iid.retain(|_, (id, order)| {
            let keep = id.ms > horizon;
            if !keep {
                by_order.remove(order);
            }
            keep
        });
    }
}
