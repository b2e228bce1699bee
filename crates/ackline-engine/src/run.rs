//! Running commands: one call, parking, and serving the blocked reads that a change unblocked.

use crate::args::{Args, OwnedArgs};
use crate::error::Error;
use crate::reply::{Outcome, Reply};
use crate::spec::{Run, Spec};
use crate::state::{Name, Shard, ShardSet, Value};
use crate::txn::{Context, Park, Ticket, Txn};
use crate::waiter::{Line, Served, Unserved, Waiter, Waiters};
use std::sync::Arc;

/// How often expired idempotency records are looked for, in ms.
const IDEMPOTENCE_SWEEP: i64 = 100;

/// What a call led to.
#[derive(Debug)]
pub enum Called {
    /// An answer.
    Done(Outcome),
    /// It waits, under the ticket of its context, in these shards.
    Parked(ShardSet),
}

impl Txn<'_> {
    /// Runs one command whose arity was checked and whose shards are held.
    pub fn call(&mut self, spec: &'static Spec, args: Args<'_>) -> Called {
        let outcome = self.execute(spec, args);
        match self.take_park() {
            Some(park) if outcome.is_ok() => Called::Parked(self.enter(spec, *park)),
            _ => Called::Done(outcome),
        }
    }

    /// Runs one command without parking: inside a transaction.
    pub fn execute(&mut self, spec: &'static Spec, args: Args<'_>) -> Outcome {
        if self.noting.is_some() {
            return self.run_noted(spec, args);
        }
        self.run(spec, args)
    }

    #[cold]
    fn run_noted(&mut self, spec: &'static Spec, args: Args<'_>) -> Outcome {
        let start = self.begin_noting(spec);
        let outcome = self.run(spec, args);
        self.note_misses(spec, args, start);
        outcome
    }

    #[inline]
    fn run(&mut self, spec: &'static Spec, args: Args<'_>) -> Outcome {
        match spec.run {
            Run::Read { run, .. } => run(args, self),
            Run::Write { run, .. } => run(args, self),
            Run::Container | Run::Outside => {
                Err(Error::from_static("ERR command is not one of the engine's"))
            }
        }
    }

    fn enter(&mut self, spec: &'static Spec, park: Park) -> ShardSet {
        let ctx = *self.context();
        let wake_at = park.wake_at;
        let waiter = Arc::new(Waiter::new(spec, park, (ctx.ticket, ctx.db, ctx.resp3), self.reach.count()));
        for key in &waiter.keys {
            self.reach_mut().shard_mut(key).waiters.add(&waiter, key);
        }
        if let Some(at) = waiter.deadline {
            self.home(&waiter).set_timer(at, waiter.ticket);
        }
        if let Some(at) = wake_at {
            self.home(&waiter).join_wake(at, &waiter);
        }
        waiter.shards
    }

    /// Where the timers of a waiter are.
    fn home(&mut self, waiter: &Waiter) -> &mut Waiters {
        let home = waiter.shards.first().and_then(|index| self.reach_mut().index_mut(index));
        &mut home.expect("a waiter's shards are held").waiters
    }

    /// Runs the readers of every key that became ready, first parked first, in the batch of what made it ready.
    ///
    /// Answers what it could not do with the shards that are held.
    pub fn serve(&mut self) -> Option<Unserved> {
        let mut rest = Unserved { ready: Vec::new(), shards: ShardSet::EMPTY };
        while !self.ready.is_empty() {
            let (db, key) = self.ready.remove(0);
            if let Err(shards) = self.serve_key(db, &key) {
                rest.ready.push((db, key));
                rest.shards = rest.shards.union(shards);
            }
        }
        (!rest.ready.is_empty()).then_some(rest)
    }

    /// Goes on where [`Txn::serve`] had to stop.
    pub fn resume(&mut self, unserved: Unserved) -> Option<Unserved> {
        self.ready.extend(unserved.ready);
        self.serve()
    }

    fn serve_key(&mut self, db: u32, key: &Name) -> Result<(), ShardSet> {
        let mut walk = self.reach.shard(key).waiters.walk(db, key);
        while let Some(waiter) = self.reach.shard(key).waiters.step(&mut walk) {
            if !self.shard_set().contains(waiter.shards) {
                return Err(waiter.shards);
            }
            let is_stream = matches!(self.slot_in(db, key).map(|slot| &slot.value), Some(Value::Stream(_)));
            let was_served = (waiter.group || is_stream) && self.rerun(&waiter);
            if was_served || waiter.line == Line::Apart {
                self.reach.shard(key).waiters.stay(&mut walk, &waiter);
            }
        }
        Ok(())
    }

    /// Runs a blocked read again, from its words on. Whether it got an answer.
    fn rerun(&mut self, waiter: &Arc<Waiter>) -> bool {
        let before = *self.context();
        let own =
            Context { db: waiter.db, resp3: waiter.resp3, ticket: waiter.ticket, may_block: true, ..before };
        self.set_context(own);
        let outcome = self.execute(waiter.spec, waiter.args.as_args());
        let park = self.take_park();
        self.set_context(before);
        match (outcome, park) {
            (Ok(_), Some(park)) => {
                if let Some(at) = park.wake_at {
                    self.home(waiter).set_wake(at, waiter);
                }
                false
            }
            (outcome, _) => {
                self.release(waiter, outcome);
                true
            }
        }
    }

    fn release(&mut self, waiter: &Waiter, outcome: Outcome) {
        for index in waiter.shards.iter() {
            if let Some(shard) = self.reach_mut().index_mut(index) {
                shard.waiters.remove(waiter);
            }
        }
        self.served.push(Served { ticket: waiter.ticket, outcome });
    }

    /// Ends a blocked read from outside (its client left, or CLIENT UNBLOCK). False if it is not blocked.
    pub fn unpark(&mut self, ticket: Ticket, outcome: Outcome) -> bool {
        let waiter = self.reach.shards().find_map(|shard| shard.waiters.get(ticket)).cloned();
        waiter.is_some_and(|waiter| {
            self.release(&waiter, outcome);
            true
        })
    }

    /// The command of a blocked read, with the words that it will be run with.
    pub fn parked_call(&self, ticket: Ticket) -> Option<(&'static Spec, OwnedArgs)> {
        let waiter = self.reach.shards().find_map(|shard| shard.waiters.get(ticket));
        waiter.map(|waiter| (waiter.spec, waiter.args.clone()))
    }

    /// Does what time alone brings about: keys expire, blocked reads run into their deadline, entries become idle
    /// enough to be claimed.
    pub fn tick(&mut self, expire_keys: bool) -> Option<Unserved> {
        if expire_keys {
            self.expire_due();
        }
        let now = self.now();
        let (mut elsewhere, mut shards) = (Vec::new(), ShardSet::EMPTY);
        // Whoever leaves may hand the time of its line on to one whose time has come as well.
        while let Some(waiter) = self.take_due(now) {
            if !self.shard_set().contains(waiter.shards) {
                shards = shards.union(waiter.shards);
                elsewhere.push(waiter);
            } else if waiter.deadline.is_some_and(|at| at <= now) {
                self.release(&waiter, Ok(Reply::NullArray));
            } else {
                waiter.keys.iter().for_each(|key| self.add_ready(waiter.db, key));
            }
        }
        for waiter in elsewhere {
            self.home(&waiter).set_timer(now, waiter.ticket);
        }
        match self.serve() {
            Some(more) => Some(Unserved { shards: more.shards.union(shards), ready: more.ready }),
            None => (!shards.is_empty()).then_some(Unserved { ready: Vec::new(), shards }),
        }
    }

    fn take_due(&mut self, now: i64) -> Option<Arc<Waiter>> {
        self.reach_mut().shards_mut().find_map(|shard| shard.waiters.take_due(now))
    }

    /// When [`Txn::tick`] is next due, over the held shards.
    pub fn next_deadline(&self) -> Option<i64> {
        let timers = self.reach.shards().filter_map(|shard| shard.waiters.next_timer());
        let dbs = || self.reach.shards().flat_map(Shard::used).map(|(_, db)| db);
        let sweep = dbs().any(|db| !db.idempotent.is_empty()).then(|| self.now() + IDEMPOTENCE_SWEEP);
        timers.chain(dbs().filter_map(|db| db.next_expiry())).chain(sweep).min()
    }

    /// Starts to watch keys of the selected database; answers their versions.
    pub fn watch(&mut self, key: &[u8]) -> u64 {
        let db = self.context().db;
        self.reach_mut().shard_mut(key).waiters.watch(db, key)
    }

    /// Whether a watched key is as it was.
    pub fn unchanged(&self, db: u32, key: &[u8], version: u64) -> bool {
        self.reach.shard(key).waiters.unchanged(db, key, version)
    }

    /// Ends a watch.
    pub fn unwatch(&mut self, db: u32, key: &[u8]) {
        self.reach_mut().shard_mut(key).waiters.unwatch(db, key);
    }
}
