//! Whether the server is alive, and whether it is of use.

use super::info::Info;
use super::site::Site;
use crate::client::{Client, Error};
use ackline_server::{Handle, Who};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long a command may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// How long an outcome stands for whoever asks. Anybody may, and the server is not to be kept busy with it.
const FRESH: Duration = Duration::from_millis(250);

/// The last outcome of a check: a status and a text.
#[derive(Default)]
pub(crate) struct Check(Mutex<Option<(Instant, Outcome)>>);

type Outcome = (u16, String);

impl Check {
    /// The outcome of a check, or of one that was made just now. Who asks while one is made waits for it.
    async fn outcome(&self, site: &Site, check: fn(Handle) -> Outcome) -> Response {
        let mut last = self.0.lock().await;
        if let Some((at, (status, text))) = &*last
            && at.elapsed() < FRESH
        {
            return say(*status, text);
        }
        let Ok(permit) = Arc::clone(&site.checks).try_acquire_owned() else {
            return say(503, "too many checks at once");
        };
        let handle = site.handle.clone();
        let made = tokio::task::spawn_blocking(move || {
            // Also if who asked has gone away meanwhile: as long as this runs.
            let _permit = permit;
            check(handle)
        });
        let (status, text) = made.await.unwrap_or((503, "the server is about to end".to_owned()));
        let answer = say(status, &text);
        *last = Some((Instant::now(), (status, text)));
        answer
    }
}

/// `GET /healthz`: a PING went through a session and came back. That the data is still being loaded is no illness.
pub(crate) async fn alive(State(site): State<Arc<Site>>) -> Response {
    site.alive.outcome(&site, ping).await
}

fn ping(handle: Handle) -> Outcome {
    match connect(&handle).and_then(|mut client| client.call(&["PING"])) {
        Ok(_) => (200, "ok".to_owned()),
        Err(Error::Server(text)) if text.starts_with("LOADING") => (200, "ok, loading".to_owned()),
        Err(error) => (503, error.to_string()),
    }
}

fn connect(handle: &Handle) -> Result<Client, Error> {
    let mut client = Client::over(handle.connect(Who::Operator)?);
    client.set_patience(Some(DEADLINE))?;
    Ok(client)
}

/// `GET /readyz`: it takes commands, and can keep what they write.
pub(crate) async fn ready(State(site): State<Arc<Site>>) -> Response {
    if site.handle.is_loading() {
        return say(503, "loading");
    }
    if site.handle.is_stopping() {
        return say(503, "stopping");
    }
    site.ready.outcome(&site, look).await
}

fn look(handle: Handle) -> Outcome {
    match connect(&handle).and_then(|mut client| Info::ask(&mut client)) {
        Ok(info) if info.text("aof_last_write_status") == "err" => {
            (503, "the log cannot be written".to_owned())
        }
        Ok(_) => (200, "ok".to_owned()),
        Err(error) => (503, error.to_string()),
    }
}

fn say(status: u16, text: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    (status, format!("{text}\n")).into_response()
}
