//! Several messages at once.

use crate::handler::{Extract, Job};
use crate::message::Message;
use crate::outcome::{BoxError, IntoOutcome, Outcome};
use crate::store::Command;
use crate::subscription::Delivery;
use crate::trace;
use crate::worker::{Panic, Run, Runner};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

/// Several messages, and what was made of each.
#[derive(Debug)]
pub struct Batch<T> {
    /// What was made of the messages, in the order in which they were delivered.
    pub items: Vec<T>,
    /// The messages themselves, in the same order.
    pub messages: Vec<Message>,
}

impl<T> IntoIterator for Batch<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

/// What a handler of batches may return: one decision for all, as handlers of single messages do, or one for each.
pub trait IntoOutcomes {
    /// A decision for each of `count` messages.
    fn into_outcomes(self, count: usize) -> Vec<Result<Outcome, BoxError>>;
}

impl IntoOutcomes for () {
    fn into_outcomes(self, count: usize) -> Vec<Result<Outcome, BoxError>> {
        (0..count).map(|_| Ok(Outcome::Done)).collect()
    }
}

/// One for each, in the order of the batch. Messages for which there is none fail.
impl<O: IntoOutcome> IntoOutcomes for Vec<O> {
    fn into_outcomes(self, count: usize) -> Vec<Result<Outcome, BoxError>> {
        let missing = || Err("the handler of the batch decided nothing about this message".into());
        let decided = self.into_iter().map(IntoOutcome::into_outcome);
        decided.chain(std::iter::repeat_with(missing)).take(count).collect()
    }
}

/// An error is that of every message.
impl<O: IntoOutcomes, E: Into<BoxError>> IntoOutcomes for Result<O, E> {
    fn into_outcomes(self, count: usize) -> Vec<Result<Outcome, BoxError>> {
        match self {
            Ok(outcomes) => outcomes.into_outcomes(count),
            Err(error) => {
                let error: Arc<dyn StdError + Send + Sync> = Arc::from(error.into());
                (0..count).map(|_| Err(Shared(Arc::clone(&error)).into())).collect()
            }
        }
    }
}

/// One error, told of several messages.
#[derive(Debug)]
struct Shared(Arc<dyn StdError + Send + Sync>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

/// An asynchronous function of a [`Batch`].
pub trait Batches<T>: Send + Sync + 'static {
    /// Runs it: a decision for each message.
    fn call(&self, batch: Batch<T>) -> impl Future<Output = Vec<Result<Outcome, BoxError>>> + Send;
}

impl<F, Fut, T> Batches<T> for F
where
    F: Fn(Batch<T>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: IntoOutcomes> + Send,
    T: Send,
{
    async fn call(&self, batch: Batch<T>) -> Vec<Result<Outcome, BoxError>> {
        let count = batch.messages.len();
        self(batch).await.into_outcomes(count)
    }
}

/// A function of batches.
pub struct Batched<H, T> {
    handler: H,
    max: usize,
    wait: Duration,
    item: PhantomData<fn(T)>,
}

impl<H, T> Batched<H, T> {
    pub(crate) fn new(handler: H, max: usize, wait: Duration) -> Batched<H, T> {
        Batched { handler, max, wait, item: PhantomData }
    }
}

impl<H: Batches<T>, T: Extract + Send + 'static> Run for Batched<H, T> {
    fn at_once(&self) -> usize {
        self.max
    }

    async fn run(runner: Arc<Runner<Batched<H, T>>>) {
        while let Some(first) = runner.subscription.next().await {
            runner.unless_aborted(runner.handle_batch(first)).await;
        }
    }
}

impl<H: Batches<T>, T: Extract + Send + 'static> Runner<Batched<H, T>> {
    async fn handle_batch(&self, first: Delivery) {
        let mut batch = Batch { items: Vec::new(), messages: Vec::new() };
        // Acknowledgements that come first go out together.
        let begun = join_all(self.gather(first).await.into_iter().map(|delivery| self.begin(delivery)));
        for message in begun.await.into_iter().flatten() {
            let job = Job { message: message.clone(), states: Arc::clone(&self.states) };
            let item = catch_unwind(AssertUnwindSafe(|| T::extract(&job)));
            match item.map_err(|panic| BoxError::from(Panic::new(&*panic))).and_then(|item| Ok(item?)) {
                Ok(item) => {
                    batch.items.push(item);
                    batch.messages.push(message);
                }
                Err(error) => drop(trace::handle(&message).in_scope(|| self.conclude(&message, Err(error)))),
            }
        }
        let messages = batch.messages.clone();
        let Some(first) = messages.first() else { return };
        let span = trace::handle_batch(&messages);
        let begun = Instant::now();
        let work = AssertUnwindSafe(self.work.handler.call(batch)).catch_unwind().instrument(span.clone());
        let results = work
            .await
            .unwrap_or_else(|panic| Err::<(), _>(Panic::new(&*panic)).into_outcomes(messages.len()));
        first.meter().handled_in(begun.elapsed());
        let follows = span.in_scope(|| self.conclude_each(&messages, results));
        self.add(follows).instrument(span).await;
    }

    fn conclude_each(&self, messages: &[Message], results: Vec<Result<Outcome, BoxError>>) -> Vec<Command> {
        let each = messages.iter().zip(results).flat_map(|(message, result)| match result {
            Ok(outcome) => self.conclude(message, Ok(outcome)),
            // Whoever reads of a failure has to see which message it is.
            Err(error) => trace::handle(message).in_scope(|| self.conclude(message, Err(error))),
        });
        each.collect()
    }

    /// `first` and what comes soon after it.
    async fn gather(&self, first: Delivery) -> Vec<Delivery> {
        let mut all = vec![first];
        let deadline = Instant::now() + self.work.wait;
        while all.len() < self.work.max {
            match self.subscription.try_next() {
                Some(next) => all.push(next),
                None => match timeout_at(deadline, self.subscription.next()).await {
                    Ok(Some(next)) => all.push(next),
                    Ok(None) | Err(_) => break,
                },
            }
        }
        all
    }
}
