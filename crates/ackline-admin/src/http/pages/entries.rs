//! Entries, pending entries and dead letters.

use super::Site;
use crate::client::Client;
use crate::http::asked::Asked;
use crate::http::caller::Caller;
use crate::http::problem::{Answer, Problem};
use crate::http::rows::{object, time_of};
use crate::http::text::shown;
use crate::view::{self, Entry, Pending, PendingFilter};
use axum::Json;
use axum::extract::State;
use memchr::memmem;
use serde_json::{Value, json};
use std::sync::Arc;

/// Entries in one answer, and entries that are read for it.
const ENTRIES: u64 = 1000;
const SCANNED: u64 = 10_000;

/// Entries that are asked for together, and bytes of their fields after which no more are read.
const TOGETHER: u64 = 500;
const BYTES: usize = 16 * 1024 * 1024;

/// Which entries, in which order.
pub(crate) struct Wanted {
    from: String,
    to: String,
    newest: bool,
    count: usize,
    field: Option<(Vec<u8>, Vec<u8>)>,
    contains: Option<Vec<u8>>,
}

/// Entries that were found, where to go on, and how many were read.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) entries: Vec<Entry>,
    pub(crate) next: Option<String>,
    pub(crate) scanned: u64,
}

impl Wanted {
    pub(crate) fn of(asked: &Asked) -> Result<Wanted, Problem> {
        let (since, until) = (asked.text("since", "-")?, asked.text("until", "+")?);
        let field = asked.bytes("field");
        let value = asked.all("value").next().unwrap_or_default().to_vec();
        Ok(Wanted {
            // An ID without its second part is the first of its ms as a beginning, the last as an end.
            from: asked.text("from", &since)?,
            to: asked.text("to", &until)?,
            newest: asked.flag("newest", true)?,
            count: asked.number("count", 50, ENTRIES)?.max(1) as usize,
            field: field.map(|name| (name, value)),
            contains: asked.bytes("contains"),
        })
    }

    fn is_filter(&self) -> bool {
        self.field.is_some() || self.contains.is_some()
    }

    fn matches(&self, entry: &Entry) -> bool {
        let Some(fields) = &entry.fields else { return false };
        let field = self.field.as_ref().is_none_or(|wanted| fields.contains(wanted));
        field && self.contains.as_ref().is_none_or(|text| contains(fields, text))
    }

    /// Reads as many as it takes, no more than may be read in one go.
    pub(crate) fn read(&self, client: &mut Client, key: &[u8]) -> Result<Found, Problem> {
        let mut found = Found::default();
        let (mut from, mut to) = (self.from.clone(), self.to.clone());
        let mut bytes = 0;
        loop {
            let left = SCANNED - found.scanned;
            // One more than wanted tells whether there is more.
            let missing = (self.count - found.entries.len()) as u64 + 1;
            let step = if self.is_filter() { TOGETHER.min(left) } else { missing.min(left).min(TOGETHER) };
            let page = view::entries(client, key, (&from, &to), self.newest, step)?;
            let is_last = (page.len() as u64) < step;
            for entry in page {
                if found.entries.len() == self.count || bytes > BYTES || found.scanned == SCANNED {
                    let bound = if self.newest { &to } else { &from };
                    found.next = Some(bound.clone());
                    return Ok(found);
                }
                found.scanned += 1;
                bytes += size(&entry);
                *(if self.newest { &mut to } else { &mut from }) = format!("({}", entry.id);
                if self.matches(&entry) {
                    found.entries.push(entry);
                }
            }
            if is_last {
                return Ok(found);
            }
            if found.scanned == SCANNED || found.entries.len() == self.count {
                found.next = Some(if self.newest { to } else { from });
                return Ok(found);
            }
        }
    }
}

/// Whether a text occurs in a name or a value.
pub(crate) fn contains(fields: &[(Vec<u8>, Vec<u8>)], text: &[u8]) -> bool {
    let finder = memmem::Finder::new(text);
    fields.iter().any(|(name, value)| finder.find(name).is_some() || finder.find(value).is_some())
}

fn size(entry: &Entry) -> usize {
    entry.fields.iter().flatten().map(|(name, value)| name.len() + value.len()).sum()
}

/// `Entry`.
pub(crate) fn entry_row(entry: &Entry) -> Value {
    json!({ "id": entry.id, "at": time_of(&entry.id), "fields": fields_row(entry) })
}

