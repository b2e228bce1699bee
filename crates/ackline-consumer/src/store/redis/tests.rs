mod cluster;
mod reading;
mod server;
mod tls;
mod watched;

#[path = "../../../tests/consumer/peers.rs"]
mod peers;

use super::{PATIENCE, Redis};
use crate::error::Result;
use crate::store::{Command, Value};
use peers::{DEADLINE, Kind, Server};
use std::time::{Duration, Instant};

/// Less than what is waited for outside of tests, where a test waits for the end of it.
const SHORT: Duration = Duration::from_millis(500);

/// The wait of reads that are to be woken: a test that has to sit it out fails by its deadline.
const LONG: Duration = Duration::from_secs(600);

fn open(url: &str) -> Redis {
    Redis::patient(url.parse().unwrap(), PATIENCE).unwrap()
}

/// A command of words.
fn words<const N: usize>(words: [&str; N]) -> Command {
    let name = ["PING", "XADD", "XREADGROUP", "XGROUP", "SET", "GET", "XLEN", "EVAL"];
    let name = name.into_iter().find(|name| *name == words[0]).unwrap_or("OTHER");
    if name == "OTHER" {
        return words.into_iter().fold(Command::default(), Command::arg);
    }
    words[1..].iter().fold(Command::new(name), Command::arg)
}

/// A read of a group that blocks.
fn read(stream: &str, block: Duration) -> Command {
    let group =
        words(["XREADGROUP", "GROUP", "g", "c", "COUNT", "10", "BLOCK"]).int(block.as_millis() as u64);
    group.arg("STREAMS").key(stream).arg(">")
}

async fn call(redis: &Redis, command: Command) -> Result<Value> {
    redis.pipeline(&[command]).await?.pop().unwrap().into_result()
}

/// Runs a command until it succeeds: after a fault, which surely passes.
async fn insist(redis: &Redis, command: impl Fn() -> Command) -> Value {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match call(redis, command()).await {
            Ok(value) => return value,
            Err(error) => {
                assert!(error.is_transient(), "{error}");
                assert!(Instant::now() < deadline, "still: {error}");
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The same against each kind of server that is here.
async fn each(test: impl AsyncFn(Server, Redis)) {
    for kind in Kind::ALL {
        if let Some(server) = Server::start(kind) {
            let redis = open(&server.url());
            tokio::time::timeout(DEADLINE, test(server, redis))
                .await
                .unwrap_or_else(|_| panic!("{kind:?} hangs"));
        }
    }
}
