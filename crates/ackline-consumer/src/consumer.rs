//! Consumers: how they are described, and how they run.

use crate::app::App;
use crate::batch::{Batched, Batches};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::handler::{Handler, Job};
use crate::health::{Health, Probe};
use crate::outcome::{AckPolicy, BoxError, Outcome};
use crate::state::States;
use crate::streams::Streams;
use crate::subscription::backoff::Backoff;
use crate::subscription::options::{OnAck, Options, Poison, Start};
use crate::subscription::{Shared, Subscription};
use crate::work::{Function, Layered, Work};
use crate::worker;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_layer::Layer;
use tower_service::Service;

/// How a stream shall be consumed for a group. Made by [`Client::consume`]; ends in a handler, or in a [`Subscription`].
#[derive(Clone, Debug)]
#[must_use = "nothing is consumed before it runs"]
pub struct Consume {
    client: Client,
    streams: Streams,
    group: String,
    options: Options,
    policy: AckPolicy,
    states: States,
}

impl Consume {
    pub(crate) fn new(client: Client, streams: Streams, group: String) -> Consume {
        Consume {
            client,
            streams,
            group,
            options: Options::default(),
            policy: AckPolicy::default(),
            states: States::default(),
        }
    }

    /// All options at once.
    pub fn options(mut self, options: Options) -> Consume {
        self.options = options;
        self
    }

    /// See [`Options::name`].
    pub fn name(mut self, name: impl Into<String>) -> Consume {
        self.options.name = Some(name.into());
        self
    }

    /// See [`Options::start`].
    pub fn start_at(mut self, start: Start) -> Consume {
        self.options.start = start;
        self
    }

    /// See [`Options::concurrency`]; at least 1.
    pub fn concurrency(mut self, messages: usize) -> Consume {
        self.options.concurrency = messages.max(1);
        self
    }

    /// See [`Options::prefetch`].
    pub fn prefetch(mut self, messages: usize) -> Consume {
        self.options.prefetch = messages;
        self
    }

    /// See [`Options::block`].
    pub fn block(mut self, wait: Duration) -> Consume {
        self.options.block = wait;
        self
    }

    /// See [`Options::lease`].
    pub fn lease(mut self, lease: Duration) -> Consume {
        self.options.lease = lease;
        self
    }

    /// See [`Options::max_deliveries`].
    pub fn max_deliveries(mut self, deliveries: impl Into<Option<u64>>) -> Consume {
        self.options.max_deliveries = deliveries.into();
        self
    }

    /// See [`Options::backoff`].
    pub fn backoff(mut self, backoff: Backoff) -> Consume {
        self.options.backoff = backoff;
        self
    }

    /// See [`Options::poison`].
    pub fn poison(mut self, poison: Poison) -> Consume {
        self.options.poison = poison;
        self
    }

    /// Poison goes to a stream of this name.
    pub fn dead_letter_to(self, stream: impl Into<String>) -> Consume {
        self.poison(Poison::DeadLetterTo(stream.into()))
    }

    /// See [`Options::on_ack`].
    pub fn on_ack(mut self, on_ack: OnAck) -> Consume {
        self.options.on_ack = on_ack;
        self
    }

    /// See [`Options::order_by`].
    pub fn order_by(mut self, field: impl Into<String>) -> Consume {
        self.options.order_by = Some(field.into());
        self
    }

    /// See [`Options::drain`].
    pub fn drain(mut self, wait: Duration) -> Consume {
        self.options.drain = wait;
        self
    }

    /// See [`Options::forget_consumers`].
    pub fn forget_consumers(mut self, after: impl Into<Option<Duration>>) -> Consume {
        self.options.forget_consumers = after.into();
        self
    }

    /// See [`Options::watch_group`].
    pub fn watch_group(mut self, every: impl Into<Option<Duration>>) -> Consume {
        self.options.watch_group = every.into();
        self
    }

    /// Who acknowledges, and when.
    pub fn policy(mut self, policy: AckPolicy) -> Consume {
        self.policy = policy;
        self
    }

    /// A value for handlers that take a [`State`](crate::State) of its type.
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Consume {
        self.states.put(value);
        self
    }

    /// What is done with each message: an asynchronous function of arguments that are made of it.
    pub fn handler<H: Handler<Args>, Args: 'static>(self, handler: H) -> Consumer<Function<H, Args>> {
        Consumer { consume: self, work: Function::new(handler) }
    }

    /// What is done with several messages at once: `max`, or as many as there are `wait` after the first.
    /// [`Options::concurrency`] is the number of batches; twice what they hold is fetched ahead, whatever
    /// [`Options::prefetch`] says.
    pub fn batch_handler<H: Batches<Args>, Args: 'static>(
        self,
        max: usize,
        wait: Duration,
        handler: H,
    ) -> Consumer<Batched<H, Args>> {
        Consumer { consume: self, work: Batched::new(handler, max.max(1), wait) }
    }

    /// Starts without a handler: deliveries are asked for one by one, and decided by hand.
    pub async fn subscribe(self) -> Result<Subscription> {
        Subscription::start(&self.client, self.streams.0, self.group, self.options).await
    }
}

