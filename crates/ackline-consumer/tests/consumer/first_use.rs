//! What whoever uses the library for the first time ran into.

use ackline_consumer::{Backoff, Batch, Client, Json, State};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

#[tokio::test]
async fn a_batch_fills_whatever_is_fetched_ahead() {
    let client = Client::open("memory:").await.unwrap();
    let (sizes, mut seen) = unbounded_channel();
    let handler = move |batch: Batch<Json<u32>>| {
        let sizes = sizes.clone();
        async move { sizes.send(batch.items.len()).unwrap() }
    };
    for number in 0..300_u32 {
        client.add("numbers", &Json(number)).await.unwrap();
    }
    let consumer = client.consume("numbers", "group").prefetch(10);
    let running = consumer.batch_handler(500, Duration::from_secs(1), handler).start().await.unwrap();
    for number in 300..500_u32 {
        client.add("numbers", &Json(number)).await.unwrap();
    }
    assert_eq!(seen.recv().await, Some(500));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_dead_letter_tells_the_last_error_and_its_causes_once() {
    async fn fail(Json(_): Json<u32>, tries: State<UnboundedSender<()>>) -> anyhow::Result<()> {
        use anyhow::Context;
        tries.send(())?;
        Err(anyhow::anyhow!("the disk is full")).context("saving")
    }
    let client = Client::open("memory:").await.unwrap();
    client.add("numbers", &Json(7)).await.unwrap();
    client.add("numbers", [("data", "seven")]).await.unwrap();
    let (tries, mut tried) = unbounded_channel();
    let consumer = client.consume("numbers", "group").max_deliveries(2).backoff(Backoff::NONE).state(tries);
    let running = consumer.handler(fail).start().await.unwrap();
    let dead = client.consume("numbers:dead", "operators").subscribe().await.unwrap();
    let mut told = Vec::new();
    for _ in 0..2 {
        let letter = dead.next().await.unwrap();
        let text = |name| letter.fields().text(name).unwrap().to_owned();
        told.push((text("dead-letter-reason"), text("dead-letter-error")));
        letter.ack().await.unwrap();
    }
    told.sort();
    let json = r#"cannot decode JSON: expected value at line 1 column 1, in "seven""#;
    let want = [("malformed", json), ("max-deliveries", "saving: the disk is full")];
    assert_eq!(told, want.map(|(reason, error)| (reason.to_owned(), error.to_owned())));
    assert_eq!((tried.recv().await, tried.recv().await), (Some(()), Some(())));
    running.stop().await.unwrap();
    dead.close().await;
}
