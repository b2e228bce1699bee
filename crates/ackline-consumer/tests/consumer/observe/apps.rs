//! Several consumers in one process.

use super::{memory, until};
use ackline_consumer::{App, Batch, Client, HealthState, Json, Message};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

/// A handler that never ends, and counts how often it has begun.
fn endless(
    client: &Client,
    stream: &str,
    begun: &Arc<AtomicUsize>,
) -> ackline_consumer::Consumer<impl ackline_consumer::Work + use<>> {
    let begun = Arc::clone(begun);
    client.consume(stream, "g").handler(move |_: Message| {
        begun.fetch_add(1, Ordering::SeqCst);
        std::future::pending::<()>()
    })
}

async fn pending(client: &Client, stream: &str) -> usize {
    let subscription = client.consume(stream, "g").name("looks").subscribe().await.unwrap();
    let mut count = 0;
    while let Ok(Some(delivery)) = tokio::time::timeout(Duration::from_millis(200), subscription.next()).await
    {
        count += 1;
        delivery.ack().await.unwrap();
    }
    subscription.close().await;
    count
}

#[tokio::test]
async fn consumers_of_any_handler_run_until_the_end() {
    let client = memory().await;
    let done = Arc::new(AtomicUsize::new(0));
    let (one, other) = (Arc::clone(&done), Arc::clone(&done));
    let app = App::new()
        .add(client.consume("a", "g").handler(move |_: Json<u32>| {
            one.fetch_add(1, Ordering::SeqCst);
            async {}
        }))
        .add(client.consume("b", "g").batch_handler(10, Duration::ZERO, move |batch: Batch<Message>| {
            other.fetch_add(batch.items.len(), Ordering::SeqCst);
            async {}
        }));
    let probe = app.probe();
    assert_eq!(probe.health().state, HealthState::Starting);
    client.add("a", Json(1)).await.unwrap();
    client.add("b", Json(2)).await.unwrap();
    app.run_until(until(|| done.load(Ordering::SeqCst) == 2)).await.unwrap();
    assert_eq!(probe.health().state, HealthState::Stopped);
    assert_eq!((pending(&client, "a").await, pending(&client, "b").await), (0, 0));
}

#[tokio::test]
async fn if_one_cannot_start_the_others_stop() {
    let client = memory().await;
    client.add("a", Json(1)).await.unwrap();
    let engine = ackline::Ackline::memory();
    let broken = Client::embedded(engine.clone());
    engine.command(&["SET", "b", "no stream"]).unwrap();
    let begun = Arc::default();
    let app = App::new()
        .add(endless(&client, "a", &begun))
        .add(endless(&broken, "b", &begun))
        .drain(Duration::ZERO);
    let probe = app.probe();
    let error = app.run().await.unwrap_err();
    assert!(error.to_string().starts_with("WRONGTYPE"), "{error}");
    assert_eq!(probe.health().state, HealthState::Stopped);
    assert_eq!(pending(&client, "a").await, 1);
}

#[tokio::test]
async fn the_drain_of_the_app_is_that_of_all() {
    let client = memory().await;
    client.add("a", Json(1)).await.unwrap();
    client.add("b", Json(1)).await.unwrap();
    let begun = Arc::default();
    let app = App::new().add(endless(&client, "a", &begun)).add(endless(&client, "b", &begun));
    // By itself each would wait for 15 seconds, and nobody ends.
    let app = app.drain(Duration::from_millis(10));
    app.run_until(until(|| begun.load(Ordering::SeqCst) == 2)).await.unwrap();
    assert_eq!((pending(&client, "a").await, pending(&client, "b").await), (1, 1));
}

#[tokio::test]
async fn an_abort_waits_for_no_handler() {
    let client = memory().await;
    client.add("a", Json(1)).await.unwrap();
    let begun = Arc::default();
    let app = App::new().add(endless(&client, "a", &begun)).drain(Duration::from_secs(1_000_000));
    let running = app.start().await.unwrap();
    until(|| running.health().in_flight == 1).await;
    running.abort().await.unwrap();
    assert_eq!(pending(&client, "a").await, 1);
}

/// In a process of its own: others of this one may listen too.
#[cfg(unix)]
#[test]
fn the_first_signal_drains_and_the_second_aborts() {
    const ALONE: &str = "ACKLINE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return tokio::runtime::Runtime::new().unwrap().block_on(signalled_twice());
    }
    let name = std::thread::current().name().unwrap().to_owned();
    let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
    let output = alone.args(["--exact", &name]).env(ALONE, "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[cfg(unix)]
async fn signalled_twice() {
    let client = memory().await;
    client.add("a", Json(1)).await.unwrap();
    let begun = Arc::default();
    let app = App::new().add(endless(&client, "a", &begun)).drain(Duration::from_secs(1_000_000));
    let probe = app.probe();
    let (tell, told) = oneshot::channel();
    let run = tokio::spawn(async move { tell.send(app.run().await).unwrap() });
    until(|| probe.health().in_flight == 1).await;
    signal("TERM");
    until(|| probe.health().state == HealthState::Draining).await;
    assert_eq!(probe.health().in_flight, 1);
    signal("INT");
    told.await.unwrap().unwrap();
    run.await.unwrap();
    assert_eq!(probe.health().state, HealthState::Stopped);
    assert_eq!(pending(&client, "a").await, 1);
}

/// Sends this process a signal, which it listens for by now.
#[cfg(unix)]
fn signal(name: &str) {
    let id = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
}

#[tokio::test]
async fn an_app_without_consumers_runs_until_its_end() {
    App::new().run_until(async {}).await.unwrap();
    assert_eq!(App::new().probe().health().state, HealthState::Starting);
}
