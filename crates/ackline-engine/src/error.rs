//! Error replies. Their texts are an API: clients match on them.

use std::borrow::Cow;
use std::fmt;

/// An error reply without its leading `-`; the first word is the code that clients dispatch on.
///
/// The text may hold raw bytes of a key or group name; CR and LF are replaced when it is written to the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Cow<'static, [u8]>);

impl Error {
    /// A generic wrong option or wrong tail.
    pub const SYNTAX: Error = Error::from_static("ERR syntax error");
    /// An integer option that is not a 64-bit signed decimal.
    pub const NOT_AN_INTEGER: Error = Error::from_static("ERR value is not an integer or out of range");
    /// The key must exist.
    pub const NO_SUCH_KEY: Error = Error::from_static("ERR no such key");
    /// The key holds another type.
    pub const WRONG_TYPE: Error =
        Error::from_static("WRONGTYPE Operation against a key holding the wrong kind of value");
    /// A malformed entry ID.
    pub const INVALID_ID: Error =
        Error::from_static("ERR Invalid stream ID specified as stream command argument");

    /// An error with a fixed text.
    pub const fn from_static(text: &'static str) -> Error {
        Error(Cow::Borrowed(text.as_bytes()))
    }

    /// An error whose text holds raw parts, concatenated.
    pub fn concat(parts: &[&[u8]]) -> Error {
        Error(Cow::Owned(parts.concat()))
    }

    /// `ERR wrong number of arguments for 'name' command`; `name` in lower case, subcommands as `xgroup|create`.
    pub fn arity(name: &str) -> Error {
        Error::concat(&[b"ERR wrong number of arguments for '", name.as_bytes(), b"' command"])
    }

    /// The wording of XPENDING, XCLAIM, XAUTOCLAIM and XNACK for a missing key or group.
    pub fn no_group(key: &[u8], group: &[u8]) -> Error {
        Error::concat(&[b"NOGROUP No such key '", c_str(key), b"' or consumer group '", c_str(group), b"'"])
    }

    /// The first word, which says of what kind it is: `NOGROUP`, `WRONGTYPE`, mostly `ERR`.
    pub fn code(&self) -> &str {
        let word = self.0.split(|&b| b == b' ').next().unwrap_or_default();
        std::str::from_utf8(word).unwrap_or_default()
    }

    /// The text, without the leading `-`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Names end at their first NUL in error texts, as everywhere that a name is printed as a C string.
pub(crate) fn c_str(name: &[u8]) -> &[u8] {
    name.split(|&b| b == 0).next().unwrap_or(name)
}

impl From<String> for Error {
    fn from(text: String) -> Error {
        Error(Cow::Owned(text.into_bytes()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
