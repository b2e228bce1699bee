//! What a connection still has to be sent, and how much of it may leave.
//!
//! ```text
//! bytes   [ sent | may leave | waits for the log ]
//! marks                (end, lsn) (end, lsn) ..      ends ascending, positions ascending
//! ```

use ackline::Lsn;
use std::cell::RefCell;
use std::collections::VecDeque;

/// Replies in order, each held back until the log is durable up to what it saw.
#[derive(Debug, Default)]
pub(crate) struct Output {
    bytes: Vec<u8>,
    sent: usize,
    released: usize,
    marks: VecDeque<(usize, Lsn)>,
    /// Bytes that may wait; 0 = no limit.
    limit: usize,
    overflown: bool,
}

/// Sent bytes are moved out of the way once there are so many of them, and no fewer than of the others: what is sent in
/// small pieces must not be moved once a piece.
const COMPACT: usize = 64 * 1024;
/// A buffer larger than this is not kept for the next. A thread keeps one that large, because what is given back has to be
/// made anew, page by page.
const KEEP_MAX: usize = 1 << 20;
/// Marks of a connection for which room is kept.
const MARKS_KEPT: usize = 16;

/// So many buffers are kept for the next, one of which may be large.
const SPARES_MAX: usize = 64;
/// What the others may have.
const SMALL_MAX: usize = 16 * 1024;

