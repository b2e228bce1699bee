//! What the writer shares with those who append.

use crate::durable::Durable;
use crate::frame;
use crate::recovery::Contents;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Instant, Mutex, MutexGuard};
use crate::{Lsn, SyncMode};
use std::collections::VecDeque;

/// What gathers while a frame is written.
#[derive(Debug)]
pub(crate) struct Gather {
    /// Batches, each with its length in front.
    payload: Vec<u8>,
    /// Where the first batch begins behind its length.
    first: usize,
    batches: u32,
    pub(crate) last: Lsn,
    pub(crate) sync: SyncMode,
    /// Batches up to here are to be synced whatever the mode says.
    pub(crate) sync_to: Lsn,
    pub(crate) stop: bool,
    /// Fences asked for.
    pub(crate) fences: u64,
    /// The thread of the writer sleeps.
    thread_waits: bool,
    /// It is to look at the writer again.
    nudged: bool,
}

impl Gather {
    /// Adds a batch; answers the position after it.
    pub(crate) fn add(&mut self, batch: &[u8]) -> Lsn {
        frame::put_number(&mut self.payload, batch.len() as u64);
        if self.batches == 0 {
            self.first = self.payload.len();
        }
        self.payload.extend_from_slice(batch);
        self.batches += 1;
        self.last += 1;
        self.last
    }

    fn needs_thread(&self, synced: Lsn, fences: u64) -> bool {
        self.stop || self.fences > fences || self.sync_to > synced
    }

    fn is_due(&self, synced: Lsn, fences: u64) -> bool {
        self.batches > 0 || self.needs_thread(synced, fences)
    }

    fn take(&mut self) -> Work {
        Work {
            payload: std::mem::take(&mut self.payload),
            first: self.first,
            batches: std::mem::take(&mut self.batches),
            last: self.last,
            sync: self.sync,
            sync_to: self.sync_to,
            stop: self.stop,
            fences: self.fences,
        }
    }
}

/// What there is to do for the writer.
pub(crate) struct Work {
    pub(crate) payload: Vec<u8>,
    pub(crate) first: usize,
    pub(crate) batches: u32,
    pub(crate) last: Lsn,
    pub(crate) sync: SyncMode,
    pub(crate) sync_to: Lsn,
    pub(crate) stop: bool,
    pub(crate) fences: u64,
}

impl Work {
    /// The payload of its frame, and of what kind it is.
    pub(crate) fn content(&self) -> (frame::Kind, &[u8]) {
        match self.batches {
            1 => (frame::Kind::One, &self.payload[self.first..]),
            _ => (frame::Kind::Many, &self.payload),
        }
    }
}

/// What the thread of the writer sleeps until, if nothing else comes.
#[derive(Clone, Copy)]
pub(crate) struct Rest {
    pub(crate) deadline: Option<Instant>,
    /// What was done already.
    pub(crate) synced: Lsn,
    pub(crate) fences: u64,
}

/// What there is for somebody who can write a frame and nothing else.
pub(crate) enum Light {
    Nothing,
    Work(Work),
    /// The thread has to sync, to roll, to end.
    Heavy,
}

/// A segment that is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) index: u64,
    /// Position before its first batch.
    pub(crate) lsn: Lsn,
    /// Bytes in use.
    pub(crate) size: u64,
}

/// A gathering buffer larger than this is given back.
const BUFFER_MAX: usize = 8 << 20;

/// Shared by the writer and those who append.
pub(crate) struct Desk {
    pub(crate) gather: Mutex<Gather>,
    arrived: Condvar,
    pub(crate) durable: Durable,
    pub(crate) segments: Mutex<VecDeque<Kept>>,
    /// There is no room for another segment.
    pub(crate) full: AtomicBool,
    /// Fences written, and the epoch.
    pub(crate) fenced: Mutex<(u64, u64)>,
    pub(crate) fence_written: Condvar,
}

