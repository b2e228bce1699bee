//! The oracle: what clients know to be true because the server said so.
//!
//! A fact counts from the moment that its reply arrived. A reply to a request that was sent before may still contradict
//! it, as replies of different connections arrive in any order; one to a request sent later must not.

use ackline_engine::StreamId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a promise was kept.
pub(crate) type Kept = Result<(), Violation>;

/// Fails with a message unless the condition holds.
macro_rules! promise {
    ($holds:expr, $($message:tt)*) => {
        if !$holds {
            return Err($crate::simulation::Violation(format!($($message)*)));
        }
    };
}
pub(crate) use promise;

/// When something became known, in replies.
pub(crate) type Moment = u64;

/// What is known of a stream.
#[derive(Default)]
pub(crate) struct StreamFacts {
    /// Payloads that were sent, by connection, in order.
    sent: BTreeMap<u64, Vec<String>>,
    /// Acknowledged entries.
    added: BTreeMap<StreamId, (String, Moment)>,
    /// Entries below may have been trimmed.
    trimmed: StreamId,
    /// The highest ID that answers showed, and since when; ascending.
    highest: Vec<(Moment, StreamId)>,
    pub(crate) groups: BTreeMap<String, GroupFacts>,
}

/// What is known of a group.
#[derive(Default)]
pub(crate) struct GroupFacts {
    delivered: BTreeSet<StreamId>,
    ack_sent: BTreeSet<StreamId>,
    acked: BTreeMap<StreamId, Moment>,
    counts: BTreeMap<StreamId, (i64, Moment)>,
}

/// A pending entry as XPENDING shows it.
pub(crate) struct Row {
    pub(crate) id: StreamId,
    pub(crate) count: i64,
}

/// What an audit found in a stream.
pub(crate) struct Found {
    pub(crate) entries: Vec<(StreamId, String)>,
    /// Of each group: its position, its pending entries, and how many it says it has.
    pub(crate) groups: BTreeMap<String, (StreamId, Vec<Row>, i64)>,
}

impl StreamFacts {
    pub(crate) fn send(&mut self, connection: u64, payload: String) {
        self.sent.entry(connection).or_default().push(payload);
    }

    pub(crate) fn trim(&mut self, below: StreamId) {
        self.trimmed = self.trimmed.max(below);
    }

    pub(crate) fn added_count(&self) -> u64 {
        self.added.len() as u64
    }

    /// An entry that was acknowledged, for trims and claims.
    pub(crate) fn some_id(&self, nth: u64) -> Option<StreamId> {
        let at = nth as usize % self.added.len().max(1);
        self.added.keys().nth(at).copied()
    }

    pub(crate) fn add(&mut self, id: StreamId, payload: &str, (sent, now): (Moment, Moment)) -> Kept {
        let known = self.highest.partition_point(|(at, _)| *at <= sent);
        let before = known.checked_sub(1).map_or(StreamId::MIN, |at| self.highest[at].1);
        promise!(id > before, "XADD gave {id} after {before} had been given");
        promise!(!self.added.contains_key(&id), "XADD gave {id} twice");
        self.added.insert(id, (payload.to_owned(), now));
        if self.highest.last().is_none_or(|(_, highest)| id > *highest) {
            self.highest.push((now, id));
        }
        Ok(())
    }

    /// Entries that a read showed: each was sent by somebody.
    pub(crate) fn shown(&self, entries: &[(StreamId, String)]) -> Kept {
        promise!(entries.is_sorted_by(|a, b| a.0 < b.0), "entries out of order");
        for (id, payload) in entries {
            let known = self.sent.values().any(|sent| sent.contains(payload));
            promise!(known, "entry {id} holds {payload:?}, which nobody sent");
        }
        Ok(())
    }

    /// Checks the whole stream after a recovery.
    pub(crate) fn audit(&self, name: &str, found: &Found) -> Kept {
        self.shown(&found.entries)?;
        let present: BTreeMap<StreamId, &String> = found.entries.iter().map(|(id, p)| (*id, p)).collect();
        for (id, (payload, _)) in self.added.range(self.trimmed..) {
            promise!(
                present.get(id) == Some(&payload),
                "{name}: acknowledged entry {id} {payload:?} is lost"
            );
        }
        let by_payload: BTreeMap<&String, StreamId> = found.entries.iter().map(|(id, p)| (p, *id)).collect();
        promise!(by_payload.len() == found.entries.len(), "{name}: an entry is there twice");
        for sent in self.sent.values() {
            let ids: Vec<Option<StreamId>> =
                sent.iter().map(|payload| by_payload.get(payload).copied()).collect();
            let there: Vec<StreamId> = ids.iter().flatten().copied().collect();
            promise!(there.is_sorted(), "{name}: entries of one connection out of order");
        }
        for (group, facts) in &self.groups {
            let (position, rows, length) =
                found.groups.get(group).ok_or_else(|| Violation(format!("{name}: group {group} is gone")))?;
            promise!(*length == rows.len() as i64, "{name} {group}: {length} pending, {} shown", rows.len());
            facts.audit(&format!("{name} {group}"), (*position, rows), &found.entries, self.trimmed)?;
        }
        Ok(())
    }

