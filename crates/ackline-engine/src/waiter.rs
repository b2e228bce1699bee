//! Blocked reads and watched keys: values in the shard, not threads.
//!
//! ```text
//! by_key   db -> key -> line -> ticket -> waiter        first parked, first served
//! parked   ticket -> waiter                             in every shard that it waits in
//! timers   (time, ticket)                               in the lowest of those shards only
//! wakes    ticket -> time                               the one timer that idle time asked for
//! watches  (db, key) -> sessions, version               WATCH compares versions
//! ```
//!
//! A line is the readers of one key who all want the same: once one of them finds nothing, nobody behind finds anything.
//! So a new entry costs the one who gets it, not everybody who waits. The first of a line who was told when to look again
//! keeps the time for all of them.

use crate::args::OwnedArgs;
use crate::reply::Outcome;
use crate::spec::Spec;
use crate::state::{Db, Name, ShardSet};
use crate::txn::{Park, Ticket};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
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
    pub(crate) keys: Box<[Name]>,
    /// The shards of its keys.
    pub shards: ShardSet,
    pub(crate) deadline: Option<i64>,
    /// It reads for a group, so that a missing key or group ends it with an error.
    pub(crate) group: bool,
    pub(crate) line: Line,
}

impl fmt::Debug for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Waiter {{ ticket: {}, command: {} }}", self.ticket, self.spec.name)
    }
}

/// Which readers of a key find nothing if one of them finds nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    /// Each looks for itself: it reads without a group, behind an ID of its own, or it reads other keys as well.
    Apart,
    /// Readers of this key alone.
    Group(Group),
}

/// What a read for a group wants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    pub(crate) name: Name,
    /// Milliseconds of idle time from which pending entries are claimed.
    pub(crate) claim: Option<i64>,
}

/// The waiters of one line.
#[derive(Debug, Default)]
struct Queue {
    waiters: BTreeMap<Ticket, Arc<Waiter>>,
    /// Whose wake is that of all of them.
    timed: Option<Ticket>,
}

/// A walk over the waiters of a key, first parked first.
pub(crate) struct Walk {
    db: u32,
    key: Name,
    /// The next of each line.
    next: BinaryHeap<Reverse<(Ticket, Line)>>,
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

type Keys = HashMap<Name, BTreeMap<Line, Queue>, foldhash::fast::FixedState>;

/// The blocked reads and watched keys of one shard.
#[derive(Debug, Default)]
pub struct Waiters {
    by_key: BTreeMap<u32, Keys>,
    parked: HashMap<Ticket, Arc<Waiter>, foldhash::fast::FixedState>,
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
        let lines = || self.by_key.values().flat_map(Keys::values);
        let group = |line: &Queue| line.waiters.values().any(|waiter| waiter.group);
        (lines().count(), lines().filter(|lines| lines.values().any(group)).count())
    }

