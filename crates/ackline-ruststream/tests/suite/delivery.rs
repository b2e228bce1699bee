//! What becomes of deliveries.

use crate::support::{Order, body, engine, entries, pending};
use ackline_consumer::EntryId;
use ackline_ruststream::prelude::*;
use parking_lot::Mutex;
use ruststream::testing::{Outcome, TestApp};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// What handlers have seen: IDs of entries, delivery counts, orders.
type Seen = Arc<Mutex<Vec<(EntryId, u64, u64)>>>;
type Anyway<T = ()> = anyhow::Result<T>;

fn seen() -> Seen {
    Seen::default()
}

fn info() -> AppInfo {
    AppInfo::new("billing", "0.1.0")
}

/// Fails twice.
#[subscriber(AcklineStream::new("orders").group("billing"))]
async fn third_time(order: &Order, ctx: &mut Context<'_, AcklineContext, Seen>) -> HandlerOutcome {
    let (id, deliveries) = (ctx.context(Entry), ctx.context(Deliveries));
    ctx.state().lock().push((id, deliveries, order.id));
    if deliveries < 3 { HandlerOutcome::retry() } else { HandlerOutcome::ack() }
}

#[tokio::test]
async fn a_retry_keeps_the_id_and_counts() -> Anyway {
    let (engine, broker) = engine();
    let seen = seen();
    let state = Arc::clone(&seen);
    let app = RustStream::new(info()).on_startup(async move |()| Ok::<_, Infallible>(state)).with_broker(
        broker,
        |b| {
            b.include(third_time);
        },
    );
    let tb = TestApp::start(app).await?;
    tb.message(&Order { id: 7 }).publish().await?;
    let seen = seen.lock().clone();
    assert_eq!(seen.iter().map(|(_, deliveries, _)| *deliveries).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(seen.iter().all(|(id, _, order)| (id, order) == (&seen[0].0, &7)), "{seen:?}");
    // Nothing was copied, and nothing is left.
    assert_eq!((entries(&engine, "orders").len(), pending(&engine, "orders", "billing")), (1, 0));
    tb.shutdown().await?;
    Ok(())
}

#[subscriber(AcklineStream::new("orders").group("billing").max_deliveries(2).dead_letter_to("graves"))]
async fn never(_: &Order) -> HandlerOutcome {
    HandlerOutcome::retry()
}

#[tokio::test]
async fn what_was_delivered_too_often_is_a_dead_letter() -> Anyway {
    let (engine, broker) = engine();
    let tb = TestApp::start(RustStream::new(info()).with_broker(broker, |b| {
        b.include(never);
    }))
    .await?;
    tb.message(&Order { id: 7 }).publish().await?;
    let orders = tb.broker::<AcklineBroker>();
    assert_eq!(orders.subscriber("orders").outcomes(), [Outcome::Nack, Outcome::Nack]);
    orders.published::<Order>("graves").assert_called_once().with(&Order { id: 7 });
    let dead = body(&entries(&engine, "graves")[0]);
    let of = |name: &str| dead.headers.get(name).map(str::to_owned);
    assert_eq!(of("dead-letter-reason").as_deref(), Some("max-deliveries"));
    assert_eq!(of("dead-letter-stream").as_deref(), Some("orders"));
    assert_eq!(of("dead-letter-deliveries").as_deref(), Some("2"));
    assert_eq!(pending(&engine, "orders", "billing"), 0);
    Ok(())
}

#[subscriber("orders")]
async fn by_name(_: &Order) -> HandlerOutcome {
    HandlerOutcome::retry()
}

#[subscriber("orders.dead")]
async fn undertaker(order: &Order, ctx: &mut Context<'_, (), Seen>) {
    ctx.state().lock().push((EntryId::ZERO, 0, order.id));
}

#[tokio::test]
async fn a_mount_site_may_declare_the_limit_and_the_destination() -> Anyway {
    let (_, broker) = engine();
    let seen = seen();
    let state = Arc::clone(&seen);
    let app = RustStream::new(info()).on_startup(async move |()| Ok::<_, Infallible>(state)).with_broker(
        broker,
        |b| {
            b.include(by_name).max_attempts(nonzero!(2u32)).dead_letter("orders.dead");
            b.include(undertaker);
        },
    );
    let tb = TestApp::start(app).await?;
    tb.message(&Order { id: 7 }).publish().await?;
    tb.broker::<AcklineBroker>().subscriber("orders").assert_called(2);
    assert_eq!(*seen.lock(), [(EntryId::ZERO, 0, 7)]);
    Ok(())
}

#[tokio::test]
async fn a_limit_without_a_destination_is_refused() {
    let (_, broker) = engine();
    let app = RustStream::new(info()).with_broker(broker, |b| {
        b.include(by_name).max_attempts(nonzero!(2u32));
    });
    let refused = TestApp::start(app).await.expect_err("half a declaration");
    assert!(chain(&refused).contains("max_deliveries"), "{}", chain(&refused));
}

fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[subscriber(AcklineStream::new("orders").group("billing"))]
async fn refuse(_: &Order) -> Result<(), &'static str> {
    Err("never")
}

