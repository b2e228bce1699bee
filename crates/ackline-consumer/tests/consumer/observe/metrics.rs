//! Metrics, as a recorder gets them.

use super::{memory, until};
use ackline_consumer::{Add, Backoff, Client, Consume, Json, Message, Nack, Outcome, Poison, Reject};
use metrics::LocalRecorderGuard;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything that was counted so far.
struct Counted {
    snapshotter: Snapshotter,
    /// What a snapshot shows of counters is gone from the next.
    counters: BTreeMap<String, u64>,
    gauges: BTreeMap<String, f64>,
    samples: BTreeMap<String, usize>,
}

/// For all that this thread makes, until the guard is gone.
fn recorder() -> (Counted, LocalRecorderGuard<'static>) {
    let recorder: &'static DebuggingRecorder = Box::leak(Box::default());
    let snapshotter = recorder.snapshotter();
    let counted =
        Counted { snapshotter, counters: BTreeMap::new(), gauges: BTreeMap::new(), samples: BTreeMap::new() };
    (counted, metrics::set_default_local_recorder(recorder))
}

impl Counted {
    fn look(&mut self) -> &Counted {
        for (key, unit, text, value) in self.snapshotter.snapshot().into_vec() {
            assert!(unit.is_some() && text.is_some(), "{key:?} is not described");
            let name = key.key().name().strip_prefix("ackline_consumer_").unwrap();
            let labels = key.key().labels().map(|label| format!(" {}={}", label.key(), label.value()));
            let told = labels.filter(|label| ![" stream=s", " group=g"].contains(&label.as_str()));
            let key = format!(
                "{name}{}",
                told.filter(|label| !label.starts_with(" consumer=")).collect::<String>()
            );
            match value {
                DebugValue::Counter(count) => *self.counters.entry(key).or_default() += count,
                // A snapshot sets them back to zero.
                DebugValue::Gauge(value) if value.0 == 0.0 => {}
                DebugValue::Gauge(value) => drop(self.gauges.insert(key, value.0)),
                DebugValue::Histogram(values) => *self.samples.entry(key).or_default() += values.len(),
            }
        }
        self
    }

    /// The counts above zero whose key begins so.
    fn of(&mut self, name: &str) -> Vec<String> {
        let counts = self.look().counters.iter().filter(|(key, count)| key.starts_with(name) && **count > 0);
        counts.map(|(key, count)| format!("{key} {count}")).collect()
    }

    fn sum(&mut self, name: &str) -> u64 {
        let counts = self.look().counters.iter().filter(|(key, _)| key.starts_with(name));
        counts.map(|(_, count)| count).sum()
    }
}

async fn fill(client: &Client, entries: u32) {
    for n in 0..entries {
        client.add("s", Json(n)).await.unwrap();
    }
}

fn consume(client: &Client) -> Consume {
    client.consume("s", "g").backoff(Backoff::NONE).max_deliveries(2)
}

#[tokio::test]
async fn each_ending_is_counted_under_its_name() {
    let (mut counted, _guard) = recorder();
    let client = memory().await;
    fill(&client, 7).await;
    let handler = |Json(n): Json<u32>, message: Message| async move {
        match n {
            0 => Ok(Outcome::Ack),
            1 => Ok(Outcome::AckAnd(vec![Add::to("t", Json(n))])),
            2 if message.deliveries() == 1 => Ok(Outcome::Nack(None)),
            3 => Err(anyhow::Error::from(Reject::because("no"))),
            4 => Err(anyhow::anyhow!("fails each time")),
            5 => panic!("fails each time"),
            _ => Ok(Outcome::Done),
        }
    };
    let running = consume(&client).handler(handler).start().await.unwrap();
    until(|| counted.sum("settled") == 10).await;
    running.stop().await.unwrap();

    assert_eq!(
        counted.of("settled"),
        [
            "settled_total outcome=acked 4",
            "settled_total outcome=dead_lettered 3",
            "settled_total outcome=nacked 3",
        ]
    );
    assert_eq!(counted.of("failures"), ["failures_total kind=error 2", "failures_total kind=panic 2"]);
    assert_eq!(counted.of("received"), ["received_total 10"]);
    assert_eq!(counted.of("redelivered"), ["redelivered_total 3"]);
    assert_eq!(counted.of("produced"), ["produced_total 7", "produced_total stream=t 1"]);
    let samples = &counted.look().samples;
    assert_eq!(samples["handler_duration_seconds"], 10);
    assert!(samples["settle_duration_seconds"] > 0);
}

