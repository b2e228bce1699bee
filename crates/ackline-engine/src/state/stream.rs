//! A stream: a run of blocks, what is remembered of it, and its groups.
//!
//! ```text
//! tail     the last block, which entries are put into          shared; entries in ID order
//! more     full      the blocks before it                      only once there was one
//!          groups    in byte order of their names
//!          idmp      producer -> iid -> ID                     only once it differs from a new one
//! ```
//!
//! Most streams of a server with very many are short and have one group or none: they pay for no more than they have.

use super::block::{Block, Slot, Slots};
use super::blocks::{Blocks, Place, Runs, Walk};
use super::entry::EntryRef;
use super::group::{Group, Groups};
use super::idempotence::Idempotence;
use crate::id::StreamId;
use triomphe::Arc;

/// A stream. Fields are readable everywhere in the engine and changed by `apply` alone.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Highest ID ever assigned; lowered only by XSETID.
    pub(crate) last_id: StreamId,
    /// Highest ID removed by XDEL, XDELEX or XACKDEL; trimming does not count.
    pub(crate) max_deleted_id: StreamId,
    pub(crate) entries_added: u64,
    /// `None`: there are no blocks at all.
    tail: Option<Arc<Block>>,
    more: Option<Box<More>>,
}

/// With the two counters that lie before it in memory, this is an allocation of a size that there is.
const _: () = assert!(size_of::<Stream>() + size_of::<usize>() == 64);

/// What not every stream has.
#[derive(Clone, Debug)]
struct More {
    full: Option<Box<Runs>>,
    groups: Groups,
    idempotence: Option<Arc<Idempotence>>,
}

static NO_GROUPS: Groups = Groups::NONE;
static NEW: Idempotence = Idempotence::USUAL;

/// Live entries in ID order, written out: every read goes through it.
struct Range<'a> {
    blocks: Walk<'a>,
    block: Option<(&'a Arc<Block>, Slots<'a>)>,
    from: StreamId,
    to: StreamId,
}

impl<'a> Iterator for Range<'a> {
    type Item = (&'a Arc<Block>, Slot);

    fn next(&mut self) -> Option<(&'a Arc<Block>, Slot)> {
        loop {
            if let Some((block, slots)) = &mut self.block {
                let slot = slots.find(|slot| slot.id >= self.from && !slot.is_deleted());
                if let Some(slot) = slot {
                    return (slot.id <= self.to).then_some((*block, slot));
                }
            }
            let block = self.blocks.next().filter(|block| block.first() <= self.to)?;
            self.block = Some((block, block.slots_near(self.from)));
        }
    }
}

impl Stream {
    pub(crate) fn new(idmp_duration: u64, idmp_maxsize: u64) -> Stream {
        let (last_id, max_deleted_id) = (StreamId::MIN, StreamId::MIN);
        let mut stream = Stream { last_id, max_deleted_id, entries_added: 0, tail: None, more: None };
        if (idmp_duration, idmp_maxsize) != (NEW.duration, NEW.maxsize) {
            let idempotence = stream.idempotence_mut();
            (idempotence.duration, idempotence.maxsize) = (idmp_duration, idmp_maxsize);
        }
        stream
    }

    fn more_mut(&mut self) -> &mut More {
        self.more
            .get_or_insert_with(|| Box::new(More { full: None, groups: Groups::NONE, idempotence: None }))
    }

    /// The blocks.
    pub(crate) fn blocks(&self) -> Blocks<'_> {
        let full = self.more.as_ref().and_then(|more| more.full.as_deref());
        Blocks { full: full.unwrap_or(Blocks::NONE.full), tail: self.tail.as_ref() }
    }

    fn full_mut(&mut self) -> &mut Runs {
        self.more_mut().full.get_or_insert_with(|| Box::new(Runs::NONE))
    }

