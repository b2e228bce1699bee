//! The pending entries list of a group: what was delivered and not acknowledged.
//!
//! ```text
//! root     [ child | child | .. ]        child = Arc of a node + what is below it:
//!             |                                  count, released, first ID, smallest claim key, mask of owners
//! node     [ child | child | .. ]        up to 64
//!             |
//! chunk    ( entry entry entry .. )      up to 256, by ID, a few bytes each
//! ```
//!
//! One tree answers everything. By ID it is searched as any tree is. In claim order
//!
//! ```text
//! (time, order)     [ released, FIFO | owned, oldest delivery first ]
//! ```
//!
//! the best child goes first, so that the oldest entries cost a descent each and a look at the root says that nothing
//! idled long enough. What a consumer owns, or what is older than some time, is found by ID with the children skipped
//! that have none of it. An index for each of these, as maps of IDs, took fifteen times the memory and three
//! insertions a delivery.
//!
//! A sweep by ID (XAUTOCLAIM) must also find entries whose message is gone, which no node knows of. The list knows an ID
//! above which there are none; there, a sweep that finds nothing counts whole nodes.
//!
//! A copy of the list is a reference to its root: a snapshot takes one and reads it later, whatever happens here.
//!
//! Released entries (XNACK) have no owner and a delivery time of 0; they sort before every owned one, whatever
//! its delivery time. Among equal times the later placed comes later.

mod chunk;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

use super::ConsumerKey;
use crate::id::StreamId;
use smallvec::SmallVec;
use std::ops::RangeInclusive;
pub(crate) use tree::Chunks;
use tree::{Child, Cut};
pub(crate) use walk::Finger;
pub use walk::{Claims, Entries, Entry, Sweep};

/// One pending entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Who has it; `None` once it was released.
    pub owner: Option<ConsumerKey>,
    /// Unix time in milliseconds; 0 when released.
    pub delivered_at: i64,
    /// How often it was delivered; saturates at 2^63-1.
    pub delivery_count: i64,
    /// Ascends with every placement.
    pub order: u64,
}

/// Time and order; released entries are before all times.
type ClaimKey = (i64, u64);

impl Delivery {
    fn claim_key(&self) -> ClaimKey {
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

/// The latest delivery that has idled for `min_idle` at `now`.
pub(crate) fn idle_since(now: i64, min_idle: i64) -> i64 {
    if min_idle <= 0 { i64::MAX } else { now.saturating_sub(min_idle) }
}

/// How many entries each owner has, in the order in which they came up.
#[derive(Debug, Default)]
pub struct Owners(SmallVec<[(ConsumerKey, u64); 2]>);

impl Owners {
    fn add(&mut self, owner: Option<ConsumerKey>, count: u64) {
        let Some(owner) = owner else { return };
        // The last one again, mostly: what is delivered together lies together.
        match self.0.iter_mut().rev().find(|(known, _)| *known == owner) {
            Some((_, sum)) => *sum += count,
            None => self.0.push((owner, count)),
        }
    }

    /// The owners that have some.
    pub fn iter(&self) -> impl Iterator<Item = (ConsumerKey, u64)> {
        self.0.iter().copied()
    }
}

/// The pending entries of one group. Empty, it holds no memory.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    root: Option<Child>,
    next_order: u64,
    /// No entry above it has lost its message; below it some may have. Never part of a reply: it only says where it
    /// is enough to count.
    lost_to: StreamId,
}

impl Pending {
    /// One without entries.
    pub(crate) const NONE: Pending = Pending { root: None, next_order: 0, lost_to: StreamId::MIN };

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.root.as_ref().map_or(0, |root| root.sum.count)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// How many of them have no owner.
    pub fn released(&self) -> u64 {
        self.root.as_ref().map_or(0, |root| root.sum.released)
    }

    /// The entry with this ID.
    pub fn get(&self, id: StreamId) -> Option<Delivery> {
        self.root.as_ref()?.get(id)
    }

    /// Whether the entry is pending.
    pub fn contains(&self, id: StreamId) -> bool {
        self.root.as_ref().is_some_and(|root| root.contains(id))
    }

    /// For looking up IDs that mostly ascend.
    pub(crate) fn finger(&self) -> Finger<'_> {
        Finger::new(self.root.as_ref())
    }

    /// The smallest and the largest pending ID.
    pub fn bounds(&self) -> Option<(StreamId, StreamId)> {
        self.root.as_ref().map(|root| (root.sum.first, root.last()))
    }

