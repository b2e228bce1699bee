//! From replies to results.

use super::{Deletion, Delivered, Entry, Owned};
use ackline_engine::{Error, Outcome, Reply, StreamId};
use std::time::Duration;

/// The reply is not one that the call's command gives. Nobody has seen that.
const STRANGE: Error = Error::from_static("ERR the reply is not of the kind that the call expects");

pub(super) fn done(outcome: Outcome) -> Result<(), Error> {
    outcome.map(drop)
}

pub(super) fn maybe_id(outcome: Outcome) -> Result<Option<StreamId>, Error> {
    match outcome? {
        Reply::Id(id) => Ok(Some(id)),
        Reply::Null => Ok(None),
        _ => Err(STRANGE),
    }
}

pub(super) fn id(outcome: Outcome) -> Result<StreamId, Error> {
    maybe_id(outcome)?.ok_or(STRANGE)
}

fn int(reply: &Reply) -> Result<i64, Error> {
    match reply {
        Reply::Int(n) | Reply::Decimal(n) => Ok(*n),
        _ => Err(STRANGE),
    }
}

/// A number that is not negative.
fn number(reply: &Reply) -> Result<u64, Error> {
    Ok(int(reply)?.max(0) as u64)
}

pub(super) fn count(outcome: Outcome) -> Result<u64, Error> {
    number(&outcome?)
}

pub(super) fn flag(outcome: Outcome) -> Result<bool, Error> {
    Ok(count(outcome)? > 0)
}

/// Whether a group was created; one that there was is no error.
pub(super) fn created(outcome: Outcome) -> Result<bool, Error> {
    match outcome {
        Ok(_) => Ok(true),
        Err(error) if error.as_bytes().starts_with(b"BUSYGROUP ") => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn list(reply: Reply) -> Result<Vec<Reply>, Error> {
    match reply {
        Reply::Array(items) => Ok(items),
        Reply::NullArray | Reply::Null => Ok(Vec::new()),
        _ => Err(STRANGE),
    }
}

/// A list whose items are all of one kind.
pub(super) fn each<T>(reply: Reply, read: fn(Reply) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    list(reply)?.into_iter().map(read).collect()
}

/// A list of so many items.
pub(super) fn row<const N: usize>(reply: Reply) -> Result<[Reply; N], Error> {
    list(reply)?.try_into().map_err(|_| STRANGE)
}

pub(super) fn an_id(reply: Reply) -> Result<StreamId, Error> {
    id(Ok(reply))
}

pub(super) fn optional_id(reply: Reply) -> Result<Option<StreamId>, Error> {
    maybe_id(Ok(reply))
}

pub(super) fn bytes(reply: Reply) -> Result<Vec<u8>, Error> {
    match reply {
        Reply::Bulk(bytes) => Ok(bytes.into()),
        Reply::Name(bytes) => Ok(bytes.to_vec()),
        _ => Err(STRANGE),
    }
}

pub(super) fn a_number(reply: Reply) -> Result<u64, Error> {
    number(&reply)
}

pub(super) fn optional_number(reply: Reply) -> Result<Option<u64>, Error> {
    match reply {
        Reply::Null => Ok(None),
        reply => number(&reply).map(Some),
    }
}

/// A time in milliseconds; -1 says that there is none.
pub(super) fn optional_time(reply: Reply) -> Result<Option<Duration>, Error> {
    Ok(u64::try_from(int(&reply)?).ok().map(Duration::from_millis))
}

pub(super) fn time(reply: Reply) -> Result<Duration, Error> {
    Ok(optional_time(reply)?.unwrap_or_default())
}

pub(super) fn entry(reply: Reply) -> Result<Entry, Error> {
    match reply {
        Reply::Entry(entry) => Ok(entry.into()),
        _ => Err(STRANGE),
    }
}

pub(super) fn optional_entry(reply: Reply) -> Result<Option<Entry>, Error> {
    match reply {
        Reply::Null => Ok(None),
        reply => entry(reply).map(Some),
    }
}

pub(super) fn entries(outcome: Outcome) -> Result<Vec<Entry>, Error> {
    each(outcome?, entry)
}

fn delivered(reply: Reply) -> Result<Delivered, Error> {
    match reply {
        Reply::Entry(entry) => Ok(Delivered { entry: entry.into(), idle: Duration::ZERO, deliveries: 0 }),
        Reply::Delivered(entry, idle, deliveries) => Ok(Delivered {
            entry: entry.into(),
            idle: Duration::from_millis(idle.max(0) as u64),
            deliveries: deliveries.max(0) as u64,
        }),
        _ => Err(STRANGE),
    }
}

fn owned(reply: Reply) -> Result<Owned, Error> {
    match reply {
        Reply::Entry(entry) => Ok(Owned { id: entry.id, entry: Some(entry.into()) }),
        reply => {
            let [id, _] = row(reply)?;
            Ok(Owned { id: an_id(id)?, entry: None })
        }
    }
}

/// Streams by their keys, with what was read of each.
pub(super) type Keyed<T> = Vec<(Vec<u8>, Vec<T>)>;

fn streams<T>(outcome: Outcome, read: fn(Reply) -> Result<T, Error>) -> Result<Keyed<T>, Error> {
    match outcome? {
        Reply::Pairs(streams) => {
            streams.into_iter().map(|(key, items)| Ok((bytes(key)?, each(items, read)?))).collect()
        }
        Reply::NullArray => Ok(Vec::new()),
        _ => Err(STRANGE),
    }
}

/// What was read of the only stream.
fn only<T>(outcome: Outcome, read: fn(Reply) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    match outcome? {
        Reply::Pairs(streams) => match streams.into_iter().next() {
            Some((_, items)) => each(items, read),
            None => Ok(Vec::new()),
        },
        Reply::NullArray => Ok(Vec::new()),
        _ => Err(STRANGE),
    }
}

pub(super) fn read_one(outcome: Outcome) -> Result<Vec<Entry>, Error> {
    only(outcome, entry)
}

pub(super) fn read_all(outcome: Outcome) -> Result<Keyed<Entry>, Error> {
    streams(outcome, entry)
}

pub(super) fn delivered_one(outcome: Outcome) -> Result<Vec<Delivered>, Error> {
    only(outcome, delivered)
}

pub(super) fn delivered_all(outcome: Outcome) -> Result<Keyed<Delivered>, Error> {
    streams(outcome, delivered)
}

pub(super) fn history(outcome: Outcome) -> Result<Vec<Owned>, Error> {
    only(outcome, owned)
}

pub(super) fn deletions(outcome: Outcome) -> Result<Vec<Deletion>, Error> {
    each(outcome?, |reply| match int(&reply)? {
        1 => Ok(Deletion::Deleted),
        2 => Ok(Deletion::Needed),
        _ => Ok(Deletion::Missing),
    })
}

/// The fields of a map, to be taken by name.
pub(super) struct Named(Vec<(Reply, Reply)>);

impl Named {
    pub(super) fn of(reply: Reply) -> Result<Named, Error> {
        match reply {
            Reply::Map(fields) => Ok(Named(fields)),
            _ => Err(STRANGE),
        }
    }

    pub(super) fn take<T>(&mut self, name: &str, read: fn(Reply) -> Result<T, Error>) -> Result<T, Error> {
        let is =
            |(field, _): &(Reply, Reply)| matches!(field, Reply::Bulk(field) if field == name.as_bytes());
        let at = self.0.iter().position(is).ok_or(STRANGE)?;
        read(self.0.swap_remove(at).1)
    }
}
