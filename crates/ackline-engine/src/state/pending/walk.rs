//! Ways through the tree: in ID order, with what is not wanted skipped by the node, and in claim order.

use super::chunk::{Chunk, owner_bit};
use super::tree::{Child, Node, Summary, position};
use super::{ClaimKey, Delivery};
use crate::id::StreamId;
use crate::state::ConsumerKey;
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Range;

/// A pending entry with its ID.
pub type Entry = (StreamId, Delivery);

/// Pending entries in ID order.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    /// What is left at each height, the lowest last.
    stack: SmallVec<[std::slice::Iter<'a, Child>; 4]>,
    leaf: Option<&'a Chunk>,
    rows: Range<usize>,
    from: StreamId,
    to: StreamId,
    owner: Option<ConsumerKey>,
    delivered_by: Option<i64>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(root: &'a [Child], from: StreamId, to: StreamId) -> Entries<'a> {
        let stack = SmallVec::from_iter([root.iter()]);
        Entries { stack, leaf: None, rows: 0..0, from, to, owner: None, delivered_by: None }
    }

    /// Only those that a consumer owns.
    pub fn owned_by(self, owner: ConsumerKey) -> Entries<'a> {
        Entries { owner: Some(owner), ..self }
    }

    /// Only those that are released or were delivered by then.
    pub fn delivered_by(self, time: i64) -> Entries<'a> {
        Entries { delivered_by: Some(time), ..self }
    }

    fn may_be_in(&self, sum: &Summary) -> bool {
        self.owner.is_none_or(|owner| sum.owners & owner_bit(Some(owner)) != 0)
            && self.delivered_by.is_none_or(|time| sum.oldest.0 <= time.max(0))
    }

    fn wants(&self, leaf: &Chunk, row: usize) -> bool {
        self.owner.is_none_or(|owner| leaf.is_owned_by(row, owner))
            && self.delivered_by.is_none_or(|time| leaf.is_older(row, time))
    }

    fn next_leaf(&mut self) -> Option<&'a Chunk> {
        loop {
            let Some(child) = self.stack.last_mut()?.next() else {
                self.stack.pop();
                continue;
            };
            if child.sum.first > self.to {
                self.stack.clear();
            } else if self.may_be_in(&child.sum) {
                match &*child.node {
                    Node::Inner(below) => self.stack.push(below[position(below, self.from)..].iter()),
                    Node::Leaf(chunk) => return Some(chunk),
                }
            }
        }
    }

    fn next_row(&mut self) -> Option<(&'a Chunk, usize)> {
        loop {
            if let Some(leaf) = self.leaf {
                while let Some(row) = self.rows.next() {
                    if self.wants(leaf, row) {
                        return Some((leaf, row));
                    }
                }
            }
            let leaf = self.next_leaf()?;
            (self.leaf, self.rows) = (Some(leaf), leaf.between(self.from, self.to));
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.next_row().map(|(leaf, row)| (leaf.id(row), leaf.delivery(row)))
    }
}

/// Looks IDs up. Those that ascend are looked up in one chunk as long as they lie there.
#[derive(Debug)]
pub(crate) struct Finger<'a> {
    root: Option<&'a Child>,
    /// The chunk of the last one looked up.
    leaf: Option<&'a Chunk>,
    /// The last one looked up, and where it is or would be.
    id: StreamId,
    row: usize,
}

impl<'a> Finger<'a> {
    pub(super) fn new(root: Option<&'a Child>) -> Finger<'a> {
        Finger { root, leaf: None, id: StreamId::MIN, row: 0 }
    }

    /// Whether the entry is pending.
    pub(crate) fn finds(&mut self, id: StreamId) -> bool {
        self.place(id).is_some()
    }

    /// The delivery of an entry, if it is pending.
    pub(crate) fn find(&mut self, id: StreamId) -> Option<Delivery> {
        self.place(id).map(|(leaf, row)| leaf.delivery(row))
    }

    #[inline]
    fn place(&mut self, id: StreamId) -> Option<(&'a Chunk, usize)> {
        let root = self.root?;
        let (leaf, from) = match self.leaf {
            Some(leaf) if self.id < id && id <= leaf.id(leaf.len() - 1) => (leaf, self.row),
            _ => (root.leaf_of(id), 0),
        };
        let found = leaf.find_from(from, id);
        (self.leaf, self.id, self.row) = (Some(leaf), id, found.map_or_else(|row| row, |row| row + 1));
        Some((leaf, found.ok()?))
    }
}

/// A look at so many entries in ID order. It goes past those that are certain to have their message and are too young
/// by counting them, whole nodes at once.
#[derive(Clone, Debug)]
pub struct Sweep<'a> {
    entries: Entries<'a>,
    delivered_by: i64,
    /// Above it no entry has lost its message.
    lost_to: StreamId,
    left: u64,
    /// Nothing in the leaf at hand is worth a look.
    is_dull: bool,
}

