//! Streams and their groups.

use super::{Samples, Site};
use crate::client::{Client, Error};
use crate::doctor::{self, Finding};
use crate::http::asked::Asked;
use crate::http::caller::Caller;
use crate::http::problem::{Answer, Problem};
use crate::http::rows::{self, GroupFacts, group_row, object, stream_row};
use crate::http::samples::GroupRates;
use crate::http::text::shown;
use crate::view::{self, Consumer, Group, Overview};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;

/// Streams in one answer, and keys that are looked at for it.
const STREAMS: u64 = 1000;
const KEYS: u64 = 100_000;

/// `GET /streams`
pub(crate) async fn list(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let (db, count) = (asked.db()?, asked.number("count", 100, STREAMS)?.max(1));
    let pattern = asked.bytes("match").unwrap_or_else(|| b"*".to_vec());
    let cursor = asked.number("cursor", 0, u64::MAX)?;
    let samples = Arc::clone(&site.samples);
    let job = move |client: &mut Client| {
        let (cursor, keys) = search(client, cursor, &pattern, count)?;
        let found = view::overviews(client, &keys)?;
        samples.looked_at(db, found.iter().map(|facts| facts.stream.name.as_slice()));
        let rows: Vec<Value> = found.iter().map(|facts| stream_row(facts, &samples, db).into()).collect();
        Ok(Json(json!({ "streams": rows, "cursor": cursor.to_string() })))
    };
    site.pool.ask(caller.way, db, job).await
}

/// At least `count` streams if there are so many, and where to go on. SCAN may answer nothing for long if few match.
pub(crate) fn search(
    client: &mut Client,
    mut cursor: u64,
    pattern: &[u8],
    count: u64,
) -> Result<(u64, Vec<Vec<u8>>), Problem> {
    let (mut keys, mut looked) = (Vec::new(), 0);
    loop {
        let step = (count - keys.len() as u64).max(100);
        let (next, mut found) = view::stream_keys(client, cursor, pattern, step)?;
        keys.append(&mut found);
        looked += step;
        cursor = next;
        if cursor == 0 || keys.len() as u64 >= count || looked >= KEYS {
            return Ok((cursor, keys));
        }
    }
}

/// `GET /streams/{key}`
pub(crate) async fn one(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let (db, key) = (asked.db()?, asked.key());
    let samples = Arc::clone(&site.samples);
    let job = move |client: &mut Client| {
        let facts = rows::stream(client, &key)?;
        samples.looked_at(db, [key.as_slice()].into_iter());
        let mut row = stream_row(&facts, &samples, db);
        row.insert("entries_added".to_owned(), facts.stream.entries_added.into());
        row.insert("max_deleted_id".to_owned(), facts.stream.max_deleted_id.as_str().into());
        row.insert("groups".to_owned(), group_rows(client, &facts, &samples, db)?.into());
        Ok(Json(row.into()))
    };
    site.pool.ask(caller.way, db, job).await
}

/// `GET /streams/{key}/groups`
pub(crate) async fn groups(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let (db, key) = (asked.db()?, asked.key());
    let samples = Arc::clone(&site.samples);
    let job = move |client: &mut Client| {
        let facts = rows::stream(client, &key)?;
        samples.looked_at(db, [key.as_slice()].into_iter());
        Ok(Json(json!({ "groups": group_rows(client, &facts, &samples, db)? })))
    };
    site.pool.ask(caller.way, db, job).await
}

/// Groups that the doctor looks at for a list of them.
const EXAMINED: usize = 20;

fn group_rows(
    client: &mut Client,
    facts: &Overview,
    samples: &Samples,
    db: u32,
) -> Result<Vec<Value>, Problem> {
    let key = &facts.stream.name;
    let words = |group: &Group| [&b"XINFO"[..], b"CONSUMERS", key, &group.name].map(<[u8]>::to_vec).to_vec();
    let replies = client.call_all(&facts.groups.iter().map(words).collect::<Vec<_>>())?;
    let added = samples.stream_rates(db, key).added;
    let mut rows = Vec::new();
    for (at, (group, reply)) in facts.groups.iter().zip(&replies).enumerate() {
        let rates = samples.group_rates(db, key, &group.name);
        let findings =
            if at < EXAMINED { examine(client, key, &group.name, rates, added)? } else { Vec::new() };
        let owned = view::consumers_of(reply).iter().map(|consumer| consumer.pending).sum();
        let released = group.pending.saturating_sub(owned).max(0);
        let oldest = facts.oldest.get(at).and_then(Option::as_ref);
        let health = if at < EXAMINED { doctor::health(&findings) } else { "unknown" };
        rows.push(group_row(&GroupFacts { group, oldest, released, health, rates, added }).into());
    }
    Ok(rows)
}

/// What the doctor finds, with the rates that were measured. Nothing if the group is gone meanwhile.
pub(crate) fn examine(
    client: &mut Client,
    key: &[u8],
    group: &[u8],
    rates: GroupRates,
    added: Option<f64>,
) -> Result<Vec<Finding>, Problem> {
    let mut facts = match doctor::gather(client, key, group) {
        Ok(facts) => facts,
        Err(Error::Server(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if let (Some(added), Some(delivered), Some(acked)) = (added, rates.delivered, rates.acked) {
        facts.rates = Some(doctor::Rates { added, delivered, acked });
    }
    Ok(doctor::diagnose(&facts))
}

/// `GET /streams/{key}/groups/{group}`
pub(crate) async fn group(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let (db, key, name) = (asked.db()?, asked.key(), asked.part());
    let samples = Arc::clone(&site.samples);
    let job = move |client: &mut Client| {
        let consumers = view::consumers(client, &key, &name)?;
        let facts = rows::stream(client, &key)?;
        samples.looked_at(db, [key.as_slice()].into_iter());
        let at = facts.groups.iter().position(|group| group.name == name);
        let at = at.ok_or_else(|| Problem::missing("the group was deleted just now"))?;
        let (rates, added) = (samples.group_rates(db, &key, &name), samples.stream_rates(db, &key).added);
        let findings = examine(client, &key, &name, rates, added)?;
        let (group, oldest) = (&facts.groups[at], facts.oldest.get(at).and_then(Option::as_ref));
        let owned = consumers.iter().map(|consumer| consumer.pending).sum();
        let released = group.pending.saturating_sub(owned).max(0);
        let health = doctor::health(&findings);
        let mut row = group_row(&GroupFacts { group, oldest, released, health, rates, added });
        row.extend(object(json!({
            "consumers": consumers.iter().map(consumer_row).collect::<Vec<_>>(),
            "findings": findings,
        })));
        Ok(Json(row.into()))
    };
    site.pool.ask(caller.way, db, job).await
}

fn consumer_row(consumer: &Consumer) -> Value {
    json!({
        "name": shown(&consumer.name),
        "pending": consumer.pending,
        "idle_ms": consumer.idle,
        "inactive_ms": consumer.inactive,
    })
}
