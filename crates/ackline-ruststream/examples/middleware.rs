//! Around handlers, and around what they publish.
//!
//! FastStream: "Middlewares" (`consume_scope`, `publish_scope`), "Exception middleware".
//!
//! ```text
//! cargo run -p ackline-ruststream --example middleware
//! ```

use ackline_ruststream::prelude::*;
use ruststream::runtime::{
    BlanketLayer, Handler, Outgoing as Message, PublishLayer, PublishNext, PublishPipeline,
};
use ruststream::testing::{Outcome, TestApp};
use serde::{Deserialize, Serialize};
use std::error::Error;

#[derive(Debug, Serialize, Deserialize, Outgoing)]
struct Order {
    id: u64,
}

#[derive(Debug, Serialize, Deserialize, Outgoing)]
#[outgoing(name = "receipts")]
struct Receipt {
    order: u64,
}

/// Around every handler: a message of no tenant is poison before anybody has seen it.
#[derive(Clone)]
struct RequireTenant;

struct Tenanted<H>(H);

impl BlanketLayer for RequireTenant {
    fn apply<M, C, S, H>(&self, handler: H) -> impl Handler<M, C, S> + 'static
    where
        M: Send + Sync + 'static,
        C: Send + 'static,
        S: Send + Sync + 'static,
        H: Handler<M, C, S> + 'static,
    {
        Tenanted(handler)
    }
}

impl<M, C, S, H> Handler<M, C, S> for Tenanted<H>
where
    M: Send + Sync,
    C: Send,
    S: Send + Sync,
    H: Handler<M, C, S>,
{
    async fn handle(&self, message: &M, ctx: &mut Context<'_, C, S>) -> HandlerOutcome {
        if ctx.headers().get("tenant").is_none() {
            return HandlerOutcome::drop();
        }
        let outcome = self.0.handle(message, ctx).await;
        println!("{}: {:?}", ctx.name(), outcome.outcome());
        outcome
    }
}

/// Around everything that handlers publish.
#[derive(Clone)]
struct Signed(&'static str);

impl PublishLayer for Signed {
    async fn on_publish<'a, N: PublishPipeline, P: Publisher>(
        &'a self,
        out: &'a mut Message<'a>,
        next: PublishNext<'a, N, P>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        out.headers_mut().insert(Str::from_static("service"), self.0);
        next.run(out).await
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the database is away")]
    Database,
    #[error("an order without a number")]
    NoNumber,
}

/// What an exception middleware is: from the kind of failure to what becomes of the message.
fn settle(result: Result<Receipt, Failure>) -> Result<Receipt, HandlerOutcome> {
    result.map_err(|failure| match failure {
        Failure::Database => HandlerOutcome::retry(),
        Failure::NoNumber => HandlerOutcome::drop(),
    })
}

#[subscriber(AcklineStream::new("orders").group("billing"), reply)]
async fn bill(order: &Order, Ctx(deliveries): Ctx<Deliveries>) -> Result<Receipt, HandlerOutcome> {
    settle(match (order.id, deliveries) {
        (0, _) => Err(Failure::NoNumber),
        (_, 1) => Err(Failure::Database),
        (id, _) => Ok(Receipt { order: id }),
    })
}

fn app() -> impl App {
    RustStream::new(AppInfo::new("billing", "0.1.0"))
        .layer(RequireTenant)
        .publish_layer(Signed("billing"))
        .with_broker(AcklineBroker::new("memory:"), |b| {
            b.include(bill);
        })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let tb = TestApp::start(app()).await?;
    let broker = tb.broker::<AcklineBroker>();
    let tenant: HeaderMap = [("tenant", "north")].into_iter().collect();
    broker.message(&Order { id: 1 }).to("orders").publish().await?;
    broker.message(&Order { id: 0 }).to("orders").with_headers(tenant.clone()).publish().await?;
    broker.message(&Order { id: 2 }).to("orders").with_headers(tenant).publish().await?;
    let outcomes = broker.subscriber("orders").outcomes();
    assert_eq!(outcomes, [Outcome::Drop, Outcome::Drop, Outcome::Nack, Outcome::Ack]);
    broker.published::<Receipt>("receipts").assert_called_once().with_header("service", "billing");
    tb.shutdown().await?;
    println!("done");
    Ok(())
}
