//! Consumers under test: the ones that run in production, on an engine in this process whose time is tokio's.
//!
//! With time that stands still until everybody waits (`start_paused`, of tokio's feature `test-util`) a lease of half a minute and
//! a backoff of an hour pass at once, in the order in which they would.
//!
//! ```
//! use ackline_consumer::{Outcome, Text, harness::Harness};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), ackline_consumer::Error> {
//! // #[tokio::test(start_paused = true)]
//! let harness = Harness::new();
//! let calls = harness.recorder::<Text>();
//! calls.answer([Outcome::Nack(Some(Duration::from_secs(3600)))]);
//!
//! let client = harness.client();
//! let tea = client.add("orders", Text("tea".to_owned())).await?;
//! let running = client.consume("orders", "billing").handler(calls.handler()).start().await?;
//! harness.settled().await;
//!
//! assert_eq!(calls.len(), 2, "tried again after an hour");
//! assert_eq!(harness.nacked("orders"), [tea]);
//! assert_eq!(harness.acknowledged("orders"), [tea]);
//! assert!(harness.pending("orders", "billing").is_empty());
//! assert!(harness.dead_letters("orders").is_empty());
//! running.stop().await
//! # }
//! ```

mod engine;
mod recorder;

pub use recorder::Recorder;

use crate::capabilities::Without;
use crate::client::Client;
use crate::codec::Decode;
use crate::consumer::Running;
use crate::dead::DeadLetter;
use crate::event::{Event, What};
use crate::fields::Fields;
use crate::format::Body;
use crate::id::EntryId;
use crate::store::{Command, Received, Value};
use crate::subscription::Shared;
use crate::verbs::{self, Place};
use engine::Engine;
use futures_util::FutureExt;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// An engine in this process, and what became of every entry.
///
/// ```text
/// production consumers ──► client ──► engine   its clock: tokio's
///            └─ events ──► harness ──► assertions
/// ```
#[derive(Debug)]
pub struct Harness {
    client: Client,
    engine: Engine,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    all: Mutex<Vec<Happened>>,
    more: Notify,
}

/// An [`Event`] that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// The entry's stream.
    pub stream: String,
    /// The group.
    pub group: String,
    /// The consumer's name.
    pub consumer: String,
    /// The entry's ID.
    pub id: EntryId,
    /// What it was.
    pub kind: Kind,
}

/// What became of an entry: [`What`] without what it borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as there")]
#[non_exhaustive]
pub enum Kind {
    Begun { deliveries: u64 },
    Acknowledged,
    Nacked { wait: Duration },
    Released { counted: bool },
    DeadLettered { reason: String },
    Marked,
    Discarded,
    Undecided,
}

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its ID.
    pub id: EntryId,
    /// Whose it is; nobody's if it was released.
    pub consumer: String,
    /// How often it was delivered.
    pub deliveries: i64,
}

/// What is not settled after so long never will be: leases and waits are shorter.
const SETTLED_MAX: Duration = Duration::from_secs(6 * 60 * 60);

/// Time alone may settle something: it is looked for this often.
const LOOK: Duration = Duration::from_millis(250);

impl Default for Harness {
    fn default() -> Harness {
        Harness::new()
    }
}

impl Harness {
    /// A new engine, empty. To be called within a runtime of tokio.
    pub fn new() -> Harness {
        Harness::lacking(Without::default())
    }

    /// One whose client does not use some commands.
    #[doc(hidden)]
    pub fn lacking(without: Without) -> Harness {
        let engine = Engine::new();
        let client = engine.client(without);
        let seen = Arc::<Seen>::default();
        let ours = Arc::clone(&seen);
        client.observe(move |event| ours.keep(event));
        Harness { client, engine, seen }
    }

    /// A client as any other, of the engine.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Lets time pass, and all that happens in it.
    pub async fn advance(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.engine.tick();
    }

