//! One delivery.

use crate::error::{Result, ack_error};
use crate::headers;
use crate::subscriber::Opened;
use ackline_consumer::{Body, Delivery, EntryId, Fields};
use bytes::Bytes;
use ruststream::codec::CodecError;
use ruststream::{AckError, HeaderMap, IncomingMessage, Partitioned};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An entry of a stream, as it was delivered.
///
/// Dropped without a verdict (its handler was aborted, or panicked while the app fails fast) it is released at once and
/// counts as delivered. [`ack`](IncomingMessage::ack) and [`nack`](IncomingMessage::nack) take effect once they were polled
/// first, whether anybody waits for their answers or not.
pub struct AcklineMessage {
    /// Gone once there is a verdict.
    delivery: Option<Delivery>,
    id: EntryId,
    deliveries: u64,
    fields: Fields,
    payload: Bytes,
    headers: HeaderMap,
    key: Option<Bytes>,
    malformed: Option<CodecError>,
    handed_out: bool,
    opened: Arc<Opened>,
}

impl AcklineMessage {
    pub(crate) fn new(delivery: Delivery, opened: &Arc<Opened>) -> AcklineMessage {
        let (body, malformed) = match delivery.body() {
            Ok(body) => (body, None),
            Err(error) => {
                (Body::new(Bytes::new(), Default::default()), Some(CodecError::Decode(Box::new(error))))
            }
        };
        let key = opened.source.options.order_by.as_deref().and_then(|name| {
            let of_header = || body.headers.get(name).map(|value| Bytes::copy_from_slice(value.as_bytes()));
            delivery.fields().slice(name).or_else(of_header)
        });
        opened.ledger.arrived(opened.stream(), opened.group(), delivery.id());
        AcklineMessage {
            id: delivery.id(),
            deliveries: delivery.deliveries(),
            fields: delivery.fields().clone(),
            payload: body.payload(),
            headers: headers::incoming(&body.headers),
            key,
            malformed,
            handed_out: false,
            opened: Arc::clone(opened),
            delivery: Some(delivery),
        }
    }

    /// From here on a handler may have begun with it.
    pub(crate) fn handed_out(mut self) -> AcklineMessage {
        self.handed_out = true;
        self
    }

    pub(crate) async fn ack_first(&mut self) -> Result<()> {
        match self.delivery.take() {
            Some(delivery) => Ok(delivery.ack().await?),
            None => Ok(()),
        }
    }

    /// The entry's ID.
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// Which delivery this is: 1 at first.
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// The stream that it was read from.
    pub fn stream(&self) -> &str {
        self.opened.stream()
    }

    /// The group that it was read for.
    pub fn group(&self) -> &str {
        self.opened.group()
    }

    /// The consumer that it was delivered to.
    pub fn consumer(&self) -> &str {
        self.opened.subscription.consumer()
    }

    /// Its fields and values as they lie in the stream.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    pub(crate) fn opened(&self) -> Arc<Opened> {
        Arc::clone(&self.opened)
    }

    /// Whether one more failure makes it poison.
    fn is_spent(&self) -> bool {
        self.opened.source.options.max_deliveries.is_some_and(|max| self.deliveries >= max)
    }

    /// Delivered again, by the group, after a wait; or poison, if it was delivered too often.
    async fn again(mut self, wait: Duration) -> Result<(), AckError> {
        if self.opened.source.is_at_most_once() {
            return Err(AckError::Unsupported);
        }
        let Some(delivery) = self.delivery.take() else { return Ok(()) };
        let expected = self.expect_again(wait);
        let answer = delivery.nack_after(wait).await;
        self.opened.ledger.refused(expected, answer.is_err());
        answer.map_err(ack_error)
    }

    fn expect_again(&self, wait: Duration) -> crate::ledger::Expected {
        let (ledger, stream, group) = (&self.opened.ledger, self.stream(), self.group());
        if self.is_spent() {
            ledger.expect_dead(self.opened.dead_letters())
        } else if wait.is_zero() {
            ledger.expect_again(stream, group)
        } else {
            ledger.expect_later(stream, group, self.id, wait)
        }
    }

    async fn poison(mut self) -> Result<(), AckError> {
        let Some(delivery) = self.delivery.take() else { return Ok(()) };
        let expected = self.opened.ledger.expect_dead(self.opened.dead_letters());
        let answer = delivery.reject("dropped by its handler").await;
        self.opened.ledger.refused(expected, answer.is_err());
        answer.map_err(ack_error)
    }
}

impl IncomingMessage for AcklineMessage {
    fn payload(&self) -> &[u8] {
        &self.payload
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    fn partition_key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }

    fn redelivery_count(&self) -> Option<u64> {
        Some(self.deliveries)
    }

    fn decode_error(&self) -> Option<&CodecError> {
        self.malformed.as_ref()
    }

    async fn ack(mut self) -> Result<(), AckError> {
        match self.delivery.take() {
            Some(delivery) => delivery.ack().await.map_err(ack_error),
            None => Ok(()),
        }
    }

    async fn nack(self, requeue: bool) -> Result<(), AckError> {
        match requeue {
            true => {
                let wait = self.opened.source.options.backoff.after(self.deliveries);
                self.again(wait).await
            }
            false => self.poison().await,
        }
    }

    fn supports_nack_after(&self) -> bool {
        !self.opened.source.is_at_most_once()
    }

    async fn nack_after(self, delay: Duration) -> Result<(), AckError> {
        self.again(delay).await
    }
}

/// The value of the header (or field) that [`AcklineStream::order_by`](crate::AcklineStream::order_by) names.
impl Partitioned for AcklineMessage {
    fn partition_key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }
}

impl Drop for AcklineMessage {
    fn drop(&mut self) {
        let forgotten = self.opened.source.options.no_ack;
        if let Some(delivery) = self.delivery.take().filter(|_| !forgotten) {
            let (ledger, begun) = (self.opened.ledger.clone(), self.handed_out);
            let expected = match begun {
                true => self.expect_again(Duration::ZERO),
                false => ledger.expect_again(self.stream(), self.group()),
            };
            // On the broker's runtime: whoever drops this may be about to end with a runtime of its own.
            self.opened.runtime.spawn(async move {
                let answer = match begun {
                    true => delivery.nack_after(Duration::ZERO).await,
                    false => delivery.release().await,
                };
                ledger.refused(expected, answer.is_err());
            });
        }
        self.opened.ledger.settled();
    }
}

impl fmt::Debug for AcklineMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("AcklineMessage");
        debug.field("stream", &self.stream()).field("id", &self.id).field("deliveries", &self.deliveries);
        debug.field("fields", &self.fields).finish()
    }
}
