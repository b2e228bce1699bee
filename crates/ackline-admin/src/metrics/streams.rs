//! Streams, groups and, if they are asked for, consumers.
//!
//! Named as redis_exporter names them, with its labels `db`, `stream`, `group`, `consumer`: `redis_stream_length`,
//! `redis_stream_group_messages_pending`, .. Beside them `ackline_group_oldest_pending_seconds`, which it does not have.

use super::Options;
use super::family::{Families, Labels};
use crate::client::{Client, Error};
use crate::reply::{bytes, field, field_int, field_text, int, items, text};
use crate::view;
use ackline_resp::decode_reply::Value;
use std::time::{SystemTime, UNIX_EPOCH};

/// Streams that are asked for together.
const TOGETHER: usize = 100;

pub(super) fn gather(client: &mut Client, options: &Options, families: &mut Families) -> Result<(), Error> {
    let (mut found, mut omitted) = (0, 0);
    for db in databases(client)? {
        client.call(&["SELECT", &db])?;
        let keys = keys(client, &options.pattern)?;
        let shown = keys.len().min(options.streams_max - found);
        found += shown;
        omitted += keys.len() - shown;
        for keys in keys[..shown].chunks(TOGETHER) {
            Page { client, db: &db, options, families }.streams(keys)?;
        }
    }
    client.call(&["SELECT", "0"])?;
    let help = "Streams beyond the limit of the page.";
    families.gauge("ackline_metrics_streams_omitted", help, Vec::new(), omitted as f64);
    Ok(())
}

/// Those that have keys.
fn databases(client: &mut Client) -> Result<Vec<String>, Error> {
    let info = text(&client.call(&["INFO", "keyspace"])?);
    Ok(info.lines().filter_map(|line| Some(line.strip_prefix("db")?.split_once(':')?.0.to_owned())).collect())
}

fn keys(client: &mut Client, pattern: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let (mut cursor, mut all) = (0, Vec::new());
    loop {
        let (next, keys) = view::stream_keys(client, cursor, pattern, 1000)?;
        all.extend(keys);
        if next == 0 {
            all.sort();
            all.dedup();
            return Ok(all);
        }
        cursor = next;
    }
}

struct Page<'p> {
    client: &'p mut Client,
    db: &'p str,
    options: &'p Options,
    families: &'p mut Families,
}

