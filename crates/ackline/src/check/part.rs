//! The parts of images, one by one, and what they sum up to.

use ackline_engine::StreamId;
use ackline_engine::codec::Reader;
use ackline_engine::state::{Shard, Value, parts};
use std::collections::BTreeMap;

/// A part of an image, as the engine's images have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named as in the engine's images")]
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
    /// Entries.
    Block { first_id: StreamId, live: u64, deleted: u64 },
    /// A group.
    Group { name: &'a [u8], last_id: StreamId, entries_read: i64, next_order: u64 },
    /// A consumer of a group.
    Consumer { group: &'a [u8], name: &'a [u8], seen_at: i64, active_at: i64 },
    /// Pending entries of a group.
    Pending { group: &'a [u8], count: u64 },
    /// Remembered messages of a producer.
    Remembered { producer: &'a [u8], count: u64 },
}

impl<'a> Part<'a> {
    /// Reads one; `None` if the bytes are none.
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
            3 => block(r.id()?, r.bytes()?)?,
            4 => {
                let (name, last_id) = (r.bytes()?, r.id()?);
                Part::Group { name, last_id, entries_read: r.i64()?, next_order: r.u64()? }
            }
            5 => {
                let (group, name) = (r.bytes()?, r.bytes()?);
                Part::Consumer { group, name, seen_at: r.i64()?, active_at: r.i64()? }
            }
            6 => {
                let (group, count) = (r.bytes()?, r.u64()?);
                (0..count).try_for_each(|_| (0..6).try_for_each(|_| r.u64().map(drop)))?;
                Part::Pending { group, count }
            }
            7 => {
                let (producer, count) = (r.bytes()?, r.u64()?);
                (0..count).try_for_each(|_| r.bytes().and(r.id()).map(drop))?;
                Part::Remembered { producer, count }
            }
            _ => return None,
        })
    }
}

fn block<'a>(first_id: StreamId, entries: &'a [u8]) -> Option<Part<'a>> {
    let mut r = Reader::new(entries);
    let mut counts = [0, 0];
    while !r.is_empty() {
        let deleted = r.byte()? & 1;
        let (_ms, _seq, _fields) = (r.u64()?, r.u64()?, r.bytes()?);
        counts[usize::from(deleted)] += 1;
    }
    Some(Part::Block { first_id, live: counts[0], deleted: counts[1] })
}

/// How much of everything there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named like what they count")]
pub struct Totals {
    /// Keys of each database that has any.
    pub keys: BTreeMap<u32, u64>,
    pub streams: u64,
    pub strings: u64,
    pub entries: u64,
    pub groups: u64,
    pub consumers: u64,
    pub pending: u64,
}

impl Totals {
    pub(super) fn of(shards: &[Shard]) -> Totals {
        let mut totals = Totals::default();
        for shared in shards.iter().flat_map(Shard::share) {
            *totals.keys.entry(shared.db).or_default() += 1;
            totals.add(&shared.value);
        }
        totals
    }

    fn add(&mut self, value: &Value) {
        parts(value, &mut |bytes| match Part::read(&mut Reader::new(bytes)) {
            Some(Part::String(_)) => self.strings += 1,
            Some(Part::Stream { .. }) => self.streams += 1,
            Some(Part::Block { live, .. }) => self.entries += live,
            Some(Part::Group { .. }) => self.groups += 1,
            Some(Part::Consumer { .. }) => self.consumers += 1,
            Some(Part::Pending { count, .. }) => self.pending += count,
            Some(Part::Remembered { .. }) | None => {}
        });
    }
}
