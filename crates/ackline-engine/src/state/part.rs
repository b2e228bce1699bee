//! The parts of images: what each says before its rows. [`super::image`] draws the format.

use super::block::Block;
use crate::codec::Reader;
use crate::id::StreamId;

/// A part of an image. The rows of pending entries and remembered messages follow it in the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named as in the drawing")]
pub enum Part<'a> {
    /// A string.
    String(&'a [u8]),
    /// The beginning of a stream.
    Stream {
        last_id: StreamId,
        max_deleted_id: StreamId,
        entries_added: u64,
        duration: u64,
        maxsize: u64,
        added: u64,
        duplicates: u64,
    },
    /// Entries of a block, each with its names.
    Entries { first_id: StreamId, entries: &'a [u8] },
    /// A block, and how many deleted entries are not in it any more.
    Block { first_id: StreamId, gone: u64, entries: &'a [u8] },
    /// A group.
    Group { name: &'a [u8], last_id: StreamId, entries_read: Option<i64>, next_order: u64 },
    /// A consumer of a group.
    Consumer { group: &'a [u8], name: &'a [u8], seen_at: i64, active_at: i64 },
    /// Pending entries of a group; so many rows follow.
    Pending { group: &'a [u8], count: u64 },
    /// Remembered messages of a producer; so many rows follow.
    Remembered { producer: &'a [u8], count: u64 },
}

impl<'a> Part<'a> {
    /// Reads one up to its rows; `None` if the bytes are none.
    pub fn read(r: &mut Reader<'a>) -> Option<Part<'a>> {
        Some(match r.byte()? {
            1 => Part::String(r.bytes()?),
            2 => Part::Stream {
                last_id: r.id()?,
                max_deleted_id: r.id()?,
                entries_added: r.u64()?,
                duration: r.u64()?,
                maxsize: r.u64()?,
                added: r.u64()?,
                duplicates: r.u64()?,
            },
            3 => Part::Entries { first_id: r.id()?, entries: r.bytes()? },
            8 => Part::Block { first_id: r.id()?, gone: r.u64()?, entries: r.bytes()? },
            4 => {
                let (name, last_id, read) = (r.bytes()?, r.id()?, r.i64()?);
                let entries_read = (read != -1).then_some(read);
                Part::Group { name, last_id, entries_read, next_order: r.u64()? }
            }
            5 => {
                let (group, name) = (r.bytes()?, r.bytes()?);
                Part::Consumer { group, name, seen_at: r.i64()?, active_at: r.i64()? }
            }
            6 => Part::Pending { group: r.bytes()?, count: r.u64()? },
            7 => Part::Remembered { producer: r.bytes()?, count: r.u64()? },
            _ => return None,
        })
    }

    /// How many live and deleted entries a block holds; `None` if it is none.
    pub fn entry_counts(&self) -> Option<(u64, u64)> {
        let block = self.block()?;
        Some((block.live(), block.total() - block.live()))
    }

    /// The block that it describes.
    pub(super) fn block(&self) -> Option<Block> {
        match *self {
            Part::Entries { first_id, entries } => Block::from_plain_image(first_id, entries),
            Part::Block { first_id, gone, entries } => Block::from_image(first_id, gone, entries),
            _ => None,
        }
    }

    /// Passes over the rows behind it, for those who only count them.
    pub fn skip_rows(&self, r: &mut Reader<'_>) -> Option<()> {
        match self {
            Part::Pending { count, .. } => (0..count.checked_mul(6)?).try_for_each(|_| r.u64().map(drop)),
            Part::Remembered { count, .. } => (0..*count).try_for_each(|_| r.bytes().and(r.id()).map(drop)),
            _ => Some(()),
        }
    }
}