    /// The keys with waiters.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (u32, &Name)> {
        self.by_key.iter().flat_map(|(db, keys)| keys.keys().map(|key| (*db, key)))
    }

    pub(crate) fn is_waiting(&self, db: u32, key: &[u8]) -> bool {
        !self.by_key.is_empty() && self.lines(db, key).is_some()
    }

    fn lines(&self, db: u32, key: &[u8]) -> Option<&BTreeMap<Line, Queue>> {
        self.by_key.get(&db)?.get(key)
    }

    fn queue_mut(&mut self, waiter: &Waiter, key: &[u8]) -> Option<&mut Queue> {
        self.by_key.get_mut(&waiter.db)?.get_mut(key)?.get_mut(&waiter.line)
    }

    /// Begins a walk over the waiters of a key.
    pub(crate) fn walk(&self, db: u32, key: &Name) -> Walk {
        let lines = self.lines(db, key).into_iter().flatten();
        let first =
            |(line, queue): (&Line, &Queue)| Some(Reverse((*queue.waiters.keys().next()?, line.clone())));
        Walk { db, key: key.clone(), next: lines.filter_map(first).collect() }
    }

    /// The next of a walk. It goes on in the same line only after [`Waiters::stay`].
    pub(crate) fn step(&self, walk: &mut Walk) -> Option<Arc<Waiter>> {
        let Reverse((ticket, _)) = walk.next.pop()?;
        self.parked.get(&ticket).cloned()
    }

    /// Lets a walk go on behind a waiter in its line.
    pub(crate) fn stay(&self, walk: &mut Walk, waiter: &Waiter) {
        let queue = self.lines(walk.db, &walk.key).and_then(|lines| lines.get(&waiter.line));
        let next = queue.and_then(|queue| queue.waiters.range(waiter.ticket + 1..).next());
        walk.next.extend(next.map(|(ticket, _)| Reverse((*ticket, waiter.line.clone()))));
    }

    pub(crate) fn get(&self, ticket: Ticket) -> Option<&Arc<Waiter>> {
        self.parked.get(&ticket)
    }

    /// Adds a waiter for one of its keys.
    pub(crate) fn add(&mut self, waiter: &Arc<Waiter>, key: &Name) {
        match self.queue_mut(waiter, key) {
            Some(queue) => queue,
            None => {
                let lines = self.by_key.entry(waiter.db).or_default().entry(key.clone()).or_default();
                lines.entry(waiter.line.clone()).or_default()
            }
        }
        .waiters
        .insert(waiter.ticket, Arc::clone(waiter));
        self.parked.insert(waiter.ticket, Arc::clone(waiter));
    }

    /// Wakes a waiter at `at`, Unix ms.
    pub(crate) fn set_timer(&mut self, at: i64, ticket: Ticket) {
        self.timers.insert((at, ticket));
    }

    /// Wakes a waiter, or its line, at `at`, and no longer at the time that was set so before.
    pub(crate) fn set_wake(&mut self, at: i64, waiter: &Waiter) {
        let before = match waiter.line {
            Line::Apart => None,
            Line::Group(_) => {
                let queue = waiter.keys.first().and_then(|key| self.queue_mut(waiter, key));
                queue.and_then(|queue| queue.timed.replace(waiter.ticket))
            }
        };
        for ticket in before.into_iter().chain([waiter.ticket]) {
            self.drop_wake(ticket);
        }
        self.wakes.insert(waiter.ticket, at);
        self.timers.insert((at, waiter.ticket));
    }

    /// As [`Waiters::set_wake`] for one who has just parked: the line may look again sooner than that.
    pub(crate) fn join_wake(&mut self, at: i64, waiter: &Waiter) {
        let queue = waiter.keys.first().and_then(|key| self.queue_mut(waiter, key));
        let timed = queue.and_then(|queue| queue.timed).filter(|_| waiter.line != Line::Apart);
        let sooner = timed.and_then(|timed| self.wakes.get(&timed)).is_some_and(|set| *set <= at);
        if !sooner {
            self.set_wake(at, waiter);
        }
    }

    /// Answers when the waiter was to be woken.
    fn drop_wake(&mut self, ticket: Ticket) -> Option<i64> {
        let at = self.wakes.remove(&ticket)?;
        // One and the same timer may stand for both.
        if self.parked.get(&ticket).is_none_or(|waiter| waiter.deadline != Some(at)) {
            self.timers.remove(&(at, ticket));
        }
        Some(at)
    }

    /// Removes a waiter with its keys and timers here.
    pub(crate) fn remove(&mut self, waiter: &Waiter) {
        let wake = self.drop_wake(waiter.ticket);
        self.parked.remove(&waiter.ticket);
        waiter.deadline.map(|at| self.timers.remove(&(at, waiter.ticket)));
        waiter.keys.iter().for_each(|key| self.leave(waiter, key));
        // Who stands behind keeps the time from now on.
        if let (Some(at), Line::Group(_), Some(key)) = (wake, &waiter.line, waiter.keys.first())
            && let Some(queue) =
                self.queue_mut(waiter, key).filter(|queue| queue.timed == Some(waiter.ticket))
            && let Some(next) = queue.waiters.values().next().cloned()
        {
            self.set_wake(at, &next);
        }
    }

    /// Takes a waiter out of the line for one of its keys.
    fn leave(&mut self, waiter: &Waiter, key: &Name) {
        let Some(keys) = self.by_key.get_mut(&waiter.db) else { return };
        let Some(lines) = keys.get_mut(key) else { return };
        if let Some(queue) = lines.get_mut(&waiter.line) {
            queue.waiters.remove(&waiter.ticket);
            if queue.waiters.is_empty() {
                lines.remove(&waiter.line);
            }
        }
        if lines.is_empty() {
            keys.remove(key);
        }
        if keys.is_empty() {
            self.by_key.remove(&waiter.db);
        }
    }

    /// The next time at which something is to be done for a waiter.
    pub fn next_timer(&self) -> Option<i64> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Takes a waiter whose time has come.
    pub(crate) fn take_due(&mut self, now: i64) -> Option<Arc<Waiter>> {
        while let Some(&(at, ticket)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            if let Some(waiter) = self.parked.get(&ticket) {
                return Some(Arc::clone(waiter));
            }
        }
        None
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
        let (reads_for_group, alone) = (group.is_some(), keys.len() == 1);
        let line = group.filter(|_| alone).map_or(Line::Apart, Line::Group);
        let keys = keys.into();
        Waiter { ticket, spec, args, db, resp3, keys, shards, deadline, group: reads_for_group, line }
    }
}