fn fields_row(entry: &Entry) -> Option<Vec<[Value; 2]>> {
    let fields = entry.fields.as_ref()?;
    Some(fields.iter().map(|(name, value)| [shown(name), shown(value)]).collect())
}

/// `GET /streams/{key}/entries`
pub(crate) async fn list(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    page(&site, caller, &asked, entry_row).await
}

/// `GET /dead/{key}/entries`
pub(crate) async fn dead(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    page(&site, caller, &asked, |entry| {
        let mut row = object(entry_row(entry));
        row.insert("dead".to_owned(), super::dead::provenance(entry));
        row.into()
    })
    .await
}

async fn page(site: &Site, caller: Caller, asked: &Asked, row: fn(&Entry) -> Value) -> Answer {
    let (db, key, wanted) = (asked.db()?, asked.key(), Wanted::of(asked)?);
    let job = move |client: &mut Client| {
        let found = wanted.read(client, &key)?;
        if found.entries.is_empty() {
            // Of a key that is not there XRANGE says only that it is empty.
            client.call(&[&b"XINFO"[..], b"GROUPS", &key])?;
        }
        let entries: Vec<Value> = found.entries.iter().map(row).collect();
        Ok(Json(json!({ "entries": entries, "next": found.next, "scanned": found.scanned })))
    };
    site.pool.ask(caller.way, db, job).await
}

/// `GET /streams/{key}/entries/{id}`
pub(crate) async fn one(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let (db, key) = (asked.db()?, asked.key());
    let id = String::from_utf8(asked.part()).map_err(|_| Problem::bad("that is no ID"))?;
    let job = move |client: &mut Client| {
        let found = view::entries(client, &key, (&id, &id), false, 1)?;
        let entry = found.first().ok_or_else(|| Problem::missing("there is no entry with this ID"))?;
        Ok(Json(entry_row(entry)))
    };
    site.pool.ask(caller.way, db, job).await
}

/// Which pending entries a request is about.
pub(crate) fn pending_filter(asked: &Asked) -> Result<PendingFilter, Problem> {
    Ok(PendingFilter {
        consumer: asked.bytes("consumer"),
        min_idle: asked.number("min_idle", 0, i64::MAX as u64)? as i64,
        min_deliveries: asked.number("min_deliveries", 0, i64::MAX as u64)? as i64,
        from: asked.text("from", "")?,
        to: asked.text("to", "")?,
    })
}

/// `GET /streams/{key}/groups/{group}/pending`
pub(crate) async fn pending(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let (db, key, group) = (asked.db()?, asked.key(), asked.part());
    let (mut filter, count) = (pending_filter(&asked)?, asked.number("count", 50, ENTRIES)?.max(1) as usize);
    let payload = asked.flag("payload", true)?;
    let job = move |client: &mut Client| {
        let (mut found, mut next, mut scanned) = (Vec::new(), None, 0);
        while found.len() < count && scanned < SCANNED {
            let step = if filter.min_deliveries > 0 { TOGETHER } else { (count - found.len()) as u64 };
            let (page, more) = view::pending(client, &key, &group, &filter, step)?;
            scanned += step;
            let room = count - found.len();
            let is_cut = page.len() > room;
            found.extend(page.into_iter().take(room));
            next = match (is_cut, found.last(), more) {
                (true, Some(last), _) => Some(format!("({}", last.id)),
                (_, _, more) => more,
            };
            let Some(from) = &next else { break };
            filter.from.clone_from(from);
        }
        let fields = if payload { payloads(client, &key, &found)? } else { Vec::new() };
        let row = |(at, one): (usize, &Pending)| pending_row(one, fields.get(at));
        let rows: Vec<Value> = found.iter().enumerate().map(row).collect();
        Ok(Json(json!({ "pending": rows, "next": next })))
    };
    site.pool.ask(caller.way, db, job).await
}

fn payloads(client: &mut Client, key: &[u8], pending: &[Pending]) -> Result<Vec<Entry>, Problem> {
    let ids: Vec<String> = pending.iter().map(|one| one.id.clone()).collect();
    Ok(view::entries_by_id(client, key, &ids)?)
}

fn pending_row(one: &Pending, entry: Option<&Entry>) -> Value {
    let mut row = json!({
        "id": one.id,
        "consumer": (!one.consumer.is_empty()).then(|| shown(&one.consumer)),
        "idle_ms": (one.idle >= 0).then_some(one.idle),
        "deliveries": one.deliveries,
    });
    if let Some(entry) = entry {
        row["fields"] = fields_row(entry).into();
    }
    row
}
