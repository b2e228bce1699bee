//! `GET /metrics`: the page for Prometheus, to whoever may look at the server. A scraper comes with a token or a password.
//!
//! `?match=PATTERN` chooses streams, `?streams=N` says how many at most, `?consumers=1` adds a series for each consumer.

use super::asked::Asked;
use super::caller::Caller;
use super::problem::Problem;
use super::site::Site;
use crate::client::Client;
use crate::metrics::{CONTENT_TYPE, Options, page};
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use std::sync::Arc;
use std::time::Duration;

/// Streams of a page at most, whatever is asked for.
const STREAMS_MAX: u64 = 100_000;

/// How long one waits for another's page: scrapers give up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn metrics(
    State(site): State<Arc<Site>>,
    caller: Caller,
    asked: Asked,
) -> Result<impl IntoResponse, Problem> {
    let defaults = Options::default();
    let options = Options {
        pattern: asked.bytes("match").unwrap_or(defaults.pattern),
        streams_max: asked.number("streams", defaults.streams_max as u64, STREAMS_MAX)? as usize,
        consumers: asked.flag("consumers", defaults.consumers)?,
    };
    // One page at a time: a large one is hundreds of megabytes, and many would take the places of all other requests.
    let turn = tokio::time::timeout(PATIENCE, Arc::clone(&site.scrapes).acquire_owned()).await;
    let turn =
        turn.ok().and_then(Result::ok).ok_or_else(|| Problem::busy("another page of metrics is made"))?;
    let handle = site.handle.clone();
    let make = move |client: &mut Client| {
        let _turn = turn;
        Ok(page(&handle, client, &options)?)
    };
    let text = site.pool.ask(caller.way, 0, make).await?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}
