//! Health, metrics, and the AsyncAPI document.
//!
//! FastStream: "Health checks" (`make_ping_asgi`), "Prometheus", "AsyncAPI" (`faststream docs gen`). What serves them over
//! HTTP is the program's business.
//!
//! ```text
//! cargo run -p ackline-ruststream --example operations
//! ```

use ackline_consumer::Json;
use ackline_ruststream::prelude::*;
use ruststream::asyncapi::build_spec;
use ruststream::metrics::Metrics;
use ruststream::runtime::HealthState;
use ruststream::{DescribeServer, schemars};
use serde::{Deserialize, Serialize};

/// An order of a customer.
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
struct Order {
    id: u64,
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema, Outgoing)]
struct Receipt {
    order: u64,
}

/// Bills every order.
#[subscriber(AcklineStream::new("orders").group("billing").max_deliveries(3), reply("receipts"))]
async fn bill(order: &Order) -> Receipt {
    Receipt { order: order.id }
}

fn app(metrics: &Metrics, broker: AcklineBroker) -> impl App {
    RustStream::new(AppInfo::new("billing", "0.1.0"))
        .server("production", AcklineBroker::new("redis://svc:secret@db.example.com:6379").describe_server())
        .layer(metrics.consume_layer())
        .publish_layer(metrics.publish_layer())
        .with_broker(broker, |b| {
            b.include(bill);
        })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let metrics = Metrics::new()?;
    let broker = AcklineBroker::new("memory:");
    let client = broker.client().await?;

    // Nothing is connected for this.
    let document = build_spec(&app(&metrics, broker.clone())).to_json()?;
    let document: serde_json::Value = serde_json::from_str(&document)?;
    assert_eq!(document["servers"]["production"]["host"], "db.example.com:6379");
    let operation = &document["operations"]["receive_orders"];
    assert_eq!(operation["bindings"]["x-ackline"]["group"], "billing");
    println!("receive_orders: {}", operation["bindings"]["x-ackline"]);
    assert!(!document.to_string().contains("secret"));

    let running = app(&metrics, broker).start().await?;
    let health = running.health();
    assert!(matches!(health.state(), HealthState::Running));
    // Whether the place itself answers.
    client.ping().await?;

    for id in 1..=3 {
        client.add("orders", Json(Order { id })).await?;
    }
    let receipts = client.consume("receipts", "example").subscribe().await?;
    for _ in 1..=3 {
        let receipt = receipts.next().await.ok_or_else(|| anyhow::anyhow!("a receipt"))?;
        receipt.ack().await?;
    }
    running.shutdown().await?;
    assert!(matches!(health.state(), HealthState::Stopped));

    let scraped = metrics.export()?;
    let line = r#"ruststream_messages_consumed_total{name="orders",status="ack"} 3"#;
    assert!(scraped.lines().any(|one| one == line), "{scraped}");
    println!("{line}");
    Ok(())
}