    /// Takes what was found for the truth: after a crash that was allowed to lose something.
    pub(crate) fn believe(&mut self, found: &Found) {
        self.added = found.entries.iter().map(|(id, payload)| (*id, (payload.clone(), 0))).collect();
        self.highest = found.entries.last().map(|(id, _)| (0, *id)).into_iter().collect();
        for facts in self.groups.values_mut() {
            facts.delivered.clear();
            facts.acked.clear();
            facts.counts.clear();
        }
    }
}

impl GroupFacts {
    pub(crate) fn acked_count(&self) -> u64 {
        self.acked.len() as u64
    }

    pub(crate) fn delivered_count(&self) -> u64 {
        self.delivered.len() as u64
    }

    /// `XREADGROUP >` showed these.
    pub(crate) fn deliver(&mut self, ids: &[StreamId], (sent, now): (Moment, Moment)) -> Kept {
        for id in ids {
            promise!(self.delivered.insert(*id), "{id} was delivered for the first time twice");
            let final_at = self.acked.get(id).copied();
            promise!(final_at.is_none_or(|at| at > sent), "{id} was delivered after it was acknowledged");
            self.counts.entry(*id).or_insert((1, now));
        }
        Ok(())
    }

    pub(crate) fn send_ack(&mut self, ids: &[StreamId]) {
        self.ack_sent.extend(ids);
    }

    pub(crate) fn ack(&mut self, ids: &[StreamId], now: Moment) {
        for id in ids {
            self.acked.entry(*id).or_insert(now);
        }
    }

    /// A request that was sent at a moment showed this entry as pending; `counted` is how often it was delivered.
    pub(crate) fn pending(
        &mut self,
        id: StreamId,
        counted: Option<i64>,
        (sent, now): (Moment, Moment),
    ) -> Kept {
        let final_at = self.acked.get(&id).copied();
        promise!(final_at.is_none_or(|at| at > sent), "{id} is pending after it was acknowledged");
        if let Some(count) = counted {
            let known =
                self.counts.get(&id).copied().filter(|(_, at)| *at <= sent).map_or(0, |(count, _)| count);
            promise!(count >= known, "the delivery count of {id} went from {known} back to {count}");
            if self.counts.get(&id).is_none_or(|(known, _)| count > *known) {
                self.counts.insert(id, (count, now));
            }
        }
        Ok(())
    }

    /// What was trimmed may have left the list: a claim that comes across it drops it.
    fn audit(
        &self,
        name: &str,
        (position, rows): (StreamId, &[Row]),
        entries: &[(StreamId, String)],
        trimmed: StreamId,
    ) -> Kept {
        promise!(rows.is_sorted_by(|a, b| a.id < b.id), "{name}: pending entries out of order, or doubled");
        let pending: BTreeMap<StreamId, i64> = rows.iter().map(|row| (row.id, row.count)).collect();
        for id in self.acked.keys() {
            promise!(!pending.contains_key(id), "{name}: acknowledged {id} is pending again");
        }
        for id in self.delivered.difference(&self.ack_sent).filter(|id| **id >= trimmed) {
            promise!(pending.contains_key(id), "{name}: delivered {id} is pending no more");
        }
        for (id, _) in entries.iter().filter(|(id, _)| *id <= position) {
            let known = pending.contains_key(id) || self.ack_sent.contains(id);
            promise!(known, "{name}: {id} was read by the group and is neither pending nor acknowledged");
        }
        for (id, count) in &pending {
            let known = self.counts.get(id).map_or(0, |(count, _)| *count);
            promise!(*count >= known, "{name}: the delivery count of {id} went from {known} back to {count}");
        }
        let last = self.delivered.last().copied().unwrap_or(StreamId::MIN);
        promise!(position >= last, "{name}: the group went from {last} back to {position}");
        Ok(())
    }
}
