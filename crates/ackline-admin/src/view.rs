//! Streams, groups, consumers and pending entries as values, read over any server with Redis Streams.

mod overview;

pub use overview::{Overview, overviews};

use crate::client::{Client, Error};
use crate::reply::{bytes, field, field_int, field_text, int, items, pairs, text};
use ackline_resp::decode_reply::Value;

/// An entry: its ID, and its fields with their values in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// `ms-seq`.
    pub id: String,
    /// Fields and values; `None` if the entry is gone.
    pub fields: Option<Vec<(Vec<u8>, Vec<u8>)>>,
}

/// What XINFO STREAM says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stream {
    /// The key.
    pub name: Vec<u8>,
    /// Entries.
    pub length: i64,
    /// The last ID that was given.
    pub last_id: String,
    /// Entries ever added.
    pub entries_added: i64,
    /// The greatest ID that was deleted.
    pub max_deleted_id: String,
    /// The first entry's ID, if there is one.
    pub first_entry_id: Option<String>,
    /// The last entry's ID, if there is one.
    pub last_entry_id: Option<String>,
    /// Groups.
    pub groups: i64,
    /// Bytes of memory (MEMORY USAGE), if the server says.
    pub memory: Option<i64>,
}

/// What XINFO GROUPS says of one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: Vec<u8>,
    /// Consumers.
    pub consumers: i64,
    /// Pending entries.
    pub pending: i64,
    /// The last ID that was delivered.
    pub last_delivered_id: String,
    /// Entries read, if the server knows.
    pub entries_read: Option<i64>,
    /// Entries not yet delivered, if the server knows.
    pub lag: Option<i64>,
}

/// What XINFO CONSUMERS says of one consumer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consumer {
    /// Its name.
    pub name: Vec<u8>,
    /// Pending entries.
    pub pending: i64,
    /// Ms since it asked for something.
    pub idle: i64,
    /// Ms since it got something; `None` = never, or a server before Redis 7.2.
    pub inactive: Option<i64>,
}

/// What XPENDING says of one pending entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pending {
    /// The entry's ID.
    pub id: String,
    /// Whom it was delivered to; empty if it was released (XNACK).
    pub consumer: Vec<u8>,
    /// Ms since it was delivered; negative if it was released (XNACK).
    pub idle: i64,
    /// How often it was delivered.
    pub deliveries: i64,
}

/// Which pending entries.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PendingFilter {
    /// Of this consumer alone.
    pub consumer: Option<Vec<u8>>,
    /// Idle for so many ms at least.
    pub min_idle: i64,
    /// Delivered so many times at least. No server filters by this: more is read than is answered.
    pub min_deliveries: i64,
    /// The first ID, as XPENDING wants it; empty = `-`.
    pub from: String,
    /// The last ID; empty = `+`.
    pub to: String,
}

/// One step of a search for streams: their keys, and the cursor of the next step, which is 0 at the end.
pub fn stream_keys(
    client: &mut Client,
    cursor: u64,
    pattern: &[u8],
    count: u64,
) -> Result<(u64, Vec<Vec<u8>>), Error> {
    let (cursor, count) = (cursor.to_string(), count.to_string());
    let words: [&[u8]; 8] =
        [b"SCAN", cursor.as_bytes(), b"MATCH", pattern, b"COUNT", count.as_bytes(), b"TYPE", b"stream"];
    let reply = client.call(&words)?;
    let [next, keys] = items(&reply) else { return Ok((0, Vec::new())) };
    Ok((int(next).unwrap_or(0) as u64, items(keys).iter().map(|key| bytes(key).to_vec()).collect()))
}

/// One stream.
pub fn stream(client: &mut Client, key: &[u8]) -> Result<Stream, Error> {
    let info = client.call(&[&b"XINFO"[..], b"STREAM", key])?;
    // Not every server answers; then there is no such fact.
    let memory = client.call(&[&b"MEMORY"[..], b"USAGE", key]).ok();
    Ok(stream_of(key, &info, memory.as_ref()))
}

/// The two numbers of an ID, `ms-seq`; `None` if it is none.
pub fn id_parts(id: &str) -> Option<(u64, u64)> {
    let (ms, seq) = id.split_once('-')?;
    Some((ms.parse().ok()?, seq.parse().ok()?))
}

pub(crate) fn stream_of(key: &[u8], info: &Value, memory: Option<&Value>) -> Stream {
    let end = |name| field(info, name).and_then(entry).map(|entry| entry.id);
    Stream {
        name: key.to_vec(),
        length: field_int(info, "length").unwrap_or(0),
        last_id: field_text(info, "last-generated-id"),
        entries_added: field_int(info, "entries-added").unwrap_or(0),
        max_deleted_id: field_text(info, "max-deleted-entry-id"),
        first_entry_id: end("first-entry"),
        last_entry_id: end("last-entry"),
        groups: field_int(info, "groups").unwrap_or(0),
        memory: memory.and_then(int),
    }
}

