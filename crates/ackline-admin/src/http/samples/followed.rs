//! The streams that are followed, and their groups.

use super::series::{Series, Step, gains, rate};
use super::{GROUPS, GroupRates, STREAMS, StreamRates, levels};
use crate::view::Group;
use std::collections::HashMap;

/// For how many seconds a look counts more than what happens.
const LOOK: i64 = 600;

/// Names of the curves of streams and of groups.
pub(crate) const STREAM: &[&str] = &["length", "added"];
pub(crate) const GROUP: &[&str] = &["lag", "pending", "delivered", "acked"];

/// A stream in one second.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamSample {
    pub(crate) length: Option<i64>,
    /// Entries ever added, if that was asked for.
    pub(crate) added: Option<i64>,
    pub(crate) groups: Vec<Group>,
}

/// A stream over time.
#[derive(Default)]
pub(crate) struct Followed {
    /// The second of the last look; 0 = never.
    looked_at: i64,
    /// What happens in it a second.
    busy: f64,
    length: Series,
    added: Series,
    groups: HashMap<Vec<u8>, FollowedGroup>,
}

/// A group over time.
#[derive(Default)]
pub(crate) struct FollowedGroup {
    pushed_at: i64,
    lag: Series,
    pending: Series,
    /// Entries ever delivered.
    read: Series,
}

/// The streams that are followed, by database and key.
#[derive(Default)]
pub(crate) struct Streams {
    all: HashMap<(u32, Vec<u8>), Followed>,
    groups: usize,
}

impl Streams {
    pub(crate) fn find(&self, db: u32, key: &[u8]) -> Option<&Followed> {
        self.all.get(&(db, key.to_vec()))
    }

    /// All that are followed.
    pub(crate) fn keys(&self) -> Vec<(u32, Vec<u8>)> {
        self.all.keys().cloned().collect()
    }

    /// Somebody looks at it. Who was looked at the longest ago makes room.
    pub(crate) fn looked_at(&mut self, db: u32, key: &[u8], now: i64) {
        let at = (db, key.to_vec());
        if !self.all.contains_key(&at) {
            if self.all.len() >= STREAMS {
                self.drop_least(now);
            }
            self.all.insert(at.clone(), Followed::default());
        }
        if let Some(stream) = self.all.get_mut(&at) {
            stream.looked_at = now;
        }
    }

    /// So much happens in it a second. One in which less happens, and which nobody looks at, makes room. What is not
    /// followed yet and in which nothing happens need not be: its numbers stay what they are.
    pub(crate) fn is_busy(&mut self, db: u32, key: &[u8], busy: f64, now: i64) {
        let at = (db, key.to_vec());
        if let Some(stream) = self.all.get_mut(&at) {
            stream.busy = busy;
            return;
        }
        if busy <= 0.0 {
            return;
        }
        if self.all.len() >= STREAMS {
            let least = self.least(now).and_then(|key| self.all.get(&key));
            if least.is_none_or(|least| least.is_looked_at(now) || least.busy >= busy) {
                return;
            }
            self.drop_least(now);
        }
        self.all.insert(at, Followed { busy, ..Followed::default() });
    }

    fn least(&self, now: i64) -> Option<(u32, Vec<u8>)> {
        let rank = |stream: &Followed| {
            let looked_at = if stream.is_looked_at(now) { stream.looked_at } else { 0 };
            (looked_at, stream.busy)
        };
        let least = self.all.iter().min_by(|(_, a), (_, b)| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
        least.map(|(key, _)| key.clone())
    }

    fn drop_least(&mut self, now: i64) {
        let gone = self.least(now).and_then(|key| self.all.remove(&key));
        self.groups -= gone.map_or(0, |stream| stream.groups.len());
    }

    /// What was seen of a stream that is followed.
    pub(crate) fn push(&mut self, (db, key): (u32, &[u8]), second: i64, sample: &StreamSample) {
        let Some(stream) = self.all.get_mut(&(db, key.to_vec())) else { return };
        let before = stream.groups.len();
        let room = GROUPS - (self.groups - before);
        stream.push(second, sample, room);
        self.groups = self.groups - before + stream.groups.len();
    }
}

impl Followed {
    fn is_looked_at(&self, now: i64) -> bool {
        now - self.looked_at < LOOK
    }

    fn push(&mut self, second: i64, sample: &StreamSample, room: usize) {
        self.length.push(second, sample.length);
        self.added.push(second, sample.added);
        for group in &sample.groups {
            if self.groups.contains_key(&group.name) || self.groups.len() < room {
                self.groups.entry(group.name.clone()).or_default().push(second, group);
            }
        }
        // Deleted ones, if the stream itself was seen.
        if sample.length.is_some() {
            self.groups.retain(|_, group| group.pushed_at == second);
        }
    }

    pub(crate) fn group(&self, name: &[u8]) -> Option<&FollowedGroup> {
        self.groups.get(name)
    }