#[tokio::test]
async fn an_error_and_what_cannot_be_decoded_are_poison() -> Anyway {
    let (engine, broker) = engine();
    let tb = TestApp::start(RustStream::new(info()).with_broker(broker.clone(), |b| {
        b.include(refuse);
    }))
    .await?;
    tb.message(&Order { id: 7 }).publish().await?;
    tb.publish("orders", &serde_json::json!({"id": "seven"})).await?;
    // An envelope that is cut off.
    engine.command(&[&b"XADD"[..], b"orders", b"*", b"__data__", b"\x89BIN\r\n\x1a\n\0\x01\0\0"])?;
    let dead = ackline_consumer::Client::embedded(engine.clone());
    while dead.len("orders:dead").await? < 3 {
        tokio::task::yield_now().await;
    }
    tb.settle().await?;
    assert_eq!(pending(&engine, "orders", "billing"), 0);
    let reason = |fields: &_| body_header(fields, "dead-letter-reason");
    let reasons: Vec<_> = entries(&engine, "orders:dead").iter().map(reason).collect();
    assert_eq!(reasons, ["rejected", "rejected", "rejected"]);
    Ok(())
}

fn body_header(fields: &ackline_consumer::Fields, name: &str) -> String {
    fields.text(name).unwrap_or_default().to_owned()
}

#[subscriber(AcklineStream::new("orders").group("billing"))]
async fn later(_: &Order, Ctx(deliveries): Ctx<Deliveries>) -> HandlerOutcome {
    if deliveries == 1 {
        HandlerOutcome::retry_after(Duration::from_secs(3600))
    } else {
        HandlerOutcome::ack()
    }
}

#[tokio::test(start_paused = true)]
async fn a_delay_is_kept_without_a_copy() -> Anyway {
    let (engine, broker) = engine();
    let tb = TestApp::start(RustStream::new(info()).with_broker(broker, |b| {
        b.include(later);
    }))
    .await?;
    tb.message(&Order { id: 7 }).publish().await?;
    tb.broker::<AcklineBroker>().subscriber("orders").assert_called_once();
    assert_eq!(pending(&engine, "orders", "billing"), 1);
    tb.advance(Duration::from_secs(3600)).await?;
    assert_eq!(tb.broker::<AcklineBroker>().subscriber("orders").outcomes().len(), 2);
    assert_eq!((entries(&engine, "orders").len(), pending(&engine, "orders", "billing")), (1, 0));
    Ok(())
}

#[subscriber(AcklineStream::new("orders").group("billing").backoff(Backoff::fixed(Duration::from_secs(60))))]
async fn with_backoff(_: &Order, Ctx(deliveries): Ctx<Deliveries>) -> HandlerOutcome {
    if deliveries == 1 { HandlerOutcome::retry() } else { HandlerOutcome::ack() }
}

#[tokio::test(start_paused = true)]
async fn a_backoff_holds_for_plain_retries() -> Anyway {
    let (_, broker) = engine();
    let tb = TestApp::start(RustStream::new(info()).with_broker(broker, |b| {
        b.include(with_backoff);
    }))
    .await?;
    tb.message(&Order { id: 7 }).publish().await?;
    tb.broker::<AcklineBroker>().subscriber("orders").assert_called_once();
    tb.advance(Duration::from_secs(60)).await?;
    tb.broker::<AcklineBroker>().subscriber("orders").assert_called(2);
    Ok(())
}

/// Of each customer the first order fails once, and the others have to wait for it.
#[subscriber(AcklineStream::new("orders").group("billing").order_by("customer"), workers(4))]
async fn in_order(order: &Order, ctx: &mut Context<'_, AcklineContext, Seen>) -> HandlerOutcome {
    let (id, deliveries) = (ctx.context(Entry), ctx.context(Deliveries));
    tokio::task::yield_now().await;
    if order.id < 10 && deliveries == 1 {
        return HandlerOutcome::retry();
    }
    ctx.state().lock().push((id, deliveries, order.id));
    HandlerOutcome::ack()
}

