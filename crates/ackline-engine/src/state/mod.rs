//! State: what the fold of the log gives. Everything here is changed by `apply` alone, except observations
//! (when a key was last looked at, when a consumer was last seen), which no record carries.
//!
//! ```text
//! shard ── dbs[0..16] ── keys     name -> slot { value, expiry }      in an order that SCAN can resume
//!                    └── expiries (time, name)
//!       ── waiters               blocked reads of the shard's keys
//! ```
//!
//! A key lies in the same shard in every database, so that SWAPDB is local to each shard.

mod block;
mod blocks;
mod consumers;
mod digest;
mod entry;
mod group;
mod idempotence;
mod image;
mod keys;
mod name;
mod part;
mod pending;
mod presence;
mod reach;
mod sorted;
mod stream;

pub use consumers::{Consumer, ConsumerKey};
pub use digest::{digest, value_digest};
pub(crate) use entry::are_fields;
pub use entry::{EntryRef, Words, put_fields};
pub use group::Group;
pub(crate) use group::advance;
pub use image::{Image, parts};
pub(crate) use keys::Keys;
pub use keys::Slot;
pub use name::Name;
pub use part::Part;
pub(crate) use pending::idle_since;
pub use pending::{Claims, Delivery, Entries, Entry, Pending, Sweep};
pub(crate) use presence::presence;
pub use reach::{Keyspace, Reach, ShardSet};
pub use stream::Stream;

use crate::record::{Change, Record};
use crate::tally::Tally;
use crate::waiter::Waiters;
use foldhash::fast::FixedState;
use std::collections::BTreeSet;
use triomphe::Arc;

/// What a key holds. Shared with snapshots: what changes a shared value copies its spine first.
#[derive(Clone, Debug)]
pub enum Value {
    /// A stream.
    Stream(Arc<Stream>),
    /// A string.
    Str(Arc<Vec<u8>>),
}

impl Value {
    /// A string.
    pub(crate) fn string(bytes: &[u8]) -> Value {
        Value::Str(Arc::new(bytes.to_vec()))
    }

    /// The word that TYPE answers.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Stream(_) => "stream",
            Value::Str(_) => "string",
        }
    }
}

/// One database's part of a shard.
#[derive(Debug)]
pub struct Db {
    pub(crate) keys: Keys,
    expiries: BTreeSet<(i64, Name)>,
    /// Streams that hold idempotency records, which a sweep must visit.
    pub(crate) idempotent: BTreeSet<Name>,
}

impl Db {
    fn new(seed: u64) -> Db {
        let keys = Keys::new(FixedState::with_seed(seed));
        Db { keys, expiries: BTreeSet::new(), idempotent: BTreeSet::new() }
    }

    /// The slot of a key, expired or not.
    pub(crate) fn slot(&self, key: &[u8]) -> Option<&Slot> {
        self.keys.get(key)
    }