/// The groups of a stream.
pub fn groups(client: &mut Client, key: &[u8]) -> Result<Vec<Group>, Error> {
    Ok(groups_of(&client.call(&[&b"XINFO"[..], b"GROUPS", key])?))
}

pub(crate) fn groups_of(reply: &Value) -> Vec<Group> {
    let group = |info: &Value| Group {
        name: field(info, "name").map(|name| bytes(name).to_vec()).unwrap_or_default(),
        consumers: field_int(info, "consumers").unwrap_or(0),
        pending: field_int(info, "pending").unwrap_or(0),
        last_delivered_id: field_text(info, "last-delivered-id"),
        entries_read: field_int(info, "entries-read"),
        lag: field_int(info, "lag"),
    };
    items(reply).iter().map(group).collect()
}

/// The consumers of a group.
pub fn consumers(client: &mut Client, key: &[u8], group: &[u8]) -> Result<Vec<Consumer>, Error> {
    Ok(consumers_of(&client.call(&[&b"XINFO"[..], b"CONSUMERS", key, group])?))
}

pub(crate) fn consumers_of(reply: &Value) -> Vec<Consumer> {
    let consumer = |info: &Value| Consumer {
        name: field(info, "name").map(|name| bytes(name).to_vec()).unwrap_or_default(),
        pending: field_int(info, "pending").unwrap_or(0),
        idle: field_int(info, "idle").unwrap_or(0),
        inactive: field_int(info, "inactive").filter(|ms| *ms >= 0),
    };
    items(reply).iter().map(consumer).collect()
}

/// At most `count` pending entries of a group by ID, and where to go on: the `from` of the next page.
pub fn pending(
    client: &mut Client,
    key: &[u8],
    group: &[u8],
    filter: &PendingFilter,
    count: u64,
) -> Result<(Vec<Pending>, Option<String>), Error> {
    let (min_idle, limit) = (filter.min_idle.to_string(), count.to_string());
    let or = |word: &str, default: &str| if word.is_empty() { default.to_owned() } else { word.to_owned() };
    let (from, to) = (or(&filter.from, "-"), or(&filter.to, "+"));
    let mut words: Vec<&[u8]> = vec![b"XPENDING", key, group];
    if filter.min_idle > 0 {
        words.extend([&b"IDLE"[..], min_idle.as_bytes()]);
    }
    words.extend([from.as_bytes(), to.as_bytes(), limit.as_bytes()]);
    words.extend(filter.consumer.as_deref());
    let reply = client.call(&words)?;
    let all: Vec<Pending> = items(&reply).iter().filter_map(pending_of).collect();
    let next = all.last().filter(|_| all.len() as u64 == count).map(|last| format!("({}", last.id));
    Ok((all.into_iter().filter(|one| one.deliveries >= filter.min_deliveries).collect(), next))
}

pub(crate) fn pending_of(value: &Value) -> Option<Pending> {
    let [id, consumer, idle, deliveries] = items(value) else { return None };
    Some(Pending {
        id: text(id),
        consumer: bytes(consumer).to_vec(),
        idle: int(idle)?,
        deliveries: int(deliveries)?,
    })
}

/// At most `count` entries of a stream from one ID to another, in the order of `newest_first`.
pub fn entries(
    client: &mut Client,
    key: &[u8],
    (from, to): (&str, &str),
    newest_first: bool,
    count: u64,
) -> Result<Vec<Entry>, Error> {
    let count = count.to_string();
    let (name, first, second) = if newest_first { ("XREVRANGE", to, from) } else { ("XRANGE", from, to) };
    let words: [&[u8]; 6] =
        [name.as_bytes(), key, first.as_bytes(), second.as_bytes(), b"COUNT", count.as_bytes()];
    let reply = client.call(&words)?;
    Ok(items(&reply).iter().filter_map(entry).collect())
}

/// The entries with these IDs, in their order; those that are gone have no fields.
pub fn entries_by_id(client: &mut Client, key: &[u8], ids: &[String]) -> Result<Vec<Entry>, Error> {
    let command = |id: &String| vec![b"XRANGE".to_vec(), key.to_vec(), id.clone().into(), id.clone().into()];
    let replies = client.call_all(&ids.iter().map(command).collect::<Vec<_>>())?;
    let found = |(id, reply): (&String, &Value)| {
        items(reply).first().and_then(entry).unwrap_or(Entry { id: id.clone(), fields: None })
    };
    Ok(ids.iter().zip(&replies).map(found).collect())
}

/// An entry as XRANGE and XREAD answer it.
pub fn entry(value: &Value) -> Option<Entry> {
    let [id, fields] = items(value) else { return None };
    let fields = match fields {
        Value::Null | Value::NullArray => None,
        fields => {
            let pair = |(name, value): (&Value, &Value)| (bytes(name).to_vec(), bytes(value).to_vec());
            Some(pairs(fields).into_iter().map(pair).collect())
        }
    };
    Some(Entry { id: text(id), fields })
}
