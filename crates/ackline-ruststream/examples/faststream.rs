//! One stream for services in Python and in Rust: FastStream's envelope, read and written.
//!
//! FastStream: "Message format" (`BinaryMessageFormatV1`), "Headers", "Custom parser".
//!
//! ```text
//! cargo run -p ackline-ruststream --example faststream
//! ```

use ackline::Ackline;
use ackline_consumer::{Client, Format as Wire};
use ackline_ruststream::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: u64,
}

#[derive(Debug, Serialize, Deserialize, Outgoing)]
#[outgoing(name = "receipts")]
struct Receipt {
    order: u64,
    of: String,
}

/// The handler cannot tell how its message was written.
#[subscriber(AcklineStream::new("orders").group("billing"), reply)]
async fn bill(order: &Order, ctx: &mut Context<'_>) -> Receipt {
    let of = ctx.headers().correlation_id().unwrap_or("nobody").to_owned();
    Receipt { order: order.id, of }
}

/// What `broker.publish({"id": 1}, stream="orders", correlation_id="c-1")` of FastStream puts into the field `__data__`.
fn written_by_faststream() -> Vec<u8> {
    let mut envelope = b"\x89BIN\r\n\x1a\n".to_vec();
    let headers = [("correlation_id", "c-1"), ("content-type", "application/json")];
    let size: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let (headers_at, payload_at) = (18_u32, 18 + 2 + size as u32);
    envelope.extend(1_u16.to_be_bytes());
    envelope.extend(headers_at.to_be_bytes());
    envelope.extend(payload_at.to_be_bytes());
    envelope.extend((headers.len() as u16).to_be_bytes());
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        envelope.extend((text.len() as u16).to_be_bytes());
        envelope.extend(text.as_bytes());
    }
    envelope.extend(br#"{"id": 1}"#);
    envelope
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let engine = Ackline::memory();
    let client = Client::embedded(engine.clone());
    let running = RustStream::new(AppInfo::new("billing", "0.1.0"))
        .with_broker(AcklineBroker::embedded(engine.clone()), |b| {
            let readable_in_python =
                Publish::new().format(Format::FastStream).content_type("application/json");
            b.include(bill).out_reply(readable_in_python);
        })
        .start()
        .await?;

    let from_python = written_by_faststream();
    engine.command(&[&b"XADD"[..], b"orders", b"*", b"__data__", &from_python])?;
    // And one that somebody typed.
    engine.command(&["XADD", "orders", "*", "data", r#"{"id":2}"#, "correlation_id", "c-2"])?;

    let receipts = client.consume("receipts", "example").subscribe().await?;
    for number in 1..=2 {
        let receipt = receipts.next().await.ok_or_else(|| anyhow::anyhow!("a receipt"))?;
        assert_eq!(Wire::of(receipt.fields()), Wire::FastStream);
        let body = receipt.body()?;
        assert_eq!(body.content_type(), Some("application/json"));
        let received: Receipt = serde_json::from_slice(&body.payload())?;
        assert_eq!((received.order, &*received.of), (number, &*format!("c-{number}")));
        println!("{}", String::from_utf8_lossy(&body.payload()));
        receipt.ack().await?;
    }
    running.shutdown().await?;
    Ok(())
}
