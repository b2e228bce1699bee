//! The condition variable of a model.

use super::explore::times_out;
use super::modelled::{Instant, MutexGuard};
use shuttle::sync as under;
use shuttle::thread::yield_now;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A condition variable that wakes those who wait, and nobody without a reason.
///
/// shuttle knows no time: a wait that may time out stands in a queue of its own and looks at each of its turns whether it
/// was notified; if not, chance decides whether its time has come.
#[derive(Debug, Default)]
pub struct Condvar {
    untimed: under::Condvar,
    timed: Mutex<VecDeque<Arc<AtomicBool>>>,
}

/// Whether a wait ended because of the time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimedOut(bool);

impl TimedOut {
    /// Whether it did.
    pub fn timed_out(self) -> bool {
        self.0
    }
}

impl Condvar {
    /// Nobody waits.
    pub fn new() -> Condvar {
        Condvar::default()
    }

    /// Lets go of the lock until somebody notifies.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.held.take().expect("who waits holds the lock");
        guard.held = Some(self.untimed.wait(held).unwrap_or_else(PoisonError::into_inner));
    }

    /// The same, until `at` at most.
    pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, at: Instant) -> TimedOut {
        if !times_out::possible() {
            self.wait(guard);
            return TimedOut(false);
        }
        let notified = Arc::new(AtomicBool::new(false));
        self.queue().push_back(Arc::clone(&notified));
        guard.held = None;
        let timed_out = self.wait_in_turns(&notified, at);
        guard.held = Some(guard.mutex.acquire());
        TimedOut(timed_out)
    }

    /// The same, for a duration at most.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, timeout: Duration) -> TimedOut {
        self.wait_until(guard, Instant::now() + timeout)
    }

    fn wait_in_turns(&self, notified: &Arc<AtomicBool>, at: Instant) -> bool {
        while !notified.load(SeqCst) {
            if times_out::now() {
                self.queue().retain(|other| !Arc::ptr_eq(other, notified));
                at.reach();
                return true;
            }
            yield_now();
        }
        false
    }

    /// Wakes one who waits.
    pub fn notify_one(&self) {
        let timed = self.queue().pop_front();
        match timed {
            Some(timed) => timed.store(true, SeqCst),
            None => self.untimed.notify_one(),
        }
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        // First a point at which others may go on.
        self.untimed.notify_all();
        self.queue().drain(..).for_each(|timed| timed.store(true, SeqCst));
    }

    /// Never locked across a point at which another thread may go on.
    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<AtomicBool>>> {
        self.timed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
