//! Looking after a server with streams: what the console, the command line and the admin port share.
//!
//! ```text
//! client   one blocking connection: TCP, TLS, a socket file, or into the server of this process
//! reply    picking facts out of replies, RESP2 and RESP3 alike
//! words    commands and binary names as they are shown, and in JSON
//! view     streams, groups, consumers and pending entries as values, over any server with Redis Streams
//! doctor   why is this group stuck: a pure function of such values        (uses view)
//! http     the admin port: JSON, events, metrics, health, the console     (uses all of them)
//! ```
//!
//! Everything is said in commands of the Redis protocol, also within the server's own process: access control, the log and
//! the gate then hold for the console as for everybody else, and every action can show the command that it is.

#![forbid(unsafe_code)]

pub mod client;
pub mod doctor;
pub mod http;
pub mod metrics;
pub mod reply;
pub mod view;
pub mod words;

pub use ackline_resp::decode_reply::Value;
pub use client::{Address, Client, Error};
