//! The writer: one frame in flight.
//!
//! ```text
//! gathered ──► frame ──► segment ──► sync ──► durable
//!                           │ half full: the next one is prepared meanwhile, by a thread of its own
//!                           │ no room for it: `full`, and writes are refused while the rest of this one lasts
//! ```

use crate::desk::{Desk, Kept, Work};
use crate::frame::{self, Kind, link};
use crate::segment::{Chain, HEADER, Segment, Spare, next_size};
use crate::storage::{Storage, is_full};
use crate::sync::Instant;
use crate::sync::thread::{self, JoinHandle};
use crate::{LocalOptions, Lsn, SyncMode};
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// How long written frames stay unsynced in mode `everysec`.
const EVERY: Duration = Duration::from_secs(1);
/// How often room is looked for on a full disk.
const LOOK: Duration = Duration::from_millis(200);

/// The segment after the one that is written to.
enum Next {
    None,
    Coming(JoinHandle<io::Result<Spare>>),
    Ready(Spare),
}

/// Writes frames to segments.
pub(crate) struct Writer {
    desk: Arc<Desk>,
    storage: Arc<dyn Storage>,
    options: LocalOptions,
    segment: Segment,
    next: Next,
    /// When to look for room again.
    look_at: Option<Instant>,
    chain: Chain,
    written: Lsn,
    synced: Lsn,
    synced_at: Instant,
    fences_done: u64,
    frame: Vec<u8>,
    /// Work whose frame found no room.
    stalled: Option<Work>,
}

impl Writer {
    pub(crate) fn new(
        desk: Arc<Desk>,
        storage: Arc<dyn Storage>,
        segment: Segment,
        chain: Chain,
        options: LocalOptions,
    ) -> Writer {
        Writer {
            desk,
            storage,
            options,
            segment,
            next: Next::None,
            look_at: None,
            chain,
            written: chain.lsn,
            synced: chain.lsn,
            synced_at: Instant::now(),
            fences_done: 0,
            frame: Vec::new(),
            stalled: None,
        }
    }

    /// Runs until the log is closed, or a write or sync fails.
    pub(crate) fn run(mut self) {
        loop {
            let deadline = [self.sync_at(), self.look_at].into_iter().flatten().min();
            if self.stalled.is_some() {
                thread::sleep(LOOK);
            }
            let work = self.resumed().or_else(|| self.desk.wait(deadline, self.synced, self.fences_done));
            let due = self.sync_at().is_some_and(|at| Instant::now() >= at);
            if !self.turn(work, due) {
                return;
            }
        }
    }

    /// The work that found no room, to be tried again.
    fn resumed(&mut self) -> Option<Work> {
        let stop = self.desk.gather.lock().stop;
        self.stalled.take().map(|work| Work { stop, ..work })
    }

    /// When mode `everysec` wants the next sync.
    fn sync_at(&self) -> Option<Instant> {
        (self.synced < self.written).then(|| self.synced_at + EVERY)
    }

    /// One turn without waiting, for those who drive the log by hand; `second` says that a second has passed.
    pub(crate) fn step(&mut self, second: bool) -> bool {
        let work = self.resumed().or_else(|| self.desk.take(self.synced, self.fences_done));
        self.turn(work, second)
    }

    /// False once there is nothing more to do for ever.
    fn turn(&mut self, work: Option<Work>, second: bool) -> bool {
        let stop = work.as_ref().is_some_and(|work| work.stop);
        match self.work(work, second) {
            Ok(()) if self.stalled.is_none() => !stop,
            Ok(()) if !stop => true,
            failed => {
                let reason =
                    failed.err().map_or_else(|| "the disk is full".to_owned(), |error| error.to_string());
                tracing::error!("the log failed, nothing more is acknowledged: {reason}");
                self.desk.durable.poison();
                self.desk.fence_written.notify_all();
                false
            }
        }
    }

