//! Workers: each takes a delivery, has the work done, and carries out what the policy makes of the result.

use crate::codec::CodecError;
use crate::handler::{ExtractError, Job};
use crate::message::Message;
use crate::outcome::{AckPolicy, BoxError, Outcome, causes, interruption};
use crate::producer::Add;
use crate::state::States;
use crate::store::Command;
use crate::subscription::{Delivery, Subscription, Verdict};
use crate::work::Work;
use futures_util::{FutureExt, poll};
use std::any::Any;
use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, error, info_span, warn};

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
    pub(crate) async fn until(self, stop: CancellationToken) {
        let runner = Arc::new(self);
        let mut workers = JoinSet::new();
        for _ in 0..runner.subscription.shared().options.concurrency {
            workers.spawn(W::run(Arc::clone(&runner)));
        }
        let shared = Arc::clone(runner.subscription.shared());
        stop.cancelled().await;
        runner.subscription.stop();
        let deadline = Instant::now() + shared.options.drain;
        let ended = async { while workers.join_next().await.is_some() {} };
        if timeout_at(deadline, ended).await.is_err() {
            // The subscription does not wait for work on what was acknowledged first.
            shared.give_up_begun();
            while workers.join_next().await.is_some() {}
        }
        drop(shared);
        if let Some(runner) = Arc::into_inner(runner)
            && let Some(subscription) = Arc::into_inner(runner.subscription)
        {
            subscription.close().await;
        }
    }
}

impl<W: Work> Run for W {
    async fn run(runner: Arc<Runner<W>>) {
        while let Some(delivery) = runner.subscription.next().await {
            runner.unless_aborted(runner.handle(delivery)).await;
        }
    }
}

impl<W: Work> Runner<W> {
    async fn handle(&self, delivery: Delivery) {
        let Some(message) = self.begin(delivery).await else { return };
        let span = info_span!(
            "handle",
            stream = message.stream(),
            group = message.group(),
            id = %message.id(),
            deliveries = message.deliveries()
        );
        let job = Job { message: message.clone(), states: Arc::clone(&self.states) };
        let work = AssertUnwindSafe(self.work.work(job)).catch_unwind().instrument(span.clone());
        let result = work.await.unwrap_or_else(|panic| Err(panicked(&*panic)));
        let follows = span.in_scope(|| self.conclude(&message, result));
        self.add(follows).instrument(span).await;
    }
}

impl<W> Runner<W> {
    /// Does the work, unless it lasts beyond the end of the time that a consumer has for its end.
    pub(crate) async fn unless_aborted(&self, work: impl Future<Output = ()>) {
        let mut work = pin!(work);
        // Most of it is done at once: what waits for the end is worth its registration only for the rest.
        if poll!(work.as_mut()).is_pending()
            && self.subscription.shared().abort().run_until_cancelled(work).await.is_none()
        {
            debug!("a handler was given up");
        }
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
        let outcome = self.outcome(result);
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

    fn outcome(&self, result: Result<Outcome, BoxError>) -> Decision {
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
        error!(error = chain, "failed");
        let malformed = is_malformed(&*failure);
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

pub(crate) fn panicked(panic: &(dyn Any + Send)) -> BoxError {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the handler panicked: {}", text.unwrap_or_default()).into()
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

/// Whether the message is not what the handler takes, so that trying again does not help.
fn is_malformed(error: &(dyn StdError + 'static)) -> bool {
    let malformed = |error: &ExtractError| matches!(error, ExtractError::Decode(_) | ExtractError::Format(_));
    causes(error).any(|error| error.downcast_ref().is_some_and(malformed) || error.is::<CodecError>())
}
