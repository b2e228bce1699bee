//! The tree: chunks in ID order under nodes that know what lies below each of their children.
//!
//! A node that a snapshot holds too is copied before it is changed, and with it the path down to it; nobody else's
//! nodes are touched. Nothing is balanced ahead of need: a full node is split (at its end, where IDs arrive in order,
//! a new one is begun), and a node that shrank far joins a neighbour if both together stay well below full.

use super::chunk::{self, Chunk, owner_bit};
use super::{ClaimKey, Delivery, Owners};
use crate::id::StreamId;
use crate::state::ConsumerKey;
use std::hint::select_unpredictable;
use std::ops::Range;
use triomphe::Arc;

/// Children of a full node.
const FAN_OUT: usize = 64;

/// Masks of owners are made anew at one removal in so many; until then they may say too much.
const REFRESH: u64 = 64;
/// Smallest claim keys are made anew at one removal in so many; until then they may be those of entries that are gone. To
/// look for the next one at each acknowledgement of the oldest, as most are, would cost more than the rest.
const LOOK: u64 = 32;

/// What is below a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) count: u64,
    /// How many of them have no owner.
    pub(super) released: u64,
    /// The smallest ID.
    pub(super) first: StreamId,
    /// No claim key is smaller; see [`LOOK`].
    pub(super) oldest: ClaimKey,
    /// A bit for each owner, possibly for one that has nothing here any more.
    pub(super) owners: u64,
}

/// A node.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Entries.
    Leaf(Chunk),
    /// Nodes, all of one height.
    Inner(Vec<Child>),
}

/// A node and what its parent knows of it.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) node: Arc<Node>,
    pub(super) sum: Summary,
}

/// What was taken out of a tree.
#[derive(Debug)]
pub struct Chunks(#[expect(dead_code, reason = "held to be dropped")] Arc<Node>);

/// What a node lost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loss {
    /// How many of the IDs were looked up, at least one.
    pub(super) looked_up: usize,
    count: u64,
    released: u64,
    /// Whether it is time to look for the smallest claim key; see [`LOOK`].
    is_to_look: bool,
    /// Whether it is time to make the mask of owners anew; see [`REFRESH`].
    is_to_refresh: bool,
}

impl Loss {
    fn add(&mut self, owner: Option<ConsumerKey>, order: u64) {
        self.count += 1;
        self.released += u64::from(owner.is_none());
        self.is_to_look |= order.is_multiple_of(LOOK);
        self.is_to_refresh |= order.is_multiple_of(REFRESH);
    }
}

/// What is to be taken out of a tree, and what was.
pub(super) struct Cut {
    from: StreamId,
    below: StreamId,
    pub(super) owners: Owners,
    pub(super) gone: Vec<Chunks>,
}

impl Cut {
    pub(super) fn new(from: StreamId, below: StreamId) -> Cut {
        Cut { from, below, owners: Owners::default(), gone: Vec::new() }
    }
}

/// The child that an ID lies in if it lies in one.
pub(super) fn position(children: &[Child], id: StreamId) -> usize {
    // Deliveries are at the end, acknowledgements mostly at the front.
    match children {
        [.., last] if last.sum.first <= id => return children.len() - 1,
        [_, second, ..] if id < second.sum.first => return 0,
        _ => {}
    }
    let (mut at, mut len) = (0, children.len());
    while len > 1 {
        let middle = at + len / 2;
        let first = children[middle].sum.first;
        // Who compares them as pairs, or as one number, gets a jump that is mispredicted every other time.
        let is_behind = (first.ms > id.ms) | (first.ms == id.ms) & (first.seq > id.seq);
        at = select_unpredictable(is_behind, at, middle);
        len -= len / 2;
    }
    at
}

impl Summary {
    fn of(node: &Node) -> Summary {
        match node {
            Node::Leaf(chunk) => {
                let (count, released) = (chunk.len() as u64, chunk.released() as u64);
                let (first, oldest) = (chunk.id(0), chunk.oldest(released > 0));
                Summary { count, released, first, oldest, owners: chunk.owners() }
            }
            Node::Inner(children) => {
                let sums = children.iter().map(|child| child.sum);
                sums.reduce(Summary::joined).expect("a node has children")
            }
        }
    }

    fn joined(self, behind: Summary) -> Summary {
        Summary {
            count: self.count + behind.count,
            released: self.released + behind.released,
            first: self.first,
            oldest: self.oldest.min(behind.oldest),
            owners: self.owners | behind.owners,
        }
    }

