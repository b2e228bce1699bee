//! Against real servers: Ackline, Redis, Valkey, and several of them together. And what consumers tell about themselves.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

mod observe;
mod peers;
