//! How long a server takes from its start to its first answer, with a million entries that are all pending.

use super::cases::Metric;
use super::fill::{self, KEY};
use super::lab::{Kind, Lab};
use super::server::{Durability, Server};
use super::unit::Row;
use std::path::Path;
use std::time::Instant;

/// From the log alone, and from a snapshot. All are stopped by SIGKILL.
pub(super) fn run(lab: &Lab, kind: Kind) -> Result<Vec<Row>, String> {
    let (place, count) = (lab.place()?, lab.scaled(1_000_000));
    let server = Server::start(lab, kind, 1, Durability::EverySec, &place.0)?;
    let mut client = server.client()?;
    fill::all(&mut client, count)?;
    let log = client.info("persistence", "aof_current_size")?;
    drop(server);
    let (server, seconds) = start(lab, kind, Durability::EverySec, &place.0, count)?;
    let mut rows = vec![row("log", seconds, Some(log))];
    server.client()?.ask(&["SAVE"])?;
    drop(server);
    // What the peers read their snapshot with is the server that keeps no log.
    let durability = if kind.is_peer() { Durability::None } else { Durability::EverySec };
    let (_server, seconds) = start(lab, kind, durability, &place.0, count)?;
    rows.push(row("snapshot", seconds, None));
    Ok(rows)
}

fn row(name: &str, seconds: f64, log: Option<u64>) -> Row {
    let bytes = log.map(|bytes| (Metric::Bytes, bytes as f64));
    (format!("restart/{name}"), [(Metric::Seconds, seconds)].into_iter().chain(bytes).collect())
}

/// Starts it and looks whether everything is there.
fn start(
    lab: &Lab,
    kind: Kind,
    durability: Durability,
    dir: &Path,
    count: u64,
) -> Result<(Server, f64), String> {
    let began = Instant::now();
    let server = Server::start(lab, kind, 1, durability, dir)?;
    let mut client = server.client()?;
    let entries = client.number(&["XLEN", KEY])? as u64;
    let seconds = began.elapsed().as_secs_f64();
    match (entries, fill::pending(&mut client)?) {
        found if found == (count, count) => Ok((server, seconds)),
        (entries, pending) => Err(format!("{entries} entries and {pending} pending ones after the start")),
    }
}
