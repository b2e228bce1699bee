//! The admin port of a running server, over plain sockets.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

#[path = "admin/access.rs"]
mod access;
#[path = "admin/acting.rs"]
mod acting;
#[path = "admin/described.rs"]
mod described;
#[path = "admin/live.rs"]
mod live;
#[path = "admin/looking.rs"]
mod looking;
#[path = "admin/ports.rs"]
mod ports;
#[path = "admin/server.rs"]
mod server;