/// A consumer with its handler.
#[must_use = "nothing is consumed before it runs"]
pub struct Consumer<W> {
    consume: Consume,
    work: W,
}

impl<H: Handler<Args>, Args: 'static> Consumer<Function<H, Args>> {
    /// Puts a layer of tower around the handler: timeouts, limits, tracing, whatever knows services. The service takes a
    /// [`Job`] and answers an [`Outcome`]; the layer that is added last is called first.
    pub fn layer<L>(self, layer: L) -> Consumer<Layered<L::Service>>
    where
        L: Layer<Function<H, Args>>,
        Layered<L::Service>: Work,
    {
        Consumer { consume: self.consume, work: Layered::new(layer.layer(self.work)) }
    }
}

impl<S> Consumer<Layered<S>>
where
    S: Service<Job, Response = Outcome, Error: Into<BoxError>>,
{
    /// Another layer around those that are there.
    pub fn layer<L: Layer<S>>(self, layer: L) -> Consumer<Layered<L::Service>>
    where
        Layered<L::Service>: Work,
    {
        Consumer { consume: self.consume, work: Layered::new(layer.layer(self.work.into_inner())) }
    }
}

impl<W: worker::Run> Consumer<W> {
    /// See [`Options::drain`].
    pub(crate) fn drain(self, wait: Duration) -> Consumer<W> {
        Consumer { consume: self.consume.drain(wait), work: self.work }
    }

    /// Starts it. Fails if the stream's group cannot be made now.
    pub async fn start(self) -> Result<Running> {
        let Consumer { consume, work } = self;
        let Consume { client, streams, group, mut options, policy, states } = consume;
        options.no_ack = policy == AckPolicy::None;
        // A batch fills only if reading goes on until all batches are full: see `Shared::low_water`.
        let gathering = work.at_once().saturating_sub(1).saturating_mul(options.concurrency);
        options.prefetch = options.prefetch.max(gathering.saturating_mul(2));
        let subscription = Subscription::start(&client, streams.0, group, options).await?;
        let subscription = Arc::new(subscription);
        let shared = Arc::clone(subscription.shared());
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let run = worker::Runner { subscription, policy, states: Arc::new(states), work: Arc::new(work) };
        let end = Arc::clone(&shared).unless_crashed(run.until(stop.clone()));
        let over = ended.clone().drop_guard();
        let task = tokio::spawn(async move {
            // Told also if the task panics.
            let _over = over;
            end.await
        });
        Ok(Running { stop, ended, shared, task })
    }

    /// Runs until the process is told to end (SIGINT, SIGTERM), then stops gracefully: an [`App`] of one consumer.
    pub async fn run(self) -> Result<()> {
        App::new().add(self).run().await
    }

    /// Runs until `end` is over, then stops gracefully: what was not begun is given back, what was is waited for.
    pub async fn run_until(self, end: impl Future<Output = ()>) -> Result<()> {
        App::new().add(self).run_until(end).await
    }
}

/// A consumer at work. Dropped, it stops gracefully, without being waited for.
pub struct Running {
    stop: CancellationToken,
    /// The task has ended.
    ended: CancellationToken,
    shared: Arc<Shared>,
    task: JoinHandle<Result<()>>,
}

impl Running {
    /// Stops gracefully: reads no more, gives back what was not begun, waits for what was (see [`Options::drain`]).
    pub async fn stop(mut self) -> Result<()> {
        self.stop.cancel();
        (&mut self.task).await.map_err(Error::panicked)?
    }

    /// Stops at once: what is worked on is given up, and given back.
    pub async fn abort(self) -> Result<()> {
        self.shared.stop_now();
        self.stop().await
    }

    /// Ends it as a process ends that is killed.
    #[cfg(feature = "harness")]
    pub(crate) async fn crash(mut self) {
        self.shared.crashed.cancel();
        let _ = (&mut self.task).await;
    }

    /// Lets another token stop it too.
    pub fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Returns once it has ended, which it does by itself only because of a bug: [`stop`](Running::stop) tells.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// How it is doing.
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// To ask the same from elsewhere.
    pub fn probe(&self) -> Probe {
        let probe = Probe::default();
        probe.add(&self.shared);
        probe
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("health", &self.health().to_string()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::HealthState;

    /// Work with a bug that no handler can have.
    struct Broken;

    impl worker::Run for Broken {
        async fn run(_: Arc<worker::Runner<Broken>>) {
            panic!("a bug");
        }
    }

    #[tokio::test]
    async fn a_consumer_that_dies_ends_the_app_with_its_error() {
        let client = Client::open("memory:").await.unwrap();
        let broken = Consumer { consume: client.consume("a", "g"), work: Broken };
        let well = client.consume("b", "g").handler(|_: crate::Message| async {});
        let app = App::new().add(well).add(broken);
        let probe = app.probe();
        let error = app.run_until(std::future::pending()).await.unwrap_err();
        assert_eq!(error.to_string(), "a task of the consumer panicked: a bug");
        assert_eq!(probe.health().state, HealthState::Stopped);
    }
}
