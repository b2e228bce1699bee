//! XREADGROUP.

use super::{Group, Id, Model, Pending, ReadOptions, Stream, show};
use crate::plain::Plain;

/// What one read may still deliver.
struct Room {
    count: usize,
    total: usize,
}

impl Room {
    fn of_stream(&self) -> usize {
        self.count.min(self.total)
    }
}

impl Model {
    pub(super) fn read(
        &mut self,
        name: &str,
        consumer: &str,
        mut options: ReadOptions,
        streams: &[(String, Option<Id>)],
    ) -> Plain {
        let count = options.count.filter(|count| *count > 0);
        if let (Some(max), Some(count)) = (options.maxcount, count)
            && max < count as u64
        {
            return super::error("ERR MAXCOUNT must be greater than or equal to COUNT");
        }
        for (key, _) in streams {
            if !self.streams.get(key).is_some_and(|stream| stream.groups.contains_key(name)) {
                return Plain::Error(format!(
                    "NOGROUP No such key '{key}' or consumer group '{name}' in XREADGROUP with GROUP option"
                ));
            }
        }
        let count = count.map_or(usize::MAX, |count| count as usize);
        let mut room = Room { count, total: options.maxcount.map_or(usize::MAX, |max| max as usize) };
        let mut reply = Vec::new();
        for (key, from) in streams {
            if room.total == 0 {
                break;
            }
            let now = self.now;
            let Some(stream) = self.streams.get_mut(key) else { continue };
            let Some(mut group) = stream.groups.remove(name) else { continue };
            group.meet(consumer, now);
            let entries = match from {
                Some(after) => {
                    options.claim = None;
                    Some(history(stream, &mut group, consumer, *after, room.of_stream(), now))
                }
                None => {
                    let mut entries =
                        claim(stream, &mut group, consumer, options.claim, room.of_stream(), now);
                    let left = room.of_stream() - entries.len();
                    entries.extend(deliver(stream, &mut group, consumer, options, left, now));
                    Some(entries).filter(|entries| !entries.is_empty())
                }
            };
            stream.groups.insert(name.to_owned(), group);
            if let Some(entries) = entries {
                room.total -= entries.len();
                reply.push(Plain::Array(vec![Plain::text(key), Plain::Array(entries)]));
            }
        }
        if reply.is_empty() { Plain::NilArray } else { Plain::Array(reply) }
    }
}

fn history(
    stream: &Stream,
    group: &mut Group,
    consumer: &str,
    after: Id,
    max: usize,
    now: i64,
) -> Vec<Plain> {
    let owned = group.owned(consumer).into_iter().filter(|pending| pending.id > after).take(max);
    let mut entries = Vec::new();
    for pending in owned {
        if !stream.entries.contains_key(&pending.id) {
            entries.push(Plain::Array(vec![Plain::text(show(pending.id)), Plain::NilArray]));
            continue;
        }
        entries.push(stream.show(pending.id));
        group.put(Pending { at: now, count: pending.count.saturating_add(1), ..pending });
    }
    entries
}

fn claim(
    stream: &Stream,
    group: &mut Group,
    consumer: &str,
    min_idle: Option<i64>,
    max: usize,
    now: i64,
) -> Vec<Plain> {
    let Some(min_idle) = min_idle else { return Vec::new() };
    let mut entries = Vec::new();
    for pending in group.pending.clone() {
        let idle = (now - pending.at).max(0);
        if entries.len() == max || idle < min_idle {
            break;
        }
        if !stream.entries.contains_key(&pending.id) {
            continue;
        }
        entries.push(with_delivery(stream.show(pending.id), idle, pending.count));
        let (owner, count) = (Some(consumer.to_owned()), pending.count.saturating_add(1));
        group.put(Pending { id: pending.id, owner, at: now, count });
        group.meet(consumer, now).active = now;
    }
    entries
}

fn deliver(
    stream: &Stream,
    group: &mut Group,
    consumer: &str,
    options: ReadOptions,
    max: usize,
    now: i64,
) -> Vec<Plain> {
    let new: Vec<Id> = stream.entries.keys().copied().filter(|id| *id > group.last_id).take(max).collect();
    let mut entries = Vec::new();
    for id in new {
        group.read = match group.read {
            Some(read) if group.last_id >= stream.first_id() && !stream.has_holes(group.last_id) => {
                Some(read + 1)
            }
            read if stream.added == 0 => read,
            _ => stream.estimate(id),
        };
        group.last_id = id;
        if !options.noack {
            group.put(Pending { id, owner: Some(consumer.to_owned()), at: now, count: 1 });
            group.meet(consumer, now).active = now;
        }
        let entry = stream.show(id);
        entries.push(if options.claim.is_some() { with_delivery(entry, 0, 0) } else { entry });
    }
    entries
}

fn with_delivery(entry: Plain, idle: i64, count: i64) -> Plain {
    let Plain::Array(mut parts) = entry else { return entry };
    parts.extend([Plain::Int(idle), Plain::Int(count)]);
    Plain::Array(parts)
}
