//! Whether the server is alive, and whether it is of use.

use super::info::Info;
use super::pool::Way;
use super::site::Site;
use crate::client::{Client, Error};
use ackline_server::Who;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::Duration;

/// How long a PING may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// `GET /healthz`: a PING went through a session and came back. That the data is still being loaded is no illness.
pub(crate) async fn alive(State(site): State<Arc<Site>>) -> Response {
    let Ok(permit) = Arc::clone(&site.checks).try_acquire_owned() else {
        return say(503, "too many checks at once");
    };
    let handle = site.handle.clone();
    let ping = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut client = Client::over(handle.connect(Who::Operator)?);
        client.set_patience(Some(DEADLINE))?;
        client.call(&["PING"])
    });
    match ping.await {
        Ok(Ok(_)) => say(200, "ok"),
        Ok(Err(Error::Server(text))) if text.starts_with("LOADING") => say(200, "ok, loading"),
        Ok(Err(error)) => say(503, &error.to_string()),
        Err(_) => say(503, "the server is about to end"),
    }
}

/// `GET /readyz`: it takes commands, and can keep what they write.
pub(crate) async fn ready(State(site): State<Arc<Site>>) -> Response {
    if site.handle.is_loading() {
        return say(503, "loading");
    }
    if site.handle.is_stopping() {
        return say(503, "stopping");
    }
    match site.pool.ask(Way::As(Who::Operator), 0, |client| Ok(Info::ask(client)?)).await {
        Ok(info) if info.text("aof_last_write_status") == "err" => say(503, "the log cannot be written"),
        Ok(_) => say(200, "ok"),
        Err(problem) => say(503, problem.message()),
    }
}

fn say(status: u16, text: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    (status, format!("{text}\n")).into_response()
}