impl Desk {
    pub(crate) fn new(contents: &Contents, sync: SyncMode) -> Desk {
        let last = contents.chain.lsn;
        let gather = Gather {
            payload: Vec::new(),
            first: 0,
            batches: 0,
            last,
            sync,
            sync_to: 0,
            stop: false,
            fences: 0,
            thread_waits: false,
            nudged: false,
        };
        let durable = Durable::default();
        durable.advance(last, last);
        let kept = |found: &crate::recovery::Found| Kept {
            index: found.header.index,
            lsn: found.header.chain.lsn,
            size: found.end,
        };
        Desk {
            gather: Mutex::new(gather),
            arrived: Condvar::new(),
            durable,
            segments: Mutex::new(contents.segments.iter().map(kept).collect()),
            full: AtomicBool::new(false),
            fenced: Mutex::new((0, contents.chain.epoch)),
            fence_written: Condvar::new(),
        }
    }

    /// Changes what gathers; wakes the thread if it sleeps.
    pub(crate) fn with<R>(&self, change: impl FnOnce(&mut Gather) -> R) -> R {
        let mut gather = self.gather.lock();
        let result = change(&mut gather);
        self.wake(gather);
        result
    }

    /// Adds a batch. The thread is woken only if the batch has to be synced.
    pub(crate) fn gather(&self, batch: &[u8]) -> Lsn {
        let mut gather = self.gather.lock();
        let lsn = gather.add(batch);
        if gather.sync == SyncMode::Always {
            self.wake(gather);
        }
        lsn
    }

    /// Whether anything gathered that the thread was not woken for.
    pub(crate) fn waits_for_flush(&self) -> bool {
        let gather = self.gather.lock();
        gather.batches > 0 && gather.sync != SyncMode::Always
    }

    fn wake(&self, mut gather: MutexGuard<'_, Gather>) {
        let wake = std::mem::take(&mut gather.thread_waits);
        drop(gather);
        if wake {
            self.arrived.notify_one();
        }
    }

    /// Has the thread look at the writer again.
    pub(crate) fn nudge(&self) {
        self.with(|gather| gather.nudged = true);
    }

    /// Takes what gathered, if there is anything to do; `synced` and `fences` were done already.
    pub(crate) fn take(&self, synced: Lsn, fences: u64) -> Option<Work> {
        let mut gather = self.gather.lock();
        gather.is_due(synced, fences).then(|| gather.take())
    }

    /// Takes what gathered if it only has to be written, to where `room` bytes are left.
    pub(crate) fn take_light(&self, room: u64, synced: Lsn, fences: u64) -> Light {
        let mut gather = self.gather.lock();
        let plain = gather.sync != SyncMode::Always && !gather.needs_thread(synced, fences);
        let fits = (gather.payload.len() + frame::HEADER_MAX) as u64 <= room;
        match gather.batches {
            0 => Light::Nothing,
            _ if plain && fits => Light::Work(gather.take()),
            _ => Light::Heavy,
        }
    }

    /// Waits until there is something to do, somebody wants the writer to be looked at, or the deadline.
    pub(crate) fn wait(&self, rest: Rest) {
        let mut gather = self.gather.lock();
        while !gather.is_due(rest.synced, rest.fences) && !gather.nudged {
            gather.thread_waits = true;
            let timed_out = match rest.deadline {
                Some(at) => self.arrived.wait_until(&mut gather, at).timed_out(),
                None => {
                    self.arrived.wait(&mut gather);
                    false
                }
            };
            if timed_out {
                break;
            }
        }
        (gather.thread_waits, gather.nudged) = (false, false);
    }

    /// Gives the buffer of finished work back to be filled.
    pub(crate) fn recycle(&self, work: Work) {
        let mut buffer = work.payload;
        if buffer.capacity() > BUFFER_MAX {
            return;
        }
        buffer.clear();
        let mut gather = self.gather.lock();
        if gather.batches == 0 && gather.payload.capacity() < buffer.capacity() {
            gather.payload = buffer;
        }
    }

    /// Notes whether there is room for what comes.
    pub(crate) fn set_full(&self, full: bool) {
        if self.full.swap(full, Ordering::SeqCst) != full {
            match full {
                true => tracing::error!("the disk is full: writes are refused until there is room again"),
                false => tracing::info!("there is room on the disk again"),
            }
        }
    }
}
