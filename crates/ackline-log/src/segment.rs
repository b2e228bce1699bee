//! Segments: the files of a log.
//!
//! ```text
//! segment = header frame* zeros                 born as *.tmp, synced, then given its name
//! header  = "AckSeg01" | salt u32 | index u64 | first u64 | frame u64 | epoch u64 | previous u32 | crc u32
//!           in the first 64 bytes
//! ```
//!
//! `first` is the position before the first batch; `frame`, `epoch` and `previous` are what the first frame has to
//! continue, so that a log whose older segments were removed can be checked from its oldest one on.

use crate::Lsn;
use crate::frame::{u32_at, u64_at};
use crate::storage::{Storage, StorageFile};
use std::io;
use std::sync::Arc;

pub(crate) const HEADER: u64 = 64;
const MAGIC: &[u8; 8] = b"AckSeg01";
const CRC_AT: usize = 48;
/// Bytes zero-written ahead at once.
pub(crate) const ZERO_CHUNK: usize = 1 << 20;

/// What the next frame has to continue.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Chain {
    /// Index of the next frame.
    pub(crate) index: u64,
    pub(crate) epoch: u64,
    /// CRC of the frame before.
    pub(crate) previous: u32,
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
        out[44..48].copy_from_slice(&self.chain.previous.to_le_bytes());
        let crc = crc32c::crc32c(&out[..CRC_AT]);
        out[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Header> {
        let head = bytes.get(..HEADER as usize)?;
        let whole = head.starts_with(MAGIC) && u32_at(head, CRC_AT) == crc32c::crc32c(&head[..CRC_AT]);
        whole.then(|| Header {
            salt: u32_at(head, 8),
            index: u64_at(head, 12),
            chain: Chain {
                lsn: u64_at(head, 20),
                index: u64_at(head, 28),
                epoch: u64_at(head, 36),
                previous: u32_at(head, 44),
            },
        })
    }
}

/// A segment that is written to.
pub(crate) struct Segment {
    pub(crate) file: Arc<dyn StorageFile>,
    pub(crate) header: Header,
    /// Where the next frame goes.
    pub(crate) end: u64,
    /// Up to here the file was zero-written.
    pub(crate) zeroed: u64,
}

pub(crate) fn name(index: u64) -> String {
    format!("{index:016x}.log")
}

/// The index of the segment of that name.
pub(crate) fn index_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

impl Segment {
    /// A new segment: it has its name only once it is whole on disk.
    pub(crate) fn create(storage: &dyn Storage, index: u64, chain: Chain, size: u64) -> io::Result<Segment> {
        let header = Header { salt: salt(index), index, chain };
        let temporary = format!("{}.tmp", name(index));
        let file = storage.open(&temporary)?;
        let mut first = vec![0; ZERO_CHUNK.min(size as usize)];
        first[..HEADER as usize].copy_from_slice(&header.encode());
        file.write_at(&first, 0)?;
        file.sync()?;
        storage.publish(&temporary, &name(index))?;
        Ok(Segment { file, header, end: HEADER, zeroed: first.len() as u64 })
    }

    /// Writes zeros ahead of the frames: a sync of bytes that the file already has is several times cheaper.
    pub(crate) fn zero_ahead(&mut self, until: u64) -> io::Result<()> {
        while self.zeroed < until {
            self.file.write_at(&vec![0; ZERO_CHUNK], self.zeroed)?;
            self.zeroed += ZERO_CHUNK as u64;
        }
        Ok(())
    }
}

/// Chance, so that a file system that hands out old blocks hands out no frames.
fn salt(index: u64) -> u32 {
    use std::hash::BuildHasher;
    std::collections::hash_map::RandomState::new().hash_one(index) as u32
}
