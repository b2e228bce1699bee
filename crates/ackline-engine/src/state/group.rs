//! Consumer groups: position, consumers, pending entries, and the arithmetic of lag.

use super::Name;
use super::pending::{Chunks, Delivery, Entries, Entry, Pending};
use super::stream::Stream;
use crate::id::StreamId;
use std::collections::BTreeMap;

/// From this share of the list on, taking entries out one by one costs more than making the list anew from chunks.
const SHARE: u64 = 16;

/// Names a consumer within its group for as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerKey(pub u32);

impl ConsumerKey {
    /// The key of a consumer by its position among those that an image brought.
    pub(crate) fn loaded(position: u64) -> Option<ConsumerKey> {
        u32::try_from(position).ok().map(ConsumerKey)
    }
}

/// A consumer of a group.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its name; may be empty.
    pub name: Name,
    /// Unix ms of its last attempt. An observation: a read without effect moves it and logs nothing.
    pub(crate) seen_at: i64,
    /// Unix ms of its last successful interaction; -1 if there was none.
    pub(crate) active_at: i64,
    /// How many pending entries it owns.
    pub(crate) pending: u64,
}

/// A consumer group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The last ID delivered.
    pub(crate) last_id: StreamId,
    /// Logical count of the entries read; `None` when unknown.
    pub(crate) entries_read: Option<i64>,
    pub(crate) pending: Pending,
    names: BTreeMap<Name, ConsumerKey>,
    consumers: BTreeMap<ConsumerKey, Consumer>,
    next_key: u32,
}

impl Group {
    pub(crate) fn new(last_id: StreamId, entries_read: Option<i64>) -> Group {
        Group {
            last_id,
            entries_read,
            pending: Pending::default(),
            names: BTreeMap::new(),
            consumers: BTreeMap::new(),
            next_key: 0,
        }
    }

    /// The key of a consumer.
    pub(crate) fn key_of(&self, name: &[u8]) -> Option<ConsumerKey> {
        self.names.get(name).copied()
    }

    /// A consumer by name.
    pub(crate) fn consumer(&self, name: &[u8]) -> Option<&Consumer> {
        self.consumers.get(&self.key_of(name)?)
    }

    /// A consumer by name, for observations and `apply`.
    pub(crate) fn consumer_mut(&mut self, name: &[u8]) -> Option<&mut Consumer> {
        let key = self.key_of(name)?;
        self.consumers.get_mut(&key)
    }

    /// The owner of a pending entry; `None` if it was released.
    pub(crate) fn owner_of(&self, delivery: &Delivery) -> Option<&Consumer> {
        self.consumers.get(&delivery.owner?)
    }

