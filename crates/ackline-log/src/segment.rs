//! Segments: the files of a log.
//!
//! ```text
//! segment = header frame* zeros                 born as next.tmp, zeros and all synced, then given its name
//! header  = "AckSeg02" | salt u32 | index u64 | lsn u64 | frame u64 | epoch u64 | chain u32 | crc u32 | zeros
//!           in the first 64 bytes
//! ```
//!
//! `lsn`, `frame`, `epoch` and `chain` are what the first frame continues, so that a log whose older segments were removed
//! can be checked from its oldest one on.

use crate::Lsn;
use crate::frame::{u32_at, u64_at};
use crate::storage::{Storage, StorageFile};
use std::io;
use std::sync::Arc;

pub(crate) const HEADER: u64 = 64;
const MAGIC: &[u8; 8] = b"AckSeg02";
const CRC_AT: usize = 48;
/// No log counts this far: what says so is none, and counting on from there would overflow.
const COUNT_MAX: u64 = 1 << 62;
/// Zeros that are written at once. File systems keep what comes in one large piece in one large page, and then go through all
/// of it at every small write.
const ZERO_CHUNK: usize = 64 << 10;
/// Zeros that are synced at once: others want to write, too.
const ZEROS_SYNCED: u64 = 1 << 20;
/// The first segment of a log; each is four times the one before until the configured size is reached.
const SIZE_MIN: u64 = 1 << 20;
/// The name that a segment has until it is used.
const NEXT: &str = "next.tmp";

/// What the next frame has to continue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Chain {
    /// Index of the next frame.
    pub(crate) index: u64,
    pub(crate) epoch: u64,
    /// The CRCs of all frames so far, chained.
    pub(crate) sum: u32,
    /// Position before the next frame's first batch.
    pub(crate) lsn: Lsn,
}

/// The header of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) salt: u32,
    pub(crate) index: u64,
    pub(crate) chain: Chain,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER as usize] {
        let mut out = [0; HEADER as usize];
        out[..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&self.salt.to_le_bytes());
        out[12..20].copy_from_slice(&self.index.to_le_bytes());
        out[20..28].copy_from_slice(&self.chain.lsn.to_le_bytes());
        out[28..36].copy_from_slice(&self.chain.index.to_le_bytes());
        out[36..44].copy_from_slice(&self.chain.epoch.to_le_bytes());
        out[44..48].copy_from_slice(&self.chain.sum.to_le_bytes());
        let crc = crc32c::crc32c(&out[..CRC_AT]);
        out[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Header> {
        let head = bytes.get(..HEADER as usize)?;
        let whole = head.starts_with(MAGIC)
            && u32_at(head, CRC_AT) == crc32c::crc32c(&head[..CRC_AT])
            && head[CRC_AT + 4..].iter().all(|byte| *byte == 0);
        let header = whole.then(|| Header {
            salt: u32_at(head, 8),
            index: u64_at(head, 12),
            chain: Chain {
                lsn: u64_at(head, 20),
                index: u64_at(head, 28),
                epoch: u64_at(head, 36),
                sum: u32_at(head, 44),
            },
        })?;
        let Chain { lsn, index, epoch, .. } = header.chain;
        [header.index, lsn, index, epoch].iter().all(|n| *n < COUNT_MAX).then_some(header)
    }
}

/// A segment that is written to.
pub(crate) struct Segment {
    pub(crate) file: Arc<dyn StorageFile>,
    pub(crate) header: Header,
    /// Where the next frame goes.
    pub(crate) end: u64,
    /// Up to here everything is on stable storage.
    pub(crate) synced: u64,
    /// Bytes that were zeroed; a frame that does not fit goes into the next segment.
    pub(crate) size: u64,
}

pub(crate) fn name(index: u64) -> String {
    format!("{index:016x}.log")
}

/// The index of the segment of that name.
pub(crate) fn index_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// The size of the segment that follows one of `size` bytes.
pub(crate) fn next_size(size: u64, max: u64) -> u64 {
    (size.max(SIZE_MIN / 4) * 4).min(max)
}

/// A file of zeros that becomes the next segment: what is written over synced zeros is synced several times faster than
/// what makes a file grow, and a disk that is full shows before anything depends on it.
pub(crate) struct Spare {
    file: Arc<dyn StorageFile>,
    pub(crate) size: u64,
}

impl Spare {
    pub(crate) fn prepare(storage: &dyn Storage, size: u64) -> io::Result<Spare> {
        let made = Spare::write(storage, size);
        if made.is_err() {
            // Whatever room it took is better left to others.
            storage.remove(NEXT)?;
        }
        made
    }

    fn write(storage: &dyn Storage, size: u64) -> io::Result<Spare> {
        let file = storage.open(NEXT)?;
        file.reserve(size)?;
        let zeros = vec![0; ZERO_CHUNK.min(size as usize)];
        for at in (0..size).step_by(zeros.len()) {
            let end = size.min(at + zeros.len() as u64);
            file.write_at(&zeros[..(end - at) as usize], at)?;
            if end.is_multiple_of(ZEROS_SYNCED) || end == size {
                file.sync()?;
            }
        }
        Ok(Spare { file, size })
    }

    /// Becomes a segment: it has its name only once its header is on disk.
    pub(crate) fn publish(
        self,
        storage: &dyn Storage,
        index: u64,
        chain: Chain,
        salt: u32,
    ) -> io::Result<Segment> {
        let header = Header { salt, index, chain };
        self.file.write_at(&header.encode(), 0)?;
        self.file.sync()?;
        storage.publish(NEXT, &name(index))?;
        Ok(Segment { file: self.file, header, end: HEADER, synced: HEADER, size: self.size })
    }
}
