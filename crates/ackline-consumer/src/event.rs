//! What becomes of entries, told as it happens.

use crate::id::EntryId;
use std::sync::Arc;
use std::time::Duration;

/// Something that became of an entry at a consumer: [`Client::observe`](crate::Client::observe).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The entry's stream.
    pub stream: &'a str,
    /// The group.
    pub group: &'a str,
    /// The consumer's name.
    pub consumer: &'a str,
    /// The entry's ID.
    pub id: EntryId,
    /// What it was.
    pub what: What<'a>,
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What<'a> {
    /// It was handed out to be worked on.
    Begun {
        /// Which delivery this is: 1 at first.
        deliveries: u64,
    },
    /// The server has its acknowledgement.
    Acknowledged,
    /// It shall be delivered again. Unless there is a wait, the server has heard so.
    Nacked {
        /// For how long it waits.
        wait: Duration,
    },
    /// The server has it back, so that any consumer of the group may get it.
    Released {
        /// Whether the delivery counts.
        counted: bool,
    },
    /// It lies in the dead-letter stream.
    DeadLettered {
        /// Which stream that is.
        to: &'a str,
        /// Why: `failed`, `malformed`, `rejected`, `max-deliveries` or `fatal`.
        reason: &'a str,
        /// The last error, or the reason that the handler gave.
        error: Option<&'a str>,
    },
    /// It stays pending, marked as poison.
    Marked,
    /// It was poison, or deleted while it was pending, and is acknowledged.
    Discarded,
    /// Nobody said what shall become of it. Its lease runs out.
    Undecided,
}

/// Is told what becomes of entries.
pub(crate) type Observer = Arc<dyn Fn(&Event<'_>) + Send + Sync>;
