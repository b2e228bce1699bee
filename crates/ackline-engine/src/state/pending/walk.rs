//! Ways through the tree: in ID order, with what is not wanted skipped by the node, and in claim order.

use super::chunk::{Chunk, owner_bit};
use super::tree::{Child, Node, Summary, position};
use super::{ClaimKey, Delivery};
use crate::id::StreamId;
use crate::state::group::ConsumerKey;
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

    /// Their IDs only, each with whether the entry is released or was delivered by then.
    pub fn ages(mut self, time: i64) -> impl Iterator<Item = (StreamId, bool)> {
        std::iter::from_fn(move || {
            let (leaf, row) = self.next_row()?;
            Some((leaf.id(row), leaf.is_older(row, time)))
        })
    }
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.next_row().map(|(leaf, row)| (leaf.id(row), leaf.delivery(row)))
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
