//! Where a reply ends, found without looking at a byte twice, however many reads it comes in.

use ackline_resp::decode_reply::MAX_DEPTH;
use memchr::memchr;

/// How far into a reply one has looked.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Where the next header begins, or the reply ends: maybe behind the input.
    at: usize,
    /// Bytes from `at` that are known to hold no end of line.
    searched: usize,
    /// Values that are still to come, outermost first.
    open: Vec<u64>,
    /// There is no further header.
    ends: bool,
}

/// What a line announces.
enum Header {
    /// Nothing: it is the value.
    Line,
    /// So many bytes, and a line end.
    Payload(usize),
    /// So many values.
    Values(u64),
    /// No reply.
    Broken,
}

impl Scan {
    /// Whether the input, which begins with the reply, holds all of it. Also true once it is no reply: whoever reads it
    /// will say why.
    pub(super) fn is_whole(&mut self, input: &[u8]) -> bool {
        while !self.ends {
            let Some(rest) = input.get(self.at + self.searched..) else { return false };
            let Some(end) = memchr(b'\n', rest) else {
                self.searched += rest.len();
                return false;
            };
            let line = &input[self.at..self.at + self.searched + end];
            self.at += line.len() + 1;
            self.searched = 0;
            self.enter(header(line));
        }
        self.at <= input.len()
    }

    fn enter(&mut self, header: Header) {
        match header {
            Header::Line | Header::Values(0) => self.close(),
            Header::Payload(len) => {
                self.at = self.at.saturating_add(len).saturating_add(2);
                self.close();
            }
            Header::Values(count) if self.open.len() < MAX_DEPTH => self.open.push(count),
            Header::Values(_) | Header::Broken => (self.at, self.ends) = (0, true),
        }
    }

    /// A value has ended, and those of which it was the last.
    fn close(&mut self) {
        while let Some(left) = self.open.last_mut() {
            *left -= 1;
            if *left > 0 {
                return;
            }
            self.open.pop();
        }
        self.ends = true;
    }
}

fn header(line: &[u8]) -> Header {
    let Some([marker, text @ ..]) = line.strip_suffix(b"\r") else { return Header::Broken };
    let count = || std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
    let values = |each: u64, more: u64| {
        let all = count().and_then(|n| n.checked_mul(each)?.checked_add(more));
        all.map_or(Header::Broken, Header::Values)
    };
    match marker {
        b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => Header::Line,
        b'$' | b'*' if text == b"-1" => Header::Line,
        b'$' | b'!' | b'=' => {
            count().and_then(|n| usize::try_from(n).ok()).map_or(Header::Broken, Header::Payload)
        }
        b'*' | b'~' | b'>' => values(1, 0),
        b'%' => values(2, 0),
        b'|' => values(2, 1),
        _ => Header::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ackline_resp::decode_reply::decode_value;

    const REPLIES: [&[u8]; 12] = [
        b"+OK\r\n",
        b":-12\r\n",
        b"$5\r\na\r\nbc\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"*0\r\n",
        b"*2\r\n*1\r\n$0\r\n\r\n*2\r\n:1\r\n-ERR\r\n",
        b"%1\r\n+k\r\n~2\r\n#t\r\n_\r\n",
        b"|1\r\n+ttl\r\n:1\r\n*1\r\n,1.5\r\n",
        b">2\r\n$7\r\nmessage\r\n=5\r\ntxt:a\r\n",
        b"!3\r\nERR\r\n",
        b"(123\r\n",
    ];

    #[test]
    fn the_end_is_where_decoding_ends_whatever_the_cut() {
        for reply in REPLIES {
            let (_, len) = decode_value(reply).unwrap().unwrap();
            assert_eq!(len, reply.len());
            let mut scan = Scan::default();
            for cut in 0..len {
                assert!(!scan.is_whole(&reply[..cut]), "{} cut at {cut}", reply.escape_ascii());
            }
            assert!(scan.is_whole(reply), "{}", reply.escape_ascii());
            assert!(Scan::default().is_whole(&[reply, b"+more"].concat()));
        }
    }

    #[test]
    fn what_is_no_reply_is_for_the_decoder_to_say() {
        let deep = b"*1\r\n".repeat(MAX_DEPTH + 1);
        for input in [&b"hello\r\n"[..], b"*x\r\n", b"$-2\r\n", b"+OK\n", b"%9223372036854775808\r\n", &deep]
        {
            assert!(Scan::default().is_whole(input), "{}", input.escape_ascii());
            assert!(decode_value(input).is_err(), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn a_payload_without_end_is_waited_for() {
        let mut scan = Scan::default();
        assert!(!scan.is_whole(b"*1\r\n$18446744073709551615\r\nabc"));
        assert!(!scan.is_whole(b"*1\r\n$18446744073709551615\r\nabcdef"));
    }
}
