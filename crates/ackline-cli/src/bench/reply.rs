//! Finding the end of replies without reading them, and picking out of them the little that a workload needs.
//!
//! RESP2 alone: the load generator never says HELLO 3. Nothing is allocated, and no byte of a payload is looked at: in
//! RESP2 an array is as many more elements to come, so that a count of them is all there is to remember.

use std::fmt;

/// Bytes that are no reply of RESP2.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(u8);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server sent what is no reply of RESP2: unexpected '{}'", self.0.escape_ascii())
    }
}

/// Finds the end of one reply after the other, in as many pieces as they come.
pub(super) struct Scanner {
    /// How far the reply was scanned; behind what has come if that ends within a payload.
    at: usize,
    /// Elements still to come, the reply itself being the first.
    missing: usize,
}

impl Scanner {
    /// For a connection on which no reply has begun.
    pub(super) fn new() -> Scanner {
        Scanner { at: 0, missing: 1 }
    }

    /// Where the reply ends that `input` begins with, or `None` if it is not all there: then `input` has to begin with
    /// the same bytes next time, and what was scanned is not scanned again.
    pub(super) fn end(&mut self, input: &[u8]) -> Result<Option<usize>, Malformed> {
        while self.missing > 0 {
            let Some((size, next)) = element(input, self.at)? else { return Ok(None) };
            self.missing -= 1;
            self.at = next;
            match size {
                Size::Line => {}
                Size::Payload(bytes) => self.at = self.at.saturating_add(bytes + 2),
                Size::Elements(count) => self.missing = self.missing.saturating_add(count),
            }
        }
        if self.at > input.len() {
            return Ok(None);
        }
        let end = self.at;
        *self = Scanner::new();
        Ok(Some(end))
    }
}

/// What follows the line that an element begins with.
enum Size {
    /// Nothing: the line is all.
    Line,
    /// So many bytes and a line end.
    Payload(usize),
    /// So many elements.
    Elements(usize),
}

/// What begins at `at`, and where its first line ends; `None` if the line is not all there.
#[inline]
fn element(input: &[u8], at: usize) -> Result<Option<(Size, usize)>, Malformed> {
    let Some(&kind) = input.get(at) else { return Ok(None) };
    match kind {
        b'$' | b'*' => {
            let Some((count, next)) = number(input, at + 1)? else { return Ok(None) };
            let size = match (kind, usize::try_from(count)) {
                (b'$', Ok(bytes)) => Size::Payload(bytes),
                (_, Ok(count)) => Size::Elements(count),
                (_, Err(_)) => Size::Line,
            };
            Ok(Some((size, next)))
        }
        b'+' | b'-' | b':' => Ok(line_end(input, at).map(|next| (Size::Line, next))),
        other => Err(Malformed(other)),
    }
}

fn line_end(input: &[u8], at: usize) -> Option<usize> {
    input[at..].iter().position(|&byte| byte == b'\n').map(|end| at + end + 1)
}

/// The number that a line holds from `at` on, and where the line ends.
#[inline]
fn number(input: &[u8], at: usize) -> Result<Option<(i64, usize)>, Malformed> {
    let negative = input.get(at) == Some(&b'-');
    let mut value = 0i64;
    let mut pos = at + usize::from(negative);
    loop {
        match input.get(pos) {
            Some(&digit @ b'0'..=b'9') => {
                value = value.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
            }
            Some(b'\r') => break,
            Some(&other) => return Err(Malformed(other)),
            None => return Ok(None),
        }
        pos += 1;
    }
    match input.get(pos + 1) {
        Some(b'\n') => Ok(Some((if negative { -value } else { value }, pos + 2))),
        Some(&other) => Err(Malformed(other)),
        None => Ok(None),
    }
}

/// One whole reply.
#[derive(Clone, Copy)]
pub(super) struct Reply<'a>(pub(super) &'a [u8]);

impl<'a> Reply<'a> {
    /// What the server complains of.
    pub(super) fn error(self) -> Option<&'a [u8]> {
        self.0.strip_prefix(b"-").map(|text| text.strip_suffix(b"\r\n").unwrap_or(text))
    }

    /// The value of an integer; 0 for any other reply.
    pub(super) fn integer(self) -> u64 {
        match (self.0.first(), number(self.0, 1)) {
            (Some(b':'), Ok(Some((value, _)))) => u64::try_from(value).unwrap_or(0),
            _ => 0,
        }
    }

    /// From the reply's start on, element by element.
    pub(super) fn walk(self) -> Walk<'a> {
        Walk { input: self.0, at: 0 }
    }
}

