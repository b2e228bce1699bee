//! Workers: each takes a delivery, has the work done, and carries out what the policy makes of the result.

use crate::codec::CodecError;
use crate::error::{Error, Result as CallResult, panic_text};
use crate::handler::{ExtractError, Job};
use crate::message::Message;
use crate::meter::Failure;
use crate::outcome::{AckPolicy, BoxError, Outcome, causes, interruption};
use crate::producer::Add;
use crate::state::States;
use crate::store::Command;
use crate::subscription::{Delivery, Subscription, Verdict};
use crate::trace;
use crate::work::Work;
use futures_util::{FutureExt, poll};
use std::any::Any;
use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, error, warn};

/// A consumer's parts while it runs.
pub struct Runner<W> {
    pub(crate) subscription: Arc<Subscription>,
    pub(crate) policy: AckPolicy,
    pub(crate) states: Arc<States>,
    pub(crate) work: Arc<W>,
}

/// Work that a runner can do: message by message, or in batches.
pub trait Run: Send + Sync + Sized + 'static {
    /// How many messages a worker takes at once.
    fn at_once(&self) -> usize {
        1
    }

    /// One worker: takes what comes until nothing does.
    fn run(runner: Arc<Runner<Self>>) -> impl Future<Output = ()> + Send;
}

impl<W: Run> Runner<W> {
    /// Works until told to stop, then until everything that was begun has ended.
    pub(crate) async fn until(self, stop: CancellationToken) -> CallResult<()> {
        let runner = Arc::new(self);
        let mut workers = JoinSet::new();
        for _ in 0..runner.subscription.shared().options.concurrency {
            workers.spawn(W::run(Arc::clone(&runner)));
        }
        let shared = Arc::clone(runner.subscription.shared());
        let mut end = tokio::select! {
            () = stop.cancelled() => Ok(()),
            // Stopped by itself: it has an error to tell.
            () = shared.stopping().cancelled() => Ok(()),
            Some(end) = workers.join_next() => end.map_err(Error::panicked),
        };
        runner.subscription.stop();
        let deadline = Instant::now() + shared.options.drain;
        let mut ended = pin!(join(workers));
        end = end.and(match timeout_at(deadline, ended.as_mut()).await {
            Ok(end) => end,
            Err(_) => {
                // The subscription does not wait for work on what was acknowledged first.
                shared.give_up_begun();
                ended.await
            }
        });
        drop(shared);
        if let Some(runner) = Arc::into_inner(runner)
            && let Some(subscription) = Arc::into_inner(runner.subscription)
        {
            end = end.and(subscription.finish().await);
        }
        end
    }
}

/// Waits for workers; an error if one has panicked, which handlers cannot bring about.
async fn join(mut workers: JoinSet<()>) -> CallResult<()> {
    let mut end = Ok(());
    while let Some(worker) = workers.join_next().await {
        end = end.and(worker.map_err(Error::panicked));
    }
    end
}

impl<W: Work> Run for W {
    async fn run(runner: Arc<Runner<W>>) {
        // Nobody can ask whether durations are recorded, and a look at the clock costs more than all that is counted. With
        // messages at hand the end of one is therefore taken for the beginning of the next: one look for each.
        let mut now = Instant::now();
        loop {
            let delivery = match runner.subscription.try_next() {
                Some(delivery) => delivery,
                None => {
                    let Some(delivery) = runner.subscription.next().await else { return };
                    now = Instant::now();
                    delivery
                }
            };
            now = runner.unless_aborted(runner.handle(delivery, now)).await.unwrap_or_else(Instant::now);
        }
    }
}

impl<W: Work> Runner<W> {
    /// Has the work done, and answers when it was. `begun`: when it has begun.
    async fn handle(&self, delivery: Delivery, begun: Instant) -> Instant {
        let Some(message) = self.begin(delivery).await else { return Instant::now() };
        let begun = if self.policy == AckPolicy::AckFirst { Instant::now() } else { begun };
        let span = trace::handle(&message);
        let job = Job { message: message.clone(), states: Arc::clone(&self.states) };
        let work = AssertUnwindSafe(self.work.work(job)).catch_unwind().instrument(span.clone());
        let result = work.await.unwrap_or_else(|panic| Err(Panic::new(&*panic).into()));
        let ended = Instant::now();
        message.meter().handled_in(ended - begun);
        let follows = span.in_scope(|| self.conclude(&message, result));
        if follows.is_empty() {
            return ended;
        }
        self.add(follows).instrument(span).await;
        Instant::now()
    }
}

