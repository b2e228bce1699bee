//! Stream entry IDs: two unsigned 64-bit numbers `ms-seq`, ordered by `ms`, then `seq`.

use crate::args::strict_int;
use crate::error::Error;
use std::fmt;
use std::str::FromStr;

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
    let (mut n, mut rest) = (0u64, digits);
    if digits.len() <= SURE {
        while let Some((eight, behind)) = rest.split_first_chunk() {
            (n, rest) = (n * 100_000_000 + eight_digits(*eight)?, behind);
        }
    }
    let ones = rest.iter().try_fold(n, |n, &b| {
        b.is_ascii_digit().then_some(())?;
        n.checked_mul(10)?.checked_add(u64::from(b - b'0'))
    });
    ones.filter(|_| !digits.is_empty())
}

/// So many digits fit, whatever they are.
const SURE: usize = 19;

/// Eight digits at once: neighbours become numbers below a hundred, then below ten thousand, then one.
fn eight_digits(digits: [u8; 8]) -> Option<u64> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(digits);
    // What is not from 0 to 9 has another upper half, or gets one by the addition of six.
    let odd = (word ^ (0x30 * EACH)) | (word.wrapping_add(6 * EACH) ^ (0x30 * EACH));
    if odd & (0xf0 * EACH) != 0 {
        return None;
    }
    let ones = word & (0x0f * EACH);
    let hundreds = ((ones * 10) + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let thousands = ((hundreds * 100) + (hundreds >> 16)) & 0x0000_ffff_0000_ffff;
    Some(((thousands * 10_000) + (thousands >> 32)) & 0xffff_ffff)
}

impl FromStr for StreamId {
    type Err = Error;

    /// As [`StreamId::parse`]; a missing sequence is 0.
    fn from_str(text: &str) -> Result<StreamId, Error> {
        StreamId::parse(text.as_bytes(), 0)
    }
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn digits_are_read_as_everywhere(text in "[0-9]{0,24}", at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            prop_assert_eq!(decimal(text.as_bytes()), text.parse().ok());
            let mut odd = text.into_bytes();
            if !odd.is_empty() {
                let at = at.index(odd.len());
                odd[at] = byte;
                let plain = odd.iter().all(u8::is_ascii_digit);
                let read = std::str::from_utf8(&odd).ok().filter(|_| plain).and_then(|odd| odd.parse().ok());
                prop_assert_eq!(decimal(&odd), read);
            }
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
