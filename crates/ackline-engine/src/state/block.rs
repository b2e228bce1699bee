//! Blocks: the run of compactly encoded entries that a stream is made of.
//!
//! ```text
//! block   = entry*                      in ID order
//! entry   = flags  ms  seq  length  fields
//!           flags  one byte, 1 = deleted
//!           ms     distance from the block's first ID; seq as it is
//!           length bytes of `fields`
//! fields  = count (name value)*         count of pairs; names and values with their lengths
//! ```
//!
//! A block is shared (`Arc`) with the replies that quote it. Changing a shared block copies it first, so a reply
//! can be encoded after the shard is unlocked.

use crate::codec::{Reader, put_bytes, put_u64};
use crate::id::StreamId;
use std::sync::Arc;

const DELETED: u8 = 1;
/// Entries from one mark to the next.
const STRIDE: u32 = 8;
/// Memory is asked for in multiples of this.
const ROOM: usize = 512;

/// A run of entries.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    first: StreamId,
    last: StreamId,
    live: u32,
    total: u32,
    data: Vec<u8>,
    /// Where every eighth entry begins, the first apart: a search reads eight entries, not all.
    marks: Vec<u32>,
}

/// Where an entry lies in its block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// The entry's ID.
    pub(crate) id: StreamId,
    at: u32,
    fields: u32,
    deleted: bool,
}

impl Block {
    /// An empty block whose first entry will be `first`.
    pub(crate) fn new(first: StreamId) -> Block {
        Block { first, last: first, live: 0, total: 0, data: Vec::new(), marks: Vec::new() }
    }

    /// As [`Block::new`], with room for as much as the block before it holds.
    pub(crate) fn after(before: &Block, first: StreamId) -> Block {
        let room = if before.total > 1 { before.data.len().next_multiple_of(ROOM) } else { 0 };
        Block { data: Vec::with_capacity(room), ..Block::new(first) }
    }

    /// Bytes that an entry would take.
    pub(crate) fn cost(&self, id: StreamId, fields: usize) -> usize {
        let number = |n: u64| (64 - (n | 1).leading_zeros() as usize).div_ceil(7);
        1 + number(id.ms.wrapping_sub(self.first.ms)) + number(id.seq) + number(fields as u64) + fields
    }

    /// Nothing more comes: gives back what was too much.
    pub(crate) fn close(&mut self) {
        if self.data.capacity() > self.data.len().next_multiple_of(ROOM) {
            self.data.shrink_to_fit();
        }
        self.marks.shrink_to_fit();
    }

    /// The ID that the block began with; its entry may be deleted.
    pub(crate) fn first(&self) -> StreamId {
        self.first
    }

    /// The last ID ever put into it; its entry may be deleted.
    pub(crate) fn last(&self) -> StreamId {
        self.last
    }

    /// Entries that are not deleted.
    pub(crate) fn live(&self) -> u64 {
        u64::from(self.live)
    }

    /// Live and deleted entries.
    pub(crate) fn total(&self) -> u64 {
        u64::from(self.total)
    }

    /// Encoded bytes.
    pub(crate) fn size(&self) -> usize {
        self.data.len()
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        self.data.capacity() + self.marks.capacity() * size_of::<u32>() + size_of::<Block>()
    }

