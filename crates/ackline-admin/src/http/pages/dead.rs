//! Dead letters: which streams hold them, where they come from, and why.

use super::Site;
use crate::client::{Client, Error};
use crate::http::asked::Asked;
use crate::http::caller::Caller;
use crate::http::problem::Answer;
use crate::http::rows::DEAD;
use crate::http::text::shown;
use crate::view::{self, Entry};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the names of the fields begin with that say where an entry comes from.
pub(crate) const PREFIX: &[u8] = b"dead-letter-";

/// Entries of a stream that are looked at, in steps, and streams of dead letters.
const SAMPLE: u64 = 1000;
const STEP: u64 = 200;
const STREAMS: u64 = 100;

/// A field that says where an entry comes from.
pub(crate) fn said<'e>(entry: &'e Entry, name: &str) -> Option<&'e [u8]> {
    let fields = entry.fields.as_ref()?;
    let is = |field: &[u8]| field.strip_prefix(PREFIX) == Some(name.as_bytes());
    fields.iter().find(|(field, _)| is(field)).map(|(_, value)| value.as_slice())
}

/// The provenance of a dead letter: nothing if it does not say it.
pub(crate) fn provenance(entry: &Entry) -> Value {
    let word = |name| said(entry, name).map(shown);
    let deliveries =
        said(entry, "deliveries").and_then(|text| std::str::from_utf8(text).ok()?.parse::<u64>().ok());
    json!({
        "reason": word("reason"),
        "error": word("error"),
        "stream": word("stream"),
        "group": word("group"),
        "consumer": word("consumer"),
        "id": word("id"),
        "deliveries": deliveries,
    })
}

/// `GET /dead`
pub(crate) async fn list(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let (db, cursor) = (asked.db()?, asked.number("cursor", 0, u64::MAX)?);
    let job = move |client: &mut Client| {
        let pattern = [b"*", DEAD].concat();
        let (cursor, keys) = super::streams::search(client, cursor, &pattern, STREAMS)?;
        let mut rows = Vec::new();
        for key in &keys {
            match row(client, key) {
                Ok(row) => rows.push(row),
                // What somebody may not read is not in their list, and does not keep the rest from it.
                Err(Error::Server(text)) if text.starts_with("NOPERM") => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Json(json!({ "streams": rows, "cursor": cursor.to_string() })))
    };
    site.pool.ask(caller.way, db, job).await
}

fn row(client: &mut Client, key: &[u8]) -> Result<Value, Error> {
    let length = client.call(&[&b"XLEN"[..], key])?;
    let length = crate::reply::int(&length).unwrap_or(0);
    let (mut sources, mut reasons) = (BTreeMap::new(), BTreeMap::new());
    let (mut to, mut looked) = ("+".to_owned(), 0);
    while looked < SAMPLE {
        let page = view::entries(client, key, ("-", &to), true, STEP)?;
        for entry in &page {
            let word = |name| said(entry, name).unwrap_or_default().to_vec();
            *sources.entry((word("stream"), word("group"))).or_insert(0u64) += 1;
            *reasons.entry(word("reason")).or_insert(0u64) += 1;
        }
        looked += page.len() as u64;
        match page.last() {
            Some(last) if page.len() as u64 == STEP => to = format!("({}", last.id),
            _ => break,
        }
    }
    let source = |((stream, group), count): (&(Vec<u8>, Vec<u8>), &u64)| json!({ "stream": shown(stream), "group": shown(group), "count": count });
    let reason = |(reason, count): (&Vec<u8>, &u64)| json!({ "reason": shown(reason), "count": count });
    Ok(json!({
        "name": shown(key),
        "length": length,
        "sources": sources.iter().map(source).collect::<Vec<_>>(),
        "reasons": reasons.iter().map(reason).collect::<Vec<_>>(),
        "sampled": length > looked as i64,
    }))
}