    /// After an entry was put into the node, maybe in place of another.
    fn gain(&mut self, node: &Node, before: Option<&Delivery>, after: &Delivery) {
        self.count += 1;
        self.released += u64::from(after.owner.is_none());
        self.oldest = self.oldest.min(after.claim_key());
        self.owners |= owner_bit(after.owner);
        let mut loss = Loss::default();
        before.into_iter().for_each(|before| loss.add(before.owner, before.order));
        self.lose(node, &loss);
    }

    /// After entries of the node went.
    fn lose(&mut self, node: &Node, loss: &Loss) {
        self.count -= loss.count;
        self.released -= loss.released;
        if self.count == 0 {
            return;
        }
        self.first = node.first();
        if loss.is_to_look {
            self.oldest = node.oldest(self.released > 0);
        }
        if loss.is_to_refresh {
            self.owners = node.owners();
        }
    }
}

impl Node {
    fn first(&self) -> StreamId {
        match self {
            Node::Leaf(chunk) => chunk.id(0),
            Node::Inner(children) => children[0].sum.first,
        }
    }

    fn oldest(&self, released: bool) -> ClaimKey {
        match self {
            Node::Leaf(chunk) => chunk.oldest(released),
            Node::Inner(children) => {
                children.iter().map(|child| child.sum.oldest).min().expect("a node has children")
            }
        }
    }

    fn owners(&self) -> u64 {
        match self {
            Node::Leaf(chunk) => chunk.owners(),
            Node::Inner(children) => children.iter().fold(0, |mask, child| mask | child.sum.owners),
        }
    }

    /// Entries or children.
    fn len(&self) -> usize {
        match self {
            Node::Leaf(chunk) => chunk.len(),
            Node::Inner(children) => children.len(),
        }
    }

    fn full(&self) -> usize {
        match self {
            Node::Leaf(_) => chunk::FULL,
            Node::Inner(_) => FAN_OUT,
        }
    }
}

impl Child {
    fn new(node: Node) -> Child {
        Child { sum: Summary::of(&node), node: Arc::new(node) }
    }

    /// A leaf of one entry.
    pub(super) fn leaf(id: StreamId, delivery: &Delivery) -> Child {
        Child::new(Node::Leaf(Chunk::of(id, delivery)))
    }

    /// A node above two others.
    pub(super) fn above(front: Child, rear: Child) -> Child {
        Child::new(Node::Inner(vec![front, rear]))
    }

    /// The last ID.
    pub(super) fn last(&self) -> StreamId {
        match &*self.node {
            Node::Leaf(chunk) => chunk.id(chunk.len() - 1),
            Node::Inner(children) => children.last().expect("a node has children").last(),
        }
    }

    pub(super) fn get(&self, id: StreamId) -> Option<Delivery> {
        let chunk = self.leaf_of(id);
        chunk.find(id).ok().map(|at| chunk.delivery(at))
    }

    pub(super) fn contains(&self, id: StreamId) -> bool {
        self.leaf_of(id).find(id).is_ok()
    }

    /// The chunk that an ID lies in if it lies in one.
    pub(super) fn leaf_of(&self, id: StreamId) -> &Chunk {
        let mut node = &*self.node;
        loop {
            match node {
                Node::Leaf(chunk) => return chunk,
                Node::Inner(children) => node = &children[position(children, id)].node,
            }
        }
    }

    /// Puts an entry in, or another delivery in its place. Answers what was there, and the node to be put behind this
    /// one if it had to be split.
    pub(super) fn place(&mut self, id: StreamId, after: &Delivery) -> (Option<Delivery>, Option<Child>) {
        let node = Arc::make_mut(&mut self.node);
        let (before, behind) = match node {
            Node::Leaf(chunk) => place_in_chunk(chunk, id, after),
            Node::Inner(children) => {
                let at = position(children, id);
                let (before, behind) = children[at].place(id, after);
                (before, behind.and_then(|child| insert_child(children, at + 1, child)))
            }
        };
        match behind {
            None => self.sum.gain(node, before.as_ref(), after),
            Some(_) => self.sum = Summary::of(node),
        }
        (before, behind.map(Child::new))
    }

    /// Takes entries out, which may leave the child empty: the first one, and those behind it in the same chunk as
    /// long as the IDs ascend. In vain, it may copy shared nodes, once each.
    pub(super) fn remove(&mut self, ids: &[StreamId], owners: &mut Owners) -> Loss {
        let node = Arc::make_mut(&mut self.node);
        let loss = match node {
            Node::Leaf(chunk) => take_from_chunk(chunk, ids, owners),
            Node::Inner(children) => {
                let at = position(children, ids[0]);
                let loss = children[at].remove(ids, owners);
                if loss.count > 0 {
                    settle(children, at);
                }
                loss
            }
        };
        if loss.count > 0 {
            self.sum.lose(node, &loss);
        }
        loss
    }

