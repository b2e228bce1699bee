//! Testing the app that runs in production, on the engine that runs in production.
//!
//! FastStream: "Testing" (`TestRedisBroker`, `with_real`, pending entries in the test broker), "TestApp". There the broker is
//! replaced by a model; here the URL is replaced by `memory:`, so groups, redelivery, delays and dead letters need no model.
//!
//! ```text
//! cargo run -p ackline-ruststream --example testing
//! ```

use ackline_ruststream::prelude::*;
use ruststream::testing::{Outcome, TestApp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, PartialEq, Serialize, Deserialize, Outgoing)]
#[outgoing(name = "payments")]
struct Payment {
    id: u64,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Outgoing)]
#[outgoing(name = "ledger")]
struct Booked {
    payment: u64,
}

const LATER: Duration = Duration::from_secs(24 * 60 * 60);

/// Not cleared today; tomorrow it is.
#[subscriber(AcklineStream::new("payments").group("ledger").max_deliveries(3), reply)]
async fn book(payment: &Payment, Ctx(deliveries): Ctx<Deliveries>) -> Result<Booked, HandlerOutcome> {
    match (payment.id, deliveries) {
        (0, _) => Err(HandlerOutcome::retry()),
        (_, 1) => Err(HandlerOutcome::retry_after(LATER)),
        (id, _) => Ok(Booked { payment: id }),
    }
}

/// The app of production.
fn app() -> impl App {
    let broker = AcklineBroker::new("redis://ledger:secret@db.example.com:6379/0");
    RustStream::new(AppInfo::new("ledger", "0.1.0")).with_broker(broker, |b| {
        b.include(book);
    })
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> anyhow::Result<()> {
    // No server is asked: the broker connects in process.
    let tb = TestApp::start(app()).await?;
    let broker = tb.broker::<AcklineBroker>();

    // Returns once everything that follows from it has come to its end.
    tb.message(&Payment { id: 7 }).publish().await?;
    broker.subscriber("payments").assert_called_once().with(&Payment { id: 7 });
    broker.published::<Booked>("ledger").assert_not_called();
    println!("payment 7 is not cleared yet");

    // A day passes at once.
    tb.advance(LATER).await?;
    broker.subscriber("payments").assert_called(2);
    broker.published::<Booked>("ledger").assert_called_once().with(&Booked { payment: 7 });
    println!("a day later it is booked");

    // Three deliveries, then it is a dead letter.
    tb.message(&Payment { id: 0 }).publish().await?;
    let outcomes = broker.subscriber("payments").outcomes();
    assert_eq!(outcomes[2..], [Outcome::Nack, Outcome::Nack, Outcome::Nack]);
    broker.published::<Payment>("payments:dead").assert_called_once().with(&Payment { id: 0 });
    println!("payment 0 is a dead letter");

    // What cannot be decoded is one at once.
    tb.publish("payments", &serde_json::json!({"id": "seven"})).await?;
    broker.subscriber("payments").assert_last_failed_to_decode();
    broker.published::<Payment>("payments:dead").assert_called(2);
    tb.assert_running();
    tb.shutdown().await?;
    Ok(())
}
