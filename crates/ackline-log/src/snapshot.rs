//! Snapshots: what a log would say up to a position, said shorter. Opaque here, as batches are.
//!
//! ```text
//! file   = <after in 16 hex digits>.snap           born as snapshot.tmp
//! file   = header part* end
//! header = "AckSnp01" | after u64 | reach u64 | crc u32      28 bytes; the log is needed behind `after`,
//!                                                            and must reach `reach` at least
//! part   = length u32 | tag u32 | crc u32 | bytes            each CRC continues the one before
//! end    = a part with tag 2^32-1 and the number of parts, u64
//! ```

use crate::frame::{u32_at, u64_at};
use crate::storage::{Storage, StorageFile};
use crate::{LogError, Lsn};
use std::io;
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"AckSnp01";
const HEADER: usize = 28;
const PART_HEADER: usize = 12;
const END: u32 = u32::MAX;
const NEW: &str = "snapshot.tmp";
/// Bytes that gather before they are written; each write is synced at once, so that a large snapshot never holds up the
/// syncs of the log behind gigabytes of its own.
const GATHER: usize = 1 << 20;
/// The largest part.
pub const PART_MAX: usize = 1 << 30;

/// The snapshots of a storage, newest first, each by the position behind which it needs the log.
pub fn list(storage: &dyn Storage) -> Result<Vec<Lsn>, LogError> {
    let names = storage.list().map_err(|error| LogError::Io(storage.path(""), error))?;
    let mut all: Vec<Lsn> = names.iter().filter_map(|name| position(name)).collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    Ok(all)
}

/// The file of a snapshot.
pub fn name(after: Lsn) -> String {
    format!("{after:016x}.snap")
}

fn position(name: &str) -> Option<Lsn> {
    let digits = name.strip_suffix(".snap").filter(|digits| digits.len() == 16)?;
    Lsn::from_str_radix(digits, 16).ok()
}

/// Removes a snapshot.
pub fn remove(storage: &dyn Storage, after: Lsn) -> Result<(), LogError> {
    storage.remove(&name(after)).map_err(|error| LogError::Io(storage.path(&name(after)), error))
}

/// A snapshot that is being written.
pub struct Writer<'a> {
    storage: &'a dyn Storage,
    file: Arc<dyn StorageFile>,
    gathered: Vec<u8>,
    at: u64,
    crc: u32,
    parts: u64,
}

impl<'a> Writer<'a> {
    /// Begins one; what an interrupted one left goes.
    pub fn create(storage: &'a dyn Storage) -> io::Result<Writer<'a>> {
        storage.remove(NEW)?;
        let file = storage.open(NEW)?;
        Ok(Writer { storage, file, gathered: vec![0; HEADER], at: 0, crc: 0, parts: 0 })
    }

    /// Adds a part of at most [`PART_MAX`] bytes under a tag other than 2^32-1.
    pub fn put(&mut self, tag: u32, bytes: &[u8]) -> io::Result<()> {
        self.parts += 1;
        self.write(tag, bytes)
    }

    fn write(&mut self, tag: u32, bytes: &[u8]) -> io::Result<()> {
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length as usize <= PART_MAX);
        let length = length.ok_or(io::Error::other("a part of a snapshot is too large"))?;
        self.crc = checksum(self.crc, length, tag, bytes);
        self.gathered.extend_from_slice(&length.to_le_bytes());
        self.gathered.extend_from_slice(&tag.to_le_bytes());
        self.gathered.extend_from_slice(&self.crc.to_le_bytes());
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= GATHER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_at(&self.gathered, self.at)?;
        self.file.sync()?;
        self.at += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    /// Ends it: it is whole on disk, was read back, and has its name. Answers its size in bytes.
    pub fn finish(mut self, after: Lsn, reach: Lsn) -> Result<u64, LogError> {
        let name = name(after);
        let io = |error| LogError::Io(self.storage.path(&name), error);
        let parts = self.parts;
        self.write(END, &parts.to_le_bytes()).map_err(io)?;
        self.flush().map_err(io)?;
        self.file.write_at(&header(after, reach), 0).map_err(io)?;
        self.file.sync().map_err(io)?;
        let mut reader = Reader::open(self.storage, NEW)?;
        while reader.next()?.is_some() {}
        self.storage.publish(NEW, &name).map_err(io)?;
        Ok(self.at)
    }

    /// Gives it up, and the room that it took.
    pub fn abandon(self) {
        if let Err(error) = self.storage.remove(NEW) {
            tracing::warn!("{} could not be removed: {error}", self.storage.path(NEW).display());
        }
    }
}

fn header(after: Lsn, reach: Lsn) -> [u8; HEADER] {
    let mut out = [0; HEADER];
    out[..8].copy_from_slice(MAGIC);
    out[8..16].copy_from_slice(&after.to_le_bytes());
    out[16..24].copy_from_slice(&reach.to_le_bytes());
    let crc = crc32c::crc32c(&out[..24]);
    out[24..].copy_from_slice(&crc.to_le_bytes());
    out
}

fn checksum(before: u32, length: u32, tag: u32, bytes: &[u8]) -> u32 {
    let numbers = crc32c::crc32c_append(before, &length.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(numbers, &tag.to_le_bytes()), bytes)
}

/// A snapshot that is being read. Every byte is checked before it is given out.
pub struct Reader {
    file: Arc<dyn StorageFile>,
    path: std::path::PathBuf,
    /// The log is needed behind this position.
    pub after: Lsn,
    /// The log must reach this position at least.
    pub reach: Lsn,
    at: u64,
    crc: u32,
    parts: u64,
    part: Vec<u8>,
    done: bool,
}

impl Reader {
    /// Opens a snapshot by its position.
    pub fn new(storage: &dyn Storage, after: Lsn) -> Result<Reader, LogError> {
        let reader = Reader::open(storage, &name(after))?;
        match reader.after == after {
            true => Ok(reader),
            false => Err(reader.corrupt("the snapshot has another position than its name says")),
        }
    }

