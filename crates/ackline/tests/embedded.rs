//! The library as programs embed it.

#![cfg(not(feature = "model"))]
#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

#[path = "embedded/checkpoints.rs"]
mod checkpoints;
#[path = "embedded/clock.rs"]
mod clock;
#[path = "embedded/closing.rs"]
mod closing;
#[path = "embedded/futures.rs"]
mod futures;
#[path = "embedded/threads.rs"]
mod threads;
#[path = "embedded/transactions.rs"]
mod transactions;
#[path = "embedded/typed.rs"]
mod typed;

use ackline::{Ackline, Error, Reply};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

/// The words of a line.
fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

fn run(broker: &Ackline, line: &str) -> Reply {
    broker.command(&words(line)).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Counts how often it was woken.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Counter>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls a future once.
fn poll<F: Future + Unpin>(future: &mut F, counter: &Arc<Counter>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(counter));
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

fn text(outcome: &Result<Reply, Error>) -> String {
    match outcome {
        Ok(reply) => format!("{reply:?}"),
        Err(error) => error.to_string(),
    }
}
