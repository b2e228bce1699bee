//! How a stream is subscribed to.

use crate::connected::{ConnectedAckline, whole};
use crate::error::Result;
use crate::subscriber::AcklineSubscriber;
use ackline_consumer::{Backoff, OnAck, Options, Poison, Start};
use ruststream::runtime::IntoSource;
use ruststream::{BrokerMoves, DeclareRetryError, FromName, RetryDeclaration, SubscriptionSource};
use std::borrow::Cow;
use std::time::Duration;

/// ruststream waits for its handlers itself, for as long as it was told to: nothing is given back before it has.
const UNTIL_SHUTDOWN: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A stream and the group that it is read for.
///
/// ```
/// use ackline_ruststream::prelude::*;
/// use std::time::Duration;
///
/// # #[derive(serde::Deserialize)] struct Order { id: u64 }
/// #[subscriber(AcklineStream::new("orders").group("billing").lease(Duration::from_secs(10)).max_deliveries(3))]
/// async fn bill(order: &Order) -> HandlerOutcome {
///     println!("billing {}", order.id);
///     HandlerOutcome::ack()
/// }
/// # let app = RustStream::new(AppInfo::new("billing", "0.1.0"))
/// #     .with_broker(AcklineBroker::new("memory:"), |b| { b.include(bill); });
/// ```
///
/// # What becomes of an outcome
///
/// | the handler answers | the entry |
/// |---|---|
/// | `ack()`, `()`, `Ok(())` | is acknowledged; with [`delete_on_ack`](AcklineStream::delete_on_ack) it is deleted as well |
/// | `retry()` | is released (XNACK) and delivered again: same ID, same place, one delivery more |
/// | `retry_after(wait)` | the same once the wait is over; its lease is kept until then |
/// | `drop()`, `Err(..)`, what cannot be decoded | is poison: see [`poison`](AcklineStream::poison) |
/// | nothing, because it was aborted | is released, and counts as delivered |
///
/// After [`max_deliveries`](AcklineStream::max_deliveries) deliveries a `retry` makes it poison. Nothing is ever copied, so
/// `.out_retry(..)` does not compile here. `.max_attempts(n).dead_letter("..")` at the mount site says the same as
/// `max_deliveries(n).dead_letter_to("..")`; one of them without the other is refused when the app starts.
#[derive(Clone, Debug)]
pub struct AcklineStream {
    pub(crate) stream: Cow<'static, str>,
    pub(crate) group: Option<Cow<'static, str>>,
    pub(crate) options: Options,
    pub(crate) ack_first: bool,
    pub(crate) batch_wait: Duration,
}

impl AcklineStream {
    /// A stream, for the group of the broker unless [`group`](AcklineStream::group) names another.
    pub fn new(stream: impl Into<Cow<'static, str>>) -> AcklineStream {
        let mut options = Options::default();
        options.backoff = Backoff::NONE;
        options.drain = UNTIL_SHUTDOWN;
        let batch_wait = Duration::from_millis(10);
        AcklineStream { stream: stream.into(), group: None, options, ack_first: false, batch_wait }
    }

    /// The group. It is made if there is none, and made again should somebody destroy it.
    pub fn group(mut self, group: impl Into<Cow<'static, str>>) -> AcklineStream {
        self.group = Some(group.into());
        self
    }

    /// The consumer's name within the group. Without one it gets a new name each time, and leaves the group at the end.
    pub fn consumer(mut self, name: impl Into<String>) -> AcklineStream {
        self.options.name = Some(name.into());
        self
    }

    /// Where a group begins that is not there yet: with the oldest entry, if not said.
    pub fn start(mut self, start: Start) -> AcklineStream {
        self.options.start = start;
        self
    }

    /// For how long an entry belongs to a consumer that says nothing, 30 seconds if not said. While this process lives it
    /// renews what it holds, however long a handler takes; what others have left alone for longer it takes over.
    pub fn lease(mut self, lease: Duration) -> AcklineStream {
        self.options.lease = lease;
        self
    }

    /// How many entries are fetched ahead, 128 if not said; for batches at least twice their size. When the app stops they are given back at once, and do not count
    /// as delivered.
    pub fn prefetch(mut self, entries: usize) -> AcklineStream {
        self.options.prefetch = entries;
        self
    }