#[tokio::test]
async fn poison_that_is_discarded_counts_as_rejected_and_what_cannot_be_read_as_malformed() {
    let (mut counted, _guard) = recorder();
    let client = memory().await;
    client.add("s", [("data", "no number")]).await.unwrap();
    let running =
        consume(&client).poison(Poison::Discard).handler(|_: Json<u32>| async {}).start().await.unwrap();
    until(|| counted.of("settled") == ["settled_total outcome=rejected 1"]).await;
    assert_eq!(counted.of("failures"), ["failures_total kind=malformed 1"]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_delivery_that_is_dropped_is_abandoned_and_one_that_nobody_began_is_released() {
    let (mut counted, _guard) = recorder();
    let client = memory().await;
    fill(&client, 2).await;
    let subscription = consume(&client).subscribe().await.unwrap();
    drop(subscription.next().await.unwrap());
    subscription.close().await;
    assert_eq!(
        counted.of("settled"),
        [
            "settled_total outcome=abandoned 1",
            "settled_total outcome=nacked 1",
            "settled_total outcome=released 1"
        ]
    );
}

#[tokio::test]
async fn what_was_idle_for_a_lease_is_taken_over_and_what_was_given_back_is_not() {
    let (mut counted, _guard) = recorder();
    let engine = ackline::Ackline::memory();
    let client = Client::embedded(engine.clone());
    fill(&client, 1).await;
    let id = client.add("s", Json(1)).await.unwrap();
    // Somebody who has read both, given one back, and died.
    engine.command(&["XGROUP", "CREATE", "s", "g", "0"]).unwrap();
    engine.command(&["XREADGROUP", "GROUP", "g", "dead", "STREAMS", "s", ">"]).unwrap();
    engine.command(&["XNACK", "s", "g", "FAIL", "IDS", "1", &id.to_string()]).unwrap();
    let heir = consume(&client).lease(Duration::from_millis(20)).subscribe().await.unwrap();
    for _ in 0..2 {
        heir.next().await.unwrap().ack().await.unwrap();
    }
    assert_eq!(counted.of("claimed"), ["claimed_total 1"]);
    assert_eq!(counted.of("redelivered"), ["redelivered_total 2"]);
    heir.close().await;
}

#[tokio::test]
async fn the_group_is_watched() {
    let (mut counted, _guard) = recorder();
    let client = memory().await;
    fill(&client, 5).await;
    client.add("s:dead", Json("dead")).await.unwrap();
    let often = Duration::from_millis(5);
    let subscription = consume(&client).prefetch(1).watch_group(often).subscribe().await.unwrap();
    let delivery = subscription.next().await.unwrap();
    let mut gauge = |name: &str| counted.look().gauges.get(name).copied();
    until(|| gauge("group_pending") == Some(2.0) && gauge("group_lag") == Some(3.0)).await;
    until(|| gauge("dead_letters") == Some(1.0) && gauge("group_oldest_pending_age_seconds") > Some(0.0))
        .await;
    until(|| gauge("in_flight") == Some(1.0) && gauge("held") == Some(1.0)).await;
    delivery.ack().await.unwrap();
    subscription.close().await;
}

#[tokio::test]
async fn a_group_that_is_made_again_is_counted() {
    let (mut counted, _guard) = recorder();
    let engine = ackline::Ackline::memory();
    let client = Client::embedded(engine.clone());
    let running =
        consume(&client).handler(|_: Json<u32>| async { Err::<(), _>(Nack::now()) }).start().await.unwrap();
    engine.command(&["XGROUP", "DESTROY", "s", "g"]).unwrap();
    until(|| counted.of("groups_recreated").len() == 1).await;
    assert_eq!(counted.of("read_errors"), ["read_errors_total 1"]);
    assert_eq!(counted.of("reconnects"), [""; 0]);
    running.stop().await.unwrap();
}
