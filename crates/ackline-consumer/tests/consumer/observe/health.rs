//! Health: what is told, and when it changes.

use super::{memory, until};
use ackline::Ackline;
use ackline_consumer::{Client, HealthState, Json, Message};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

#[tokio::test]
async fn counts_what_is_held_and_worked_on() {
    let client = memory().await;
    for n in 0..5 {
        client.add("s", Json(n)).await.unwrap();
    }
    let gate = Arc::new(Semaphore::new(0));
    let pass = Arc::clone(&gate);
    let handler = move |_: Message| {
        let pass = Arc::clone(&pass);
        async move { pass.acquire().await.unwrap().forget() }
    };
    let running = client.consume("s", "g").concurrency(2).handler(handler).start().await.unwrap();
    until(|| running.health().in_flight == 2).await;
    until(|| running.health().oldest_in_flight > Duration::ZERO).await;
    let health = running.health();
    assert_eq!((health.held, health.in_flight, health.delayed, health.lost), (3, 2, 0, 0));
    assert_eq!(health.state, HealthState::Reading);
    assert!(health.is_healthy() && health.last_read_at.is_some());

    let probe = running.probe();
    gate.add_permits(1);
    let stopped = tokio::spawn(running.stop());
    until(|| probe.health().state == HealthState::Draining).await;
    assert!(probe.health().is_healthy());
    gate.add_permits(4);
    stopped.await.unwrap().unwrap();
    let health = probe.health();
    assert_eq!((health.state, health.held, health.in_flight), (HealthState::Stopped, 0, 0));
}

#[tokio::test]
async fn what_fails_waits_for_its_next_try() {
    let client = memory().await;
    client.add("s", Json(1)).await.unwrap();
    let handler = |_: Message| async { Err::<(), _>(anyhow::anyhow!("no")) };
    let running = client.consume("s", "g").handler(handler).start().await.unwrap();
    until(|| running.health().delayed == 1).await;
    let health = running.health();
    assert_eq!((health.in_flight, health.oldest_in_flight), (0, Duration::ZERO));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_group_that_is_gone_is_a_trouble_that_passes() {
    let engine = Ackline::memory();
    let client = Client::embedded(engine.clone());
    let subscription = client.consume("s", "g").subscribe().await.unwrap();
    until(|| subscription.health().state == HealthState::Reading).await;
    let before = subscription.health().last_read_at;
    engine.command(&["DEL", "s"]).unwrap();
    client.add("s", Json(1)).await.unwrap();
    subscription.next().await.unwrap().ack().await.unwrap();
    until(|| subscription.health().state == HealthState::Reading).await;
    assert!(subscription.health().last_read_at > before);
    subscription.close().await;
}

#[tokio::test]
async fn an_engine_that_is_closed_makes_it_retry() {
    let engine = Ackline::memory();
    let client = Client::embedded(engine.clone());
    let consume = client.consume("s", "g").block(Duration::from_millis(5));
    let running = consume.handler(|_: Message| async {}).start().await.unwrap();
    until(|| running.health().state == HealthState::Reading).await;
    engine.close().unwrap();
    until(|| !running.health().is_healthy()).await;
    let HealthState::Retrying { stream, error, .. } = running.health().state else {
        panic!("{}", running.health());
    };
    assert_eq!(stream, "s");
    assert!(running.health().to_string().contains(&error.to_string()));
    running.stop().await.unwrap();
}
