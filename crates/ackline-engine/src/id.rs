//! Stream entry IDs: two unsigned 64-bit numbers `ms-seq`, ordered by `ms`, then `seq`.

use crate::args::strict_int;
use crate::error::Error;
use std::fmt;

/// The ID of an entry. Replies print it as `ms-seq` in decimal, without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StreamId {
    /// Unix time in milliseconds, for IDs that the server made.
    pub ms: u64,
    /// Position among the entries of one millisecond.
    pub seq: u64,
}

impl StreamId {
    /// `0-0`: below every entry.
    pub const MIN: StreamId = StreamId { ms: 0, seq: 0 };
    /// The last possible ID.
    pub const MAX: StreamId = StreamId { ms: u64::MAX, seq: u64::MAX };
    /// An ID longer than this is refused before its numbers are looked at.
    const TEXT_MAX: usize = 127;

    /// The ID `ms-seq`.
    pub const fn new(ms: u64, seq: u64) -> StreamId {
        StreamId { ms, seq }
    }

    /// The next ID; `None` after [`StreamId::MAX`].
    pub fn next(self) -> Option<StreamId> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(StreamId { ms: self.ms, seq }),
            None => Some(StreamId { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The previous ID; `None` before [`StreamId::MIN`].
    pub fn previous(self) -> Option<StreamId> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(StreamId { ms: self.ms, seq }),
            None => Some(StreamId { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// A complete or partial ID; `missing_seq` stands for an absent sequence. The words `-` and `+` are not IDs here.
    pub fn parse(text: &[u8], missing_seq: u64) -> Result<StreamId, Error> {
        Self::read(text, missing_seq).ok_or(Error::INVALID_ID)
    }

    /// As [`StreamId::parse`], where `-` and `+` stand for the smallest and the largest ID.
    pub fn parse_lenient(text: &[u8], missing_seq: u64) -> Result<StreamId, Error> {
        match text {
            b"-" => Ok(StreamId::MIN),
            b"+" => Ok(StreamId::MAX),
            _ => Self::parse(text, missing_seq),
        }
    }

    /// The first bound of an interval: `(` makes it exclusive, a missing sequence is 0.
    pub fn parse_start(text: &[u8]) -> Result<StreamId, Error> {
        match exclusive(text) {
            Some(rest) => Self::parse(rest, 0)?
                .next()
                .ok_or(Error::from_static("ERR invalid start ID for the interval")),
            None => Self::parse_lenient(text, 0),
        }
    }

    /// The last bound of an interval: `(` makes it exclusive, a missing sequence is the largest.
    pub fn parse_end(text: &[u8]) -> Result<StreamId, Error> {
        match exclusive(text) {
            Some(rest) => {
                let id = Self::parse(rest, u64::MAX)?;
                id.previous().ok_or(Error::from_static("ERR invalid end ID for the interval"))
            }
            None => Self::parse_lenient(text, u64::MAX),
        }
    }

    fn read(text: &[u8], missing_seq: u64) -> Option<StreamId> {
        if text.len() > Self::TEXT_MAX {
            return None;
        }
        match text.iter().position(|&b| b == b'-') {
            None => Some(StreamId { ms: unsigned(text)?, seq: missing_seq }),
            Some(at) => Some(StreamId { ms: unsigned(&text[..at])?, seq: sequence(&text[at + 1..])? }),
        }
    }
}

fn exclusive(text: &[u8]) -> Option<&[u8]> {
    (text.len() > 1 && text[0] == b'(').then(|| &text[1..])
}

/// The number reader of Redis 8.6: leading blanks, one leading `+` and leading zeros are tolerated.
pub(crate) fn unsigned(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii_start();
    let digits = text.strip_prefix(b"+").unwrap_or(text);
    decimal(digits)
}

/// As [`unsigned`], and a minus sign wraps modulo 2^64, unless what it makes is a plain negative number: `-07`, not `-7`.
fn sequence(text: &[u8]) -> Option<u64> {
    if strict_int(text).is_some_and(|n| n < 0) {
        return None;
    }
    match text.trim_ascii_start().strip_prefix(b"-") {
        Some(digits) => decimal(digits).map(u64::wrapping_neg),
        None => unsigned(text),
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |n, &b| {
        b.is_ascii_digit().then_some(())?;
        n.checked_mul(10)?.checked_add(u64::from(b - b'0'))
    })
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_redis_reads() {
        let id = |s: &str| StreamId::read(s.as_bytes(), 0);
        assert_eq!(id("07-01"), Some(StreamId::new(7, 1)));
        assert_eq!(id(" 7-0"), Some(StreamId::new(7, 0)));
        assert_eq!(id("+8-0"), Some(StreamId::new(8, 0)));
        assert_eq!(id("10- 3"), Some(StreamId::new(10, 3)));
        assert_eq!(id("9--7"), None);
        assert_eq!(id("9--07"), Some(StreamId::new(9, 18446744073709551609)));
        for bad in ["", "-", "-1", "1-", "a-1", "1-1x", "18446744073709551616-0"] {
            assert_eq!(id(bad), None, "{bad}");
        }
    }

    #[test]
    fn exclusive_bounds_step_over_the_edge() {
        assert_eq!(StreamId::parse_start(b"(1"), Ok(StreamId::new(1, 1)));
        assert_eq!(StreamId::parse_end(b"(2"), Ok(StreamId::new(2, u64::MAX - 1)));
        assert!(StreamId::parse_start(b"(-").is_err());
        assert!(StreamId::parse_end(b"(0-0").is_err());
    }
}
