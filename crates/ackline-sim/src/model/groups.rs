//! XGROUP, and what XINFO says of groups.

use super::{Command, Group, Id, Model, Stream, error, ok, show};
use crate::plain::Plain;

const NO_KEY: &str = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use \
                      the MKSTREAM option to create an empty stream automatically.";

impl Model {
    pub(super) fn execute_group(&mut self, command: &Command) -> Plain {
        use Command::*;
        match command {
            Create { key, group, id, mkstream, read } => self.create(key, group, *id, *mkstream, *read),
            Seek { key, group, id, read } => self.with_group(key, group, |stream, name| {
                let (last_id, added) = (id.unwrap_or(stream.last_id), stream.added as i64);
                let group = stream.groups.entry(name.to_owned()).or_default();
                (group.last_id, group.read) = (last_id, known(*read, added));
                ok()
            }),
            Destroy { key, group } => match self.streams.get_mut(key) {
                None => error(NO_KEY),
                Some(stream) => Plain::Int(i64::from(stream.groups.remove(group).is_some())),
            },
            CreateConsumer { key, group, consumer } => {
                let now = self.now;
                self.with_group(key, group, |stream, name| {
                    let group = stream.groups.entry(name.to_owned()).or_default();
                    let is_new = !group.consumers.contains_key(consumer);
                    if is_new {
                        group.meet(consumer, now);
                    }
                    Plain::Int(i64::from(is_new))
                })
            }
            DelConsumer { key, group, consumer } => self.with_group(key, group, |stream, name| {
                let group = stream.groups.entry(name.to_owned()).or_default();
                let owned = group.owned(consumer);
                owned.iter().for_each(|pending| drop(group.remove(pending.id)));
                group.consumers.remove(consumer);
                Plain::Int(owned.len() as i64)
            }),
            _ => self.execute_pending(command),
        }
    }

    fn create(&mut self, key: &str, group: &str, id: Option<Id>, mkstream: bool, read: Option<i64>) -> Plain {
        if !mkstream && !self.streams.contains_key(key) {
            return error(NO_KEY);
        }
        let stream = self.streams.entry(key.to_owned()).or_default();
        if stream.groups.contains_key(group) {
            return error("BUSYGROUP Consumer Group name already exists");
        }
        let (last_id, read) = (id.unwrap_or(stream.last_id), known(read, stream.added as i64));
        stream.groups.insert(group.to_owned(), Group { last_id, read, ..Group::default() });
        ok()
    }

    fn with_group(&mut self, key: &str, group: &str, then: impl FnOnce(&mut Stream, &str) -> Plain) -> Plain {
        let Some(stream) = self.streams.get_mut(key) else { return error(NO_KEY) };
        match stream.groups.contains_key(group) {
            true => then(stream, group),
            false => Plain::Error(format!("NOGROUP No such consumer group '{group}' for key name '{key}'")),
        }
    }

    /// The reply of XINFO GROUPS.
    pub fn groups(&self, key: &str) -> Plain {
        let Some(stream) = self.streams.get(key) else { return error("ERR no such key") };
        let number = |n: Option<i64>| n.map_or(Plain::Nil, Plain::Int);
        let one = |(name, group): (&String, &Group)| {
            map(vec![
                ("name", Plain::text(name)),
                ("consumers", Plain::Int(group.consumers.len() as i64)),
                ("pending", Plain::Int(group.pending.len() as i64)),
                ("last-delivered-id", Plain::text(show(group.last_id))),
                ("entries-read", number(group.read)),
                ("lag", number(stream.lag(group))),
            ])
        };
        Plain::Array(stream.groups.iter().map(one).collect())
    }

    /// The reply of XINFO CONSUMERS.
    pub fn consumers(&self, key: &str, group: &str) -> Plain {
        let Some(group) = self.streams.get(key).and_then(|stream| stream.groups.get(group)) else {
            return Plain::Nil;
        };
        let since = |at: i64| if at < 0 { -1 } else { (self.now - at).max(0) };
        let consumers = group.consumers.iter().map(|(name, consumer)| {
            map(vec![
                ("name", Plain::text(name)),
                ("pending", Plain::Int(group.owned(name).len() as i64)),
                ("idle", Plain::Int(since(consumer.seen))),
                ("inactive", Plain::Int(since(consumer.active))),
            ])
        });
        Plain::Array(consumers.collect())
    }
}

fn known(read: Option<i64>, added: i64) -> Option<i64> {
    read.filter(|read| *read >= 0).map(|read| read.min(added))
}

fn map(pairs: Vec<(&str, Plain)>) -> Plain {
    Plain::Map(pairs.into_iter().map(|(name, value)| (Plain::text(name), value)).collect())
}
