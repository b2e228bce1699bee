//! Against real servers: Ackline, Redis, Valkey, and several of them together.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

mod fleets;
mod peers;
