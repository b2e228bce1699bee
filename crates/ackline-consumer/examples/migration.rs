//! One service, two places: nothing but the URL changes.
//!
//! ```text
//! cargo run -p ackline-consumer --example migration [URL] [URL]
//! cargo run -p ackline-consumer --example migration redis://old:6379 ackline:///var/lib/app
//! ```
//!
//! What lies in the old place is not moved by that. Into an Ackline server `ackline import redis://old:6379` copies streams,
//! groups and pending entries, so that the service goes on where it was: see `docs/migration.md`.

use ackline_consumer::{Add, Backoff, Client, Json, Message, Reject, State};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The service, which knows of no place: failures, retries, dead letters, what follows from a message.
async fn double(Json(number): Json<i64>, message: Message) -> anyhow::Result<Add> {
    if number < 0 {
        Err(Reject::because("negative"))?;
    }
    anyhow::ensure!(number != 3 || message.deliveries() == 2, "three takes two tries");
    Ok(Add::to("doubled", Json(number * 2)))
}

async fn note(Json(number): Json<i64>, message: Message, log: State<UnboundedSender<String>>) {
    let reason = message.header("dead-letter-reason").map(|reason| format!(" ({reason})"));
    // The example may have heard enough.
    let _ = log.send(format!("{} {number}{}", message.stream(), reason.unwrap_or_default()));
}

/// Everything that the service wrote, in any order.
async fn run(url: &str) -> anyhow::Result<Vec<String>> {
    let client = Client::open(url).await?;
    println!("at {}", client.peer());
    let (sender, mut log) = unbounded_channel();
    let service = client.consume("numbers", "doublers").backoff(Backoff::fixed(Duration::from_millis(50)));
    let service = service.handler(double).start().await?;
    let written = ["doubled".to_owned(), client.dead_letter_stream("numbers")];
    let observer = client.consume(written, "observers").state(sender).handler(note).start().await?;

    for number in [1, 2, 3, -4] {
        client.add("numbers", Json(number)).await?;
    }
    let lines = collect(&mut log).await?;
    service.stop().await?;
    observer.stop().await?;
    Ok(lines)
}

async fn collect(log: &mut UnboundedReceiver<String>) -> anyhow::Result<Vec<String>> {
    let mut lines = Vec::new();
    while lines.len() < 4 {
        lines.extend(tokio::time::timeout(Duration::from_secs(10), log.recv()).await?);
    }
    lines.sort();
    Ok(lines)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let first = std::env::args().nth(1).or_else(|| std::env::var("ACKLINE_URL").ok());
    let first = first.unwrap_or_else(|| "memory:".to_owned());
    let second = std::env::args().nth(2).unwrap_or_else(|| format!("ackline:{}", dir.path().display()));

    let before = run(&first).await?;
    let after = run(&second).await?;
    println!("both wrote {after:?}");
    assert_eq!(before, after);
    assert_eq!(after, ["doubled 2", "doubled 4", "doubled 6", "numbers:dead -4 (rejected)"]);
    Ok(())
}
