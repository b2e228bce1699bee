//! Consumer groups: position, consumers, pending entries, and the arithmetic of lag.
//!
//! ```text
//! group   name  last_id  entries_read  ──► consumers, once it had one
//!                                      ──► pending entries, once it had one
//! ```

use super::Name;
use super::consumers::{Consumer, ConsumerKey, Consumers};
use super::pending::{Chunks, Delivery, Entries, Entry, Owners, Pending};
use super::sorted::Sorted;
use super::stream::Stream;
use crate::id::StreamId;
use std::ops::{Deref, DerefMut};

/// A count of entries that there is not.
const UNKNOWN: i64 = -1;
/// From this share of the list on, taking entries out one by one costs more than making the list anew from chunks.
const SHARE: u64 = 16;

/// A consumer group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: Name,
    /// The last ID delivered.
    pub(crate) last_id: StreamId,
    /// Never negative otherwise.
    entries_read: i64,
    pub(crate) pending: PendingList,
    consumers: Option<Box<Consumers>>,
}

/// The groups of a stream, in byte order of their names.
#[derive(Clone, Debug)]
pub(crate) struct Groups(Sorted<Group, 32>);

/// A list of pending entries that takes no memory before it is changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct PendingList(Option<Box<Pending>>);

impl Deref for PendingList {
    type Target = Pending;

    fn deref(&self) -> &Pending {
        static NONE: Pending = Pending::NONE;
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for PendingList {
    fn deref_mut(&mut self) -> &mut Pending {
        self.0.get_or_insert_default()
    }
}

impl PendingList {
    /// Bytes of memory beside the list itself.
    pub(crate) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |pending| size_of::<Pending>() + Pending::memory(pending))
    }
}

