//! The broker: shards behind locks, and the log behind them.

use crate::checkpoint::{Checkpoints, Growth};
use crate::clock::Clock;
use crate::reaper::Reaper;
use crate::recovery::{self, Fold, Progress};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};
use crate::timer::Alarm;
use ackline_engine::run::Called as EngineCalled;
use ackline_engine::spec::Run;
use ackline_engine::state::{Reach, Shard, ShardSet, digest};
use ackline_engine::table::Table;
use ackline_engine::waiter::Unserved;
use ackline_engine::{Args, Context, Error, Outcome, OwnedArgs, Served, Spec, Tally, Ticket, Txn};
use ackline_log::{Directory, LocalLog, LocalOptions, Log, LogError, Lsn, NoLog, storage};
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where records go.
pub enum Storage {
    /// A directory on a local disk.
    Local(PathBuf, LocalOptions),
    /// Any storage that nobody else uses.
    On(Arc<dyn storage::Storage>, LocalOptions),
    /// Nowhere: everything is lost at the end of the process.
    None,
}

/// What a broker is made of.
pub struct Options {
    /// Where records go.
    pub storage: Storage,
    /// How many databases there are.
    pub databases: u32,
    /// Into how many parts the keyspace is split; 1 to 64.
    pub shards: usize,
    /// The server's own commands, which the table lists beside the engine's.
    pub commands: Vec<&'static Spec>,
    /// Commands with other names than their own; an empty one takes a command away.
    pub renames: Vec<(String, String)>,
    /// Where the progress of loading can be seen.
    pub progress: Arc<Progress>,
    /// Goes into the hash tables; `None` = chance, which nobody outside can know.
    pub seed: Option<u64>,
    /// Whoever calls also calls [`Broker::flush`] soon after, so that what several calls did is written at once.
    pub flushes: bool,
    /// Where the time comes from.
    pub clock: Clock,
    /// When the growth of the log calls for a checkpoint.
    pub growth: Growth,
}

impl Options {
    /// 16 databases in 16 shards.
    pub fn new(storage: Storage) -> Options {
        Options {
            storage,
            databases: 16,
            shards: 16,
            commands: Vec::new(),
            renames: Vec::new(),
            progress: Arc::default(),
            seed: None,
            flushes: false,
            clock: Clock::system(),
            growth: Growth::default(),
        }
    }
}

/// Gets the answers of the blocked reads that one batch unblocked, with the position that they must wait for. Called
/// without any lock held.
pub type Sink = Box<dyn Fn(Vec<Served>, Lsn) + Send + Sync>;

/// A shard, and the position of the last batch that changed it.
struct Place {
    shard: Shard,
    lsn: Lsn,
}

/// What a call led to.
#[derive(Debug)]
pub enum Called {
    /// An answer, to be given once the log is durable up to the position.
    Done(Outcome, Lsn),
    /// The answer comes through the sink, under the ticket of the call's context.
    Parked,
}

/// A watched key as it was.
#[derive(Clone, Debug)]
pub struct Watch {
    db: u32,
    key: Box<[u8]>,
    version: u64,
}

/// Why a broker does not start.
#[derive(Debug)]
pub enum OpenError {
    /// The log could not be opened or read.
    Log(LogError),
    /// A batch of the log is not a sequence of records that fit the state.
    Record(Lsn),
    /// The records of a snapshot do not fit each other.
    Snapshot(Lsn),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Log(error) => error.fmt(f),
            OpenError::Record(lsn) => {
                write!(f, "batch {lsn} of the log holds a record that does not fit what came before it")
            }
            OpenError::Snapshot(after) => {
                write!(f, "the records of the snapshot of position {after} do not fit")
            }
        }
    }
}

impl std::error::Error for OpenError {}

impl From<LogError> for OpenError {
    fn from(error: LogError) -> OpenError {
        OpenError::Log(error)
    }
}