    /// The leaves without the entries of an owner. Those that never had one stay as they are. What was left of them
    /// goes into `gone`: freeing it takes as long as all the rest.
    pub(super) fn leaves_without(self, owner: ConsumerKey, leaves: &mut Vec<Child>, gone: &mut Vec<Chunks>) {
        match &*self.node {
            Node::Inner(_) => {
                // Not shared with what is gone: who changes a leaf would copy it.
                if let Node::Inner(children) = Arc::unwrap_or_clone(self.node) {
                    children.into_iter().for_each(|child| child.leaves_without(owner, leaves, gone));
                }
                return;
            }
            Node::Leaf(_) if self.sum.owners & owner_bit(Some(owner)) == 0 => return join(leaves, self),
            Node::Leaf(chunk) if chunk.is_all_of(owner) => {}
            Node::Leaf(chunk) => match chunk.without(owner) {
                rest if rest.len() == 0 => {}
                rest if rest.len() == chunk.len() => return join(leaves, self),
                rest => join(leaves, Child::new(Node::Leaf(rest))),
            },
        }
        gone.push(Chunks(self.node));
    }

    /// The leaves without what is to be cut.
    pub(super) fn leaves_outside(self, cut: &mut Cut, leaves: &mut Vec<Child>) {
        let chunk = match &*self.node {
            Node::Leaf(chunk) => chunk,
            Node::Inner(_) => {
                if let Node::Inner(children) = Arc::unwrap_or_clone(self.node) {
                    children.into_iter().for_each(|child| child.leaves_outside(cut, leaves));
                }
                return;
            }
        };
        let at = |id| chunk.find(id).unwrap_or_else(|at| at);
        let rows = at(cut.from)..at(cut.below);
        if rows.is_empty() {
            return join(leaves, self);
        }
        if rows.len() < chunk.len() {
            join(leaves, Child::new(Node::Leaf(chunk.outside(&rows))));
        }
        chunk.count_owners(rows, &mut cut.owners);
        cut.gone.push(Chunks(self.node));
    }

    /// How many entries lie below an ID.
    pub(super) fn rank(&self, id: StreamId) -> u64 {
        match &*self.node {
            Node::Leaf(chunk) => chunk.find(id).unwrap_or_else(|at| at) as u64,
            Node::Inner(children) => {
                let at = position(children, id);
                let before: u64 = children[..at].iter().map(|child| child.sum.count).sum();
                before + children[at].rank(id)
            }
        }
    }

    /// The tree over some leaves.
    pub(super) fn over(mut level: Vec<Child>) -> Option<Child> {
        while level.len() > 1 {
            let mut below = level.into_iter().peekable();
            let above = std::iter::from_fn(|| {
                below.peek()?;
                Some(Child::new(Node::Inner(below.by_ref().take(FAN_OUT).collect())))
            });
            level = above.collect();
        }
        level.pop()
    }

    /// Whether it is empty, or a node above a single one.
    pub(super) fn is_to_be_trimmed(&self) -> bool {
        self.sum.count == 0 || matches!(&*self.node, Node::Inner(children) if children.len() == 1)
    }

    /// The child itself, or what is left of it: the one node below it, nothing.
    pub(super) fn trimmed(mut self) -> Option<Child> {
        while let Node::Inner(children) = &*self.node
            && let [only] = &children[..]
        {
            self = only.clone();
        }
        (self.sum.count > 0).then_some(self)
    }

    /// Bytes of memory, each node counted whole.
    pub(super) fn memory(&self) -> usize {
        const COUNTERS: usize = 2 * size_of::<usize>();
        let content = match &*self.node {
            Node::Leaf(chunk) => chunk.memory(),
            Node::Inner(children) => {
                let below: usize = children.iter().map(Child::memory).sum();
                children.capacity() * size_of::<Child>() + below
            }
        };
        COUNTERS + size_of::<Node>() + content
    }

    /// Whether this child and the one behind it are better one: one of them is small, and they fill no node.
    fn belongs_with(&self, behind: &Child) -> bool {
        let (lens, full) = ([self.node.len(), behind.node.len()], self.node.full());
        lens.iter().any(|len| *len <= full / 4) && lens.iter().sum::<usize>() <= full * 3 / 4
    }

    fn absorb(&mut self, behind: &Child) {
        match (Arc::make_mut(&mut self.node), &*behind.node) {
            (Node::Leaf(chunk), Node::Leaf(other)) => *chunk = chunk.joined(other),
            (Node::Inner(children), Node::Inner(others)) => children.extend_from_slice(others),
            _ => unreachable!("children of a node are of one height"),
        }
        self.sum = self.sum.joined(behind.sum);
    }
}

