//! What a command sees while it runs: [`Query`] to look, [`Txn`] to look and emit records.
//!
//! ```text
//! execute ── emit(record) ──► encoded into the batch ──► apply ──► readers of the key marked ready
//! ```

use crate::apply::apply;
use crate::args::OwnedArgs;
use crate::error::Error;
use crate::garbage::Garbage;
use crate::notes::{Note, Noting, Wanted};
use crate::record::{Change, Record};
use crate::state::{Group, Name, Reach, Shard, ShardSet, Slot, Stream, Value};
use crate::tally::Tally;
use crate::waiter::{self, Served};
use std::cell::RefCell;
use std::ops::Deref;

/// Settings that commands read.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `stream-node-max-entries`; 0 = no limit.
    pub node_max_entries: u64,
    /// `stream-node-max-bytes`; 0 = no limit.
    pub node_max_bytes: u64,
    /// `stream-idmp-duration`, in seconds.
    pub idmp_duration: u64,
    /// `stream-idmp-maxsize`, records a producer.
    pub idmp_maxsize: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { node_max_entries: 100, node_max_bytes: 4096, idmp_duration: 100, idmp_maxsize: 100 }
    }
}

/// Names a blocked read to whoever runs the engine; unique, in order of parking.
pub type Ticket = u64;

/// Everything that a command may know beside its words and the state.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Unix time in milliseconds, one sample for a command or a whole transaction.
    pub now: i64,
    /// The selected database.
    pub db: u32,
    /// Whether the client speaks RESP3; MAXSIZE counts bytes of the protocol in use.
    pub resp3: bool,
    /// Whether a read without data may park; never inside MULTI.
    pub may_block: bool,
    /// The name that a parked read gets.
    pub ticket: Ticket,
    /// Chance, drawn by the caller (RANDOMKEY).
    pub random: u64,
    /// How many databases there are.
    pub databases: u32,
    /// Whose command it is, for [`Note::Touch`]; 0 = nobody's.
    pub client: u64,
    /// Settings.
    pub settings: Settings,
}

impl Context {
    /// A context for tests and tools: database 0, RESP2, no blocking.
    pub fn at(now: i64) -> Context {
        let settings = Settings::default();
        Context {
            now,
            db: 0,
            resp3: false,
            may_block: false,
            ticket: 0,
            random: 0,
            databases: 16,
            client: 0,
            settings,
        }
    }
}

/// A read that found nothing and wants to wait.
#[derive(Debug)]
pub struct Park {
    /// The words to run again, with `$` resolved.
    pub args: OwnedArgs,
    /// The keys to watch.
    pub keys: Vec<Name>,
    /// Unix ms; `None` = for ever.
    pub deadline: Option<i64>,
    /// Unix ms at which idle time alone may make an entry claimable.
    pub wake_at: Option<i64>,
    /// The group that it reads for: a missing key or group ends it with an error.
    pub(crate) group: Option<waiter::Group>,
}

/// State to look at.
pub struct Query<'a> {
    pub(crate) reach: Reach<'a>,
    pub(crate) ctx: Context,
    park: RefCell<Option<Box<Park>>>,
    /// If somebody wants notes; mostly nobody does.
    pub(crate) noting: Option<Box<Noting>>,
}

impl<'a> Query<'a> {
    /// Unix ms of this command.
    pub fn now(&self) -> i64 {
        self.ctx.now
    }

    /// The context.
    pub fn context(&self) -> &Context {
        &self.ctx
    }

    /// The slot of a key in the selected database.
    #[inline]
    pub fn slot(&self, key: &[u8]) -> Option<&Slot> {
        let Some(slot) = self.reach.slot(self.ctx.db, key) else {
            self.miss(key);
            return None;
        };
        slot.accessed_at.set(self.ctx.now);
        Some(slot)
    }

    /// The slot of a key in any database.
    pub fn slot_in(&self, db: u32, key: &[u8]) -> Option<&Slot> {
        self.reach.slot(db, key)
    }

    /// The stream at a key; an error if the key holds another type.
    #[inline]
    pub fn stream(&self, key: &[u8]) -> Result<Option<&Stream>, Error> {
        match self.slot(key).map(|slot| &slot.value) {
            None => Ok(None),
            Some(Value::Stream(stream)) => Ok(Some(stream)),
            Some(Value::Str(_)) => Err(Error::WRONG_TYPE),
        }
    }

    /// The string at a key; an error if the key holds another type.
    pub fn string(&self, key: &[u8]) -> Result<Option<&[u8]>, Error> {
        match self.slot(key).map(|slot| &slot.value) {
            None => Ok(None),
            Some(Value::Str(string)) => Ok(Some(string)),
            Some(Value::Stream(_)) => Err(Error::WRONG_TYPE),
        }
    }

    /// The group of a stream, `None` if the key or the group is missing; an error if the key holds another type.
    pub fn group(&self, key: &[u8], group: &[u8]) -> Result<Option<(&Stream, &Group)>, Error> {
        let Some(stream) = self.stream(key)? else { return Ok(None) };
        Ok(stream.group(group).map(|group| (stream, group)))
    }

