//! A consumer dies; another takes over what it had. And a handler that takes longer than the lease keeps its message,
//! because the lease is renewed for as long as its consumer lives.
//!
//! Each consumer is a thread with a runtime of its own. To kill one, its runtime is dropped: nothing is given back, and
//! nothing is said to the others.
//!
//! ```text
//! cargo run -p ackline-consumer --example takeover [URL]
//! ```

use ackline_consumer::{Client, Form, Message, OnAck, State};
use anyhow::ensure;
use serde::{Deserialize, Serialize};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const LEASE: Duration = Duration::from_millis(600);

#[derive(Serialize, Deserialize)]
struct Parcel {
    number: u32,
}

/// What a consumer says: its name, the parcel, the number of the delivery, and whether it is done.
type Said = (String, u32, u64, bool);

async fn carry(
    Form(parcel): Form<Parcel>,
    message: Message,
    office: State<Sender<Said>>,
) -> anyhow::Result<()> {
    let said = |done| (message.consumer().to_owned(), parcel.number, message.deliveries(), done);
    office.send(said(false))?;
    match parcel.number {
        // Ann will never get over this one.
        3 if message.consumer() == "ann" => std::future::pending().await,
        7 => tokio::time::sleep(LEASE * 3).await,
        _ => tokio::time::sleep(Duration::from_millis(20)).await,
    }
    office.send(said(true))?;
    Ok(())
}

/// A consumer in a runtime of its own: as far away from the others as another process.
fn consumer(name: &'static str, url: String, office: Sender<Said>) -> anyhow::Result<Runtime> {
    let runtime = Runtime::new()?;
    runtime.spawn(async move {
        let client = Client::open(&url).await?;
        let consumer = client.consume("parcels", "carriers").name(name).lease(LEASE).concurrency(2);
        let consumer = consumer.on_ack(OnAck::Delete);
        consumer.state(office).handler(carry).run_until(std::future::pending()).await
    });
    Ok(runtime)
}

fn main() -> anyhow::Result<()> {
    // In memory nobody else would find it: a directory, which is one engine for all who open it in this process.
    let dir = tempfile::tempdir()?;
    let url = url().unwrap_or_else(|| format!("ackline:{}", dir.path().display()));
    let post = Runtime::new()?;
    let client = post.block_on(Client::open(&url))?;
    let add = |number| post.block_on(client.add("parcels", Form(Parcel { number })));

    (1..=6).try_for_each(|number| add(number).map(drop))?;
    let (office, heard) = channel();
    let ann = consumer("ann", url.clone(), office.clone())?;
    let (before, _) = hear(&heard, |all| done(all).len() == 5)?;
    assert_eq!(done(&before), [1, 2, 4, 5, 6]);
    println!("ann dies with parcel 3 in her hands\n");
    ann.shutdown_background();

    let died = Instant::now();
    let bob = consumer("bob", url.clone(), office.clone())?;
    // An acknowledgement of hers may have died with her: then bob does that parcel again too. At least once, that is.
    let (after, waited) = hear(&heard, |all| done(all).contains(&3))?;
    assert_eq!(after.last(), Some(&("bob".to_owned(), 3, 2, true)));
    println!("bob has it {:.1} s after her death, by its second delivery\n", died.elapsed().as_secs_f32());
    ensure!(waited < LEASE * 4, "it took {waited:?}");

    let cat = consumer("cat", url, office)?;
    add(7)?;
    let (slow, took) = hear(&heard, |all| done(all).contains(&7))?;
    println!("parcel 7 took three leases, and nobody else was given it");
    let begun = slow.iter().filter(|said| said.1 == 7 && !said.3).count();
    ensure!(begun == 1 && took >= LEASE * 3, "begun once: {slow:?}");
    // What is acknowledged is deleted.
    while post.block_on(client.len("parcels"))? > 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop((bob, cat));
    Ok(())
}

/// Listens until it is enough.
fn hear(heard: &Receiver<Said>, enough: impl Fn(&[Said]) -> bool) -> anyhow::Result<(Vec<Said>, Duration)> {
    let (begin, mut all) = (Instant::now(), Vec::new());
    while !enough(&all) {
        let said = heard.recv_timeout(Duration::from_secs(10))?;
        let (name, number, deliveries, done) = &said;
        println!("{name}: parcel {number}, delivery {deliveries}, {}", if *done { "done" } else { "begun" });
        all.push(said);
    }
    Ok((all, begin.elapsed()))
}

fn done(all: &[Said]) -> Vec<u32> {
    let mut numbers: Vec<u32> = all.iter().filter(|said| said.3).map(|said| said.1).collect();
    numbers.sort_unstable();
    numbers
}

/// The first argument, or ACKLINE_URL.
fn url() -> Option<String> {
    std::env::args().nth(1).or_else(|| std::env::var("ACKLINE_URL").ok())
}
