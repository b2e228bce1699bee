//! Blocks: the run of compactly encoded entries that a stream is made of.
//!
//! ```text
//! block   = names entry*            in ID order; nothing at all before the first entry
//! names   = count name*             those of the first entry, with their lengths
//! entry   = head id body
//! head      one byte: 1 = deleted, 2 = names of its own, and how the ID is told
//! id      = 0  ms seq               ms: its distance from the ID before; seq as it is
//!           4  ms                   as before; seq is 0
//!           8                       the next seq of the same ms
//! body    = value                   the block's names, just one
//!           length value*           the block's names
//!           length fields           names of its own, with values as records have them
//!           0                       nothing, of a deleted entry
//! ```
//!
//! The ID before is that of the entry before, at a mark the one that the block begins with. A mark is every eighth
//! entry: a search reads eight entries, not all.
//!
//! Producers nearly always repeat their names: so a name is compared where an entry comes in, and quoted from the
//! beginning of the block where one is read.
//!
//! A deleted entry is marked first. Once the dead bytes outweigh the living, they go; how many entries went is
//! remembered, since it is their number that makes a block full. A deleted last entry leaves its ID behind, which the
//! next one is told from.
//!
//! A block is shared (`Arc`) with the replies that quote it. Changing a shared block copies it first, so a reply
//! can be encoded after the shard is unlocked.

use super::entry::{Words, are_fields};
use crate::codec::{Reader, len_u64, put_bytes, put_u64};
use crate::id::StreamId;

const DELETED: u8 = 1;
const OWN_NAMES: u8 = 2;
/// The bits that say how the ID is told.
const ID: u8 = 12;
const AS_IT_IS: u8 = 0;
const SEQ_0: u8 = 4;
const NEXT: u8 = 8;

/// Entries from one mark to the next.
const STRIDE: u32 = 8;
/// Memory is asked for in multiples of this.
const ROOM: usize = 512;
/// Bytes that an entry takes beside its fields, at most.
const ENTRY_MAX: usize = 1 + 10 + 10 + 10;
/// Fewer dead bytes are not worth a copy of the others.
const DEAD_MIN: usize = 256;

/// A run of entries.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    first: StreamId,
    last: StreamId,
    live: u32,
    /// Entries in `data`, deleted ones included.
    held: u32,
    /// Entries that are no longer in `data`.
    gone: u32,
    /// Bytes of deleted entries.
    dead: u32,
    /// Where the names end in `data`.
    names: u32,
    /// It is one name.
    is_pair: bool,
    data: Vec<u8>,
    /// Where every eighth entry begins, the first apart.
    marks: Vec<u32>,
}

/// Where an entry lies in its block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// The entry's ID.
    pub(crate) id: StreamId,
    at: u32,
    pub(super) body: Body,
}

/// What an entry has behind its ID, and how it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    from: u32,
    to: u32,
    head: u8,
}

impl Slot {
    pub(super) fn is_deleted(&self) -> bool {
        self.body.head & DELETED != 0
    }
}

impl Block {
    /// An empty block whose first entry will be `first`.
    pub(crate) fn new(first: StreamId) -> Block {
        let (data, marks) = (Vec::new(), Vec::new());
        let (names, is_pair) = (0, false);
        Block { first, last: first, live: 0, held: 0, gone: 0, dead: 0, names, is_pair, data, marks }
    }

    /// As [`Block::new`], with room for as much as the block before it holds.
    pub(crate) fn after(before: &Block, first: StreamId) -> Block {
        let room = if before.held > 1 { before.data.len().next_multiple_of(ROOM) } else { 0 };
        Block { data: Vec::with_capacity(room), ..Block::new(first) }
    }

    /// Whether the encoded bytes would be more than `most` with one more entry.
    pub(crate) fn would_exceed(&self, most: usize, id: StreamId, fields: &[u8]) -> bool {
        // The exact number is not asked for as long as it does not matter.
        self.size() + fields.len() + ENTRY_MAX > most && self.size() + self.cost(id, fields) > most
    }

    /// Bytes that an entry takes behind the names.
    fn cost(&self, id: StreamId, fields: &[u8]) -> usize {
        let body = match self.values(fields) {
            Values::Pair(value) => value.len(),
            Values::Several(len) => len_u64(len as u64) + len,
            Values::Foreign => len_u64(fields.len() as u64) + fields.len(),
        };
        1 + self.id_cost(id) + body
    }

