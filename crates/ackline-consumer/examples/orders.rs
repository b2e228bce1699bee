//! A pipeline of three streams: orders are paid, payments are shipped. A message and what follows from it change places in one
//! step. What fails for a while is tried again, what fails for good lies in `shop.orders:dead`, from where it is sent back.
//!
//! ```text
//! shop.orders ──► pay ──► shop.payments ──► ship ──► shop.shipments ──► deliver
//!                  └───► shop.orders:dead ──► an operator, who mends it and sends it back
//!
//! cargo run -p ackline-consumer --example orders [URL]
//! ```

use ackline_consumer::{Add, Backoff, Client, DeadLetter, Delivery, Json, Message, Reject, State};
use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[derive(Serialize, Deserialize)]
struct Order {
    number: u32,
    cents: i64,
}

static ACCOUNT_5_IS_OPEN: AtomicBool = AtomicBool::new(false);

fn charge(order: &Order, deliveries: u64) -> anyhow::Result<()> {
    if order.cents <= 0 {
        // Trying again would not help. From any depth, through any error type that keeps its sources.
        Err(Reject::because(format!("{} is no amount", order.cents)))?;
    }
    ensure!(!order.number.is_multiple_of(4) || deliveries > 1, "the bank does not answer");
    ensure!(order.number != 5 || ACCOUNT_5_IS_OPEN.load(Relaxed), "account 5 is closed");
    Ok(())
}

/// The entry that it returns is added in the step that acknowledges the order: there is never one without the other.
async fn pay(Json(order): Json<Order>, message: Message) -> anyhow::Result<Add> {
    charge(&order, message.deliveries())
        .inspect_err(|error| println!("  order {}, delivery {}: {error}", order.number, message.deliveries()))
        .context("payment")?;
    Ok(Add::to("shop.payments", Json(order)).header("order-id", message.id().to_string()))
}

async fn ship(Json(order): Json<Order>, message: Message) -> anyhow::Result<Add> {
    let from = message.header("order-id").context("a payment names its order")?.to_owned();
    Ok(Add::to("shop.shipments", Json(order)).header("order-id", from))
}

async fn deliver(Json(order): Json<Order>, delivered: State<UnboundedSender<u32>>) -> anyhow::Result<()> {
    Ok(delivered.send(order.number)?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let client = Client::open(&url()).await?;
    let (sender, mut delivered) = unbounded_channel();

    let paying = client.consume("shop.orders", "cashier").max_deliveries(3);
    let soon = Backoff::exponential(Duration::from_millis(50), Duration::from_secs(1));
    let paying = paying.backoff(soon).concurrency(4).handler(pay).start().await?;
    let shipping = client.consume("shop.payments", "packers").handler(ship).start().await?;
    let delivering =
        client.consume("shop.shipments", "drivers").state(sender).handler(deliver).start().await?;

    println!("eight orders, and something that is none:");
    for number in 1..=8 {
        let cents = if number == 3 { -1 } else { 1000 };
        client.add("shop.orders", Json(Order { number, cents })).await?;
    }
    client.add("shop.orders", [("data", "no JSON")]).await?;
    assert_eq!(arrivals(&mut delivered, 6).await?, [1, 2, 4, 6, 7, 8]);
    println!("delivered: 1, 2, 4, 6, 7, 8");

    println!("dead letters:");
    let dead = client.consume(client.dead_letter_stream("shop.orders"), "operators").subscribe().await?;
    let mut letters = Vec::new();
    while letters.len() < 3 {
        letters.push(dead.next().await.context("three are dead")?);
    }
    ACCOUNT_5_IS_OPEN.store(true, Relaxed);
    for letter in letters {
        judge(letter).await?;
    }
    assert_eq!(arrivals(&mut delivered, 2).await?, [3, 5]);
    println!("delivered: 3, 5");

    dead.close().await;
    for consumer in [paying, shipping, delivering] {
        consumer.stop().await?;
    }
    Ok(())
}

/// What an operator does, or a tool: looks at why it is here, and sends it back, mended, if it can be.
async fn judge(letter: Delivery) -> anyhow::Result<()> {
    let dead = DeadLetter::of(letter.fields()).context("no dead letter")?;
    println!("  {:14} from {} {}, deliveries {}", dead.reason, dead.stream, dead.id, dead.deliveries);
    println!("                 {}", dead.error);
    match dead.reason.as_str() {
        "rejected" => {
            let order: Order = serde_json::from_slice(&letter.body()?.payload())?;
            let mended = Json(Order { cents: 1000, ..order });
            letter.ack_and([Add::to(dead.stream, mended)]).await?;
        }
        "max-deliveries" => letter.ack_and([dead.again()]).await?,
        _ => letter.ack().await?,
    }
    Ok(())
}

async fn arrivals(delivered: &mut UnboundedReceiver<u32>, count: usize) -> anyhow::Result<Vec<u32>> {
    let mut all = Vec::new();
    while all.len() < count {
        let next = tokio::time::timeout(Duration::from_secs(10), delivered.recv()).await;
        all.extend(next.context("too few were delivered")?);
    }
    all.sort_unstable();
    Ok(all)
}

/// Where the streams are: the first argument, ACKLINE_URL, or in this process.
fn url() -> String {
    let named = std::env::args().nth(1).or_else(|| std::env::var("ACKLINE_URL").ok());
    named.unwrap_or_else(|| "memory:".to_owned())
}