    /// Those of the entries that a consumer owns. The walk ends with its last one, and never begins if it has none.
    pub(crate) fn owned<'s>(
        &self,
        name: &[u8],
        entries: Entries<'s>,
    ) -> impl Iterator<Item = Entry> + use<'s> {
        let owned = self.key_of(name).map(|key| {
            let most = self.consumers[&key].pending as usize;
            entries.owned_by(key).take(most)
        });
        owned.into_iter().flatten()
    }

    /// The consumers in byte order of their names.
    pub(crate) fn consumers(&self) -> impl ExactSizeIterator<Item = &Consumer> {
        self.names.values().map(|key| &self.consumers[key])
    }

    /// The consumers with their keys, in byte order of their names.
    pub(crate) fn keyed_consumers(&self) -> impl Iterator<Item = (ConsumerKey, &Consumer)> {
        self.names.values().map(|key| (*key, &self.consumers[key]))
    }

    /// Whether there is such a consumer.
    pub(crate) fn has(&self, key: ConsumerKey) -> bool {
        self.consumers.contains_key(&key)
    }

    /// Puts in a pending entry of an image, which was not pending before.
    pub(crate) fn load(&mut self, id: StreamId, owner: Option<ConsumerKey>, at: i64, count: i64, order: u64) {
        self.pending.place_exact(id, Delivery { owner, delivered_at: at, delivery_count: count, order });
        self.own(owner);
    }

    /// Creates the consumer if there is none; a new one was never active.
    pub(crate) fn ensure_consumer(&mut self, name: &[u8], now: i64) -> ConsumerKey {
        if let Some(key) = self.key_of(name) {
            return key;
        }
        let key = ConsumerKey(self.next_key);
        self.next_key += 1;
        self.names.insert(name.into(), key);
        let consumer = Consumer { name: name.into(), seen_at: now, active_at: -1, pending: 0 };
        self.consumers.insert(key, consumer);
        key
    }

    /// Removes a consumer with all that it owned. Answers the parts of the list that went.
    pub(crate) fn remove_consumer(&mut self, name: &[u8]) -> Vec<Chunks> {
        let consumer = self.names.remove(name).and_then(|key| Some((key, self.consumers.remove(&key)?)));
        match consumer {
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

    /// Takes the entry out of the list; false if it was not pending.
    pub(crate) fn acknowledge(&mut self, id: StreamId) -> bool {
        let Some(delivery) = self.pending.remove(id) else { return false };
        self.disown(delivery.owner);
        true
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
        for id in doubtful.into_iter().chain(single) {
            self.acknowledge(id);
        }
        if few {
            return Vec::new();
        }
        let (owners, gone) = self.pending.remove_between(sure, below);
        for (owner, count) in owners.iter() {
            if let Some(consumer) = self.consumers.get_mut(&owner) {
                consumer.pending -= count;
            }
        }
        gone
    }

    fn own(&mut self, owner: Option<ConsumerKey>) {
        if let Some(consumer) = owner.and_then(|key| self.consumers.get_mut(&key)) {
            consumer.pending += 1;
        }
    }

    fn disown(&mut self, owner: Option<ConsumerKey>) {
        if let Some(consumer) = owner.and_then(|key| self.consumers.get_mut(&key)) {
            consumer.pending -= 1;
        }
    }

    /// Entries of the stream that the group has not read; `None` when it cannot be known.
    pub(crate) fn lag(&self, stream: &Stream) -> Option<i64> {
        let added = stream.entries_added as i64;
        if stream.entries_added == 0 || stream.length == 0 {
            return Some(0);
        }
        if self.last_id < stream.first_id && stream.max_deleted_id < stream.first_id {
            return Some(stream.length as i64);
        }
        let read = self.entries_read.filter(|_| !stream.has_holes_after(self.last_id));
        read.or_else(|| stream.logical_position(self.last_id)).map(|read| added.saturating_sub(read))
    }
}

/// `entries_read` of a group at this position after the delivery of entry `id`, the next one.
pub(crate) fn advance(
    stream: &Stream,
    (last_id, read): (StreamId, Option<i64>),
    id: StreamId,
) -> Option<i64> {
    match read {
        Some(n) if last_id >= stream.first_id && !stream.has_holes_after(last_id) => {
            Some(n.saturating_add(1))
        }
        _ if stream.entries_added > 0 => stream.logical_position(id),
        _ => read,
    }
}

impl Stream {
    /// Whether an entry may have been deleted at or after `id`, so that counting from there is not exact.
    fn has_holes_after(&self, id: StreamId) -> bool {
        self.length > 0 && self.max_deleted_id != StreamId::MIN && id <= self.max_deleted_id
    }

    /// How many entries were ever added up to `id`, where that can be known.
    pub(crate) fn logical_position(&self, id: StreamId) -> Option<i64> {
        let added = self.entries_added as i64;
        if added == 0 {
            return Some(0);
        }
        if self.length == 0 && id <= self.last_id {
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
        let untouched = self.max_deleted_id == StreamId::MIN || self.max_deleted_id < self.first_id;
        match id.cmp(&self.first_id) {
            std::cmp::Ordering::Less if untouched => Some(added - self.length as i64),
            std::cmp::Ordering::Equal if untouched => Some(added - self.length as i64 + 1),
            _ => None,
        }
    }
}