    fn work(&mut self, work: Option<Work>, second: bool) -> io::Result<()> {
        let Some(work) = work else {
            self.prepare()?;
            let mode = self.desk.gather.lock().sync;
            return self.settle(second && mode != SyncMode::No, mode);
        };
        if work.fences > self.fences_done {
            self.write_fence(work.fences)?;
        }
        let must = work.stop || work.sync == SyncMode::Always || work.sync_to > self.synced;
        let every = second && work.sync == SyncMode::EverySec;
        let mode = work.sync;
        if work.batches > 0 {
            let (kind, payload) = work.content();
            match self.write(kind, payload, work.batches) {
                Ok(()) => {}
                Err(error) if is_full(&error) => {
                    self.desk.set_full(true);
                    self.stalled = Some(work);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
            self.written = work.last;
            self.desk.recycle(work);
        }
        self.settle(must || every, mode)?;
        self.prepare()
    }

    /// Syncs if it is time, and publishes how far the log is safe.
    fn settle(&mut self, sync: bool, mode: SyncMode) -> io::Result<()> {
        if sync && self.synced < self.written {
            self.sync()?;
        }
        let safe = if mode == SyncMode::Always { self.synced } else { self.written };
        self.desk.durable.advance(safe, self.synced);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.segment.file.sync()?;
        self.segment.synced = self.segment.end;
        self.synced = self.written;
        self.synced_at = Instant::now();
        Ok(())
    }

    fn write_fence(&mut self, fences: u64) -> io::Result<()> {
        let epoch = self.chain.index.max(self.chain.epoch);
        let payload = frame::fence(epoch, self.chain.index, self.chain.lsn);
        self.write(Kind::Fence, &payload, 0)?;
        self.sync()?;
        self.chain.epoch = epoch;
        self.fences_done = fences;
        *self.desk.fenced.lock() = (fences, epoch);
        self.desk.fence_written.notify_all();
        Ok(())
    }

    fn write(&mut self, kind: Kind, payload: &[u8], batches: u32) -> io::Result<()> {
        if payload.len() > frame::PAYLOAD_MAX {
            return Err(io::Error::other("a frame of more than 4 GiB"));
        }
        let room = (frame::HEADER_MAX + payload.len()) as u64;
        if self.segment.end + room > self.segment.size && self.segment.end > HEADER {
            self.roll()?;
        }
        let segment = &mut self.segment;
        let behind = segment.end - segment.synced;
        self.frame.clear();
        let crc = frame::put(&mut self.frame, kind, payload, behind, segment.header.salt, segment.end);
        segment.file.write_at(&self.frame, segment.end)?;
        segment.end += self.frame.len() as u64;
        self.chain.index += 1;
        self.chain.sum = link(self.chain.sum, crc);
        self.chain.lsn += u64::from(batches);
        if let Some(kept) = self.desk.segments.lock().back_mut() {
            kept.size = segment.end;
        }
        Ok(())
    }

    /// Goes on in a new segment; the old one is whole on disk before.
    fn roll(&mut self) -> io::Result<()> {
        self.sync()?;
        let spare = match std::mem::replace(&mut self.next, Next::None) {
            Next::Ready(spare) => spare,
            Next::Coming(thread) => joined(thread)?,
            Next::None => Spare::prepare(&*self.storage, self.next_size())?,
        };
        let index = self.segment.header.index + 1;
        self.segment = spare.publish(&*self.storage, index, self.chain, self.options.salt(index))?;
        self.desk.segments.lock().push_back(Kept { index, lsn: self.chain.lsn, size: HEADER });
        self.desk.set_full(false);
        Ok(())
    }

    fn next_size(&self) -> u64 {
        next_size(self.segment.size, self.options.segment_bytes)
    }

    /// Has the next segment prepared once this one is half full.
    fn prepare(&mut self) -> io::Result<()> {
        let wanted = self.segment.end > self.segment.size / 2;
        self.next = match std::mem::replace(&mut self.next, Next::None) {
            Next::Coming(thread) if thread.is_finished() => match joined(thread) {
                Ok(spare) => self.found_room(spare),
                Err(error) => self.found_none(error)?,
            },
            Next::None if wanted && self.look_at.is_none_or(|at| Instant::now() >= at) => {
                let (storage, size) = (Arc::clone(&self.storage), self.next_size());
                self.look_at = Some(Instant::now() + LOOK);
                match self.options.by_hand {
                    true => match Spare::prepare(&*storage, size) {
                        Ok(spare) => self.found_room(spare),
                        Err(error) => self.found_none(error)?,
                    },
                    false => {
                        let thread = thread::Builder::new().name("log-ahead".into());
                        Next::Coming(thread.spawn(move || Spare::prepare(&*storage, size))?)
                    }
                }
            }
            next => next,
        };
        if matches!(self.next, Next::Coming(_)) {
            self.look_at = Some(Instant::now() + LOOK);
        }
        Ok(())
    }

    fn found_room(&mut self, spare: Spare) -> Next {
        self.look_at = None;
        self.desk.set_full(false);
        Next::Ready(spare)
    }

    fn found_none(&mut self, error: io::Error) -> io::Result<Next> {
        if !is_full(&error) {
            return Err(error);
        }
        self.desk.set_full(true);
        Ok(Next::None)
    }
}

impl Drop for Writer {
    /// Whoever opens the directory next prepares a segment under the same name.
    fn drop(&mut self) {
        if let Next::Coming(thread) = std::mem::replace(&mut self.next, Next::None)
            && let Err(error) = joined(thread)
        {
            tracing::warn!("the next segment could not be prepared: {error}");
        }
    }
}

fn joined(thread: JoinHandle<io::Result<Spare>>) -> io::Result<Spare> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("preparing a segment panicked")))
}
