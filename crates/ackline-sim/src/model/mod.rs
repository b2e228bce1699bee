//! A second opinion: streams and groups written from their description with ordered maps and linear scans.
//!
//! It shares nothing with the engine but the types of replies, [`crate::Plain`].

mod claim;
mod command;
mod group;
mod groups;
mod read;
mod stream;

pub use command::{ClaimOptions, Command, Id, Mode, NewId, Policy, ReadOptions, Threshold, Trim, When, show};
pub use group::{Consumer, Group, Pending};
pub use stream::Stream;

use crate::plain::Plain;
use std::collections::BTreeMap;

/// Streams by key, at a time.
#[derive(Clone, Debug)]
pub struct Model {
    /// The streams.
    pub streams: BTreeMap<String, Stream>,
    /// Unix ms.
    pub now: i64,
    /// How many entries a block holds.
    pub block_max: u64,
}

impl Model {
    /// Nothing, at a time.
    pub fn new(now: i64, block_max: u64) -> Model {
        Model { streams: BTreeMap::new(), now, block_max }
    }

    /// What a command answers and does.
    pub fn execute(&mut self, command: &Command) -> Plain {
        use Command::*;
        match command {
            Add { key, nomkstream, policy, trim, id, fields } => {
                if matches!(id, NewId::Exact((0, 0))) {
                    return error("ERR The ID specified in XADD must be greater than 0-0");
                }
                if *nomkstream && !self.streams.contains_key(key) {
                    return Plain::Nil;
                }
                self.add(key, *id, fields, trim.map(|trim| (trim, policy.unwrap_or(Policy::KeepRef))))
            }
            Trim { key, trim, policy } => {
                let (policy, block_max) = (policy.unwrap_or(Policy::KeepRef), self.block_max);
                let stream = self.streams.get_mut(key);
                Plain::Int(stream.map_or(0, |stream| stream.trim(*trim, policy, block_max)) as i64)
            }
            Del { key, ids } => match self.streams.get_mut(key) {
                Some(stream) => Plain::Int(ids.iter().filter(|id| stream.delete(**id)).count() as i64),
                None => Plain::Int(0),
            },
            DelEx { key, policy, ids } => self.delete(key, policy.unwrap_or(Policy::KeepRef), ids),
            Len { key } => Plain::Int(self.streams.get(key).map_or(0, Stream::len) as i64),
            Range { key, start, end, count, reverse } => self.range(key, (*start, *end), *count, *reverse),
            SetId { key, id, added, deleted } => self.set_id(key, *id, *added, *deleted),
            _ => self.execute_group(command),
        }
    }

    fn add(&mut self, key: &str, id: NewId, fields: &[String], trim: Option<(Trim, Policy)>) -> Plain {
        let last = self.streams.get(key).map_or((0, 0), |stream| stream.last_id);
        let id = match id {
            NewId::Auto if self.now as u64 > last.0 => (self.now as u64, 0),
            NewId::Auto => (last.0, last.1 + 1),
            NewId::AutoSeq(ms) if ms == last.0 => (ms, last.1 + 1),
            NewId::AutoSeq(ms) => (ms, 0),
            NewId::Exact(id) => id,
        };
        if id <= last {
            return error("ERR The ID specified in XADD is equal or smaller than the target stream top item");
        }
        let stream = self.streams.entry(key.to_owned()).or_default();
        stream.append(id, fields, self.block_max);
        if let Some((trim, policy)) = trim {
            stream.trim(trim, policy, self.block_max);
        }
        Plain::text(show(id))
    }

    fn delete(&mut self, key: &str, policy: Policy, ids: &[Id]) -> Plain {
        let Some(stream) = self.streams.get_mut(key) else { return ints(ids.iter().map(|_| -1)) };
        ints(ids.iter().map(|&id| {
            if policy == Policy::Acked && stream.is_referenced(id) {
                return 2;
            }
            if policy == Policy::DelRef {
                stream.unreference(id);
            }
            if stream.delete(id) { 1 } else { -1 }
        }))
    }

    fn range(&self, key: &str, (start, end): (Id, Id), count: Option<i64>, reverse: bool) -> Plain {
        let Some(stream) = self.streams.get(key) else { return Plain::Array(Vec::new()) };
        if count.is_some_and(|count| count <= 0) {
            return Plain::NilArray;
        }
        let mut ids: Vec<Id> =
            stream.entries.keys().copied().filter(|id| start <= *id && *id <= end).collect();
        if reverse {
            ids.reverse();
        }
        ids.truncate(count.map_or(usize::MAX, |count| count as usize));
        Plain::Array(ids.into_iter().map(|id| stream.show(id)).collect())
    }

    fn set_id(&mut self, key: &str, id: Id, added: Option<u64>, deleted: Option<Id>) -> Plain {
        if deleted.is_some_and(|deleted| deleted > id) {
            return error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
        }
        let Some(stream) = self.streams.get_mut(key) else { return error("ERR no such key") };
        if id < stream.max_deleted_id {
            return error("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
        }
        if let Some((last, _)) = stream.entries.last_key_value() {
            if id < *last {
                return error("ERR The ID specified in XSETID is smaller than the target stream top item");
            }
            if added.is_some_and(|added| added < stream.len()) {
                return error(
                    "ERR The entries_added specified in XSETID is smaller than the target stream length",
                );
            }
        }
        stream.last_id = id;
        stream.added = added.unwrap_or(stream.added);
        if let Some(deleted) = deleted.filter(|deleted| *deleted != (0, 0)) {
            stream.max_deleted_id = deleted;
        }
        ok()
    }

    /// The fields of XINFO STREAM that say what a stream is, without those that say how it is kept.
    pub fn overview(&self, key: &str) -> Vec<(&'static str, Plain)> {
        let Some(stream) = self.streams.get(key) else { return Vec::new() };
        vec![
            ("length", Plain::Int(stream.len() as i64)),
            ("last-generated-id", Plain::text(show(stream.last_id))),
            ("max-deleted-entry-id", Plain::text(show(stream.max_deleted_id))),
            ("entries-added", Plain::Int(stream.added as i64)),
            ("recorded-first-entry-id", Plain::text(show(stream.first_id()))),
            ("groups", Plain::Int(stream.groups.len() as i64)),
        ]
    }
}

fn ok() -> Plain {
    Plain::Status("OK".into())
}

fn error(text: &str) -> Plain {
    Plain::Error(text.into())
}

fn ints(of: impl Iterator<Item = i64>) -> Plain {
    Plain::Array(of.map(Plain::Int).collect())
}