/// The engine, shared between threads. Only this type takes shard locks, ascending.
pub struct Broker {
    places: Box<[Mutex<Place>]>,
    log: Box<dyn Log>,
    table: Table,
    databases: u32,
    sink: Sink,
    parked: Mutex<HashMap<Ticket, ShardSet, foldhash::fast::RandomState>>,
    tickets: AtomicU64,
    pub(crate) alarm: Alarm,
    active_expiry: AtomicBool,
    expired: AtomicU64,
    seed: u64,
    flushes: bool,
    keeps: bool,
    pub(crate) clock: Clock,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) reaper: Reaper,
}

impl Broker {
    /// Opens the log and folds it, behind the newest snapshot, into state.
    pub fn open(options: Options, sink: Sink) -> Result<Broker, OpenError> {
        let seed = options.seed.unwrap_or_else(table_seed);
        let progress = Arc::clone(&options.progress);
        let empty = || Fold::new(options.shards, options.databases as usize, seed, Arc::clone(&progress));
        let (log, shards, after) = match options.storage {
            Storage::Local(dir, local) => opened(Directory::open(&dir)?, local, &progress, &empty)?,
            Storage::On(storage, local) => opened(Directory::on(storage), local, &progress, &empty)?,
            Storage::None => (Box::new(NoLog::new()) as Box<dyn Log>, empty().finish()?, 0),
        };
        let (lsn, keeps) = (log.last(), log.storage().is_some());
        let places = shards.into_iter().map(|shard| Mutex::new(Place { shard, lsn }));
        let broker = Broker {
            places: places.collect(),
            log,
            table: Table::renamed(&options.commands, &options.renames),
            databases: options.databases,
            sink,
            parked: Mutex::default(),
            tickets: AtomicU64::new(1),
            alarm: Alarm::new(),
            active_expiry: AtomicBool::new(true),
            expired: AtomicU64::new(0),
            seed,
            flushes: options.flushes,
            keeps,
            clock: options.clock,
            checkpoints: Checkpoints::behind(after, options.growth),
            reaper: Reaper::default(),
        };
        broker.alarm.set(broker.now_ms());
        Ok(broker)
    }

    /// The commands.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The log.
    pub fn log(&self) -> &dyn Log {
        &*self.log
    }

    /// Whether records are kept at all.
    pub fn keeps_log(&self) -> bool {
        self.keeps
    }

    /// The error that writes get while there is no room for them.
    pub fn refuses_writes(&self) -> Option<Error> {
        const FULL: Error =
            Error::from_static("MISCONF Errors writing to the AOF file: No space left on device");
        self.log.is_full().then_some(FULL)
    }

    /// How many databases there are.
    pub fn databases(&self) -> u32 {
        self.databases
    }

    /// All shards.
    pub fn all(&self) -> ShardSet {
        ShardSet::all(self.places.len())
    }

    /// A name for the next read that parks.
    pub fn ticket(&self) -> Ticket {
        self.tickets.fetch_add(1, Ordering::Relaxed)
    }

    /// The shards that a call touches.
    pub fn shards_of(&self, spec: &Spec, args: Args<'_>) -> ShardSet {
        spec.shards(args, self.places.len())
    }

    /// The shard of a key.
    pub fn shard_of(&self, key: &[u8]) -> ShardSet {
        ShardSet::of(key, self.places.len())
    }

