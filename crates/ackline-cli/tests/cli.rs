//! The real binary, driven by redis-rs, and over raw sockets where a client library would be too polite.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

#[path = "cli/abuse/mod.rs"]
mod abuse;
#[path = "cli/acl.rs"]
mod acl;
#[path = "cli/bench.rs"]
mod bench;
#[path = "cli/check.rs"]
mod check;
#[path = "cli/config/mod.rs"]
mod config;
#[path = "cli/crash.rs"]
mod crash;
#[path = "cli/cve.rs"]
mod cve;
#[path = "cli/cycle.rs"]
mod cycle;
#[path = "cli/limits.rs"]
mod limits;
#[path = "cli/process.rs"]
mod process;
#[path = "cli/sockets.rs"]
mod sockets;
#[path = "cli/tls/mod.rs"]
mod tls;
#[path = "cli/transfer.rs"]
mod transfer;
