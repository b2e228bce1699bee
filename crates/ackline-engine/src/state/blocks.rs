//! The blocks of a stream.
//!
//! ```text
//! runs   [ Arc [b b b ..] | Arc [b b b ..] | .. ]      each b its first ID and an Arc<Block>, IDs ascending
//! ```
//!
//! Two levels, both shared: a snapshot takes one reference a run while the shard is locked, and what changes later
//! copies one run of references and one block.

use super::block::Block;
use crate::id::StreamId;
use std::collections::VecDeque;
use std::sync::Arc;

/// Blocks in a run: the square root of what a very long stream has.
const RUN_MAX: usize = 256;

/// A block, and the ID that it begins with: a search touches no block but the one that it finds.
type Entry = (StreamId, Arc<Block>);

/// Entries, and the ID that the first of them begins with.
type Run = (StreamId, Arc<Vec<Entry>>);

/// Where a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    run: usize,
    index: usize,
}

/// A sequence of blocks in ID order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks {
    runs: VecDeque<Run>,
    len: usize,
}

impl Blocks {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn front(&self) -> Option<&Arc<Block>> {
        self.runs.front()?.1.first().map(|(_, block)| block)
    }

    pub(crate) fn back(&self) -> Option<&Arc<Block>> {
        self.runs.back()?.1.last().map(|(_, block)| block)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Block>> {
        self.runs.iter().flat_map(|(_, run)| run.iter()).map(|(_, block)| block)
    }

    pub(crate) fn get(&self, place: Place) -> &Arc<Block> {
        &self.runs[place.run].1[place.index].1
    }

    /// The block that an ID lies in if it lies in one: the last that begins at or before it.
    pub(crate) fn find(&self, id: StreamId) -> Option<Place> {
        let run = self.runs.partition_point(|(first, _)| *first <= id).checked_sub(1)?;
        let index = self.runs[run].1.partition_point(|(first, _)| *first <= id).checked_sub(1)?;
        Some(Place { run, index })
    }

    /// The blocks from a place on; all of them without one.
    pub(crate) fn from(&self, place: Option<Place>) -> impl Iterator<Item = &Arc<Block>> {
        let Place { run, index } = place.unwrap_or(Place { run: 0, index: 0 });
        let head = self.runs.get(run).into_iter().flat_map(move |(_, run)| &run[index..]);
        let next = (run + 1).min(self.runs.len());
        head.chain(self.runs.range(next..).flat_map(|(_, run)| run.iter())).map(|(_, block)| block)
    }

    /// The blocks up to a place, last first; none without one.
    pub(crate) fn back_from(&self, place: Option<Place>) -> impl Iterator<Item = &Arc<Block>> {
        let head = place.into_iter().flat_map(|place| self.runs[place.run].1[..=place.index].iter().rev());
        let before = place.map_or(0, |place| place.run);
        head.chain(self.runs.range(..before).rev().flat_map(|(_, run)| run.iter().rev()))
            .map(|(_, block)| block)
    }

    pub(crate) fn push_back(&mut self, block: Block) {
        let entry = (block.first(), Arc::new(block));
        match self.runs.back_mut() {
            Some((_, run)) if run.len() < RUN_MAX => Arc::make_mut(run).push(entry),
            _ => self.runs.push_back((entry.0, Arc::new(vec![entry]))),
        }
        self.len += 1;
    }

    /// The block at a place, to be changed.
    pub(crate) fn get_mut(&mut self, place: Place) -> &mut Block {
        Arc::make_mut(&mut Arc::make_mut(&mut self.runs[place.run].1)[place.index].1)
    }

    /// The first block, to be changed; there must be one.
    pub(crate) fn front_mut(&mut self) -> &mut Block {
        self.get_mut(Place { run: 0, index: 0 })
    }

    /// The last block, to be changed.
    pub(crate) fn back_mut(&mut self) -> Option<&mut Block> {
        Arc::make_mut(&mut self.runs.back_mut()?.1).last_mut().map(|(_, block)| Arc::make_mut(block))
    }

    pub(crate) fn remove(&mut self, place: Place) -> Arc<Block> {
        let (begin, run) = &mut self.runs[place.run];
        let (_, block) = Arc::make_mut(run).remove(place.index);
        match run.first() {
            Some((first, _)) => *begin = *first,
            None => drop(self.runs.remove(place.run)),
        }
        self.len -= 1;
        block
    }

    /// Takes out the blocks that end below an ID, whole runs at once.
    pub(crate) fn detach_below(&mut self, below: StreamId) -> Blocks {
        let mut gone = Blocks::default();
        let Some(place) = self.find(below) else { return gone };
        // Those before the block that the ID would lie in end below the beginning of that.
        let count = place.index + usize::from(self.get(place).last() < below);
        let rest = self.runs.split_off(place.run);
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
        gone
    }

    /// Live entries of all blocks.
    pub(crate) fn live(&self) -> u64 {
        self.iter().map(|block| block.live()).sum()
    }

    pub(crate) fn pop_front(&mut self) -> Option<Arc<Block>> {
        (!self.is_empty()).then(|| self.remove(Place { run: 0, index: 0 }))
    }

    /// Bytes of memory that the references take.
    pub(crate) fn memory(&self) -> usize {
        let runs =
            self.runs.iter().map(|(_, run)| run.capacity() * size_of::<Entry>() + size_of::<Vec<u8>>() + 16);
        runs.sum::<usize>() + self.runs.capacity() * size_of::<Run>()
    }
}