impl<W> Runner<W> {
    /// Does the work, unless it lasts beyond the end of the time that a consumer has for its end.
    pub(crate) async fn unless_aborted<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        // Most of it is done at once: what waits for the end is worth its registration only for the rest.
        if let Poll::Ready(done) = poll!(work.as_mut()) {
            return Some(done);
        }
        let done = self.subscription.shared().abort().run_until_cancelled(work).await;
        if done.is_none() {
            debug!("a handler was given up");
        }
        done
    }

    /// The message, acknowledged already if the policy wants it so.
    pub(crate) async fn begin(&self, delivery: Delivery) -> Option<Message> {
        match self.policy {
            AckPolicy::AckFirst => match delivery.acked().await {
                Ok(message) => Some(message),
                Err(error) => {
                    // Not acknowledged, so not begun either: at most once.
                    warn!(%error, "could not be acknowledged first; left for later");
                    None
                }
            },
            _ => delivery.into_message(),
        }
    }

    /// Carries out what the handler has decided, or the policy if it has not. What follows from a message that is acknowledged
    /// already, or by somebody else, still has to be added.
    pub(crate) fn conclude(&self, message: &Message, result: Result<Outcome, BoxError>) -> Vec<Command> {
        let outcome = self.outcome(message, result);
        match (outcome, message.close()) {
            (Decision::Leave, delivery) => drop(delivery),
            (Decision::Settle(Verdict::AckAnd(adds)), delivery) if self.policy == AckPolicy::None => {
                drop(delivery);
                return adds;
            }
            (Decision::Settle(verdict), Some(delivery)) => delivery.settle(verdict),
            (Decision::Settle(Verdict::AckAnd(adds)), None) => return adds,
            (Decision::Settle(_), None) => {}
        }
        Vec::new()
    }

    /// Adds what follows from messages that have nothing to do with it any more.
    pub(crate) async fn add(&self, adds: Vec<Command>) {
        if adds.is_empty() {
            return;
        }
        let answers = self.subscription.shared().store.transaction(adds).await;
        let added = answers.and_then(|all| all.into_iter().try_for_each(|one| one.into_result().map(drop)));
        if let Err(error) = added {
            error!(%error, "what follows from the message could not be added");
        }
    }

    fn outcome(&self, message: &Message, result: Result<Outcome, BoxError>) -> Decision {
        let failure = match result {
            Ok(Outcome::Done) if self.policy == AckPolicy::Manual => return Decision::Leave,
            Ok(outcome) => return decided(outcome),
            Err(failure) => failure,
        };
        if let Some(outcome) = interruption(&*failure) {
            debug!(?outcome, "interrupted");
            return decided(outcome);
        }
        let chain = chain(&*failure);
        let kind = kind_of(&*failure);
        message.meter().failed(kind);
        trace::failed(kind.name(), &chain);
        match self.policy {
            AckPolicy::Ack | AckPolicy::AckFirst | AckPolicy::None => {
                error!(error = chain, "failed; it is not tried again");
            }
            _ => warn!(error = chain, "failed"),
        }
        let malformed = kind == Failure::Malformed;
        let error = Some(chain);
        let settle = Decision::Settle;
        match self.policy {
            AckPolicy::Manual => Decision::Leave,
            AckPolicy::Ack | AckPolicy::AckFirst | AckPolicy::None => Decision::Settle(Verdict::Ack),
            AckPolicy::RejectOnError if !malformed => settle(Verdict::Reject { reason: "failed", error }),
            AckPolicy::NackOnError if !malformed => settle(Verdict::Nack { after: None, error }),
            AckPolicy::RejectOnError | AckPolicy::NackOnError => {
                settle(Verdict::Reject { reason: "malformed", error })
            }
        }
    }
}

enum Decision {
    Settle(Verdict),
    /// Nobody decides: it stays pending.
    Leave,
}

fn decided(outcome: Outcome) -> Decision {
    Decision::Settle(match outcome {
        Outcome::Done | Outcome::Ack => Verdict::Ack,
        Outcome::AckAnd(adds) => match adds.into_iter().map(Add::into_command).collect() {
            Ok(adds) => Verdict::AckAnd(adds),
            Err(error) => {
                error!(%error, "what follows from the message cannot be added");
                Verdict::Reject { reason: "failed", error: Some(error.to_string()) }
            }
        },
        Outcome::Nack(after) => Verdict::Nack { after, error: None },
        Outcome::Reject(why) => Verdict::Reject { reason: "rejected", error: Some(why) },
        Outcome::Release => Verdict::Return,
    })
}

/// A handler that panicked has failed.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {0}")]
pub(crate) struct Panic(String);

impl Panic {
    pub(crate) fn new(panic: &(dyn Any + Send)) -> Panic {
        Panic(panic_text(panic).to_owned())
    }
}

/// An error with its causes.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error).skip(1).map(|cause| cause.to_string()) {
        // Many errors tell their cause themselves.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Malformed is a message that is not what the handler takes, so that trying again does not help.
fn kind_of(error: &(dyn StdError + 'static)) -> Failure {
    let malformed = |error: &ExtractError| matches!(error, ExtractError::Decode(_) | ExtractError::Format(_));
    let mut all = causes(error);
    match all.any(|error| error.downcast_ref().is_some_and(malformed) || error.is::<CodecError>()) {
        true => Failure::Malformed,
        // In a batch one panic is the error of each message.
        false if causes(error).any(|error| error.is::<Panic>()) => Failure::Panic,
        false => Failure::Error,
    }
}