    /// Waits until the consumers of this harness have nothing left to do: every entry of their streams is delivered, and none
    /// of them is held, pending or waited for. Poison that is marked stays pending and does not count.
    ///
    /// # Panics
    ///
    /// When that does not come about within six hours.
    pub async fn settled(&self) {
        let end = tokio::time::Instant::now() + SETTLED_MAX;
        loop {
            let more = self.seen.more.notified();
            let Some(left) = self.unsettled() else { return };
            assert!(tokio::time::Instant::now() < end, "never settled: {left}");
            let _ = tokio::time::timeout(LOOK, more).await;
        }
    }

    fn unsettled(&self) -> Option<String> {
        let mut subscriptions = self.client.subscriptions();
        subscriptions.retain(|one| one.strong_count() > 0);
        let alive: Vec<Arc<Shared>> = subscriptions.iter().filter_map(|one| one.upgrade()).collect();
        drop(subscriptions);
        alive.iter().filter(|shared| shared.is_alive()).find_map(|shared| self.unsettled_of(shared))
    }

    fn unsettled_of(&self, shared: &Shared) -> Option<String> {
        match shared.held_count() {
            0 => shared.places.iter().find_map(|place| self.unsettled_at(place)),
            held => Some(format!("{} holds {held} entries", shared.consumer)),
        }
    }

    fn unsettled_at(&self, place: &Place) -> Option<String> {
        let Place { stream, group } = place;
        let groups = verbs::groups(self.call(place.groups())).unwrap_or_default();
        let Some((_, last)) = groups.into_iter().find(|(name, _)| name == group) else {
            return Some(format!("{stream} has no group {group}"));
        };
        let unread = Command::new("XRANGE").arg(stream).arg(format!("({last}")).arg("+");
        let unread = self.call(unread.arg("COUNT").int(1)).into_array().map_or(0, |all| all.len());
        let pending = self.pending(stream, group);
        let pending = pending.iter().filter(|one| one.deliveries < crate::subscription::POISON_FROM).count();
        (unread + pending > 0)
            .then(|| format!("{stream}, {group}: {pending} pending, more to read: {}", unread > 0))
    }

    /// Ends a consumer as a process ends that is killed: nothing is given back, and nobody says good-bye.
    pub async fn crash(&self, running: Running) {
        running.crash().await;
    }

