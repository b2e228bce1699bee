//! How pending entries change hands.

use super::{Entry, Words, millis, reply};
use ackline_engine::{Error, Outcome, StreamId};
use std::time::Duration;

/// How entries are claimed by their IDs: [`Ackline::claim`](crate::Ackline::claim).
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    pub(super) group: &'a [u8],
    pub(super) consumer: &'a [u8],
    min_idle: u64,
    idle: Option<u64>,
    deliveries: Option<u64>,
    force: bool,
}

impl<'a> Claim<'a> {
    /// By this consumer, however long they have been lying.
    pub fn new<G, C>(group: &'a G, consumer: &'a C) -> Claim<'a>
    where
        G: AsRef<[u8]> + ?Sized,
        C: AsRef<[u8]> + ?Sized,
    {
        let (group, consumer) = (group.as_ref(), consumer.as_ref());
        Claim { group, consumer, min_idle: 0, idle: None, deliveries: None, force: false }
    }

    /// Only what has been lying for so long.
    pub fn min_idle(self, time: Duration) -> Claim<'a> {
        Claim { min_idle: millis(time), ..self }
    }

    /// As if they had been lying for so long already.
    pub fn idle(self, time: Duration) -> Claim<'a> {
        Claim { idle: Some(millis(time)), ..self }
    }

    /// As if they had been delivered so often. Otherwise it is once more than before.
    pub fn deliveries(self, count: u64) -> Claim<'a> {
        Claim { deliveries: Some(count), ..self }
    }

    /// Entries that are not pending become so.
    pub fn force(self) -> Claim<'a> {
        Claim { force: true, ..self }
    }

    pub(super) fn put_idle(&self, words: &mut Words) {
        words.push_number(self.min_idle);
    }

    pub(super) fn put_options(&self, words: &mut Words) {
        words.option("IDLE", self.idle);
        words.option("RETRYCOUNT", self.deliveries);
        words.flag("FORCE", self.force);
    }
}

/// How entries are claimed in a sweep: [`Ackline::autoclaim`](crate::Ackline::autoclaim).
#[derive(Clone, Copy, Debug)]
pub struct AutoClaim<'a> {
    pub(super) group: &'a [u8],
    pub(super) consumer: &'a [u8],
    min_idle: u64,
    start: StreamId,
    count: Option<u64>,
}

impl<'a> AutoClaim<'a> {
    /// By this consumer, what has been lying for so long, from the smallest ID on, 100 at most.
    pub fn new<G, C>(group: &'a G, consumer: &'a C, min_idle: Duration) -> AutoClaim<'a>
    where
        G: AsRef<[u8]> + ?Sized,
        C: AsRef<[u8]> + ?Sized,
    {
        let (group, consumer) = (group.as_ref(), consumer.as_ref());
        AutoClaim { group, consumer, min_idle: millis(min_idle), start: StreamId::MIN, count: None }
    }

    /// From this ID on: [`AutoClaimed::next`] of the sweep before.
    pub fn start(self, id: StreamId) -> AutoClaim<'a> {
        AutoClaim { start: id, ..self }
    }

    /// So many at most; at least one.
    pub fn count(self, entries: usize) -> AutoClaim<'a> {
        AutoClaim { count: Some(entries.max(1) as u64), ..self }
    }

    pub(super) fn put(&self, words: &mut Words) {
        words.push_number(self.min_idle);
        words.push_id(self.start);
        words.option("COUNT", self.count);
    }
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoClaimed {
    /// Where the next sweep goes on; `None` once this one has seen everything.
    pub next: Option<StreamId>,
    /// What was claimed.
    pub entries: Vec<Entry>,
    /// What has been deleted and is therefore pending no more.
    pub deleted: Vec<StreamId>,
}

impl AutoClaimed {
    pub(super) fn of(outcome: Outcome) -> Result<AutoClaimed, Error> {
        let [next, entries, deleted] = reply::row(outcome?)?;
        Ok(AutoClaimed {
            next: Some(reply::an_id(next)?).filter(|next| *next > StreamId::MIN),
            entries: reply::each(entries, reply::entry)?,
            deleted: reply::each(deleted, reply::an_id)?,
        })
    }
}

/// Why entries are given back: [`Ackline::nack`](crate::Ackline::nack).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nack {
    /// Nothing was tried: the delivery does not count.
    Silent,
    /// It was tried and went wrong: the delivery counts.
    Fail,
    /// It will never work: the count of deliveries becomes the largest there is.
    Fatal,
    /// As if it had been delivered so often.
    Deliveries(u64),
}

impl Nack {
    pub(super) fn put(self, words: &mut Words) {
        words.push(match self {
            Nack::Silent => b"SILENT",
            Nack::Fail | Nack::Deliveries(_) => b"FAIL",
            Nack::Fatal => b"FATAL",
        });
    }

    pub(super) fn count(self) -> Option<u64> {
        match self {
            Nack::Deliveries(count) => Some(count),
            _ => None,
        }
    }
}
