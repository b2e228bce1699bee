//! The words of a call while they are put together, in buffers that a thread uses again and again.

use ackline_engine::{Args, StreamId};
use std::cell::Cell;
use std::ops::Range;

/// Words one behind the other.
pub(crate) struct Words(Buffers);

#[derive(Default)]
struct Buffers {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

thread_local! {
    static SPARE: Cell<Buffers> = const { Cell::new(Buffers { bytes: Vec::new(), ranges: Vec::new() }) };
}

/// Larger buffers are not kept.
const KEEP_MAX: usize = 64 << 10;

impl Words {
    /// No words yet.
    pub(crate) fn new() -> Words {
        // The destructor of another thread-local may make a call when this one is gone.
        let mut buffers = SPARE.try_with(Cell::take).unwrap_or_default();
        buffers.bytes.clear();
        buffers.ranges.clear();
        Words(buffers)
    }

    /// A copy of some words.
    pub(crate) fn of<W: AsRef<[u8]>>(all: &[W]) -> Words {
        let mut words = Words::new();
        all.iter().for_each(|word| words.push(word.as_ref()));
        words
    }

    pub(crate) fn push(&mut self, word: &[u8]) {
        self.write(|bytes| bytes.extend_from_slice(word));
    }

    /// A word that is a number.
    pub(crate) fn push_number(&mut self, number: u64) {
        self.write(|bytes| put_decimal(bytes, number));
    }

    /// A word that is an ID.
    pub(crate) fn push_id(&mut self, id: StreamId) {
        self.write(|bytes| {
            put_decimal(bytes, id.ms);
            bytes.push(b'-');
            put_decimal(bytes, id.seq);
        });
    }

    /// A word that is an ID which does not belong to the range that it ends.
    pub(crate) fn push_excluded(&mut self, id: StreamId) {
        self.push_id(id);
        let at = self.0.bytes.len();
        self.0.bytes.push(b'(');
        let word = self.0.ranges.last_mut().expect("a word was just pushed");
        self.0.bytes[word.start..].rotate_right(1);
        word.end = at + 1;
    }

    fn write(&mut self, put: impl FnOnce(&mut Vec<u8>)) {
        let Buffers { bytes, ranges } = &mut self.0;
        let start = bytes.len();
        put(bytes);
        ranges.push(start..bytes.len());
    }

    /// The words, borrowed.
    pub(crate) fn as_args(&self) -> Args<'_> {
        Args::new(&self.0.bytes, &self.0.ranges)
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        let Buffers { bytes, ranges } = &mut self.0;
        if bytes.capacity() <= KEEP_MAX && ranges.capacity() * size_of::<Range<usize>>() <= KEEP_MAX {
            let buffers = std::mem::take(&mut self.0);
            // A thread that ends keeps nothing.
            let _ = SPARE.try_with(|spare| spare.set(buffers));
        }
    }
}

fn put_decimal(bytes: &mut Vec<u8>, number: u64) {
    bytes.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(all(test, not(feature = "model")))]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_as_they_are_read() {
        let mut words = Words::of(&["XADD", "", "orders"]);
        words.push_number(0);
        words.push_number(u64::MAX);
        words.push_id(StreamId::new(10, 7));
        words.push_excluded(StreamId::new(1, 2));
        words.push(b"end");
        let all: Vec<&[u8]> = words.as_args().iter().collect();
        assert_eq!(
            all,
            [&b"XADD"[..], b"", b"orders", b"0", b"18446744073709551615", b"10-7", b"(1-2", b"end"]
        );
    }

    #[test]
    fn words_put_together_at_the_same_time_are_apart() {
        let (mut one, mut other) = (Words::new(), Words::new());
        one.push(b"one");
        other.push(b"other");
        drop(Words::of(&["third"]));
        assert_eq!((one.as_args().at(0), other.as_args().at(0)), (&b"one"[..], &b"other"[..]));
    }
}
