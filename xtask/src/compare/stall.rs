//! What others notice when a connection does away with very much at once: the longest delay of a PING.

use super::cases::Metric;
use super::client::Client;
use super::fill::{self, GROUP, HOLDER, KEY};
use super::lab::{Kind, Lab};
use super::server::{Durability, Server};
use super::unit::Row;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// What does away with a million entries, pending entries, or both.
const COMMANDS: [(&str, &[&str]); 4] = [
    ("delconsumer", &["XGROUP", "DELCONSUMER", KEY, GROUP, HOLDER]),
    ("destroy", &["XGROUP", "DESTROY", KEY, GROUP]),
    ("trim", &["XTRIM", KEY, "MAXLEN", "0"]),
    ("del", &["DEL", KEY]),
];
/// Somebody else's work goes on for a while behind the reply.
const AFTER: Duration = Duration::from_millis(300);

/// All commands on one server.
pub(super) fn run(lab: &Lab, kind: Kind) -> Result<Vec<Row>, String> {
    let place = lab.place()?;
    let server = Server::start(lab, kind, 1, Durability::None, &place.0)?;
    let mut client = server.client()?;
    let mut rows = Vec::new();
    for (name, words) in COMMANDS {
        prepare(&mut client, lab.scaled(1_000_000))?;
        let delay = longest(server.client()?, || {
            sleep(Duration::from_millis(50));
            client.ask(words)?;
            sleep(AFTER);
            Ok(())
        })?;
        rows.push((format!("stall/{name}"), vec![(Metric::Milliseconds, delay)]));
    }
    Ok(rows)
}

/// All entries, all of them pending; what the command before has left is used again.
fn prepare(client: &mut Client, count: u64) -> Result<(), String> {
    if client.number(&["XLEN", KEY])? as u64 != count {
        client.ask(&["DEL", KEY])?;
        sleep(AFTER);
        return fill::all(client, count);
    }
    // It is there if only its consumer went.
    let _ = client.ask(&["XGROUP", "CREATE", KEY, GROUP, "0"]);
    client.ask(&["XGROUP", "SETID", KEY, GROUP, "0"])?;
    fill::deliver(client, count)
}

/// Milliseconds of the slowest PING while something else is done.
fn longest(mut client: Client, work: impl FnOnce() -> Result<(), String>) -> Result<f64, String> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let pings = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !done.load(Relaxed) {
                let start = Instant::now();
                client.ask(&["PING"])?;
                longest = longest.max(start.elapsed());
            }
            Ok(longest.as_secs_f64() * 1000.0)
        });
        let outcome = work();
        done.store(true, Relaxed);
        let longest = pings.join().map_err(|_| "the thread of the PINGs panicked")?;
        outcome.and(longest)
    })
}
