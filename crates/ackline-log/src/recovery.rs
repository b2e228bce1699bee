//! Reading a log: where it ends, and what must not be passed over.
//!
//! Frames follow each other without a gap. At the first place that holds neither a frame nor zeros up to the end of the
//! file, something went wrong, and what it was decides:
//!
//! ```text
//! a later segment, or a whole frame behind that was written once these bytes were synced     damage: refused
//! a piece of the frame, between the boundaries of 512-byte sectors, that is all zeros         torn: cut
//! every piece of the frame is there, and yet it is wrong; or one is there in part             damage: refused
//! ```
//!
//! A write that power interrupts leaves sectors as they were, and they were zeros. What was acknowledged had been synced
//! before, so that a torn frame never was.

use crate::frame::{Bad, Frame, Kind, link};
use crate::segment::{self, Chain, HEADER, Header};
use crate::storage::Storage;
use crate::{LogError, Lsn};
use std::io;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
/// So many zeros at the end of a sector are not the data of a frame that goes on.
const ZEROS: usize = 16;

/// A segment as it was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) header: Header,
    /// Where its frames end.
    pub(crate) end: u64,
    /// Bytes of the file.
    pub(crate) len: u64,
    /// Bytes from the end of the frames to the last that is not zero.
    pub(crate) torn: u64,
}

/// What a log consists of.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) chain: Chain,
    /// Oldest first; at most the last is torn.
    pub(crate) segments: Vec<Found>,
}

/// Reads all segments in order. `visit` gets every batch, with its position.
pub(crate) fn scan(storage: &dyn Storage, visit: &mut dyn FnMut(Lsn, &[u8])) -> Result<Contents, LogError> {
    let names = segments(storage)?;
    let mut contents = Contents::default();
    for (position, (index, name)) in names.iter().enumerate() {
        let bytes = storage.read(name).map_err(|error| LogError::Io(storage.path(name), error))?;
        let corrupt = |offset: usize, reason: &str| LogError::Corrupt {
            file: storage.path(name),
            offset: offset as u64,
            reason: reason.to_owned(),
        };
        let header = Header::decode(&bytes).filter(|header| header.index == *index);
        let header = header.ok_or_else(|| corrupt(0, "the segment's header is not readable"))?;
        match position {
            0 => contents.chain = header.chain,
            _ if header.chain != contents.chain => {
                return Err(corrupt(0, "the segment does not continue the one before it"));
            }
            _ => {}
        }
        let (end, bad) = read_frames(&bytes, header.salt, &mut contents.chain, visit);
        let last = position + 1 == names.len();
        if let Some(bad) = bad
            && !(last && is_torn(&bytes, end, bad, header.salt))
        {
            return Err(corrupt(end, bad.reason));
        }
        let torn = bytes[end..].iter().rposition(|byte| *byte != 0).map_or(0, |at| at as u64 + 1);
        contents.segments.push(Found { header, end: end as u64, len: bytes.len() as u64, torn });
    }
    Ok(contents)
}

/// Reads frames until there is none. Answers where that is and, unless only zeros follow, what is wrong there.
pub(crate) fn read_frames(
    bytes: &[u8],
    salt: u32,
    chain: &mut Chain,
    visit: &mut dyn FnMut(Lsn, &[u8]),
) -> (usize, Option<Bad>) {
    let mut at = HEADER as usize;
    while at < bytes.len() {
        let frame = match Frame::parse(bytes, at, salt) {
            Ok(frame) => frame,
            Err(_) if bytes[at..].iter().all(|byte| *byte == 0) => break,
            Err(bad) => return (at, Some(bad)),
        };
        let bad = |reason| Some(Bad { reason, extent: 0 });
        if let Some((epoch, index, lsn)) = frame.fence() {
            if (index, lsn) != (chain.index, chain.lsn) || epoch < chain.epoch {
                return (at, bad("a fence does not continue the frames before it"));
            }
            chain.epoch = epoch;
        } else if frame.kind == Kind::Fence {
            return (at, bad("a fence is not readable"));
        }
        let mut lsn = chain.lsn;
        let read = frame.batches(&mut |batch| {
            lsn += 1;
            visit(lsn, batch);
        });
        if read.is_none() {
            return (at, bad("the frame's batches are not readable"));
        }
        *chain = Chain { index: chain.index + 1, sum: link(chain.sum, frame.crc), lsn, ..*chain };
        at += frame.size;
    }
    (at, None)
}

/// Whether bad bytes at the end of a log are what an interrupted write leaves: sectors that are there to their end, and
/// sectors that are not there at all. A length that was damaged reaches beyond the frame, too; what ends in the middle of
/// a sector gives it away.
pub(crate) fn is_torn(bytes: &[u8], at: usize, bad: Bad, salt: u32) -> bool {
    let end = at.saturating_add(bad.extent);
    let boundary = |from: usize| (from / SECTOR + 1) * SECTOR;
    let pieces = std::iter::successors(Some(at), |from| Some(boundary(*from))).take_while(|from| *from < end);
    let mut missing = false;
    for from in pieces {
        let until = boundary(from).min(end);
        let piece = &bytes[from.min(bytes.len())..until.min(bytes.len())];
        let used = piece.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        missing |= used == 0 || until > bytes.len();
        if used > 0 && until < end && piece.len() - used >= ZEROS {
            return false;
        }
        if until > bytes.len() {
            break;
        }
    }
    missing && !is_proved_synced(bytes, at, salt)
}

/// Whether a whole frame further on was written when the bytes at `bad` were on stable storage already.
fn is_proved_synced(bytes: &[u8], bad: usize, salt: u32) -> bool {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    (bad + 1..end)
        .filter(|at| bytes[*at] & 0x80 != 0)
        .filter_map(|at| Some((at, Frame::parse(bytes, at, salt).ok()?)))
        .any(|(at, frame)| at as u64 - frame.behind.min(at as u64) > bad as u64)
}

/// The segments of a log, oldest first.
pub(crate) fn segments(storage: &dyn Storage) -> Result<Vec<(u64, String)>, LogError> {
    let all = storage.list().map_err(|error| LogError::Io(storage.path(""), error))?;
    let mut names: Vec<(u64, String)> =
        all.into_iter().filter_map(|name| Some((segment::index_of(&name)?, name))).collect();
    names.sort();
    Ok(names)
}

/// Removes files that were never given their name.
pub(crate) fn sweep(storage: &dyn Storage) -> io::Result<()> {
    storage.list()?.iter().filter(|name| name.ends_with(".tmp")).try_for_each(|name| storage.remove(name))
}
