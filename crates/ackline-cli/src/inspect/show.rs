//! Records as text, one line each.

use ackline::check::name;
use ackline_engine::StreamId;
use ackline_engine::codec::Reader;
use ackline_engine::record::{Change, Count, Record};
use ackline_engine::state::Part;
use ackline_resp::quote;
use std::fmt::Write;

/// Bytes of a value that are shown.
const BYTES: usize = 64;
/// IDs and fields of a list that are shown.
const ITEMS: usize = 16;

/// Bytes in quotes, escaped as redis-cli does; what is longer than 64 is cut, and its length said.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut out = String::new();
    quote(&mut out, &bytes[..bytes.len().min(BYTES)]);
    if bytes.len() > BYTES {
        let _ = write!(out, "...({} bytes)", bytes.len());
    }
    out
}

fn list(items: impl ExactSizeIterator<Item = String>) -> String {
    let count = items.len();
    let mut shown: Vec<String> = items.take(ITEMS).collect();
    if count > ITEMS {
        shown.push(format!("...({count})"));
    }
    format!("[{}]", shown.join(" "))
}

/// Gathers `name=value` pairs.
struct Fields(String);

impl Fields {
    fn of(what: &str) -> Fields {
        Fields(what.to_owned())
    }

    fn put(mut self, name: &str, value: impl std::fmt::Display) -> Fields {
        // Writing to a string does not fail.
        let _ = write!(self.0, " {name}={value}");
        self
    }

    fn bytes(self, name: &str, value: &[u8]) -> Fields {
        self.put(name, quoted(value))
    }

    fn flag(self, name: &str, value: bool) -> Fields {
        self.put(name, if value { "yes" } else { "no" })
    }

    fn maybe(self, name: &str, value: Option<i64>) -> Fields {
        match value {
            Some(value) => self.put(name, value),
            None => self.put(name, "none"),
        }
    }

    fn ids(self, name: &str, ids: &[StreamId]) -> Fields {
        self.put(name, list(ids.iter().map(StreamId::to_string)))
    }

    fn count(self, count: Count) -> Fields {
        match count {
            Count::Add => self.put("count", "+1"),
            Count::Subtract => self.put("count", "-1"),
            Count::Keep => self.put("count", "same"),
            Count::Set(n) => self.put("count", n),
        }
    }
}

/// Database, key and change of a record.
pub(crate) fn record(record: &Record<'_>) -> String {
    let line = Fields::of(&format!("{} {} {}", record.db, quoted(record.key), name(record)));
    change(line, &record.change).0
}

fn change(line: Fields, change: &Change<'_>) -> Fields {
    use Change::*;
    match change {
        CreateStream { duration, maxsize } | Configure { duration, maxsize } => {
            line.put("duration", duration).put("maxsize", maxsize)
        }
        Append { new_block, id, fields } => {
            line.flag("new_block", *new_block).put("id", id).put("fields", entry(fields))
        }
        Trim { below, unreference } => line.put("below", below).flag("unreference", *unreference),
        Delete { remember, unreference, ids } => {
            line.flag("remember", *remember).flag("unreference", *unreference).ids("ids", ids)
        }
        SetStream { last_id, entries_added, max_deleted_id } => line
            .put("last_id", last_id)
            .put("entries_added", entries_added)
            .put("max_deleted_id", max_deleted_id),
        Remember { producer, iid, id } => line.bytes("producer", producer).bytes("iid", iid).put("id", id),
        Forget { horizon } => line.put("horizon", horizon),
        Set { value, expire_at } => line.bytes("value", value).maybe("expire_at", *expire_at),
        Extend { value } => line.bytes("value", value),
        Expire { at } => line.maybe("at", *at),
        Move { db, to } | Copy { db, to } => line.put("db", db).bytes("to", to),
        Swap { with } => line.put("with", with),
        Load { parts } => line.put("parts", image(parts)),
        Recognise | Remove | Flush => line,
        _ => of_group(line, change),
    }
}

