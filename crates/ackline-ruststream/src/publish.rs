//! Publishing: the settings, the publisher, and what one message may change.

use crate::connected::{ConnectedAckline, Shared};
use crate::error::{AcklineError, Result};
use crate::headers;
use crate::transaction::{AcklineTransaction, AcklineTransactionalPublish};
use ackline_consumer::{Add, Entry, Format};
use bytes::BytesMut;
use ruststream::runtime::{PublishBuilder, PublishSink};
use ruststream::{OutgoingMessage, OwnedTransactions, PairError, PublishPolicy, Publisher, Take};
use std::fmt;
use std::sync::Arc;

/// How entries are added, unless a message says otherwise. Becomes an [`AcklinePublisher`] when the app starts.
///
/// ```
/// use ackline_ruststream::prelude::*;
///
/// // Bounded, and readable for services that are written with FastStream.
/// let policy = Publish::new().max_len(1_000_000).format(Format::FastStream);
/// # let _ = policy;
/// ```
#[derive(Clone, Debug, Default)]
pub struct AcklinePublish {
    format: Format,
    content_type: Option<&'static str>,
    max_len: Option<u64>,
    producer: Option<String>,
    by_content: bool,
}

impl AcklinePublish {
    /// The payload in the field `data`, headers in fields of their own, streams without bounds.
    pub fn new() -> AcklinePublish {
        AcklinePublish::default()
    }

    /// How a message lies in an entry's fields: plain, or in FastStream's envelope. Who reads needs not be told.
    pub fn format(mut self, format: Format) -> AcklinePublish {
        self.format = format;
        self
    }

    /// The header `content-type` of messages that have none. ruststream does not tell its codec's; readers in other languages
    /// may want to know.
    pub fn content_type(mut self, content_type: &'static str) -> AcklinePublish {
        self.content_type = Some(content_type);
        self
    }

    /// Streams are trimmed to about so many entries (`MAXLEN ~`).
    pub fn max_len(mut self, entries: u64) -> AcklinePublish {
        self.max_len = Some(entries);
        self
    }

    /// The producer's name, which [`once`](AcklineSteps::once) needs (IDMP).
    pub fn producer(mut self, name: impl Into<String>) -> AcklinePublish {
        self.producer = Some(name.into());
        self
    }

    /// Messages of this producer with the same content are one entry (IDMPAUTO), unless they have an ID of their own.
    pub fn once_by_content(mut self, producer: impl Into<String>) -> AcklinePublish {
        self.by_content = true;
        self.producer(producer)
    }

    /// A publisher that collects messages until they are committed in one step.
    pub fn transactional(self) -> AcklineTransactionalPublish {
        AcklineTransactionalPublish(self)
    }

    /// The publisher, without ruststream: for programs that use this crate on its own.
    pub fn live(self, connected: &ConnectedAckline) -> AcklinePublisher {
        AcklinePublisher { shared: Arc::clone(&connected.0), policy: Arc::new(self) }
    }

    fn add(&self, message: OutgoingMessage<'_, BytesMut>, options: Option<&AcklineOptions>) -> Result<Add> {
        let (stream, payload, headers) = message.into_parts();
        let headers = headers::outgoing(&headers)?;
        let format = options.and_then(|options| options.format).unwrap_or(self.format);
        let mut add = Add::to(stream, Entry::payload(payload.freeze(), self.content_type)).format(format);
        for (name, value) in headers.iter() {
            add = add.header(name.to_owned(), value.to_owned());
        }
        if let Some(entries) = options.and_then(|options| options.max_len).or(self.max_len) {
            add = add.max_len(entries);
        }
        match (options.and_then(|options| options.once.as_deref()), &self.producer) {
            (Some(id), Some(producer)) => Ok(add.once(producer, id)),
            (Some(_), None) => Err(AcklineError::NoProducer),
            (None, Some(producer)) if self.by_content => Ok(add.once_by_content(producer)),
            (None, _) => Ok(add),
        }
    }
}

