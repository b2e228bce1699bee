//! Checkpoints: snapshots of all shards while traffic goes on, and the end of the log before them.
//!
//! ```text
//! for each shard: lock ─ share its values, note the position ─ unlock          microseconds, whatever the size
//! then, without locks: values ─► parts ─► snapshot.tmp ─► read back ─► named ─► older snapshots and segments go
//! ```
//!
//! Shards are shared one after the other, each at a position of its own: recovery skips, shard by shard, what a snapshot
//! has. A batch that touches several shards must be in all of their snapshots or in none. Whoever holds several shards
//! therefore shares those that are still to be shared before it changes them.
//!
//! Two snapshots are kept, and the log from the older one on: should the newer turn out to be damaged, nothing is lost.

use crate::broker::Broker;
use crate::recovery::{META, Meta};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use crate::sync::{Condvar, Mutex, thread};
use ackline_engine::state::{Shard, Shared};
use ackline_log::snapshot::{self, Writer};
use ackline_log::storage::Storage;
use ackline_log::{LogError, Lsn};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Bytes of a snapshot's part.
const PART: usize = 256 * 1024;
/// How often the growth of the log is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// A checkpoint that failed is not tried again before.
const RETRY: Duration = Duration::from_secs(10);
/// Snapshots that are kept.
const KEEP: usize = 2;

/// When the growth of the log calls for a checkpoint.
#[derive(Clone, Copy, Debug)]
pub struct Growth {
    /// Growth in percent of the last snapshot's size; 0 = never.
    pub percent: u64,
    /// Growth in bytes below which there is no checkpoint.
    pub bytes_min: u64,
}

impl Default for Growth {
    fn default() -> Growth {
        Growth { percent: 100, bytes_min: 64 << 20 }
    }
}

/// What is known of checkpoints.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckpointStatus {
    /// One is under way.
    pub running: bool,
    /// When the last one was completed, Unix ms; 0 if there was none since the start.
    pub completed_at: i64,
    /// Whether the last one that was tried was completed.
    pub failed: bool,
    /// How long the last one took, in ms.
    pub took_ms: u64,
    /// Bytes of the last snapshot.
    pub bytes: u64,
    /// The position behind which the last snapshot needs the log.
    pub after: Lsn,
    /// How many were completed since the start.
    pub count: u64,
}

/// A shard as it was at a position.
struct Taken {
    shard: usize,
    lsn: Lsn,
    values: Vec<Shared>,
}

#[derive(Default)]
struct State {
    status: CheckpointStatus,
    asked: bool,
    stopped: bool,
    growth: Growth,
    /// Size of the log after the last checkpoint.
    base: u64,
    tried_at: Option<Instant>,
}

/// The checkpoints of a broker.
#[derive(Default)]
pub(crate) struct Checkpoints {
    state: Mutex<State>,
    changed: Condvar,
    /// One at a time.
    turn: Mutex<()>,
    /// Shards that are still to be shared, one bit each.
    unshared: AtomicU64,
    taken: Mutex<Vec<Taken>>,
    quit: AtomicBool,
}

impl Checkpoints {
    /// Of a broker that loaded the snapshot of this position.
    pub(crate) fn behind(after: Lsn, growth: Growth) -> Checkpoints {
        let checkpoints = Checkpoints::default();
        let mut state = checkpoints.state.lock();
        (state.status.after, state.growth) = (after, growth);
        drop(state);
        checkpoints
    }

    /// Shares a shard, which the caller has locked, if that is still to be done. `lsn` is the position of the log.
    pub(crate) fn share(&self, index: usize, shard: &Shard, lsn: impl FnOnce() -> Lsn) {
        if self.unshared.fetch_and(!(1 << index), SeqCst) >> index & 1 == 1 {
            let taken = Taken { shard: index, lsn: lsn(), values: shard.share() };
            self.taken.lock().push(taken);
        }
    }

    /// Whether any of these shards is still to be shared.
    pub(crate) fn wants(&self, shards: u64) -> bool {
        self.unshared.load(SeqCst) & shards != 0
    }

    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.quit.store(true, SeqCst);
        self.changed.notify_all();
    }

    fn due(&self, size: u64) -> bool {
        let state = self.state.lock();
        let grown = size.saturating_sub(state.base);
        let threshold =
            (state.status.bytes / 100).saturating_mul(state.growth.percent).max(state.growth.bytes_min);
        let rested = !state.status.failed || state.tried_at.is_none_or(|at| at.elapsed() >= RETRY);
        state.asked || (state.growth.percent > 0 && grown >= threshold && rested)
    }
}

/// A snapshot whose shards are shared and not written yet.
pub struct Checkpoint<'a> {
    broker: &'a Broker,
    storage: &'a dyn Storage,
    taken: Vec<Taken>,
}