fn of_group(line: Fields, change: &Change<'_>) -> Fields {
    use Change::*;
    match change {
        CreateGroup { group, last_id, entries_read } | Seek { group, last_id, entries_read } => {
            line.bytes("group", group).put("last_id", last_id).maybe("entries_read", *entries_read)
        }
        DestroyGroup { group } => line.bytes("group", group),
        CreateConsumer { group, consumer, at } => {
            line.bytes("group", group).bytes("consumer", consumer).put("at", at)
        }
        DeleteConsumer { group, consumer } => line.bytes("group", group).bytes("consumer", consumer),
        Deliver { group, consumer, at, noack, after, to, entries_read, ids: _ } => line
            .bytes("group", group)
            .bytes("consumer", consumer)
            .put("at", at)
            .flag("noack", *noack)
            .put("after", after)
            .put("to", to)
            .maybe("entries_read", *entries_read),
        Claim { group, consumer, at, active, delivered_at, count, ids } => line
            .bytes("group", group)
            .bytes("consumer", consumer)
            .put("at", at)
            .flag("active", *active)
            .put("delivered_at", delivered_at)
            .count(*count)
            .ids("ids", ids),
        Release { group, count, ids } => line.bytes("group", group).count(*count).ids("ids", ids),
        Ack { group, ids } => line.bytes("group", group).ids("ids", ids),
        _ => line,
    }
}

/// Names and values of an entry.
fn entry(fields: &[u8]) -> String {
    let words: Vec<&[u8]> = ackline_engine::state::Words::new(fields).collect();
    list(words.into_iter().map(quoted))
}

/// The parts of an image.
fn image(bytes: &[u8]) -> String {
    let mut reader = Reader::new(bytes);
    let mut parts = Vec::new();
    while !reader.is_empty() {
        let read =
            Part::read(&mut reader).and_then(|part| part.skip_rows(&mut reader).and(self::part(&part)));
        let Some(text) = read else {
            parts.push("?".to_owned());
            break;
        };
        parts.push(text);
    }
    let count = parts.len();
    parts.truncate(ITEMS);
    if count > ITEMS {
        parts.push(format!("...({count})"));
    }
    format!("[{}]", parts.join("; "))
}

/// `None` if a block's entries are none.
fn part(part: &Part<'_>) -> Option<String> {
    let line = match *part {
        Part::String(value) => return Some(format!("string {}", quoted(value))),
        Part::Stream { last_id, max_deleted_id, entries_added, duration, maxsize, added, duplicates } => {
            Fields::of("stream")
                .put("last_id", last_id)
                .put("max_deleted_id", max_deleted_id)
                .put("entries_added", entries_added)
                .put("duration", duration)
                .put("maxsize", maxsize)
                .put("added", added)
                .put("duplicates", duplicates)
        }
        Part::Entries { first_id, .. } | Part::Block { first_id, .. } => {
            let (live, deleted) = part.entry_counts()?;
            Fields::of("block").put("first_id", first_id).put("entries", live).put("deleted", deleted)
        }
        Part::Group { name, last_id, entries_read, next_order } => Fields::of("group")
            .bytes("name", name)
            .put("last_id", last_id)
            .maybe("entries_read", entries_read)
            .put("next_order", next_order),
        Part::Consumer { group, name, seen_at, active_at } => Fields::of("consumer")
            .bytes("group", group)
            .bytes("name", name)
            .put("seen_at", seen_at)
            .put("active_at", active_at),
        Part::Pending { group, count } => Fields::of("pending").bytes("group", group).put("count", count),
        Part::Remembered { producer, count } => {
            Fields::of("remembered").bytes("producer", producer).put("count", count)
        }
    };
    Some(line.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_escaped_as_redis_cli_does() {
        assert_eq!(quoted(b"a\"b\\\n\r\t\x07\x08\x00\xff~"), r#""a\"b\\\n\r\t\a\b\x00\xff~""#);
        assert_eq!(quoted(&[b'x'; 65]), format!("\"{}\"...(65 bytes)", "x".repeat(64)));
    }
}
