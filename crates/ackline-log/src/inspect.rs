//! Looking at a log without opening it: nothing is locked for long, swept, cut or written. And the steps of a repair.
//!
//! What is whole, torn or damaged is decided by the very functions that recovery uses.

use crate::frame::{Frame, Kind};
use crate::recovery::{is_torn, read_frames};
use crate::segment::{self, Chain, HEADER, Header, Spare};
use crate::storage::{self, Disk, Storage, StorageFile};
use crate::{LogError, Lsn};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory, or one file of it under whatever name it is asked for, of which nothing can be changed.
pub struct ReadOnly {
    disk: Disk,
    only: Option<PathBuf>,
}

impl ReadOnly {
    /// A directory.
    pub fn directory(dir: &Path) -> ReadOnly {
        ReadOnly { disk: Disk::new(dir), only: None }
    }

    /// One file.
    pub fn file(file: &Path) -> ReadOnly {
        ReadOnly { disk: Disk::new(Path::new("")), only: Some(file.to_owned()) }
    }
}

struct ReadOnlyFile(File);

fn refused() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "opened for reading only")
}

impl StorageFile for ReadOnlyFile {
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(refused())
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        storage::read_at(&self.0, bytes, at)
    }

    fn reserve(&self, _: u64) -> io::Result<()> {
        Err(refused())
    }

    fn sync(&self) -> io::Result<()> {
        Err(refused())
    }
}

impl Storage for ReadOnly {
    fn open(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        Ok(Arc::new(ReadOnlyFile(File::open(self.path(name))?)))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path(name))?.len())
    }

    fn publish(&self, _: &str, _: &str) -> io::Result<()> {
        Err(refused())
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(refused())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.only.clone().unwrap_or_else(|| self.disk.path(name))
    }
}

/// Where a log stands between two frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Joint {
    /// Position of the last batch before.
    pub lsn: Lsn,
    /// How many frames came before.
    pub frame: u64,
    /// The epoch.
    pub epoch: u64,
    /// The chain of the frames' checksums.
    pub sum: u32,
}

impl From<Chain> for Joint {
    fn from(chain: Chain) -> Joint {
        Joint { lsn: chain.lsn, frame: chain.index, epoch: chain.epoch, sum: chain.sum }
    }
}

impl From<Joint> for Chain {
    fn from(joint: Joint) -> Chain {
        Chain { lsn: joint.lsn, index: joint.frame, epoch: joint.epoch, sum: joint.sum }
    }
}

/// What stands behind the frames of a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Zeros, or nothing.
    Whole,
    /// So many bytes of a write that was interrupted.
    Torn(u64),
    /// Something that no interrupted write leaves.
    Damaged(String),
}

/// A segment as it was found.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its file.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// Where its frames end; 0 if not even its header is readable.
    pub end: u64,
    /// What its first frame continues.
    pub before: Joint,
    /// What the next frame will continue.
    pub after: Joint,
    /// How many of its frames are fences.
    pub fences: u64,
    /// What follows.
    pub ending: Ending,
}

/// The names of the segments, oldest first.
pub fn segments(storage: &dyn Storage) -> Result<Vec<String>, LogError> {
    Ok(crate::recovery::segments(storage)?.into_iter().map(|(_, name)| name).collect())
}

/// What a segment's first frame continues, if its header is readable.
pub fn joint(storage: &dyn Storage, name: &str) -> io::Result<Option<Joint>> {
    let mut head = [0; HEADER as usize];
    let read = storage.open(name)?.read_at(&mut head, 0)?;
    Ok(Header::decode(&head[..read]).map(|header| header.chain.into()))
}

/// Reads a segment. `visit` gets every batch with its position; `last` says that no segment follows.
pub fn segment(name: &str, bytes: &[u8], last: bool, visit: &mut dyn FnMut(Lsn, &[u8])) -> Segment {
    let size = bytes.len() as u64;
    let named = segment::index_of(name);
    let header = Header::decode(bytes).filter(|header| named.is_none_or(|index| header.index == index));
    let Some(header) = header else {
        let (before, after) = (Joint::default(), Joint::default());
        let ending = Ending::Damaged("the segment's header is not readable".to_owned());
        return Segment { name: name.to_owned(), size, end: 0, before, after, fences: 0, ending };
    };
    let mut chain = header.chain;
    let (end, bad) = read_frames(bytes, header.salt, &mut chain, visit);
    let behind = bytes[end..].iter().rposition(|byte| *byte != 0).map_or(0, |at| at as u64 + 1);
    let ending = match bad {
        None => Ending::Whole,
        Some(bad) if last && is_torn(bytes, end, bad, header.salt) => Ending::Torn(behind),
        Some(bad) => Ending::Damaged(bad.reason.to_owned()),
    };
    let fences = fences(&bytes[..end], header.salt);
    let (before, after) = (header.chain.into(), chain.into());
    Segment { name: name.to_owned(), size, end: end as u64, before, after, fences, ending }
}

