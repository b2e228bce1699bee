//! How fast a consumer is: `cargo bench -p ackline-consumer --bench consume -- [URL] [MESSAGES] [ROUNDS]`.
//!
//! With `memory:` (the default) it consumes from an engine in this process. With a server's URL it also runs the loop that one
//! would write by hand with redis-rs, XREADGROUP COUNT n and one XACK for all of them, in turn with it. Both handlers count and do nothing else.
//! Processor time is that of this process, of all its threads; in memory mode it includes the engine.

use ackline_consumer::{AckPolicy, Add, Client, Message};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let url = args.first().map_or("memory:", String::as_str);
    let number = |at: usize, default| args.get(at).map_or(Ok(default), |text| text.parse());
    let (messages, rounds): (u64, u64) = (number(1, 500_000)?, number(2, 5)?);
    let client = Client::open(url).await?;
    println!("{} messages of 100 bytes a round, {rounds} rounds, {}", messages, client.peer());
    for round in 0..rounds {
        let stream = format!("ackline-bench-{}-{round}", std::process::id());
        fill(&client, &stream, messages).await?;
        report("consumer", messages, consumer(&client, &stream, messages)).await?;
        #[cfg(feature = "redis")]
        if url.starts_with("redis://") {
            for count in [1, 10, 100] {
                report(&format!("by hand, COUNT {count}"), messages, by_hand(url, &stream, count, messages))
                    .await?;
            }
        }
    }
    Ok(())
}

async fn fill(client: &Client, stream: &str, messages: u64) -> Result<(), Failure> {
    let payload = "x".repeat(96);
    for first in (0..messages).step_by(1000) {
        let last = messages.min(first + 1000);
        client.send_all((first..last).map(|_| Add::to(stream, [("data", payload.as_str())]))).await?;
    }
    Ok(())
}

/// Runs `work` and prints what it took.
async fn report(
    name: &str,
    messages: u64,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let (cpu, start) = (processor_time()?, Instant::now());
    work.await?;
    let (took, cpu) = (start.elapsed(), processor_time()? - cpu);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / messages as f64;
    println!(
        "{name:20} {:9.0} messages/s  {:6.3} us each  {:6.3} us of processor time",
        messages as f64 / took.as_secs_f64(),
        each(took),
        each(cpu)
    );
    Ok(())
}

async fn consumer(client: &Client, stream: &str, messages: u64) -> Result<(), Failure> {
    let (count, done) = (Arc::new(AtomicU64::new(0)), Arc::new(tokio::sync::Notify::new()));
    let (seen, tell) = (Arc::clone(&count), Arc::clone(&done));
    let handler = move |_: Message| {
        if seen.fetch_add(1, Ordering::Relaxed) + 1 == messages {
            tell.notify_one();
        }
        async {}
    };
    let consume = client.consume(stream, "consumer").policy(AckPolicy::NackOnError).prefetch(256);
    let running = consume.handler(handler).start().await?;
    done.notified().await;
    running.stop().await?;
    Ok(())
}

/// What one would write with redis-rs.
#[cfg(feature = "redis")]
async fn by_hand(url: &str, stream: &str, count: usize, messages: u64) -> Result<(), Failure> {
    use redis::AsyncCommands;
    use redis::streams::{StreamReadOptions, StreamReadReply};
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    let group = format!("by-hand-{count}");
    let _: () = connection.xgroup_create(stream, &group, "0").await?;
    let options = StreamReadOptions::default().group(&group, "hand").count(count);
    let mut seen = 0;
    while seen < messages {
        let reply: StreamReadReply = connection.xread_options(&[stream], &[">"], &options).await?;
        for stream_key in reply.keys {
            let ids: Vec<String> = stream_key.ids.into_iter().map(|entry| entry.id).collect();
            seen += ids.len() as u64;
            let _: u64 = connection.xack(stream, &group, &ids).await?;
        }
    }
    Ok(())
}

/// The processor time of this process so far, to a hundredth of a second.
fn processor_time() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Ok(Duration::from_millis((ticks(11) + ticks(12)) * 10))
}
