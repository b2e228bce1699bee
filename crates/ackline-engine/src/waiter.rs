//! Blocked reads and watched keys: values in the shard, not threads.
//!
//! ```text
//! by_key   (db, key) -> tickets in order of parking     first parked, first served
//! parked   ticket -> waiter                             in every shard that it waits in
//! timers   (time, ticket)                               in the lowest of those shards only
//! wakes    ticket -> time                               the one timer that idle time asked for
//! watches  (db, key) -> sessions, version               WATCH compares versions
//! ```

use crate::args::OwnedArgs;
use crate::reply::Outcome;
use crate::spec::Spec;
use crate::state::{Db, Name, ShardSet};
use crate::txn::{Park, Ticket};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

/// A blocked read.
pub struct Waiter {
    /// Its name.
    pub ticket: Ticket,
    pub(crate) spec: &'static Spec,
    pub(crate) args: OwnedArgs,
    pub(crate) db: u32,
    pub(crate) resp3: bool,
    pub(crate) keys: Vec<Name>,
    /// The shards of its keys.
    pub shards: ShardSet,
    pub(crate) deadline: Option<i64>,
    pub(crate) group: bool,
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Waiter {{ ticket: {}, command: {} }}", self.ticket, self.spec.name)
    }
}

/// A blocked read that has its answer.
#[derive(Debug)]
pub struct Served {
    /// Which.
    pub ticket: Ticket,
    /// What it gets.
    pub outcome: Outcome,
}

/// Keys whose waiters could not be served because they also wait in shards that are not held.
#[derive(Debug)]
pub struct Unserved {
    /// The keys that became ready.
    pub ready: Vec<(u32, Name)>,
    /// The shards to hold.
    pub shards: ShardSet,
}

#[derive(Debug)]
struct Watch {
    sessions: u32,
    version: u64,
}

/// The blocked reads and watched keys of one shard.
#[derive(Debug, Default)]
pub struct Waiters {
    by_key: HashMap<(u32, Name), BTreeSet<Ticket>, foldhash::fast::FixedState>,
    parked: BTreeMap<Ticket, Arc<Waiter>>,
    timers: BTreeSet<(i64, Ticket)>,
    wakes: HashMap<Ticket, i64, foldhash::fast::FixedState>,
    watches: HashMap<(u32, Name), Watch, foldhash::fast::FixedState>,
}

impl Waiters {
    /// How many reads are blocked here.
    pub fn len(&self) -> usize {
        self.parked.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.parked.is_empty()
    }

