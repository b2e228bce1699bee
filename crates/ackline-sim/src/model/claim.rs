//! XACK, XACKDEL, XNACK, XCLAIM, XAUTOCLAIM, XPENDING.

use super::{ClaimOptions, Command, Group, Id, Mode, Model, Pending, Policy, Stream, When, ints, show};
use crate::plain::Plain;
use std::collections::BTreeMap;

impl Model {
    pub(super) fn execute_pending(&mut self, command: &Command) -> Plain {
        use Command::*;
        match command {
            Read { group, consumer, options, streams } => self.read(group, consumer, *options, streams),
            Ack { key, group, ids } => {
                let group = self.streams.get_mut(key).and_then(|stream| stream.groups.get_mut(group));
                let acked = group.map_or(0, |group| ids.iter().filter_map(|id| group.remove(*id)).count());
                Plain::Int(acked as i64)
            }
            AckDel { key, group, policy, ids } => {
                self.ack_delete(key, group, policy.unwrap_or(Policy::KeepRef), ids)
            }
            Nack { key, group, mode, ids, retry, force } => self.on_group(key, group, |stream, group, _| {
                let released = ids.iter().filter(|id| release(stream, group, **id, (*mode, *retry, *force)));
                Plain::Int(released.count() as i64)
            }),
            Claim { key, group, consumer, min_idle, ids, options } => {
                self.on_group(key, group, |stream, group, now| {
                    claim(stream, group, consumer, (*min_idle).max(0), ids, options, now)
                })
            }
            AutoClaim { key, group, consumer, min_idle, start, count, justid } => {
                self.on_group(key, group, |stream, group, now| {
                    let limit = count.unwrap_or(100) as usize;
                    auto_claim(stream, group, consumer, (*min_idle).max(0), *start, limit, *justid, now)
                })
            }
            Pending { key, group } => self.on_group(key, group, |_, group, _| summary(group)),
            PendingRange { key, group, idle, start, end, count, consumer } => {
                self.on_group(key, group, |_, group, now| {
                    let mut list = group.by_id();
                    list.retain(|pending| {
                        let age = if pending.owner.is_some() { now - pending.at } else { i64::MAX };
                        let wanted = consumer.is_none() || pending.owner == *consumer;
                        *start <= pending.id && pending.id <= *end && wanted && age >= idle.unwrap_or(0)
                    });
                    list.truncate((*count).max(0) as usize);
                    Plain::Array(list.iter().map(|pending| row(pending, now)).collect())
                })
            }
            _ => Plain::Nil,
        }
    }

    fn on_group(
        &mut self,
        key: &str,
        name: &str,
        then: impl FnOnce(&Stream, &mut Group, i64) -> Plain,
    ) -> Plain {
        let now = self.now;
        let missing = || Plain::Error(format!("NOGROUP No such key '{key}' or consumer group '{name}'"));
        let Some(stream) = self.streams.get_mut(key) else { return missing() };
        let Some(mut group) = stream.groups.remove(name) else { return missing() };
        let reply = then(stream, &mut group, now);
        stream.groups.insert(name.to_owned(), group);
        reply
    }

    fn ack_delete(&mut self, key: &str, group: &str, policy: Policy, ids: &[Id]) -> Plain {
        let known = self.streams.get_mut(key).filter(|stream| stream.groups.contains_key(group));
        let Some(stream) = known else { return ints(ids.iter().map(|_| -1)) };
        ints(ids.iter().map(|&id| {
            if stream.groups.get_mut(group).and_then(|group| group.remove(id)).is_none() {
                return -1;
            }
            if policy == Policy::Acked && stream.is_referenced(id) {
                return 2;
            }
            if policy == Policy::DelRef {
                stream.unreference(id);
            }
            stream.delete(id);
            1
        }))
    }
}

fn release(
    stream: &Stream,
    group: &mut Group,
    id: Id,
    (mode, retry, force): (Mode, Option<i64>, bool),
) -> bool {
    let before = match group.find(id) {
        Some(pending) => pending.count,
        None if force && stream.entries.contains_key(&id) => 0,
        None => return false,
    };
    let by_mode = match mode {
        Mode::Silent => (before - 1).max(0),
        Mode::Fail => before,
        Mode::Fatal => i64::MAX,
    };
    group.put(Pending { id, owner: None, at: 0, count: retry.unwrap_or(by_mode) });
    true
}

