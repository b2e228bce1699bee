//! Walks a stream from its first ID to its last: entries and the pending entries of every group side by side, page by
//! page, so that memory is bounded whatever the stream holds.

use super::header::{Group, Header};
use super::link::{Batch, Error, Link, millis};
use super::value::{bytes, id, int, into_bytes, into_items, items};
use ackline_engine::StreamId;
use redis::{Value, cmd};
use std::collections::VecDeque;

/// A page of entries is kept about this small.
const PAGE_BYTES: usize = 2 << 20;
/// The first page, when nobody knows yet how large entries are.
const FIRST_PAGE: usize = 8;
/// An anchor that is further off than this was delivered again meanwhile.
const ANCHOR_ERROR_MS: i64 = 20;

/// An entry.
#[derive(PartialEq)]
pub(super) struct Entry {
    pub(super) id: StreamId,
    /// Fields and values in turn.
    pub(super) words: Vec<Vec<u8>>,
}

/// A pending entry.
#[derive(Clone, PartialEq)]
pub(super) struct Pending {
    pub(super) id: StreamId,
    /// `None`: it was released.
    pub(super) owner: Option<Vec<u8>>,
    /// When it was delivered last, in Unix milliseconds.
    pub(super) at: i64,
    /// How often it was delivered.
    pub(super) count: i64,
}

/// Everything of a stream within a range of IDs.
pub(super) struct Window {
    pub(super) entries: Vec<Entry>,
    /// In the order of the groups.
    pub(super) pending: Vec<Vec<Pending>>,
}

trait Placed {
    fn id(&self) -> StreamId;
}

impl Placed for Entry {
    fn id(&self) -> StreamId {
        self.id
    }
}

impl Placed for Pending {
    fn id(&self) -> StreamId {
        self.id
    }
}

/// What was read ahead of one kind of thing.
struct Lane<T> {
    /// Where to read on; `None` at the end.
    next: Option<StreamId>,
    ahead: VecDeque<T>,
}

impl<T: Placed> Lane<T> {
    fn new(some: bool) -> Lane<T> {
        Lane { next: some.then_some(StreamId::MIN), ahead: VecDeque::new() }
    }

    /// From where on a page is wanted now.
    fn wants(&self) -> Option<StreamId> {
        self.next.filter(|_| self.ahead.is_empty())
    }

    fn feed(&mut self, page: Vec<T>, asked: usize, limit: StreamId) {
        let last = page.last().filter(|_| page.len() >= asked).map(T::id);
        self.next = last.and_then(StreamId::next).filter(|next| *next <= limit);
        self.ahead.extend(page);
    }

    /// Up to here everything is known.
    fn horizon(&self) -> StreamId {
        let last = self.ahead.back().filter(|_| self.next.is_some());
        last.map_or(StreamId::MAX, T::id)
    }

    fn take(&mut self, end: StreamId) -> Vec<T> {
        let count = self.ahead.partition_point(|item| item.id() <= end);
        self.ahead.drain(..count).collect()
    }
}

struct GroupLane {
    name: Vec<u8>,
    lane: Lane<Pending>,
    /// A pending entry whose time of delivery is known: XPENDING tells idle times, this makes them times again.
    anchor: Option<(StreamId, i64)>,
}

/// A walk through a stream.
pub(super) struct Cursor {
    key: Vec<u8>,
    limit: StreamId,
    entries: Lane<Entry>,
    groups: Vec<GroupLane>,
    /// Entries of the next page.
    count: usize,
    batch: usize,
}

impl Cursor {
    /// Before the first ID. Nothing above the header's last ID will be read: that came later.
    pub(super) fn new(key: &[u8], header: &Header, batch: usize) -> Cursor {
        let lane = |group: &Group| GroupLane {
            name: group.name.clone(),
            lane: Lane::new(group.pending > 0),
            anchor: group.anchor,
        };
        Cursor {
            key: key.to_vec(),
            limit: header.last_id,
            entries: Lane::new(header.length > 0),
            groups: header.groups.iter().map(lane).collect(),
            count: FIRST_PAGE.min(batch),
            batch,
        }
    }

