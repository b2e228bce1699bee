//! ruststream's own suites for brokers. They run against `ACKLINE_CONFORMANCE_URL`, `memory:` if that is not set, and again
//! in process.

use ackline_ruststream::ConnectedAckline;
use ackline_ruststream::prelude::*;
use ruststream::conformance::harness::{self, InProcessBroker};
use ruststream::conformance::helpers::unique_subject;
use ruststream::conformance::in_process::{self, Refusal};
use ruststream::conformance::message_shape::{self, OptionCases};
use ruststream::conformance::{capabilities, lifecycle, retry, settlement};
use ruststream::testing::Backlog;
use std::time::Duration;

/// An entry that nobody settles comes back after so long at the latest.
const LEASE: Duration = Duration::from_secs(2);

fn url() -> String {
    std::env::var("ACKLINE_CONFORMANCE_URL").unwrap_or_else(|_| "memory:".to_owned())
}

fn broker() -> AcklineBroker {
    AcklineBroker::new(url()).group("conformance").drain(Duration::from_secs(1))
}

/// Every broker that it makes is the same one: a server, or the one engine.
fn one_broker() -> impl Fn() -> AcklineBroker + Send + Sync + 'static {
    one_broker_of(broker())
}

fn one_broker_of(broker: AcklineBroker) -> impl Fn() -> AcklineBroker + Send + Sync + 'static {
    move || broker.clone()
}

fn source(stream: &str) -> AcklineStream {
    AcklineStream::new(stream.to_owned()).lease(LEASE)
}

fn publisher(connected: &ConnectedAckline) -> AcklinePublisher {
    connected.publisher()
}

#[tokio::test(flavor = "multi_thread")]
async fn routing_in_process() {
    harness::run_suite(broker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ladder() {
    harness::lifecycle(one_broker(), source, publisher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ladder_in_process() {
    let one = one_broker();
    harness::lifecycle(move || InProcessBroker::new(one()), source, publisher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_flushes() {
    lifecycle::shutdown_flushes(one_broker(), source, publisher, Backlog::Delivered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clones_close_together() {
    lifecycle::shared_handle_closes(broker, source, publisher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settlements_mean_what_they_say() {
    settlement::matches_in_process(one_broker(), source, publisher, LEASE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_moves_what_is_spent() {
    retry::broker_moves(broker, source, publisher, ruststream::nonzero!(3u32)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn backlogs_are_delivered() {
    in_process::backlog_matches_server(one_broker(), publisher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_in_process() {
    let group = |name: &'static str| source("conformance.refused").group(name);
    let refusals = [
        Refusal::Subscription { source: AcklineStream::new("conformance.refused") },
        Refusal::Conflicting { open: group("one"), refused: group("one") },
    ];
    // Without a group for those who name none.
    let broker = one_broker_of(AcklineBroker::new(url()));
    in_process::refuses_like_the_server(broker, publisher, refusals).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches() {
    capabilities::batches(broker, source, publisher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions() {
    capabilities::transactions(broker, source, |connected| TransactionalPublish::default().live(connected))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owned_transactions() {
    capabilities::owned_transactions(broker, source, publisher).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_keep_their_order() {
    let by_customer = |stream: &str| source(stream).order_by("customer");
    message_shape::keyed_order(
        broker,
        &unique_subject("conformance.keyed"),
        by_customer,
        publisher,
        |key, headers| {
            headers.insert("customer", ruststream::Bytes::copy_from_slice(key));
            None
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_one_message() {
    let plain = || AcklineOptions::default();
    let mut enveloped = plain();
    enveloped.format = Some(Format::FastStream);
    let mut bounded = plain();
    bounded.max_len = Some(1000);
    let mut once = plain();
    once.once = Some("7".to_owned());
    message_shape::publish_options(
        broker,
        &unique_subject("conformance.options"),
        source,
        Publish::new().max_len(10_000),
        OptionCases::new("data").overrides(enveloped, "__data__").overrides(bounded, "data").refuses(once),
        |message| if message.fields().get("data").is_some() { "data" } else { "__data__" },
    )
    .await;
}

#[test]
fn no_password_is_described() {
    let secret = "s3cret-0f-the-server";
    let broker = AcklineBroker::new(format!("redis://svc:{secret}@db.example.com:6379/0"));
    harness::describes_without_credentials(&broker, &source("orders").group("billing"), secret);
    message_shape::publishes_without_credentials::<ConnectedAckline, _>(
        &Publish::new().producer("svc"),
        secret,
    );
    message_shape::describes_addresses_without_credentials(
        |addresses| {
            let hosts: Vec<&str> = addresses.iter().map(|url| url.trim_start_matches("redis://")).collect();
            AcklineBroker::new(format!("redis+cluster://{}", hosts.join(",")))
        },
        "redis",
    );
}
