//! Variable-length numbers and byte strings: the alphabet of records and of blocks.
//!
//! Numbers are LEB128: seven bits a byte, least significant first. Signed numbers are zigzag-coded first.

use crate::id::StreamId;

/// Appends an unsigned number, 1 to 10 bytes.
pub fn put_u64(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Bytes that an unsigned number takes.
pub(crate) fn len_u64(n: u64) -> usize {
    (u64::BITS - (n | 1).leading_zeros()).div_ceil(7) as usize
}

/// Appends a signed number.
pub fn put_i64(out: &mut Vec<u8>, n: i64) {
    put_u64(out, ((n << 1) ^ (n >> 63)) as u64);
}

/// Appends a length and the bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends an ID.
pub fn put_id(out: &mut Vec<u8>, id: StreamId) {
    put_u64(out, id.ms);
    put_u64(out, id.seq);
}

/// Reads what the `put_` functions wrote. Every read answers `None` at the end or on a malformed number.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether all was read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// An unsigned number.
    #[inline]
    pub fn u64(&mut self) -> Option<u64> {
        // Most are small.
        let first = self.byte()?;
        if first < 0x80 { Some(u64::from(first)) } else { self.rest_of_u64(first) }
    }

    fn rest_of_u64(&mut self, first: u8) -> Option<u64> {
        let mut n = u64::from(first & 0x7f);
        for shift in (7..64).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let fits = shift < 63 || byte <= 1;
                return fits.then_some(n);
            }
        }
        None
    }

    /// A signed number.
    pub fn i64(&mut self) -> Option<i64> {
        let n = self.u64()?;
        Some((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    /// A length and as many bytes.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u64()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    /// An ID.
    pub fn id(&mut self) -> Option<StreamId> {
        Some(StreamId::new(self.u64()?, self.u64()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(u in any::<u64>(), i in any::<i64>(), b in any::<Vec<u8>>()) {
            let mut out = Vec::new();
            put_u64(&mut out, u);
            prop_assert_eq!(out.len(), len_u64(u));
            put_i64(&mut out, i);
            put_bytes(&mut out, &b);
            let mut reader = Reader::new(&out);
            prop_assert_eq!((reader.u64(), reader.i64(), reader.bytes()), (Some(u), Some(i), Some(&b[..])));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            let mut reader = Reader::new(&bytes);
            while reader.u64().is_some() {}
            let _ = reader.bytes();
        }
    }
}
