//! Several consumers in one process, from its start to its end.

use crate::consumer::{Consumer, Running};
use crate::error::Result;
use crate::health::{Health, Probe};
use crate::signal::Signals;
use crate::worker::Run;
use futures_util::future::{BoxFuture, join_all, select_all};
use std::fmt;
use std::pin::pin;
use std::time::Duration;
use tracing::{error, info, warn};

/// Several consumers that live and end together, with handlers of whatever types.
///
/// 1. They start one after the other, in the order in which they were added. If one cannot, those before it are stopped, and
///    its error is returned.
/// 2. They run until the process is told to end (SIGINT, SIGTERM), or until one of them dies of a bug of this library:
///    handlers may panic.
/// 3. All of them stop at the same moment: they read no more, give back what they have fetched and not begun, and wait for
///    what they have begun, for [`drain`](App::drain) at most. What is not done by then is given up and given back.
/// 4. The last verdicts are sent, which takes five seconds at most; then the consumers leave their groups.
///
/// A second signal ends the wait of step 3 at once.
///
/// What the program has to do before and after, it does before and after; `run` returns.
///
/// ```
/// # use ackline_consumer::{App, Client, Json};
/// # async fn handle_order(_: Json<u64>) {}
/// # async fn handle_payment(_: Json<u64>) {}
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> ackline_consumer::Result<()> {
/// let client = Client::open("memory:").await?;
/// let app = App::new()
///     .add(client.consume("orders", "billing").concurrency(8).handler(handle_order))
///     .add(client.consume("payments", "billing").handler(handle_payment));
/// let probe = app.probe();
/// # let end = async move { assert!(probe.health().is_healthy()) };
/// app.run_until(end).await // or: app.run().await
/// # }
/// ```
#[derive(Default)]
#[must_use = "nothing is consumed before it runs"]
pub struct App {
    consumers: Vec<Box<dyn Startable>>,
    drain: Option<Duration>,
    probe: Probe,
}

/// A consumer of whatever handler.
trait Startable: Send {
    fn start(self: Box<Self>, drain: Option<Duration>) -> BoxFuture<'static, Result<Running>>;
}

impl<W: Run> Startable for Consumer<W> {
    fn start(self: Box<Self>, drain: Option<Duration>) -> BoxFuture<'static, Result<Running>> {
        let consumer = match drain {
            Some(wait) => self.drain(wait),
            None => *self,
        };
        Box::pin(consumer.start())
    }
}

impl App {
    /// No consumer yet.
    pub fn new() -> App {
        App::default()
    }

    /// One more consumer.
    #[expect(clippy::should_implement_trait, reason = "not a sum")]
    pub fn add<W: Run>(mut self, consumer: Consumer<W>) -> App {
        self.consumers.push(Box::new(consumer));
        self
    }

    /// How long they wait at the end for what they have begun, all at the same time, whatever
    /// [`Options::drain`](crate::Options::drain) of each says.
    pub fn drain(mut self, wait: Duration) -> App {
        self.drain = Some(wait);
        self
    }

    /// To ask from elsewhere how the consumers are doing, before they start, while they run, and afterwards.
    pub fn probe(&self) -> Probe {
        self.probe.clone()
    }

    /// Starts the consumers. Whoever does it this way ends them with [`RunningApp::stop`].
    pub async fn start(self) -> Result<RunningApp> {
        let mut consumers: Vec<Running> = Vec::new();
        for consumer in self.consumers {
            match consumer.start(self.drain).await {
                Ok(running) => {
                    self.probe.add(running.shared());
                    consumers.push(running);
                }
                Err(error) => {
                    error!(%error, "a consumer cannot start; those that have started are stopped");
                    stop_all(consumers).await.unwrap_or_else(|error| error!(%error, "stopped by a bug"));
                    return Err(error);
                }
            }
        }
        Ok(RunningApp { consumers, probe: self.probe })
    }

    /// Runs until the process is told to end, then stops gracefully.
    pub async fn run(self) -> Result<()> {
        let mut signals = Signals::listen();
        let running = self.start().await?;
        tokio::select! {
            () = signals.next() => info!("told to end"),
            () = running.ended() => {}
        }
        let consumers = running.aborts();
        let mut stop = pin!(running.stop());
        tokio::select! {
            end = &mut stop => return end,
            () = signals.next() => warn!("told to end once more; what is worked on is given up"),
        }
        consumers.iter().for_each(|consumer| consumer.stop_now());
        stop.await
    }

    /// Runs until `end` is over, then stops gracefully.
    pub async fn run_until(self, end: impl Future<Output = ()>) -> Result<()> {
        let running = self.start().await?;
        tokio::select! {
            () = end => {}
            () = running.ended() => {}
        }
        running.stop().await
    }
}

/// Consumers at work. Dropped, they stop gracefully, without being waited for.
#[derive(Debug)]
pub struct RunningApp {
    consumers: Vec<Running>,
    probe: Probe,
}

impl RunningApp {
    /// How they are doing, taken together.
    pub fn health(&self) -> Health {
        self.probe.health()
    }

    /// To ask the same from elsewhere.
    pub fn probe(&self) -> Probe {
        self.probe.clone()
    }

    /// Returns if one of them has ended by itself: [`stop`](RunningApp::stop) says why.
    pub async fn ended(&self) {
        match self.consumers.is_empty() {
            true => std::future::pending().await,
            false => drop(select_all(self.consumers.iter().map(|running| Box::pin(running.ended()))).await),
        }
    }

    /// Stops them gracefully, all at the same time. The first error, if there is any.
    pub async fn stop(self) -> Result<()> {
        stop_all(self.consumers).await
    }

    /// Stops them at once: what is worked on is given up, and given back.
    pub async fn abort(self) -> Result<()> {
        self.aborts().iter().for_each(|consumer| consumer.stop_now());
        self.stop().await
    }

    fn aborts(&self) -> Vec<std::sync::Arc<crate::subscription::Shared>> {
        self.consumers.iter().map(|running| running.shared().clone()).collect()
    }
}

async fn stop_all(consumers: Vec<Running>) -> Result<()> {
    let ends = join_all(consumers.into_iter().map(Running::stop)).await;
    ends.into_iter().collect()
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("consumers", &self.consumers.len()).field("drain", &self.drain).finish()
    }
}
