//! The request decoder: incremental, so that a large argument arriving in pieces is never scanned twice.
//!
//! ```text
//! input   *3\r\n$4\r\nXADD\r\n$1\r\ns\r\n$12345 ...
//!         └─────────── parsed ──────────┘└ pos └ seen: no end of line before
//! words   [8..12, 18..19]                left = 1
//! ```
//!
//! Whatever the pieces are, the answers are the same: no decision looks at bytes beyond those it is about.

use crate::error::ProtocolError;
use crate::{inline, number};
use memchr::memchr;
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

const UNAUTHENTICATED_WORDS: usize = 10;
const UNAUTHENTICATED_BULK: usize = 16384;

/// The largest number of three digits.
const SHORT_MAX: usize = 999;

/// What a request may reserve by its mere count; more grows with the words that really arrive.
const WORDS_AHEAD: usize = 16;
/// One enormous request shall not hold its memory for as long as the connection lives.
const WORDS_KEPT: usize = 4096;

/// One request: ranges of `bytes`.
#[derive(Clone, Copy, Debug)]
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

    /// The words themselves.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        self.words.iter().map(move |range| &bytes[range.clone()])
    }

    /// Bytes of input that the request used.
    pub fn consumed(&self) -> usize {
        self.consumed
    }

    /// Whether it is an empty one (`*0`, a blank line), which gets no reply.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    fn looks_like_http(&self) -> bool {
        let is = |word: &[u8]| word.eq_ignore_ascii_case(b"POST") || word.eq_ignore_ascii_case(b"Host:");
        self.iter().next().is_some_and(is)
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
    /// What of the input was searched for the end of a line.
    seen: usize,
    wanted: usize,
    /// Of the last complete request: the bytes that it used, and whether its words lie in the scratch buffer.
    last: (usize, bool),
}

impl Decoder {
    /// A decoder between two requests.
    pub fn new() -> Decoder {
        Decoder::default()
    }