impl<'a> Sweep<'a> {
    pub(super) fn new(entries: Entries<'a>, delivered_by: i64, lost_to: StreamId, left: u64) -> Sweep<'a> {
        Sweep { entries, delivered_by, lost_to, left, is_dull: false }
    }

    /// Where a later sweep goes on; `None` at the end.
    pub fn rest(mut self) -> Option<StreamId> {
        self.entries.next_row().map(|(leaf, row)| leaf.id(row))
    }

    fn next_leaf(&mut self) -> Option<()> {
        loop {
            let Some(child) = self.entries.stack.last_mut()?.next() else {
                self.entries.stack.pop();
                continue;
            };
            let (sum, from) = (&child.sum, self.entries.from);
            let is_dull = sum.first > self.lost_to && sum.oldest.0 > self.delivered_by.max(0);
            if is_dull && sum.first >= from && sum.count <= self.left {
                self.left -= sum.count;
                continue;
            }
            match &*child.node {
                Node::Inner(below) => self.entries.stack.push(below[position(below, from)..].iter()),
                Node::Leaf(chunk) => {
                    let rows = chunk.between(from, self.entries.to);
                    (self.entries.leaf, self.entries.rows, self.is_dull) = (Some(chunk), rows, is_dull);
                    return Some(());
                }
            }
        }
    }

    /// The next entry of the leaf at hand that is worth a look.
    fn next_row(&mut self) -> Option<(StreamId, bool)> {
        let leaf = self.entries.leaf?;
        let rows = &mut self.entries.rows;
        while self.left > 0 && rows.start < rows.end {
            if self.is_dull {
                let passed = self.left.min(rows.len() as u64);
                rows.start += passed as usize;
                self.left -= passed;
                continue;
            }
            let (id, is_old) = (leaf.id(rows.start), leaf.is_older(rows.start, self.delivered_by));
            rows.start += 1;
            self.left -= 1;
            if is_old || id <= self.lost_to {
                return Some((id, is_old));
            }
        }
        None
    }
}

/// An entry that is old enough or may have lost its message, and whether it is old enough.
impl Iterator for Sweep<'_> {
    type Item = (StreamId, bool);

    fn next(&mut self) -> Option<(StreamId, bool)> {
        loop {
            if let Some(found) = self.next_row() {
                return Some(found);
            }
            if self.left == 0 {
                return None;
            }
            self.next_leaf()?;
        }
    }
}

/// Pending entries in claim order. What was not reached yet is known by the smallest key of its node.
#[derive(Debug)]
pub struct Claims<'a> {
    ahead: BinaryHeap<Ahead<'a>>,
    delivered_by: i64,
}

#[derive(Debug)]
struct Ahead<'a> {
    key: ClaimKey,
    place: Place<'a>,
}

#[derive(Debug)]
enum Place<'a> {
    Below(&'a Node),
    Row(&'a Chunk, usize),
}

impl<'a> Claims<'a> {
    pub(super) fn new(root: Option<&'a Child>, delivered_by: i64) -> Claims<'a> {
        let mut claims = Claims { ahead: BinaryHeap::new(), delivered_by: delivered_by.max(0) };
        claims.extend(root);
        claims
    }

    fn extend(&mut self, children: impl IntoIterator<Item = &'a Child>) {
        let ahead = children.into_iter().map(|child| (child.sum.oldest, Place::Below(&child.node)));
        self.push(ahead);
    }

    fn push(&mut self, ahead: impl Iterator<Item = (ClaimKey, Place<'a>)>) {
        let wanted = ahead.filter(|(key, _)| key.0 <= self.delivered_by);
        self.ahead.extend(wanted.map(|(key, place)| Ahead { key, place }));
    }
}

impl Iterator for Claims<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            match self.ahead.pop()?.place {
                Place::Row(chunk, row) => return Some((chunk.id(row), chunk.delivery(row))),
                Place::Below(Node::Inner(children)) => self.extend(children),
                Place::Below(Node::Leaf(chunk)) => {
                    self.push((0..chunk.len()).map(|row| (chunk.claim_key(row), Place::Row(chunk, row))));
                }
            }
        }
    }
}

/// The smallest key is the greatest, as the heap gives that first. Keys are equal in forged images only.
impl Ord for Ahead<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let id = |ahead: &Ahead<'_>| match ahead.place {
            Place::Below(_) => None,
            Place::Row(chunk, row) => Some(chunk.id(row)),
        };
        other.key.cmp(&self.key).then_with(|| id(other).cmp(&id(self)))
    }
}

impl PartialOrd for Ahead<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ahead<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ahead<'_> {}
