//! A message in the hands of a handler.

use crate::fields::Fields;
use crate::format::{Body, FormatError};
use crate::id::EntryId;
use crate::meter::Meter;
use crate::subscription::{Delivery, Entry, Shared};
use parking_lot::Mutex;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A message: an entry of a stream, as it was delivered. Cheap to clone.
///
/// ```text
///  worker ── Message ──► layers ──► handler: reads it; may take its Delivery, and with that the right to decide
///     ▲                                │
///     └──────── close: decides ◄───────┘ unless the handler has, or has kept the Delivery
/// ```
#[derive(Clone)]
pub struct Message(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    /// Without the right to decide: that is below.
    entry: Entry,
    body: OnceLock<Result<Body, FormatError>>,
    right: Mutex<Right>,
}

/// The right to decide about a message.
enum Right {
    Here,
    Taken,
    /// The handler has ended: what comes back now is nobody's.
    Closed,
}

impl Message {
    pub(crate) fn new(shared: Arc<Shared>, entry: Entry) -> Message {
        let right = Mutex::new(Right::Here);
        Message(Arc::new(Inner { shared, entry, body: OnceLock::new(), right }))
    }

    /// A message that is decided about already.
    pub(crate) fn settled(shared: Arc<Shared>, entry: Entry) -> Message {
        let message = Message::new(shared, entry);
        *message.0.right.lock() = Right::Closed;
        message
    }

    /// The stream that it was read from.
    pub fn stream(&self) -> &str {
        &self.0.shared.place(self.0.entry.at).stream
    }

    /// The group that it was read for.
    pub fn group(&self) -> &str {
        &self.0.shared.place(self.0.entry.at).group
    }

    /// The consumer that it was delivered to.
    pub fn consumer(&self) -> &str {
        &self.0.shared.consumer
    }

    /// The entry's ID.
    pub fn id(&self) -> EntryId {
        self.0.entry.at.id
    }

    /// What is counted about its stream.
    pub(crate) fn meter(&self) -> &Meter {
        self.0.shared.meter(self.0.entry.at)
    }

    /// Which delivery this is: 1 at first.
    pub fn deliveries(&self) -> u64 {
        self.0.entry.deliveries.max(1).unsigned_abs()
    }

    /// Its fields and values as they lie in the stream.
    pub fn fields(&self) -> &Fields {
        &self.0.entry.fields
    }

    /// Payload and headers. Read from the fields when somebody first asks for it.
    pub fn body(&self) -> Result<&Body, &FormatError> {
        self.0.body.get_or_init(|| Body::read(self.fields())).as_ref()
    }

    /// The value of a header; `None` also if the message cannot be read.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.body().ok()?.headers.get(name)
    }

    /// The right to decide, if nobody has it.
    pub(crate) fn take(&self) -> Option<Delivery> {
        let mut right = self.0.right.lock();
        match *right {
            Right::Here => *right = Right::Taken,
            Right::Taken | Right::Closed => return None,
        }
        Some(Delivery::lent(Arc::clone(&self.0.shared), self.0.entry.clone(), self.clone()))
    }

    /// A delivery was dropped without a verdict. False if nobody waits for it any more.
    pub(crate) fn give_back(&self) -> bool {
        let mut right = self.0.right.lock();
        let waited_for = matches!(*right, Right::Taken);
        if waited_for {
            *right = Right::Here;
        }
        waited_for
    }

    /// The handler has ended. The right to decide, unless the handler has used or kept it.
    pub(crate) fn close(&self) -> Option<Delivery> {
        match std::mem::replace(&mut *self.0.right.lock(), Right::Closed) {
            Right::Here => Some(Delivery::new(Arc::clone(&self.0.shared), self.0.entry.clone())),
            Right::Taken | Right::Closed => None,
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Message");
        debug.field("stream", &self.stream()).field("id", &self.id()).field("deliveries", &self.deliveries());
        debug.field("fields", self.fields()).finish()
    }
}