fn claim(
    stream: &Stream,
    group: &mut Group,
    consumer: &str,
    min_idle: i64,
    ids: &[Id],
    options: &ClaimOptions,
    now: i64,
) -> Plain {
    group.last_id = group.last_id.max(options.lastid.unwrap_or((0, 0)));
    group.meet(consumer, now);
    let at = match options.when {
        When::Now => now,
        When::Idle(ms) => now - ms,
        When::Time(at) => at,
    };
    let at = if at < 0 || at > now { now } else { at };
    let mut claimed = Vec::new();
    for &id in ids {
        if !stream.entries.contains_key(&id) {
            group.remove(id);
            continue;
        }
        let before = match group.find(id) {
            Some(pending) if pending.owner.is_some() && now - pending.at < min_idle => continue,
            Some(pending) => pending.count,
            None if options.force => 1,
            None => continue,
        };
        let count = match options.retry {
            Some(retry) if retry >= 0 => retry,
            _ if options.justid => before,
            _ => before.saturating_add(1),
        };
        group.put(Pending { id, owner: Some(consumer.to_owned()), at, count });
        group.meet(consumer, now).active = now;
        claimed.push(if options.justid { Plain::text(show(id)) } else { stream.show(id) });
    }
    Plain::Array(claimed)
}

#[allow(clippy::too_many_arguments, reason = "the arguments of the command")]
fn auto_claim(
    stream: &Stream,
    group: &mut Group,
    consumer: &str,
    min_idle: i64,
    start: Id,
    limit: usize,
    justid: bool,
    now: i64,
) -> Plain {
    group.meet(consumer, now);
    let (mut claimed, mut deleted) = (Vec::new(), Vec::new());
    let mut cursor = (0, 0);
    let candidates = group.by_id().into_iter().filter(|pending| pending.id >= start);
    for (examined, pending) in candidates.enumerate() {
        if examined == limit * 10 || claimed.len() + deleted.len() == limit {
            cursor = pending.id;
            break;
        }
        let id = pending.id;
        if !stream.entries.contains_key(&id) {
            group.remove(id);
            deleted.push(Plain::text(show(id)));
            continue;
        }
        if pending.owner.is_some() && now - pending.at < min_idle {
            continue;
        }
        let count = if justid { pending.count } else { pending.count.saturating_add(1) };
        group.put(Pending { id, owner: Some(consumer.to_owned()), at: now, count });
        group.meet(consumer, now).active = now;
        claimed.push(if justid { Plain::text(show(id)) } else { stream.show(id) });
    }
    Plain::Array(vec![Plain::text(show(cursor)), Plain::Array(claimed), Plain::Array(deleted)])
}

fn summary(group: &Group) -> Plain {
    let list = group.by_id();
    let (Some(first), Some(last)) = (list.first(), list.last()) else {
        return Plain::Array(vec![Plain::Int(0), Plain::Nil, Plain::Nil, Plain::NilArray]);
    };
    let mut owners: BTreeMap<&str, usize> = BTreeMap::new();
    for owner in list.iter().filter_map(|pending| pending.owner.as_deref()) {
        *owners.entry(owner).or_default() += 1;
    }
    let owners =
        owners.into_iter().map(|(name, count)| Plain::Array(vec![Plain::text(name), Plain::text(count)]));
    Plain::Array(vec![
        Plain::Int(list.len() as i64),
        Plain::text(show(first.id)),
        Plain::text(show(last.id)),
        Plain::Array(owners.collect()),
    ])
}

fn row(pending: &Pending, now: i64) -> Plain {
    let idle = if pending.owner.is_some() { (now - pending.at).max(0) } else { -1 };
    let owner = pending.owner.as_deref().unwrap_or("");
    Plain::Array(vec![
        Plain::text(show(pending.id)),
        Plain::text(owner),
        Plain::Int(idle),
        Plain::Int(pending.count),
    ])
}
