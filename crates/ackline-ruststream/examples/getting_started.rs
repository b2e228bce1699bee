//! A service that reads a stream for a group and publishes what its handler returns.
//!
//! FastStream: "Getting started", "Redis streams", "Consumer groups", "Publisher decorator".
//!
//! ```text
//! cargo run -p ackline-ruststream --example getting_started
//! ```

use ackline_consumer::Json;
use ackline_ruststream::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: u64,
    item: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Outgoing)]
struct Receipt {
    order: u64,
}

/// Reads `orders` for the group `billing`; its answer goes to `receipts`. The order is acknowledged once that is there.
#[subscriber(AcklineStream::new("orders").group("billing"), reply("receipts"))]
async fn bill(order: &Order) -> Receipt {
    println!("billing   order {}: {}", order.id, order.item);
    Receipt { order: order.id }
}

/// Another group gets every order as well.
#[subscriber(AcklineStream::new("orders").group("warehouse"))]
async fn pack(order: &Order) {
    println!("warehouse order {}: packed", order.id);
}

fn app(broker: AcklineBroker) -> impl App {
    RustStream::new(AppInfo::new("shop", "0.1.0")).with_broker(broker, |b| {
        b.include(bill);
        b.include(pack);
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // A server would be "redis://localhost:6379"; this one lives in this process.
    let broker = AcklineBroker::new("memory:");
    let client = broker.client().await?;

    // A group begins with the oldest entry: what is there before the service starts is not missed.
    client.add("orders", Json(Order { id: 1, item: "tea".into() })).await?;
    let running = app(broker).start().await?;
    client.add("orders", Json(Order { id: 2, item: "milk".into() })).await?;

    let receipts = client.consume("receipts", "example").subscribe().await?;
    for order in [1, 2] {
        let receipt = receipts.next().await.ok_or_else(|| anyhow::anyhow!("a receipt"))?;
        let received: Receipt = serde_json::from_slice(&receipt.body()?.payload())?;
        assert_eq!(received, Receipt { order });
        receipt.ack().await?;
        println!("receipt for order {order}");
    }

    running.shutdown().await?;
    receipts.close().await;
    println!("done");
    Ok(())
}