    /// How many keys have blocked readers, and how many of them readers for a group.
    pub fn key_counts(&self) -> (usize, usize) {
        let group = |tickets: &BTreeSet<Ticket>| tickets.iter().any(|ticket| self.parked[ticket].group);
        (self.by_key.len(), self.by_key.values().filter(|tickets| group(tickets)).count())
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &(u32, Name)> {
        self.by_key.keys()
    }

    pub(crate) fn is_waiting(&self, db: u32, key: &[u8]) -> bool {
        !self.by_key.is_empty() && self.by_key.contains_key(&(db, key.into()))
    }

    /// The waiters of a key, first parked first.
    pub(crate) fn of(&self, db: u32, key: &Name) -> Vec<Arc<Waiter>> {
        let tickets = self.by_key.get(&(db, key.clone()));
        tickets.into_iter().flatten().map(|ticket| Arc::clone(&self.parked[ticket])).collect()
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<&Arc<Waiter>> {
        self.parked.get(&ticket)
    }

    pub(crate) fn is_parked(&self, ticket: Ticket) -> bool {
        self.parked.contains_key(&ticket)
    }

    /// Adds a waiter for one of its keys.
    pub(crate) fn add(&mut self, waiter: &Arc<Waiter>, key: &Name) {
        self.by_key.entry((waiter.db, key.clone())).or_default().insert(waiter.ticket);
        self.parked.insert(waiter.ticket, Arc::clone(waiter));
    }

    /// Wakes a waiter at `at`, Unix ms.
    pub(crate) fn set_timer(&mut self, at: i64, ticket: Ticket) {
        self.timers.insert((at, ticket));
    }

    /// Wakes a waiter at `at`, and no longer at the time that was set so before.
    pub(crate) fn set_wake(&mut self, at: i64, waiter: &Waiter) {
        self.drop_wake(waiter);
        self.wakes.insert(waiter.ticket, at);
        self.timers.insert((at, waiter.ticket));
    }

    fn drop_wake(&mut self, waiter: &Waiter) {
        let at = self.wakes.remove(&waiter.ticket).filter(|at| Some(*at) != waiter.deadline);
        at.map(|at| self.timers.remove(&(at, waiter.ticket)));
    }

    /// Removes a waiter with its keys and timers here.
    pub(crate) fn remove(&mut self, waiter: &Waiter) {
        self.parked.remove(&waiter.ticket);
        self.drop_wake(waiter);
        waiter.deadline.map(|at| self.timers.remove(&(at, waiter.ticket)));
        for key in &waiter.keys {
            let key = (waiter.db, key.clone());
            if let Some(tickets) = self.by_key.get_mut(&key) {
                tickets.remove(&waiter.ticket);
                if tickets.is_empty() {
                    self.by_key.remove(&key);
                }
            }
        }
    }

    /// The next time at which something is to be done for a waiter.
    pub fn next_timer(&self) -> Option<i64> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Takes the waiters whose time has come.
    pub(crate) fn take_due(&mut self, now: i64) -> Vec<Arc<Waiter>> {
        let mut due = Vec::new();
        while let Some(&(at, ticket)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            due.extend(self.parked.get(&ticket).cloned());
        }
        due
    }

    /// Starts to watch a key; answers its version.
    pub(crate) fn watch(&mut self, db: u32, key: &[u8]) -> u64 {
        let watch = self.watches.entry((db, key.into())).or_insert(Watch { sessions: 0, version: 0 });
        watch.sessions += 1;
        watch.version
    }

    /// Whether a watched key still has that version.
    pub(crate) fn unchanged(&self, db: u32, key: &[u8], version: u64) -> bool {
        self.watches.get(&(db, key.into())).is_some_and(|watch| watch.version == version)
    }

    /// Ends one session's watch.
    pub(crate) fn unwatch(&mut self, db: u32, key: &[u8]) {
        let key = (db, key.into());
        if let Some(watch) = self.watches.get_mut(&key) {
            watch.sessions -= 1;
            if watch.sessions == 0 {
                self.watches.remove(&key);
            }
        }
    }

    pub(crate) fn violate(&mut self, db: u32, key: &[u8]) {
        if self.watches.is_empty() {
            return;
        }
        if let Some(watch) = self.watches.get_mut(&(db, key.into())) {
            watch.version += 1;
        }
    }

    /// Violates the watches of keys that exist in one of these databases.
    pub(crate) fn violate_all(&mut self, dbs: &[Db], changed: &[u32]) {
        let exists = |db: u32, key: &[u8]| dbs[db as usize].slot(key).is_some();
        for ((db, key), watch) in &mut self.watches {
            if changed.contains(db) && changed.iter().any(|db| exists(*db, key)) {
                watch.version += 1;
            }
        }
    }

    /// How many keys are watched.
    pub fn watched(&self) -> usize {
        self.watches.len()
    }
}

impl Waiter {
    pub(crate) fn new(
        spec: &'static Spec,
        park: Park,
        (ticket, db, resp3): (Ticket, u32, bool),
        count: usize,
    ) -> Waiter {
        let Park { args, keys, deadline, group, .. } = park;
        let shards = keys.iter().fold(ShardSet::EMPTY, |set, key| set.union(ShardSet::of(key, count)));
        Waiter { ticket, spec, args, db, resp3, keys, shards, deadline, group }
    }
}