    /// As [`Query::group`], with the error of XPENDING, XCLAIM, XAUTOCLAIM and XNACK when it is missing.
    pub fn existing_group(&self, key: &[u8], group: &[u8]) -> Result<(&Stream, &Group), Error> {
        self.group(key, group)?.ok_or_else(|| Error::no_group(key, group))
    }

    /// What was done to keys beside this one.
    pub(crate) fn tally(&self, key: &[u8]) -> &Tally {
        self.reach.shard(key).tally()
    }

    /// The held shards.
    pub fn reach(&self) -> &Reach<'a> {
        &self.reach
    }

    /// Asks to be run again when one of the keys changes. Honoured unless the context forbids blocking; the reply
    /// that the command gives is then dropped.
    pub fn park(&self, park: Park) {
        if self.ctx.may_block {
            *self.park.borrow_mut() = Some(Box::new(park));
        }
    }
}

/// State to change.
pub struct Txn<'a> {
    query: Query<'a>,
    batch: Vec<u8>,
    garbage: Garbage,
    keeps: bool,
    scratch: Vec<u8>,
    pub(crate) ready: Vec<(u32, Name)>,
    pub(crate) served: Vec<Served>,
}

impl<'a> Deref for Txn<'a> {
    type Target = Query<'a>;

    fn deref(&self) -> &Query<'a> {
        &self.query
    }
}

impl<'a> Txn<'a> {
    /// A transaction over the held shards. `buffer` is reused for the batch.
    pub fn new(reach: Reach<'a>, ctx: Context, mut buffer: Vec<u8>) -> Txn<'a> {
        buffer.clear();
        let query = Query { reach, ctx, park: RefCell::new(None), noting: None };
        Txn {
            query,
            batch: buffer,
            garbage: Garbage::default(),
            keeps: true,
            scratch: Vec::new(),
            ready: Vec::new(),
            served: Vec::new(),
        }
    }

    /// Nobody keeps the batch: it only says whether something changed.
    pub fn keep_nothing(&mut self) {
        self.keeps = false;
    }

    /// Has what happens noted, as far as somebody wants to know.
    pub fn want(&mut self, wanted: Wanted) {
        self.query.noting = (wanted != Wanted::NOTHING).then(|| Box::new(Noting::of(wanted)));
    }

    /// Applies a change to a key of the selected database and puts it into the batch.
    pub fn emit(&mut self, key: &[u8], change: Change<'_>) {
        self.emit_in(self.ctx.db, key, change);
    }

    /// As [`Txn::emit`], in any database.
    pub fn emit_in(&mut self, db: u32, key: &[u8], change: Change<'_>) {
        let record = Record { db, key, change };
        match self.keeps {
            true => record.encode(&mut self.batch),
            false => self.batch.resize(1, 0),
        }
        let held = if self.noting.is_some() { self.held(&record) } else { None };
        self.before(&record);
        apply(&mut self.query.reach, &record, &mut self.garbage)
            .expect("a command emits only what fits the state it saw");
        self.note_use(&record);
        self.count(&record);
        self.after(&record);
        if self.noting.is_some() {
            self.note(&record, held);
        }
    }

    pub(crate) fn noting(&mut self) -> Option<&mut Noting> {
        self.query.noting.as_deref_mut()
    }

    fn count(&self, record: &Record<'_>) {
        use Change::*;
        let counted = matches!(
            record.change,
            Append { .. } | Deliver { .. } | Claim { .. } | Release { .. } | Ack { .. }
        );
        if counted {
            self.tally(record.key).note(&record.change);
        }
    }

    /// What a key was just made by counts as use of it. Other changes follow a look at their key.
    fn note_use(&self, record: &Record<'_>) {
        let slot = match &record.change {
            Change::CreateStream { .. } | Change::Set { .. } | Change::Extend { .. } => {
                self.reach.slot(record.db, record.key)
            }
            Change::Move { db, to } | Change::Copy { db, to } => self.reach.slot(*db, to),
            _ => None,
        };
        slot.into_iter().for_each(|slot| slot.accessed_at.set(self.ctx.now));
    }

    /// An empty buffer for what a command encodes on its way; give it back.
    pub(crate) fn take_scratch(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.scratch)
    }

    pub(crate) fn give_scratch(&mut self, mut scratch: Vec<u8>) {
        scratch.clear();
        self.scratch = scratch;
    }

    /// Marks WATCHes that the change violates.
    fn before(&mut self, record: &Record<'_>) {
        match &record.change {
            Change::Flush | Change::Swap { .. } => {
                let dbs = affected(record);
                self.query.reach.shards_mut().for_each(|shard| shard.waiters.violate_all(&shard.dbs, &dbs));
            }
            Change::Move { db, to } | Change::Copy { db, to } => {
                if matches!(record.change, Change::Move { .. }) {
                    self.query.reach.shard_mut(record.key).waiters.violate(record.db, record.key);
                }
                self.query.reach.shard_mut(to).waiters.violate(*db, to);
            }
            change if change.is_modification() => {
                self.query.reach.shard_mut(record.key).waiters.violate(record.db, record.key);
            }
            _ => {}
        }
    }

