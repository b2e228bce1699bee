//! Streams and groups as the API shows them.

use super::problem::Problem;
use super::samples::{GroupRates, Samples};
use super::text::shown;
use crate::client::Client;
use crate::view::{self, Group, Overview, Pending};
use serde_json::{Map, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// What ends the name of a stream of dead letters.
pub(crate) const DEAD: &[u8] = b":dead";

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

/// One stream. An error if it is none.
pub(crate) fn stream(client: &mut Client, key: &[u8]) -> Result<Overview, Problem> {
    if let Some(found) = view::overviews(client, &[key.to_vec()])?.pop() {
        return Ok(found);
    }
    // It says what is wrong.
    view::stream(client, key)?;
    Err(Problem::missing("the stream was made just now"))
}

/// `StreamRow`.
pub(crate) fn stream_row(facts: &Overview, samples: &Samples, db: u32) -> Map<String, serde_json::Value> {
    let stream = &facts.stream;
    let rates = samples.stream_rates(db, &stream.name);
    let row = json!({
        "name": shown(&stream.name),
        "length": stream.length,
        "memory": stream.memory,
        "groups": stream.groups,
        "pending": facts.pending(),
        "lag": facts.lag(),
        "oldest_pending_ms": facts.oldest_pending(),
        "consumers": facts.consumers(),
        "first_id": stream.first_entry_id,
        "last_id": stream.last_id,
        "last_added_at": time_of(&stream.last_id),
        "added_per_second": rates.added,
        "acked_per_second": rates.acked,
        "is_dead_letters": stream.name.ends_with(DEAD),
    });
    object(row)
}

/// A group, and what is known of it beside its own facts.
pub(crate) struct GroupFacts<'f> {
    pub(crate) group: &'f Group,
    pub(crate) oldest: Option<&'f Pending>,
    /// Entries that belong to nobody.
    pub(crate) released: i64,
    pub(crate) health: &'static str,
    pub(crate) rates: GroupRates,
    pub(crate) added: Option<f64>,
}

/// `GroupRow`.
pub(crate) fn group_row(facts: &GroupFacts<'_>) -> Map<String, serde_json::Value> {
    let GroupFacts { group, oldest, rates, .. } = facts;
    let left = group.lag.map(|lag| lag.saturating_add(group.pending));
    let row = json!({
        "name": shown(&group.name),
        "consumers": group.consumers,
        "pending": group.pending,
        "lag": group.lag,
        "entries_read": group.entries_read,
        "last_delivered_id": group.last_delivered_id,
        "oldest_pending_ms": oldest.map(|one| one.idle).filter(|idle| *idle >= 0),
        "released": facts.released,
        "delivered_per_second": rates.delivered,
        "acked_per_second": rates.acked,
        "drains_in_seconds": drains_in(left, rates.acked, facts.added),
        "health": facts.health,
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
    fn ids_that_are_times() {
        let now = now_ms();
        assert_eq!(time_of(&format!("{now}-3")), Some(now));
        for id in ["0-1", "5", "99999999999999999-0", "x"] {
            assert_eq!(time_of(id), None, "{id}");
        }
    }
}
