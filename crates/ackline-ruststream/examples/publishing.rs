//! The ways to publish.
//!
//! FastStream: "Publishing", "Publisher decorator", "Publisher object", "broker.publish", "Headers", "correlation_id",
//! "reply_to", "maxlen", "Pipelines".
//!
//! ```text
//! cargo run -p ackline-ruststream --example publishing
//! ```

use ackline_consumer::{Add, CORRELATION_ID, Json, REPLY_TO};
use ackline_ruststream::prelude::*;
use ruststream::runtime::{Outgoing as Message, PublishContext};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Outgoing)]
#[outgoing(name = "orders")]
struct Order {
    id: u64,
}

#[derive(Debug, Serialize, Deserialize, Outgoing)]
#[outgoing(name = "receipts")]
struct Receipt {
    order: u64,
}

/// Where it goes is not its own business.
#[derive(Debug, Serialize, Deserialize, Outgoing)]
struct Answer {
    order: u64,
}

#[derive(Debug, Serialize, Deserialize, Outgoing)]
#[outgoing(name = "shipments")]
struct Shipment {
    order: u64,
}

/// The chain: what a handler returns is published, with the correlation ID of what it answers.
#[subscriber(AcklineStream::new("orders").group("billing"), reply("receipts"))]
async fn bill(order: &Order) -> Answer {
    Answer { order: order.id }
}

/// An answer inherits what it answers, and goes where that says, if it says so.
struct Answering;

impl<C, Options> PublishTransform<ForReply<C>, Options> for Answering {
    type Destination = Names;

    fn apply(&self, out: &mut Message<'_>, _: &mut Option<Options>, cx: &PublishContext<'_, C>) {
        if let Some(id) = cx.headers().get_shared("correlation-id") {
            out.headers_mut().insert(Str::from_static("correlation-id"), id);
        }
        if let Some(Ok(stream)) = cx.headers().get_shared("reply-to").map(Str::try_from) {
            out.set_name(stream);
        }
    }
}

#[derive(OutSlot)]
#[publishes(Receipt, Shipment)]
struct Desk;

/// A publisher in the handler's hands, with a transaction: both or neither.
#[subscriber(AcklineStream::new("orders").group("desk"))]
async fn settle(order: &Order, Out(desk): Out<impl TransactionalPublisher, Desk>) -> HandlerOutcome {
    let Ok(scope) = desk.begin().await else { return HandlerOutcome::retry() };
    let receipt = scope.message(&Receipt { order: order.id }).publish().await;
    let shipment = scope.message(&Shipment { order: order.id }).publish().await;
    if receipt.is_err() || shipment.is_err() || scope.commit().await.is_err() {
        return HandlerOutcome::retry();
    }
    HandlerOutcome::ack()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let broker = AcklineBroker::new("memory:");
    let client = broker.client().await?;
    let app = RustStream::new(AppInfo::new("billing", "0.1.0")).with_broker(broker.clone(), |b| {
        b.include(bill).out_reply(Publish::new().max_len(10_000)).transform(Answering);
        b.include(settle).out(Desk, Publish::new().transactional()).build();
        // Once the app has started: what `broker.publish` in a startup hook is.
        b.after_startup(Publish::new(), async move |publisher| {
            publisher.message(&Order { id: 1 }).publish().await
        });
    });
    let running = app.start().await?;

    // Outside of handlers: a publisher of its own, with headers, and once however often it is sent.
    let connected = broker.connect().await?;
    let publisher = Publish::new().producer("shop").live(&connected);
    let headers: HeaderMap = [("correlation-id", "c-2")].into_iter().collect();
    for _ in 0..3 {
        publisher.message(&Order { id: 2 }).with_headers(headers.clone()).once("order-2").publish().await?;
    }
    assert_eq!(client.len("orders").await?, 2);

    // Asking and waiting for the answer: a stream to answer to, and an ID to know it by. The handler did not change.
    let answers = client.consume("answers.example", "example").subscribe().await?;
    let question = Add::to("orders", Json(Order { id: 3 }));
    client.send(question.header(REPLY_TO, "answers.example").header(CORRELATION_ID, "c-3")).await?;
    let answer = answers.next().await.ok_or_else(|| anyhow::anyhow!("an answer"))?;
    assert_eq!(answer.body()?.headers.get(CORRELATION_ID), Some("c-3"));
    println!("asked and answered: {}", String::from_utf8_lossy(&answer.body()?.payload()));
    answer.ack().await?;

    let receipts = client.consume("receipts", "example").subscribe().await?;
    let mut correlated = 0;
    // Two of the chain, three of the desk.
    for _ in 0..5 {
        let receipt = receipts.next().await.ok_or_else(|| anyhow::anyhow!("a receipt"))?;
        correlated += usize::from(receipt.body()?.headers.get(CORRELATION_ID) == Some("c-2"));
        receipt.ack().await?;
    }
    assert_eq!((correlated, client.len("shipments").await?), (1, 3));
    println!("5 receipts, one of them correlated; 3 shipments");

    running.shutdown().await?;
    Ok(())
}
