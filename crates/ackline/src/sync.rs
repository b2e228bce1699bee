//! Locks, condition variables, atomics and threads, as the broker uses them: those of a model with the feature `model`,
//! see `ackline_log::sync`.

#[cfg(feature = "model")]
pub(crate) use ackline_log::sync::{Condvar, Mutex, MutexGuard, atomic, thread};
#[cfg(not(feature = "model"))]
pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
#[cfg(not(feature = "model"))]
pub(crate) use std::{sync::atomic, thread};
