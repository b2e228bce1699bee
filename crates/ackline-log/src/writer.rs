//! The writer: one frame in flight.
//!
//! ```text
//! gathered ──► frame ──► segment ──► sync ──► durable
//!                           │ half full: the next one is prepared meanwhile, by a thread of its own
//!                           │ no room for it: `full`, and writes are refused while the rest of this one lasts
//! ```
//!
//! In mode `always` its thread does all of that. In the others whoever gathered writes, if nobody else is writing: to hand a
//! frame to a thread and to wait for it costs more than the frame. What may take long (syncs, the next segment) stays with
//! the thread, which syncs without holding the writer.

use crate::desk::{Desk, Kept, Light, Rest, Work};
use crate::durable::Durable;
use crate::frame::{self, Kind, link};
use crate::segment::{Chain, HEADER, Segment, Spare, next_size};
use crate::storage::{Storage, StorageFile, is_full};
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Instant, Mutex};
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
    /// Nothing is written any more.
    ended: bool,
}

/// A sync to be made: what was written to a segment before it began.
struct Due {
    file: Arc<dyn StorageFile>,
    segment: u64,
    end: u64,
    lsn: Lsn,
}

impl Due {
    fn make(&self, durable: &Durable) -> io::Result<()> {
        let began = Instant::now();
        self.file.sync()?;
        durable.syncs().count(began.elapsed().as_micros() as u64, 1);
        Ok(())
    }
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
            ended: false,
        }
    }

    /// What the thread waits for.
    fn rest(&self) -> Rest {
        let mode = self.desk.gather.lock().sync;
        let looks = self.wants_next() || matches!(self.next, Next::Coming(_));
        let look_at = self.look_at.filter(|_| looks);
        let deadline = [self.sync_at(mode), look_at].into_iter().flatten().min();
        Rest { deadline, synced: self.synced, fences: self.fences_done }
    }

    /// The work that found no room, to be tried again, or what gathered since.
    fn next_work(&mut self) -> Option<Work> {
        let stop = self.desk.gather.lock().stop;
        let resumed = self.stalled.take().map(|work| Work { stop, ..work });
        resumed.or_else(|| self.desk.take(self.synced, self.fences_done))
    }

    /// When mode `everysec` wants the next sync.
    fn sync_at(&self, mode: SyncMode) -> Option<Instant> {
        (mode != SyncMode::No && self.synced < self.written).then(|| self.synced_at + EVERY)
    }

    /// One turn without waiting, for those who drive the log by hand; `second` says that a second has passed.
    pub(crate) fn step(&mut self, second: bool) {
        if self.ended {
            return;
        }
        let (stop, due) = self.turn(second);
        let synced = due.map(|due| due.make(&self.desk.durable).map(|()| due));
        self.end_turn(stop, synced);
    }

    /// Writes what there is, without syncing it. Answers whether this was the end, and the sync to be made.
    fn turn(&mut self, second: bool) -> (bool, Option<Due>) {
        let work = self.next_work();
        let stop = work.as_ref().is_some_and(|work| work.stop);
        match self.work(work, second) {
            Ok(due) if self.stalled.is_none() => (stop, due),
            Ok(due) if !stop => (false, due),
            Ok(_) => self.fail("the disk is full"),
            Err(error) => self.fail(&error.to_string()),
        }
    }

    fn fail(&mut self, reason: &str) -> (bool, Option<Due>) {
        tracing::error!("the log failed, nothing more is acknowledged: {reason}");
        self.ended = true;
        self.desk.durable.poison();
        self.desk.fence_written.notify_all();
        (true, None)
    }

    fn work(&mut self, work: Option<Work>, second: bool) -> io::Result<Option<Due>> {
        let Some(work) = work else {
            let mode = self.desk.gather.lock().sync;
            return Ok(self.due(second && mode != SyncMode::No));
        };
        if work.fences > self.fences_done {
            self.write_fence(work.fences)?;
        }
        let must = work.stop || work.sync == SyncMode::Always || work.sync_to > self.synced;
        let every = second && work.sync == SyncMode::EverySec;
        if work.batches > 0 && !self.put(work)? {
            return Ok(None);
        }
        Ok(self.due(must || every))
    }

    /// Writes the frame of some work. False if there was no room for it.
    fn put(&mut self, work: Work) -> io::Result<bool> {
        let (kind, payload) = work.content();
        match self.write(kind, payload, work.batches) {
            Ok(()) => {}
            Err(error) if is_full(&error) => {
                self.desk.set_full(true);
                self.stalled = Some(work);
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        self.written = work.last;
        self.desk.recycle(work);
        Ok(true)
    }

    /// Writes what gathered if that is all there is to do. False if the thread has to look.
    pub(crate) fn flush(&mut self) -> bool {
        if self.ended || self.stalled.is_some() {
            return false;
        }
        let room = self.segment.size.saturating_sub(self.segment.end);
        let work = match self.desk.take_light(room, self.synced, self.fences_done) {
            Light::Nothing => return true,
            Light::Heavy => return false,
            Light::Work(work) => work,
        };
        let thread_has_a_deadline = self.synced < self.written;
        match self.put(work) {
            Ok(true) => self.desk.durable.advance(self.written, self.synced),
            Ok(false) => return false,
            Err(error) => {
                self.fail(&error.to_string());
                return false;
            }
        }
        thread_has_a_deadline && !self.wants_next()
    }

    /// The sync of what is written, if it shall be made now.
    fn due(&self, now: bool) -> Option<Due> {
        (now && self.synced < self.written).then(|| self.all_written())
    }

    fn all_written(&self) -> Due {
        let Segment { file, header, end, .. } = &self.segment;
        Due { file: Arc::clone(file), segment: header.index, end: *end, lsn: self.written }
    }

    /// What is left to do once a turn has synced. False once nothing is written any more.
    fn end_turn(&mut self, stop: bool, synced: Option<io::Result<Due>>) -> bool {
        if !self.ended {
            self.settle(synced);
            self.ended |= stop;
        }
        !self.ended
    }

    /// Notes the sync that was made, publishes how far the log is safe, and sees to the next segment.
    fn settle(&mut self, synced: Option<io::Result<Due>>) {
        let noted = synced.transpose().map(|due| due.map(|due| self.note_sync(&due)));
        let settled = noted.and_then(|_| {
            let mode = self.desk.gather.lock().sync;
            let safe = if mode == SyncMode::Always { self.synced } else { self.written };
            self.desk.durable.advance(safe, self.synced);
            self.prepare()
        });
        if let Err(error) = settled {
            self.fail(&error.to_string());
        }
    }

    fn note_sync(&mut self, due: &Due) {
        if self.segment.header.index == due.segment {
            self.segment.synced = due.end;
        }
        self.synced = due.lsn;
        self.synced_at = Instant::now();
    }

    fn sync(&mut self) -> io::Result<()> {
        let due = self.all_written();
        due.make(&self.desk.durable)?;
        self.note_sync(&due);
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

    /// Whether this segment is half full and the next one is not being prepared.
    fn wants_next(&self) -> bool {
        matches!(self.next, Next::None) && self.segment.end > self.segment.size / 2
    }

    /// Has the next segment prepared once this one is half full.
    fn prepare(&mut self) -> io::Result<()> {
        let wanted = self.wants_next();
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

/// The thread of a writer: runs until the log is closed, or a write or sync fails.
pub(crate) fn run(writer: &Mutex<Writer>, desk: &Desk) {
    loop {
        let (rest, stalled) = {
            let writer = writer.lock();
            (writer.rest(), writer.stalled.is_some())
        };
        match stalled {
            true => thread::sleep(LOOK),
            false => desk.wait(rest),
        }
        let mut held = writer.lock();
        if held.ended {
            return;
        }
        let mode = held.desk.gather.lock().sync;
        let second = held.sync_at(mode).is_some_and(|at| Instant::now() >= at);
        let (stop, due) = held.turn(second);
        drop(held);
        let synced = due.map(|due| due.make(&desk.durable).map(|()| due));
        if !writer.lock().end_turn(stop, synced) {
            return;
        }
    }
}

impl Writer {
    /// Waits for the segment that is being prepared: whoever opens the directory next prepares one under the same name.
    pub(crate) fn finish_preparing(&mut self) {
        if let Next::Coming(thread) = std::mem::replace(&mut self.next, Next::None)
            && let Err(error) = joined(thread)
        {
            tracing::warn!("the next segment could not be prepared: {error}");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish_preparing();
    }
}

fn joined(thread: JoinHandle<io::Result<Spare>>) -> io::Result<Spare> {
    thread.join().unwrap_or_else(|_| Err(io::Error::other("preparing a segment panicked")))
}

#[cfg(all(test, not(feature = "model")))]
mod tests {
    use super::*;
    use crate::faulty::FaultyDisk;
    use crate::recovery::scan;

    /// Otherwise the thread would not sleep again after a segment that was taken before anybody looked.
    #[test]
    fn a_look_that_nobody_wants_is_no_deadline() {
        let storage: Arc<dyn Storage> = Arc::new(FaultyDisk::new());
        let contents = scan(&*storage, &mut |_, _| ()).expect("an empty directory");
        let spare = Spare::prepare(&*storage, 4096).expect("room");
        let segment = spare.publish(&*storage, 0, contents.chain, 1).expect("room");
        let options = LocalOptions { sync: SyncMode::No, ..LocalOptions::default() };
        let desk = Arc::new(Desk::new(&contents, options.sync));
        let mut writer = Writer::new(desk, storage, segment, contents.chain, options);
        writer.look_at = Some(Instant::now());
        assert!(writer.rest().deadline.is_none());
        writer.segment.end = writer.segment.size;
        assert!(writer.rest().deadline.is_some(), "the next segment is wanted");
    }
}
