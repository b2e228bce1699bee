//! Frames: what is written at once. A frame holds the batches that gathered while the one before it was written.
//!
//! ```text
//! frame   = mark u8 | length | [behind] | crc u32 | payload      length and behind as LEB128; no behind is 0
//! mark    = 1 b kk cccc         b: behind follows; kind: 0 one batch, 1 (length batch)*, 2 fence;
//!                               cccc: fold of b, kind, length and behind
//! fence   = epoch index lsn     LEB128 each
//! ```
//!
//! An ordinary frame's header is 6 bytes: alone in its frame, an acknowledgement must not cost more for the frame
//! than for itself. What could be said in every header is said elsewhere: positions follow from the segment's header, and
//! the chain of checksums stands in the segments' headers. The CRC (CRC32C) covers the segment's salt, the frame's place
//! in the file, the header and the payload, so that neither old bytes nor displaced ones parse.
//!
//! `behind` tells how many bytes before this frame were not yet synced when it was written. It is 0 in mode `always`. A
//! whole frame therefore proves what was on stable storage before it, which is how damage is told from a torn tail.

use crate::Lsn;

/// The longest header.
pub(crate) const HEADER_MAX: usize = 1 + 5 + 5 + 4;
/// The largest payload.
pub(crate) const PAYLOAD_MAX: usize = u32::MAX as usize;

/// What a frame is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    One,
    Many,
    Fence,
}

/// The bit of a mark that says that `behind` follows.
const BEHIND: u8 = 0x40;

/// Appends a frame that will lie at `at` of a segment. Answers its CRC.
pub(crate) fn put(out: &mut Vec<u8>, kind: Kind, payload: &[u8], behind: u64, salt: u32, at: u64) -> u32 {
    let start = out.len();
    let mut head = (kind as u8) << 4;
    out.push(0);
    put_number(out, payload.len() as u64);
    if behind > 0 {
        head |= BEHIND;
        put_number(out, behind);
    }
    out[start] = mark(head, &out[start + 1..]);
    let crc = checksum(&out[start..], payload, salt, at);
    out.extend_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(payload);
    crc
}

/// One flipped bit of the header never goes unnoticed: it changes exactly one bit of the fold.
fn mark(head: u8, numbers: &[u8]) -> u8 {
    let folded = numbers.iter().fold(head, |sum, byte| sum ^ byte);
    0x80 | head | (folded & 0xf) ^ (folded >> 4)
}

fn checksum(header: &[u8], payload: &[u8], salt: u32, at: u64) -> u32 {
    let place = crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), &at.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(place, header), payload)
}

/// The chain after a frame with this CRC.
pub(crate) fn link(chain: u32, crc: u32) -> u32 {
    crc32c::crc32c_append(chain, &crc.to_le_bytes())
}

/// What is wrong with the bytes at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bad {
    pub(crate) reason: &'static str,
    /// How many bytes the frame would have, as far as they can be trusted.
    pub(crate) extent: usize,
}

/// A frame that was read and whose CRC is right.
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    pub(crate) behind: u64,
    pub(crate) payload: &'a [u8],
    pub(crate) crc: u32,
    /// Bytes of the whole frame.
    pub(crate) size: usize,
}

impl<'a> Frame<'a> {
    /// The frame at place `at` of a segment, or what is wrong there.
    pub(crate) fn parse(segment: &'a [u8], at: usize, salt: u32) -> Result<Frame<'a>, Bad> {
        let bytes = &segment[at..];
        let bad = |reason, extent| Bad { reason, extent };
        let first = *bytes.first().ok_or(bad("the frame's header is cut", 1))?;
        // What ends in the middle of its header reaches beyond the end.
        let least = if bytes.len() < HEADER_MAX { bytes.len() + 1 } else { HEADER_MAX };
        let numbers = take_numbers(&bytes[1..], first & BEHIND != 0);
        let (length, behind, numbers) = numbers.ok_or(bad("no frame begins here", least))?;
        let kind = match first & 0xb0 {
            0x80 => Kind::One,
            0x90 => Kind::Many,
            0xa0 => Kind::Fence,
            _ => return Err(bad("no frame begins here", 1 + numbers)),
        };
        if mark(first & 0x70, &bytes[1..1 + numbers]) != first {
            return Err(bad("the frame's header is wrong", 1 + numbers));
        }
        let header = 1 + numbers + 4;
        let size = header + length as usize;
        let whole = bytes.get(..size).ok_or(bad("the frame is cut", size))?;
        let crc = u32_at(whole, header - 4);
        if checksum(&whole[..header - 4], &whole[header..], salt, at as u64) != crc {
            return Err(bad("the frame's checksum is wrong", size));
        }
        Ok(Frame { kind, behind, payload: &whole[header..], crc, size })
    }

    /// Calls `visit` with each batch; `None` if the payload is not what its kind says.
    pub(crate) fn batches(&self, visit: &mut dyn FnMut(&'a [u8])) -> Option<()> {
        let mut rest = self.payload;
        match self.kind {
            Kind::Fence => {}
            Kind::One => visit(rest),
            Kind::Many => {
                while !rest.is_empty() {
                    let (len, after) = take_number(rest)?;
                    let (batch, after) = after.split_at_checked(usize::try_from(len).ok()?)?;
                    visit(batch);
                    rest = after;
                }
            }
        }
        Some(())
    }

    /// What a fence says: epoch, index and position.
    pub(crate) fn fence(&self) -> Option<(u64, u64, Lsn)> {
        let (epoch, rest) = take_number(self.payload)?;
        let (index, rest) = take_number(rest)?;
        let (lsn, rest) = take_number(rest)?;
        (self.kind == Kind::Fence && rest.is_empty()).then_some((epoch, index, lsn))
    }
}

/// The payload of a fence.
pub(crate) fn fence(epoch: u64, index: u64, lsn: Lsn) -> Vec<u8> {
    let mut payload = Vec::new();
    [epoch, index, lsn].into_iter().for_each(|n| put_number(&mut payload, n));
    payload
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// Appends a number, seven bits a byte.
pub(crate) fn put_number(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn take_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut n = 0;
    for (i, &byte) in bytes.iter().enumerate().take(9) {
        n |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            return Some((n, &bytes[i + 1..]));
        }
    }
    None
}

/// The numbers of a header, and how many bytes they take.
fn take_numbers(bytes: &[u8], with_behind: bool) -> Option<(u32, u64, usize)> {
    let (length, mut rest) = take_number(bytes)?;
    let mut behind = 0;
    if with_behind {
        (behind, rest) = take_number(rest)?;
    }
    Some((u32::try_from(length).ok()?, behind, bytes.len() - rest.len()))
}
