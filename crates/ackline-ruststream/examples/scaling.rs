//! Many workers, order per key, and an end that leaves nothing behind.
//!
//! FastStream: "Concurrent processing" (`max_workers`), "Graceful shutdown". Measured there: SIGTERM with five messages
//! fetched strands three of them with a consumer that is gone. Here what no handler has begun with is given back, and does
//! not count as delivered.
//!
//! ```text
//! cargo run -p ackline-ruststream --example scaling
//! ```

use ackline_consumer::{Add, Json};
use ackline_ruststream::prelude::*;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::Notify;

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    number: u64,
}

/// What was handled, by customer.
#[derive(Default)]
struct Handled {
    orders: Mutex<Vec<(String, u64)>>,
    enough: Notify,
}

#[derive(Clone, Default, FromRef)]
struct Shop {
    handled: Arc<Handled>,
}

/// Four at a time, but of one customer one after the other, in the order in which they came.
#[subscriber(AcklineStream::new("orders").group("billing").order_by("customer").prefetch(100), workers(4))]
async fn bill(order: &Order, ctx: &mut Context<'_, AcklineContext, Shop>) -> HandlerOutcome {
    tokio::task::yield_now().await;
    let handled = &ctx.state().handled;
    let customer = ctx.headers().get_str("customer").unwrap_or_default().to_owned();
    let count = {
        let mut orders = handled.orders.lock();
        orders.push((customer, order.number));
        orders.len()
    };
    if count >= 200 {
        handled.enough.notify_one();
    }
    HandlerOutcome::ack()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let broker = AcklineBroker::new("memory:");
    let client = broker.client().await?;
    for number in 0..100 {
        for customer in ["ann", "bob", "cem", "dee", "eve"] {
            let order = Add::to("orders", Json(Order { number }));
            client.send(order.header("customer", customer)).await?;
        }
    }

    let shop = Shop::default();
    let state = shop.clone();
    let running = RustStream::new(AppInfo::new("billing", "0.1.0"))
        .on_startup(async move |()| Ok::<_, Infallible>(state))
        .with_broker(broker, |b| {
            b.include(bill);
        })
        .start()
        .await?;
    // Stopped in the middle.
    shop.handled.enough.notified().await;
    running.shutdown().await?;

    let handled = std::mem::take(&mut *shop.handled.orders.lock());
    for customer in ["ann", "bob", "cem", "dee", "eve"] {
        let numbers = handled.iter().filter(|(of, _)| of == customer).map(|(_, number)| *number);
        assert!(numbers.eq(0..handled.iter().filter(|(of, _)| of == customer).count() as u64), "{customer}");
    }
    println!("{} orders handled, of each customer in order", handled.len());

    // Whoever comes next gets the others at once, as if nobody had had them.
    let rest = client.consume("orders", "billing").subscribe().await?;
    for _ in handled.len()..500 {
        let order = rest.next().await.ok_or_else(|| anyhow::anyhow!("an order"))?;
        assert_eq!(order.deliveries(), 1);
        order.ack().await?;
    }
    println!("{} were given back when it stopped", 500 - handled.len());
    rest.close().await;
    Ok(())
}