    /// Completes the next request from `input`: all bytes that are not consumed. After `Ok(None)`, `input` must
    /// begin with the same bytes as before; after a request or an error the decoder is as new.
    pub fn decode<'a>(
        &'a mut self,
        input: &'a [u8],
        limits: &Limits,
    ) -> Result<Option<Request<'a>>, ProtocolError> {
        let is_array = match input.first() {
            Some(first) => *first == b'*',
            None => return Ok(None),
        };
        let end = match is_array {
            true => self.array(input, limits),
            false => self.inline(input, limits),
        };
        let Some(consumed) = end.inspect_err(|_| self.reset())? else { return Ok(None) };
        self.reset();
        self.last = (consumed, !is_array);
        let request = self.last(input);
        if request.looks_like_http() { Err(ProtocolError::HttpGuard) } else { Ok(Some(request)) }
    }

    /// The request that was decoded last, from the input that it was decoded from.
    pub fn last<'a>(&'a self, input: &'a [u8]) -> Request<'a> {
        let (consumed, inline) = self.last;
        Request { bytes: if inline { &self.scratch } else { input }, words: &self.words, consumed }
    }

    /// Bytes that the input must at least have before a request can be complete; 0 = unknown.
    ///
    /// The peer chooses this number, up to [`Limits::bulk_max`], before it has sent anything.
    pub fn wanted(&self) -> usize {
        self.wanted
    }

    fn reset(&mut self) {
        (self.left, self.bulk, self.pos, self.seen, self.wanted) = (None, None, 0, 0, 0);
    }

    /// Goes on with an array request; answers where it ends.
    fn array(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let mut left = match self.left {
            Some(left) => left,
            None => match self.array_header(input, limits)? {
                Some(count) => count,
                None => return Ok(None),
            },
        };
        while left > 0 {
            left -= self.short_words(input, left, limits);
            if left > 0 && !self.word(input, limits)? {
                self.left = Some(left);
                return Ok(None);
            }
            left = left.saturating_sub(1);
        }
        Ok(Some(self.pos))
    }

    fn array_header(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let short = short_header(b'*', input).filter(|_| limits.inline_max > SHORT_MAX);
        let (count, next) = match short {
            Some(read) => read,
            None => match self.any_array_header(input, limits)? {
                Some(read) => read,
                None => return Ok(None),
            },
        };
        if count > limits.args_max {
            return Err(ProtocolError::ArrayLength);
        }
        if !limits.authenticated && count > UNAUTHENTICATED_WORDS {
            return Err(ProtocolError::UnauthenticatedArray);
        }
        self.begin(count);
        self.pos = next;
        Ok(Some(count))
    }

    /// Any header of a request: its count, and where the first argument begins.
    fn any_array_header(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> Result<Option<(usize, usize)>, ProtocolError> {
        let Some(end) = self.header_end(input, limits, ProtocolError::ArrayHeaderTooLong)? else {
            return Ok(None);
        };
        let count = number::strict(&input[1..end]).ok_or(ProtocolError::ArrayLength)?;
        // Negative ones are empty requests.
        Ok(Some((usize::try_from(count).unwrap_or(0), end + 2)))
    }

    fn begin(&mut self, count: usize) {
        self.words.clear();
        if self.words.capacity() > WORDS_KEPT {
            self.words.shrink_to(WORDS_AHEAD);
        }
        self.words.reserve(count.min(WORDS_AHEAD));
    }

    /// Takes the short arguments that are all there, as most are; answers how many. What it leaves is for
    /// [`Decoder::word`], which knows every case.
    fn short_words(&mut self, input: &[u8], left: usize, limits: &Limits) -> usize {
        let allowed = limits.bulk_max > SHORT_MAX && limits.inline_max > SHORT_MAX;
        if self.bulk.is_some() || !allowed {
            return 0;
        }
        let (mut pos, mut taken) = (self.pos, 0);
        while taken < left {
            let Some((len, used)) = input.get(pos..).and_then(|rest| short_header(b'$', rest)) else { break };
            let (start, end) = (pos + used, pos + used + len + 2);
            if end > input.len() {
                break;
            }
            self.words.push(start..start + len);
            (pos, taken) = (end, taken + 1);
        }
        self.pos = pos;
        taken
    }

    /// One argument; false if it is not all there.
    fn word(&mut self, input: &[u8], limits: &Limits) -> Result<bool, ProtocolError> {
        let len = match self.bulk {
            Some(len) => len,
            None => match self.bulk_header(input, limits)? {
                Some(len) => len,
                None => return Ok(false),
            },
        };
        // The two bytes behind the payload are skipped unchecked, as Redis does.
        let end = self.pos + len + 2;
        if input.len() < end {
            (self.bulk, self.wanted) = (Some(len), end);
            return Ok(false);
        }
        self.words.push(self.pos..self.pos + len);
        (self.bulk, self.wanted, self.pos) = (None, 0, end);
        Ok(true)
    }

    fn bulk_header(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let Some((len, next)) = self.any_bulk_header(input, limits)? else { return Ok(None) };
        if len > limits.bulk_max {
            return Err(ProtocolError::BulkLength);
        }
        if !limits.authenticated && len > UNAUTHENTICATED_BULK {
            return Err(ProtocolError::UnauthenticatedBulk);
        }
        self.pos = next;
        Ok(Some(len))
    }

    /// Any header of an argument: its length, and where the payload begins.
    fn any_bulk_header(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> Result<Option<(usize, usize)>, ProtocolError> {
        let Some(end) = self.header_end(input, limits, ProtocolError::BulkHeaderTooLong)? else {
            return Ok(None);
        };
        if input[self.pos] != b'$' {
            return Err(ProtocolError::ExpectedBulk(input[self.pos]));
        }
        let len = number::strict(&input[self.pos + 1..end]).and_then(|len| usize::try_from(len).ok());
        Ok(Some((len.ok_or(ProtocolError::BulkLength)?, end + 2)))
    }

    /// Where the CR of the header at `pos` is, once the byte behind it has come too, whatever that is.
    fn header_end(
        &mut self,
        input: &[u8],
        limits: &Limits,
        too_long: ProtocolError,
    ) -> Result<Option<usize>, ProtocolError> {
        let end = self.line_end(b'\r', input, limits, too_long)?;
        Ok(end.filter(|end| end + 1 < input.len()))
    }

    /// Searches for the end of the line at `pos`, where no earlier call has searched.
    fn line_end(
        &mut self,
        mark: u8,
        input: &[u8],
        limits: &Limits,
        too_long: ProtocolError,
    ) -> Result<Option<usize>, ProtocolError> {
        let stop = input.len().min(self.pos.saturating_add(limits.inline_max).saturating_add(1));
        let from = self.seen.max(self.pos).min(stop);
        let found = memchr(mark, &input[from..stop]).map(|at| from + at);
        self.seen = found.unwrap_or(stop);
        match found {
            None if stop.saturating_sub(self.pos) > limits.inline_max => Err(too_long),
            found => Ok(found),
        }
    }

    /// Tries an inline request; answers where it ends.
    fn inline(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, ProtocolError> {
        let Some(end) = self.line_end(b'\n', input, limits, ProtocolError::InlineTooLong)? else {
            return Ok(None);
        };
        self.words.clear();
        self.scratch.clear();
        inline::split(&input[..end], &mut self.scratch, &mut self.words)
            .ok_or(ProtocolError::UnbalancedQuotes)?;
        Ok(Some(end + 1))
    }
}

/// A header of up to three digits, as most are: its number, and the bytes that it takes.
fn short_header(marker: u8, rest: &[u8]) -> Option<(usize, usize)> {
    let digit = |byte: u8| usize::from(byte - b'0');
    match *rest {
        [first, ones @ b'0'..=b'9', b'\r', _, ..] if first == marker => Some((digit(ones), 4)),
        [first, tens @ b'1'..=b'9', ones @ b'0'..=b'9', b'\r', _, ..] if first == marker => {
            Some((digit(tens) * 10 + digit(ones), 5))
        }
        [first, hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9', b'\r', _, ..]
            if first == marker =>
        {
            Some((digit(hundreds) * 100 + digit(tens) * 10 + digit(ones), 6))
        }
        _ => None,
    }
}
