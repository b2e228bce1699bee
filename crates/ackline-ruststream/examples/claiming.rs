//! What becomes of entries whose consumer died, and of those whose handler takes long.
//!
//! FastStream: "Claiming" (`min_idle_time`, `claim_min_idle_time`), "Delivery count", "Pending entries". Here one subscriber
//! does all of it: it reads what is new and what others have left alone for longer than the lease, and renews the lease of
//! what its own handlers work on, however long they take.
//!
//! ```text
//! cargo run -p ackline-ruststream --example claiming
//! ```

use ackline::Ackline;
use ackline_ruststream::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::sleep;

const LEASE: Duration = Duration::from_millis(200);

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: u64,
}

/// What the handler has seen: order and delivery.
#[derive(Clone, FromRef)]
struct Seen {
    seen: UnboundedSender<(u64, u64)>,
}

#[subscriber(AcklineStream::new("orders").group("billing").lease(LEASE))]
async fn bill(
    order: &Order,
    Ctx(deliveries): Ctx<Deliveries>,
    State(seen): State<UnboundedSender<(u64, u64)>>,
) -> HandlerOutcome {
    println!("order {}, delivery {deliveries}", order.id);
    // Several times the lease. Nobody else gets it meanwhile.
    sleep(LEASE * 4).await;
    let _ = seen.send((order.id, deliveries));
    HandlerOutcome::ack()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let engine = Ackline::memory();

    // Another consumer took an order and died.
    engine.command(&["XGROUP", "CREATE", "orders", "billing", "0", "MKSTREAM"])?;
    engine.command(&["XADD", "orders", "*", "data", r#"{"id":1}"#])?;
    engine.command(&["XREADGROUP", "GROUP", "billing", "died", "STREAMS", "orders", ">"])?;

    let (seen, mut done) = unbounded_channel();
    let start = |engine: Ackline, seen: UnboundedSender<(u64, u64)>| {
        RustStream::new(AppInfo::new("billing", "0.1.0"))
            .on_startup(async move |()| Ok::<_, std::convert::Infallible>(Seen { seen }))
            .with_broker(AcklineBroker::embedded(engine), |b| {
                b.include(bill);
            })
            .start()
    };
    // Two processes of the same service.
    let one = start(engine.clone(), seen.clone()).await?;
    let two = start(engine.clone(), seen).await?;
    engine.command(&["XADD", "orders", "*", "data", r#"{"id":2}"#])?;

    let mut orders = vec![done.recv().await, done.recv().await];
    orders.sort_unstable();
    // Each was handled by one of them, though its handler took four leases; the first had been delivered before.
    assert_eq!(orders, [Some((1, 2)), Some((2, 1))]);

    one.shutdown().await?;
    two.shutdown().await?;
    assert!(done.try_recv().is_err());
    println!("done");
    Ok(())
}