#[tokio::test]
async fn entries_of_one_key_stay_in_order() -> Anyway {
    let (_, broker) = engine();
    let seen = seen();
    let state = Arc::clone(&seen);
    let publisher = ruststream::Broker::connect(broker.clone()).await?.publisher();
    for number in 0..5 {
        for customer in 0..3_u64 {
            let headers: HeaderMap = [("customer", customer.to_string())].into_iter().collect();
            let order = Order { id: customer + 10 * number };
            publisher.message(&order).with_headers(headers).publish().await?;
        }
    }
    let app = RustStream::new(info()).on_startup(async move |()| Ok::<_, Infallible>(state)).with_broker(
        broker,
        |b| {
            b.include(in_order);
        },
    );
    let running = app.start().await?;
    while seen.lock().len() < 15 {
        tokio::task::yield_now().await;
    }
    running.shutdown().await?;
    for customer in 0..3 {
        let all = seen.lock();
        let of_one: Vec<u64> = all.iter().map(|(.., id)| *id).filter(|id| id % 10 == customer).collect();
        assert_eq!(of_one, (0..5).map(|number| customer + 10 * number).collect::<Vec<_>>());
    }
    Ok(())
}

#[subscriber(AcklineStream::new("orders").group("billing"))]
async fn of_batch(orders: &[Order]) -> Vec<HandlerOutcome> {
    let one = |order: &Order| if order.id == 2 { HandlerOutcome::drop() } else { HandlerOutcome::ack() };
    orders.iter().map(one).collect()
}

#[tokio::test]
async fn a_batch_decides_about_each() -> Anyway {
    let (engine, broker) = engine();
    let publisher = ruststream::Broker::connect(broker.clone()).await?.publisher();
    for id in 1..=3 {
        publisher.message(&Order { id }).publish().await?;
    }
    let tb = TestApp::start(RustStream::new(info()).with_broker(broker, |b| {
        b.include(of_batch.batch(nonzero!(10)));
    }))
    .await?;
    // What was there before the app does not count as its own.
    while pending(&engine, "orders", "billing") > 0 || ackline_len(&engine, "orders:dead") == 0 {
        tokio::task::yield_now().await;
    }
    tb.settle().await?;
    tb.broker::<AcklineBroker>().subscriber("orders").assert_called_once().assert_batch_sizes(&[3]);
    assert_eq!(&body(&entries(&engine, "orders:dead")[0]).payload()[..], br#"{"id":2}"#);
    Ok(())
}

fn ackline_len(engine: &ackline::Ackline, stream: &str) -> i64 {
    match engine.command(&["XLEN", stream]) {
        Ok(ackline::Reply::Int(len)) => len,
        other => panic!("{other:?}"),
    }
}

#[subscriber(AcklineStream::new("orders").group("billing").ack_first())]
async fn at_most_once(_: &Order) -> HandlerOutcome {
    HandlerOutcome::retry()
}

#[subscriber(AcklineStream::new("orders").group("audit").no_ack())]
async fn unacknowledged(_: &Order) -> HandlerOutcome {
    HandlerOutcome::drop()
}

#[tokio::test]
async fn at_most_once_nothing_comes_back() -> Anyway {
    let (engine, broker) = engine();
    let tb = TestApp::start(RustStream::new(info()).with_broker(broker, |b| {
        b.include(at_most_once);
        b.include(unacknowledged);
    }))
    .await?;
    tb.message(&Order { id: 7 }).publish().await?;
    tb.broker::<AcklineBroker>().subscriber("orders").assert_called(2);
    assert_eq!((pending(&engine, "orders", "billing"), pending(&engine, "orders", "audit")), (0, 0));
    assert_eq!(ackline_len(&engine, "orders:dead"), 0);
    Ok(())
}

#[subscriber(AcklineStream::new("orders").group("billing"), on_failure(panic = retry))]
async fn stumbles(_: &Order, Ctx(deliveries): Ctx<Deliveries>) -> HandlerOutcome {
    assert_ne!(deliveries, 1, "the first time");
    HandlerOutcome::ack()
}

#[tokio::test]
async fn after_a_panic_it_comes_again() -> Anyway {
    let (engine, broker) = engine();
    let tb = TestApp::start(RustStream::new(info()).with_broker(broker, |b| {
        b.include(stumbles);
    }))
    .await?;
    tb.message(&Order { id: 7 }).publish().await?;
    tb.assert_running();
    tb.broker::<AcklineBroker>().subscriber("orders").assert_called(2);
    assert_eq!(pending(&engine, "orders", "billing"), 0);
    Ok(())
}

#[tokio::test]
async fn two_handlers_of_one_group_are_refused() {
    let (_, broker) = engine();
    let app = RustStream::new(info()).with_broker(broker, |b| {
        b.include(refuse);
        b.include(never);
    });
    let refused = TestApp::start(app).await.expect_err("one group, two handlers");
    assert!(chain(&refused).contains("workers(n)"), "{}", chain(&refused));
}
