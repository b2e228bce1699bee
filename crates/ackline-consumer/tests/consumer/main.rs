//! Consumers: on the engine in this process, and against real servers: Ackline, Redis, Valkey, and several of them together.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

#[cfg(feature = "embedded")]
mod embedded;
mod peers;
mod suite;
