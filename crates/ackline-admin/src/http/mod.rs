//! The admin port: the console, a JSON API under it, and health.
//!
//! ```text
//! listen ── guard ── routes ──┬── pages, actions ── pool ──► commands, as the caller
//!                             ├── tail (events), series ◄── samples, taken each second
//!                             └── console (files), health
//! caller   who asks: token, password, cookie, or nobody            sessions, standing, throttle
//! ```
//!
//! Everything that is read or done is a command on a connection of the caller's user, so that access control, the log and the
//! gate hold here as everywhere. One thread turns the requests; what blocks runs on a few others.

mod actions;
mod asked;
mod caller;
mod console;
mod crowd;
mod guard;
mod health;
mod info;
mod listen;
mod login;
mod metrics;
mod openapi;
mod pages;
mod patient;
mod pool;
mod problem;
mod routes;
mod rows;
mod samples;
mod series;
mod sessions;
mod site;
mod standing;
mod tail;
mod text;
mod throttle;

use ackline_server::Handle;
use site::Site;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Threads for what blocks: those of requests, and some for checks of health.
const BLOCKING: usize = pool::AT_ONCE + site::CHECKS;

/// How soon the port closes when the server ends.
const STOP: Duration = Duration::from_millis(100);

/// Starts the admin port where `admin-bind` and `admin-port` say, on a thread of its own. It ends with the server.
///
/// # Errors
///
/// A port that was asked for is taken, or everybody could come in from the network without a password.
pub fn serve(handle: Handle) -> Result<(), String> {
    let listeners = listen::doors(handle.config())?;
    if listeners.is_empty() {
        return Ok(());
    }
    let doors: Result<Vec<SocketAddr>, _> = listeners.iter().map(TcpListener::local_addr).collect();
    let doors = doors.map_err(|error| format!("the admin port: {error}"))?;
    let site = Arc::new(Site::new(handle, doors));
    refuse_if_open(&site)?;
    tell(&site);
    samples::start(site.handle.clone(), Arc::clone(&site.pool), Arc::clone(&site.samples))
        .map_err(|error| format!("the admin port: {error}"))?;
    let thread = thread::Builder::new().name("admin".into());
    thread.spawn(move || turn(site, listeners)).map(drop).map_err(|error| format!("the admin port: {error}"))
}

fn tell(site: &Site) {
    for door in &site.doors {
        tracing::info!("Console: http://{door}");
    }
}

fn turn(site: Arc<Site>, listeners: Vec<TcpListener>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = match builder.enable_all().max_blocking_threads(BLOCKING).thread_name("admin-work").build()
    {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!("there is no console: {error}"),
    };
    runtime.block_on(async {
        let (router, room) = (routes::router(Arc::clone(&site)), listen::Room::default());
        for listener in listeners {
            tokio::spawn(listen::accept(listener, router.clone(), room.clone()));
        }
        while !site.handle.is_stopping() {
            tokio::time::sleep(STOP).await;
        }
    });
    runtime.shutdown_background();
}

/// Refuses to let everybody in the network be operator.
fn refuse_if_open(site: &Site) -> Result<(), String> {
    let is_public = site.doors.iter().any(|door| !door.ip().is_loopback());
    if !is_public || site.has_token() || !site.handle.config().flag("protected-mode") {
        return Ok(());
    }
    match site.standings.is_open(&site.pool) {
        Ok(false) => Ok(()),
        Ok(true) => {
            Err("admin-bind is reachable from the network, and nobody would be asked for a password: set \
                         admin-token, a password of the default user (requirepass), or protected-mode no"
                .to_owned())
        }
        Err(error) => Err(format!("the admin port: {error}")),
    }
}
