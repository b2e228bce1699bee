//! What changes unlinked: freeing it takes long if it is large, and nobody needs to wait for that.
//!
//! ```text
//! apply ── unlinked ──► garbage of the transaction ── unlocked ──► whoever runs the engine drops it, where he likes
//! ```

use crate::state::{Db, Group, Value};
use std::fmt;

/// What consists of fewer parts is freed on the spot.
const PARTS_MIN: usize = 16;
/// Bytes of a string that take as long to free as a part.
const STRING_PART: usize = 64 * 1024;
/// Pending entries of a part.
const PENDING_PART: u64 = 256;

/// Large values that nobody can reach any more. Dropping it frees them.
#[derive(Default)]
pub struct Garbage(Vec<Box<dyn Send>>);

impl Garbage {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what was unlinked, if it has so many parts that freeing it takes long.
    pub(crate) fn add(&mut self, unlinked: impl Send + 'static, parts: usize) {
        if parts >= PARTS_MIN {
            self.0.push(Box::new(unlinked));
        }
    }

    pub(crate) fn add_values(&mut self, values: impl IntoIterator<Item = Value>) {
        values.into_iter().for_each(|value| self.add_value(value));
    }

    pub(crate) fn add_keys(&mut self, db: Db) {
        if !db.is_empty() {
            self.0.push(Box::new(db));
        }
    }

    fn add_value(&mut self, value: Value) {
        let parts = match &value {
            Value::Str(bytes) => bytes.capacity() / STRING_PART,
            Value::Stream(stream) => {
                let groups: usize = stream.groups().iter().map(parts_of).sum();
                stream.blocks().len() + groups + stream.idempotence().producers.len()
            }
        };
        self.add(value, parts);
    }

    pub(crate) fn add_group(&mut self, group: Group) {
        let parts = parts_of(&group);
        self.add(group, parts);
    }
}

fn parts_of(group: &Group) -> usize {
    group.consumer_count() + (group.pending.len() / PENDING_PART) as usize
}

impl fmt::Debug for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Garbage({})", self.0.len())
    }
}
