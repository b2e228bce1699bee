//! RESP2 and RESP3: bytes to arguments, replies to bytes. Knows no command.
//!
//! ```text
//! request = "*" count CRLF ("$" length CRLF bytes CRLF){count}    array form
//!         | word (blank word)* LF                                 inline form
//!
//! decode         incremental, answers ranges of its input     uses inline, number
//! inline         words of a typed line, with quotes
//! encode         replies of a server, requests of a client    uses double
//! decode_reply   replies back to values, for tests and tools
//! ```

#![forbid(unsafe_code)]

mod decode;
pub mod decode_reply;
mod double;
pub mod encode;
mod error;
mod inline;
mod number;

pub use decode::{Decoder, Limits, Request};
pub use error::ProtocolError;
pub use inline::{quote, words};

/// The version of the protocol that replies are written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// RESP2, which every connection begins with.
    #[default]
    Resp2,
    /// RESP3, after HELLO 3.
    Resp3,
}
