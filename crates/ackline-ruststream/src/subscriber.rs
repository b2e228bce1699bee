//! An open subscription.

use crate::error::{AcklineError, Result};
use crate::ledger::Ledger;
use crate::message::AcklineMessage;
use crate::source::AcklineStream;
use ackline_consumer::{Delivery, Poison, Subscription};
use futures_core::Stream;
use futures_util::stream;
use ruststream::{BatchSubscriber, Subscriber};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

/// A subscription, and what its deliveries need to know.
pub(crate) struct Opened {
    pub(crate) subscription: Subscription,
    pub(crate) source: AcklineStream,
    pub(crate) runtime: Handle,
    pub(crate) ledger: Ledger,
    group: String,
    read: AtomicBool,
}

impl Opened {
    pub(crate) fn new(
        subscription: Subscription,
        group: String,
        source: AcklineStream,
        runtime: Handle,
        ledger: Ledger,
    ) -> Opened {
        ledger.opened(&source.stream, &group);
        Opened { subscription, source, runtime, ledger, group, read: AtomicBool::new(true) }
    }

    pub(crate) fn stream(&self) -> &str {
        &self.source.stream
    }

    pub(crate) fn group(&self) -> &str {
        &self.group
    }

    /// Whether somebody still takes deliveries.
    pub(crate) fn is_read(&self) -> bool {
        self.read.load(Ordering::Relaxed)
    }

    /// Where poison goes, if it goes anywhere.
    pub(crate) fn dead_letters(&self) -> Option<String> {
        match &self.source.options.poison {
            _ if self.source.is_at_most_once() => None,
            Poison::DeadLetter => Some(format!("{}:dead", self.stream())),
            Poison::DeadLetterTo(stream) => Some(stream.clone()),
            _ => None,
        }
    }
}

/// An open [`AcklineStream`]: what ruststream takes deliveries from.
///
/// Dropped, it reads no more and gives back what it had fetched; deliveries that were handed out can still be settled.
pub struct AcklineSubscriber(Arc<Opened>);

impl AcklineSubscriber {
    pub(crate) fn new(opened: Arc<Opened>) -> AcklineSubscriber {
        AcklineSubscriber(opened)
    }

    /// The consumer's name within the group.
    pub fn consumer(&self) -> &str {
        self.0.subscription.consumer()
    }

    async fn next(&self) -> Option<Result<AcklineMessage>> {
        let delivery = self.0.subscription.next().await?;
        Some(self.message(delivery).await)
    }

    async fn message(&self, delivery: Delivery) -> Result<AcklineMessage> {
        let mut message = AcklineMessage::new(delivery, &self.0);
        if self.0.source.ack_first {
            message.ack_first().await?;
        }
        Ok(message)
    }

    /// What is there, up to `size`, or comes within the time that a batch may wait.
    async fn batch(&self, size: usize) -> Option<Result<Vec<AcklineMessage>>> {
        let first = match self.next().await? {
            Ok(first) => first,
            Err(error) => return Some(Err(error)),
        };
        let deadline = Instant::now() + self.0.source.batch_wait;
        let mut batch = vec![first];
        while batch.len() < size {
            let delivery = match self.0.subscription.try_next() {
                Some(delivery) => delivery,
                None => match timeout_at(deadline, self.0.subscription.next()).await {
                    Ok(Some(delivery)) => delivery,
                    Ok(None) | Err(_) => break,
                },
            };
            // One that cannot be acknowledged first stays pending; the others are none the worse for it.
            batch.extend(self.message(delivery).await.ok());
        }
        Some(Ok(batch))
    }
}

impl Drop for AcklineSubscriber {
    fn drop(&mut self) {
        self.0.read.store(false, Ordering::Relaxed);
        match self.0.source.options.no_ack {
            // Nobody takes what was fetched any more, and the server does not want it back.
            true => self.0.subscription.give_up(),
            false => self.0.subscription.stop(),
        }
        self.0.ledger.left(self.0.stream(), self.0.group());
    }
}

impl Subscriber for AcklineSubscriber {
    type Message = AcklineMessage;
    type Error = AcklineError;

    /// Ends when the broker is shut down. Errors are those of [`AcklineStream::ack_first`]; whatever else happens between
    /// here and the server is tried again below.
    fn stream(&mut self) -> impl Stream<Item = Result<AcklineMessage>> + Send + '_ {
        stream::unfold(&*self, |subscriber| async move {
            let next = subscriber.next().await?;
            Some((next.map(AcklineMessage::handed_out), subscriber))
        })
    }
}

impl BatchSubscriber for AcklineSubscriber {
    type Batch = Vec<AcklineMessage>;

    fn batches(&mut self, size: NonZeroUsize) -> impl Stream<Item = Result<Vec<AcklineMessage>>> + Send + '_ {
        stream::unfold(&*self, move |subscriber| async move {
            let batch = subscriber.batch(size.get()).await?;
            let handed_out = |batch: Vec<_>| batch.into_iter().map(AcklineMessage::handed_out).collect();
            Some((batch.map(handed_out), subscriber))
        })
    }
}
