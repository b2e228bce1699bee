//! A group as its description says: one list of pending entries, in claim order.

use super::command::Id;
use std::collections::BTreeMap;

/// A pending entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub id: Id,
    /// Who has it; nobody if it was released.
    pub owner: Option<String>,
    /// When it was delivered; 0 if it was released.
    pub at: i64,
    /// How often.
    pub count: i64,
}

/// A consumer.
#[derive(Clone, Copy, Debug)]
pub struct Consumer {
    /// Its last attempt.
    pub seen: i64,
    /// Its last success; -1 if there was none.
    pub active: i64,
}

/// A group.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The last ID delivered.
    pub last_id: Id,
    /// Entries read, if known.
    pub read: Option<i64>,
    /// Released ones first, in order of release; then the others, oldest delivery first.
    pub pending: Vec<Pending>,
    /// Consumers by name.
    pub consumers: BTreeMap<String, Consumer>,
}

impl Group {
    /// The pending entry of an ID.
    pub fn find(&self, id: Id) -> Option<&Pending> {
        self.pending.iter().find(|pending| pending.id == id)
    }

    /// Pending entries by ID.
    pub fn by_id(&self) -> Vec<Pending> {
        let mut all = self.pending.clone();
        all.sort_by_key(|pending| pending.id);
        all
    }

    /// Takes a pending entry out.
    pub fn remove(&mut self, id: Id) -> Option<Pending> {
        let at = self.pending.iter().position(|pending| pending.id == id)?;
        Some(self.pending.remove(at))
    }

    /// Puts a pending entry where it belongs, in place of the one with its ID.
    pub fn put(&mut self, new: Pending) {
        self.remove(new.id);
        let rank = |pending: &Pending| (pending.owner.is_some(), pending.at);
        let at = self.pending.iter().position(|pending| rank(pending) > rank(&new));
        self.pending.insert(at.unwrap_or(self.pending.len()), new);
    }

    /// The consumer, seen now; created if there is none.
    pub fn meet(&mut self, name: &str, now: i64) -> &mut Consumer {
        let consumer = self.consumers.entry(name.to_owned()).or_insert(Consumer { seen: now, active: -1 });
        consumer.seen = now;
        consumer
    }

    /// What a consumer owns, by ID.
    pub fn owned(&self, consumer: &str) -> Vec<Pending> {
        let mut owned = self.by_id();
        owned.retain(|pending| pending.owner.as_deref() == Some(consumer));
        owned
    }
}
