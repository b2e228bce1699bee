//! The server: sessions, event loops, configuration, and the commands around the engine's.
//!
//! ```text
//! driver (threads, sockets) ── session (bytes in, bytes out) ── dispatch ── engine, or a command of the server
//! ```

#![forbid(unsafe_code)]

mod acl;
mod batch;
mod clients;
mod commands;
pub mod config;
mod dispatch;
mod driver;
mod encode;
mod handle;
mod mail;
mod memory;
mod monitor;
mod net;
mod observation;
pub mod offline;
mod output;
mod pubsub;
mod pulse;
mod rates;
mod session;
mod shared;
mod signals;
mod slowlog;
mod start;
mod stats;
mod supervision;
mod tls;

pub use commands::connection::REDIS_VERSION;
pub use handle::{Handle, Who};
pub use observation::{CommandTimes, Observation};
pub use start::{StartError, run};
