//! A stream as its description says, without a thought for speed.

use super::command::{Id, Policy, Threshold, Trim};
use super::group::Group;
use crate::plain::Plain;
use std::collections::BTreeMap;

/// A run of entries that is dropped as a whole by approximate trimming.
#[derive(Clone, Debug)]
struct Block {
    /// Live and deleted entries.
    total: u64,
    live: Vec<Id>,
}

/// A stream.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Live entries.
    pub entries: BTreeMap<Id, Vec<String>>,
    blocks: Vec<Block>,
    /// The highest ID ever given.
    pub last_id: Id,
    /// The highest ID deleted one by one.
    pub max_deleted_id: Id,
    /// Entries ever added.
    pub added: u64,
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
}

impl Stream {
    /// The first live entry; 0-0 if there is none.
    pub fn first_id(&self) -> Id {
        self.entries.keys().next().copied().unwrap_or((0, 0))
    }

    /// Live entries.
    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Whether no entry is live.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// An entry as a reply shows it.
    pub fn show(&self, id: Id) -> Plain {
        let words = self.entries[&id].iter().map(Plain::text).collect();
        Plain::Array(vec![Plain::text(super::show(id)), Plain::Array(words)])
    }

    /// Adds an entry, where a block holds at most so many.
    pub fn append(&mut self, id: Id, fields: &[String], block_max: u64) {
        match self.blocks.last_mut() {
            Some(block) if block.total < block_max => {
                block.total += 1;
                block.live.push(id);
            }
            _ => self.blocks.push(Block { total: 1, live: vec![id] }),
        }
        self.entries.insert(id, fields.to_vec());
        self.last_id = id;
        self.added += 1;
    }

    /// Removes a live entry; false if there is none.
    pub fn remove(&mut self, id: Id) -> bool {
        for block in &mut self.blocks {
            block.live.retain(|live| *live != id);
        }
        self.blocks.retain(|block| !block.live.is_empty());
        self.entries.remove(&id).is_some()
    }

    /// As XDEL does for one ID.
    pub fn delete(&mut self, id: Id) -> bool {
        let existed = self.remove(id);
        if existed {
            self.max_deleted_id = self.max_deleted_id.max(id);
        }
        existed
    }

    /// Takes an ID out of the pending list of every group.
    pub fn unreference(&mut self, id: Id) {
        for group in self.groups.values_mut() {
            group.remove(id);
        }
    }

    /// Whether some group has not read the ID or has it pending.
    pub fn is_referenced(&self, id: Id) -> bool {
        let slowest = self.groups.values().map(|group| group.last_id).min();
        slowest.is_some_and(|slowest| id > slowest)
            || self.groups.values().any(|group| group.find(id).is_some())
    }

    /// XTRIM: how many entries went.
    pub fn trim(&mut self, trim: Trim, policy: Policy, block_max: u64) -> u64 {
        let limit = match (trim.approximate, trim.limit) {
            (false, _) | (true, Some(0)) => u64::MAX,
            (true, Some(limit)) => limit,
            (true, None) => block_max * 100,
        };
        let mut removed = 0;
        for block in self.blocks.clone() {
            let size = block.live.len() as u64;
            if matches!(trim.threshold, Threshold::MaxLen(max) if self.len() <= max) || removed + size > limit
            {
                break;
            }
            let fits = match trim.threshold {
                Threshold::MaxLen(max) => self.len() - size >= max,
                Threshold::MinId(min) => block.live.iter().all(|id| *id < min),
            };
            if !fits && trim.approximate && policy == Policy::KeepRef {
                break;
            }
            removed += self.trim_block(&block.live, trim.threshold, policy);
            if !fits {
                break;
            }
        }
        removed
    }

    fn trim_block(&mut self, ids: &[Id], threshold: Threshold, policy: Policy) -> u64 {
        let mut removed = 0;
        for &id in ids {
            let enough = match threshold {
                Threshold::MaxLen(max) => self.len() <= max,
                Threshold::MinId(min) => id >= min,
            };
            if enough {
                break;
            }
            if policy == Policy::Acked && self.is_referenced(id) {
                continue;
            }
            if policy == Policy::DelRef {
                self.unreference(id);
            }
            self.remove(id);
            removed += 1;
        }
        removed
    }

    /// Whether an entry at or behind `id` may have been deleted.
    pub fn has_holes(&self, id: Id) -> bool {
        !self.is_empty() && self.max_deleted_id != (0, 0) && id <= self.max_deleted_id
    }

    /// How many entries were added up to `id`.
    pub fn estimate(&self, id: Id) -> Option<i64> {
        let (added, length, first) = (self.added as i64, self.len() as i64, self.first_id());
        if added == 0 {
            return Some(0);
        }
        if length == 0 && id <= self.last_id {
            return Some(added);
        }
        if id != (0, 0) && id < self.max_deleted_id {
            return None;
        }
        if id == self.last_id {
            return Some(added);
        }
        if id > self.last_id {
            return None;
        }
        if self.max_deleted_id == (0, 0) || self.max_deleted_id < first {
            if id < first {
                return Some(added - length);
            }
            if id == first {
                return Some(added - length + 1);
            }
        }
        None
    }

    /// What a group has not read.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        let first = self.first_id();
        if self.added == 0 || self.is_empty() {
            return Some(0);
        }
        if group.last_id < first && self.max_deleted_id < first {
            return Some(self.len() as i64);
        }
        match group.read {
            Some(read) if !self.has_holes(group.last_id) => Some(self.added as i64 - read),
            _ => self.estimate(group.last_id).map(|read| self.added as i64 - read),
        }
    }
}