    /// Reads ahead where nothing is left; then everything up to the returned ID is known.
    pub(super) fn fill(&mut self, link: &mut Link) -> Result<StreamId, Error> {
        let (entries, wanting) = (self.entries.wants(), self.wanting());
        if entries.is_some() || !wanting.is_empty() {
            let mut replies = link.ask_at_once(self.questions(entries, &wanting))?.into_iter();
            let now = replies.next().as_ref().map_or(0, millis);
            if entries.is_some() {
                self.feed_entries(replies.next())?;
            }
            for (at, _) in wanting {
                let anchor = self.groups[at].anchor.and_then(|_| replies.next());
                self.feed_pending(at, now, anchor, replies.next())?;
            }
        }
        let horizons = self.groups.iter().map(|group| group.lane.horizon());
        Ok(horizons.fold(self.entries.horizon(), StreamId::min))
    }

    fn wanting(&self) -> Vec<(usize, StreamId)> {
        let groups = self.groups.iter().enumerate();
        groups.filter_map(|(at, group)| Some((at, group.lane.wants()?))).collect()
    }

    fn questions(&self, entries: Option<StreamId>, wanting: &[(usize, StreamId)]) -> Batch {
        let limit = self.limit.to_string();
        let mut batch = Batch::default();
        batch.add(&cmd("TIME"));
        if let Some(start) = entries {
            batch.add(
                cmd("XRANGE").arg(&self.key).arg(start.to_string()).arg(&limit).arg("COUNT").arg(self.count),
            );
        }
        for (at, start) in wanting {
            let GroupLane { name, anchor, .. } = &self.groups[*at];
            let ask = |start: &str, end: &str, count: usize| {
                let mut ask = cmd("XPENDING");
                ask.arg(&self.key).arg(name).arg(start).arg(end).arg(count);
                ask
            };
            if let Some((id, _)) = anchor {
                let id = id.to_string();
                batch.add(&ask(&id, &id, 1));
            }
            batch.add(&ask(&start.to_string(), &limit, self.batch));
        }
        batch
    }

    fn feed_entries(&mut self, reply: Option<Value>) -> Result<(), Error> {
        let rows = into_items(reply.unwrap_or(Value::Nil));
        let page: Vec<Entry> = rows.into_iter().map(entry).collect::<Option<_>>().ok_or_else(strange)?;
        let asked = self.count;
        let size: usize = page.iter().flat_map(|entry| &entry.words).map(|word| word.len() + 24).sum();
        if let Some(average) = size.checked_div(page.len()) {
            self.count = (PAGE_BYTES / average.max(1)).clamp(1, self.batch);
        }
        self.entries.feed(page, asked, self.limit);
        Ok(())
    }

    fn feed_pending(
        &mut self,
        at: usize,
        now: i64,
        anchor: Option<Value>,
        reply: Option<Value>,
    ) -> Result<(), Error> {
        let group = &mut self.groups[at];
        let row = anchor.as_ref().and_then(|rows| items(rows).first());
        let idle = row.and_then(|row| items(row).get(2)).and_then(int);
        let told = group.anchor.zip(idle).map(|((_, at), idle)| at + idle);
        let now = told.filter(|told| (told - now).abs() <= ANCHOR_ERROR_MS).unwrap_or(now);
        let rows = into_items(reply.unwrap_or(Value::Nil));
        let page: Vec<Pending> =
            rows.into_iter().map(|row| pending(row, now)).collect::<Option<_>>().ok_or_else(strange)?;
        if let Some(row) = page.iter().rev().find(|row| row.owner.is_some()) {
            group.anchor = Some((row.id, row.at));
        }
        group.lane.feed(page, self.batch, self.limit);
        Ok(())
    }

    /// Everything up to this ID, which [`Cursor::fill`] has to have reached.
    pub(super) fn take(&mut self, end: StreamId) -> Window {
        Window {
            entries: self.entries.take(end),
            pending: self.groups.iter_mut().map(|group| group.lane.take(end)).collect(),
        }
    }
}

fn strange() -> Error {
    Error::Key("XRANGE or XPENDING answered with something else".to_owned())
}

fn entry(row: Value) -> Option<Entry> {
    let mut row = into_items(row).into_iter();
    let id = id(&row.next()?)?;
    Some(Entry { id, words: into_items(row.next()?).into_iter().map(into_bytes).collect() })
}

fn pending(row: Value, now: i64) -> Option<Pending> {
    let [name, owner, idle, count] = items(&row) else { return None };
    let (id, idle, count) = (id(name)?, int(idle)?, int(count)?);
    // An idle time of -1 is the only sign of a released entry: the empty name is a name as well.
    let (owner, at) = if idle < 0 { (None, 0) } else { (Some(bytes(owner).to_vec()), now - idle) };
    Some(Pending { id, owner, at, count })
}