    fn id_cost(&self, id: StreamId) -> usize {
        let before = self.before(self.held);
        let ms = len_u64(id.ms.wrapping_sub(before.ms));
        match told(before, id) {
            NEXT => 0,
            SEQ_0 => ms,
            _ => ms + len_u64(id.seq),
        }
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
        u64::from(self.held) + u64::from(self.gone)
    }

    /// Encoded bytes.
    pub(crate) fn size(&self) -> usize {
        self.data.len()
    }

    /// Bytes of memory held.
    pub(crate) fn memory(&self) -> usize {
        let counter = size_of::<usize>();
        self.data.capacity() + self.marks.capacity() * size_of::<u32>() + size_of::<Block>() + counter
    }

    /// Appends what images say of a block: how many entries are not in it any more, its bytes with their length.
    pub(crate) fn image(&self, out: &mut Vec<u8>) {
        put_u64(out, u64::from(self.gone));
        put_bytes(out, &self.data);
    }

    /// A block that begins at `first`, from what an image says; `None` if it cannot be one.
    pub(crate) fn from_image(first: StreamId, gone: u64, data: &[u8]) -> Option<Block> {
        u32::try_from(data.len()).ok()?;
        let mut block = Block { gone: u32::try_from(gone).ok()?, data: data.to_vec(), ..Block::new(first) };
        let mut at = block.find_names()?;
        while at < data.len() {
            let slot = block.slot_at(at, block.before(block.held))?;
            let begins = if block.held == 0 { slot.id >= first } else { slot.id > block.last };
            if !begins || !block.is_sound(&slot) {
                return None;
            }
            match slot.is_deleted() {
                true => block.dead += slot.body.to - slot.at,
                false => block.live += 1,
            }
            block.note(at, slot.id);
            at = slot.body.to as usize;
        }
        (block.live > 0 && block.gone.checked_add(block.held).is_some()).then_some(block)
    }

    /// A block that begins at `first`, from the entries of an image of the first kind; `None` if they are none.
    ///
    /// ```text
    /// entry   = flags  ms  seq  length  fields      1 = deleted; the distance from the first ID; seq as it is
    /// ```
    pub(crate) fn from_plain_image(first: StreamId, data: &[u8]) -> Option<Block> {
        u32::try_from(data.len()).ok()?;
        let (mut block, mut reader, mut last) = (Block::new(first), Reader::new(data), None);
        while !reader.is_empty() {
            let flags = reader.byte().filter(|flags| *flags <= DELETED)?;
            let id = StreamId::new(first.ms.checked_add(reader.u64()?)?, reader.u64()?);
            let begins = last.map_or(id == first, |last| id > last);
            let fields = reader.bytes().filter(|fields| are_fields(fields))?;
            match (begins, flags) {
                (false, _) => return None,
                (true, 0) => block.push(id, fields),
                (true, _) if reader.is_empty() => block.push_dead(id),
                // Told from nothing and telling nothing: it need not be there.
                (true, _) => block.gone += 1,
            }
            last = Some(id);
        }
        block.data.shrink_to_fit();
        (block.live > 0).then_some(block)
    }

    /// Puts an entry in, behind all others. `fields` are as records have them.
    pub(crate) fn push(&mut self, id: StreamId, fields: &[u8]) {
        if self.data.is_empty() {
            self.begin(id, fields);
        }
        let (len, room) = (self.data.len(), self.data.capacity() - self.data.len());
        if room < fields.len() + ENTRY_MAX {
            let cost = self.cost(id, fields);
            if room < cost {
                // Half as much again, not twice as much: what is never filled is paid for as well.
                self.data.reserve_exact(cost.max(len / 2));
            }
        }
        match self.values(fields) {
            Values::Pair(value) => {
                self.put_id(id, 0);
                self.data.extend_from_slice(value);
            }
            Values::Several(len) => {
                self.put_id(id, 0);
                put_u64(&mut self.data, len as u64);
                Words::new(fields).skip(1).step_by(2).for_each(|value| put_bytes(&mut self.data, value));
            }
            Values::Foreign => {
                self.put_id(id, OWN_NAMES);
                put_bytes(&mut self.data, fields);
            }
        }
        self.live += 1;
    }

