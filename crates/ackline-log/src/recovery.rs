//! Reading a log: which frames count, where it ends, and what must not be passed over.
//!
//! One filter decides about each frame: it continues the chain, or it opens a new epoch, or it is a stale writer's and
//! ignored, or the log is broken. At the first bad frame the rest is searched: a valid frame behind it means damage in
//! the middle, and the log is refused; nothing valid means a torn tail, which is cut.

use crate::frame::{Frame, Kind, MAGIC};
use crate::segment::{self, Chain, HEADER, Header};
use crate::storage::Storage;
use crate::{LogError, Lsn};
use std::io;

/// Where a log ends.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) chain: Chain,
    /// The last segment: its header, where the next frame goes, and the length of its file.
    pub(crate) segment: Option<(Header, u64, u64)>,
    /// Bytes in use, over all segments.
    pub(crate) size: u64,
    /// The torn bytes: from the end of the last segment's frames to its last byte that is not zero.
    pub(crate) torn: u64,
}

/// What the filter makes of a frame.
enum Verdict {
    Continues,
    Stale,
    Broken(&'static str),
}

fn judge(chain: &Chain, frame: &Frame<'_>) -> Verdict {
    let header = &frame.header;
    if header.kind == Kind::Fence && header.epoch == header.index && header.index == chain.index {
        return match header.previous == chain.previous {
            true => Verdict::Continues,
            false => Verdict::Broken("a fence does not continue the chain of frames"),
        };
    }
    if header.epoch < chain.epoch {
        return Verdict::Stale;
    }
    let fits =
        header.epoch == chain.epoch && header.index == chain.index && header.previous == chain.previous;
    match fits && header.before == chain.lsn {
        true => Verdict::Continues,
        false => Verdict::Broken("the frame does not continue the chain of frames"),
    }
}

/// Reads all segments in order. `visit` gets every batch that counts.
pub(crate) fn scan(storage: &dyn Storage, visit: &mut dyn FnMut(Lsn, &[u8])) -> Result<End, LogError> {
    let names = segments(storage)?;
    let mut end = End { chain: Chain::default(), segment: None, size: 0, torn: 0 };
    for (position, (index, name)) in names.iter().enumerate() {
        let bytes = storage.read(name).map_err(|error| LogError::Io(storage.path(name), error))?;
        let corrupt = |offset: u64, reason: &str| LogError::Corrupt {
            file: storage.path(name),
            offset,
            reason: reason.to_owned(),
        };
        let header = Header::decode(&bytes).filter(|header| header.index == *index);
        let header = header.ok_or_else(|| corrupt(0, "the segment's header is not readable"))?;
        match position {
            0 => end.chain = header.chain,
            _ if header.chain != end.chain => {
                return Err(corrupt(0, "the segment does not continue the one before it"));
            }
            _ => {}
        }
        let (stop, reason) = read_frames(&bytes, &header, &mut end.chain, visit);
        let last = position + 1 == names.len();
        if let Some(reason) = reason
            && (!last || reason.1 || follows(&bytes, stop, &header, &end.chain))
        {
            return Err(corrupt(stop as u64, reason.0));
        }
        end.size += stop as u64;
        end.torn = bytes[stop..].iter().rposition(|byte| *byte != 0).map_or(0, |at| at as u64 + 1);
        end.segment = Some((header, stop as u64, bytes.len() as u64));
    }
    Ok(end)
}

/// Reads frames until one is bad. Answers where that is and, unless only zeros follow, why; true = it is whole, and
/// breaks the chain.
fn read_frames(
    bytes: &[u8],
    header: &Header,
    chain: &mut Chain,
    visit: &mut dyn FnMut(Lsn, &[u8]),
) -> (usize, Option<(&'static str, bool)>) {
    let mut at = HEADER as usize;
    loop {
        let frame = match Frame::parse(&bytes[at..], header.salt) {
            Ok(frame) => frame,
            Err(_) if bytes[at..].iter().all(|byte| *byte == 0) => return (at, None),
            Err(reason) => return (at, Some((reason, false))),
        };
        match judge(chain, &frame) {
            Verdict::Stale => {}
            Verdict::Broken(reason) => return (at, Some((reason, true))),
            Verdict::Continues => {
                frame.batches().for_each(|(lsn, batch)| visit(lsn, batch));
                chain.index += 1;
                chain.epoch = frame.header.epoch;
                chain.previous = frame.crc;
                chain.lsn += u64::from(frame.header.batches);
            }
        }
        at += frame.size();
    }
}

/// Whether a whole frame that belongs here comes after a bad one.
fn follows(bytes: &[u8], bad: usize, header: &Header, chain: &Chain) -> bool {
    let magic = MAGIC.to_le_bytes();
    (bad + 1..bytes.len().saturating_sub(magic.len()))
        .filter(|at| bytes[*at..].starts_with(&magic))
        .any(|at| Frame::parse(&bytes[at..], header.salt).is_ok_and(|frame| frame.header.index > chain.index))
}

/// The segments of a log, oldest first.
pub(crate) fn segments(storage: &dyn Storage) -> Result<Vec<(u64, String)>, LogError> {
    let all = storage.list().map_err(|error| LogError::Io(storage.path(""), error))?;
    let mut names: Vec<(u64, String)> =
        all.into_iter().filter_map(|name| Some((segment::index_of(&name)?, name))).collect();
    names.sort();
    Ok(names)
}

/// Removes segments that were never given their name.
pub(crate) fn sweep(storage: &dyn Storage) -> io::Result<()> {
    storage.list()?.iter().filter(|name| name.ends_with(".tmp")).try_for_each(|name| storage.remove(name))
}
