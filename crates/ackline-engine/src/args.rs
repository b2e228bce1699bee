//! The words of one command, borrowed from wherever they lie.

use crate::error::Error;
use std::ops::Range;

/// The words of a command, the name included: ranges of one buffer, so that reading a command copies nothing.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    bytes: &'a [u8],
    words: &'a [Range<usize>],
}

impl<'a> Args<'a> {
    /// Words within `bytes`. Every range must lie inside it.
    pub fn new(bytes: &'a [u8], words: &'a [Range<usize>]) -> Args<'a> {
        Args { bytes, words }
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Word `i`, if there is one.
    pub fn get(&self, i: usize) -> Option<&'a [u8]> {
        self.words.get(i).map(|range| &self.bytes[range.clone()])
    }

    /// Word `i`; the caller has checked the arity.
    pub fn at(&self, i: usize) -> &'a [u8] {
        &self.bytes[self.words[i].clone()]
    }

    /// The words from `from` on; none if `from` is past the end.
    pub fn from(&self, from: usize) -> Args<'a> {
        Args { bytes: self.bytes, words: self.words.get(from..).unwrap_or(&[]) }
    }

    /// The first `count` words.
    pub fn first(&self, count: usize) -> Args<'a> {
        Args { bytes: self.bytes, words: &self.words[..count.min(self.words.len())] }
    }

    /// The words in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + DoubleEndedIterator + Clone + use<'a> {
        let bytes = self.bytes;
        self.words.iter().map(move |range| &bytes[range.clone()])
    }
}

/// Words that outlive their input: queued by MULTI, or parked with a blocked read.
#[derive(Clone, Debug)]
pub struct OwnedArgs {
    bytes: Box<[u8]>,
    words: Box<[Range<usize>]>,
}

impl OwnedArgs {
    /// A copy of some words.
    pub fn collect<'a>(words: impl IntoIterator<Item = &'a [u8], IntoIter: Clone>) -> OwnedArgs {
        let words = words.into_iter();
        // Looked at twice, so that exactly as much is asked for as is kept.
        let (count, len) = words.clone().fold((0, 0), |(count, len), word| (count + 1, len + word.len()));
        let (mut bytes, mut ranges) = (Vec::with_capacity(len), Vec::with_capacity(count));
        for word in words {
            let start = bytes.len();
            bytes.extend_from_slice(word);
            ranges.push(start..bytes.len());
        }
        OwnedArgs { bytes: bytes.into(), words: ranges.into() }
    }

    /// Bytes of memory that the words take.
    pub fn memory(&self) -> usize {
        self.bytes.len() + size_of_val(&*self.words)
    }

    /// The words, borrowed.
    pub fn as_args(&self) -> Args<'_> {
        Args::new(&self.bytes, &self.words)
    }
}

/// Whether `word` is the option or subcommand `name` (given in upper case).
#[inline]
pub fn is(word: &[u8], name: &str) -> bool {
    word.eq_ignore_ascii_case(name.as_bytes())
}

/// A signed 64-bit decimal exactly as Redis reads integer arguments: no blanks, no `+`, no leading zeros.
pub fn int(word: &[u8]) -> Result<i64, Error> {
    strict_int(word).ok_or(Error::NOT_AN_INTEGER)
}

/// As [`int`], `None` when it is not one.
pub fn strict_int(word: &[u8]) -> Option<i64> {
    let (negative, digits) = match word {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, word),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', rest @ ..] if rest.len() < 19 && rest.iter().all(u8::is_ascii_digit) => {}
        _ => return None,
    }
    let magnitude =
        digits.iter().try_fold(0u64, |n, b| n.checked_mul(10)?.checked_add(u64::from(b - b'0')))?;
    match negative {
        true => 0i64.checked_sub_unsigned(magnitude),
        false => i64::try_from(magnitude).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_strict() {
        assert_eq!(strict_int(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(strict_int(b"9223372036854775807"), Some(i64::MAX));
        for bad in ["", "-", "+1", " 1", "01", "-0", "1 ", "9223372036854775808", "99999999999999999999"] {
            assert_eq!(strict_int(bad.as_bytes()), None, "{bad}");
        }
    }
}