impl Page<'_> {
    /// Two questions about each stream, all sent together. What was deleted meanwhile is left out.
    fn streams(&mut self, keys: &[Vec<u8>]) -> Result<(), Error> {
        let ask = |word: &str, key: &Vec<u8>| vec![b"XINFO".to_vec(), word.into(), key.clone()];
        let questions: Vec<_> =
            keys.iter().flat_map(|key| [ask("STREAM", key), ask("GROUPS", key)]).collect();
        let replies = self.client.call_all(&questions)?;
        for (key, facts) in keys.iter().zip(replies.chunks_exact(2)) {
            if let [stream, groups] = facts
                && field(stream, "length").is_some()
            {
                self.stream(key, stream);
                self.groups(key, items(groups))?;
            }
        }
        Ok(())
    }

    fn stream(&mut self, key: &[u8], stream: &Value) {
        let labels = || vec![("db", format!("db{}", self.db)), ("stream", name(key))];
        let mut show = |name, help, value: f64| self.families.gauge(name, help, labels(), value);
        let number = |name| field_int(stream, name).unwrap_or(0) as f64;
        let id = |name| milliseconds(&field_text(stream, name));
        let entry =
            |name| field(stream, name).and_then(view::entry).map_or(0.0, |entry| milliseconds(&entry.id));
        show("redis_stream_length", "Entries.", number("length"));
        show("redis_stream_groups", "Groups.", number("groups"));
        show("redis_stream_radix_tree_keys", "Blocks.", number("radix-tree-keys"));
        show("redis_stream_radix_tree_nodes", "Blocks, and what finds them.", number("radix-tree-nodes"));
        show("redis_stream_last_generated_id", "The time of the last ID given.", id("last-generated-id"));
        show(
            "redis_stream_max_deleted_entry_id",
            "The time of the greatest ID deleted.",
            id("max-deleted-entry-id"),
        );
        show("redis_stream_first_entry_id", "The time of the first entry's ID.", entry("first-entry"));
        show("redis_stream_last_entry_id", "The time of the last entry's ID.", entry("last-entry"));
        let added = number("entries-added");
        self.families.counter("redis_stream_entries_added", "Entries ever added.", labels(), added);
    }

    fn groups(&mut self, key: &[u8], groups: &[Value]) -> Result<(), Error> {
        let names: Vec<&[u8]> =
            groups.iter().map(|group| field(group, "name").map_or(&b""[..], bytes)).collect();
        let ask = |group: &&[u8]| {
            let mut ask = vec![vec![b"XPENDING".to_vec(), key.to_vec(), group.to_vec()]];
            if self.options.consumers {
                ask.push(vec![b"XINFO".to_vec(), b"CONSUMERS".to_vec(), key.to_vec(), group.to_vec()]);
            }
            ask
        };
        let questions: Vec<_> = names.iter().flat_map(ask).collect();
        let replies = self.client.call_all(&questions)?;
        let each = 1 + usize::from(self.options.consumers);
        for ((group, facts), replies) in names.iter().zip(groups).zip(replies.chunks_exact(each)) {
            let labels =
                vec![("db", format!("db{}", self.db)), ("stream", name(key)), ("group", name(group))];
            self.group(&labels, facts, &replies[0]);
            replies[1..].iter().flat_map(items).for_each(|consumer| self.consumer(&labels, consumer));
        }
        Ok(())
    }

    fn group(&mut self, labels: &Labels, group: &Value, pending: &Value) {
        let mut show = |name, help, value: f64| self.families.gauge(name, help, labels.clone(), value);
        let number = |name| field_int(group, name).unwrap_or(0) as f64;
        show("redis_stream_group_consumers", "Consumers.", number("consumers"));
        show("redis_stream_group_messages_pending", "Pending entries.", number("pending"));
        let last = milliseconds(&field_text(group, "last-delivered-id"));
        show("redis_stream_group_last_delivered_id", "The time of the last ID delivered.", last);
        show("redis_stream_group_entries_read", "Entries read.", number("entries-read"));
        // Unknown is not 0: then there is no sample.
        if let Some(lag) = field_int(group, "lag") {
            show("redis_stream_group_lag", "Entries not yet delivered.", lag as f64);
        }
        let oldest = items(pending).get(1).map(text).unwrap_or_default();
        let age = if oldest.is_empty() { 0.0 } else { age(milliseconds(&oldest)) };
        show(
            "ackline_group_oldest_pending_seconds",
            "Age of the pending entry with the smallest ID, by its ID.",
            age,
        );
    }

    fn consumer(&mut self, labels: &Labels, consumer: &Value) {
        let mut labels = labels.clone();
        labels.push(("consumer", name(field(consumer, "name").map_or(b"", bytes))));
        let mut show = |name, help, value: f64| self.families.gauge(name, help, labels.clone(), value);
        let number = |name| field(consumer, name).and_then(int).unwrap_or(0) as f64;
        show("redis_stream_group_consumer_messages_pending", "Pending entries.", number("pending"));
        show(
            "redis_stream_group_consumer_idle_seconds",
            "Since it asked for something.",
            number("idle") / 1e3,
        );
    }
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The part of an ID that is a time, if it was not chosen by somebody.
fn milliseconds(id: &str) -> f64 {
    id.split('-').next().and_then(|ms| ms.parse().ok()).unwrap_or(0.0)
}

fn age(ms: f64) -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
    (now - ms / 1e3).max(0.0)
}
