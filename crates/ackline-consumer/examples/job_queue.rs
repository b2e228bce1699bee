//! A queue of jobs inside of a program, kept in a directory: the program dies in the middle of a job, starts again, and
//! goes on where it was. No server, nothing to set up.
//!
//! ```text
//! cargo run -p ackline-consumer --example job_queue [URL]
//! ```

use ackline_consumer::{Add, Client, Form, Message, OnAck, State};
use serde::{Deserialize, Serialize};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::sleep;
use std::time::Duration;
use tokio::runtime::Runtime;

const JOBS: u32 = 20;
const PAGE: Duration = Duration::from_millis(30);

#[derive(Serialize, Deserialize)]
struct Job {
    page: u32,
}

/// A job that was begun, and the same once it was done.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Begun { page: u32, delivery: u64 },
    Done { page: u32 },
}

async fn render(Form(job): Form<Job>, message: Message, steps: State<Sender<Step>>) -> anyhow::Result<()> {
    steps.send(Step::Begun { page: job.page, delivery: message.deliveries() })?;
    tokio::time::sleep(PAGE).await;
    steps.send(Step::Done { page: job.page })?;
    Ok(())
}

/// The program.
async fn program(url: String, steps: Sender<Step>) -> anyhow::Result<()> {
    let client = Client::open(&url).await?;
    if client.len("jobs").await? == 0 {
        client.send_all((1..=JOBS).map(|page| Add::to("jobs", Form(Job { page })))).await?;
    }
    // With a name of its own it finds at once what it had begun before. It fetches nothing ahead, so that its death counts
    // against one job only. What is done leaves the queue.
    let worker = client.consume("jobs", "workers").name("worker").prefetch(0).on_ack(OnAck::Delete);
    worker.state(steps).handler(render).run_until(std::future::pending()).await?;
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let url = url().unwrap_or_else(|| format!("ackline:{}", dir.path().display()));
    let (sender, steps) = channel();

    println!("the program starts, with {JOBS} jobs");
    let first = Runtime::new()?;
    first.spawn(program(url.clone(), sender.clone()));
    let done = watch(&steps, |step| matches!(step, Step::Begun { page: 8, .. }))?;
    sleep(PAGE / 2);
    // Everything in it is gone at once, whatever it was doing.
    first.shutdown_timeout(Duration::from_secs(5));
    println!("it dies in the middle of page 8; done are {done:?}\n");
    assert_eq!(done, (1..=7).collect::<Vec<_>>());

    println!("it starts again");
    let second = Runtime::new()?;
    second.spawn(program(url.clone(), sender));
    let rest = watch(&steps, |step| matches!(step, Step::Done { page: JOBS }))?;
    println!("done are {rest:?}\n");
    // Had it died before the acknowledgement of page 7 was out, there would be that one again: at least once.
    assert!(rest.ends_with(&(8..=JOBS).collect::<Vec<_>>()) && rest.len() <= JOBS as usize - 6);

    let left = second.block_on(async {
        let client = Client::open(&url).await?;
        for _ in 0..100 {
            if client.len("jobs").await? == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        client.len("jobs").await
    })?;
    println!("every page is done; {left} jobs are left");
    assert_eq!(left, 0);
    Ok(())
}

/// The pages that are done by the time of the last step.
fn watch(steps: &Receiver<Step>, last: impl Fn(&Step) -> bool) -> anyhow::Result<Vec<u32>> {
    let mut done = Vec::new();
    loop {
        let step = steps.recv_timeout(Duration::from_secs(10))?;
        match step {
            Step::Done { page } => done.push(page),
            Step::Begun { page, delivery: 2.. } => println!("page {page} is begun again"),
            Step::Begun { .. } => {}
        }
        if last(&step) {
            return Ok(done);
        }
    }
}

/// The first argument, or ACKLINE_URL.
fn url() -> Option<String> {
    std::env::args().nth(1).or_else(|| std::env::var("ACKLINE_URL").ok())
}
