//! Several messages at once, and several answers in one step.
//!
//! FastStream: "Batching", "Publish batch". In a batch each message is decided about on its own, which FastStream cannot.
//!
//! ```text
//! cargo run -p ackline-ruststream --example batch
//! ```

use ackline_consumer::{Add, Json};
use ackline_ruststream::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: u64,
}

#[derive(Debug, Serialize, Deserialize, Outgoing)]
struct Receipt {
    order: u64,
}

/// Up to ten orders, or those that come within 50 ms of the first. The receipts of a batch are added in one step.
#[subscriber(
    AcklineStream::new("orders").group("billing").batch_wait(Duration::from_millis(50)),
    reply("receipts")
)]
async fn bill(orders: &[Order]) -> Vec<Receipt> {
    println!("a batch of {}", orders.len());
    orders.iter().map(|order| Receipt { order: order.id }).collect()
}

/// One verdict for each.
#[subscriber(AcklineStream::new("orders").group("audit"))]
async fn audit(orders: &[Order]) -> Vec<HandlerOutcome> {
    let one = |order: &Order| if order.id == 13 { HandlerOutcome::drop() } else { HandlerOutcome::ack() };
    orders.iter().map(one).collect()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let broker = AcklineBroker::new("memory:");
    let client = broker.client().await?;
    // Publishing a batch: all of them or none.
    client.send_all((0..25).map(|id| Add::to("orders", Json(Order { id })))).await?;

    let running = RustStream::new(AppInfo::new("billing", "0.1.0"))
        .with_broker(broker, |b| {
            b.include(bill.batch(nonzero!(10))).out_reply(TransactionalPublish::default()).transactional();
            b.include(audit.batch(nonzero!(10)));
        })
        .start()
        .await?;

    let receipts = client.consume("receipts", "example").subscribe().await?;
    for id in 0..25 {
        let receipt = receipts.next().await.ok_or_else(|| anyhow::anyhow!("a receipt"))?;
        let received: Receipt = serde_json::from_slice(&receipt.body()?.payload())?;
        assert_eq!(received.order, id);
        receipt.ack().await?;
    }
    let dead = client.consume("orders:dead", "example").subscribe().await?;
    let dead_letter = dead.next().await.ok_or_else(|| anyhow::anyhow!("a dead letter"))?;
    assert_eq!(&dead_letter.body()?.payload()[..], br#"{"id":13}"#);
    dead_letter.ack().await?;
    println!("25 receipts, one dead letter: order 13");

    running.shutdown().await?;
    Ok(())
}
