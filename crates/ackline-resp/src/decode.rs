//! The request decoder: incremental, so that a large argument arriving in pieces is never scanned twice.
//!
//! ```text
//! input   *3\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1 ...
//!         └──────── parsed ────────────┘ └ pos
//! words   [8..12, 18..19]                left = 1
//! ```

use crate::inline;
use memchr::memchr;
use std::fmt;
use std::ops::Range;

/// Limits of requests.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one argument; default 512 MiB.
    pub bulk_max: usize,
    /// Arguments of one request; default 2^31-1.
    pub args_max: usize,
    /// Bytes of an inline request, or of a header without its end; default 64 KiB.
    pub inline_max: usize,
    /// Before authentication a request has at most 10 words of 16384 bytes each.
    pub authenticated: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bulk_max: 512 << 20, args_max: i32::MAX as usize, inline_max: 64 << 10, authenticated: true }
    }
}

const UNAUTHENTICATED_WORDS: i64 = 10;
const UNAUTHENTICATED_BULK: i64 = 16384;

/// A request that breaks the protocol: one error reply, then the connection closes.
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
    /// A browser speaks HTTP: the connection closes without a word.
    HttpGuard,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ERR Protocol error: ")?;
        match self {
            ProtocolError::UnbalancedQuotes => f.write_str("unbalanced quotes in request"),
            ProtocolError::InlineTooLong => f.write_str("too big inline request"),
            ProtocolError::ArrayLength => f.write_str("invalid multibulk length"),
            ProtocolError::ArrayHeaderTooLong => f.write_str("too big mbulk count string"),
            ProtocolError::ExpectedBulk(found) => write!(f, "expected '$', got '{}'", char::from(*found)),
            ProtocolError::BulkLength => f.write_str("invalid bulk length"),
            ProtocolError::BulkHeaderTooLong => f.write_str("too big bulk count string"),
            ProtocolError::UnauthenticatedArray => f.write_str("unauthenticated multibulk length"),
            ProtocolError::UnauthenticatedBulk => f.write_str("unauthenticated bulk length"),
            ProtocolError::HttpGuard => f.write_str("HTTP"),
        }
    }
}

impl std::error::Error for ProtocolError {}

/// One request: ranges of `bytes`.
#[derive(Debug)]
pub struct Request<'a> {
    bytes: &'a [u8],
    words: &'a [Range<usize>],
    consumed: usize,
}

impl<'a> Request<'a> {
    /// The input itself, or the words of an inline request with their quotes resolved.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where each word lies in [`Request::bytes`].
    pub fn words(&self) -> &'a [Range<usize>] {
        self.words
    }

    /// Bytes of input that the request used.
    pub fn consumed(&self) -> usize {
        self.consumed
    }

    /// Whether it is an empty one (`*0`, a blank line), which gets no reply.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

/// Keeps what was parsed of an unfinished request.
#[derive(Debug, Default)]
pub struct Decoder {
    words: Vec<Range<usize>>,
    scratch: Vec<u8>,
    /// Arguments still to come; `None` before the array header.
    left: Option<usize>,
    /// Length of the argument whose header was read.
    bulk: Option<usize>,
    /// What of the input is parsed.
    pos: usize,
    wanted: usize,
}

