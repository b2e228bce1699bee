//! Waiting without a thread: the futures work in any runtime, here in tokio's on one thread.

use ackline::{Ackline, After, Error, ReadGroup};
use std::time::Duration;

const ORDERS: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let broker = Ackline::open(dir.path())?;
    broker.create_group("orders", "billing", After::START).await?;
    let worker = tokio::spawn(work(broker.clone()));

    for n in 0..ORDERS {
        let id = broker.add("orders", [("number", n.to_string())]).await?;
        println!("order {n} is durable as {id}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let done = worker.await??;
    assert_eq!(done, ORDERS);

    // A read that waits can be given up like every future; nothing is delivered to somebody who is gone.
    let patient = broker.read_group("orders", ReadGroup::new("billing", "gone").block_forever());
    assert!(tokio::time::timeout(Duration::from_millis(1), patient).await.is_err());
    assert_eq!(broker.broker().parked(), 0);
    println!("{done} orders billed");
    Ok(())
}

/// Sleeps until there is something to do: no thread waits, and nobody polls.
async fn work(broker: Ackline) -> Result<usize, Error> {
    let read = ReadGroup::new("billing", "worker-1").count(10).block_forever();
    let mut done = 0;
    while done < ORDERS {
        for order in broker.read_group("orders", read).await? {
            println!("order {} is billed", order.text("number").unwrap_or("?"));
            broker.ack("orders", "billing", [order.id()]).await?;
            done += 1;
        }
    }
    Ok(done)
}
