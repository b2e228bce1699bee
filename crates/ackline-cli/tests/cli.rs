//! The real binary, driven by redis-rs.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

#[path = "cli/check.rs"]
mod check;
#[path = "cli/crash.rs"]
mod crash;
#[path = "cli/cycle.rs"]
mod cycle;
#[path = "cli/process.rs"]
mod process;
#[path = "cli/transfer.rs"]
mod transfer;