impl Checkpoint<'_> {
    /// Writes the snapshot, then forgets what is not needed any more. Answers its size in bytes.
    pub fn finish(self) -> Result<u64, LogError> {
        let Checkpoint { broker, storage, mut taken } = self;
        taken.sort_by_key(|taken| taken.shard);
        let lsns: Vec<Lsn> = taken.iter().map(|taken| taken.lsn).collect();
        let (after, reach) =
            (lsns.iter().min().copied().unwrap_or(0), lsns.iter().max().copied().unwrap_or(0));
        let io = |error| LogError::Io(storage.path(""), error);
        let mut writer = Writer::create(storage).map_err(io)?;
        let written = writer.put(META, &Meta { lsns }.encode()).and_then(|()| {
            taken.into_iter().try_for_each(|taken| write_shard(&mut writer, taken, &broker.checkpoints.quit))
        });
        if let Err(error) = written {
            writer.abandon();
            return Err(io(error));
        }
        // A snapshot must not know more than the log: positions would be given out twice.
        let log = broker.log();
        log.sync(reach);
        if !log.durable().wait_synced(reach) {
            writer.abandon();
            return Err(LogError::Poisoned);
        }
        let bytes = writer.finish(after, reach)?;
        let kept = snapshot::list(storage)?;
        for old in kept.iter().skip(KEEP) {
            snapshot::remove(storage, *old)?;
        }
        if let Some(older) = kept.get(KEEP - 1) {
            log.truncate(*older)?;
        }
        broker.checkpoints.state.lock().status.after = after;
        Ok(bytes)
    }
}

fn write_shard(writer: &mut Writer<'_>, taken: Taken, quit: &AtomicBool) -> std::io::Result<()> {
    let mut part = Vec::new();
    let mut done = Ok(());
    // Each value is let go as soon as it is written: what traffic changes meanwhile is held twice.
    for value in taken.values {
        value.records(&mut |record| {
            part.extend_from_slice(record);
            if part.len() >= PART && done.is_ok() {
                done = writer.put(taken.shard as u32, &part);
                part.clear();
            }
        });
        std::mem::replace(&mut done, Ok(()))?;
        if quit.load(SeqCst) {
            return Err(std::io::Error::other("the checkpoint was given up: the server stops"));
        }
    }
    if part.is_empty() { Ok(()) } else { writer.put(taken.shard as u32, &part) }
}

impl Broker {
    /// Begins a checkpoint: shares every shard. `None` if nothing is kept.
    pub fn begin_checkpoint(&self) -> Option<Checkpoint<'_>> {
        let storage = self.log().storage()?;
        self.checkpoints.taken.lock().clear();
        self.checkpoints.unshared.store(self.all().0, SeqCst);
        self.all().iter().for_each(|index| self.share(index));
        let taken = std::mem::take(&mut *self.checkpoints.taken.lock());
        Some(Checkpoint { broker: self, storage: &**storage, taken })
    }

    /// A checkpoint, from beginning to end. False if nothing is kept, if the last snapshot has everything, and once the
    /// broker is closed.
    pub fn checkpoint(&self) -> Result<bool, LogError> {
        let _turn = self.checkpoints.turn.lock();
        if self.checkpoints.quit.load(SeqCst) {
            return Ok(false);
        }
        let status = self.checkpoint_status();
        let newest = self.log().last();
        if status.after == newest && newest > 0 {
            self.checkpoints.state.lock().asked = false;
            return Ok(false);
        }
        self.checkpoints.state.lock().status.running = true;
        let start = Instant::now();
        let done = self.begin_checkpoint().map(Checkpoint::finish).transpose();
        let mut state = self.checkpoints.state.lock();
        (state.status.running, state.asked, state.tried_at) = (false, false, Some(start));
        state.status.failed = done.is_err();
        if let Some(bytes) = done? {
            state.status.took_ms = start.elapsed().as_millis() as u64;
            (state.status.bytes, state.status.completed_at) = (bytes, self.now_ms());
            state.status.count += 1;
            state.base = self.log().size();
            tracing::info!(
                "checkpoint: {bytes} bytes in {} ms, behind position {}",
                state.status.took_ms,
                state.status.after
            );
        }
        Ok(true)
    }

    /// Makes no more checkpoints and gives up the one under way: once this returns nothing is written by any.
    pub(crate) fn end_checkpoints(&self) {
        self.checkpoints.stop();
        drop(self.checkpoints.turn.lock());
    }

    /// Asks for a checkpoint in the background; false if one is under way.
    pub fn ask_for_checkpoint(&self) -> bool {
        let mut state = self.checkpoints.state.lock();
        let idle = !state.status.running && !state.asked;
        state.asked = true;
        self.checkpoints.changed.notify_all();
        idle
    }

    /// What is known of checkpoints.
    pub fn checkpoint_status(&self) -> CheckpointStatus {
        let state = self.checkpoints.state.lock();
        CheckpointStatus { running: state.status.running || state.asked, ..state.status }
    }

    /// When the growth of the log calls for a checkpoint, from here on.
    pub fn set_growth(&self, growth: Growth) {
        self.checkpoints.state.lock().growth = growth;
    }

    /// Starts the thread that makes checkpoints. It ends when the broker is closed or dropped.
    pub fn start_checkpoints(broker: &Arc<Broker>) {
        let weak: Weak<Broker> = Arc::downgrade(broker);
        let thread = thread::Builder::new().name("checkpoint".into());
        let run = move || {
            while let Some(broker) = weak.upgrade() {
                let checkpoints = &broker.checkpoints;
                if checkpoints.state.lock().stopped {
                    break;
                }
                if checkpoints.due(broker.log().size())
                    && let Err(error) = broker.checkpoint()
                {
                    tracing::error!("a checkpoint failed, the log is kept: {error}");
                }
                let mut state = checkpoints.state.lock();
                if !state.stopped && !state.asked {
                    checkpoints.changed.wait_for(&mut state, LOOK);
                }
            }
        };
        if let Err(error) = thread.spawn(run) {
            tracing::error!("checkpoints could not be started: {error}");
        }
    }
}
