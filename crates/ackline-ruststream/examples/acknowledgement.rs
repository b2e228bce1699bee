//! Who acknowledges, when, and what becomes of a message that fails.
//!
//! FastStream: "Acknowledgement", "AckPolicy", "Interrupt process", "Manual ack", "no_ack", "Delivery count". ruststream
//! settles by what a handler returns, so a verdict cannot be given twice, and cannot be forgotten.
//!
//! ```text
//! cargo run -p ackline-ruststream --example acknowledgement
//! ```

use ackline_ruststream::prelude::*;
use ruststream::testing::{Outcome, TestApp};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Outgoing)]
struct Order {
    id: u64,
}

/// Nothing to decide: acknowledged.
#[subscriber(AcklineStream::new("automatic").group("billing"))]
async fn automatic(order: &Order) {
    println!("automatic       order {}", order.id);
}

/// The handler decides: what `msg.ack()`, `msg.nack()` and `msg.reject()` are.
#[subscriber(AcklineStream::new("manual").group("billing"))]
async fn manual(order: &Order, Ctx(deliveries): Ctx<Deliveries>) -> HandlerOutcome {
    println!("manual          order {}, delivery {deliveries}", order.id);
    match (order.id, deliveries) {
        (1, _) => HandlerOutcome::ack(),
        // The same entry once more: same ID, same place in the stream, one delivery more.
        (2, 1) => HandlerOutcome::retry(),
        (2, _) => HandlerOutcome::ack(),
        // Poison, to `manual:dead`.
        _ => HandlerOutcome::drop(),
    }
}

fn reserve(order: &Order) -> anyhow::Result<()> {
    anyhow::ensure!(order.id != 1, "out of stock");
    Ok(())
}

/// FastStream's default, REJECT_ON_ERROR, doing what it says: an error makes the message a dead letter. On Redis,
/// FastStream leaves it pending.
#[subscriber(AcklineStream::new("reject-on-error").group("billing"))]
async fn reject_on_error(order: &Order) -> anyhow::Result<()> {
    reserve(order)
}

/// NACK_ON_ERROR: an error is tried again, here twice at most.
#[subscriber(AcklineStream::new("nack-on-error").group("billing").max_deliveries(2))]
async fn nack_on_error(order: &Order) -> HandlerOutcome {
    reserve(order).settled(OnError::Nack)
}

/// ACK: acknowledged whatever happens.
#[subscriber(AcklineStream::new("ack").group("billing"))]
async fn ack_always(order: &Order) -> HandlerOutcome {
    reserve(order).settled(OnError::Ack)
}

/// ACK_FIRST: acknowledged before the handler is called, so at most once. There is nothing to bring back.
#[subscriber(AcklineStream::new("ack-first").group("billing").ack_first())]
async fn ack_first(order: &Order) -> HandlerOutcome {
    reserve(order).settled(OnError::Nack)
}

/// no_ack: the server forgets entries as it delivers them.
#[subscriber(AcklineStream::new("no-ack").group("billing").no_ack())]
async fn no_ack(order: &Order) {
    println!("no-ack          order {}", order.id);
}

/// Interrupts: raised anywhere below, carried up by `?`.
#[subscriber(AcklineStream::new("interrupts").group("billing"))]
async fn interrupted(order: &Order, Ctx(deliveries): Ctx<Deliveries>) -> HandlerOutcome {
    charge(order, deliveries).settled(OnError::Nack)
}

fn charge(order: &Order, deliveries: u64) -> anyhow::Result<()> {
    book(order, deliveries)?;
    anyhow::bail!("nobody gets here")
}

fn book(order: &Order, deliveries: u64) -> anyhow::Result<()> {
    match (order.id, deliveries) {
        (1, 1) => Err(Nack::now())?,
        (2, _) => Err(Reject::because("no such order"))?,
        _ => Err(Ack::now())?,
    }
    Ok(())
}

fn app() -> impl App {
    RustStream::new(AppInfo::new("billing", "0.1.0")).with_broker(AcklineBroker::new("memory:"), |b| {
        b.include(automatic);
        b.include(manual);
        b.include(reject_on_error);
        b.include(nack_on_error);
        b.include(ack_always);
        b.include(ack_first);
        b.include(no_ack);
        b.include(interrupted);
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    use Outcome::{Ack, Drop, Nack};
    let tb = TestApp::start(app()).await?;
    let expected: [(&str, u64, &[Outcome], usize); 8] = [
        ("automatic", 1, &[Ack], 0),
        ("manual", 3, &[Ack, Nack, Ack, Drop], 1),
        ("reject-on-error", 1, &[Drop], 1),
        ("nack-on-error", 1, &[Nack, Nack], 1),
        ("ack", 1, &[Ack], 0),
        ("ack-first", 1, &[Nack], 0),
        ("no-ack", 1, &[Ack], 0),
        ("interrupts", 3, &[Nack, Ack, Drop, Ack], 1),
    ];
    for (stream, orders, outcomes, dead) in expected {
        for id in 1..=orders {
            tb.message(&Order { id }).to(stream).publish().await?;
        }
        let broker = tb.broker::<AcklineBroker>();
        assert_eq!(broker.subscriber(stream).outcomes(), outcomes, "{stream}");
        let dead_letters = broker.published::<Order>(&format!("{stream}:dead"));
        assert_eq!(dead_letters.messages().len(), dead, "{stream}");
        println!("{stream:15} {outcomes:?}, {dead} dead");
    }
    tb.shutdown().await?;
    Ok(())
}