/// Goes through a whole reply. What is not what was asked for ends the walk with `None`.
pub(super) struct Walk<'a> {
    input: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// Enters an array: how many elements it has.
    pub(super) fn array(&mut self) -> Option<usize> {
        match element(self.input, self.at) {
            Ok(Some((Size::Elements(count), next))) => {
                self.at = next;
                Some(count)
            }
            _ => None,
        }
    }

    /// A bulk string as it stands in the reply, which is as it would stand in a request.
    pub(super) fn word(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        let Ok(Some((Size::Payload(bytes), next))) = element(self.input, start) else { return None };
        self.at = next + bytes + 2;
        self.input.get(start..self.at)
    }

    /// Passes over one element and everything in it.
    pub(super) fn skip(&mut self) -> Option<()> {
        self.at += Scanner::new().end(self.input.get(self.at..)?).ok()??;
        Some(())
    }

    /// The entries that a reading of one stream got: enters their array.
    pub(super) fn entries_of_one_stream(&mut self) -> Option<usize> {
        self.array()?;
        self.array()?;
        self.word()?;
        self.array()
    }

    /// The ID of an entry, which is then passed over.
    pub(super) fn entry(&mut self) -> Option<&'a [u8]> {
        let parts = self.array()?;
        let id = self.word()?;
        (1..parts).try_for_each(|_| self.skip())?;
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLIES: &[&[u8]] = &[
        b"+OK\r\n",
        b"-ERR no such thing\r\n",
        b":-42\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"$0\r\n\r\n",
        b"$11\r\na\r\nb\n-*$:+\r\r\n",
        b"*0\r\n",
        b"*3\r\n:1\r\n$-1\r\n*-1\r\n",
        b"*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$0\r\n\r\n*4\r\n$3\r\n2-1\r\n*0\r\n:5\r\n:6\r\n",
        b"*2\r\n*0\r\n*1\r\n*1\r\n*1\r\n+deep\r\n",
    ];

    #[test]
    fn every_reply_ends_where_it_ends_wherever_it_is_split() {
        for reply in REPLIES {
            let mut followed = reply.to_vec();
            followed.extend(b"+next\r\n");
            for split in 0..reply.len() {
                let mut scanner = Scanner::new();
                assert_eq!(scanner.end(&followed[..split]), Ok(None), "{}", reply.escape_ascii());
                assert_eq!(scanner.end(&followed), Ok(Some(reply.len())), "{}", reply.escape_ascii());
                assert_eq!(scanner.end(&followed[reply.len()..]), Ok(Some(7)));
            }
        }
    }

    #[test]
    fn replies_that_come_byte_by_byte_are_all_found() {
        let all = REPLIES.concat();
        let (mut scanner, mut start, mut found) = (Scanner::new(), 0, Vec::new());
        for come in 0..=all.len() {
            if let Some(end) = scanner.end(&all[start..come]).unwrap() {
                found.push(&all[start..start + end]);
                start += end;
            }
        }
        assert_eq!(found, REPLIES);
    }

    #[test]
    fn the_whole_decoder_finds_the_same_ends() {
        for reply in REPLIES {
            let (_, end) = ackline_resp::decode_reply::decode_value(reply).unwrap().unwrap();
            assert_eq!(Scanner::new().end(reply), Ok(Some(end)));
        }
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        let broken: [(&[u8], u8); 4] =
            [(b"%1\r\n", b'%'), (b"$1x\r\n", b'x'), (b"*1\rx", b'x'), (b"*2\r\n:1\r\nHTTP", b'H')];
        for (bytes, culprit) in broken {
            assert_eq!(Scanner::new().end(bytes), Err(Malformed(culprit)), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn errors_integers_ids_and_counts_are_picked_out() {
        assert_eq!(Reply(REPLIES[1]).error(), Some(&b"ERR no such thing"[..]));
        assert_eq!(Reply(REPLIES[2]).error(), None);
        assert_eq!(Reply(b":17\r\n").integer(), 17);
        assert_eq!(Reply(b"$2\r\n17\r\n").integer(), 0);
        let mut walk = Reply(REPLIES[9]).walk();
        assert_eq!(walk.entries_of_one_stream(), Some(2));
        assert_eq!(walk.entry(), Some(&b"$3\r\n1-1\r\n"[..]));
        assert_eq!(walk.entry(), Some(&b"$3\r\n2-1\r\n"[..]));
        assert_eq!(walk.entry(), None);
        assert_eq!(Reply(b"*-1\r\n").walk().entries_of_one_stream(), None);
    }
}
