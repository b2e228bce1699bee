//! The watch on durability: how far the log is safe, and who wants to know.

use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Condvar, Instant, Mutex};
use crate::{Histogram, Lsn};
use std::fmt;
use std::time::Duration;

type Subscriber = Box<dyn Fn(&Durable) + Send + Sync>;

/// How far the log is safe.
#[derive(Default)]
pub struct Durable {
    lsn: AtomicU64,
    synced: AtomicU64,
    poisoned: AtomicBool,
    ended: AtomicBool,
    gate: Mutex<()>,
    advanced: Condvar,
    subscribers: Mutex<Vec<Subscriber>>,
    syncs: Histogram,
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Durable {{ lsn: {}, synced: {} }}", self.lsn(), self.synced())
    }
}

impl Durable {
    /// Replies that saw up to here may leave.
    pub fn lsn(&self) -> Lsn {
        self.lsn.load(Ordering::SeqCst)
    }

    /// Batches up to here are on stable storage.
    pub fn synced(&self) -> Lsn {
        self.synced.load(Ordering::SeqCst)
    }

    /// How long syncs took, in microseconds.
    pub fn syncs(&self) -> &Histogram {
        &self.syncs
    }

    /// A write or sync failed: nothing will become durable any more.
    pub fn poisoned(&self) -> bool {
        self.poisoned.load(Ordering::SeqCst)
    }

    /// Whether `lsn` is safe: true once it is, false once it is known that it never will be, `None` before that.
    #[inline]
    pub fn reached(&self, lsn: Lsn) -> Option<bool> {
        if self.lsn() >= lsn {
            return Some(true);
        }
        // Looked at before the position is looked at again: what was reached until the end is safe.
        let over = self.poisoned() || self.ended.load(Ordering::SeqCst);
        match self.lsn() >= lsn {
            true => Some(true),
            false => over.then_some(false),
        }
    }

    /// Blocks until [`Durable::lsn`] reaches `lsn`; false on timeout, on poison, and once the log is closed.
    pub fn wait(&self, lsn: Lsn, timeout: Option<Duration>) -> bool {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut gate = self.gate.lock();
        loop {
            if let Some(reached) = self.reached(lsn) {
                return reached;
            }
            match deadline {
                None => self.advanced.wait(&mut gate),
                Some(at) => {
                    if self.advanced.wait_until(&mut gate, at).timed_out() {
                        return self.lsn() >= lsn;
                    }
                }
            }
        }
    }

    /// Blocks until [`Durable::synced`] reaches `lsn`; false on poison, and once the log is closed.
    pub fn wait_synced(&self, lsn: Lsn) -> bool {
        let mut gate = self.gate.lock();
        while self.synced() < lsn {
            let over = self.poisoned() || self.ended.load(Ordering::SeqCst);
            if over {
                return self.synced() >= lsn;
            }
            self.advanced.wait(&mut gate);
        }
        true
    }

    /// Calls `wake` after each advance, when poisoned, and at the end.
    pub fn subscribe(&self, wake: Box<dyn Fn() + Send + Sync>) {
        self.watch(Box::new(move |_| wake()));
    }

    /// As [`Durable::subscribe`], for those who want to know how far it is.
    pub fn watch(&self, wake: Box<dyn Fn(&Durable) + Send + Sync>) {
        self.subscribers.lock().push(wake);
    }

    pub(crate) fn advance(&self, lsn: Lsn, synced: Lsn) {
        self.lsn.fetch_max(lsn, Ordering::SeqCst);
        self.synced.fetch_max(synced, Ordering::SeqCst);
        self.notify();
    }

    pub(crate) fn poison(&self) {
        self.poisoned.store(true, Ordering::SeqCst);
        self.notify();
    }

    /// The log is closed: what is not safe by now will not be. Nobody waits for it any longer.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.notify();
    }

    fn notify(&self) {
        drop(self.gate.lock());
        self.advanced.notify_all();
        self.subscribers.lock().iter().for_each(|wake| wake(self));
    }
}
