//! Calls on streams.

use super::pending::put_bound;
use super::{
    Add, After, Deletion, Entry, Field, Read, References, StreamInfo, Trim, Words, about, command, reply,
};
use crate::embedded::{Ackline, Call};
use ackline_engine::{Reply, StreamId};
use std::borrow::Borrow;
use std::ops::RangeBounds;

/// Streams.
impl Ackline {
    /// Adds an entry to a stream, which is created if there is none. The ID is made of the time and greater than all
    /// before.
    pub fn add(
        &self,
        stream: impl AsRef<[u8]>,
        fields: impl IntoIterator<Item: Field>,
    ) -> Call<'_, StreamId> {
        Call::new(self, add(stream, Add::new(), fields), reply::id)
    }

    /// As [`Ackline::add`], as told. `None` if nothing was added because there is no such stream
    /// ([`Add::existing_only`]).
    pub fn add_with(
        &self,
        stream: impl AsRef<[u8]>,
        how: Add<'_>,
        fields: impl IntoIterator<Item: Field>,
    ) -> Call<'_, Option<StreamId>> {
        Call::new(self, add(stream, how, fields), reply::maybe_id)
    }

    /// How many entries a stream has; 0 if there is none.
    pub fn len(&self, stream: impl AsRef<[u8]>) -> Call<'_, u64> {
        Call::new(self, command("XLEN", stream), reply::count)
    }

    /// The first so many entries with these IDs, oldest first: `broker.range("orders", .., 10)`.
    pub fn range(
        &self,
        stream: impl AsRef<[u8]>,
        ids: impl RangeBounds<StreamId>,
        count: usize,
    ) -> Call<'_, Vec<Entry>> {
        let mut words = command("XRANGE", stream);
        put_bound(&mut words, ids.start_bound().cloned(), b"-");
        put_bound(&mut words, ids.end_bound().cloned(), b"+");
        words.option("COUNT", Some(count as u64));
        Call::new(self, words, reply::entries)
    }

    /// The last so many entries with these IDs, newest first.
    pub fn rev_range(
        &self,
        stream: impl AsRef<[u8]>,
        ids: impl RangeBounds<StreamId>,
        count: usize,
    ) -> Call<'_, Vec<Entry>> {
        let mut words = command("XREVRANGE", stream);
        put_bound(&mut words, ids.end_bound().cloned(), b"+");
        put_bound(&mut words, ids.start_bound().cloned(), b"-");
        words.option("COUNT", Some(count as u64));
        Call::new(self, words, reply::entries)
    }

    /// Reads a stream behind a position.
    pub fn read(&self, stream: impl AsRef<[u8]>, after: impl Into<After>, how: Read) -> Call<'_, Vec<Entry>> {
        Call::new(self, read([(stream, after)], how), reply::read_one)
    }

    /// Reads several streams, each behind a position, and waits for any of them. Streams without entries are left out.
    pub fn read_many(
        &self,
        streams: impl IntoIterator<Item = (impl AsRef<[u8]>, impl Into<After>)>,
        how: Read,
    ) -> Call<'_, Vec<(Vec<u8>, Vec<Entry>)>> {
        Call::new(self, read(streams, how), reply::read_all)
    }

    /// Deletes entries; answers how many there were. Groups that refer to them keep their references; see
    /// [`Ackline::delete_with`].
    pub fn delete(
        &self,
        stream: impl AsRef<[u8]>,
        ids: impl IntoIterator<Item: Borrow<StreamId>>,
    ) -> Call<'_, u64> {
        let words = command("XDEL", stream);
        about(self, (words, ids), |words, ids| words.with_ids(ids), (Reply::Int(0), reply::count))
    }

    /// Deletes entries, with a say in what becomes of the references of groups. Answers for each in its place.
    pub fn delete_with(
        &self,
        stream: impl AsRef<[u8]>,
        references: References,
        ids: impl IntoIterator<Item: Borrow<StreamId>>,
    ) -> Call<'_, Vec<Deletion>> {
        let words = command("XDELEX", stream).with(references.word());
        about(self, (words, ids), |words, ids| words.with_counted(ids), (Reply::NullArray, reply::deletions))
    }

    /// Removes the oldest entries; answers how many.
    pub fn trim(&self, stream: impl AsRef<[u8]>, trim: Trim) -> Call<'_, u64> {
        let mut words = command("XTRIM", stream);
        trim.put(&mut words);
        Call::new(self, words, reply::count)
    }

    /// Facts about a stream; an error if there is none.
    pub fn stream_info(&self, stream: impl AsRef<[u8]>) -> Call<'_, StreamInfo> {
        Call::new(self, command("XINFO STREAM", stream), StreamInfo::of)
    }
}

fn add(stream: impl AsRef<[u8]>, how: Add<'_>, fields: impl IntoIterator<Item: Field>) -> Words {
    let mut words = command("XADD", stream);
    how.put(&mut words);
    for field in fields {
        words.push(field.name());
        words.push(field.value());
    }
    words
}

fn read(streams: impl IntoIterator<Item = (impl AsRef<[u8]>, impl Into<After>)>, how: Read) -> Words {
    let mut words = Words::new();
    words.push(b"XREAD");
    how.put(&mut words);
    words.push(b"STREAMS");
    let mut positions = Vec::new();
    for (stream, after) in streams {
        words.push(stream.as_ref());
        positions.push(after.into());
    }
    positions.into_iter().for_each(|after| after.put(&mut words));
    words
}