    /// Takes the names of the first entry, with room for just that entry if there is none.
    fn begin(&mut self, id: StreamId, fields: &[u8]) {
        let words = Words::new(fields);
        if self.data.capacity() == 0 {
            let len = if words.len() == 2 { 0 } else { len_u64(fields.len() as u64) };
            self.data.reserve_exact(fields.len() + 1 + self.id_cost(id) + len);
        }
        put_u64(&mut self.data, words.len() as u64 / 2);
        words.step_by(2).for_each(|name| put_bytes(&mut self.data, name));
        self.find_names();
    }

    /// Puts the ID of a deleted entry in.
    fn push_dead(&mut self, id: StreamId) {
        if self.data.is_empty() {
            self.data.push(0);
            self.names = 1;
        }
        let at = self.data.len();
        self.put_id(id, DELETED | OWN_NAMES);
        self.data.push(0);
        self.dead += (self.data.len() - at) as u32;
    }

    /// Begins an entry.
    fn put_id(&mut self, id: StreamId, head: u8) {
        let before = self.before(self.held);
        let told = told(before, id);
        self.note(self.data.len(), id);
        self.data.push(head | told);
        if told != NEXT {
            put_u64(&mut self.data, id.ms - before.ms);
        }
        if told == AS_IT_IS {
            put_u64(&mut self.data, id.seq);
        }
    }

    /// Counts an entry that begins at `at`, and marks it if that is its turn.
    fn note(&mut self, at: usize, id: StreamId) {
        if self.held > 0 && self.held.is_multiple_of(STRIDE) {
            self.marks.push(at as u32);
        }
        self.held += 1;
        self.last = id;
    }

    /// The ID that the entry of this number is told from, if all before it are there.
    fn before(&self, number: u32) -> StreamId {
        if number.is_multiple_of(STRIDE) { self.first } else { self.last }
    }

