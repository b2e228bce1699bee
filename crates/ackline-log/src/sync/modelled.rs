//! Mutex, atomics, threads and the clock of a model: shuttle's behind the interface of `parking_lot`.

use shuttle::sync as under;
use std::cell::Cell;
use std::ops::{Add, Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Duration;

pub use shuttle::sync::atomic;

/// A lock whose every use is a point at which another thread may go on.
#[derive(Debug, Default)]
pub struct Mutex<T>(under::Mutex<T>);

impl<T> Mutex<T> {
    /// An open lock.
    pub const fn new(value: T) -> Mutex<T> {
        Mutex(under::Mutex::new(value))
    }

    /// Waits for the lock. A thread that panics ends the whole execution, so that there is no poison.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard { mutex: self, held: Some(self.acquire()) }
    }

    /// The lock, if nobody has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok().map(|held| MutexGuard { mutex: self, held: Some(held) })
    }

    pub(super) fn acquire(&self) -> under::MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A held lock; a condition variable can let go of it and take it again.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    pub(super) mutex: &'a Mutex<T>,
    pub(super) held: Option<under::MutexGuard<'a, T>>,
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.as_ref().expect("a guard holds its lock unless it waits")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.held.as_mut().expect("a guard holds its lock unless it waits")
    }
}

thread_local! {
    // All threads of a model run on one of the system's.
    static CLOCK: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// A moment on the clock of the model, which goes on only when somebody sleeps or a wait times out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Instant(Duration);

impl Instant {
    /// Now.
    pub fn now() -> Instant {
        Instant(CLOCK.get())
    }

    /// What has passed since then.
    pub fn elapsed(&self) -> Duration {
        CLOCK.get().saturating_sub(self.0)
    }

    pub(super) fn reach(self) {
        CLOCK.set(CLOCK.get().max(self.0));
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, later: Duration) -> Instant {
        Instant(self.0 + later)
    }
}

pub(super) fn pass(duration: Duration) {
    CLOCK.set(CLOCK.get() + duration);
}

pub(super) fn reset() {
    CLOCK.set(Duration::ZERO);
}
