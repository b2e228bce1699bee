//! What ends a connection: requests that break the protocol.

use std::fmt;

/// A request that breaks the protocol: one error reply, then the connection closes.
///
/// `Display` is the whole text of that reply, `ERR ` included. [`crate::encode::Writer::protocol_error`] writes it
/// with the offending byte as it came, which a `str` cannot hold if it is above 127.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProtocolError {
    /// Inline quotes without an end, or with something glued to it.
    UnbalancedQuotes,
    /// No end of line within the limit.
    InlineTooLong,
    /// The array header is no number, or too large.
    ArrayLength,
    /// No end of the array header within the limit.
    ArrayHeaderTooLong,
    /// Something else than `$` where an argument begins.
    ExpectedBulk(u8),
    /// The argument header is no number, negative, or too large.
    BulkLength,
    /// No end of an argument's header within the limit.
    BulkHeaderTooLong,
    /// Too many words before authentication.
    UnauthenticatedArray,
    /// Too long a word before authentication.
    UnauthenticatedBulk,
    /// The first word is `POST` or `Host:`, so a browser was tricked into talking to us: the connection closes
    /// without a word.
    HttpGuard,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            ProtocolError::UnbalancedQuotes => "unbalanced quotes in request",
            ProtocolError::InlineTooLong => "too big inline request",
            ProtocolError::ArrayLength => "invalid multibulk length",
            ProtocolError::ArrayHeaderTooLong => "too big mbulk count string",
            ProtocolError::BulkLength => "invalid bulk length",
            ProtocolError::BulkHeaderTooLong => "too big bulk count string",
            ProtocolError::UnauthenticatedArray => "unauthenticated multibulk length",
            ProtocolError::UnauthenticatedBulk => "unauthenticated bulk length",
            ProtocolError::HttpGuard => "HTTP request",
            ProtocolError::ExpectedBulk(found) => {
                return write!(f, "ERR Protocol error: expected '$', got '{}'", char::from(*found));
            }
        };
        write!(f, "ERR Protocol error: {text}")
    }
}

impl std::error::Error for ProtocolError {}
