//! Recovery: the newest whole snapshot and the log behind it, folded into shards by several threads.
//!
//! ```text
//! snapshot ─┐                    ┌─► thread 0: shards 0, 4, 8 ..
//!           ├─► records, by key ─┼─► thread 1: shards 1, 5, 9 ..
//! log ──────┘                    └─► ..
//! ```
//!
//! A record that touches shards of several threads (RENAME, FLUSHALL) has every shard brought back first.

use ackline_engine::codec::{Reader, put_u64};
use ackline_engine::record::{Change, Record};
use ackline_engine::replay;
use ackline_engine::state::{Keyspace, Reach, Shard, ShardSet};
use ackline_log::snapshot::{self, Reader as SnapshotReader};
use ackline_log::storage::Storage;
use ackline_log::{LogError, Lsn};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::broker::OpenError;

/// The tag of a snapshot's first part: shards' positions.
pub(crate) const META: u32 = u32::MAX - 1;
/// Threads at most.
const THREADS_MAX: usize = 8;
/// Bytes that gather for a thread before they are sent.
const GATHER: usize = 256 * 1024;
/// Jobs that wait for a thread.
const QUEUE: usize = 4;

/// How far loading is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes to load, as far as known.
    pub total: AtomicU64,
    /// Bytes loaded.
    pub done: AtomicU64,
}

impl Progress {
    fn add(&self, bytes: usize) {
        self.done.fetch_add(bytes as u64, Relaxed);
    }
}

/// What a snapshot says of the shards as they were taken.
pub(crate) struct Meta {
    /// The position of each shard: batches up to there are in it.
    pub(crate) lsns: Vec<Lsn>,
}

impl Meta {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_u64(&mut out, self.lsns.len() as u64);
        self.lsns.iter().for_each(|lsn| put_u64(&mut out, *lsn));
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Meta> {
        let mut reader = Reader::new(bytes);
        let count = reader.u64().filter(|count| (1..=64).contains(count))?;
        let lsns: Option<Vec<Lsn>> = (0..count).map(|_| reader.u64()).collect();
        lsns.filter(|_| reader.is_empty()).map(|lsns| Meta { lsns })
    }

    /// Whether a batch whose first record has this key is in the snapshot. What touched several shards is in all of
    /// them or in none.
    fn covers(&self, key: &[u8], lsn: Lsn) -> bool {
        lsn <= self.lsns[shard_of(key, self.lsns.len())]
    }
}

fn shard_of(key: &[u8], count: usize) -> usize {
    ShardSet::of(key, count).first().unwrap_or(0)
}

type Shards = Vec<(usize, Shard)>;

enum Job {
    /// Records to apply; the position is for messages.
    Apply(Lsn, Vec<u8>),
    /// All shards go back to the caller.
    Return,
    /// Shards to go on with.
    Take(Shards),
}

struct Worker {
    jobs: SyncSender<Job>,
    gathered: Vec<u8>,
    thread: JoinHandle<()>,
}

/// Records being folded into shards.
pub(crate) struct Fold {
    workers: Vec<Worker>,
    returned: Receiver<Shards>,
    shards: usize,
    /// The first position whose records did not fit.
    bad: Arc<Mutex<Option<Lsn>>>,
    meta: Option<Meta>,
    progress: Arc<Progress>,
}

impl Fold {
    /// Empty shards, on as many threads as there are cores.
    pub(crate) fn new(shards: usize, databases: usize, seed: u64, progress: Arc<Progress>) -> Fold {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = cores.min(shards).min(THREADS_MAX);
        let (back, returned) = channel();
        let bad = Arc::new(Mutex::new(None));
        let mut parts: Vec<Shards> = (0..threads).map(|_| Vec::new()).collect();
        for (index, shard) in Keyspace::new(shards, databases, seed).into_shards().into_iter().enumerate() {
            parts[index % threads].push((index, shard));
        }
        let workers = parts.into_iter().map(|part| worker(part, shards, back.clone(), Arc::clone(&bad)));
        Fold { workers: workers.collect(), returned, shards, bad, meta: None, progress }
    }

    /// Loads a snapshot into the empty shards.
    pub(crate) fn load(&mut self, storage: &dyn Storage, after: Lsn) -> Result<Lsn, OpenError> {
        let mut reader = SnapshotReader::new(storage, after)?;
        while let Some((tag, part)) = reader.next()? {
            self.progress.add(part.len());
            match tag {
                META => self.meta = Some(Meta::decode(part).ok_or(OpenError::Snapshot(after))?),
                shard if self.meta.as_ref().is_some_and(|meta| meta.lsns.len() == self.shards) => {
                    self.send(shard as usize % self.workers.len(), after, part);
                }
                _ => self.batch(Lsn::MAX, part),
            }
        }
        if self.meta.is_none() || self.bad().is_some() {
            return Err(OpenError::Snapshot(after));
        }
        Ok(reader.reach)
    }

