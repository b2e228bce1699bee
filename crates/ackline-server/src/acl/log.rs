//! What was refused: ACL LOG, and the counters of INFO.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Auth,
    Command,
    Key,
    Channel,
}

impl Reason {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Reason::Auth => "auth",
            Reason::Command => "command",
            Reason::Key => "key",
            Reason::Channel => "channel",
        }
    }
}

/// What was refused to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    /// It was part of a transaction.
    pub(crate) in_multi: bool,
    /// The command, the key or the channel.
    pub(crate) object: Vec<u8>,
    pub(crate) user: Vec<u8>,
}

/// An entry of the log: equal refusals within a minute are one.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) count: u64,
    pub(crate) refusal: Refusal,
    /// The client's line of CLIENT LIST at the last of them.
    pub(crate) client: String,
    /// Unix ms.
    pub(crate) created_at: i64,
    /// Unix ms.
    pub(crate) updated_at: i64,
}

/// An equal refusal later than this, in ms, is another entry.
const GROUP_MAX: i64 = 60_000;
/// Bytes kept of the name of what was refused, and of the user's.
const NAME_MAX: usize = 1024;
/// So many entries are looked at for an equal one.
const LOOK_BACK: usize = 10;

/// What was refused, newest first.
#[derive(Debug, Default)]
pub(crate) struct AccessLog {
    entries: Mutex<(u64, VecDeque<Entry>)>,
    counts: [AtomicU64; 4],
}

impl AccessLog {
    /// Notes a refusal at `now`, Unix ms; keeps the newest `max` entries.
    pub(crate) fn add(&self, mut refusal: Refusal, client: String, now: i64, max: usize) {
        self.counts[refusal.reason as usize].fetch_add(1, Relaxed);
        refusal.object.truncate(NAME_MAX);
        refusal.user.truncate(NAME_MAX);
        let mut entries = self.entries.lock();
        let (next, list) = &mut *entries;
        let equal = |entry: &Entry| entry.refusal == refusal && now - entry.updated_at <= GROUP_MAX;
        let known = list.iter().take(LOOK_BACK).position(equal).and_then(|at| list.remove(at));
        let entry = match known {
            Some(entry) => Entry { count: entry.count + 1, client, updated_at: now, ..entry },
            None => {
                *next += 1;
                Entry { id: *next - 1, count: 1, refusal, client, created_at: now, updated_at: now }
            }
        };
        list.push_front(entry);
        list.truncate(max);
    }

    /// The newest `count`.
    pub(crate) fn newest(&self, count: usize) -> Vec<Entry> {
        self.entries.lock().1.iter().take(count).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().1.clear();
    }

    /// How often something was refused for this reason.
    pub(crate) fn count(&self, reason: Reason) -> u64 {
        self.counts[reason as usize].load(Relaxed)
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset_counts(&self) {
        self.counts.iter().for_each(|count| count.store(0, Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(object: &str) -> Refusal {
        Refusal {
            reason: Reason::Key,
            in_multi: false,
            object: object.as_bytes().to_vec(),
            user: b"u".to_vec(),
        }
    }

    #[test]
    fn equal_refusals_within_a_minute_are_one_entry() {
        let log = AccessLog::default();
        for (object, now) in [("a", 0), ("b", 10), ("a", 60_000), ("a", 120_001), ("a", 120_002)] {
            log.add(refusal(object), format!("at {now}"), now, 128);
        }
        let shown: Vec<_> =
            log.newest(9).iter().map(|e| (e.id, e.count, e.created_at, e.updated_at)).collect();
        assert_eq!(shown, [(2, 2, 120_001, 120_002), (0, 2, 0, 60_000), (1, 1, 10, 10)]);
        assert_eq!(log.newest(1)[0].client, "at 120002");
        assert_eq!(log.count(Reason::Key), 5);
    }

    #[test]
    fn long_names_are_cut() {
        let log = AccessLog::default();
        log.add(refusal(&"x".repeat(1 << 20)), String::new(), 0, 9);
        assert_eq!(log.newest(1)[0].refusal.object.len(), NAME_MAX);
    }

    #[test]
    fn the_oldest_go_first() {
        let log = AccessLog::default();
        (0..5).for_each(|n| log.add(refusal(&n.to_string()), String::new(), n, 3));
        assert_eq!(log.newest(9).iter().map(|entry| entry.id).collect::<Vec<_>>(), [4, 3, 2]);
        log.add(refusal("x"), String::new(), 9, 0);
        assert!(log.newest(9).is_empty());
    }
}