    /// What is to be written of some fields.
    fn values<'f>(&self, fields: &'f [u8]) -> Values<'f> {
        let names = &self.data[..self.names as usize];
        if self.is_pair {
            // Up to its value, a run of one pair is what a block with that name begins with.
            return fields.strip_prefix(names).map_or(Values::Foreign, Values::Pair);
        }
        let (mut names, mut own) = (Reader::new(names), Words::new(fields));
        if names.u64() != Some(own.len() as u64 / 2) {
            return Values::Foreign;
        }
        let mut len = 0;
        while let (Some(name), Some(value)) = (own.next(), own.next()) {
            if names.bytes() != Some(name) {
                return Values::Foreign;
            }
            len += len_u64(value.len() as u64) + value.len();
        }
        Values::Several(len)
    }

    /// Marks an entry deleted; false if there is no such live entry.
    pub(crate) fn delete(&mut self, id: StreamId) -> bool {
        let Some(slot) = self.find(id) else { return false };
        self.data[slot.at as usize] |= DELETED;
        self.live -= 1;
        self.dead += slot.body.to - slot.at;
        let dead = self.dead as usize;
        if self.live > 0 && dead >= DEAD_MIN && dead > self.data.len() - dead {
            self.compact();
        }
        true
    }

    /// Deletes the live entries below an ID.
    pub(crate) fn delete_below(&mut self, below: StreamId) {
        let gone: Vec<StreamId> = self.slots().map(|slot| slot.id).take_while(|id| *id < below).collect();
        for id in gone {
            self.delete(id);
        }
    }

    /// Leaves the deleted entries out.
    fn compact(&mut self) {
        let mut rest = Block { names: self.names, is_pair: self.is_pair, ..Block::new(self.first) };
        rest.data.extend_from_slice(&self.data[..self.names as usize]);
        for slot in self.all_slots() {
            if !slot.is_deleted() {
                rest.put_id(slot.id, slot.body.head & OWN_NAMES);
                rest.data.extend_from_slice(self.body(slot.body));
                rest.live += 1;
            } else if slot.id == self.last {
                rest.push_dead(slot.id);
            }
        }
        rest.gone = self.gone + self.held - rest.held;
        rest.data.shrink_to_fit();
        rest.marks.shrink_to_fit();
        *self = rest;
    }

    pub(crate) fn find(&self, id: StreamId) -> Option<Slot> {
        self.slots_from(id).next().filter(|slot| slot.id == id)
    }

    /// The live entries from an ID on.
    pub(crate) fn slots_from(&self, id: StreamId) -> impl Iterator<Item = Slot> + '_ {
        self.slots_near(id).skip_while(move |slot| slot.id < id).filter(|slot| !slot.is_deleted())
    }

    /// All entries from an ID on, and at most a few before them.
    pub(super) fn slots_near(&self, id: StreamId) -> Slots<'_> {
        if id <= self.first {
            return self.all_slots();
        }
        let begins = |at: &u32| self.slot_at(*at as usize, self.first).is_some_and(|slot| slot.id <= id);
        match self.marks.partition_point(begins) {
            0 => self.all_slots(),
            mark => {
                Slots { at: self.marks[mark - 1] as usize, number: mark as u32 * STRIDE, ..self.all_slots() }
            }
        }
    }

    /// The live entries in ID order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.all_slots().filter(|slot| !slot.is_deleted())
    }

    fn all_slots(&self) -> Slots<'_> {
        Slots { block: self, at: self.names as usize, number: 0, before: self.first }
    }

    /// The entry that begins at `at`, its ID being told from `before`.
    #[inline]
    fn slot_at(&self, at: usize, before: StreamId) -> Option<Slot> {
        let mut reader = Reader::new(self.data.get(at..)?);
        let (head, id) = read_id(&mut reader, before)?;
        let position = |reader: &Reader<'_>| (self.data.len() - reader.rest().len()) as u32;
        let from = position(&reader);
        reader.bytes()?;
        Some(Slot { id, at: at as u32, body: Body { from, to: position(&reader), head } })
    }

    /// Names and values of an entry in turn.
    pub(super) fn words(&self, body: Body) -> Words<'_> {
        match body.head & OWN_NAMES {
            0 => Words::beside(&self.data, self.body(body)),
            _ => Words::new(Reader::new(self.body(body)).bytes().unwrap_or_default()),
        }
    }

    fn body(&self, body: Body) -> &[u8] {
        &self.data[body.from as usize..body.to as usize]
    }

    /// Notes where the names end; `None` if there are none.
    fn find_names(&mut self) -> Option<usize> {
        let mut reader = Reader::new(&self.data);
        let count = reader.u64().filter(|count| *count <= self.data.len() as u64)?;
        (0..count).try_for_each(|_| reader.bytes().map(drop))?;
        let names = self.data.len() - reader.rest().len();
        (self.names, self.is_pair) = (names as u32, count == 1);
        Some(names)
    }

    /// Whether the entry of an image is one that could have been put in.
    fn is_sound(&self, slot: &Slot) -> bool {
        let body = Reader::new(self.body(slot.body)).bytes().unwrap_or_default();
        let count = Reader::new(&self.data).u64().unwrap_or_default();
        let mut values = Reader::new(body);
        match slot.body.head & !(DELETED | ID) {
            _ if slot.body.head & ID == ID => false,
            0 | OWN_NAMES if slot.is_deleted() => true,
            0 if self.is_pair => true,
            0 => (0..count).all(|_| values.bytes().is_some()) && values.is_empty(),
            OWN_NAMES => are_fields(body),
            _ => false,
        }
    }
}

/// What is to be written of the fields of an entry.
enum Values<'f> {
    /// A value with its length: the name is that of the block.
    Pair(&'f [u8]),
    /// Values of so many bytes, each with its length: the names are those of the block.
    Several(usize),
    /// All of it.
    Foreign,
}

/// What an entry begins with.
#[inline]
fn read_id(reader: &mut Reader<'_>, before: StreamId) -> Option<(u8, StreamId)> {
    let head = reader.byte()?;
    let id = match head & ID {
        NEXT => StreamId::new(before.ms, before.seq.checked_add(1)?),
        SEQ_0 => StreamId::new(before.ms.checked_add(reader.u64()?)?, 0),
        _ => StreamId::new(before.ms.checked_add(reader.u64()?)?, reader.u64()?),
    };
    Some((head, id))
}