    /// Runs one of the engine's commands, whose arity was checked. Writes get an error while the disk is full.
    pub fn call(&self, spec: &'static Spec, args: Args<'_>, ctx: Context) -> Called {
        if matches!(spec.run, Run::Write { .. })
            && let Some(error) = self.refuses_writes()
        {
            return Called::Done(Err(error), 0);
        }
        let run = |txn: &mut Txn<'_>| {
            let called = txn.call(spec, args);
            if let EngineCalled::Parked(shards) = called {
                self.parked.lock().insert(ctx.ticket, shards);
            }
            called
        };
        match self.with(self.shards_of(spec, args), ctx, run) {
            (EngineCalled::Done(outcome), lsn) => Called::Done(outcome, lsn),
            (EngineCalled::Parked(_), _) => Called::Parked,
        }
    }

    /// Holds shards while `body` runs: one atomic batch in the log. Answers the position that replies must wait for.
    pub fn with<R>(&self, shards: ShardSet, ctx: Context, body: impl FnOnce(&mut Txn<'_>) -> R) -> (R, Lsn) {
        let mut result = None;
        let mut rest = None;
        let lsn = self.hold(shards, ctx, &mut rest, |txn| {
            if self.active_expiry.load(Ordering::Relaxed) || !shards.is_empty() {
                self.count_expired(txn.expire_due());
            }
            result = Some(body(txn));
            txn.serve()
        });
        self.settle(shards, ctx, rest);
        if self.clock.by_hand().is_some() {
            // The clock may have been moved since the context was made, and no timer looks again.
            self.ring();
        }
        (result.expect("the body ran"), lsn)
    }

    /// Serves the waiters that also wait in other shards.
    fn settle(&self, mut shards: ShardSet, ctx: Context, mut rest: Option<Unserved>) {
        while let Some(unserved) = rest.take() {
            shards = shards.union(unserved.shards);
            self.hold(shards, ctx, &mut rest, |txn| txn.resume(unserved));
        }
    }

    /// One stretch under the locks: run, append, unlock, hand out answers.
    fn hold(
        &self,
        shards: ShardSet,
        ctx: Context,
        rest: &mut Option<Unserved>,
        run: impl FnOnce(&mut Txn<'_>) -> Option<Unserved>,
    ) -> Lsn {
        let count = self.places.len();
        let mut guards = Guards::lock(&self.places, shards);
        if matches!(guards, Guards::Many(_)) && self.checkpoints.wants(shards.0) {
            guards.indexed().for_each(|(index, place)| self.share_place(index, place));
        }
        let mut txn = Txn::new(guards.reach(count), ctx, take_buffer());
        if !self.keeps {
            txn.keep_nothing();
        }
        *rest = run(&mut txn);
        let deadline = txn.next_deadline();
        let garbage = txn.take_garbage();
        let (batch, served) = txn.finish();
        let lsn = match batch.is_empty() {
            true => guards.lsn(),
            false => {
                let lsn = self.log.gather(&batch);
                guards.set_lsn(lsn);
                lsn
            }
        };
        drop(guards);
        if let Some(at) = deadline {
            self.alarm.set(at);
        }
        if !self.flushes && !batch.is_empty() {
            self.log.flush();
        }
        self.reaper.free(garbage);
        give_buffer(batch);
        if !served.is_empty() {
            self.hand_out(served, lsn);
        }
        lsn
    }

    fn hand_out(&self, served: Vec<Served>, lsn: Lsn) {
        let mut parked = self.parked.lock();
        for answer in &served {
            parked.remove(&answer.ticket);
        }
        drop(parked);
        (self.sink)(served, lsn);
    }

    /// Ends a blocked read with an answer that comes through the sink. False if it is not blocked.
    pub fn unpark(&self, ticket: Ticket, outcome: Outcome) -> bool {
        let Some(shards) = self.parked.lock().get(&ticket).copied() else { return false };
        self.with(shards, self.context(), |txn| txn.unpark(ticket, outcome)).0
    }

    /// The command of a blocked read, with the words that it will be run with; `None` if it is not blocked.
    pub fn parked_call(&self, ticket: Ticket) -> Option<(&'static Spec, OwnedArgs)> {
        let shards = self.parked.lock().get(&ticket).copied()?;
        self.with(shards, self.context(), |txn| txn.parked_call(ticket)).0
    }

    /// How many reads are blocked.
    pub fn parked(&self) -> usize {
        self.parked.lock().len()
    }

    /// Does what time alone brings about. Called by the timer, if it was started.
    pub fn tick(&self) {
        let expire = self.active_expiry.load(Ordering::Relaxed);
        let (mut shards, ctx) = (self.all(), self.context());
        let mut rest = None;
        self.hold(shards, ctx, &mut rest, |txn| {
            txn.expire_idempotence();
            if expire {
                self.count_expired(txn.expire_due());
            }
            txn.tick(expire)
        });
        shards = self.all();
        self.settle(shards, ctx, rest);
        self.flush();
    }

    /// Has written what calls gathered; see [`Options::flushes`].
    pub fn flush(&self) {
        self.log.flush();
    }

    fn count_expired(&self, keys: usize) {
        if keys > 0 {
            self.expired.fetch_add(keys as u64, Ordering::Relaxed);
        }
    }

    /// How many keys went because their time had come.
    pub fn expired(&self) -> u64 {
        self.expired.load(Ordering::Relaxed)
    }

    /// Switches the removal of expired keys by the timer.
    pub fn set_active_expiry(&self, on: bool) {
        self.active_expiry.store(on, Ordering::Relaxed);
        self.alarm.set(self.now_ms());
    }

    /// The time of the broker's clock: Unix ms.
    #[inline]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// A context of this moment: database 0, RESP2, no blocking.
    pub fn context(&self) -> Context {
        Context { databases: self.databases, ..Context::at(self.now_ms()) }
    }

    /// Starts to watch keys of the context's database.
    pub fn watch<'k>(&self, keys: impl Iterator<Item = &'k [u8]>, ctx: Context) -> Vec<Watch> {
        let one = |key: &[u8]| self.with(self.shard_of(key), ctx, |txn| txn.watch(key)).0;
        keys.map(|key| Watch { db: ctx.db, key: key.into(), version: one(key) }).collect()
    }

    /// Ends watches.
    pub fn unwatch(&self, watches: &[Watch]) {
        for watch in watches {
            self.with(self.shard_of(&watch.key), self.context(), |txn| txn.unwatch(watch.db, &watch.key));
        }
    }

    /// The shards of watched keys.
    pub fn shards_watched(&self, watches: &[Watch]) -> ShardSet {
        watches.iter().fold(ShardSet::EMPTY, |set, watch| set.union(self.shard_of(&watch.key)))
    }

    /// What was done since the start, over all shards.
    pub fn tally(&self) -> Tally {
        let all = Tally::default();
        self.places.iter().for_each(|place| all.take_in(place.lock().shard.tally()));
        all
    }

    /// The digest of the whole state: 40 hexadecimal digits.
    pub fn digest(&self) -> String {
        self.with(self.all(), self.context(), |txn| digest(txn.reach())).0
    }

    /// Shares a shard with the checkpoint under way.
    pub(crate) fn share(&self, index: usize) {
        self.share_place(index, &self.places[index].lock());
    }

    fn share_place(&self, index: usize, place: &Place) {
        self.checkpoints.share(index, &place.shard, || self.log.last());
    }

    /// Loads snapshot and log anew, as a restart does; what is blocked stays blocked.
    pub fn reload(&self) -> Result<(), OpenError> {
        let Some(storage) = self.log.storage() else { return Ok(()) };
        let mut guards = Guards::lock(&self.places, self.all());
        self.log.durable().wait(self.log.last(), None);
        let (shards, databases) = (self.places.len(), self.databases as usize);
        let empty = || Fold::new(shards, databases, self.seed, Arc::default());
        let mut base = recovery::newest(&**storage, &empty)?;
        self.log.read(base.after, &mut |lsn, batch| base.fold.batch(lsn, batch))?;
        for (place, shard) in guards.iter_mut().zip(base.fold.finish()?) {
            place.shard.adopt(shard);
        }
        Ok(())
    }

    /// Writes and syncs everything, then stops the log.
    pub fn close(&self) -> Result<(), LogError> {
        self.alarm.stop();
        self.checkpoints.stop();
        self.reaper.stop();
        self.log.close()
    }
}

