//! What there is to know about a stream, its groups and their consumers.

use super::Entry;
use super::reply::{self, Named};
use ackline_engine::{Error, Outcome, Reply, StreamId};
use std::time::Duration;

/// Facts about a stream: [`Ackline::stream_info`](crate::Ackline::stream_info).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// How many entries it has.
    pub len: u64,
    /// How many groups it has.
    pub groups: u64,
    /// The last ID that was given out.
    pub last_id: StreamId,
    /// The largest ID that was deleted.
    pub max_deleted_id: StreamId,
    /// How many entries were ever added.
    pub entries_added: u64,
    /// The first entry.
    pub first_entry: Option<Entry>,
    /// The last entry.
    pub last_entry: Option<Entry>,
}

impl StreamInfo {
    pub(super) fn of(outcome: Outcome) -> Result<StreamInfo, Error> {
        let mut fields = Named::of(outcome?)?;
        Ok(StreamInfo {
            len: fields.take("length", reply::a_number)?,
            groups: fields.take("groups", reply::a_number)?,
            last_id: fields.take("last-generated-id", reply::an_id)?,
            max_deleted_id: fields.take("max-deleted-entry-id", reply::an_id)?,
            entries_added: fields.take("entries-added", reply::a_number)?,
            first_entry: fields.take("first-entry", reply::optional_entry)?,
            last_entry: fields.take("last-entry", reply::optional_entry)?,
        })
    }
}

/// Facts about a group: [`Ackline::groups`](crate::Ackline::groups).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    /// Its name.
    pub name: Vec<u8>,
    /// How many consumers it has.
    pub consumers: u64,
    /// How many entries were delivered and not acknowledged.
    pub pending: u64,
    /// Behind this ID entries are new to the group.
    pub last_delivered_id: StreamId,
    /// How many entries of the stream it has read, if that is known.
    pub entries_read: Option<u64>,
    /// How many entries it has still to read, if that is known.
    pub lag: Option<u64>,
}

impl GroupInfo {
    pub(super) fn all(outcome: Outcome) -> Result<Vec<GroupInfo>, Error> {
        reply::each(outcome?, GroupInfo::of)
    }

    fn of(group: Reply) -> Result<GroupInfo, Error> {
        let mut fields = Named::of(group)?;
        Ok(GroupInfo {
            name: fields.take("name", reply::bytes)?,
            consumers: fields.take("consumers", reply::a_number)?,
            pending: fields.take("pending", reply::a_number)?,
            last_delivered_id: fields.take("last-delivered-id", reply::an_id)?,
            entries_read: fields.take("entries-read", reply::optional_number)?,
            lag: fields.take("lag", reply::optional_number)?,
        })
    }
}

/// Facts about a consumer: [`Ackline::consumers`](crate::Ackline::consumers).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerInfo {
    /// Its name.
    pub name: Vec<u8>,
    /// How many entries it was given and has not acknowledged.
    pub pending: u64,
    /// How long ago it last called.
    pub idle: Duration,
    /// How long ago it last got something; `None` if it never did.
    pub inactive: Option<Duration>,
}

impl ConsumerInfo {
    pub(super) fn all(outcome: Outcome) -> Result<Vec<ConsumerInfo>, Error> {
        reply::each(outcome?, ConsumerInfo::of)
    }

    fn of(consumer: Reply) -> Result<ConsumerInfo, Error> {
        let mut fields = Named::of(consumer)?;
        Ok(ConsumerInfo {
            name: fields.take("name", reply::bytes)?,
            pending: fields.take("pending", reply::a_number)?,
            idle: fields.take("idle", reply::time)?,
            inactive: fields.take("inactive", reply::optional_time)?,
        })
    }
}