impl PublishPolicy<ConnectedAckline> for AcklinePublish {
    type Live = AcklinePublisher;

    async fn pair(self, connected: &ConnectedAckline) -> Result<AcklinePublisher, PairError> {
        Ok(self.live(connected))
    }
}

/// What one message has other than its publisher's [`AcklinePublish`] says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AcklineOptions {
    /// See [`AcklinePublish::format`].
    pub format: Option<Format>,
    /// See [`AcklinePublish::max_len`].
    pub max_len: Option<u64>,
    /// See [`AcklineSteps::once`].
    pub once: Option<String>,
}

/// Steps of ruststream's publish builder for what one message has other than its publisher.
///
/// ```
/// use ackline_ruststream::prelude::*;
///
/// # #[derive(serde::Serialize, Outgoing)] #[outgoing(name = "payments")] struct Paid { id: u64 }
/// # async fn pay(publisher: AcklinePublisher) -> Result<(), Box<dyn std::error::Error>> {
/// publisher.message(&Paid { id: 7 }).once("payment-7").publish().await?;
/// # Ok(()) }
/// ```
pub trait AcklineSteps: Sized {
    /// How this message lies in its entry's fields.
    #[must_use]
    fn format(self, format: Format) -> Self;

    /// Trims the stream to about so many entries.
    #[must_use]
    fn max_len(self, entries: u64) -> Self;

    /// Adds the entry once, however often it is sent: `id` is new for each message of the producer that
    /// [`AcklinePublish::producer`] names. Without a producer the publish fails.
    #[must_use]
    fn once(self, id: impl Into<String>) -> Self;
}

impl<Sink, Body, Enc, Hdrs, Dest> AcklineSteps for PublishBuilder<Sink, Body, Enc, Hdrs, Dest>
where
    Sink: PublishSink<Options = AcklineOptions>,
{
    fn format(mut self, format: Format) -> Self {
        self.options_mut().get_or_insert_default().format = Some(format);
        self
    }

    fn max_len(mut self, entries: u64) -> Self {
        self.options_mut().get_or_insert_default().max_len = Some(entries);
        self
    }

    fn once(mut self, id: impl Into<String>) -> Self {
        self.options_mut().get_or_insert_default().once = Some(id.into());
        self
    }
}

/// Adds entries to streams (XADD). Cheap to clone.
///
/// Once polled, a publish may take effect even if nobody waits for its answer.
#[derive(Clone)]
pub struct AcklinePublisher {
    shared: Arc<Shared>,
    policy: Arc<AcklinePublish>,
}

impl AcklinePublisher {
    pub(crate) fn add(
        &self,
        message: OutgoingMessage<'_, BytesMut>,
        options: Option<&AcklineOptions>,
    ) -> Result<Add> {
        self.policy.add(message, options)
    }

    pub(crate) fn alive(&self) -> Result<()> {
        self.shared.alive()
    }

    pub(crate) async fn send(&self, add: Add) -> Result<()> {
        self.shared.send(add).await
    }

    pub(crate) async fn send_all(&self, adds: Vec<Add>) -> Result<()> {
        self.shared.send_all(adds).await
    }
}

impl Publisher for AcklinePublisher {
    /// The payload is handed on to whoever writes it, not copied.
    type Payload = Take;
    type Error = AcklineError;
    type Options = AcklineOptions;

    async fn publish(
        &self,
        message: OutgoingMessage<'_, BytesMut>,
        options: Option<&AcklineOptions>,
    ) -> Result<()> {
        self.send(self.add(message, options)?).await
    }
}

/// Any number of transactions at once, each with messages of its own.
impl OwnedTransactions for AcklinePublisher {
    type Transaction = AcklineTransaction;

    async fn transaction(&self) -> Result<AcklineTransaction> {
        self.alive()?;
        Ok(AcklineTransaction::new(self.clone()))
    }
}

impl fmt::Debug for AcklinePublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcklinePublisher").field(&self.policy).finish()
    }
}
