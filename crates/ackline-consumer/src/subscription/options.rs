//! How a stream is consumed.

use super::backoff::Backoff;
use std::time::Duration;

/// Where a group begins that is not there yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the oldest entry of the stream: nothing that was added before the first consumer came is missed.
    #[default]
    Beginning,
    /// With what is added from now on.
    New,
    /// With what comes after an entry.
    After(crate::EntryId),
}

/// What an acknowledgement does to the entry itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnAck {
    /// It stays in the stream, for other groups and for whoever reads it again (XACK).
    #[default]
    Keep,
    /// It is deleted once every group has acknowledged it (XACKDEL ACKED, Redis 8.2). Where the server has no XACKDEL it is
    /// deleted at once (XACK and XDEL in one step), so only one group may read such a stream there.
    Delete,
}

/// What becomes of an entry that is rejected, or was delivered too often, or cannot be decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Poison {
    /// It moves to the stream's dead-letter stream: `orders:dead` for `orders`, in a cluster `{orders}:dead`.
    #[default]
    DeadLetter,
    /// It moves to a stream of this name. In a cluster that has to lie in the same slot.
    DeadLetterTo(String),
    /// It stays pending and is marked as poison (XNACK FATAL): no consumer of this library tries it again, and who looks at
    /// the group finds it. Without XNACK its count of deliveries is set to 2^62.
    Mark,
    /// It is acknowledged, and so forgotten by the group.
    Discard,
}

/// How a stream is consumed. Each consumer's builder sets these; they are here in one place for those who drive a
/// [`Subscription`](crate::Subscription) themselves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The consumer's name within its group. `None`: a new one for each run, removed from the group at the end.
    /// With a name of its own a consumer finds after a restart what it had begun before.
    pub name: Option<String>,
    /// Where the group begins if it is not there yet.
    pub start: Start,
    /// How many entries are worked on at the same time.
    pub concurrency: usize,
    /// How many entries are fetched ahead, at most so many of each stream. They are released when the consumer stops.
    pub prefetch: usize,
    /// How long a read waits on the server before it is asked again.
    pub block: Duration,
    /// For how long an entry belongs to a consumer that says nothing. While this consumer lives it renews what it holds after
    /// a third of it; what others have left alone for longer it takes over.
    pub lease: Duration,
    /// After so many deliveries an entry that fails once more is poison. `None`: it is tried for ever.
    pub max_deliveries: Option<u64>,
    /// How long a failed entry waits for its next delivery.
    pub backoff: Backoff,
    /// What becomes of poison.
    pub poison: Poison,
    /// What an acknowledgement does to the entry itself.
    pub on_ack: OnAck,
    /// Entries with the same value of this field (or header) are worked on one after the other, in the order of their IDs. A
    /// failed one is tried again here, and those behind it wait. Holds within one consumer: to keep order over several
    /// processes, spread the keys over several streams with one consumer each.
    ///
    /// Such a consumer needs a [`name`](Options::name) to keep order over its own end: what it gives back then stays in its
    /// history, where its successor of the same name finds it in order. Others get it in the order in which it came back.
    pub order_by: Option<String>,
    /// Entries are not acknowledged at all: the server forgets them as it delivers them (NOACK).
    pub no_ack: bool,
    /// How long a consumer that stops waits for what it has begun.
    pub drain: Duration,
    /// Consumers that were not seen for so long and have nothing pending are removed from the group. `None`: never.
    pub forget_consumers: Option<Duration>,
    /// How often the server is asked how far the group has come, for the metrics `ackline_consumer_group_..` and
    /// `ackline_consumer_dead_letters`. `None`: never. Every consumer asks for itself, and all get the same answer.
    pub watch_group: Option<Duration>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            name: None,
            start: Start::default(),
            concurrency: 1,
            prefetch: 128,
            block: Duration::from_secs(1),
            lease: Duration::from_secs(30),
            max_deliveries: Some(5),
            backoff: Backoff::default(),
            poison: Poison::default(),
            on_ack: OnAck::default(),
            order_by: None,
            no_ack: false,
            drain: Duration::from_secs(15),
            forget_consumers: Some(Duration::from_secs(24 * 60 * 60)),
            watch_group: Some(Duration::from_secs(10)),
        }
    }
}