    /// Marks the keys whose blocked readers are to be run again.
    fn after(&mut self, record: &Record<'_>) {
        match &record.change {
            Change::Flush | Change::Swap { .. } => {
                let dbs = affected(record);
                let waiting = self.query.reach.shards().flat_map(|shard| shard.waiters.keys());
                self.ready
                    .extend(waiting.filter(|(db, _)| dbs.contains(db)).map(|(db, key)| (db, key.clone())));
            }
            Change::Move { db, to } => {
                self.mark_ready(record.db, record.key);
                self.mark_ready(*db, to);
            }
            Change::Copy { db, to } => self.mark_ready(*db, to),
            change if change.wakes_readers() => self.mark_ready(record.db, record.key),
            _ => {}
        }
    }

    fn mark_ready(&mut self, db: u32, key: &[u8]) {
        let waiting = self.query.reach.shard(key).waiters.is_waiting(db, key);
        if waiting {
            self.add_ready(db, key);
        }
    }

    /// Its readers are to be run again, once.
    pub(crate) fn add_ready(&mut self, db: u32, key: &[u8]) {
        if !self.ready.iter().any(|(d, k)| *d == db && **k == *key) {
            self.ready.push((db, key.into()));
        }
    }

    /// Notes that a consumer was seen. An observation: no record carries it.
    pub fn observe_consumer(&mut self, key: &[u8], group: &[u8], consumer: &[u8]) {
        let now = self.query.ctx.now;
        let db = self.query.reach.db_mut(self.query.ctx.db, key);
        let group = db.stream_mut(key).and_then(|stream| stream.group_mut(group));
        if let Some(consumer) = group.and_then(|group| group.consumer_mut(consumer)) {
            consumer.seen_at = now;
        }
    }

    /// Removes the keys of the held shards whose time has come.
    pub fn expire_due(&mut self) -> usize {
        let mut count = 0;
        if let Some(noting) = self.noting() {
            noting.command = "";
        }
        while let Some((db, key)) = self.due() {
            self.emit_in(db, &key, Change::Remove);
            count += 1;
        }
        count
    }

    fn due(&self) -> Option<(u32, Name)> {
        let now = self.ctx.now;
        let mut dbs = self.reach.shards().flat_map(Shard::used);
        dbs.find_map(|(n, db)| Some((n, db.due(now)?.clone())))
    }

    /// Forgets idempotency records that are older than their stream's duration.
    pub fn expire_idempotence(&mut self) {
        let now = self.ctx.now;
        let due: Vec<(u32, Name, u64)> = self
            .reach
            .shards()
            .flat_map(Shard::used)
            .flat_map(|(n, db)| db.idempotent.iter().map(move |key| (n, db, key)))
            .filter_map(|(n, db, key)| match &db.slot(key)?.value {
                Value::Stream(stream) if stream.idempotence().has_expired(now) => {
                    Some((n, key.clone(), stream.idempotence().horizon(now)))
                }
                _ => None,
            })
            .collect();
        for (db, key, horizon) in due {
            self.emit_in(db, &key, Change::Forget { horizon });
        }
    }

    /// Another context for what comes next: the next command of a transaction, or a waiter's own.
    pub fn set_context(&mut self, ctx: Context) {
        self.query.ctx = ctx;
    }

    pub(crate) fn reach_mut(&mut self) -> &mut Reach<'a> {
        &mut self.query.reach
    }

    /// The request to park of the command that just ran.
    pub(crate) fn take_park(&mut self) -> Option<Box<Park>> {
        self.query.park.get_mut().take()
    }

    /// Whether blocked reads are to be run again.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The records emitted so far, encoded.
    pub fn batch(&self) -> &[u8] {
        &self.batch
    }

    /// What was unlinked so far and takes long to free. Whoever unlocks the shards first makes nobody wait for that.
    pub fn take_garbage(&mut self) -> Garbage {
        std::mem::take(&mut self.garbage)
    }

    /// What is to be told of what was done so far.
    pub fn take_notes(&mut self) -> Vec<Note> {
        self.noting().map(|noting| std::mem::take(&mut noting.notes)).unwrap_or_default()
    }

    /// Ends the transaction: the batch, and the reads that it answered.
    pub fn finish(self) -> (Vec<u8>, Vec<Served>) {
        (self.batch, self.served)
    }

    /// The held shards.
    pub fn shard_set(&self) -> ShardSet {
        self.query.reach.set()
    }
}

fn affected(record: &Record<'_>) -> [u32; 2] {
    match record.change {
        Change::Swap { with } => [record.db, with],
        _ => [record.db, record.db],
    }
}