    /// Appends the entries as images have them, with their length in front.
    pub(crate) fn image(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.data);
    }

    /// A block that begins at `first`, from the entries of an image; `None` if they are none.
    pub(crate) fn from_image(first: StreamId, data: &[u8]) -> Option<Block> {
        let mut block = Block::new(first);
        let mut reader = Reader::new(data);
        while !reader.is_empty() {
            block.mark(data.len() - reader.rest().len());
            let flags = reader.byte().filter(|flags| *flags <= DELETED)?;
            let id = StreamId::new(first.ms.checked_add(reader.u64()?)?, reader.u64()?);
            let begins = if block.total == 0 { id == first } else { id > block.last };
            if !begins || !are_fields(reader.bytes()?) {
                return None;
            }
            block.last = id;
            block.total += 1;
            block.live += u32::from(flags & DELETED == 0);
        }
        block.data = data.to_vec();
        (block.live > 0 && u32::try_from(data.len()).is_ok()).then_some(block)
    }

    pub(crate) fn push(&mut self, id: StreamId, fields: &[u8]) {
        let (len, cost) = (self.data.len(), self.cost(id, fields.len()));
        if len + cost > self.data.capacity() {
            // Half as much again, not twice as much: what is never filled is paid for as well.
            self.data.reserve_exact(cost.max(len / 2));
        }
        self.mark(len);
        self.data.push(0);
        put_u64(&mut self.data, id.ms - self.first.ms);
        put_u64(&mut self.data, id.seq);
        put_bytes(&mut self.data, fields);
        self.last = id;
        self.live += 1;
        self.total += 1;
    }

    /// Notes where the next entry begins, if that is worth it.
    fn mark(&mut self, at: usize) {
        if self.total > 0 && self.total.is_multiple_of(STRIDE) {
            self.marks.push(at as u32);
        }
    }

    /// Marks an entry deleted; false if there is no such live entry.
    pub(crate) fn delete(&mut self, id: StreamId) -> bool {
        let Some(slot) = self.find(id) else { return false };
        self.data[slot.at as usize] |= DELETED;
        self.live -= 1;
        true
    }

    pub(crate) fn find(&self, id: StreamId) -> Option<Slot> {
        self.slots_from(id).next().filter(|slot| slot.id == id)
    }

    /// The live entries from an ID on.
    pub(crate) fn slots_from(&self, id: StreamId) -> impl Iterator<Item = Slot> + '_ {
        let begins = |at: &u32| self.slot_at(*at as usize).is_some_and(|(slot, _)| slot.id <= id);
        let mark = self.marks.partition_point(begins).checked_sub(1);
        let at = mark.map_or(0, |mark| self.marks[mark] as usize);
        Slots { block: self, at }.skip_while(move |slot| slot.id < id).filter(|slot| !slot.deleted)
    }

    /// The live entries in ID order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        Slots { block: self, at: 0 }.filter(|slot| !slot.deleted)
    }

    fn slot_at(&self, at: usize) -> Option<(Slot, usize)> {
        let mut reader = Reader::new(self.data.get(at..)?);
        let deleted = reader.byte()? & DELETED != 0;
        let id = StreamId::new(self.first.ms + reader.u64()?, reader.u64()?);
        let len = reader.u64()? as usize;
        let fields = self.data.len() - reader.rest().len();
        Some((Slot { id, at: at as u32, fields: fields as u32, deleted }, fields + len))
    }
}

struct Slots<'a> {
    block: &'a Block,
    at: usize,
}

impl Iterator for Slots<'_> {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let (slot, next) = self.block.slot_at(self.at)?;
        self.at = next;
        Some(slot)
    }
}

/// An entry, quoted from a shared block.
#[derive(Clone, Debug)]
pub struct EntryRef {
    /// The entry's ID.
    pub id: StreamId,
    block: Arc<Block>,
    fields: u32,
}

impl EntryRef {
    pub(crate) fn new(block: &Arc<Block>, slot: Slot) -> EntryRef {
        EntryRef { id: slot.id, block: Arc::clone(block), fields: slot.fields }
    }

    /// Fields and values in turn, twice as many as there are pairs.
    pub fn words(&self) -> Words<'_> {
        let mut reader = Reader::new(&self.block.data[self.fields as usize..]);
        let left = reader.u64().unwrap_or(0) as usize * 2;
        Words { reader, left }
    }

    /// The encoded fields, as a record carries them.
    pub fn fields(&self) -> &[u8] {
        let all = &self.block.data[self.fields as usize..];
        let mut words = self.words();
        words.by_ref().for_each(drop);
        &all[..all.len() - words.reader.rest().len()]
    }
}

/// The names and values of an entry.
pub struct Words<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Words<'a> {
    /// Reads an encoded run of fields.
    pub fn new(fields: &'a [u8]) -> Words<'a> {
        let mut reader = Reader::new(fields);
        let left = reader.u64().unwrap_or(0) as usize * 2;
        Words { reader, left }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        self.reader.bytes()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Words<'_> {}

/// Appends the encoded run of `words`: names and values in turn.
pub fn put_fields<'a>(out: &mut Vec<u8>, words: impl ExactSizeIterator<Item = &'a [u8]>) {
    put_u64(out, words.len() as u64 / 2);
    words.for_each(|word| put_bytes(out, word));
}

/// Whether bytes are an encoded run of fields and nothing else.
pub(crate) fn are_fields(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    let Some(pairs) = reader.u64().filter(|pairs| *pairs <= bytes.len() as u64) else { return false };
    (0..pairs * 2).all(|_| reader.bytes().is_some()) && reader.is_empty()
}
