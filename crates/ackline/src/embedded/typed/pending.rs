//! What groups were given and have not acknowledged.

use super::{Words, millis, reply};
use ackline_engine::{Error, Outcome, Reply, StreamId};
use std::ops::{Bound, RangeBounds};
use std::time::Duration;

/// The pending entries of a group, counted: [`Ackline::pending`](crate::Ackline::pending).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSummary {
    /// How many there are.
    pub count: u64,
    /// The smallest of their IDs.
    pub first: Option<StreamId>,
    /// The largest of their IDs.
    pub last: Option<StreamId>,
    /// Consumers with how many of them each has; those that have none are left out.
    pub consumers: Vec<(Vec<u8>, u64)>,
}

impl PendingSummary {
    pub(super) fn of(outcome: Outcome) -> Result<PendingSummary, Error> {
        let [count, first, last, consumers] = reply::row(outcome?)?;
        let consumer = |row| {
            let [name, count] = reply::row(row)?;
            Ok((reply::bytes(name)?, reply::a_number(count)?))
        };
        Ok(PendingSummary {
            count: reply::a_number(count)?,
            first: reply::optional_id(first)?,
            last: reply::optional_id(last)?,
            consumers: reply::each(consumers, consumer)?,
        })
    }
}

/// A pending entry: [`Ackline::pending_entries`](crate::Ackline::pending_entries).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEntry {
    /// Its ID.
    pub id: StreamId,
    /// The consumer that has it; `None` once it was given back.
    pub owner: Option<Vec<u8>>,
    /// How long the owner has had it.
    pub idle: Option<Duration>,
    /// How often it was delivered.
    pub deliveries: u64,
}

impl PendingEntry {
    pub(super) fn all(outcome: Outcome) -> Result<Vec<PendingEntry>, Error> {
        reply::each(outcome?, PendingEntry::of)
    }

    fn of(row: Reply) -> Result<PendingEntry, Error> {
        let [id, owner, idle, deliveries] = reply::row(row)?;
        let idle = reply::optional_time(idle)?;
        Ok(PendingEntry {
            id: reply::an_id(id)?,
            owner: idle.map(|_| reply::bytes(owner)).transpose()?,
            idle,
            deliveries: reply::a_number(deliveries)?,
        })
    }
}

/// Which pending entries are listed: [`Ackline::pending_entries`](crate::Ackline::pending_entries).
#[derive(Clone, Copy, Debug)]
pub struct PendingRange<'a> {
    start: Bound<StreamId>,
    end: Bound<StreamId>,
    count: u64,
    min_idle: Option<u64>,
    owner: Option<&'a [u8]>,
}

impl<'a> PendingRange<'a> {
    /// The first so many.
    pub fn first(count: usize) -> PendingRange<'a> {
        let (start, end) = (Bound::Unbounded, Bound::Unbounded);
        PendingRange { start, end, count: count as u64, min_idle: None, owner: None }
    }

    /// Those with these IDs.
    pub fn within(self, ids: impl RangeBounds<StreamId>) -> PendingRange<'a> {
        PendingRange { start: ids.start_bound().cloned(), end: ids.end_bound().cloned(), ..self }
    }

    /// Those that have been lying for so long, or were given back.
    pub fn min_idle(self, time: Duration) -> PendingRange<'a> {
        PendingRange { min_idle: Some(millis(time)), ..self }
    }

    /// Those that this consumer has.
    pub fn owner<C: AsRef<[u8]> + ?Sized>(self, consumer: &'a C) -> PendingRange<'a> {
        PendingRange { owner: Some(consumer.as_ref()), ..self }
    }

    pub(super) fn put(&self, words: &mut Words) {
        words.option("IDLE", self.min_idle);
        put_bound(words, self.start, b"-");
        put_bound(words, self.end, b"+");
        words.push_number(self.count.min(super::NUMBER_MAX));
        if let Some(owner) = self.owner {
            words.push(owner);
        }
    }
}

/// One end of a range of IDs; `open` stands for no end.
pub(super) fn put_bound(words: &mut Words, bound: Bound<StreamId>, open: &[u8]) {
    match bound {
        Bound::Included(id) => words.push_id(id),
        Bound::Excluded(id) => words.push_excluded(id),
        Bound::Unbounded => words.push(open),
    }
}
