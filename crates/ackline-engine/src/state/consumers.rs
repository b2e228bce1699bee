//! The consumers of a group.
//!
//! ```text
//! slots   [ Arc [ c c - c .. ] | Arc [ .. ] | .. ]     by key; - is free
//! free    keys of free slots
//! names   keys in byte order of the names
//! ```
//!
//! Pending entries name their owner by key, commands by name. A key is that of another consumer once its own is gone:
//! nothing refers to it then.

use super::Name;
use super::sorted::{At, Sorted};
use std::cmp::Ordering;
use triomphe::Arc;

/// Consumers that are copied together at the first change after a snapshot.
const CHUNK: usize = 32;

/// Names a consumer within its group for as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerKey(pub u32);

impl ConsumerKey {
    /// The key of a consumer by its position among those that an image brought.
    pub(crate) fn loaded(position: u64) -> Option<ConsumerKey> {
        u32::try_from(position).ok().map(ConsumerKey)
    }

    fn place(self) -> (usize, usize) {
        (self.0 as usize / CHUNK, self.0 as usize % CHUNK)
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

/// All of a group.
#[derive(Clone, Debug)]
pub(super) struct Consumers {
    slots: Vec<Arc<Vec<Option<Consumer>>>>,
    free: Vec<u32>,
    names: Sorted<u32, 256>,
}

impl Consumers {
    pub(super) const NONE: Consumers =
        Consumers { slots: Vec::new(), free: Vec::new(), names: Sorted::new() };

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn get(&self, key: ConsumerKey) -> Option<&Consumer> {
        let (chunk, index) = key.place();
        self.slots.get(chunk)?.get(index)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, key: ConsumerKey) -> Option<&mut Consumer> {
        let (chunk, index) = key.place();
        Arc::make_mut(self.slots.get_mut(chunk)?).get_mut(index)?.as_mut()
    }

    fn search(&self, name: &[u8]) -> Result<At, At> {
        self.names.search(|key| match self.get(ConsumerKey(*key)) {
            Some(consumer) => consumer.name.cmp_bytes(name),
            None => Ordering::Less,
        })
    }

    pub(super) fn key_of(&self, name: &[u8]) -> Option<ConsumerKey> {
        self.search(name).ok().map(|at| ConsumerKey(*self.names.get(at)))
    }

    /// With their keys, in byte order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConsumerKey, &Consumer)> {
        self.names.iter().filter_map(|key| Some((ConsumerKey(*key), self.get(ConsumerKey(*key))?)))
    }

    /// Puts a consumer in, if there is none of its name. Answers the key.
    pub(super) fn insert(&mut self, consumer: Consumer) -> ConsumerKey {
        let at = match self.search(&consumer.name) {
            Ok(at) => return ConsumerKey(*self.names.get(at)),
            Err(at) => at,
        };
        let key = match self.free.pop() {
            Some(key) => ConsumerKey(key),
            None => self.new_key(),
        };
        let (chunk, index) = key.place();
        Arc::make_mut(&mut self.slots[chunk])[index] = Some(consumer);
        self.names.insert(at, key.0);
        key
    }

    fn new_key(&mut self) -> ConsumerKey {
        let full = self.slots.last().is_none_or(|chunk| chunk.len() == CHUNK);
        if full {
            self.slots.reserve_exact(self.slots.len() / 8 + 1);
            self.slots.push(Arc::new(Vec::new()));
        }
        let before = self.slots.len() - 1;
        let chunk = Arc::make_mut(&mut self.slots[before]);
        if chunk.len() == chunk.capacity() {
            chunk.reserve_exact((chunk.len() / 8 + 1).min(CHUNK - chunk.len()));
        }
        chunk.push(None);
        ConsumerKey((before * CHUNK + chunk.len() - 1) as u32)
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<(ConsumerKey, Consumer)> {
        let key = ConsumerKey(self.names.remove(self.search(name).ok()?));
        let (chunk, index) = key.place();
        let consumer = Arc::make_mut(&mut self.slots[chunk])[index].take()?;
        self.free.push(key.0);
        if self.free.len() > self.len() {
            self.drop_free_tail();
        }
        Some((key, consumer))
    }

    /// Gives chunks back at whose end there is none any more.
    fn drop_free_tail(&mut self) {
        while self.slots.last().is_some_and(|chunk| chunk.iter().all(Option::is_none)) {
            self.slots.pop();
        }
        let end = self.slots.iter().map(|chunk| chunk.len()).sum::<usize>() as u32;
        self.free.retain(|key| *key < end);
        self.free.shrink_to_fit();
        self.slots.shrink_to_fit();
    }

    /// Bytes of memory beside the struct itself.
    pub(super) fn memory(&self) -> usize {
        let header = size_of::<usize>() + size_of::<Vec<Consumer>>();
        let chunks = self.slots.iter().map(|chunk| chunk.capacity() * size_of::<Option<Consumer>>() + header);
        let names: usize = self.iter().map(|(_, consumer)| consumer.name.memory()).sum();
        let spare = self.slots.capacity() * size_of::<usize>() + self.free.capacity() * size_of::<u32>();
        chunks.sum::<usize>() + names + spare + self.names.memory()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn consumer(n: u16) -> Consumer {
        let name = n.to_string();
        Consumer { name: name.as_bytes().into(), seen_at: 0, active_at: i64::from(n), pending: 0 }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn consumers_are_found_by_key_and_name(steps in prop::collection::vec((0..5u8, 0..150u16), 0..600)) {
            let mut all = Consumers::NONE;
            let mut plain: BTreeMap<String, (ConsumerKey, u16)> = BTreeMap::new();
            let mut snapshot = (all.clone(), plain.clone());
            for (what, n) in steps {
                let name = n.to_string();
                match what {
                    0 => snapshot = (all.clone(), plain.clone()),
                    1 | 2 => {
                        let removed = all.remove(name.as_bytes()).map(|(key, _)| key);
                        prop_assert_eq!(removed, plain.remove(&name).map(|(key, _)| key));
                    }
                    _ => {
                        let key = all.insert(consumer(n));
                        prop_assert_eq!(plain.entry(name).or_insert((key, n)).0, key);
                    }
                }
                prop_assert_eq!(all.len(), plain.len());
            }
            for (all, plain) in [(&all, &plain), (&snapshot.0, &snapshot.1)] {
                let found = all.iter().map(|(key, consumer)| (key, consumer.active_at as u16));
                prop_assert!(found.eq(plain.values().copied()));
                for (name, (key, n)) in plain {
                    prop_assert_eq!(all.key_of(name.as_bytes()), Some(*key));
                    prop_assert_eq!(all.get(*key).map(|it| it.active_at), Some(i64::from(*n)));
                }
            }
            for name in plain.keys() {
                all.remove(name.as_bytes());
            }
            prop_assert!(all.len() == 0 && all.slots.is_empty() && all.free.is_empty());
        }
    }
}