    /// How long a read waits on the server before it is asked again.
    pub fn block(mut self, wait: Duration) -> AcklineStream {
        self.options.block = wait;
        self
    }

    /// After so many deliveries an entry that fails once more is poison: 5 if not said, `None` for as many as it takes.
    pub fn max_deliveries(mut self, deliveries: impl Into<Option<u64>>) -> AcklineStream {
        self.options.max_deliveries = deliveries.into();
        self
    }

    /// How long `retry()` waits for the next delivery: not at all, if not said.
    pub fn backoff(mut self, backoff: Backoff) -> AcklineStream {
        self.options.backoff = backoff;
        self
    }

    /// What becomes of an entry that is dropped, or was delivered too often, or cannot be decoded. If not said it moves to
    /// `orders:dead` (for `orders`), with where it comes from and why.
    pub fn poison(mut self, poison: Poison) -> AcklineStream {
        self.options.poison = poison;
        self
    }

    /// Poison moves to a stream of this name.
    pub fn dead_letter_to(self, stream: impl Into<String>) -> AcklineStream {
        self.poison(Poison::DeadLetterTo(stream.into()))
    }

    /// An acknowledged entry is deleted once every group has acknowledged it.
    pub fn delete_on_ack(mut self) -> AcklineStream {
        self.options.on_ack = OnAck::Delete;
        self
    }

    /// Entries with the same value of this header (or field) are handled one after the other, in order, however many workers
    /// there are; a failed one is tried again before those behind it. It is also their partition key, for
    /// `workers(n, by_key)`.
    pub fn order_by(mut self, header: impl Into<String>) -> AcklineStream {
        self.options.order_by = Some(header.into());
        self
    }

    /// How long a batch that is not full waits for more, 10 ms if not said.
    pub fn batch_wait(mut self, wait: Duration) -> AcklineStream {
        self.batch_wait = wait;
        self
    }

    /// Entries are acknowledged before their handler is called: at most once. `retry` has nothing to bring back then.
    pub fn ack_first(mut self) -> AcklineStream {
        self.ack_first = true;
        self
    }

    /// Entries are not acknowledged at all, the server forgets them as it delivers them (NOACK): at most once.
    pub fn no_ack(mut self) -> AcklineStream {
        self.options.no_ack = true;
        self
    }

    /// Consumers that were not seen for so long and have nothing pending are removed from the group; `None`: never.
    pub fn forget_consumers(mut self, after: impl Into<Option<Duration>>) -> AcklineStream {
        self.options.forget_consumers = after.into();
        self
    }

    pub(crate) fn declared(mut self, declaration: &RetryDeclaration) -> AcklineStream {
        if let (Some(attempts), Some(stream)) = (declaration.max_attempts(), declaration.dead_letter()) {
            self = self.max_deliveries(u64::from(attempts.get())).dead_letter_to(stream);
        }
        self
    }

    /// Whether a verdict other than `ack` is too late.
    pub(crate) fn is_at_most_once(&self) -> bool {
        self.ack_first || self.options.no_ack
    }
}

impl FromName for AcklineStream {
    fn from_name(name: impl Into<Cow<'static, str>>) -> AcklineStream {
        AcklineStream::new(name)
    }
}

impl IntoSource for AcklineStream {
    type Source = AcklineStream;

    fn into_source(self) -> AcklineStream {
        self
    }
}

impl SubscriptionSource<ConnectedAckline> for AcklineStream {
    type Subscriber = AcklineSubscriber;
    /// XNACK keeps an entry where it is, and dead letters move within one transaction: there is nothing to copy.
    type Copies = BrokerMoves;

    fn name(&self) -> &str {
        &self.stream
    }

    async fn subscribe(self, connected: &ConnectedAckline) -> Result<AcklineSubscriber> {
        connected.open(self).await
    }

    fn declare_retry(self, declaration: &RetryDeclaration) -> AcklineStream {
        self.declared(declaration)
    }

    fn declare_retry_on(
        &self,
        _: &ConnectedAckline,
        declaration: &RetryDeclaration,
    ) -> Result<(), DeclareRetryError> {
        whole(declaration)
    }

    #[cfg(feature = "asyncapi")]
    fn operation_bindings(&self) -> ruststream::asyncapi::Bindings {
        crate::bindings::of_source(self)
    }
}
