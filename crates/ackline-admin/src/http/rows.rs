//! Streams and groups as the API shows them, read many at a time.

use super::problem::Problem;
use super::samples::Samples;
use super::text::shown;
use crate::Value;
use crate::client::{Client, Error};
use crate::reply::{items, text};
use crate::view::{self, Group, Stream};
use serde_json::{Map, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Streams whose facts are asked for together: their replies hold two entries each.
const TOGETHER: usize = 50;

/// What ends the name of a stream of dead letters.
pub(crate) const DEAD: &[u8] = b":dead";

/// A group, and since when its oldest entry is pending.
pub(crate) struct GroupFacts {
    pub(crate) group: Group,
    pub(crate) oldest_ms: Option<i64>,
}

/// A stream with its groups.
pub(crate) struct StreamFacts {
    pub(crate) stream: Stream,
    pub(crate) groups: Vec<GroupFacts>,
}

/// Unix ms.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// The time in an ID, unless it cannot be one.
pub(crate) fn time_of(id: &str) -> Option<i64> {
    const YEAR_2000: i64 = 946_684_800_000;
    const DAY: i64 = 86_400_000;
    let ms: i64 = id.split('-').next()?.parse().ok()?;
    (YEAR_2000..now_ms() + DAY).contains(&ms).then_some(ms)
}

/// The facts of these streams; those that are gone, or are none, are left out.
pub(crate) fn streams(client: &mut Client, keys: &[Vec<u8>]) -> Result<Vec<StreamFacts>, Error> {
    let mut all = Vec::with_capacity(keys.len());
    for keys in keys.chunks(TOGETHER) {
        let word = |text: &[u8]| text.to_vec();
        let commands = keys.iter().flat_map(|key| {
            [
                vec![word(b"XINFO"), word(b"STREAM"), key.clone()],
                vec![word(b"XINFO"), word(b"GROUPS"), key.clone()],
                vec![word(b"MEMORY"), word(b"USAGE"), key.clone()],
            ]
        });
        let replies = client.call_all(&commands.collect::<Vec<_>>())?;
        let mut found: Vec<StreamFacts> = keys
            .iter()
            .zip(replies.chunks_exact(3))
            .filter_map(|(key, replies)| facts(key, replies))
            .collect();
        oldest(client, &mut found)?;
        all.append(&mut found);
    }
    Ok(all)
}

fn facts(key: &[u8], replies: &[Value]) -> Option<StreamFacts> {
    let [info, groups, memory] = replies else { return None };
    if matches!(info, Value::Error(_)) {
        return None;
    }
    let groups = view::groups_of(groups).into_iter().map(|group| GroupFacts { group, oldest_ms: None });
    Some(StreamFacts { stream: view::stream_of(key, info, Some(memory)), groups: groups.collect() })
}

/// One stream. An error if it is none.
pub(crate) fn stream(client: &mut Client, key: &[u8]) -> Result<StreamFacts, Problem> {
    let stream = view::stream(client, key)?;
    let groups = view::groups(client, key)?;
    let groups = groups.into_iter().map(|group| GroupFacts { group, oldest_ms: None }).collect();
    let mut facts = [StreamFacts { stream, groups }];
    oldest(client, &mut facts)?;
    let [facts] = facts;
    Ok(facts)
}

/// Asks since when the oldest entries of groups are pending.
fn oldest(client: &mut Client, streams: &mut [StreamFacts]) -> Result<(), Error> {
    let mut commands = Vec::new();
    for StreamFacts { stream, groups } in streams.iter() {
        for facts in groups.iter().filter(|facts| facts.group.pending > 0) {
            let words: [&[u8]; 6] = [b"XPENDING", &stream.name, &facts.group.name, b"-", b"+", b"1"];
            commands.push(words.map(<[u8]>::to_vec).to_vec());
        }
    }
    let replies = client.call_all(&commands)?;
    let groups = streams.iter_mut().flat_map(|facts| &mut facts.groups);
    let now = now_ms();
    for (facts, reply) in groups.filter(|facts| facts.group.pending > 0).zip(&replies) {
        facts.oldest_ms = items(reply).first().and_then(|row| age(row, now));
    }
    Ok(())
}

/// How old a pending entry is: by its ID, or since it was delivered if that is no time.
fn age(row: &Value, now: i64) -> Option<i64> {
    let [id, _, idle, _] = items(row) else { return None };
    let by_id = time_of(&text(id)).map(|at| (now - at).max(0));
    by_id.or_else(|| crate::reply::int(idle).filter(|ms| *ms >= 0))
}

/// `StreamRow`.
pub(crate) fn stream_row(facts: &StreamFacts, samples: &Samples, db: u32) -> Map<String, serde_json::Value> {
    let StreamFacts { stream, groups } = facts;
    let rates = samples.stream_rates(db, &stream.name);
    let sum = |of: fn(&Group) -> i64| groups.iter().map(|facts| of(&facts.group)).sum::<i64>();
    // The group that is furthest behind. What one group does not know, nobody knows.
    let lags: Option<Vec<i64>> = groups.iter().map(|facts| facts.group.lag).collect();
    let row = json!({
        "name": shown(&stream.name),
        "length": stream.length,
        "memory": stream.memory,
        "groups": stream.groups,
        "pending": sum(|group| group.pending),
        "lag": lags.map(|lags| lags.into_iter().max().unwrap_or(0)),
        "oldest_pending_ms": groups.iter().filter_map(|facts| facts.oldest_ms).max(),
        "consumers": sum(|group| group.consumers),
        "first_id": stream.first_entry_id,
        "last_id": stream.last_id,
        "last_added_at": time_of(&stream.last_id),
        "added_per_second": rates.added,
        "acked_per_second": rates.acked,
        "is_dead_letters": stream.name.ends_with(DEAD),
    });
    object(row)
}

/// `GroupRow`. `released` is known only where the consumers were asked.
pub(crate) fn group_row(
    facts: &GroupFacts,
    released: i64,
    samples: &Samples,
    (db, key): (u32, &[u8]),
) -> Map<String, serde_json::Value> {
    let GroupFacts { group, oldest_ms } = facts;
    let rates = samples.group_rates(db, key, &group.name);
    let added = samples.stream_rates(db, key).added;
    let left = group.lag.map(|lag| lag + group.pending);
    let row = json!({
        "name": shown(&group.name),
        "consumers": group.consumers,
        "pending": group.pending,
        "lag": group.lag,
        "entries_read": group.entries_read,
        "last_delivered_id": group.last_delivered_id,
        "oldest_pending_ms": oldest_ms,
        "released": released,
        "delivered_per_second": rates.delivered,
        "acked_per_second": rates.acked,
        "drains_in_seconds": drains_in(left, rates.acked, added),
        "health": health(facts, rates.acked),
    });
    object(row)
}

fn drains_in(left: Option<i64>, acked: Option<f64>, added: Option<f64>) -> Option<i64> {
    match (left?, acked? - added?) {
        (0, _) => Some(0),
        (_, rate) if rate <= 0.0 => None,
        (left, rate) => Some((left as f64 / rate).ceil() as i64),
    }
}

/// Entries wait for longer than this before anybody is told.
const SLOW: i64 = 60_000;
const STUCK: i64 = 600_000;

/// `stuck`: there is work, and nothing of it is done. `warn`: it takes long.
fn health(facts: &GroupFacts, acked: Option<f64>) -> &'static str {
    let (group, oldest) = (&facts.group, facts.oldest_ms.unwrap_or(0));
    let waits = group.pending > 0 || group.lag.unwrap_or(0) > 0;
    let moves = acked.is_some_and(|rate| rate > 0.0);
    match () {
        _ if !waits => "ok",
        _ if group.consumers == 0 || (oldest > STUCK && !moves) => "stuck",
        _ if oldest > SLOW => "warn",
        _ => "ok",
    }
}

