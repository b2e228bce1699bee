//! What was done since the start, counted. Observations: no record carries them, a restart begins at 0, and they are no part
//! of the digest.

use crate::record::Change;
use crate::state::Delivery;
use std::cell::Cell;

/// Buckets of a [`Spread`]; the last one takes everything greater.
const BUCKETS: usize = 40;

/// How values are spread: the bucket `n` counts those up to `2^n` that are above `2^(n-1)`.
#[derive(Clone, Debug)]
pub struct Spread {
    buckets: [Cell<u64>; BUCKETS],
    sum: Cell<u64>,
}

impl Default for Spread {
    fn default() -> Spread {
        Spread { buckets: [const { Cell::new(0) }; BUCKETS], sum: Cell::new(0) }
    }
}

impl Spread {
    fn count(&self, value: u64, times: u64) {
        let bits = u64::BITS - value.saturating_sub(1).leading_zeros();
        add(&self.buckets[(bits as usize).min(BUCKETS - 1)], times);
        add(&self.sum, value.min(1 << (BUCKETS - 1)).wrapping_mul(times));
    }

    /// Upper bounds and how many values each bucket holds, the smallest first; what is above the last bound is in it.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.buckets.iter().enumerate().map(|(n, count)| (1 << n, count.get()))
    }

    /// The sum of all values; one above the last bound counts as that.
    pub fn sum(&self) -> u64 {
        self.sum.get()
    }

    fn take_in(&self, other: &Spread) {
        self.buckets.iter().zip(&other.buckets).for_each(|(own, other)| add(own, other.get()));
        add(&self.sum, other.sum());
    }
}

/// What became of entries.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Entries added.
    pub added: Cell<u64>,
    /// Entries delivered to a consumer for the first time.
    pub delivered: Cell<u64>,
    /// Pending entries that got another owner, or the same once more.
    pub claimed: Cell<u64>,
    /// Pending entries released (XNACK).
    pub released: Cell<u64>,
    /// Pending entries acknowledged, or dropped because their entry was deleted with its references.
    pub acknowledged: Cell<u64>,
    /// Ms from the last delivery to XACK or XACKDEL. Of the commands of one millisecond the first is looked at, and stands
    /// for the others: to look costs a tenth of an acknowledgement. An ID that a command names twice is counted twice.
    pub ack_latency: Spread,
    /// Deliveries of entries that XACK or XACKDEL acknowledged, counted in the same way.
    pub deliveries: Spread,
    /// Unix ms of the last command that was looked at, and acknowledgements since then that were not.
    looked_at: Cell<i64>,
    unseen: Cell<u64>,
}

impl Tally {
    /// A change was made.
    #[inline]
    pub(crate) fn note(&self, change: &Change<'_>) {
        match change {
            Change::Append { .. } => add(&self.added, 1),
            Change::Deliver { ids, .. } => add(&self.delivered, ids.len() as u64),
            Change::Claim { ids, .. } => add(&self.claimed, ids.len() as u64),
            Change::Release { ids, .. } => add(&self.released, ids.len() as u64),
            Change::Ack { ids, .. } => add(&self.acknowledged, ids.len() as u64),
            _ => {}
        }
    }

    /// Whether a command is the first of its millisecond, which is to be looked at.
    #[inline]
    pub(crate) fn is_first(&self, now: i64) -> bool {
        self.looked_at.replace(now) != now
    }

    /// So many acknowledgements were not looked at.
    #[inline]
    pub(crate) fn pass_over(&self, count: usize) {
        add(&self.unseen, count as u64);
    }

    /// One of a command that is looked at.
    pub(crate) fn look(&self, now: i64, delivery: &Delivery) {
        let times = 1 + self.unseen.take();
        if delivery.owner.is_some() {
            self.ack_latency.count(now.saturating_sub(delivery.delivered_at).max(0) as u64, times);
        }
        self.deliveries.count(delivery.delivery_count.max(0) as u64, times);
    }

    /// Adds another tally to this one.
    pub fn take_in(&self, other: &Tally) {
        let counts = |tally: &Tally| {
            [&tally.added, &tally.delivered, &tally.claimed, &tally.released, &tally.acknowledged]
                .map(Cell::get)
        };
        let own = [&self.added, &self.delivered, &self.claimed, &self.released, &self.acknowledged];
        own.into_iter().zip(counts(other)).for_each(|(own, other)| add(own, other));
        self.ack_latency.take_in(&other.ack_latency);
        self.deliveries.take_in(&other.deliveries);
    }
}

fn add(cell: &Cell<u64>, n: u64) {
    cell.set(cell.get().wrapping_add(n));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_with_its_bound() {
        let spread = Spread::default();
        [0, 1, 2, 3, 4, 5, u64::MAX].into_iter().for_each(|value| spread.count(value, 1));
        let full: Vec<(u64, u64)> = spread.buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!(full, [(1, 2), (2, 1), (4, 2), (8, 1), (1 << 39, 1)]);
        assert_eq!(spread.sum(), 15 + (1 << 39));
    }
}