thread_local! {
    /// The buffers of the connections that come next: most have nothing to be sent most of the time.
    static SPARES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

fn keep(mut buffer: Vec<u8>) {
    buffer.clear();
    SPARES.with_borrow_mut(|spares| {
        let max = if spares.is_empty() { KEEP_MAX } else { SMALL_MAX };
        if spares.len() < SPARES_MAX && buffer.capacity() <= max {
            spares.push(buffer);
        }
    });
}

impl Output {
    /// Where replies are written. Follow it with [`Output::seal`].
    ///
    /// Once more than the limit waits, what there is and what comes is thrown away: one read of a client may hold
    /// thousands of commands, and nobody may send what they answer before all have run.
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        self.overflown |= self.limit > 0 && self.len() > self.limit;
        if self.overflown {
            *self = Output { limit: self.limit, overflown: true, ..Output::default() };
        }
        if self.bytes.capacity() == 0 {
            self.bytes = SPARES.with_borrow_mut(|spares| spares.pop().unwrap_or_default());
        }
        &mut self.bytes
    }

    /// Nothing is to be sent: the buffer is another's.
    fn give_back(&mut self) {
        (self.sent, self.released) = (0, 0);
        // Marks that are left are those of replies that were taken back.
        self.marks.clear();
        keep(std::mem::take(&mut self.bytes));
    }

    /// Bytes of memory for what is to be sent.
    pub(crate) fn room(&self) -> usize {
        self.bytes.capacity()
    }

    /// How many bytes may wait from now on; 0 = any.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Whether replies were thrown away, so that the connection has to end.
    pub(crate) fn is_overflown(&self) -> bool {
        self.overflown
    }

    /// Bytes written and not sent.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// The end of what was written, for [`Output::truncate`].
    pub(crate) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Takes back what was written behind `end` and not sealed.
    pub(crate) fn truncate(&mut self, end: usize) {
        self.bytes.truncate(end);
    }

    /// What was written since the last seal waits until the log is durable up to `lsn`.
    pub(crate) fn seal(&mut self, lsn: Lsn) {
        if self.overflown {
            return self.bytes.clear();
        }
        let end = self.bytes.len();
        match self.marks.back_mut() {
            Some(last) if last.1 >= lsn => last.0 = end,
            _ => self.marks.push_back((end, lsn)),
        }
    }

    /// What may be sent now.
    pub(crate) fn ready(&mut self, durable: Lsn) -> &[u8] {
        while let Some(&(end, lsn)) = self.marks.front()
            && lsn <= durable
        {
            self.released = end;
            self.marks.pop_front();
        }
        if self.bytes.is_empty() && self.bytes.capacity() > 0 {
            // What was written was taken back again.
            self.give_back();
        }
        if self.marks.is_empty() && self.marks.capacity() > MARKS_KEPT {
            self.marks = VecDeque::new();
        }
        &self.bytes[self.sent..self.released]
    }

    /// Notes that `count` bytes of [`Output::ready`] were sent.
    pub(crate) fn advance(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.bytes.len() {
            self.give_back();
        } else if self.sent >= COMPACT.max(self.bytes.len() / 2) {
            self.bytes.drain(..self.sent);
            self.marks.iter_mut().for_each(|mark| mark.0 -= self.sent);
            self.released -= self.sent;
            self.sent = 0;
        }
    }

    /// Whether replies wait for the log.
    pub(crate) fn is_held(&self) -> bool {
        !self.marks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_leave_in_order_and_not_before_the_log() {
        let mut out = Output::default();
        out.bytes().extend(b"a");
        out.seal(5);
        out.bytes().extend(b"b");
        out.seal(3);
        out.bytes().extend(b"c");
        out.seal(7);
        assert_eq!(out.ready(4), b"");
        assert_eq!(out.ready(5), b"ab");
        out.advance(1);
        assert_eq!(out.ready(6), b"b");
        assert_eq!(out.ready(7), b"bc");
        out.advance(2);
        assert_eq!((out.len(), out.is_held()), (0, false));
    }

    #[test]
    fn a_reply_that_was_taken_back_holds_nothing() {
        let mut out = Output::default();
        out.bytes().extend(b"a");
        out.seal(5);
        out.bytes().extend(b"b");
        out.truncate(1);
        out.seal(6);
        assert_eq!(out.ready(5), b"a");
        out.advance(1);
        assert_eq!(out.ready(6), b"");
        assert!(!out.is_held());
        out.bytes().extend(b"b");
        out.truncate(0);
        out.seal(7);
        assert_eq!(out.ready(6), b"");
        assert!(!out.is_held());
    }

    #[test]
    fn what_was_sent_leaves_no_buffer_behind() {
        let mut out = Output::default();
        for lsn in 0..100 {
            out.bytes().extend([0; 1000]);
            out.seal(lsn);
        }
        let count = out.ready(98).len();
        out.advance(count);
        assert!(out.room() >= 1000);
        out.ready(99);
        out.advance(1000);
        assert_eq!((out.room(), out.len(), out.is_held()), (0, 0, false));
    }

    #[test]
    fn what_is_sent_in_pieces_is_moved_a_few_times_at_most() {
        let mut out = Output::default();
        out.bytes().extend((0..4_000_000_u32).map(|n| n as u8));
        out.seal(1);
        let (mut sent, mut moves) = (0, 0);
        while out.len() > 0 {
            let piece = out.ready(1)[..COMPACT.min(4_000_000 - sent)].to_vec();
            assert!(piece.iter().enumerate().all(|(i, byte)| *byte == (sent + i) as u8));
            let before = out.end();
            out.advance(piece.len());
            sent += piece.len();
            moves += usize::from(out.end() < before);
        }
        assert!(moves < 10, "{moves}");
        assert_eq!((sent, out.room()), (4_000_000, 0));
    }

    #[test]
    fn beyond_the_limit_nothing_is_kept_or_sent() {
        let mut out = Output::default();
        out.set_limit(3);
        for _ in 0..2 {
            out.bytes().extend(b"abc");
            out.seal(1);
            assert!(!out.is_overflown(), "the limit itself may wait, and one reply beyond it");
        }
        for _ in 0..100 {
            out.bytes().extend(b"abc");
        }
        assert_eq!((out.is_overflown(), out.len()), (true, 3));
        out.seal(1);
        assert_eq!(out.ready(9), b"");
        assert_eq!((out.len(), out.is_held()), (0, false));
    }
}
