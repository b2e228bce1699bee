//! Writing replies, and requests for clients and tests.
//!
//! Each method appends one value, or the header of one whose parts follow. What RESP2 lacks is written as the
//! nearest type that it has:
//!
//! ```text
//!         map   set  push  verbatim  double  boolean  big number  null       attribute
//! RESP2   * 2n  *    *     $         $       : 1 0    $           $-1  *-1   nothing
//! RESP3   %  n  ~    >     =         ,       # t f    (           _    _     |
//! ```

use crate::{Protocol, ProtocolError, double};

/// Writes replies to a buffer, in one version of the protocol.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Writer<'a> {
        Writer { out, protocol }
    }

    /// The version that is written.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether RESP3 is written.
    pub fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    /// A simple string. CR and LF become blanks, for they would end it.
    pub fn simple(&mut self, text: &str) {
        line(self.out, b'+', text.as_bytes());
    }

    /// An error, which begins with its code. CR and LF become blanks.
    pub fn error(&mut self, text: impl AsRef<[u8]>) {
        line(self.out, b'-', text.as_ref());
    }

    /// The one reply to a broken request, with the byte that was found as it came.
    pub fn protocol_error(&mut self, error: &ProtocolError) {
        match error {
            ProtocolError::ExpectedBulk(found) => {
                self.error([b"ERR Protocol error: expected '$', got '", &[*found][..], b"'"].concat());
            }
            other => self.error(other.to_string()),
        }
    }

    /// An integer.
    pub fn int(&mut self, n: i64) {
        match u64::try_from(n) {
            Ok(n) => header(self.out, b':', n),
            Err(_) => line(self.out, b':', itoa::Buffer::new().format(n).as_bytes()),
        }
    }

    /// An integer without a sign.
    pub fn uint(&mut self, n: u64) {
        header(self.out, b':', n);
    }

    /// A bulk string.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        bulk(self.out, bytes);
    }

    /// A bulk string holding a decimal.
    pub fn bulk_int(&mut self, n: i64) {
        self.bulk(itoa::Buffer::new().format(n).as_bytes());
    }

    /// A bulk string `ms-seq`.
    pub fn bulk_id(&mut self, ms: u64, seq: u64) {
        let (mut first, mut second) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (ms, seq) = (first.format(ms).as_bytes(), second.format(seq).as_bytes());
        header(self.out, b'$', (ms.len() + 1 + seq.len()) as u64);
        self.out.extend_from_slice(ms);
        self.out.push(b'-');
        self.out.extend_from_slice(seq);
        self.out.extend_from_slice(b"\r\n");
    }

    /// `$-1` in RESP2, `_` in RESP3.
    pub fn null(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// `*-1` in RESP2, `_` in RESP3.
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(if self.is_resp3() { b"_\r\n" } else { b"*-1\r\n" });
    }

    /// The header of an array; its elements follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        header(self.out, b'*', len as u64);
    }

    /// The header of a map: its pairs follow. An array of twice the length in RESP2.
    pub fn map(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(len * 2),
            Protocol::Resp3 => header(self.out, b'%', len as u64),
        }
    }

    /// The header of a set. An array in RESP2.
    pub fn set(&mut self, len: usize) {
        header(self.out, if self.is_resp3() { b'~' } else { b'*' }, len as u64);
    }

    /// The header of a message that answers no request. An array in RESP2.
    pub fn push(&mut self, len: usize) {
        header(self.out, if self.is_resp3() { b'>' } else { b'*' }, len as u64);
    }

    /// The header of attributes: pairs, and then the value that they are about. RESP2 has none: there nothing is
    /// written, the answer is false, and the pairs must be left out.
    pub fn attribute(&mut self, len: usize) -> bool {
        if self.is_resp3() {
            header(self.out, b'|', len as u64);
        }
        self.is_resp3()
    }

    /// Text in a format of three letters, such as `txt`. A bulk string in RESP2.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        debug_assert_eq!(format.len(), 3);
        if !self.is_resp3() {
            return self.bulk(text);
        }
        header(self.out, b'=', (format.len() + 1 + text.len()) as u64);
        self.out.extend_from_slice(format.as_bytes());
        self.out.push(b':');
        self.out.extend_from_slice(text);
        self.out.extend_from_slice(b"\r\n");
    }

    /// A double. A bulk string in RESP2.
    pub fn double(&mut self, n: f64) {
        self.bulk_or_line(b',', double::text(n).as_bytes());
    }

    /// True or false. 1 or 0 in RESP2.
    pub fn boolean(&mut self, yes: bool) {
        match self.protocol {
            Protocol::Resp2 => self.uint(u64::from(yes)),
            Protocol::Resp3 => line(self.out, b'#', if yes { b"t" } else { b"f" }),
        }
    }

    /// An integer of any size. A bulk string in RESP2.
    pub fn big_number(&mut self, digits: &str) {
        self.bulk_or_line(b'(', digits.as_bytes());
    }

    fn bulk_or_line(&mut self, marker: u8, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => line(self.out, marker, text),
        }
    }
}

/// Appends a request in array form.
pub fn request<T: AsRef<[u8]>>(out: &mut Vec<u8>, words: &[T]) {
    header(out, b'*', words.len() as u64);
    words.iter().for_each(|word| bulk(out, word.as_ref()));
}

/// Bytes of a bulk string of `len` bytes: header, payload and end.
pub fn bulk_len(len: usize) -> usize {
    header_len(len) + len + 2
}

/// Bytes of a header, marker and end included, that announces `n`.
pub fn header_len(n: usize) -> usize {
    3 + digits(n as u64)
}

/// Bytes of an integer reply.
pub fn int_len(n: i64) -> usize {
    3 + usize::from(n < 0) + digits(n.unsigned_abs())
}

fn digits(n: u64) -> usize {
    n.checked_ilog10().map_or(1, |power| power as usize + 1)
}

/// Most headers announce less than ten, many of them a number that is known where they are written.
#[inline]
fn header(out: &mut Vec<u8>, marker: u8, n: u64) {
    match n {
        0..=9 => out.extend_from_slice(&[marker, b'0' + n as u8, b'\r', b'\n']),
        _ => long_header(out, marker, n),
    }
}

/// These skip the general formatting up to a thousand.
fn long_header(out: &mut Vec<u8>, marker: u8, n: u64) {
    let digit = |n: u64| b'0' + (n % 10) as u8;
    match n {
        0..=99 => out.extend_from_slice(&[marker, digit(n / 10), digit(n), b'\r', b'\n']),
        100..=999 => {
            out.extend_from_slice(&[marker, digit(n / 100), digit(n / 10), digit(n), b'\r', b'\n']);
        }
        _ => {
            out.push(marker);
            out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

fn bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bulk_len(bytes.len()));
    header(out, b'$', bytes.len() as u64);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

fn line(out: &mut Vec<u8>, marker: u8, text: &[u8]) {
    out.push(marker);
    let start = out.len();
    out.extend_from_slice(text);
    out[start..].iter_mut().filter(|byte| matches!(byte, b'\r' | b'\n')).for_each(|byte| *byte = b' ');
    out.extend_from_slice(b"\r\n");
}