    /// How many keys have an expiry.
    pub fn expiring(&self) -> usize {
        self.expiries.len()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys in the order that SCAN walks backwards.
    pub(crate) fn at(&self, position: usize) -> Option<&Slot> {
        self.keys.at(position)
    }

    /// The earliest expiry.
    pub(crate) fn next_expiry(&self) -> Option<i64> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// A key that is due at `now`.
    pub(crate) fn due(&self, now: i64) -> Option<&Name> {
        self.expiries.first().filter(|(at, _)| *at <= now).map(|(_, key)| key)
    }

    pub(crate) fn stream_mut(&mut self, key: &[u8]) -> Option<&mut Stream> {
        match &mut self.keys.get_mut(key)?.value {
            Value::Stream(stream) => Some(Arc::make_mut(stream)),
            Value::Str(_) => None,
        }
    }

    /// Puts a value in. A key that is overwritten stays where it is: a SCAN under way must still come by.
    /// Answers the value that it had.
    pub(crate) fn put(&mut self, key: &[u8], value: Value, expire_at: Option<i64>) -> Option<Value> {
        let before = if let Some(slot) = self.keys.get_mut(key) {
            unlink_expiry(&mut self.expiries, slot);
            slot.set_expiry(expire_at);
            Some(std::mem::replace(&mut slot.value, value))
        } else {
            self.keys.push(Slot::new(key.into(), value, expire_at));
            None
        };
        if let Some(at) = expire_at {
            self.expiries.insert((at, key.into()));
        }
        self.note_idempotence(key);
        before
    }

    /// Takes a key out; SCAN's guarantee rests on the last key filling the hole.
    pub(crate) fn take(&mut self, key: &[u8]) -> Option<Slot> {
        let slot = self.keys.swap_remove(key)?;
        unlink_expiry(&mut self.expiries, &slot);
        self.idempotent.remove(key);
        Some(slot)
    }

    pub(crate) fn set_expiry(&mut self, key: &[u8], expire_at: Option<i64>) -> Option<()> {
        let slot = self.keys.get_mut(key)?;
        unlink_expiry(&mut self.expiries, slot);
        slot.set_expiry(expire_at);
        if let Some(at) = expire_at {
            self.expiries.insert((at, key.into()));
        }
        Some(())
    }

    /// Keeps the list of streams to sweep true after a change of `key`.
    pub(crate) fn note_idempotence(&mut self, key: &[u8]) {
        let value = self.keys.get(key).map(|slot| &slot.value);
        let tracked = matches!(value, Some(Value::Stream(it)) if !it.idempotence().producers.is_empty());
        match tracked {
            true => self.idempotent.insert(key.into()),
            false => self.idempotent.remove(key),
        };
    }

    fn carry_over(&mut self, key: &[u8], old: &Slot) {
        if let Some(slot) = self.keys.get(key) {
            slot.accessed_at.set(old.accessed_at.get());
        }
        if let (Value::Stream(old), Some(stream)) = (&old.value, self.stream_mut(key)) {
            for group in old.groups().iter() {
                for consumer in group.consumers() {
                    let known =
                        stream.group_mut(&group.name).and_then(|group| group.consumer_mut(&consumer.name));
                    known.into_iter().for_each(|known| known.seen_at = consumer.seen_at);
                }
            }
        }
    }

    /// Takes all keys out. Answers them.
    pub(crate) fn clear(&mut self) -> Db {
        let empty = Db { keys: self.keys.empty(), expiries: BTreeSet::new(), idempotent: BTreeSet::new() };
        std::mem::replace(self, empty)
    }
}

fn unlink_expiry(expiries: &mut BTreeSet<(i64, Name)>, slot: &Slot) {
    if let Some(at) = slot.expire_at() {
        expiries.remove(&(at, slot.name.clone()));
    }
}

/// A key with its value at the time of a snapshot.
#[derive(Debug)]
pub struct Shared {
    /// The database.
    pub db: u32,
    /// The key.
    pub key: Name,
    /// The value.
    pub value: Value,
    /// Unix ms at which the key goes; `None` = never.
    pub expire_at: Option<i64>,
}

/// Bytes of parts that a record of a snapshot gathers.
const LOAD: usize = 64 * 1024;

impl Shared {
    /// Calls `put` with the records that bring the key back, encoded.
    pub fn records(&self, put: &mut dyn FnMut(&[u8])) {
        let Shared { db, key, value, expire_at } = self;
        let (mut gathered, mut out) = (Vec::new(), Vec::new());
        let mut emit = |change: Change<'_>| {
            out.clear();
            Record { db: *db, key, change }.encode(&mut out);
            put(&out);
        };
        parts(value, &mut |part| {
            if !gathered.is_empty() && gathered.len() + part.len() > LOAD {
                emit(Change::Load { parts: &gathered });
                gathered.clear();
            }
            gathered.extend_from_slice(part);
        });
        emit(Change::Load { parts: &gathered });
        if expire_at.is_some() {
            emit(Change::Expire { at: *expire_at });
        }
    }
}

/// One part of the keyspace: a plain value that does not know its caller. The library puts a lock around each.
#[derive(Debug)]
pub struct Shard {
    pub(crate) dbs: Vec<Db>,
    /// The databases from here on were never changed: mostly all but the first.
    used: usize,
    pub(crate) waiters: Waiters,
    tally: Tally,
}

impl Shard {
    /// An empty shard of `databases` databases. `seed` goes into the hash tables.
    pub fn new(databases: usize, seed: u64) -> Shard {
        let dbs = (0..databases).map(|_| Db::new(seed)).collect();
        Shard { dbs, used: 0, waiters: Waiters::default(), tally: Tally::default() }
    }

    /// The values of every key, shared: what changes here later does not change what is returned.
    pub fn share(&self) -> Vec<Shared> {
        let dbs = self.dbs.iter().enumerate();
        let shared = dbs.flat_map(|(n, db)| {
            db.keys.iter().map(move |slot| Shared {
                db: n as u32,
                key: slot.name.clone(),
                value: slot.value.clone(),
                expire_at: slot.expire_at(),
            })
        });
        shared.collect()
    }

    /// Takes over freshly recovered databases. Who is blocked stays blocked, and observations are carried over.
    pub fn adopt(&mut self, fresh: Shard) {
        self.used = fresh.used;
        let old = std::mem::replace(&mut self.dbs, fresh.dbs);
        for (db, old) in self.dbs.iter_mut().zip(old) {
            for slot in old.keys.iter() {
                db.carry_over(&slot.name, slot);
            }
        }
    }

    /// What was done here since the start.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// A database, to be changed.
    pub(crate) fn db_mut(&mut self, db: u32) -> &mut Db {
        self.used = self.used.max(db as usize + 1);
        &mut self.dbs[db as usize]
    }

    /// The databases that may hold anything, with their numbers.
    pub(crate) fn used(&self) -> impl Iterator<Item = (u32, &Db)> {
        (0..).zip(&self.dbs[..self.used])
    }

    /// Two databases change places.
    pub(crate) fn swap(&mut self, db: u32, with: u32) {
        self.used = self.used.max(db.max(with) as usize + 1);
        self.dbs.swap(db as usize, with as usize);
    }

    /// A database's part; for statistics.
    pub fn dbs(&self) -> &[Db] {
        &self.dbs
    }

    /// The blocked reads; for statistics.
    pub fn waiters(&self) -> &Waiters {
        &self.waiters
    }
}
