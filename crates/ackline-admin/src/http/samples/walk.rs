//! Step by step over all streams: how many there are, what is pending in them, and in which of them much happens.

use super::{Samples, Totals, this_second};
use crate::Value;
use crate::client::{Client, Error};
use crate::http::rows::{DEAD, now_ms};
use crate::reply::int;
use crate::view;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// Keys that are asked for together.
const STEP: u64 = 200;

/// How long a turn may take, after its first step: while somebody looks at what is found, and while nobody does.
const TURN: Duration = Duration::from_millis(10);
const TURN_UNWATCHED: Duration = Duration::from_millis(1);

/// Seconds from one walk to the next while nobody looks.
const REST: i64 = 10;

/// Streams of which is remembered what they were like: a few MB.
const REMEMBERED: usize = 100_000;

/// Where the walk is.
#[derive(Default)]
pub(crate) struct Walk {
    /// Databases that are still to be walked; the last is the current one.
    left: Vec<u32>,
    cursor: u64,
    /// The second in which the walk began.
    began: i64,
    totals: Totals,
    /// By a hash of database and key: how much has happened, and the second in which that was seen.
    seen: HashMap<u64, (i64, u32)>,
    hash: RandomState,
}

impl Walk {
    /// As many steps as fit into a turn; none while nobody looks and the last walk is not long ago. `databases` are those
    /// that hold keys. Answers the number of commands.
    pub(crate) fn turn(
        &mut self,
        client: &mut Client,
        databases: &[u32],
        samples: &Samples,
    ) -> Result<u64, Error> {
        let (begin, mut commands, second) = (Instant::now(), 0, this_second());
        let watched = samples.is_watched(second);
        let turn = if watched { TURN } else { TURN_UNWATCHED };
        if self.left.is_empty() {
            if !self.is_due(second, watched) {
                return Ok(0);
            }
            self.left = databases.to_vec();
            self.totals = Totals::default();
        }
        while let Some(db) = self.left.last().copied() {
            commands += self.step(client, db, samples)?;
            if begin.elapsed() > turn {
                break;
            }
        }
        self.tell(samples);
        Ok(commands)
    }

    /// Whether another walk is to begin; it then has.
    fn is_due(&mut self, second: i64, watched: bool) -> bool {
        let due = watched || second - self.began >= REST;
        if due {
            self.began = second;
        }
        due
    }

    /// A walk that is not over says already that there are more streams than the last one found.
    fn tell(&mut self, samples: &Samples) {
        let mut inner = samples.0.lock();
        let known = inner.totals.map_or(0, |totals| totals.streams);
        if self.left.is_empty() || self.totals.streams > known {
            self.totals.as_of = now_ms();
            inner.totals = Some(self.totals);
        }
    }

    fn step(&mut self, client: &mut Client, db: u32, samples: &Samples) -> Result<u64, Error> {
        client.call(&["SELECT", &db.to_string()])?;
        let (cursor, keys) = view::stream_keys(client, self.cursor, b"*", STEP)?;
        let commands = keys.iter().flat_map(|key| {
            [vec![b"XLEN".to_vec(), key.clone()], vec![b"XINFO".to_vec(), b"GROUPS".to_vec(), key.clone()]]
        });
        let replies = client.call_all(&commands.collect::<Vec<_>>())?;
        for (key, replies) in keys.iter().zip(replies.chunks_exact(2)) {
            self.note(db, key, replies, samples);
        }
        self.cursor = cursor;
        if cursor == 0 {
            self.left.pop();
        }
        Ok(2 + replies.len() as u64)
    }

    fn note(&mut self, db: u32, key: &[u8], replies: &[Value], samples: &Samples) {
        let Some(length) = int(&replies[0]) else { return };
        let groups = view::groups_of(&replies[1]);
        self.totals.streams += 1;
        self.totals.groups += groups.len() as i64;
        self.totals.pending += groups.iter().map(|group| group.pending).sum::<i64>();
        if key.ends_with(DEAD) {
            self.totals.dead += length;
        }
        // What was read says how much goes through a stream that is trimmed.
        let happened = length + groups.iter().filter_map(|group| group.entries_read).sum::<i64>();
        let second = this_second();
        let busy = self.compare(self.hash.hash_one((db, key)), happened, second as u32);
        samples.0.lock().streams.is_busy(db, key, busy, second);
    }

    /// How much happens a second; nothing as far as is known, if the stream was not seen before.
    fn compare(&mut self, stream: u64, happened: i64, second: u32) -> f64 {
        if let Some((before, at)) = self.seen.insert(stream, (happened, second)) {
            return happened.abs_diff(before) as f64 / f64::from(second.saturating_sub(at).max(1));
        }
        if self.seen.len() > REMEMBERED {
            self.seen.remove(&stream);
        }
        0.0
    }

    /// Forgets what was remembered of streams, most of which are gone.
    pub(crate) fn tidy(&mut self) {
        if self.left.is_empty() && self.seen.len() as i64 > 2 * self.totals.streams + 1000 {
            self.seen = HashMap::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_busy_a_stream_is() {
        let mut walk = Walk::default();
        assert_eq!(walk.compare(1, 100, 10), 0.0);
        assert_eq!(walk.compare(1, 150, 20), 5.0);
        assert_eq!(walk.compare(1, 140, 20), 10.0);
    }

    #[test]
    fn walks_are_rare_while_nobody_looks() {
        let (mut walk, samples) = (Walk::default(), Samples::default());
        let now = this_second();
        assert!(!samples.is_watched(now) && walk.is_due(now, false));
        assert!(!walk.is_due(now + 1, false) && !walk.is_due(now + REST - 1, false));
        samples.totals();
        assert!(samples.is_watched(now + 1) && walk.is_due(now + 1, true) && walk.is_due(now + 2, true));
        assert!(!walk.is_due(now + 3, false) && walk.is_due(now + 2 + REST, false));
    }

    #[test]
    fn memory_has_a_limit() {
        let mut walk = Walk::default();
        for stream in 0..(REMEMBERED as u64 + 500) {
            walk.compare(stream, 1, 1);
        }
        assert_eq!(walk.seen.len(), REMEMBERED);
        assert_eq!(walk.compare(3, 5, 2), 4.0);
        walk.tidy();
        assert_eq!(walk.seen.capacity(), 0);
    }
}
