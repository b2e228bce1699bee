//! The keys of one database in one shard: found by name, numbered for SCAN.
//!
//! ```text
//! chunks   [ slot slot .. ] [ slot slot .. ] ..     full apart from the last; a slot's number is its position
//! index    hash of a name -> number                 open addressing, five bytes a bucket
//! ```
//!
//! A slot that is taken out leaves its place to the last one, as SCAN wants it. Nothing of a slot is spare room: only
//! the index has some, and the last chunk.

use super::{Name, Value};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::cell::Cell;
use std::hash::BuildHasher;

/// Slots in a chunk.
const CHUNK: usize = 64;
/// Of so few, comparing the names takes less time than a hash.
const FEW: usize = 4;
/// An index with fewer buckets is not made smaller.
const INDEX_MIN: usize = 64;
/// An expiry that there is not.
const NEVER: i64 = -1;

/// A key's value and what is known of the key.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The key.
    pub name: Name,
    /// The value.
    pub value: Value,
    /// Unix ms, not negative: what is due that early is gone.
    expire_at: i64,
    /// Unix ms of the last look. An observation.
    pub(crate) accessed_at: Cell<i64>,
}

impl Slot {
    /// Bytes that a slot and what finds it take, on average over the times between two sizes of the index.
    pub(crate) const MEMORY: usize = size_of::<Slot>() + 8;

    pub(crate) fn new(name: Name, value: Value, expire_at: Option<i64>) -> Slot {
        let mut slot = Slot { name, value, expire_at: NEVER, accessed_at: Cell::new(0) };
        slot.set_expiry(expire_at);
        slot
    }

    /// Unix ms at which the key goes; `None` = never.
    pub fn expire_at(&self) -> Option<i64> {
        (self.expire_at != NEVER).then_some(self.expire_at)
    }

    pub(super) fn set_expiry(&mut self, expire_at: Option<i64>) {
        self.expire_at = expire_at.unwrap_or(NEVER);
    }
}

/// The keys.
#[derive(Debug)]
pub(crate) struct Keys {
    chunks: Vec<Vec<Slot>>,
    index: HashTable<u32>,
    hasher: FixedState,
}

impl Keys {
    pub(super) fn new(hasher: FixedState) -> Keys {
        Keys { chunks: Vec::new(), index: HashTable::new(), hasher }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The slot of this number.
    pub(crate) fn at(&self, number: usize) -> Option<&Slot> {
        self.chunks.get(number / CHUNK)?.get(number % CHUNK)
    }

    fn place(&mut self, number: usize) -> &mut Slot {
        &mut self.chunks[number / CHUNK][number % CHUNK]
    }

    /// All of them, in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.chunks.iter().flatten()
    }

    fn number(&self, name: &[u8]) -> Option<usize> {
        if let [few] = &self.chunks[..]
            && few.len() <= FEW
        {
            return few.iter().position(|slot| *slot.name == *name);
        }
        let named = |number: &u32| *slot(&self.chunks, *number).name == *name;
        self.index.find(self.hasher.hash_one(name), named).map(|number| *number as usize)
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&Slot> {
        self.at(self.number(name)?)
    }

    pub(crate) fn get_mut(&mut self, name: &[u8]) -> Option<&mut Slot> {
        let number = self.number(name)?;
        Some(self.place(number))
    }

    /// Puts a slot in, as the last one. There must be none of that name.
    pub(super) fn push(&mut self, slot: Slot) {
        if self.index.len() == self.index.capacity() {
            self.reindex();
        }
        let number = u32::try_from(self.len()).expect("memory ends before numbers do");
        let (hasher, chunks) = (&self.hasher, &self.chunks);
        let hash = |number: &u32| hasher.hash_one(&*self::slot(chunks, *number).name);
        self.index.insert_unique(hasher.hash_one(&*slot.name), number, hash);
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => last.push(slot),
            None => self.chunks.push(vec![slot]),
            Some(_) => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(slot);
                self.chunks.push(chunk);
            }
        }
    }

    /// Takes a slot out. The last one takes its place.
    pub(super) fn swap_remove(&mut self, name: &[u8]) -> Option<Slot> {
        let (chunks, hasher) = (&self.chunks, &self.hasher);
        let named = |number: &u32| *slot(chunks, *number).name == *name;
        let (number, _) = self.index.find_entry(hasher.hash_one(name), named).ok()?.remove();
        let last_number = self.index.len() as u32;
        let last_chunk = self.chunks.last_mut()?;
        let last = last_chunk.pop()?;
        if last_chunk.is_empty() {
            self.chunks.pop();
        }
        let taken = if number == last_number {
            last
        } else {
            let hash = self.hasher.hash_one(&*last.name);
            *self.index.find_mut(hash, |at| *at == last_number)? = number;
            std::mem::replace(self.place(number as usize), last)
        };
        if self.index.capacity() > INDEX_MIN && self.len() < self.index.capacity() / 4 {
            self.reindex();
        }
        Some(taken)
    }

    /// Makes the index anew, with room for some more: slot by slot, which takes less time than bucket by bucket.
    fn reindex(&mut self) {
        let mut index = HashTable::with_capacity(self.len() + self.len() / 8 + 1);
        for (number, slot) in self.iter().enumerate() {
            let hash = self.hasher.hash_one(&*slot.name);
            index.insert_unique(hash, number as u32, |_| unreachable!("there is room for all"));
        }
        self.index = index;
    }

    /// No keys, found in the same way.
    pub(super) fn empty(&self) -> Keys {
        Keys::new(self.hasher.clone())
    }
}

fn slot(chunks: &[Vec<Slot>], number: u32) -> &Slot {
    &chunks[number as usize / CHUNK][number as usize % CHUNK]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn keys_are_found_and_numbered(steps in prop::collection::vec((any::<bool>(), 0..300u32), 0..2000)) {
            let mut keys = Keys::new(FixedState::with_seed(1));
            let mut plain: Vec<u32> = Vec::new();
            let name = |n: u32| n.to_be_bytes();
            for (put, n) in steps {
                match (put, plain.iter().position(|it| *it == n)) {
                    (true, None) => {
                        keys.push(Slot::new(name(n)[..].into(), Value::string(&name(n)), None));
                        plain.push(n);
                    }
                    (false, Some(at)) => {
                        prop_assert_eq!(&*keys.swap_remove(&name(n)).unwrap().name, &name(n));
                        plain.swap_remove(at);
                    }
                    (false, None) => prop_assert!(keys.swap_remove(&name(n)).is_none()),
                    (true, Some(_)) => prop_assert_eq!(&*keys.get_mut(&name(n)).unwrap().name, &name(n)),
                }
                prop_assert_eq!(keys.len(), plain.len());
            }
            prop_assert!(keys.iter().map(|slot| &*slot.name).eq(plain.iter().map(|n| name(*n)).collect::<Vec<_>>()));
            for (at, n) in plain.iter().enumerate() {
                prop_assert_eq!(&*keys.at(at).unwrap().name, &name(*n));
                prop_assert!(keys.get(&name(*n)).is_some());
            }
            prop_assert!(keys.at(plain.len()).is_none());
        }
    }

    #[test]
    fn what_is_empty_takes_little() {
        let mut keys = Keys::new(FixedState::with_seed(1));
        let name = |n: u32| n.to_be_bytes();
        (0..10_000).for_each(|n| keys.push(Slot::new(name(n)[..].into(), Value::string(b""), None)));
        (0..10_000).for_each(|n| drop(keys.swap_remove(&name(n))));
        assert!(keys.is_empty() && keys.chunks.is_empty() && keys.index.capacity() <= INDEX_MIN);
    }
}
