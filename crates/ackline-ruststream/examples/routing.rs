//! Routers, prefixes, and several kinds of message in one stream.
//!
//! FastStream: "Routers" (`RedisRouter(prefix=..)`, `include_router`), "Filters".
//!
//! ```text
//! cargo run -p ackline-ruststream --example routing
//! ```

use ackline_ruststream::prelude::*;
use ruststream::testing::TestApp;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Outgoing)]
struct Created {
    id: u64,
}

#[derive(Debug, Serialize, Deserialize, Outgoing)]
struct Cancelled {
    id: u64,
    why: String,
}

/// What FastStream's filters are for: the header `event` says which it is. What is none of them is poison.
#[derive(InMessages)]
#[in_messages(header = "event")]
enum Event {
    #[in_messages(value = "created")]
    Created(Created),
    #[in_messages(value = "cancelled")]
    Cancelled(Cancelled),
}

#[subscriber(AcklineStream::new("events").group("billing"))]
async fn on_event(event: &Event) {
    match event {
        Event::Created(order) => println!("order {} created", order.id),
        Event::Cancelled(order) => println!("order {} cancelled: {}", order.id, order.why),
    }
}

/// The kind of source is known here, its name is not: the router says it.
#[subscriber(AcklineStream)]
async fn ship(order: &Created) {
    println!("order {} shipped", order.id);
}

/// The handlers of one module, under a prefix. ruststream has no prefixes of its own: names are values.
fn shipping(prefix: &str) -> Router<AcklineBroker, impl RouterDef<AcklineBroker>> {
    Router::new().include(ship.name(format!("{prefix}.orders")))
}

fn events() -> Router<AcklineBroker, impl RouterDef<AcklineBroker>> {
    Router::new().include(on_event)
}

fn app() -> impl App {
    let broker = AcklineBroker::new("memory:").group("shipping");
    RustStream::new(AppInfo::new("shop", "0.1.0")).with_broker(broker, |b| {
        b.include_router(shipping("eu").merge(shipping("us")).merge(events()));
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let tb = TestApp::start(app()).await?;
    let broker = tb.broker::<AcklineBroker>();
    for region in ["eu", "us"] {
        broker.message(&Created { id: 7 }).to(format!("{region}.orders")).publish().await?;
        broker.subscriber(&format!("{region}.orders")).assert_called_once();
    }
    let event = |name: &'static str| -> HeaderMap { [("event", name)].into_iter().collect() };
    broker.message(&Created { id: 8 }).to("events").with_headers(event("created")).publish().await?;
    let cancelled = Cancelled { id: 8, why: "too late".to_owned() };
    broker.message(&cancelled).to("events").with_headers(event("cancelled")).publish().await?;
    broker.message(&Created { id: 9 }).to("events").with_headers(event("returned")).publish().await?;
    broker.subscriber("events").assert_called(3);
    // Nobody knows what to do with the last one.
    broker.published::<Created>("events:dead").assert_called_once();
    tb.shutdown().await?;
    println!("done");
    Ok(())
}
