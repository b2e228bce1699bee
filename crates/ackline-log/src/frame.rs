//! Frames: what is written at once. A frame holds the batches that gathered while the one before it was written.
//!
//! ```text
//! frame   = header payload                      header 48 bytes, numbers little-endian
//! header  = magic u32 | version u16 | kind u16 | epoch u64 | index u64 | before u64
//!           | batches u32 | length u32 | previous u32 | crc u32
//! payload = (length batch)*                     lengths as LEB128; a fence has none
//! ```
//!
//! `before` is the position before the first batch, `previous` the CRC of the frame before, `crc` the CRC32C of the
//! segment's salt, the header up to it, and the payload. A recycled segment's old bytes therefore never parse.

use crate::Lsn;

pub(crate) const HEADER: usize = 48;
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"AckF");
const VERSION: u16 = 1;
const CRC_AT: usize = 44;

/// What a frame is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Data,
    Fence,
}

/// A frame's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) epoch: u64,
    pub(crate) index: u64,
    pub(crate) before: Lsn,
    pub(crate) batches: u32,
    pub(crate) length: u32,
    pub(crate) previous: u32,
}

/// Writes the header into the first bytes of a frame whose payload stands behind it. Answers the frame's CRC.
pub(crate) fn seal(frame: &mut [u8], header: &Header, salt: u32) -> u32 {
    let kind = u16::from(header.kind == Kind::Fence);
    frame[0..4].copy_from_slice(&MAGIC.to_le_bytes());
    frame[4..6].copy_from_slice(&VERSION.to_le_bytes());
    frame[6..8].copy_from_slice(&kind.to_le_bytes());
    frame[8..16].copy_from_slice(&header.epoch.to_le_bytes());
    frame[16..24].copy_from_slice(&header.index.to_le_bytes());
    frame[24..32].copy_from_slice(&header.before.to_le_bytes());
    frame[32..36].copy_from_slice(&header.batches.to_le_bytes());
    frame[36..40].copy_from_slice(&header.length.to_le_bytes());
    frame[40..44].copy_from_slice(&header.previous.to_le_bytes());
    let crc = checksum(frame, salt);
    frame[CRC_AT..HEADER].copy_from_slice(&crc.to_le_bytes());
    crc
}

fn checksum(frame: &[u8], salt: u32) -> u32 {
    let seeded = crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), &frame[..CRC_AT]);
    crc32c::crc32c_append(seeded, &frame[HEADER..])
}

/// A frame that was read and whose CRC is right.
pub(crate) struct Frame<'a> {
    pub(crate) header: Header,
    pub(crate) payload: &'a [u8],
    pub(crate) crc: u32,
}

impl<'a> Frame<'a> {
    /// The frame at the start of `bytes`, or what is wrong with them.
    pub(crate) fn parse(bytes: &'a [u8], salt: u32) -> Result<Frame<'a>, &'static str> {
        let head = bytes.get(..HEADER).ok_or("the frame's header is cut")?;
        if u32_at(head, 0) != MAGIC {
            return Err("no frame begins here");
        }
        let length = u32_at(head, 36) as usize;
        let whole = bytes.get(..HEADER + length).ok_or("the frame is cut")?;
        let crc = u32_at(head, CRC_AT);
        if checksum(whole, salt) != crc {
            return Err("the frame's checksum is wrong");
        }
        if u16::from_le_bytes([head[4], head[5]]) != VERSION {
            return Err("the frame has a version that this program does not know");
        }
        let header = Header {
            kind: if head[6] == 1 { Kind::Fence } else { Kind::Data },
            epoch: u64_at(head, 8),
            index: u64_at(head, 16),
            before: u64_at(head, 24),
            batches: u32_at(head, 32),
            length: length as u32,
            previous: u32_at(head, 40),
        };
        Ok(Frame { header, payload: &whole[HEADER..], crc })
    }

    /// Bytes of the whole frame.
    pub(crate) fn size(&self) -> usize {
        HEADER + self.payload.len()
    }

    /// The batches with their positions.
    pub(crate) fn batches(&self) -> impl Iterator<Item = (Lsn, &'a [u8])> {
        let mut rest = self.payload;
        let mut lsn = self.header.before;
        std::iter::from_fn(move || {
            let (len, after) = take_length(rest)?;
            let (batch, after) = after.split_at_checked(len)?;
            rest = after;
            lsn += 1;
            Some((lsn, batch))
        })
    }
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// Appends a batch to a payload.
pub(crate) fn put_batch(out: &mut Vec<u8>, batch: &[u8]) {
    let mut len = batch.len();
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(batch);
}

fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut len = 0usize;
    for (i, &byte) in bytes.iter().enumerate().take(9) {
        len |= usize::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Some((len, &bytes[i + 1..]));
        }
    }
    None
}