/// How an ID is told from the one before.
fn told(before: StreamId, id: StreamId) -> u8 {
    match id.seq {
        _ if before.ms == id.ms && before.seq.checked_add(1) == Some(id.seq) => NEXT,
        0 => SEQ_0,
        _ => AS_IT_IS,
    }
}

/// All entries from one on.
#[derive(Clone, Debug)]
pub(super) struct Slots<'a> {
    block: &'a Block,
    at: usize,
    /// How many are before it.
    number: u32,
    before: StreamId,
}

impl Iterator for Slots<'_> {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let before = if self.number.is_multiple_of(STRIDE) { self.block.first } else { self.before };
        let slot = self.block.slot_at(self.at, before)?;
        (self.at, self.number, self.before) = (slot.body.to as usize, self.number + 1, slot.id);
        Some(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::put_fields;
    use super::*;
    use proptest::prelude::*;

    /// What a block should hold.
    #[derive(Default)]
    struct Plain(Vec<(StreamId, Vec<Vec<u8>>, bool)>);

    #[derive(Clone, Debug)]
    enum Step {
        /// Distance of ms and of seq, names, length of the values.
        Push(u64, u64, usize, usize),
        Delete(usize),
        Reload,
    }

    fn step() -> impl Strategy<Value = Step> {
        let ms = prop_oneof![3 => Just(0), 2 => 1..300u64, 1 => 0..1u64 << 50];
        let seq = prop_oneof![4 => Just(1), 1 => 1..5u64, 1 => 0..1u64 << 62];
        let shape = prop_oneof![4 => Just(0), 1 => 0..SHAPES.len()];
        prop_oneof![
            5 => (ms, seq, shape, prop_oneof![0..5usize, 100..300usize])
                .prop_map(|(ms, seq, shape, len)| Step::Push(ms, seq, shape, len)),
            4 => (0..64usize).prop_map(Step::Delete),
            1 => Just(Step::Reload),
        ]
    }

    const SHAPES: [&[&str]; 6] = [&["field"], &["data"], &[""], &["a", "b"], &["a", "c"], &[]];

    fn words_of(shape: &[&str], len: usize, salt: usize) -> Vec<Vec<u8>> {
        let value = |at: usize| vec![(salt + at) as u8; len / (at + 1)];
        shape.iter().enumerate().flat_map(|(at, name)| [name.as_bytes().to_vec(), value(at)]).collect()
    }

    fn fields_of(words: &[Vec<u8>]) -> Vec<u8> {
        let mut fields = Vec::new();
        put_fields(&mut fields, words.iter().map(Vec::as_slice));
        fields
    }

    fn reloaded(block: &Block) -> Option<Block> {
        let mut image = Vec::new();
        block.image(&mut image);
        let mut reader = Reader::new(&image);
        let (gone, data) = (reader.u64()?, reader.bytes()?);
        Block::from_image(block.first(), gone, data)
    }

    impl Plain {
        /// What the first kind of images said of it.
        fn image(&self) -> Vec<u8> {
            let mut out = Vec::new();
            for (id, words, live) in &self.0 {
                out.push(u8::from(!live));
                put_u64(&mut out, id.ms - self.0[0].0.ms);
                put_u64(&mut out, id.seq);
                put_bytes(&mut out, &fields_of(words));
            }
            out
        }

        fn live(&self) -> impl Iterator<Item = &(StreamId, Vec<Vec<u8>>, bool)> {
            self.0.iter().filter(|(.., live)| *live)
        }

        fn check(&self, block: &Block) {
            let ids: Vec<StreamId> = self.live().map(|(id, ..)| *id).collect();
            assert_eq!(block.slots().map(|slot| slot.id).collect::<Vec<_>>(), ids);
            assert_eq!((block.live(), block.total()), (ids.len() as u64, self.0.len() as u64));
            assert!(self.0.last().is_none_or(|(id, ..)| *id == block.last()));
            for (slot, (_, words, _)) in block.slots().zip(self.live()) {
                assert!(block.words(slot.body).eq(words.iter().map(Vec::as_slice)));
                assert_eq!(block.words(slot.body).len(), words.len());
            }
            for (id, _, live) in &self.0 {
                assert_eq!(block.find(*id).is_some(), *live);
                let from: Vec<StreamId> = block.slots_from(*id).map(|slot| slot.id).collect();
                assert!(ids.ends_with(&from) && from.iter().all(|it| it >= id));
                assert_eq!(from.len(), ids.iter().filter(|it| *it >= id).count());
            }
            let dead = block.dead as usize;
            assert!(dead < DEAD_MIN || dead <= block.size() - dead);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_block_holds_what_was_put_in(steps in prop::collection::vec(step(), 1..80)) {
            let (mut plain, mut block) = (Plain::default(), Block::new(StreamId::new(7, 7)));
            for (salt, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Push(ms, seq, shape, len) => {
                        let before = plain.0.last().map(|(id, ..)| *id);
                        let id = before.map_or(Some(StreamId::new(7, 7)), |id| {
                            let seq = if ms == 0 { id.seq.checked_add(seq.max(1))? } else { seq.min(9) };
                            Some(StreamId::new(id.ms.checked_add(ms)?, seq))
                        });
                        let Some(id) = id else { continue };
                        let words = words_of(SHAPES[shape], len, salt);
                        let fields = fields_of(&words);
                        let (size, before) = (block.size(), block.clone());
                        block.push(id, &fields);
                        prop_assert!(size == 0 || !before.would_exceed(block.size(), id, &fields));
                        prop_assert!(size == 0 || before.would_exceed(block.size() - 1, id, &fields));
                        plain.0.push((id, words, true));
                    }
                    Step::Delete(at) if plain.live().count() > 1 => {
                        let at = at % plain.0.len();
                        let (id, _, live) = plain.0[at];
                        prop_assert_eq!(block.delete(id), live);
                        plain.0[at].2 = false;
                    }
                    Step::Reload if !plain.0.is_empty() => {
                        let back = reloaded(&block).unwrap();
                        prop_assert_eq!(format!("{back:?}"), format!("{block:?}"));
                        block = back;
                        plain.check(&Block::from_plain_image(block.first(), &plain.image()).unwrap());
                    }
                    _ => {}
                }
                plain.check(&block);
            }
        }

        #[test]
        fn a_block_of_an_old_image_goes_on(dead in prop::collection::vec(any::<bool>(), 1..40), more in 1..20u64) {
            let words = words_of(SHAPES[0], 9, 1);
            let entry = |(at, dead): (usize, &bool)| (StreamId::new(at as u64 * 3, 5), words.clone(), !dead);
            let mut plain = Plain(dead.iter().enumerate().map(entry).collect());
            let Some(mut block) = Block::from_plain_image(StreamId::new(0, 5), &plain.image()) else {
                prop_assert!(dead.iter().all(|dead| *dead));
                return Ok(());
            };
            for n in 0..more {
                let id = block.last().next().unwrap();
                block.push(id, &fields_of(&words));
                plain.0.push((id, words.clone(), true));
                plain.check(&block);
                prop_assert_eq!(n + 1 + dead.len() as u64, reloaded(&block).unwrap().total());
            }
        }

        #[test]
        fn any_bytes_are_a_block_or_refused(ms in 0..3u64, gone in 0..3u64, data in any::<Vec<u8>>()) {
            for block in [
                Block::from_image(StreamId::new(ms, 0), gone, &data),
                Block::from_plain_image(StreamId::new(ms, 0), &data),
            ].into_iter().flatten() {
                prop_assert!(reloaded(&block).is_some());
                block.slots().for_each(|slot| block.words(slot.body).for_each(drop));
            }
        }
    }

    #[test]
    fn what_is_deleted_leaves_a_block_wherever_it_lies() {
        for kept in [0, 1, 7, 8, 50, 98, 99] {
            let mut block = Block::new(StreamId::new(1, 0));
            for seq in 0..100 {
                block.push(StreamId::new(1, seq), &fields_of(&words_of(SHAPES[0], 100, 0)));
            }
            for seq in (0..100).filter(|seq| *seq != kept) {
                assert!(block.delete(StreamId::new(1, seq)));
            }
            assert_eq!((block.live(), block.total()), (1, 100));
            assert!(block.memory() < 900, "{} bytes for one entry", block.memory());
            assert!(reloaded(&block).is_some_and(|back| back.find(StreamId::new(1, kept)).is_some()));
        }
    }
}
