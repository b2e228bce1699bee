//! Writing replies.

use crate::Protocol;

/// Writes replies to a buffer, in one version of the protocol.
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
}

#[allow(missing_docs, reason = "each is named like the type that it writes; differences of RESP2 are said")]
impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Writer<'a> {
        Writer { out, protocol }
    }

    /// Whether RESP3 is written.
    pub fn is_resp3(&self) -> bool {
        self.protocol == Protocol::Resp3
    }

    fn header(&mut self, marker: u8, n: impl itoa::Integer) {
        self.out.push(marker);
        self.out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
        self.out.extend_from_slice(b"\r\n");
    }

    fn line(&mut self, marker: u8, text: &[u8]) {
        self.out.push(marker);
        self.out.extend(text.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte }));
        self.out.extend_from_slice(b"\r\n");
    }

    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// CR and LF within become blanks.
    pub fn error(&mut self, text: &[u8]) {
        self.line(b'-', text);
    }

    pub fn int(&mut self, n: i64) {
        self.header(b':', n);
    }

    pub fn bulk(&mut self, bytes: &[u8]) {
        self.header(b'$', bytes.len());
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// A bulk string holding a decimal.
    pub fn bulk_int(&mut self, n: i64) {
        self.bulk(itoa::Buffer::new().format(n).as_bytes());
    }

    /// A bulk string `ms-seq`.
    pub fn bulk_id(&mut self, ms: u64, seq: u64) {
        let (mut first, mut second) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (ms, seq) = (first.format(ms).as_bytes(), second.format(seq).as_bytes());
        self.header(b'$', ms.len() + 1 + seq.len());
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

    pub fn array(&mut self, len: usize) {
        self.header(b'*', len);
    }

    /// An array of twice the length in RESP2.
    pub fn map(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', len * 2),
            Protocol::Resp3 => self.header(b'%', len),
        }
    }

    /// An array in RESP2.
    pub fn set(&mut self, len: usize) {
        self.header(if self.is_resp3() { b'~' } else { b'*' }, len);
    }

    /// An array in RESP2.
    pub fn push(&mut self, len: usize) {
        self.header(if self.is_resp3() { b'>' } else { b'*' }, len);
    }

    /// Attributes of the reply that follows; RESP3 alone has them.
    pub fn attribute(&mut self, len: usize) {
        self.header(b'|', len);
    }

    /// A bulk string in RESP2. `format` has three letters.
    pub fn verbatim(&mut self, format: &str, text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.header(b'=', text.len() + 4);
                self.out.extend_from_slice(format.as_bytes());
                self.out.push(b':');
                self.out.extend_from_slice(text);
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// A bulk string in RESP2.
    pub fn double(&mut self, n: f64) {
        let text = match n {
            n if n.is_nan() => "nan".to_owned(),
            n if n.is_infinite() => (if n > 0.0 { "inf" } else { "-inf" }).to_owned(),
            n => n.to_string(),
        };
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => self.line(b',', text.as_bytes()),
        }
    }

    /// 1 or 0 in RESP2.
    pub fn boolean(&mut self, yes: bool) {
        match self.protocol {
            Protocol::Resp2 => self.int(i64::from(yes)),
            Protocol::Resp3 => self.line(b'#', if yes { b"t" } else { b"f" }),
        }
    }

    /// A bulk string in RESP2.
    pub fn big_number(&mut self, digits: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(digits.as_bytes()),
            Protocol::Resp3 => self.line(b'(', digits.as_bytes()),
        }
    }
}
