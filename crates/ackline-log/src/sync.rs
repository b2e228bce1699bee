//! Locks, condition variables, atomics, threads and the clock, as the log uses them.
//!
//! Ordinary builds have those of `parking_lot` and of the standard library. With the feature `model` they are those of
//! `shuttle`, which tries the orders in which threads may run; nothing works outside of `explore` then.

#[cfg(not(feature = "model"))]
mod real {
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
    pub(crate) use std::sync::atomic;
    pub(crate) use std::thread;
    pub(crate) use std::time::Instant;
}

#[cfg(not(feature = "model"))]
pub(crate) use real::*;

#[cfg(feature = "model")]
mod condvar;
#[cfg(feature = "model")]
mod explore;
#[cfg(feature = "model")]
mod modelled;
#[cfg(feature = "model")]
pub mod thread;

#[cfg(feature = "model")]
pub use condvar::{Condvar, TimedOut};
#[cfg(feature = "model")]
pub use explore::{Timeouts, explore, explore_all};
#[cfg(feature = "model")]
pub use modelled::{Instant, Mutex, MutexGuard, atomic};
