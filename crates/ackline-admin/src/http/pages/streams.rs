//! Streams and their groups.

use super::Site;
use crate::client::Client;
use crate::http::asked::Asked;
use crate::http::caller::Caller;
use crate::http::problem::{Answer, Problem};
use crate::http::rows::{self, GroupFacts, group_row, object, stream_row};
use crate::http::text::shown;
use crate::view::{self, Consumer};
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
        let found = rows::streams(client, &keys)?;
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
        let groups = group_rows(client, &key, &facts.groups, &samples, db)?;
        row.insert("groups".to_owned(), groups.into());
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
        Ok(Json(json!({ "groups": group_rows(client, &key, &facts.groups, &samples, db)? })))
    };
    site.pool.ask(caller.way, db, job).await
}

fn group_rows(
    client: &mut Client,
    key: &[u8],
    groups: &[GroupFacts],
    samples: &super::Samples,
    db: u32,
) -> Result<Vec<Value>, Problem> {
    let words = |facts: &GroupFacts| {
        vec![b"XINFO".to_vec(), b"CONSUMERS".to_vec(), key.to_vec(), facts.group.name.clone()]
    };
    let replies = client.call_all(&groups.iter().map(words).collect::<Vec<_>>())?;
    let row = |(facts, reply): (&GroupFacts, &crate::Value)| {
        let owned: i64 = view::consumers_of(reply).iter().map(|consumer| consumer.pending).sum();
        group_row(facts, (facts.group.pending - owned).max(0), samples, (db, key)).into()
    };
    Ok(groups.iter().zip(&replies).map(row).collect())
}

/// `GET /streams/{key}/groups/{group}`
pub(crate) async fn group(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let (db, key, name) = (asked.db()?, asked.key(), asked.part());
    let samples = Arc::clone(&site.samples);
    let job = move |client: &mut Client| {
        let consumers = view::consumers(client, &key, &name)?;
        let stream = rows::stream(client, &key)?;
        samples.looked_at(db, [key.as_slice()].into_iter());
        let facts = stream.groups.iter().find(|facts| facts.group.name == name);
        let facts = facts.ok_or_else(|| Problem::missing("the group was deleted just now"))?;
        let owned: i64 = consumers.iter().map(|consumer| consumer.pending).sum();
        let released = (facts.group.pending - owned).max(0);
        let mut row = group_row(facts, released, &samples, (db, &key));
        row.extend(object(json!({
            "consumers": consumers.iter().map(consumer_row).collect::<Vec<_>>(),
            "findings": [],
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
