//! Records: the effects that the log holds and that `apply` turns into state.
//!
//! A record carries resolved values: never `*`, `$`, `>`, "now" or a relative time. What an old log means
//! therefore does not depend on how a command decides today. Tags and the order of fields are frozen.

use crate::codec::{Reader, put_bytes, put_i64, put_id, put_u64};
use crate::id::StreamId;
use std::borrow::Cow;

/// One effect on one key (or, for [`Change::Flush`] and [`Change::Swap`], on whole databases).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The database.
    pub db: u32,
    /// The key; empty for changes of whole databases.
    pub key: &'a [u8],
    /// What happens to it.
    pub change: Change<'a>,
}

/// The bit of a tag that says database 0.
const DB_0: u8 = 0x80;

/// IDs in the order that they are dealt with.
pub type Ids<'a> = Cow<'a, [StreamId]>;

/// What happens to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named like what they set")]
pub enum Change<'a> {
    /// A new empty stream, with its idempotency settings.
    CreateStream { duration: u64, maxsize: u64 },
    /// An entry at the end; `new_block` says whether it begins a block.
    Append { new_block: bool, id: StreamId, fields: &'a [u8] },
    /// All entries below an ID go; with `unreference` also from every group's pending list.
    Trim { below: StreamId, unreference: bool },
    /// Single entries go; `remember` moves the highest deleted ID, `unreference` as in Trim.
    Delete { remember: bool, unreference: bool, ids: Ids<'a> },
    /// The stream's counters.
    SetStream { last_id: StreamId, entries_added: u64, max_deleted_id: StreamId },
    /// A new group.
    CreateGroup { group: &'a [u8], last_id: StreamId, entries_read: Option<i64> },
    /// A group goes, with its consumers and pending entries.
    DestroyGroup { group: &'a [u8] },
    /// A group's position.
    Seek { group: &'a [u8], last_id: StreamId, entries_read: Option<i64> },
    /// A new consumer.
    CreateConsumer { group: &'a [u8], consumer: &'a [u8], at: i64 },
    /// A consumer goes, with the pending entries that it owned.
    DeleteConsumer { group: &'a [u8], consumer: &'a [u8] },
    /// All live entries with `after < id <= to` were delivered to a consumer for the first time at `at`; the group's
    /// position is `to` then. With `noack` nothing becomes pending.
    Deliver {
        group: &'a [u8],
        consumer: &'a [u8],
        at: i64,
        noack: bool,
        after: StreamId,
        to: StreamId,
        entries_read: Option<i64>,
        /// The IDs, if they are at hand. Not in the log: empty = to be looked up.
        ids: &'a [StreamId],
    },
    /// A consumer owns these entries from now on; a missing one becomes pending with a count of 1 before `count`
    /// applies. `active` says whether this counts as activity of the consumer.
    Claim {
        group: &'a [u8],
        consumer: &'a [u8],
        at: i64,
        active: bool,
        delivered_at: i64,
        count: Count,
        ids: Ids<'a>,
    },
    /// Nobody owns these entries from now on; a missing one becomes pending with a count of 0 before `count` applies.
    Release { group: &'a [u8], count: Count, ids: Ids<'a> },
    /// These entries are pending no more.
    Ack { group: &'a [u8], ids: Ids<'a> },
    /// A producer's message is remembered.
    Remember { producer: &'a [u8], iid: &'a [u8], id: StreamId },
    /// A producer's message was recognised.
    Recognise,
    /// The idempotency settings; what was remembered goes.
    Configure { duration: u64, maxsize: u64 },
    /// Remembered messages of entries with `ms <= horizon` go.
    Forget { horizon: u64 },
    /// A string, with its expiry.
    Set { value: &'a [u8], expire_at: Option<i64> },
    /// More bytes at the end of a string, which is created if missing.
    Extend { value: &'a [u8] },
    /// The key goes.
    Remove,
    /// The expiry, or its end.
    Expire { at: Option<i64> },
    /// The key gets another name, or another database.
    Move { db: u32, to: &'a [u8] },
    /// A copy, with its expiry.
    Copy { db: u32, to: &'a [u8] },
    /// Every key of the database goes.
    Flush,
    /// Two databases change places.
    Swap { with: u32 },
    /// A whole value, or the next parts of it: what a snapshot holds, and what RESTORE brings.
    Load { parts: &'a [u8] },
}

/// What happens to a delivery count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// One more, saturating at 2^63-1.
    Add,
    /// One less, not below 0.
    Subtract,
    /// As it was.
    Keep,
    /// This value.
    Set(i64),
}

impl Count {
    /// The count after the change.
    pub fn of(self, before: i64) -> i64 {
        match self {
            Count::Add => before.saturating_add(1),
            Count::Subtract => before.saturating_sub(1).max(0),
            Count::Keep => before,
            Count::Set(n) => n,
        }
    }
}

impl Change<'_> {
    /// Whether a WATCH on the key is violated by it.
    pub(crate) fn is_modification(&self) -> bool {
        use Change::*;
        matches!(
            self,
            CreateStream { .. }
                | Append { .. }
                | Trim { .. }
                | Delete { .. }
                | Set { .. }
                | Extend { .. }
                | Remove
                | Expire { .. }
                | Load { .. }
        )
    }

    /// Whether reads blocked on the key are run again.
    pub(crate) fn wakes_readers(&self) -> bool {
        use Change::*;
        matches!(
            self,
            Append { .. } | DestroyGroup { .. } | Release { .. } | Set { .. } | Remove | Load { .. }
        )
    }
}

impl<'a> Record<'a> {
    /// Appends the record: tag, database, key, then the fields in the order of their declaration. Nearly always the
    /// database is 0: then it is a bit of the tag.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self.db {
            0 => out.push(self.change.tag() | DB_0),
            db => {
                out.push(self.change.tag());
                put_u64(out, u64::from(db));
            }
        }
        put_bytes(out, self.key);
        self.change.encode(out);
    }

    /// Reads one record; `None` if the bytes are none.
    pub fn decode(reader: &mut Reader<'a>) -> Option<Record<'a>> {
        let tag = reader.byte()?;
        let db = if tag & DB_0 == 0 { u32::try_from(reader.u64()?).ok()? } else { 0 };
        let key = reader.bytes()?;
        Some(Record { db, key, change: Change::decode(tag & !DB_0, reader)? })
    }
}

impl<'a> Change<'a> {
    fn tag(&self) -> u8 {
        match self {
            Change::CreateStream { .. } => 1,
            Change::Append { .. } => 2,
            Change::Trim { .. } => 3,
            Change::Delete { .. } => 4,
            Change::SetStream { .. } => 5,
            Change::CreateGroup { .. } => 6,
            Change::DestroyGroup { .. } => 7,
            Change::Seek { .. } => 8,
            Change::CreateConsumer { .. } => 9,
            Change::DeleteConsumer { .. } => 10,
            Change::Deliver { .. } => 11,
            Change::Claim { .. } => 12,
            Change::Release { .. } => 13,
            Change::Ack { .. } => 14,
            Change::Remember { .. } => 15,
            Change::Recognise => 16,
            Change::Configure { .. } => 17,
            Change::Forget { .. } => 18,
            Change::Set { .. } => 19,
            Change::Extend { .. } => 20,
            Change::Remove => 21,
            Change::Expire { .. } => 22,
            Change::Move { .. } => 23,
            Change::Copy { .. } => 24,
            Change::Flush => 25,
            Change::Swap { .. } => 26,
            Change::Load { .. } => 27,
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        use Change::*;
        match self {
            CreateStream { duration, maxsize } | Configure { duration, maxsize } => {
                put_u64(out, *duration);
                put_u64(out, *maxsize);
            }
            Append { new_block, id, fields } => {
                out.push(u8::from(*new_block));
                put_id(out, *id);
                put_bytes(out, fields);
            }
            Trim { below, unreference } => {
                put_id(out, *below);
                out.push(u8::from(*unreference));
            }
            Delete { remember, unreference, ids } => {
                out.push(u8::from(*remember) | u8::from(*unreference) << 1);
                put_ids(out, ids);
            }
            SetStream { last_id, entries_added, max_deleted_id } => {
                put_id(out, *last_id);
                put_u64(out, *entries_added);
                put_id(out, *max_deleted_id);
            }
            Remember { producer, iid, id } => {
                put_bytes(out, producer);
                put_bytes(out, iid);
                put_id(out, *id);
            }
            Forget { horizon } => put_u64(out, *horizon),
            Set { value, expire_at } => {
                put_bytes(out, value);
                put_maybe(out, *expire_at);
            }
            Extend { value } => put_bytes(out, value),
            Load { parts } => put_bytes(out, parts),
            Expire { at } => put_maybe(out, *at),
            Move { db, to } | Copy { db, to } => {
                put_u64(out, u64::from(*db));
                put_bytes(out, to);
            }
            Swap { with } => put_u64(out, u64::from(*with)),
            Recognise | Remove | Flush => {}
            _ => self.encode_group(out),
        }
    }

    fn encode_group(&self, out: &mut Vec<u8>) {
        use Change::*;
        match self {
            CreateGroup { group, last_id, entries_read } | Seek { group, last_id, entries_read } => {
                put_bytes(out, group);
                put_id(out, *last_id);
                put_maybe(out, *entries_read);
            }
            DestroyGroup { group } => put_bytes(out, group),
            CreateConsumer { group, consumer, at } => {
                put_bytes(out, group);
                put_bytes(out, consumer);
                put_i64(out, *at);
            }
            DeleteConsumer { group, consumer } => {
                put_bytes(out, group);
                put_bytes(out, consumer);
            }
            Deliver { group, consumer, at, noack, after, to, entries_read, ids: _ } => {
                put_bytes(out, group);
                put_bytes(out, consumer);
                put_i64(out, *at);
                out.push(u8::from(*noack));
                put_ids(out, &[*after, *to]);
                put_maybe(out, *entries_read);
            }
            Claim { group, consumer, at, active, delivered_at, count, ids } => {
                put_bytes(out, group);
                put_bytes(out, consumer);
                put_i64(out, *at);
                out.push(u8::from(*active));
                put_i64(out, at.wrapping_sub(*delivered_at));
                put_count(out, *count);
                put_ids(out, ids);
            }
            Release { group, count, ids } => {
                put_bytes(out, group);
                put_count(out, *count);
                put_ids(out, ids);
            }
            Ack { group, ids } => {
                put_bytes(out, group);
                put_ids(out, ids);
            }
            _ => unreachable!("every other change was encoded before"),
        }
    }

    fn decode(tag: u8, r: &mut Reader<'a>) -> Option<Change<'a>> {
        use Change::*;
        Some(match tag {
            1 => CreateStream { duration: r.u64()?, maxsize: r.u64()? },
            2 => Append { new_block: flag(r)?, id: r.id()?, fields: r.bytes()? },
            3 => Trim { below: r.id()?, unreference: flag(r)? },
            4 => {
                let flags = r.byte()?;
                Delete { remember: flags & 1 != 0, unreference: flags & 2 != 0, ids: ids(r)? }
            }
            5 => SetStream { last_id: r.id()?, entries_added: r.u64()?, max_deleted_id: r.id()? },
            15 => Remember { producer: r.bytes()?, iid: r.bytes()?, id: r.id()? },
            16 => Recognise,
            17 => Configure { duration: r.u64()?, maxsize: r.u64()? },
            18 => Forget { horizon: r.u64()? },
            19 => Set { value: r.bytes()?, expire_at: maybe(r)? },
            20 => Extend { value: r.bytes()? },
            21 => Remove,
            22 => Expire { at: maybe(r)? },
            23 => Move { db: database(r)?, to: r.bytes()? },
            24 => Copy { db: database(r)?, to: r.bytes()? },
            25 => Flush,
            26 => Swap { with: database(r)? },
            27 => Load { parts: r.bytes()? },
            _ => return Self::decode_group(tag, r),
        })
    }

    fn decode_group(tag: u8, r: &mut Reader<'a>) -> Option<Change<'a>> {
        use Change::*;
        let group = r.bytes()?;
        Some(match tag {
            6 => CreateGroup { group, last_id: r.id()?, entries_read: maybe(r)? },
            7 => DestroyGroup { group },
            8 => Seek { group, last_id: r.id()?, entries_read: maybe(r)? },
            9 => CreateConsumer { group, consumer: r.bytes()?, at: r.i64()? },
            10 => DeleteConsumer { group, consumer: r.bytes()? },
            11 => {
                let (consumer, at, noack) = (r.bytes()?, r.i64()?, flag(r)?);
                let [after, to] = <[StreamId; 2]>::try_from(&*ids(r)?).ok()?;
                Deliver { group, consumer, at, noack, after, to, entries_read: maybe(r)?, ids: &[] }
            }
            12 => {
                let (consumer, at, active) = (r.bytes()?, r.i64()?, flag(r)?);
                let delivered_at = at.wrapping_sub(r.i64()?);
                Claim { group, consumer, at, active, delivered_at, count: count(r)?, ids: ids(r)? }
            }
            13 => Release { group, count: count(r)?, ids: ids(r)? },
            14 => Ack { group, ids: ids(r)? },
            _ => return None,
        })
    }
}

fn flag(r: &mut Reader<'_>) -> Option<bool> {
    r.byte().map(|byte| byte != 0)
}

fn database(r: &mut Reader<'_>) -> Option<u32> {
    u32::try_from(r.u64()?).ok()
}

/// Absent is -1: what is optional here is never negative.
fn put_maybe(out: &mut Vec<u8>, n: Option<i64>) {
    put_i64(out, n.unwrap_or(-1));
}

fn maybe(r: &mut Reader<'_>) -> Option<Option<i64>> {
    let n = r.i64()?;
    Some((n != -1).then_some(n))
}

fn put_count(out: &mut Vec<u8>, count: Count) {
    match count {
        Count::Add => out.push(0),
        Count::Subtract => out.push(1),
        Count::Keep => out.push(2),
        Count::Set(n) => {
            out.push(3);
            put_i64(out, n);
        }
    }
}

fn count(r: &mut Reader<'_>) -> Option<Count> {
    Some(match r.byte()? {
        0 => Count::Add,
        1 => Count::Subtract,
        2 => Count::Keep,
        3 => Count::Set(r.i64().filter(|n| *n >= 0)?),
        _ => return None,
    })
}

/// A count, then each ID as its distance from the one before: a run of neighbours costs two bytes an ID.
fn put_ids(out: &mut Vec<u8>, ids: &[StreamId]) {
    put_u64(out, ids.len() as u64);
    let mut before = StreamId::MIN;
    for id in ids {
        put_i64(out, id.ms.wrapping_sub(before.ms) as i64);
        match id.ms == before.ms {
            true => put_i64(out, id.seq.wrapping_sub(before.seq) as i64),
            false => put_u64(out, id.seq),
        }
        before = *id;
    }
}

fn ids<'a>(r: &mut Reader<'_>) -> Option<Ids<'a>> {
    let count = usize::try_from(r.u64()?).ok()?;
    let mut ids = Vec::with_capacity(count.min(r.rest().len() / 2));
    let mut before = StreamId::MIN;
    for _ in 0..count {
        let ms = before.ms.wrapping_add(r.i64()? as u64);
        let seq = if ms == before.ms { before.seq.wrapping_add(r.i64()? as u64) } else { r.u64()? };
        before = StreamId::new(ms, seq);
        ids.push(before);
    }
    Some(Cow::Owned(ids))
}
