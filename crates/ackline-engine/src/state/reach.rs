//! Which shards a command may touch, and access to those that its caller locked.

use super::{Db, Shard, Slot};
use std::hash::BuildHasher;

/// A set of shards, one bit each; at most 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct ShardSet(pub u64);

impl ShardSet {
    /// No shard.
    pub const EMPTY: ShardSet = ShardSet(0);

    /// The first `count` shards.
    pub fn all(count: usize) -> ShardSet {
        ShardSet(u64::MAX >> (64 - count.clamp(1, 64)))
    }

    /// The shard of one key, of `count` shards.
    pub fn of(key: &[u8], count: usize) -> ShardSet {
        ShardSet(1 << shard_index(key, count))
    }

    /// Both sets.
    pub fn union(self, other: ShardSet) -> ShardSet {
        ShardSet(self.0 | other.0)
    }

    /// Whether `other` lies within.
    pub fn contains(self, other: ShardSet) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The indexes, ascending.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..64).filter(move |i| self.0 >> i & 1 == 1)
    }

    /// The lowest index.
    pub fn first(self) -> Option<usize> {
        (self.0 != 0).then(|| self.0.trailing_zeros() as usize)
    }
}

/// The shard of a key; the same in every database and every run.
pub(super) fn shard_index(key: &[u8], count: usize) -> usize {
    let hash = foldhash::fast::FixedState::with_seed(0x61636b).hash_one(key);
    (hash >> 32) as usize % count
}

/// All shards in one hand: recovery, tests, the simulator.
#[derive(Debug)]
pub struct Keyspace {
    shards: Vec<Shard>,
}

impl Keyspace {
    /// Empty shards.
    pub fn new(shards: usize, databases: usize, seed: u64) -> Keyspace {
        Keyspace { shards: (0..shards).map(|_| Shard::new(databases, seed)).collect() }
    }

    /// Reach over every shard.
    pub fn reach(&mut self) -> Reach<'_> {
        let count = self.shards.len();
        Reach::new(count, self.shards.iter_mut().enumerate())
    }

    /// The shards themselves.
    pub fn into_shards(self) -> Vec<Shard> {
        self.shards
    }
}

/// Mutable access to the shards that the caller has locked.
pub struct Reach<'a> {
    count: usize,
    set: ShardSet,
    held: Held<'a>,
}

enum Held<'a> {
    One(&'a mut Shard),
    Many(Vec<Option<&'a mut Shard>>),
}

impl<'a> Reach<'a> {
    /// Reach over one of `count` shards.
    pub fn one(count: usize, index: usize, shard: &'a mut Shard) -> Reach<'a> {
        Reach { count, set: ShardSet(1 << index), held: Held::One(shard) }
    }

    /// Reach over several of `count` shards.
    pub fn new(count: usize, shards: impl Iterator<Item = (usize, &'a mut Shard)>) -> Reach<'a> {
        let mut held: Vec<Option<&'a mut Shard>> = (0..count).map(|_| None).collect();
        let mut set = ShardSet::EMPTY;
        for (index, shard) in shards {
            held[index] = Some(shard);
            set = set.union(ShardSet(1 << index));
        }
        Reach { count, set, held: Held::Many(held) }
    }

    /// How many shards there are, held or not.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Those held.
    pub fn set(&self) -> ShardSet {
        self.set
    }

    /// The shard of a key, which must be held: the caller locked what the command's keys asked for.
    pub(crate) fn shard(&self, key: &[u8]) -> &Shard {
        match &self.held {
            Held::One(shard) => shard,
            Held::Many(held) => {
                held[shard_index(key, self.count)].as_deref().expect("the key's shard is held")
            }
        }
    }

    pub(crate) fn shard_mut(&mut self, key: &[u8]) -> &mut Shard {
        match &mut self.held {
            Held::One(shard) => shard,
            Held::Many(held) => {
                held[shard_index(key, self.count)].as_deref_mut().expect("the key's shard is held")
            }
        }
    }

    pub(crate) fn index_mut(&mut self, index: usize) -> Option<&mut Shard> {
        match &mut self.held {
            Held::One(shard) => (self.set.0 == 1 << index).then_some(&mut **shard),
            Held::Many(held) => held.get_mut(index)?.as_deref_mut(),
        }
    }

    /// The held shards, ascending.
    pub fn shards(&self) -> impl Iterator<Item = &Shard> {
        let (one, many) = match &self.held {
            Held::One(shard) => (Some(&**shard), [].as_slice()),
            Held::Many(held) => (None, held.as_slice()),
        };
        one.into_iter().chain(many.iter().filter_map(|shard| shard.as_deref()))
    }

    pub(crate) fn shards_mut(&mut self) -> impl Iterator<Item = &mut Shard> {
        let (one, many) = match &mut self.held {
            Held::One(shard) => (Some(&mut **shard), [].as_mut_slice()),
            Held::Many(held) => (None, held.as_mut_slice()),
        };
        one.into_iter().chain(many.iter_mut().filter_map(|shard| shard.as_deref_mut()))
    }

    pub(crate) fn db(&self, db: u32, key: &[u8]) -> &Db {
        &self.shard(key).dbs[db as usize]
    }

    pub(crate) fn db_mut(&mut self, db: u32, key: &[u8]) -> &mut Db {
        self.shard_mut(key).db_mut(db)
    }

    pub(crate) fn slot(&self, db: u32, key: &[u8]) -> Option<&Slot> {
        self.db(db, key).slot(key)
    }
}
