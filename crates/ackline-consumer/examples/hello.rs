//! A consumer: what comes is handled, and acknowledged once that went well.
//!
//! ```text
//! cargo run -p ackline-consumer --example hello [URL]
//! ```

use ackline_consumer::{Client, Json, State};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

#[derive(Serialize, Deserialize)]
struct Order {
    item: String,
    pieces: u32,
}

/// What fails is delivered again, later and later; after the fifth time it lies in `orders:dead`.
async fn pack(Json(order): Json<Order>, packed: State<UnboundedSender<u32>>) -> anyhow::Result<()> {
    anyhow::ensure!(order.pieces > 0, "nothing to pack");
    println!("packed {} × {}", order.pieces, order.item);
    packed.send(order.pieces)?;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = Client::open(&url()).await?;
    for (item, pieces) in [("tea", 2), ("milk", 1), ("sugar", 3)] {
        client.add("orders", Json(Order { item: item.into(), pieces })).await?;
    }
    let (packed, mut done) = unbounded_channel::<u32>();
    let consumer = client.consume("orders", "packing").state(packed).handler(pack);
    // A service calls `consumer.run()` here, which goes on until it is told to end.
    let all_packed = async {
        let mut pieces = 0;
        while let Some(more) = done.recv().await {
            pieces += more;
            if pieces == 6 {
                return;
            }
        }
    };
    consumer.run_until(all_packed).await?;
    println!("stopped; everything is acknowledged");
    Ok(())
}

/// Where the streams are: the first argument, ACKLINE_URL, or in this process.
fn url() -> String {
    let named = std::env::args().nth(1).or_else(|| std::env::var("ACKLINE_URL").ok());
    named.unwrap_or_else(|| "memory:".to_owned())
}
