//! The writer: one thread, one frame in flight.

use crate::frame::{self, Kind};
use crate::recovery::End;
use crate::segment::{Chain, HEADER, Segment};
use crate::storage::Storage;
use crate::{Durable, Lsn, SyncMode};
use parking_lot::{Condvar, Mutex};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How far the file is zero-written ahead of the frames.
const ZERO_AHEAD: u64 = 1 << 20;
/// A gathering buffer larger than this is given back.
const BUFFER_MAX: usize = 8 << 20;
const EVERY: Duration = Duration::from_secs(1);

/// What gathers while a frame is written.
#[derive(Debug)]
pub(crate) struct Gather {
    /// Room for the header, then batches.
    pub(crate) frame: Vec<u8>,
    pub(crate) batches: u32,
    pub(crate) last: Lsn,
    pub(crate) sync: SyncMode,
    pub(crate) stop: bool,
    /// Fences asked for.
    pub(crate) fences: u64,
    writer_waits: bool,
}

/// What the writer shares with those who append.
pub(crate) struct Desk {
    pub(crate) gather: Mutex<Gather>,
    arrived: Condvar,
    pub(crate) durable: Durable,
    pub(crate) size: AtomicU64,
    /// Fences written, and the epoch.
    pub(crate) fenced: Mutex<(u64, u64)>,
    pub(crate) fence_written: Condvar,
}

impl Desk {
    pub(crate) fn new(end: &End, sync: SyncMode) -> Desk {
        let last = end.chain.lsn;
        let gather = Gather {
            frame: vec![0; frame::HEADER],
            batches: 0,
            last,
            sync,
            stop: false,
            fences: 0,
            writer_waits: false,
        };
        let durable = Durable::default();
        durable.advance(last, last);
        Desk {
            gather: Mutex::new(gather),
            arrived: Condvar::new(),
            durable,
            size: AtomicU64::new(end.size),
            fenced: Mutex::new((0, end.chain.epoch)),
            fence_written: Condvar::new(),
        }
    }

    /// Changes what gathers; wakes the writer only if it sleeps.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut Gather) -> R) -> R {
        let mut gather = self.gather.lock();
        let result = change(&mut gather);
        let wake = std::mem::take(&mut gather.writer_waits);
        drop(gather);
        if wake {
            self.arrived.notify_one();
        }
        result
    }

    /// Waits for something to do; false on reaching `deadline` with nothing.
    fn wait(&self, deadline: Option<Instant>, fences_done: u64) -> Work {
        let mut gather = self.gather.lock();
        loop {
            let fence = gather.fences > fences_done;
            if gather.batches > 0 || gather.stop || fence {
                let frame = std::mem::take(&mut gather.frame);
                let work = Work {
                    frame,
                    batches: gather.batches,
                    last: gather.last,
                    sync: gather.sync,
                    stop: gather.stop,
                    fences: gather.fences,
                };
                gather.batches = 0;
                gather.frame = vec![0; frame::HEADER];
                return work;
            }
            gather.writer_waits = true;
            let timed_out = match deadline {
                Some(at) => self.arrived.wait_until(&mut gather, at).timed_out(),
                None => {
                    self.arrived.wait(&mut gather);
                    false
                }
            };
            if timed_out {
                gather.writer_waits = false;
                return Work {
                    frame: Vec::new(),
                    batches: 0,
                    last: gather.last,
                    sync: gather.sync,
                    stop: false,
                    fences: fences_done,
                };
            }
        }
    }

    /// Gives an empty buffer back to be filled.
    fn recycle(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() > BUFFER_MAX {
            return;
        }
        buffer.clear();
        buffer.resize(frame::HEADER, 0);
        let mut gather = self.gather.lock();
        if gather.batches == 0 && gather.frame.capacity() < buffer.capacity() {
            gather.frame = buffer;
        }
    }
}

struct Work {
    frame: Vec<u8>,
    batches: u32,
    last: Lsn,
    sync: SyncMode,
    stop: bool,
    fences: u64,
}

/// Writes frames to segments.
pub(crate) struct Writer {
    desk: Arc<Desk>,
    storage: Arc<dyn Storage>,
    segment: Segment,
    segment_bytes: u64,
    chain: Chain,
    written: Lsn,
    synced: Lsn,
    synced_at: Instant,
    fences_done: u64,
}