impl Groups {
    pub(super) const NONE: Groups = Groups(Sorted::new());

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.0.iter()
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&Group> {
        self.0.search(|group| group.name.cmp_bytes(name)).ok().map(|at| self.0.get(at))
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut Group> {
        let at = self.0.search(|group| group.name.cmp_bytes(name)).ok()?;
        Some(self.0.get_mut(at))
    }

    /// Changes those that need it.
    pub(super) fn change(&mut self, needs: impl Fn(&Group) -> bool, change: impl FnMut(&mut Group)) {
        self.0.change(needs, change);
    }

    /// Puts a group in, in place of the one of its name. Answers that.
    pub(super) fn insert(&mut self, group: Group) -> Option<Group> {
        match self.0.search(|other| other.name.cmp(&group.name)) {
            Ok(at) => Some(std::mem::replace(self.0.get_mut(at), group)),
            Err(at) => {
                self.0.insert(at, group);
                None
            }
        }
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Group> {
        let at = self.0.search(|group| group.name.cmp_bytes(name)).ok()?;
        Some(self.0.remove(at))
    }

    /// Bytes of memory beside the struct itself.
    pub(crate) fn memory(&self) -> usize {
        self.0.memory() + self.iter().map(Group::memory).sum::<usize>()
    }
}

impl Group {
    pub(crate) fn new(name: &[u8], last_id: StreamId, entries_read: Option<i64>) -> Group {
        let (name, pending) = (name.into(), PendingList::default());
        Group { name, last_id, entries_read: entries_read.unwrap_or(UNKNOWN), pending, consumers: None }
    }

    /// Logical count of the entries read; `None` when unknown.
    pub(crate) fn entries_read(&self) -> Option<i64> {
        (self.entries_read != UNKNOWN).then_some(self.entries_read)
    }

    /// Moves the group: the last ID delivered, the count of the entries read.
    pub(crate) fn seek(&mut self, last_id: StreamId, entries_read: Option<i64>) {
        (self.last_id, self.entries_read) = (last_id, entries_read.unwrap_or(UNKNOWN));
    }

    fn known(&self) -> &Consumers {
        static NONE: Consumers = Consumers::NONE;
        self.consumers.as_deref().unwrap_or(&NONE)
    }

    /// The key of a consumer.
    pub(crate) fn key_of(&self, name: &[u8]) -> Option<ConsumerKey> {
        self.known().key_of(name)
    }

    /// A consumer by name.
    pub(crate) fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        self.known().get(self.key_of(name)?)
    }

    /// A consumer by name, for observations and `apply`.
    pub(crate) fn consumer_mut(&mut self, name: &[u8]) -> Option<&mut Consumer> {
        let key = self.key_of(name)?;
        self.consumers.as_mut()?.get_mut(key)
    }

    /// The owner of a pending entry; `None` if it was released.
    pub(crate) fn owner_of(&self, delivery: &Delivery) -> Option<&Consumer> {
        self.known().get(delivery.owner?)
    }

    /// Those of the entries that a consumer owns. The walk ends with its last one, and never begins if it has none.
    pub(crate) fn owned<'s>(
        &self,
        name: &[u8],
        entries: Entries<'s>,
    ) -> impl Iterator<Item = Entry> + use<'s> {
        let owned = self.key_of(name).map(|key| {
            let most = self.known().get(key).map_or(0, |consumer| consumer.pending) as usize;
            entries.owned_by(key).take(most)
        });
        owned.into_iter().flatten()
    }

    /// The consumers in byte order of their names.
    pub(crate) fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.known().iter().map(|(_, consumer)| consumer)
    }

    /// How many there are.
    pub(crate) fn consumer_count(&self) -> usize {
        self.known().len()
    }

    /// The consumers with their keys, in byte order of their names.
    pub(crate) fn keyed_consumers(&self) -> impl Iterator<Item = (ConsumerKey, &Consumer)> {
        self.known().iter()
    }

    /// Whether there is such a consumer.
    pub(crate) fn has(&self, key: ConsumerKey) -> bool {
        self.known().get(key).is_some()
    }

    /// Bytes of memory beside the struct itself.
    fn memory(&self) -> usize {
        let consumers = self.consumers.as_ref().map_or(0, |all| size_of::<Consumers>() + all.memory());
        self.name.memory() + consumers + self.pending.memory()
    }

    /// Puts in a pending entry of an image, which was not pending before.
    pub(crate) fn load(&mut self, id: StreamId, owner: Option<ConsumerKey>, at: i64, count: i64, order: u64) {
        self.pending.place_exact(id, Delivery { owner, delivered_at: at, delivery_count: count, order });
        self.own(owner);
    }

    /// Creates the consumer if there is none; a new one was never active.
    pub(crate) fn ensure_consumer(&mut self, name: &[u8], now: i64) -> ConsumerKey {
        match self.key_of(name) {
            Some(key) => key,
            None => {
                let consumer = Consumer { name: name.into(), seen_at: now, active_at: -1, pending: 0 };
                let consumers = self.consumers.get_or_insert_with(|| Box::new(Consumers::NONE));
                consumers.insert(consumer)
            }
        }
    }

    /// Removes a consumer with all that it owned. Answers the parts of the list that went.
    pub(crate) fn remove_consumer(&mut self, name: &[u8]) -> Vec<Chunks> {
        let removed = self.consumers.as_mut().and_then(|consumers| consumers.remove(name));
        if self.consumers.as_ref().is_some_and(|consumers| consumers.len() == 0) {
            self.consumers = None;
        }
        match removed {
            Some((key, consumer)) if consumer.pending > 0 => self.pending.remove_owned(key),
            _ => Vec::new(),
        }
    }

    /// Makes `owner` (nobody: released) hold the entry, whoever held it before.
    pub(crate) fn hand_over(&mut self, id: StreamId, owner: Option<ConsumerKey>, at: i64, count: i64) {
        let before = self.pending.place(id, owner, at, count).and_then(|delivery| delivery.owner);
        if before == owner {
            return;
        }
        self.disown(before);
        self.own(owner);
    }

    /// Takes those of some entries out of the list that are pending.
    pub(crate) fn acknowledge(&mut self, ids: &[StreamId]) {
        if self.pending.is_empty() {
            return;
        }
        let owners = self.pending.remove(ids);
        self.disown_all(&owners);
    }

    /// Takes the entries below an ID out of the list whose message is still there. Answers the parts of the list that
    /// went. `is_there` is asked for ascending IDs.
    pub(crate) fn acknowledge_below(
        &mut self,
        below: StreamId,
        is_there: impl FnMut(&StreamId) -> bool,
    ) -> Vec<Chunks> {
        let Some(last) = below.previous() else { return Vec::new() };
        let ids = |range| self.pending.range(range).map(|(id, _)| id);
        let sure = self.pending.lost_to().next().map_or(below, |sure| sure.min(below));
        let doubtful: Vec<StreamId> =
            ids(StreamId::MIN..=last).take_while(|id| *id < sure).filter(is_there).collect();
        let count = self.pending.rank(below) - self.pending.rank(sure);
        let few = count < self.pending.len() / SHARE;
        let single: Vec<StreamId> = if few { ids(sure..=last).collect() } else { Vec::new() };
        self.acknowledge(&doubtful);
        self.acknowledge(&single);
        if few {
            return Vec::new();
        }
        let (owners, gone) = self.pending.remove_between(sure, below);
        self.disown_all(&owners);
        gone
    }

    /// An owner of pending entries, for `apply`.
    pub(crate) fn owner_mut(&mut self, owner: Option<ConsumerKey>) -> Option<&mut Consumer> {
        self.consumers.as_mut()?.get_mut(owner?)
    }

    fn own(&mut self, owner: Option<ConsumerKey>) {
        if let Some(consumer) = self.owner_mut(owner) {
            consumer.pending += 1;
        }
    }

    fn disown_all(&mut self, owners: &Owners) {
        for (owner, count) in owners.iter() {
            if let Some(consumer) = self.owner_mut(Some(owner)) {
                consumer.pending -= count;
            }
        }
    }

    fn disown(&mut self, owner: Option<ConsumerKey>) {
        if let Some(consumer) = self.owner_mut(owner) {
            consumer.pending -= 1;
        }
    }

    /// Entries of the stream that the group has not read; `None` when it cannot be known.
    pub(crate) fn lag(&self, stream: &Stream) -> Option<i64> {
        let added = stream.entries_added as i64;
        if stream.entries_added == 0 || stream.len() == 0 {
            return Some(0);
        }
        let first_id = stream.first_id();
        if self.last_id < first_id && stream.max_deleted_id < first_id {
            return Some(stream.len() as i64);
        }
        let read = self.entries_read().filter(|_| !stream.has_holes_after(self.last_id));
        read.or_else(|| stream.logical_position(first_id, self.last_id))
            .map(|read| added.saturating_sub(read))
    }
}