impl Decoder {
    /// A decoder between two requests.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Completes the next request from `input`: all bytes that are not consumed. After a `None`, `input` must begin
    /// with the same bytes as before.
    pub fn decode<'a>(
        &'a mut self,
        input: &'a [u8],
        limits: &Limits,
    ) -> Result<Option<Request<'a>>, ProtocolError> {
        let Some(&first) = input.first() else { return Ok(None) };
        if first != b'*' {
            return self.decode_inline(input, limits);
        }
        if self.left.is_none() && !self.read_array_header(input, limits)? {
            return Ok(None);
        }
        while self.left.is_some_and(|left| left > 0) {
            if !self.read_word(input, limits)? {
                return Ok(None);
            }
        }
        let consumed = self.pos;
        self.reset();
        Ok(Some(Request { bytes: input, words: &self.words, consumed }))
    }

    /// Bytes that the input must at least have before a request can be complete; 0 = unknown.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    fn reset(&mut self) {
        (self.left, self.bulk, self.pos, self.wanted) = (None, None, 0, 0);
    }

    fn read_array_header(&mut self, input: &[u8], limits: &Limits) -> Result<bool, ProtocolError> {
        self.words.clear();
        let Some((text, end)) = header(input, 1, limits.inline_max, ProtocolError::ArrayHeaderTooLong)? else {
            return Ok(false);
        };
        let count = number(text).filter(|n| *n <= limits.args_max as i64).ok_or(ProtocolError::ArrayLength)?;
        if !limits.authenticated && count > UNAUTHENTICATED_WORDS {
            return Err(ProtocolError::UnauthenticatedArray);
        }
        self.left = Some(count.max(0) as usize);
        self.pos = end;
        Ok(true)
    }

    /// One argument; false if it is not all there.
    fn read_word(&mut self, input: &[u8], limits: &Limits) -> Result<bool, ProtocolError> {
        let len = match self.bulk {
            Some(len) => len,
            None => match self.read_bulk_header(input, limits)? {
                Some(len) => len,
                None => return Ok(false),
            },
        };
        // The two bytes behind the payload are skipped unchecked, as Redis does.
        let end = self.pos + len + 2;
        if input.len() < end {
            self.wanted = end;
            return Ok(false);
        }
        self.words.push(self.pos..self.pos + len);
        self.pos = end;
        self.bulk = None;
        self.left = self.left.map(|left| left - 1);
        Ok(true)
    }

    fn read_bulk_header(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let Some(&marker) = input.get(self.pos) else { return Ok(None) };
        let too_long = ProtocolError::BulkHeaderTooLong;
        let Some((text, end)) = header(input, self.pos + 1, limits.inline_max, too_long)? else {
            return Ok(None);
        };
        if marker != b'$' {
            return Err(ProtocolError::ExpectedBulk(marker));
        }
        let len = number(text).filter(|n| (0..=limits.bulk_max as i64).contains(n));
        let len = len.ok_or(ProtocolError::BulkLength)?;
        if !limits.authenticated && len > UNAUTHENTICATED_BULK {
            return Err(ProtocolError::UnauthenticatedBulk);
        }
        self.pos = end;
        self.bulk = Some(len as usize);
        Ok(self.bulk)
    }

    fn decode_inline<'a>(
        &'a mut self,
        input: &'a [u8],
        limits: &Limits,
    ) -> Result<Option<Request<'a>>, ProtocolError> {
        let Some(end) = memchr(b'\n', input) else {
            return match input.len() > limits.inline_max {
                true => Err(ProtocolError::InlineTooLong),
                false => Ok(None),
            };
        };
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        self.words.clear();
        self.scratch.clear();
        inline::split(line, &mut self.scratch, &mut self.words).ok_or(ProtocolError::UnbalancedQuotes)?;
        let first = self.words.first().map_or(&b""[..], |range| &self.scratch[range.clone()]);
        if first.eq_ignore_ascii_case(b"POST") || first.eq_ignore_ascii_case(b"Host:") {
            return Err(ProtocolError::HttpGuard);
        }
        self.reset();
        Ok(Some(Request { bytes: &self.scratch, words: &self.words, consumed: end + 1 }))
    }
}

/// The text of a header that begins at `from`, and the position behind its end.
fn header(
    input: &[u8],
    from: usize,
    max: usize,
    too_long: ProtocolError,
) -> Result<Option<(&[u8], usize)>, ProtocolError> {
    let rest = &input[from..];
    match memchr(b'\r', rest) {
        Some(len) if from + len + 2 <= input.len() => Ok(Some((&rest[..len], from + len + 2))),
        Some(_) => Ok(None),
        None if rest.len() > max => Err(too_long),
        None => Ok(None),
    }
}

/// A strict decimal: no plus, no blanks, no leading zeros.
fn number(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let well_formed = matches!((digits, negative), ([b'0'], false) | ([b'1'..=b'9', ..], _));
    if !well_formed || digits.len() > 18 {
        return None;
    }
    let value = digits.iter().try_fold(0i64, |n, b| b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0')))?;
    Some(if negative { -value } else { value })
}