impl Writer {
    pub(crate) fn new(
        desk: Arc<Desk>,
        storage: Arc<dyn Storage>,
        segment: Segment,
        chain: Chain,
        segment_bytes: u64,
    ) -> Writer {
        let lsn = chain.lsn;
        let synced_at = Instant::now();
        Writer {
            desk,
            storage,
            segment,
            segment_bytes,
            chain,
            written: lsn,
            synced: lsn,
            synced_at,
            fences_done: 0,
        }
    }

    /// Runs until the log is closed, or a write or sync fails.
    pub(crate) fn run(mut self) {
        if let Err(error) = self.work() {
            tracing::error!("the log failed, nothing more is acknowledged: {error}");
            self.desk.durable.poison();
            self.desk.fence_written.notify_all();
        }
    }

    fn work(&mut self) -> io::Result<()> {
        loop {
            let unsynced = self.synced < self.written;
            let deadline = unsynced.then(|| self.synced_at + EVERY);
            let work = self.desk.wait(deadline, self.fences_done);
            let stop = work.stop;
            let sync = work.sync;
            if work.fences > self.fences_done {
                self.write_fence(work.fences)?;
            }
            if work.batches > 0 {
                let frame = self.write(work.frame, Kind::Data, work.batches)?;
                self.written = work.last;
                self.desk.recycle(frame);
            }
            self.settle(sync, stop)?;
            if stop {
                return Ok(());
            }
            self.segment.zero_ahead((self.segment.end + ZERO_AHEAD).min(self.segment_bytes))?;
        }
    }

    /// Syncs if the mode wants it now, and publishes how far the log is safe.
    fn settle(&mut self, sync: SyncMode, stop: bool) -> io::Result<()> {
        let due = match sync {
            SyncMode::Always => true,
            SyncMode::EverySec => self.synced_at.elapsed() >= EVERY,
            SyncMode::No => false,
        };
        if (due || stop) && self.synced < self.written {
            self.segment.file.sync()?;
            self.synced = self.written;
            self.synced_at = Instant::now();
        }
        let safe = if sync == SyncMode::Always { self.synced } else { self.written };
        self.desk.durable.advance(safe, self.synced);
        Ok(())
    }

    fn write_fence(&mut self, fences: u64) -> io::Result<()> {
        self.chain.epoch = self.chain.index;
        self.write(vec![0; frame::HEADER], Kind::Fence, 0)?;
        self.segment.file.sync()?;
        self.fences_done = fences;
        *self.desk.fenced.lock() = (fences, self.chain.epoch);
        self.desk.fence_written.notify_all();
        Ok(())
    }

    fn write(&mut self, mut bytes: Vec<u8>, kind: Kind, batches: u32) -> io::Result<Vec<u8>> {
        let size = bytes.len() as u64;
        if self.segment.end + size > self.segment_bytes && self.segment.end > HEADER {
            self.roll()?;
        }
        let header = frame::Header {
            kind,
            epoch: self.chain.epoch,
            index: self.chain.index,
            before: self.chain.lsn,
            batches,
            length: (bytes.len() - frame::HEADER) as u32,
            previous: self.chain.previous,
        };
        let crc = frame::seal(&mut bytes, &header, self.segment.header.salt);
        self.segment.file.write_at(&bytes, self.segment.end)?;
        self.segment.end += size;
        self.segment.zeroed = self.segment.zeroed.max(self.segment.end);
        self.desk.size.fetch_add(size, Ordering::Relaxed);
        self.chain.index += 1;
        self.chain.previous = crc;
        self.chain.lsn += u64::from(batches);
        Ok(bytes)
    }

    /// Goes on in a new segment; the old one is whole on disk before.
    fn roll(&mut self) -> io::Result<()> {
        self.segment.file.sync()?;
        self.synced = self.written;
        let chain = Chain { epoch: self.epoch_before(), ..self.chain };
        self.segment =
            Segment::create(&*self.storage, self.segment.header.index + 1, chain, self.segment_bytes)?;
        self.desk.size.fetch_add(HEADER, Ordering::Relaxed);
        Ok(())
    }

    /// The epoch of the frame before: a fence that is about to be written has changed the chain's already.
    fn epoch_before(&self) -> u64 {
        self.desk.fenced.lock().1
    }
}
