//! A stream: a run of blocks, what is remembered of it, and its groups.
//!
//! ```text
//! blocks   [ b0 | b1 | .. | tail ]   shared; entries in ID order, deleted ones marked
//! groups   name -> Group             in byte order of the name
//! idmp     producer -> iid -> ID     only once an idempotent producer wrote
//! ```

use super::Name;
use super::block::{Block, Slot};
use super::blocks::{Blocks, Place};
use super::entry::EntryRef;
use super::group::Group;
use super::idempotence::Idempotence;
use crate::id::StreamId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A stream. Fields are readable everywhere in the engine and changed by `apply` alone.
#[derive(Clone, Debug)]
pub struct Stream {
    pub(crate) blocks: Blocks,
    pub(crate) length: u64,
    /// Highest ID ever assigned; lowered only by XSETID.
    pub(crate) last_id: StreamId,
    /// ID of the first live entry; 0-0 when there is none.
    pub(crate) first_id: StreamId,
    /// Highest ID removed by XDEL, XDELEX or XACKDEL; trimming does not count.
    pub(crate) max_deleted_id: StreamId,
    pub(crate) entries_added: u64,
    pub(crate) groups: BTreeMap<Name, Group>,
    pub(crate) idempotence: Idempotence,
}

impl Stream {
    pub(crate) fn new(idmp_duration: u64, idmp_maxsize: u64) -> Stream {
        Stream {
            blocks: Blocks::default(),
            length: 0,
            last_id: StreamId::MIN,
            first_id: StreamId::MIN,
            max_deleted_id: StreamId::MIN,
            entries_added: 0,
            groups: BTreeMap::new(),
            idempotence: Idempotence::new(idmp_duration, idmp_maxsize),
        }
    }

    /// The group of that name.
    pub(crate) fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The live entries with `from <= id <= to`, ascending.
    pub(crate) fn range(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = EntryRef> + '_ {
        self.slots(from, to).map(|(block, slot)| EntryRef::new(block, slot))
    }

    /// The IDs of [`Stream::range`].
    pub(crate) fn ids(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = StreamId> + '_ {
        self.slots(from, to).map(|(_, slot)| slot.id)
    }

    fn slots(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = (&Arc<Block>, Slot)> + '_ {
        let blocks = self.blocks.from(self.blocks.find(from)).take_while(move |block| block.first() <= to);
        blocks
            .flat_map(move |block| block.slots_from(from).map(move |slot| (block, slot)))
            .take_while(move |(_, slot)| slot.id <= to)
    }

    /// The live entries with `from <= id <= to`, descending.
    pub(crate) fn range_back(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = EntryRef> + '_ {
        let blocks =
            self.blocks.back_from(self.blocks.find(to)).take_while(move |block| block.last() >= from);
        blocks.flat_map(move |block| {
            let slots: Vec<Slot> = block.slots_from(from).take_while(|slot| slot.id <= to).collect();
            slots.into_iter().rev().map(move |slot| EntryRef::new(block, slot))
        })
    }

    /// The live entry with this ID.
    pub(crate) fn entry(&self, id: StreamId) -> Option<EntryRef> {
        let block = self.blocks.get(self.blocks.find(id)?);
        block.find(id).map(|slot| EntryRef::new(block, slot))
    }

    /// Whether there is a live entry with this ID.
    pub(crate) fn contains(&self, id: StreamId) -> bool {
        self.place_of(id).is_some()
    }

    /// The ID of the last live entry.
    pub(crate) fn last_entry_id(&self) -> Option<StreamId> {
        self.range_back(StreamId::MIN, StreamId::MAX).next().map(|entry| entry.id)
    }

    /// Whether some group may still need the entry: it has not read it, or it is pending there.
    pub(crate) fn is_referenced(&self, id: StreamId) -> bool {
        let unread = self.groups.values().map(|group| group.last_id).min().is_some_and(|read| id > read);
        unread || self.groups.values().any(|group| group.pending.contains(id))
    }

    /// The block with the live entry of this ID.
    fn place_of(&self, id: StreamId) -> Option<Place> {
        self.blocks.find(id).filter(|place| self.blocks.get(*place).find(id).is_some())
    }

    pub(crate) fn append(&mut self, id: StreamId, fields: &[u8], new_block: bool) {
        if new_block || self.blocks.is_empty() {
            let block = match self.blocks.back_mut() {
                Some(full) => {
                    full.close();
                    Block::after(full, id)
                }
                None => Block::new(id),
            };
            self.blocks.push_back(block);
        }
        let tail = self.blocks.back_mut().expect("a block was pushed if there was none");
        tail.push(id, fields);
        self.length += 1;
        self.last_id = id;
        self.entries_added = self.entries_added.saturating_add(1).min(i64::MAX as u64);
        if self.length == 1 {
            self.first_id = id;
        }
    }

    /// Takes over a whole block, which comes after all others. The counters stay as they are.
    pub(crate) fn adopt(&mut self, block: Block) {
        self.length += block.live();
        self.blocks.push_back(block);
        if self.blocks.len() == 1 {
            self.find_first();
        }
    }

    /// Removes one live entry without remembering it as deleted; false if there was none.
    pub(crate) fn remove(&mut self, id: StreamId) -> bool {
        let Some(place) = self.place_of(id) else { return false };
        let block = self.blocks.get_mut(place);
        block.delete(id);
        if block.live() == 0 {
            self.blocks.remove(place);
        }
        self.length -= 1;
        self.groups.values_mut().for_each(|group| group.pending.lose(id));
        if self.first_id == id || self.length == 0 {
            self.find_first();
        }
        true
    }

    /// Removes every live entry below `below`. Answers the blocks that went whole.
    pub(crate) fn remove_below(&mut self, below: StreamId) -> Blocks {
        self.groups.values_mut().for_each(|group| group.pending.lose_below(below));
        let whole = self.blocks.detach_below(below);
        // Each block that is asked costs a look at its memory.
        self.length = match whole.len() < self.blocks.len() {
            true => self.length - whole.live(),
            false => self.blocks.live(),
        };
        if let Some(front) = self.blocks.front() {
            let gone: Vec<StreamId> = front.slots().map(|s| s.id).take_while(|id| *id < below).collect();
            self.length -= gone.len() as u64;
            if gone.len() as u64 == front.live() {
                self.blocks.pop_front();
            } else if !gone.is_empty() {
                let block = self.blocks.front_mut();
                for id in gone {
                    block.delete(id);
                }
            }
        }
        self.find_first();
        whole
    }

    fn find_first(&mut self) {
        let first = self.blocks.iter().find_map(|block| block.slots().next());
        self.first_id = first.map_or(StreamId::MIN, |slot| slot.id);
    }
}