    /// A handler that keeps what it is called with.
    pub fn recorder<T: Send + 'static>(&self) -> Recorder<T> {
        Recorder::new()
    }

    /// The entries of a stream, decoded.
    ///
    /// # Panics
    ///
    /// When one of them is something else.
    pub fn published<T: Decode>(&self, stream: &str) -> Vec<T> {
        let decode = |(id, fields): (EntryId, Fields)| {
            let body = Body::read(&fields).unwrap_or_else(|error| panic!("{id} of {stream}: {error}"));
            T::decode(&body, &fields).unwrap_or_else(|error| panic!("{id} of {stream}: {error}"))
        };
        self.entries(stream).into_iter().map(decode).collect()
    }

    /// The entries of a stream.
    pub fn entries(&self, stream: &str) -> Vec<(EntryId, Fields)> {
        let range = Command::new("XRANGE").arg(stream).arg("-").arg("+");
        let entries = self.call(range).into_entries().unwrap_or_default();
        let both = |entry: Received| Some((entry.id, entry.fields?));
        entries.into_iter().filter_map(both).collect()
    }

    /// What is pending in a group, by ID.
    pub fn pending(&self, stream: &str, group: &str) -> Vec<Pending> {
        let place = Place { stream: stream.to_owned(), group: group.to_owned() };
        let whole = (EntryId::ZERO, EntryId::MAX);
        let all = verbs::pending(self.call(place.pending(whole, usize::MAX >> 1, None))).unwrap_or_default();
        let one =
            |one: verbs::Pending| Pending { id: one.id, consumer: one.owner, deliveries: one.deliveries };
        all.into_iter().map(one).collect()
    }

    /// The consumers of a group, by name.
    pub fn consumers(&self, stream: &str, group: &str) -> Vec<String> {
        let place = Place { stream: stream.to_owned(), group: group.to_owned() };
        let all = verbs::consumers(self.call(place.consumers())).unwrap_or_default();
        let mut names: Vec<String> = all.into_iter().map(|consumer| consumer.name).collect();
        names.sort();
        names
    }

    /// The dead letters of a stream.
    pub fn dead_letters(&self, stream: &str) -> Vec<DeadLetter> {
        self.dead_letters_in(&self.client.dead_letter_stream(stream))
    }

    /// The dead letters in a stream of any name.
    pub fn dead_letters_in(&self, stream: &str) -> Vec<DeadLetter> {
        self.entries(stream).into_iter().filter_map(|(_, fields)| DeadLetter::of(&fields)).collect()
    }

    /// Everything that became of entries, in the order in which it did.
    pub fn events(&self) -> Vec<Happened> {
        self.seen.all.lock().clone()
    }

    /// How often an entry was begun.
    pub fn deliveries(&self, stream: &str, id: EntryId) -> usize {
        let begun = |kind: &Kind| matches!(kind, Kind::Begun { .. });
        self.of(stream, begun).into_iter().filter(|one| *one == id).count()
    }

    /// What was acknowledged, in that order.
    pub fn acknowledged(&self, stream: &str) -> Vec<EntryId> {
        self.of(stream, |kind| *kind == Kind::Acknowledged)
    }

    /// What was to be delivered again; an entry as often as that was said of it.
    pub fn nacked(&self, stream: &str) -> Vec<EntryId> {
        self.of(stream, |kind| matches!(kind, Kind::Nacked { .. }))
    }

    /// What was given back as if it had never been delivered.
    pub fn released(&self, stream: &str) -> Vec<EntryId> {
        self.of(stream, |kind| *kind == Kind::Released { counted: false })
    }

    /// What became poison and went to the dead letters, with the reason.
    pub fn dead_lettered(&self, stream: &str) -> Vec<(EntryId, String)> {
        let dead = |one: Happened| match one.kind {
            Kind::DeadLettered { reason } if one.stream == stream => Some((one.id, reason)),
            _ => None,
        };
        self.events().into_iter().filter_map(dead).collect()
    }

    fn of(&self, stream: &str, kind: impl Fn(&Kind) -> bool) -> Vec<EntryId> {
        let all = self.seen.all.lock();
        all.iter().filter(|one| one.stream == stream && kind(&one.kind)).map(|one| one.id).collect()
    }

    /// Runs a command of the engine's, such as a test needs that looks or meddles behind the consumers' backs.
    ///
    /// # Panics
    ///
    /// When the engine answers an error.
    pub fn command(&self, words: &[&str]) {
        self.engine.command(words);
    }

    fn call(&self, command: Command) -> Value {
        let answer = self.client.store().call(command);
        answer.now_or_never().expect("an engine in memory answers at once").unwrap_or(Value::Nil)
    }
}

impl Seen {
    fn keep(&self, event: &Event<'_>) {
        let Event { stream, group, consumer, id, what } = *event;
        let kind = match what {
            What::Begun { deliveries } => Kind::Begun { deliveries },
            What::Acknowledged => Kind::Acknowledged,
            What::Nacked { wait } => Kind::Nacked { wait },
            What::Released { counted } => Kind::Released { counted },
            What::DeadLettered { reason, .. } => Kind::DeadLettered { reason: reason.to_owned() },
            What::Marked => Kind::Marked,
            What::Discarded => Kind::Discarded,
            What::Undecided => Kind::Undecided,
        };
        let (stream, group, consumer) = (stream.to_owned(), group.to_owned(), consumer.to_owned());
        self.all.lock().push(Happened { stream, group, consumer, id, kind });
        self.more.notify_waiters();
    }
}