impl Watch {
    /// Ends the watch.
    pub fn end(&self, txn: &mut Txn<'_>) {
        txn.unwatch(self.db, &self.key);
    }

    /// Whether the key is as it was.
    pub fn holds(&self, txn: &Txn<'_>) -> bool {
        txn.unchanged(self.db, &self.key, self.version)
    }
}

/// A log, the state that it and its snapshots stand for, and the position of the snapshot that was used.
type Opened = (Box<dyn Log>, Vec<Shard>, Lsn);

fn opened(
    directory: Directory,
    options: LocalOptions,
    progress: &Progress,
    empty: &dyn Fn() -> Fold,
) -> Result<Opened, OpenError> {
    let storage = Arc::clone(directory.storage());
    progress.total.store(recovery::total(&*storage)?, Ordering::Relaxed);
    let recovery::Base { mut fold, after, reach } = recovery::newest(&*storage, empty)?;
    if !directory.holds_log()? && reach > 0 {
        return Err(LogError::Behind { log: 0, snapshot: reach }.into());
    }
    let log = LocalLog::open(directory, options, &mut |lsn, batch| fold.batch(lsn, batch))?;
    if log.first() > after {
        return Err(LogError::Missing { from: log.first(), to: after }.into());
    }
    if log.last() < reach {
        return Err(LogError::Behind { log: log.last(), snapshot: reach }.into());
    }
    Ok((Box::new(log), fold.finish()?, after))
}

