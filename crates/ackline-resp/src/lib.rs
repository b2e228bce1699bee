//! RESP2 and RESP3: bytes to arguments, replies to bytes. Knows no command.
//!
//! ```text
//! request = "*" count CRLF ("$" length CRLF bytes CRLF){count}    array form
//!         | word (blank word)* LF                                 inline form
//! ```

#![forbid(unsafe_code)]

mod decode;
pub mod encode;
mod inline;

pub use decode::{Decoder, Limits, ProtocolError, Request};

/// The version of the protocol that replies are written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// RESP2, which every connection begins with.
    #[default]
    Resp2,
    /// RESP3, after HELLO 3.
    Resp3,
}
