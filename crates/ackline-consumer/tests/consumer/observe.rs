//! What consumers tell about themselves: metrics, traces, health. And how several of them live together.

mod apps;
mod health;
mod metrics;
#[cfg(feature = "otel")]
mod traces;

use ackline_consumer::Client;
use std::time::Duration;

async fn memory() -> Client {
    Client::open("memory:").await.unwrap()
}

/// Waits for something that surely happens, however slow the machine is.
async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