fn fences(frames: &[u8], salt: u32) -> u64 {
    let (mut at, mut count) = (HEADER as usize, 0);
    while let Ok(frame) = Frame::parse(frames, at, salt) {
        count += u64::from(frame.kind == Kind::Fence);
        at += frame.size;
    }
    count
}

/// What could still be read behind damage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Salvage {
    /// Whole frames.
    pub frames: u64,
    /// The batches in them.
    pub batches: u64,
}

/// Looks for whole frames of a segment from a byte on. `visit` gets their batches, whose positions nobody knows.
pub fn salvage(bytes: &[u8], from: u64, visit: &mut dyn FnMut(&[u8])) -> Salvage {
    let mut found = Salvage::default();
    let Some(header) = Header::decode(bytes) else { return found };
    let mut at = (from.max(HEADER)) as usize;
    while at < bytes.len() {
        let frame = (bytes[at] & 0x80 != 0).then(|| Frame::parse(bytes, at, header.salt).ok()).flatten();
        let Some(frame) = frame else {
            at += 1;
            continue;
        };
        found.frames += 1;
        // A payload that does not hold what its kind says still had its checksum: it is passed over.
        let _ = frame.batches(&mut |batch| {
            found.batches += 1;
            visit(batch);
        });
        at += frame.size;
    }
    found
}

/// Makes zeros of everything from a byte of a segment on: the log ends there.
pub fn cut(storage: &dyn Storage, name: &str, at: u64) -> io::Result<()> {
    let size = storage.size(name)?;
    let file = storage.open(name)?;
    file.write_at(&vec![0; size.saturating_sub(at) as usize], at)?;
    file.sync()
}

/// Begins a log anew in an empty segment behind all others, at a position that a snapshot stands for.
pub fn begin(storage: &dyn Storage, at: Joint) -> io::Result<String> {
    let index = crate::recovery::segments(storage).map_err(io::Error::other)?;
    let index = index.last().map_or(0, |(index, _)| index + 1);
    let salt = crate::LocalOptions::default().salt(index);
    Spare::prepare(storage, segment::next_size(0, u64::MAX))?.publish(storage, index, at.into(), salt)?;
    Ok(segment::name(index))
}

/// Gives a file a name under which no log looks for it. Answers the name.
pub fn set_aside(storage: &dyn Storage, name: &str) -> io::Result<String> {
    let aside = free_name(storage, name)?;
    storage.publish(name, &aside)?;
    Ok(aside)
}

/// Copies a file to such a name.
pub fn copy_aside(storage: &dyn Storage, name: &str) -> io::Result<String> {
    const COPY: &str = "copy.tmp";
    let aside = free_name(storage, name)?;
    storage.remove(COPY)?;
    let copy = storage.open(COPY)?;
    copy.write_at(&storage.read(name)?, 0)?;
    copy.sync()?;
    storage.publish(COPY, &aside)?;
    Ok(aside)
}

/// What an earlier repair set aside stays.
fn free_name(storage: &dyn Storage, name: &str) -> io::Result<String> {
    let taken = storage.list()?;
    let mut candidates = (1u32..).map(|n| match n {
        1 => format!("{name}.damaged"),
        n => format!("{name}.damaged{n}"),
    });
    candidates.find(|name| !taken.contains(name)).ok_or(io::Error::other("no name is free"))
}

/// Keeps servers out for as long as it lives, if there is a lock to hold.
#[derive(Debug)]
pub struct Quiet {
    _lock: Option<File>,
}

/// Takes the lock of a directory for reading, beside other readers; `None` if a server has it. A directory without a
/// lock file is left without.
pub fn quiet(dir: &Path) -> Result<Option<Quiet>, LogError> {
    let path = dir.join(crate::local::LOCK);
    let lock = match File::open(&path) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Quiet { _lock: None })),
        Err(error) => return Err(LogError::Io(path, error)),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Some(Quiet { _lock: Some(lock) })),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(LogError::Io(path, error)),
    }
}
