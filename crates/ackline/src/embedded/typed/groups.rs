//! Calls on groups and what they were given.

use super::{
    After, AutoClaim, AutoClaimed, Claim, ConsumerInfo, Deletion, Delivered, Entry, GroupInfo, Nack, Owned,
    PendingEntry, PendingRange, PendingSummary, ReadGroup, References, Words, about, command, reply,
};
use crate::embedded::{Ackline, Call};
use ackline_engine::{Reply, StreamId};
use std::borrow::Borrow;

/// Groups.
impl Ackline {
    /// Creates a group that reads behind a position, and the stream if there is none. False if there is such a group
    /// already, which stays as it is.
    pub fn create_group(
        &self,
        stream: impl AsRef<[u8]>,
        group: impl AsRef<[u8]>,
        after: impl Into<After>,
    ) -> Call<'_, bool> {
        let mut words = command("XGROUP CREATE", stream).with(group);
        after.into().put(&mut words);
        Call::new(self, words.with("MKSTREAM"), reply::created)
    }

    /// Removes a group with its consumers and pending entries. False if there was none.
    pub fn destroy_group(&self, stream: impl AsRef<[u8]>, group: impl AsRef<[u8]>) -> Call<'_, bool> {
        Call::new(self, command("XGROUP DESTROY", stream).with(group), reply::flag)
    }

    /// Has a group read behind another position from here on. What is pending stays so.
    pub fn set_id(
        &self,
        stream: impl AsRef<[u8]>,
        group: impl AsRef<[u8]>,
        after: impl Into<After>,
    ) -> Call<'_, ()> {
        let mut words = command("XGROUP SETID", stream).with(group);
        after.into().put(&mut words);
        Call::new(self, words, reply::done)
    }

    /// Removes a consumer with the pending entries that it has; answers how many these were. They are not given to
    /// others: claim them first.
    pub fn delete_consumer(
        &self,
        stream: impl AsRef<[u8]>,
        group: impl AsRef<[u8]>,
        consumer: impl AsRef<[u8]>,
    ) -> Call<'_, u64> {
        Call::new(self, command("XGROUP DELCONSUMER", stream).with(group).with(consumer), reply::count)
    }

    /// Reads for a group what none of its consumers was given yet. It is pending until it is acknowledged.
    pub fn read_group(&self, stream: impl AsRef<[u8]>, how: ReadGroup<'_>) -> Call<'_, Vec<Delivered>> {
        Call::new(self, how.words().with(stream).with(">"), reply::delivered_one)
    }

    /// As [`Ackline::read_group`], of several streams at once. Streams that have nothing are left out.
    pub fn read_group_many(
        &self,
        streams: impl IntoIterator<Item: AsRef<[u8]>>,
        how: ReadGroup<'_>,
    ) -> Call<'_, Vec<(Vec<u8>, Vec<Delivered>)>> {
        let mut words = how.words();
        let mut count = 0;
        for stream in streams {
            words.push(stream.as_ref());
            count += 1;
        }
        (0..count).for_each(|_| words.push(b">"));
        Call::new(self, words, reply::delivered_all)
    }

    /// What the consumer was given and has not acknowledged, behind an ID: what it was working on before it crashed.
    /// Does not wait.
    pub fn history(
        &self,
        stream: impl AsRef<[u8]>,
        how: ReadGroup<'_>,
        after: StreamId,
    ) -> Call<'_, Vec<Owned>> {
        let words = how.words().with(stream).with_ids([after]);
        Call::new(self, words, reply::history)
    }

    /// Acknowledges entries: they are pending for the group no more. Answers how many were.
    pub fn ack(
        &self,
        stream: impl AsRef<[u8]>,
        group: impl AsRef<[u8]>,
        ids: impl IntoIterator<Item: Borrow<StreamId>>,
    ) -> Call<'_, u64> {
        let words = command("XACK", stream).with(group);
        about(self, (words, ids), |words, ids| words.with_ids(ids), (Reply::Int(0), reply::count))
    }

    /// Acknowledges entries and deletes them. Answers for each in its place.
    pub fn ack_delete(
        &self,
        stream: impl AsRef<[u8]>,
        group: impl AsRef<[u8]>,
        references: References,
        ids: impl IntoIterator<Item: Borrow<StreamId>>,
    ) -> Call<'_, Vec<Deletion>> {
        let words = command("XACKDEL", stream).with(group).with(references.word());
        about(self, (words, ids), |words, ids| words.with_counted(ids), (Reply::NullArray, reply::deletions))
    }

    /// Gives entries back: nobody has them, and they are the first that those who claim get. Answers how many were
    /// pending.
    pub fn nack(
        &self,
        stream: impl AsRef<[u8]>,
        group: impl AsRef<[u8]>,
        why: Nack,
        ids: impl IntoIterator<Item: Borrow<StreamId>>,
    ) -> Call<'_, u64> {
        let mut words = command("XNACK", stream).with(group);
        why.put(&mut words);
        let put = |words: Words, ids: &mut dyn Iterator<Item = StreamId>| {
            let mut words = words.with_counted(ids);
            words.option("RETRYCOUNT", why.count());
            words
        };
        about(self, (words, ids), put, (Reply::Int(0), reply::count))
    }

    /// Makes a consumer the owner of pending entries. Answers those that it got.
    pub fn claim(
        &self,
        stream: impl AsRef<[u8]>,
        how: Claim<'_>,
        ids: impl IntoIterator<Item: Borrow<StreamId>>,
    ) -> Call<'_, Vec<Entry>> {
        let mut words = command("XCLAIM", stream).with(how.group).with(how.consumer);
        how.put_idle(&mut words);
        let put = |words: Words, ids: &mut dyn Iterator<Item = StreamId>| {
            let mut words = words.with_ids(ids);
            how.put_options(&mut words);
            words
        };
        about(self, (words, ids), put, (Reply::NullArray, reply::entries))
    }

    /// Makes a consumer the owner of what has been lying long enough, in a sweep over the IDs.
    pub fn autoclaim(&self, stream: impl AsRef<[u8]>, how: AutoClaim<'_>) -> Call<'_, AutoClaimed> {
        let mut words = command("XAUTOCLAIM", stream).with(how.group).with(how.consumer);
        how.put(&mut words);
        Call::new(self, words, AutoClaimed::of)
    }

    /// The pending entries of a group, counted.
    pub fn pending(&self, stream: impl AsRef<[u8]>, group: impl AsRef<[u8]>) -> Call<'_, PendingSummary> {
        Call::new(self, command("XPENDING", stream).with(group), PendingSummary::of)
    }

    /// The pending entries of a group, listed.
    pub fn pending_entries(
        &self,
        stream: impl AsRef<[u8]>,
        group: impl AsRef<[u8]>,
        which: PendingRange<'_>,
    ) -> Call<'_, Vec<PendingEntry>> {
        let mut words = command("XPENDING", stream).with(group);
        which.put(&mut words);
        Call::new(self, words, PendingEntry::all)
    }

    /// Facts about the groups of a stream; an error if there is no such stream.
    pub fn groups(&self, stream: impl AsRef<[u8]>) -> Call<'_, Vec<GroupInfo>> {
        Call::new(self, command("XINFO GROUPS", stream), GroupInfo::all)
    }

    /// Facts about the consumers of a group.
    pub fn consumers(
        &self,
        stream: impl AsRef<[u8]>,
        group: impl AsRef<[u8]>,
    ) -> Call<'_, Vec<ConsumerInfo>> {
        Call::new(self, command("XINFO CONSUMERS", stream).with(group), ConsumerInfo::all)
    }
}
