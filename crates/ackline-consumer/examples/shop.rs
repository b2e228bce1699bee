//! A shop for looking at: one process that orders, and processes that pack, fail, and die. `cargo xtask demo` runs them all and
//! shows them in the console.
//!
//! ```text
//! cargo run -p ackline-consumer --example shop -- order URL PER_SECOND [COUNT]    orders, until killed or COUNT are there
//! cargo run -p ackline-consumer --example shop -- pack URL GROUP NAME             packs them, until killed
//! cargo run -p ackline-consumer --example shop -- hang URL GROUP NAME             takes orders and does nothing
//! ```
//!
//! One order in ten fails once and is tried again. One in fifty is nonsense and is rejected. One in five hundred kills whoever
//! touches it, until it has done so three times and lies in `orders:dead`.

use ackline_consumer::{Backoff, Client, Json, Message, Reject};
use anyhow::{Context, bail, ensure};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const STREAM: &str = "orders";
/// After so long others take what a dead packer had.
const LEASE: Duration = Duration::from_secs(2);

#[derive(Serialize, Deserialize)]
struct Order {
    number: u64,
    item: String,
    pieces: i64,
}

impl Order {
    fn new(number: u64) -> Order {
        let items = ["tea", "rice", "salt", "soap", "ink"];
        let item = if number % 500 == 250 { "dynamite" } else { items[number as usize % items.len()] };
        let pieces = if number % 50 == 25 { -1 } else { number as i64 % 7 + 1 };
        Order { number, item: item.to_owned(), pieces }
    }
}

async fn order(client: &Client, per_second: u64, count: u64) -> anyhow::Result<()> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / u32::try_from(per_second.max(1))?);
    for number in 1..=count {
        pace.tick().await;
        client.add(STREAM, Json(Order::new(number))).await?;
    }
    Ok(())
}

async fn pack_one(Json(order): Json<Order>, message: Message) -> anyhow::Result<()> {
    tokio::time::sleep(Duration::from_millis(10 + order.number % 30)).await;
    if order.item == "dynamite" {
        std::process::abort();
    }
    if order.pieces <= 0 {
        Err(Reject::because(format!("{} pieces of {}", order.pieces, order.item)))?;
    }
    ensure!(!order.number.is_multiple_of(10) || message.deliveries() > 1, "out of {}", order.item);
    Ok(())
}

async fn pack(client: &Client, group: &str, name: &str) -> anyhow::Result<()> {
    let packers = client.consume(STREAM, group).name(name).lease(LEASE).max_deliveries(3);
    let backoff = Backoff::exponential(Duration::from_millis(200), Duration::from_secs(2));
    // What is fetched counts as delivered: with few fetched, few suffer with the order that kills.
    let packers = packers.backoff(backoff).concurrency(4).prefetch(0);
    packers.handler(pack_one).run_until(std::future::pending()).await?;
    Ok(())
}

async fn hang(client: &Client, group: &str, name: &str) -> anyhow::Result<()> {
    let held = client.consume(STREAM, group).name(name).prefetch(64).subscribe().await?;
    let _first = held.next().await;
    std::future::pending::<anyhow::Result<()>>().await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let client = Client::open(args.get(1).context("which server? redis://..")?).await?;
    match args[..] {
        ["order", _, per_second] => order(&client, per_second.parse()?, u64::MAX).await,
        ["order", _, per_second, count] => order(&client, per_second.parse()?, count.parse()?).await,
        ["pack", _, group, name] => pack(&client, group, name).await,
        ["hang", _, group, name] => hang(&client, group, name).await,
        _ => bail!("order URL PER_SECOND [COUNT] | pack URL GROUP NAME | hang URL GROUP NAME"),
    }
}
