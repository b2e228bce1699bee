//! The end of an app.

use crate::support::{Order, consumers, engine, owned, pending};
use ackline_ruststream::prelude::*;
use ackline_ruststream::{AcklineMessage, ConnectedAckline};
use futures_util::StreamExt;
use ruststream::{Broker, ConnectedBroker, Subscriber, SubscriptionSource};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

type Anyway<T = ()> = anyhow::Result<T>;

async fn publish(connected: &ConnectedAckline, orders: std::ops::Range<u64>) -> Anyway {
    let publisher = connected.publisher();
    for id in orders {
        publisher.message(&Order { id }).publish().await?;
    }
    Ok(())
}

async fn first(connected: &ConnectedAckline) -> Anyway<AcklineMessage> {
    let mut subscriber = AcklineStream::new("orders").subscribe(connected).await?;
    let mut stream = pin!(subscriber.stream());
    Ok(stream.next().await.expect("an entry")?)
}

#[derive(Clone, Default, FromRef)]
struct Gates {
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    begun: Notify,
    go: Notify,
}

#[subscriber(AcklineStream::new("orders").group("billing"))]
async fn slow(_: &Order, State(gate): State<Arc<Gate>>) -> HandlerOutcome {
    gate.begun.notify_one();
    gate.go.notified().await;
    HandlerOutcome::ack()
}

#[tokio::test]
async fn what_was_fetched_and_not_begun_is_given_back() -> Anyway {
    let (engine, broker) = engine();
    let other = broker.clone().connect().await?;
    publish(&other, 0..50).await?;
    let gates = Gates::default();
    let state = gates.clone();
    let app = RustStream::new(AppInfo::new("billing", "0.1.0"))
        .on_startup(async move |()| Ok::<_, std::convert::Infallible>(state))
        .with_broker(broker, |b| {
            b.include(slow);
        });
    let running = app.start().await?;
    gates.gate.begun.notified().await;
    assert_eq!(owned(&engine, "orders", "billing"), 50);
    gates.gate.go.notify_one();
    let stopping = tokio::spawn(running.shutdown());
    // Whether one more was begun before it stopped is nobody's business here.
    let again = async {
        loop {
            gates.gate.begun.notified().await;
            gates.gate.go.notify_one();
        }
    };
    tokio::select! {
        stopped = stopping => stopped??,
        () = again => {}
    }
    assert_eq!((owned(&engine, "orders", "billing"), consumers(&engine, "orders", "billing")), (0, 0));
    // Given back as if it had never been delivered.
    let next = first(&other).await?;
    assert_eq!(next.deliveries(), 1);
    next.ack().await?;
    other.shutdown().await?;
    Ok(())
}

#[tokio::test]
async fn what_nobody_settled_is_given_back_and_counts() -> Anyway {
    let (engine, broker) = engine();
    let connected = broker.clone().drain(Duration::ZERO).connect().await?;
    let other = broker.connect().await?;
    publish(&other, 0..1).await?;
    let held = first(&connected).await?;
    assert_eq!(pending(&engine, "orders", "billing"), 1);
    let closed = connected.shutdown().await?;
    assert!(!closed.settled);
    let again = first(&other).await?;
    assert_eq!((again.id(), again.deliveries()), (held.id(), 2));
    let too_late = held.ack().await;
    assert!(too_late.is_err(), "the broker is gone");
    again.ack().await?;
    assert!(other.shutdown().await?.settled);
    assert_eq!(pending(&engine, "orders", "billing"), 0);
    Ok(())
}

#[tokio::test]
async fn a_delivery_that_is_dropped_comes_back() -> Anyway {
    let (_, broker) = engine();
    let connected = broker.connect().await?;
    publish(&connected, 0..1).await?;
    let mut subscriber = AcklineStream::new("orders").subscribe(&connected).await?;
    let mut stream = pin!(subscriber.stream());
    let id = stream.next().await.expect("an entry")?.id();
    let again = stream.next().await.expect("the entry")?;
    assert_eq!((again.id(), again.deliveries()), (id, 2));
    again.ack().await?;
    Ok(())
}