/// `entries_read` of a group at this position after the delivery of entry `id`, the next one, of a stream that begins
/// at `first_id`.
pub(crate) fn advance(
    stream: &Stream,
    first_id: StreamId,
    (last_id, read): (StreamId, Option<i64>),
    id: StreamId,
) -> Option<i64> {
    match read {
        Some(n) if last_id >= first_id && !stream.has_holes_after(last_id) => Some(n.saturating_add(1)),
        _ if stream.entries_added > 0 => stream.logical_position(first_id, id),
        _ => read,
    }
}

impl Stream {
    /// Whether an entry may have been deleted at or after `id`, so that counting from there is not exact.
    fn has_holes_after(&self, id: StreamId) -> bool {
        self.len() > 0 && self.max_deleted_id != StreamId::MIN && id <= self.max_deleted_id
    }

    /// How many entries were ever added up to `id`, where that can be known. The stream begins at `first_id`.
    fn logical_position(&self, first_id: StreamId, id: StreamId) -> Option<i64> {
        let added = self.entries_added as i64;
        if added == 0 {
            return Some(0);
        }
        if self.len() == 0 && id <= self.last_id {
            return Some(added);
        }
        if id != StreamId::MIN && id < self.max_deleted_id {
            return None;
        }
        match id.cmp(&self.last_id) {
            std::cmp::Ordering::Equal => return Some(added),
            std::cmp::Ordering::Greater => return None,
            std::cmp::Ordering::Less => {}
        }
        let untouched = self.max_deleted_id == StreamId::MIN || self.max_deleted_id < first_id;
        match id.cmp(&first_id) {
            std::cmp::Ordering::Less if untouched => Some(added - self.len() as i64),
            std::cmp::Ordering::Equal if untouched => Some(added - self.len() as i64 + 1),
            _ => None,
        }
    }
}