    /// How many live entries there are.
    pub(crate) fn len(&self) -> u64 {
        self.blocks().full.live() + self.tail.as_ref().map_or(0, |tail| tail.live())
    }

    /// ID of the first live entry; 0-0 when there is none.
    pub(crate) fn first_id(&self) -> StreamId {
        let full = self.blocks().full;
        if full.len() > 0 {
            return full.first_id();
        }
        let first = self.tail.as_ref().and_then(|tail| tail.slots().next());
        first.map_or(StreamId::MIN, |slot| slot.id)
    }

    /// The groups.
    pub(crate) fn groups(&self) -> &Groups {
        self.more.as_ref().map_or(&NO_GROUPS, |more| &more.groups)
    }

    /// What idempotent producers left.
    pub(crate) fn idempotence(&self) -> &Idempotence {
        self.more.as_ref().and_then(|more| more.idempotence.as_deref()).unwrap_or(&NEW)
    }

    pub(crate) fn idempotence_mut(&mut self) -> &mut Idempotence {
        Arc::make_mut(self.more_mut().idempotence.get_or_insert_with(|| Arc::new(Idempotence::USUAL)))
    }

    /// The group of that name.
    pub(crate) fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups().get(name)
    }

    pub(crate) fn group_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        self.more.as_mut()?.groups.get_mut(name)
    }

    /// A group to change, with the blocks to look at.
    pub(super) fn blocks_and_group_mut(&mut self, name: &[u8]) -> Option<(Blocks<'_>, &mut Group)> {
        let More { full, groups, .. } = &mut **self.more.as_mut()?;
        let blocks = Blocks { full: full.as_deref().unwrap_or(Blocks::NONE.full), tail: self.tail.as_ref() };
        Some((blocks, groups.get_mut(name)?))
    }

    /// Puts a group in, in place of the one of its name. Answers that.
    pub(crate) fn put_group(&mut self, group: Group) -> Option<Group> {
        self.more_mut().groups.insert(group)
    }

    pub(crate) fn remove_group(&mut self, name: &[u8]) -> Option<Group> {
        let group = self.more.as_mut()?.groups.remove(name)?;
        self.trim_more();
        Some(group)
    }

    /// Changes the groups that need it, with the blocks to look at.
    pub(crate) fn change_groups(
        &mut self,
        needs: impl Fn(&Group) -> bool,
        mut change: impl FnMut(Blocks<'_>, &mut Group),
    ) {
        if let Some(more) = &mut self.more {
            let More { full, groups, .. } = &mut **more;
            let blocks =
                Blocks { full: full.as_deref().unwrap_or(Blocks::NONE.full), tail: self.tail.as_ref() };
            groups.change(needs, |group| change(blocks, group));
        }
    }

    /// Bytes of memory beside the stream itself.
    pub(crate) fn memory(&self) -> usize {
        let blocks = self.blocks();
        let full = if blocks.full.len() > 0 { size_of::<Runs>() } else { 0 };
        let more = self.more.as_ref().map_or(0, |_| size_of::<More>());
        let content: usize = blocks.iter().map(|block| block.memory()).sum();
        more + full + blocks.memory() + content + self.groups().memory()
    }

    /// Gives back what holds nothing.
    fn trim_more(&mut self) {
        if let Some(more) = &mut self.more {
            more.full.take_if(|full| full.len() == 0);
            if more.full.is_none() && more.idempotence.is_none() && more.groups.len() == 0 {
                self.more = None;
            }
        }
    }

    /// The live entries with `from <= id <= to`, ascending.
    pub(crate) fn range(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = EntryRef> + '_ {
        self.slots(from, to).map(|(block, slot)| EntryRef::new(block, slot))
    }

    /// The IDs of [`Stream::range`].
    pub(crate) fn ids(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = StreamId> + '_ {
        self.slots(from, to).map(|(_, slot)| slot.id)
    }

    fn slots(&self, from: StreamId, to: StreamId) -> Range<'_> {
        let blocks = self.blocks();
        // Who waits for new entries asks for those behind the last one, and need not touch it.
        let blocks = if from > self.last_id { Blocks::NONE } else { blocks };
        Range { blocks: blocks.from(blocks.place(from)), block: None, from, to }
    }

    /// The live entries with `from <= id <= to`, descending.
    pub(crate) fn range_back(&self, from: StreamId, to: StreamId) -> impl Iterator<Item = EntryRef> + '_ {
        let blocks = self.blocks();
        let blocks = blocks.back_from(blocks.place(to)).take_while(move |block| block.last() >= from);
        blocks.flat_map(move |block| {
            let slots: Vec<Slot> = block.slots_from(from).take_while(|slot| slot.id <= to).collect();
            slots.into_iter().rev().map(move |slot| EntryRef::new(block, slot))
        })
    }

    /// The live entry with this ID.
    pub(crate) fn entry(&self, id: StreamId) -> Option<EntryRef> {
        let block = self.blocks().find(id)?;
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
        self.groups().iter().any(|group| id > group.last_id || group.pending.contains(id))
    }

    /// Where the block is with the live entry of this ID.
    fn place_of(&self, id: StreamId) -> Option<Place> {
        let blocks = self.blocks();
        blocks.place(id).filter(|place| blocks.get(*place).find(id).is_some())
    }

    pub(crate) fn append(&mut self, id: StreamId, fields: &[u8], new_block: bool) {
        if new_block && let Some(mut full) = self.tail.take() {
            // Who holds it too gets no copy.
            Arc::get_mut(&mut full).map(Block::close);
            self.tail = Some(Arc::new(Block::after(&full, id)));
            self.full_mut().push_back(full);
        }
        let tail = self.tail.get_or_insert_with(|| Arc::new(Block::new(id)));
        Arc::make_mut(tail).push(id, fields);
        self.last_id = id;
        self.entries_added = self.entries_added.saturating_add(1).min(i64::MAX as u64);
    }

    /// Takes over a whole block, which comes after all others. The counters stay as they are.
    pub(crate) fn adopt(&mut self, block: Block) {
        if let Some(full) = self.tail.replace(Arc::new(block)) {
            self.full_mut().push_back(full);
        }
    }

    /// Removes one live entry without remembering it as deleted; false if there was none.
    pub(crate) fn remove(&mut self, id: StreamId) -> bool {
        let Some(place) = self.place_of(id) else { return false };
        let delete = |block: &mut Block| {
            block.delete(id);
        };
        match place {
            Place::Full { run, index } => self.full_mut().change((run, index), delete),
            Place::Tail => self.change_tail(delete),
        }
        self.change_groups(|group| !group.pending.is_empty(), |_, group| group.pending.lose(id));
        self.trim_more();
        true
    }

    /// Changes the last block. If nothing lives in it any more, the one before it takes its place.
    fn change_tail(&mut self, change: impl FnOnce(&mut Block)) {
        let Some(tail) = &mut self.tail else { return };
        let tail = Arc::make_mut(tail);
        change(tail);
        if tail.live() == 0 {
            self.tail = self.more.as_mut().and_then(|more| more.full.as_mut()?.pop_back());
        }
    }

    /// Removes every live entry below `below`. Answers blocks that went whole.
    pub(crate) fn remove_below(&mut self, below: StreamId) -> Runs {
        self.change_groups(|group| !group.pending.is_empty(), |_, group| group.pending.lose_below(below));
        let full = self.more.as_mut().and_then(|more| more.full.as_mut());
        let whole = full.map_or(Runs::NONE, |full| {
            let whole = full.detach_below(below);
            full.delete_below(below);
            whole
        });
        if self.first_id() < below && self.blocks().full.len() == 0 {
            self.change_tail(|tail| tail.delete_below(below));
        }
        self.trim_more();
        whole
    }
}
