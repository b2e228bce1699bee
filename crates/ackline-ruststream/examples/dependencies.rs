//! What a handler takes besides its message, and the app's life around it.
//!
//! FastStream: "Dependencies", "Context", "Header()", "Lifespan: on_startup, after_startup, on_shutdown, after_shutdown".
//!
//! ```text
//! cargo run -p ackline-ruststream --example dependencies
//! ```

use ackline_consumer::Json;
use ackline_ruststream::prelude::*;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: u64,
    pieces: u64,
}

/// Stands for a pool of connections.
#[derive(Clone)]
struct Prices {
    piece: u64,
}

/// What the app holds. Handlers take its fields by their types.
#[derive(Clone, FromRef)]
struct Shop {
    prices: Prices,
    told: UnboundedSender<String>,
}

impl Shop {
    fn tell(&self, what: &str) {
        println!("{what}");
        let _ = self.told.send(what.to_owned());
    }
}

/// A dependency made of the delivery: the tenant in its headers. Without one there is no handler to call.
struct Tenant(String);

impl<C: Send, S: Sync> FromContext<C, S> for Tenant {
    type Rejection = HandlerOutcome;

    async fn from_context(ctx: &mut Context<'_, C, S>) -> Result<Tenant, HandlerOutcome> {
        let tenant = ctx.headers().get_str("tenant").map(str::to_owned);
        tenant.map(Tenant).ok_or_else(HandlerOutcome::drop)
    }
}

#[subscriber(AcklineStream::new("orders").group("billing"))]
async fn bill(
    order: &Order,
    Tenant(tenant): Tenant,
    Ctx(id): Ctx<Entry>,
    Ctx(group): Ctx<Group>,
    State(prices): State<Prices>,
    State(told): State<UnboundedSender<String>>,
) -> HandlerOutcome {
    println!("{group} reads {id}");
    let _ = told.send(format!("{tenant} pays {}", order.pieces * prices.piece));
    HandlerOutcome::ack()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let broker = AcklineBroker::new("memory:");
    let client = broker.client().await?;
    let (told, mut heard) = unbounded_channel();
    let app = RustStream::new(AppInfo::new("billing", "0.1.0"))
        // Before anything is connected: makes what the app holds.
        .on_startup(async move |()| Ok::<_, Infallible>(Shop { prices: Prices { piece: 25 }, told }))
        .after_startup(async move |shop: Arc<Shop>| {
            shop.tell("started");
            Ok::<_, Infallible>(())
        })
        .on_shutdown(async move |shop: Arc<Shop>| {
            shop.tell("stopping");
            Ok::<_, Infallible>(())
        })
        .after_shutdown(async move |shop: Arc<Shop>| {
            shop.tell("stopped");
            Ok::<_, Infallible>(())
        })
        .with_broker(broker, |b| {
            b.include(bill);
        });
    let running = app.start().await?;
    assert_eq!(heard.recv().await.as_deref(), Some("started"));
    let order = ackline_consumer::Add::to("orders", Json(Order { id: 7, pieces: 3 }));
    client.send(order.header("tenant", "north")).await?;
    assert_eq!(heard.recv().await.as_deref(), Some("north pays 75"));
    running.shutdown().await?;
    assert_eq!(heard.recv().await.as_deref(), Some("stopping"));
    assert_eq!(heard.recv().await.as_deref(), Some("stopped"));
    Ok(())
}