    fn bad(&self) -> Option<Lsn> {
        *self.bad.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn note_bad(&self, lsn: Lsn) {
        self.bad.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(lsn);
    }

    /// Folds one batch in, unless the snapshot has it.
    pub(crate) fn batch(&mut self, lsn: Lsn, batch: &[u8]) {
        self.progress.add(batch.len());
        let mut reader = Reader::new(batch);
        let mut begun = false;
        while !reader.is_empty() {
            let before = reader.rest();
            let Some(record) = Record::decode(&mut reader) else { return self.note_bad(lsn) };
            if !begun && self.meta.as_ref().is_some_and(|meta| meta.covers(record.key, lsn)) {
                return;
            }
            begun = true;
            let bytes = &before[..before.len() - reader.rest().len()];
            match self.worker_of(&record) {
                Some(worker) => self.send(worker, lsn, bytes),
                None => self.with_all(lsn, bytes),
            }
        }
    }

    /// The thread that has every shard of a record.
    fn worker_of(&self, record: &Record<'_>) -> Option<usize> {
        let of = |key: &[u8]| shard_of(key, self.shards) % self.workers.len();
        match record.change {
            Change::Flush | Change::Swap { .. } => None,
            Change::Move { to, .. } | Change::Copy { to, .. } => {
                Some(of(record.key)).filter(|worker| *worker == of(to))
            }
            _ => Some(of(record.key)),
        }
    }

    fn send(&mut self, worker: usize, lsn: Lsn, bytes: &[u8]) {
        let worker = &mut self.workers[worker];
        worker.gathered.extend_from_slice(bytes);
        if worker.gathered.len() >= GATHER {
            worker.flush(lsn);
        }
    }

    /// Applies a record with all shards in one hand.
    fn with_all(&mut self, lsn: Lsn, bytes: &[u8]) {
        let mut shards = self.bring_back(lsn);
        let count = self.shards;
        if replay(&mut Reach::new(count, shards.iter_mut().map(|(i, shard)| (*i, shard))), bytes).is_none() {
            self.note_bad(lsn);
        }
        let threads = self.workers.len();
        let mut parts: Vec<Shards> = (0..threads).map(|_| Vec::new()).collect();
        shards.into_iter().for_each(|(index, shard)| parts[index % threads].push((index, shard)));
        for (worker, part) in self.workers.iter().zip(parts) {
            worker.give(Job::Take(part));
        }
    }

    fn bring_back(&mut self, lsn: Lsn) -> Shards {
        for worker in &mut self.workers {
            worker.flush(lsn);
            worker.give(Job::Return);
        }
        let mut shards: Shards =
            (0..self.workers.len()).flat_map(|_| self.returned.recv()).flatten().collect();
        shards.sort_by_key(|(index, _)| *index);
        shards
    }

    /// The shards, in order.
    pub(crate) fn finish(mut self) -> Result<Vec<Shard>, OpenError> {
        let shards = self.bring_back(Lsn::MAX);
        let bad = self.bad();
        for worker in self.workers {
            drop(worker.jobs);
            if worker.thread.join().is_err() {
                return Err(OpenError::Record(bad.unwrap_or(Lsn::MAX)));
            }
        }
        match bad {
            Some(lsn) => Err(OpenError::Record(lsn)),
            None => Ok(shards.into_iter().map(|(_, shard)| shard).collect()),
        }
    }
}

impl Worker {
    fn flush(&mut self, lsn: Lsn) {
        if !self.gathered.is_empty() {
            let bytes = std::mem::take(&mut self.gathered);
            self.give(Job::Apply(lsn, bytes));
        }
    }

    fn give(&self, job: Job) {
        // A thread that is gone panicked, which `finish` finds out.
        let _ = self.jobs.send(job);
    }
}

fn worker(shards: Shards, count: usize, back: Sender<Shards>, bad: Arc<Mutex<Option<Lsn>>>) -> Worker {
    let (jobs, todo) = sync_channel(QUEUE);
    let thread = std::thread::spawn(move || work(shards, count, &todo, &back, &bad));
    Worker { jobs, gathered: Vec::new(), thread }
}

fn work(
    mut shards: Shards,
    count: usize,
    todo: &Receiver<Job>,
    back: &Sender<Shards>,
    bad: &Mutex<Option<Lsn>>,
) {
    while let Ok(job) = todo.recv() {
        match job {
            Job::Apply(lsn, records) => {
                let mut reach = Reach::new(count, shards.iter_mut().map(|(index, shard)| (*index, shard)));
                if replay(&mut reach, &records).is_none() {
                    bad.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(lsn);
                }
            }
            Job::Take(part) => shards = part,
            // Who asked may have given up.
            Job::Return => drop(back.send(std::mem::take(&mut shards))),
        }
    }
}

/// What was loaded from snapshots.
pub(crate) struct Base {
    pub(crate) fold: Fold,
    /// The log is needed behind this position.
    pub(crate) after: Lsn,
    /// The log must reach this position.
    pub(crate) reach: Lsn,
}

/// Loads the newest snapshot that is whole; empty shards if there is none.
pub(crate) fn newest(storage: &dyn Storage, empty: &dyn Fn() -> Fold) -> Result<Base, OpenError> {
    let mut failed = None;
    for after in snapshot::list(storage)? {
        let mut fold = empty();
        match fold.load(storage, after) {
            Ok(reach) => return Ok(Base { fold, after, reach }),
            Err(error @ (OpenError::Snapshot(_) | OpenError::Log(LogError::Corrupt { .. }))) => {
                tracing::error!("a snapshot cannot be used, an older one and more of the log are: {error}");
                failed.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Base { fold: empty(), after: 0, reach: 0 })
}

/// Bytes of all snapshots and segments that loading reads.
pub(crate) fn total(storage: &dyn Storage) -> Result<u64, LogError> {
    let io = |error| LogError::Io(storage.path(""), error);
    let newest = snapshot::list(storage)?.first().map(|after| snapshot::name(*after));
    let names = storage.list().map_err(io)?.into_iter();
    let read = names.filter(|name| name.ends_with(".log") || Some(name) == newest.as_ref());
    let sizes: Result<Vec<u64>, _> = read.map(|name| storage.size(&name)).collect();
    Ok(sizes.map_err(io)?.into_iter().sum())
}