    /// In ID order.
    pub fn range(&self, ids: RangeInclusive<StreamId>) -> Entries<'_> {
        let (from, to) = ids.into_inner();
        Entries::new(self.root.as_slice(), from, to)
    }

    /// In ID order, all.
    pub fn iter(&self) -> Entries<'_> {
        self.range(StreamId::MIN..=StreamId::MAX)
    }

    /// Looks at so many entries from an ID on for those that were delivered by then or may have lost their message.
    pub fn sweep(&self, from: StreamId, delivered_by: i64, count: u64) -> Sweep<'_> {
        Sweep::new(self.range(from..=StreamId::MAX), delivered_by, self.lost_to, count)
    }

    /// A message of the stream is gone, and its entry, if it is pending, stays.
    pub(crate) fn lose(&mut self, id: StreamId) {
        if id > self.lost_to
            && self.root.as_ref().is_some_and(|root| root.sum.first <= id)
            && self.contains(id)
        {
            self.lost_to = id;
        }
    }

    /// All messages below an ID are gone.
    pub(crate) fn lose_below(&mut self, below: StreamId) {
        if self.root.as_ref().is_some_and(|root| root.sum.first < below) {
            self.lost_to = self.lost_to.max(below);
        }
    }

    /// In claim order: released first, then oldest delivery first.
    pub fn claim_order(&self) -> Claims<'_> {
        self.claim_order_by(i64::MAX)
    }

    /// As [`Pending::claim_order`], up to the last one delivered by then. Times before 1970 count as 0.
    pub fn claim_order_by(&self, time: i64) -> Claims<'_> {
        Claims::new(self.root.as_ref(), time)
    }

    /// Puts an entry in, or replaces it and places it anew. Answers the delivery that it replaced.
    pub fn place(
        &mut self,
        id: StreamId,
        owner: Option<ConsumerKey>,
        delivered_at: i64,
        delivery_count: i64,
    ) -> Option<Delivery> {
        let delivery = Delivery { owner, delivered_at, delivery_count, order: self.next_order };
        self.next_order += 1;
        self.place_exact(id, delivery)
    }

    /// Puts an entry in as it once was. The order is the caller's to keep.
    pub fn place_exact(&mut self, id: StreamId, delivery: Delivery) -> Option<Delivery> {
        let Some(root) = &mut self.root else {
            self.root = Some(Child::leaf(id, &delivery));
            return None;
        };
        let (before, behind) = root.place(id, &delivery);
        if let Some(behind) = behind {
            self.root = self.root.take().map(|root| Child::above(root, behind));
        }
        before
    }

    /// The order that the next placement gets.
    pub fn next_order(&self) -> u64 {
        self.next_order
    }

    /// Sets the order that the next placement gets.
    pub fn set_next_order(&mut self, order: u64) {
        self.next_order = order;
    }

    /// Takes out those of some entries that are pending. Answers whose they were. It costs less if the IDs ascend.
    pub fn remove(&mut self, mut ids: &[StreamId]) -> Owners {
        let mut owners = Owners::default();
        while let Some(root) = self.root.as_mut().filter(|_| !ids.is_empty()) {
            let loss = root.remove(ids, &mut owners);
            ids = &ids[loss.looked_up..];
            if root.is_to_be_trimmed() {
                self.root = self.root.take().and_then(Child::trimmed);
            }
        }
        self.forget_lost();
        owners
    }

    /// Takes out what a consumer owns, chunk by chunk. Answers the chunks that went.
    pub fn remove_owned(&mut self, owner: ConsumerKey) -> Vec<Chunks> {
        let (mut leaves, mut gone) = (Vec::new(), Vec::new());
        self.root.take().into_iter().for_each(|root| root.leaves_without(owner, &mut leaves, &mut gone));
        self.root = Child::over(leaves);
        self.forget_lost();
        gone
    }

    /// How many there are below an ID.
    pub fn rank(&self, id: StreamId) -> u64 {
        self.root.as_ref().map_or(0, |root| root.rank(id))
    }

    /// Takes out what lies in `from..below`, chunk by chunk. Answers whose that was, and the chunks that went.
    pub(crate) fn remove_between(&mut self, from: StreamId, below: StreamId) -> (Owners, Vec<Chunks>) {
        let (mut leaves, mut cut) = (Vec::new(), Cut::new(from, below));
        self.root.take().into_iter().for_each(|root| root.leaves_outside(&mut cut, &mut leaves));
        self.root = Child::over(leaves);
        self.forget_lost();
        (cut.owners, cut.gone)
    }

    /// Above it, no entry has lost its message.
    pub(crate) fn lost_to(&self) -> StreamId {
        self.lost_to
    }

    fn forget_lost(&mut self) {
        if self.root.is_none() {
            self.lost_to = StreamId::MIN;
        }
    }

    /// Bytes of memory beside the list itself.
    pub fn memory(&self) -> usize {
        self.root.as_ref().map_or(0, Child::memory)
    }
}