fn place_in_chunk(chunk: &mut Chunk, id: StreamId, after: &Delivery) -> (Option<Delivery>, Option<Node>) {
    match chunk.find(id) {
        Ok(at) => {
            let before = chunk.delivery(at);
            chunk.replace(at, id, after);
            (Some(before), None)
        }
        Err(at) if chunk.len() < chunk::FULL => {
            chunk.insert(at, id, after);
            (None, None)
        }
        Err(chunk::FULL) => {
            chunk.close();
            (None, Some(Node::Leaf(Chunk::of(id, after))))
        }
        Err(at) => {
            let mut behind = chunk.split();
            match at.checked_sub(chunk.len()) {
                Some(at) => behind.insert(at, id, after),
                None => chunk.insert(at, id, after),
            }
            (None, Some(Node::Leaf(behind)))
        }
    }
}

fn take_from_chunk(chunk: &mut Chunk, ids: &[StreamId], owners: &mut Owners) -> Loss {
    let (mut loss, mut at) = (Loss::default(), 0);
    loop {
        match chunk.find_from(at, ids[loss.looked_up]) {
            Ok(from) => {
                at = from;
                let rows = rows_of(chunk, from, &ids[loss.looked_up..]);
                for row in rows.clone() {
                    let owner = chunk.owner(row);
                    owners.add(owner, 1);
                    loss.add(owner, chunk.order(row));
                }
                loss.looked_up += rows.len();
                chunk.remove(rows);
            }
            Err(from) => {
                at = from;
                loss.looked_up += 1;
            }
        }
        let [before, next] = match ids.get(loss.looked_up - 1..=loss.looked_up) {
            Some(&[before, next]) => [before, next],
            _ => return loss,
        };
        if next <= before || at == chunk.len() || next > chunk.id(chunk.len() - 1) {
            return loss;
        }
    }
}

/// The rows from one on that have the next IDs.
fn rows_of(chunk: &Chunk, from: usize, ids: &[StreamId]) -> Range<usize> {
    let behind = (from + 1..chunk.len()).zip(&ids[1..]);
    from..from + 1 + behind.take_while(|(row, id)| chunk.id(*row) == **id).count()
}

/// Puts a child in. Answers the node to be put behind this one if it had to be split.
fn insert_child(children: &mut Vec<Child>, at: usize, child: Child) -> Option<Node> {
    if children.len() < FAN_OUT {
        children.insert(at, child);
        return None;
    }
    if at == FAN_OUT {
        return Some(Node::Inner(vec![child]));
    }
    let mut behind = children.split_off(FAN_OUT / 2);
    match at.checked_sub(children.len()) {
        Some(at) => behind.insert(at, child),
        None => children.insert(at, child),
    }
    Some(Node::Inner(behind))
}

/// After the child at `at` lost something: it goes if it is empty, and joins a neighbour if it became small.
fn settle(children: &mut Vec<Child>, at: usize) {
    if children[at].sum.count == 0 {
        children.remove(at);
    } else if children[at].node.len() <= children[at].node.full() / 4 {
        let neighbours = [at.checked_sub(1), Some(at).filter(|at| at + 1 < children.len())];
        let joins = |front: &usize| children[*front].belongs_with(&children[front + 1]);
        if let Some(front) = neighbours.into_iter().flatten().find(joins) {
            let behind = children.remove(front + 1);
            children[front].absorb(&behind);
        }
    }
    if children.capacity() > 4 * children.len() {
        children.shrink_to(2 * children.len());
    }
}

/// Puts a leaf behind others.
fn join(leaves: &mut Vec<Child>, leaf: Child) {
    match leaves.last_mut() {
        Some(last) if last.belongs_with(&leaf) => last.absorb(&leaf),
        _ => leaves.push(leaf),
    }
}

#[cfg(test)]
impl Child {
    /// Whether everything is as it should be below.
    pub(super) fn check(&self) -> usize {
        let found = Summary::of(&self.node);
        assert!(found.oldest >= self.sum.oldest);
        assert_eq!(Summary { owners: self.sum.owners, oldest: self.sum.oldest, ..found }, self.sum);
        assert_eq!(found.owners & !self.sum.owners, 0);
        assert!((1..=self.node.full()).contains(&self.node.len()));
        match &*self.node {
            Node::Leaf(chunk) => {
                assert!((1..chunk.len()).all(|at| chunk.id(at - 1) < chunk.id(at)));
                assert!(chunk.is_compact());
                0
            }
            Node::Inner(children) => {
                assert!(children.windows(2).all(|pair| pair[0].last() < pair[1].sum.first));
                let heights: Vec<usize> = children.iter().map(Child::check).collect();
                assert!(heights.iter().all(|height| *height == heights[0]));
                heights[0] + 1
            }
        }
    }
}