    fn open(storage: &dyn Storage, name: &str) -> Result<Reader, LogError> {
        let path = storage.path(name);
        let file = storage.open(name).map_err(|error| LogError::Io(path.clone(), error))?;
        let mut reader =
            Reader { file, path, after: 0, reach: 0, at: 0, crc: 0, parts: 0, part: Vec::new(), done: false };
        let mut head = [0; HEADER];
        reader.fill(&mut head)?;
        (reader.after, reader.reach) = (u64_at(&head, 8), u64_at(&head, 16));
        if head != header(reader.after, reader.reach) {
            reader.at = 0;
            return Err(reader.corrupt("the snapshot's header is not readable"));
        }
        Ok(reader)
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// The next part; `None` at the end.
    #[allow(clippy::should_implement_trait, reason = "what it answers borrows from it")]
    pub fn next(&mut self) -> Result<Option<(u32, &[u8])>, LogError> {
        if self.done {
            return Ok(None);
        }
        let start = self.at;
        let mut head = [0; PART_HEADER];
        self.fill(&mut head)?;
        let (length, tag, crc) = (u32_at(&head, 0), u32_at(&head, 4), u32_at(&head, 8));
        let mut part = std::mem::take(&mut self.part);
        let read = self.fill_part(&mut part, length as usize);
        self.part = part;
        read?;
        self.crc = checksum(self.crc, length, tag, &self.part);
        if self.crc != crc {
            self.at = start;
            return Err(self.corrupt("the part's checksum is wrong"));
        }
        if tag != END {
            self.parts += 1;
            return Ok(Some((tag, &self.part)));
        }
        self.done = true;
        let more =
            self.file.read_at(&mut [0], self.at).map_err(|error| LogError::Io(self.path.clone(), error))?;
        match self.part == self.parts.to_le_bytes() && more == 0 {
            true => Ok(None),
            false => Err(self.corrupt("the snapshot does not end where it should")),
        }
    }

    /// Reads a part in pieces: what a damaged length claims is not allocated before it is there.
    fn fill_part(&mut self, part: &mut Vec<u8>, length: usize) -> Result<(), LogError> {
        part.clear();
        if length > PART_MAX {
            return Err(self.corrupt("the part is too large"));
        }
        while part.len() < length {
            let from = part.len();
            part.resize(length.min(from + GATHER), 0);
            self.fill(&mut part[from..])?;
        }
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), LogError> {
        let read =
            self.file.read_at(bytes, self.at).map_err(|error| LogError::Io(self.path.clone(), error))?;
        if read < bytes.len() {
            return Err(self.corrupt("the snapshot is cut"));
        }
        self.at += read as u64;
        Ok(())
    }

    fn corrupt(&self, reason: &str) -> LogError {
        LogError::Corrupt { file: self.path.clone(), offset: self.at, reason: reason.to_owned() }
    }
}
