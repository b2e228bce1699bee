//! The blocks of a stream.
//!
//! ```text
//! runs   [ Arc [b b b ..] | Arc [b b b ..] | .. ] tail     each b its first ID and an Arc<Block>, IDs ascending
//! ```
//!
//! Two levels, both shared: a snapshot takes one reference a run while the shard is locked, and what changes later
//! copies one run of references and one block. The tail stands alone: entries are put into it, and a stream of one
//! block has nothing else.

use super::block::Block;
use crate::id::StreamId;
use std::collections::VecDeque;
use triomphe::Arc;

/// Blocks in a run: the square root of what a very long stream has.
const RUN_MAX: usize = 256;

/// A block, and the ID that it begins with: a search touches no block but the one that it finds.
type Entry = (StreamId, Arc<Block>);

/// Entries, and the ID that the first of them begins with.
type Run = (StreamId, Arc<Vec<Entry>>);

/// Where a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a run.
    Full {
        /// Which run.
        run: usize,
        /// Which block of it.
        index: usize,
    },
    /// The tail.
    Tail,
}

impl Place {
    /// That of the first block, unless it is the tail.
    const FIRST: Place = Place::Full { run: 0, index: 0 };
}

/// Blocks, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Walk<'a> {
    blocks: Blocks<'a>,
    next: Option<Place>,
}

impl<'a> Iterator for Walk<'a> {
    type Item = &'a Arc<Block>;

    fn next(&mut self) -> Option<&'a Arc<Block>> {
        let place = self.next?;
        self.next = self.blocks.after(place);
        Some(self.blocks.get(place))
    }
}

/// The blocks before the tail, in ID order.
#[derive(Clone, Debug)]
pub(crate) struct Runs {
    runs: VecDeque<Run>,
    len: usize,
    live: u64,
    /// The first live entry; 0-0 when there is none.
    first_id: StreamId,
}

/// All blocks of a stream, to be looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blocks<'a> {
    pub(super) full: &'a Runs,
    pub(super) tail: Option<&'a Arc<Block>>,
}

static NO_RUNS: Runs = Runs::NONE;

impl<'a> Blocks<'a> {
    pub(super) const NONE: Blocks<'static> = Blocks { full: &NO_RUNS, tail: None };

    pub(crate) fn len(self) -> usize {
        self.full.len + usize::from(self.tail.is_some())
    }

    /// The last block.
    pub(crate) fn back(self) -> Option<&'a Arc<Block>> {
        self.tail
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a Arc<Block>> {
        self.from(None)
    }

    pub(super) fn get(self, place: Place) -> &'a Arc<Block> {
        match place {
            Place::Full { run, index } => &self.full.runs[run].1[index].1,
            Place::Tail => self.tail.expect("a place is where a block was found"),
        }
    }

    /// Where the block is that an ID lies in if it lies in one: the last that begins at or before it.
    pub(super) fn place(self, id: StreamId) -> Option<Place> {
        if self.tail.is_some_and(|tail| tail.first() <= id) {
            return Some(Place::Tail);
        }
        let run = self.full.runs.partition_point(|(first, _)| *first <= id).checked_sub(1)?;
        let index = self.full.runs[run].1.partition_point(|(first, _)| *first <= id).checked_sub(1)?;
        Some(Place::Full { run, index })
    }

    /// The block that an ID lies in if it lies in one.
    pub(crate) fn find(self, id: StreamId) -> Option<&'a Arc<Block>> {
        self.place(id).map(|place| self.get(place))
    }

    /// The blocks from a place on; all of them without one.
    pub(super) fn from(self, place: Option<Place>) -> Walk<'a> {
        let first = if self.full.len > 0 { Some(Place::FIRST) } else { self.tail.map(|_| Place::Tail) };
        Walk { blocks: self, next: place.or(first) }
    }

    /// The place behind another.
    fn after(self, place: Place) -> Option<Place> {
        let Place::Full { run, index } = place else { return None };
        if index + 1 < self.full.runs[run].1.len() {
            Some(Place::Full { run, index: index + 1 })
        } else if run + 1 < self.full.runs.len() {
            Some(Place::Full { run: run + 1, index: 0 })
        } else {
            self.tail.map(|_| Place::Tail)
        }
    }

    /// The blocks up to a place, last first; none without one.
    pub(super) fn back_from(self, place: Option<Place>) -> impl Iterator<Item = &'a Arc<Block>> {
        let tail = self.tail.filter(|_| place == Some(Place::Tail));
        let (run, end) = match place {
            Some(Place::Full { run, index }) => (run, index + 1),
            Some(Place::Tail) => (self.full.runs.len(), 0),
            None => (0, 0),
        };
        let head = self.full.runs.get(run).into_iter().flat_map(move |(_, run)| run[..end].iter().rev());
        let before = self.full.runs.range(..run).rev().flat_map(|(_, run)| run.iter().rev());
        tail.into_iter().chain(head.chain(before).map(|(_, block)| block))
    }

    /// Bytes of memory that the references take.
    pub(crate) fn memory(self) -> usize {
        let header = size_of::<usize>() + size_of::<Vec<Entry>>();
        let runs = self.full.runs.iter().map(|(_, run)| run.capacity() * size_of::<Entry>() + header);
        runs.sum::<usize>() + self.full.runs.capacity() * size_of::<Run>()
    }
}