    pub(crate) fn rates(&self, now: i64) -> StreamRates {
        let acked: Vec<f64> = self.groups.values().filter_map(|group| group.rates(now).acked).collect();
        let acked = (!acked.is_empty()).then(|| acked.iter().sum());
        StreamRates { added: self.added.rate(now), acked }
    }

    pub(crate) fn curve(&self, name: &str, step: Step, last: i64, points: usize) -> Option<Vec<Option<f64>>> {
        match name {
            "length" => Some(levels(&self.length, step, last, points)),
            "added" => Some(gains(&self.added.values(step, last, points + 1), step)),
            _ => None,
        }
    }
}

impl FollowedGroup {
    fn push(&mut self, second: i64, group: &Group) {
        self.pushed_at = second;
        self.lag.push(second, group.lag);
        self.pending.push(second, Some(group.pending));
        self.read.push(second, group.entries_read);
    }

    pub(crate) fn rates(&self, now: i64) -> GroupRates {
        GroupRates { delivered: self.read.rate(now), acked: rate(&self.done(Step::Second, now, 31)) }
    }

    /// What was delivered and is not pending any more. Falls where something else than a read makes an entry pending.
    fn done(&self, step: Step, last: i64, points: usize) -> Vec<Option<i64>> {
        let (read, pending) = (self.read.values(step, last, points), self.pending.values(step, last, points));
        read.into_iter().zip(pending).map(|(read, pending)| Some(read? - pending?)).collect()
    }

    pub(crate) fn curve(&self, name: &str, step: Step, last: i64, points: usize) -> Option<Vec<Option<f64>>> {
        match name {
            "lag" => Some(levels(&self.lag, step, last, points)),
            "pending" => Some(levels(&self.pending, step, last, points)),
            "delivered" => Some(gains(&self.read.values(step, last, points + 1), step)),
            "acked" => Some(gains(&self.done(step, last, points + 1), step)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000_000;

    #[test]
    fn the_busiest_and_those_that_are_looked_at_stay() {
        let mut streams = Streams::default();
        for n in 0..STREAMS {
            streams.is_busy(0, n.to_string().as_bytes(), n as f64, NOW);
        }
        streams.looked_at(0, b"0", NOW);
        streams.is_busy(0, b"quiet", 0.5, NOW);
        assert!(streams.find(0, b"quiet").is_none());
        streams.is_busy(0, b"loud", 900.0, NOW);
        assert!(streams.find(0, b"loud").is_some() && streams.find(0, b"1").is_none());
        streams.looked_at(0, b"seen", NOW);
        assert!(streams.find(0, b"seen").is_some() && streams.find(0, b"2").is_none());
        assert!(streams.find(0, b"0").is_some());
        streams.is_busy(0, b"seen", 50.0, NOW);
        streams.is_busy(0, b"later", 3.5, NOW + LOOK);
        assert!(streams.find(0, b"0").is_none());
        assert_eq!(streams.all.len(), STREAMS);
    }

    fn group(name: &str, read: i64, pending: i64) -> Group {
        Group { name: name.into(), entries_read: Some(read), pending, lag: Some(1), ..Group::default() }
    }

    #[test]
    fn rates_of_streams_and_groups() {
        let mut streams = Streams::default();
        streams.looked_at(0, b"s", NOW);
        for n in 0..3 {
            let groups = vec![group("g", 10 * n, 4 * n)];
            let sample = StreamSample { length: Some(n), added: Some(20 * n), groups };
            streams.push((0, b"s"), NOW + n, &sample);
        }
        let stream = streams.find(0, b"s").expect("followed");
        assert_eq!(stream.rates(NOW + 2), StreamRates { added: Some(20.0), acked: Some(6.0) });
        let group = stream.group(b"g").expect("followed");
        assert_eq!(group.rates(NOW + 2), GroupRates { delivered: Some(10.0), acked: Some(6.0) });
        let curve = group.curve("acked", Step::Second, NOW + 2, 2);
        assert_eq!(curve, Some(vec![Some(6.0), Some(6.0)]));
    }

    #[test]
    fn groups_have_a_limit_and_go_with_what_they_belong_to() {
        let mut streams = Streams::default();
        let many = |count: usize| StreamSample {
            length: Some(1),
            added: None,
            groups: (0..count).map(|n| group(&n.to_string(), 0, 0)).collect(),
        };
        streams.looked_at(0, b"a", NOW);
        streams.looked_at(0, b"b", NOW);
        streams.push((0, b"a"), NOW, &many(GROUPS - 10));
        streams.push((0, b"b"), NOW, &many(100));
        assert_eq!(streams.groups, GROUPS);
        streams.push((0, b"a"), NOW + 1, &many(1));
        streams.push((0, b"b"), NOW + 1, &many(100));
        assert_eq!(streams.groups, 101);
        streams.drop_least(NOW + 1);
        streams.drop_least(NOW + 1);
        assert_eq!((streams.groups, streams.all.len()), (0, 0));
    }
}