/// The fields of an object.
pub(crate) fn object(value: serde_json::Value) -> Map<String, serde_json::Value> {
    match value {
        serde_json::Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_a_group_is_through() {
        assert_eq!(drains_in(Some(0), Some(0.0), Some(5.0)), Some(0));
        assert_eq!(drains_in(Some(100), Some(15.0), Some(5.0)), Some(10));
        assert_eq!(drains_in(Some(100), Some(5.0), Some(5.0)), None);
        assert_eq!(drains_in(None, Some(5.0), Some(1.0)), None);
        assert_eq!(drains_in(Some(100), None, Some(1.0)), None);
    }

    #[test]
    fn health_of_groups() {
        let of = |consumers, pending, lag, oldest_ms| GroupFacts {
            group: Group { consumers, pending, lag, ..Group::default() },
            oldest_ms,
        };
        assert_eq!(health(&of(0, 0, Some(0), None), None), "ok");
        assert_eq!(health(&of(0, 0, Some(9), None), None), "stuck");
        assert_eq!(health(&of(1, 2, Some(0), Some(SLOW + 1)), None), "warn");
        assert_eq!(health(&of(1, 2, Some(0), Some(STUCK + 1)), None), "stuck");
        assert_eq!(health(&of(1, 2, Some(0), Some(STUCK + 1)), Some(3.0)), "warn");
    }

    #[test]
    fn ids_that_are_times() {
        let now = now_ms();
        assert_eq!(time_of(&format!("{now}-3")), Some(now));
        for id in ["0-1", "5", "99999999999999999-0", "x"] {
            assert_eq!(time_of(id), None, "{id}");
        }
    }
}