impl Runs {
    pub(super) const NONE: Runs = Runs { runs: VecDeque::new(), len: 0, live: 0, first_id: StreamId::MIN };

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Live entries of all blocks.
    pub(super) fn live(&self) -> u64 {
        self.live
    }

    /// The first live entry; 0-0 when there is none.
    pub(super) fn first_id(&self) -> StreamId {
        self.first_id
    }

    fn front(&self) -> Option<&Arc<Block>> {
        self.runs.front()?.1.first().map(|(_, block)| block)
    }

    fn find_first(&mut self) {
        let first = self.front().and_then(|block| block.slots().next());
        self.first_id = first.map_or(StreamId::MIN, |slot| slot.id);
    }

    pub(super) fn push_back(&mut self, block: Arc<Block>) {
        let entry = (block.first(), block);
        self.live += entry.1.live();
        match self.runs.back_mut() {
            Some((_, run)) if run.len() < RUN_MAX => Arc::make_mut(run).push(entry),
            _ => self.runs.push_back((entry.0, Arc::new(vec![entry]))),
        }
        self.len += 1;
        if self.len == 1 {
            self.find_first();
        }
    }

    pub(super) fn pop_back(&mut self) -> Option<Arc<Block>> {
        let index = self.runs.back()?.1.len() - 1;
        Some(self.remove(self.runs.len() - 1, index))
    }

    /// Changes a block, which goes if nothing lives in it any more.
    pub(super) fn change(&mut self, (run, index): (usize, usize), change: impl FnOnce(&mut Block)) {
        let block = Arc::make_mut(&mut Arc::make_mut(&mut self.runs[run].1)[index].1);
        let before = block.live();
        change(block);
        let after = block.live();
        self.live = self.live + after - before;
        match after {
            0 => drop(self.remove(run, index)),
            _ if (run, index) == (0, 0) => self.find_first(),
            _ => {}
        }
    }

    fn remove(&mut self, run: usize, index: usize) -> Arc<Block> {
        let (begin, entries) = &mut self.runs[run];
        let entries = Arc::make_mut(entries);
        let (_, block) = entries.remove(index);
        if entries.capacity() > 4 * entries.len() {
            entries.shrink_to(2 * entries.len());
        }
        match entries.first() {
            Some((first, _)) => *begin = *first,
            None => drop(self.runs.remove(run)),
        }
        self.len -= 1;
        self.live -= block.live();
        if (run, index) == (0, 0) {
            self.find_first();
        }
        block
    }

    /// Takes out the blocks that end below an ID, whole runs at once.
    pub(super) fn detach_below(&mut self, below: StreamId) -> Runs {
        let mut gone = Runs::NONE;
        let Some(Place::Full { run, index }) = (Blocks { full: self, tail: None }).place(below) else {
            return gone;
        };
        // Those before the block that the ID would lie in end below the beginning of that.
        let count = index + usize::from(self.runs[run].1[index].1.last() < below);
        let rest = self.runs.split_off(run);
        gone.runs = std::mem::replace(&mut self.runs, rest);
        if let Some((begin, run)) = self.runs.front_mut() {
            let head: Vec<Entry> = Arc::make_mut(run).drain(..count).collect();
            gone.runs.extend(head.first().map(|(first, _)| *first).map(|first| (first, Arc::new(head))));
            match run.first() {
                Some((first, _)) => *begin = *first,
                None => drop(self.runs.pop_front()),
            }
        }
        gone.len = gone.runs.iter().map(|(_, run)| run.len()).sum();
        self.len -= gone.len;
        // Each block that is asked costs a look at its memory.
        let live =
            |runs: &Runs| Blocks { full: runs, tail: None }.iter().map(|block| block.live()).sum::<u64>();
        self.live = if gone.len < self.len { self.live - live(&gone) } else { live(self) };
        self.find_first();
        gone
    }

    /// Deletes the live entries of the first block below an ID.
    pub(super) fn delete_below(&mut self, below: StreamId) {
        if self.first_id < below && self.len > 0 {
            self.change((0, 0), |block| block.delete_below(below));
        }
    }
}
