//! The groups that somebody should look at.

use super::streams::{examine, search};
use super::{Samples, Site};
use crate::client::Client;
use crate::doctor;
use crate::http::asked::Asked;
use crate::http::caller::Caller;
use crate::http::problem::{Answer, Problem};
use crate::http::rows::{GroupFacts, group_row};
use crate::http::text::shown;
use crate::view::{self, Group, Overview, Pending};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::sync::Arc;

/// Streams that are looked over, and groups of them that the doctor looks at.
const STREAMS: u64 = 1000;
const EXAMINED: usize = 20;

/// A group in which something waits.
#[derive(Clone, Copy)]
struct Suspect<'f> {
    key: &'f [u8],
    group: &'f Group,
    oldest: Option<&'f Pending>,
}

/// `GET /attention`
pub(crate) async fn list(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let db = asked.db()?;
    let samples = Arc::clone(&site.samples);
    let job = move |client: &mut Client| {
        let (_, keys) = search(client, 0, b"*", STREAMS)?;
        let streams = view::overviews(client, &keys)?;
        let suspects = suspects(&streams);
        samples.looked_at(db, suspects.iter().map(|suspect| suspect.key));
        let mut rows = Vec::new();
        for suspect in &suspects {
            rows.extend(row(client, suspect, &samples, db)?);
        }
        // Stable: within one kind those that have waited longest stay first.
        rows.sort_by_key(|(health, _)| *health != "stuck");
        Ok(Json(json!({ "groups": rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>() })))
    };
    site.pool.ask(caller.way, db, job).await
}

/// Those whose entries are pending for longest, and as many that have most to deliver.
fn suspects(streams: &[Overview]) -> Vec<Suspect<'_>> {
    let mut all: Vec<Suspect<'_>> = streams.iter().flat_map(waiting).collect();
    all.sort_by_key(|suspect| Reverse(suspect.oldest.map_or(-1, |oldest| oldest.idle)));
    let behind = all.split_off(all.len().min(EXAMINED / 2));
    let mut lags = behind;
    lags.sort_by_key(|suspect| Reverse(suspect.group.lag.unwrap_or(0)));
    all.extend(lags.into_iter().take(EXAMINED / 2));
    all
}

fn waiting(stream: &Overview) -> impl Iterator<Item = Suspect<'_>> {
    let key = stream.stream.name.as_slice();
    let oldest = stream.oldest.iter().map(Option::as_ref).chain(std::iter::repeat(None));
    let suspects =
        stream.groups.iter().zip(oldest).map(move |(group, oldest)| Suspect { key, group, oldest });
    suspects.filter(|suspect| suspect.group.pending > 0 || suspect.group.lag != Some(0))
}

/// How it is, and its `GroupRow` with the stream and what is wrong; nothing if all is well.
fn row(
    client: &mut Client,
    suspect: &Suspect<'_>,
    samples: &Samples,
    db: u32,
) -> Result<Option<(&'static str, Value)>, Problem> {
    let Suspect { key, group, oldest } = *suspect;
    let (rates, added) = (samples.group_rates(db, key, &group.name), samples.stream_rates(db, key).added);
    let findings = examine(client, key, &group.name, rates, added)?;
    let health = doctor::health(&findings);
    if health == "ok" {
        return Ok(None);
    }
    // Deleted meanwhile: then nobody holds anything.
    let consumers = view::consumers(client, key, &group.name).unwrap_or_default();
    let owned = consumers.iter().map(|consumer| consumer.pending).sum();
    let released = group.pending.saturating_sub(owned).max(0);
    let mut row = group_row(&GroupFacts { group, oldest, released, health, rates, added });
    row.insert("stream".to_owned(), shown(key));
    row.insert("title".to_owned(), findings.first().map(|finding| finding.title.as_str()).into());
    Ok(Some((health, row.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Stream;

    fn stream(name: &str, lag: i64, idle: Option<i64>) -> Overview {
        let oldest = idle.map(|idle| Pending { idle, ..Pending::default() });
        let pending = idle.map_or(0, |_| 1);
        let group = Group { name: b"g".to_vec(), lag: Some(lag), pending, ..Group::default() };
        let stream = Stream { name: name.as_bytes().to_vec(), ..Stream::default() };
        Overview { stream, groups: vec![group], oldest: vec![oldest] }
    }

    #[test]
    fn who_waited_longest_and_who_has_most_to_deliver() {
        let mut streams = vec![stream("behind", 1000, None), stream("idle", 0, None)];
        streams.extend((0..30).map(|at| stream(&format!("busy-{at}"), 1, Some(at))));
        let found = suspects(&streams);
        let names: Vec<_> = found.iter().map(|suspect| String::from_utf8_lossy(suspect.key)).collect();
        assert_eq!(names.len(), EXAMINED);
        assert_eq!(names[0], "busy-29");
        assert!(names.iter().any(|name| name == "behind"));
        assert!(names.iter().all(|name| name != "idle"));
    }
}
