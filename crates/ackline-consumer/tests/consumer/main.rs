//! Consumers: on the engine in this process, and against real servers: Ackline, Redis, Valkey, and several of them together.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

#[cfg(feature = "embedded")]
mod embedded;
#[cfg(feature = "embedded")]
mod first_use;
#[cfg(all(feature = "embedded", feature = "redis"))]
mod fleets;
#[cfg(feature = "embedded")]
mod observe;
mod peers;
#[cfg(feature = "embedded")]
mod property;
#[cfg(feature = "redis")]
mod servers;
mod suite;
#[cfg(feature = "embedded")]
mod time;
