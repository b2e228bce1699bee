//! The engine without a server: what its tests are made of.
//!
//! ```text
//! session files ─┐
//! random commands┴─► Driver ── words ──► table ──► Txn ──► batches, kept as the log
//!                      │                                        │
//!                    replies ◄── compared ──► Model           replay ──► the same digest
//! ```
//!
//! [`Driver`] has shards, a clock that stands still until told otherwise, and named clients. [`session`] runs text
//! files against it, [`model`] is a slow and obvious second opinion, [`workload`] invents commands for both, and
//! [`sentence`] invents words from what a command declares of itself.

#![forbid(unsafe_code)]

pub mod driver;
pub mod fuzz;
pub mod model;
pub mod plain;
pub mod rng;
pub mod sentence;
pub mod session;
pub mod simulation;
pub mod workload;

pub use driver::{Answer, Driver, replayed};
pub use plain::Plain;
pub use rng::Rng;