/// Hash tables get a seed that nobody outside can know.
fn table_seed() -> u64 {
    use std::hash::BuildHasher;
    std::collections::hash_map::RandomState::new().hash_one(0)
}

thread_local! {
    static BUFFER: std::cell::Cell<Vec<u8>> = const { std::cell::Cell::new(Vec::new()) };
}

/// A batch larger than this does not keep its buffer.
const BUFFER_MAX: usize = 1 << 20;

fn take_buffer() -> Vec<u8> {
    BUFFER.take()
}

fn give_buffer(buffer: Vec<u8>) {
    if buffer.capacity() <= BUFFER_MAX {
        BUFFER.set(buffer);
    }
}

/// Held shards: one without allocation, or several, ascending.
enum Guards<'a> {
    One(usize, MutexGuard<'a, Place>),
    Many(Vec<(usize, MutexGuard<'a, Place>)>),
}

impl<'a> Guards<'a> {
    fn lock(places: &'a [Mutex<Place>], shards: ShardSet) -> Guards<'a> {
        match shards.first() {
            Some(index) if shards == ShardSet(1 << index) => Guards::One(index, places[index].lock()),
            _ => Guards::Many(shards.iter().map(|index| (index, places[index].lock())).collect()),
        }
    }

    fn reach(&mut self, count: usize) -> Reach<'_> {
        match self {
            Guards::One(index, place) => Reach::one(count, *index, &mut place.shard),
            Guards::Many(places) => {
                Reach::new(count, places.iter_mut().map(|(index, place)| (*index, &mut place.shard)))
            }
        }
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Place> {
        let (one, many) = match self {
            Guards::One(_, place) => (Some(&mut **place), [].as_mut_slice()),
            Guards::Many(places) => (None, places.as_mut_slice()),
        };
        one.into_iter().chain(many.iter_mut().map(|(_, place)| &mut **place))
    }

    fn indexed(&self) -> impl Iterator<Item = (usize, &Place)> {
        let (one, many) = match self {
            Guards::One(index, place) => (Some((*index, &**place)), [].as_slice()),
            Guards::Many(places) => (None, places.as_slice()),
        };
        one.into_iter().chain(many.iter().map(|(index, place)| (*index, &**place)))
    }

    fn lsn(&mut self) -> Lsn {
        self.iter_mut().map(|place| place.lsn).max().unwrap_or(0)
    }

    fn set_lsn(&mut self, lsn: Lsn) {
        self.iter_mut().for_each(|place| place.lsn = lsn);
    }
}
