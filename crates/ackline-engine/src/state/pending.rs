//! The pending entries list of a group: what was delivered and not acknowledged.
//!
//! ```text
//! by_id     ID -> Delivery                    XPENDING, XAUTOCLAIM, XINFO walk this way
//! by_claim  (time, order) -> ID               XREADGROUP CLAIM walks this way:
//!           [ released, FIFO | owned, oldest delivery first ]
//! ```
//!
//! Released entries (XNACK) have no owner and a delivery time of 0; they sort before every owned one, whatever
//! its delivery time. Among equal times the later placed comes later.

use super::group::ConsumerKey;
use crate::id::StreamId;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// One pending entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Who has it; `None` once it was released.
    pub owner: Option<ConsumerKey>,
    /// Unix time in milliseconds; 0 when released.
    pub delivered_at: i64,
    /// How often it was delivered; saturates at 2^63-1.
    pub delivery_count: i64,
    pub(crate) order: u64,
}

impl Delivery {
    fn claim_key(&self) -> (i64, u64) {
        match self.owner {
            Some(_) => (self.delivered_at.max(0), self.order),
            None => (-1, self.order),
        }
    }

    /// Milliseconds since the delivery, never negative.
    pub(crate) fn idle(&self, now: i64) -> i64 {
        now.saturating_sub(self.delivered_at).max(0)
    }
}

/// The pending entries of one group.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    by_id: BTreeMap<StreamId, Delivery>,
    by_claim: BTreeMap<(i64, u64), StreamId>,
    next_order: u64,
    released: u64,
}

impl Pending {
    pub(crate) fn len(&self) -> u64 {
        self.by_id.len() as u64
    }

    /// How many of them have no owner.
    pub(crate) fn released(&self) -> u64 {
        self.released
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<&Delivery> {
        self.by_id.get(&id)
    }

    pub(crate) fn contains(&self, id: StreamId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// The smallest and the largest pending ID.
    pub(crate) fn bounds(&self) -> Option<(StreamId, StreamId)> {
        Some((*self.by_id.first_key_value()?.0, *self.by_id.last_key_value()?.0))
    }

    /// In ID order.
    pub(crate) fn range(&self, ids: RangeInclusive<StreamId>) -> impl Iterator<Item = (StreamId, &Delivery)> {
        let (from, to) = ids.into_inner();
        let ordered = (from <= to).then(|| self.by_id.range(from..=to));
        ordered.into_iter().flatten().map(|(id, delivery)| (*id, delivery))
    }

    /// In ID order, all.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (StreamId, &Delivery)> {
        self.by_id.iter().map(|(id, delivery)| (*id, delivery))
    }

    /// In claim order: released first, then oldest delivery first.
    pub(crate) fn claim_order(&self) -> impl Iterator<Item = (StreamId, &Delivery)> {
        self.by_claim.values().map(|id| (*id, &self.by_id[id]))
    }

    /// Puts an entry in, or replaces it and places it anew. Answers the delivery that it replaced.
    pub(crate) fn place(
        &mut self,
        id: StreamId,
        owner: Option<ConsumerKey>,
        delivered_at: i64,
        delivery_count: i64,
    ) -> Option<Delivery> {
        let delivery = Delivery { owner, delivered_at, delivery_count, order: self.next_order };
        self.next_order += 1;
        let before = self.by_id.insert(id, delivery);
        if let Some(before) = before {
            self.unlink(&before);
        }
        self.by_claim.insert(delivery.claim_key(), id);
        self.released += u64::from(owner.is_none());
        before
    }

    /// Puts in an entry of an image, in the order that it had.
    pub(crate) fn place_exact(
        &mut self,
        id: StreamId,
        owner: Option<ConsumerKey>,
        delivered_at: i64,
        delivery_count: i64,
        order: u64,
    ) {
        let delivery = Delivery { owner, delivered_at, delivery_count, order };
        self.by_id.insert(id, delivery);
        self.by_claim.insert(delivery.claim_key(), id);
        self.released += u64::from(owner.is_none());
    }

    pub(crate) fn next_order(&self) -> u64 {
        self.next_order
    }

    pub(crate) fn set_next_order(&mut self, order: u64) {
        self.next_order = order;
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, id: StreamId) -> Option<Delivery> {
        let delivery = self.by_id.remove(&id)?;
        self.unlink(&delivery);
        Some(delivery)
    }

    fn unlink(&mut self, delivery: &Delivery) {
        self.by_claim.remove(&delivery.claim_key());
        self.released -= u64::from(delivery.owner.is_none());
    }
}
