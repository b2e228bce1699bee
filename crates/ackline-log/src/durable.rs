//! The watch on durability: how far the log is safe, and who wants to know.

use crate::Lsn;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Condvar, Instant, Mutex};
use std::fmt;
use std::time::Duration;

type Subscriber = Box<dyn Fn() + Send + Sync>;

/// How far the log is safe.
#[derive(Default)]
pub struct Durable {
    lsn: AtomicU64,
    synced: AtomicU64,
    poisoned: AtomicBool,
    gate: Mutex<()>,
    advanced: Condvar,
    subscribers: Mutex<Vec<Subscriber>>,
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

    /// A write or sync failed: nothing will become durable any more.
    pub fn poisoned(&self) -> bool {
        self.poisoned.load(Ordering::SeqCst)
    }

    /// Blocks until [`Durable::lsn`] reaches `lsn`; false on timeout or poison.
    pub fn wait(&self, lsn: Lsn, timeout: Option<Duration>) -> bool {
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let mut gate = self.gate.lock();
        while self.lsn() < lsn {
            if self.poisoned() {
                return false;
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
        true
    }

    /// Blocks until [`Durable::synced`] reaches `lsn`; false on poison.
    pub fn wait_synced(&self, lsn: Lsn) -> bool {
        let mut gate = self.gate.lock();
        while self.synced() < lsn {
            if self.poisoned() {
                return false;
            }
            self.advanced.wait(&mut gate);
        }
        true
    }

    /// Calls `wake` after each advance, and when poisoned.
    pub fn subscribe(&self, wake: Box<dyn Fn() + Send + Sync>) {
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

    fn notify(&self) {
        drop(self.gate.lock());
        self.advanced.notify_all();
        self.subscribers.lock().iter().for_each(|wake| wake());
    }
}
