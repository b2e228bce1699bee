//! The real binary, driven by redis-rs.

#[path = "cli/crash.rs"]
mod crash;
#[path = "cli/cycle.rs"]
mod cycle;
#[path = "cli/process.rs"]
mod process;
