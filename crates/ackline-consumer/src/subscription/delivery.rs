//! One entry in the hands of whoever works on it.

use super::Shared;
use super::held::{Entry, Held};
use super::options::Poison;
use super::outbox::{Death, Fate, Settled};
use crate::error::{Error, Result};
use crate::event::What;
use crate::fields::Fields;
use crate::format::{Body, FormatError};
use crate::id::EntryId;
use crate::message::Message;
use crate::meter::Ending;
use crate::producer::Add;
use crate::store::Command;
use crate::verbs::Release;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// An entry that was delivered to this consumer. Whoever has it decides, once: each of [`ack`](Delivery::ack),
/// [`nack`](Delivery::nack) and [`reject`](Delivery::reject) takes the delivery itself, so that a second verdict does not
/// compile.
///
/// ```compile_fail
/// # async fn twice(delivery: ackline_consumer::Delivery) -> ackline_consumer::Result<()> {
/// delivery.ack().await?;
/// delivery.nack().await // error: use of moved value
/// # }
/// ```
///
/// Its lease is renewed for as long as it lives. Dropped without a verdict the entry stays pending; once its lease has run out
/// a consumer of the group gets it again.
#[must_use = "dropped without a verdict the entry is delivered again once its lease has run out"]
pub struct Delivery {
    /// Gone once there is a verdict.
    entry: Option<Entry>,
    shared: Arc<Shared>,
    /// Who decides if this is dropped without a verdict.
    home: Option<Message>,
}

/// What shall become of a delivery.
pub(crate) enum Verdict {
    Ack,
    AckAnd(Vec<Command>),
    /// Tried again, after the backoff or after a time of its own. The error goes with it to the dead letters, should this have
    /// been its last try.
    Nack {
        after: Option<Duration>,
        error: Option<String>,
    },
    Reject {
        reason: &'static str,
        error: Option<String>,
    },
    /// Given back as if it had never been delivered.
    Return,
}

/// More entries than this are not held for a later try: they are given back at once instead.
const DELAYED_MAX: usize = 10_000;

impl Delivery {
    pub(crate) fn new(shared: Arc<Shared>, entry: Entry) -> Delivery {
        Delivery { entry: Some(entry), shared, home: None }
    }

    /// A delivery that a handler has taken from its message, and may leave undecided.
    pub(crate) fn lent(shared: Arc<Shared>, entry: Entry, home: Message) -> Delivery {
        Delivery { entry: Some(entry), shared, home: Some(home) }
    }

    /// The message, with this delivery's right to decide.
    pub(crate) fn into_message(mut self) -> Option<Message> {
        Some(Message::new(Arc::clone(&self.shared), self.entry.take()?))
    }

    /// The message, once this delivery is acknowledged.
    pub(crate) async fn acked(self) -> Result<Message> {
        let message = Message::settled(Arc::clone(&self.shared), self.entry().clone());
        self.ack().await?;
        Ok(message)
    }

    fn entry(&self) -> &Entry {
        self.entry.as_ref().expect("a delivery has its entry until its verdict, which consumes it")
    }

    /// The entry's ID.
    pub fn id(&self) -> EntryId {
        self.entry().at.id
    }

    /// The stream that it was read from.
    pub fn stream(&self) -> &str {
        &self.shared.place(self.entry().at).stream
    }

    /// The group that it was read for.
    pub fn group(&self) -> &str {
        &self.shared.place(self.entry().at).group
    }

    /// The consumer that it was delivered to.
    pub fn consumer(&self) -> &str {
        &self.shared.consumer
    }

    /// Its fields and values as they lie in the stream.
    pub fn fields(&self) -> &Fields {
        &self.entry().fields
    }

    /// The message in it: payload and headers.
    pub fn body(&self) -> Result<Body, FormatError> {
        Body::read(self.fields())
    }

    /// Which delivery this is: 1 at first.
    pub fn deliveries(&self) -> u64 {
        self.entry().deliveries.max(1).unsigned_abs()
    }

    /// Whether another consumer has it by now, because this one was silent for longer than its lease.
    pub fn is_lost(&self) -> bool {
        self.shared.held.lock().is_lost(self.entry().at)
    }

    /// Acknowledges the entry. Returns once the server has confirmed it.
    pub async fn ack(self) -> Result<()> {
        self.told(Verdict::Ack).await
    }

    /// Acknowledges the entry and adds others, in one step (MULTI): both happen or none does. In a cluster their streams have
    /// to lie in one slot.
    ///
    /// If one of the others cannot be encoded, there is no verdict: the entry is delivered again once its lease has run out.
    pub async fn ack_and(self, adds: impl IntoIterator<Item = Add>) -> Result<()> {
        let adds = adds.into_iter().map(Add::into_command).collect::<Result<_>>()?;
        self.told(Verdict::AckAnd(adds)).await
    }

    /// Has the entry delivered again, to any consumer of the group, after the wait that [`Options::backoff`] gives;
    /// poison once it was delivered [`Options::max_deliveries`] times.
    ///
    /// Returns once the server has confirmed it, or, if there is a wait, at once: this consumer holds the entry so long.
    ///
    /// [`Options::backoff`]: crate::Options::backoff
    /// [`Options::max_deliveries`]: crate::Options::max_deliveries
    pub async fn nack(self) -> Result<()> {
        self.told(Verdict::Nack { after: None, error: None }).await
    }

    /// The same, with a wait of its own.
    pub async fn nack_after(self, wait: Duration) -> Result<()> {
        self.told(Verdict::Nack { after: Some(wait), error: None }).await
    }

    /// Gives the entry up as poison: [`Options::poison`](crate::Options::poison) says what that means.
    pub async fn reject(self, why: impl Into<String>) -> Result<()> {
        self.told(Verdict::Reject { reason: "rejected", error: Some(why.into()) }).await
    }

    /// Gives the entry back as if it had never been delivered (XNACK SILENT): for who cannot work now.
    pub async fn release(self) -> Result<()> {
        self.told(Verdict::Return).await
    }

    async fn told(self, verdict: Verdict) -> Result<()> {
        let (tell, told) = oneshot::channel();
        self.conclude(verdict, Some(tell));
        told.await.map_err(|_| Error::Closed)?
    }

    /// Settles without waiting for the server.
    pub(crate) fn settle(self, verdict: Verdict) {
        self.conclude(verdict, None);
    }

    fn conclude(mut self, verdict: Verdict, told: Option<oneshot::Sender<Result<()>>>) {
        self.home = None;
        if let Some(entry) = self.entry.take() {
            self.shared.conclude(entry, verdict, told);
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let back = self.home.take().is_some_and(|home| home.give_back());
        if let Some(entry) = self.entry.take().filter(|_| !back) {
            self.shared.leave_undecided(entry);
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.entry();
        let mut debug = f.debug_struct("Delivery");
        debug.field("stream", &self.stream()).field("id", &entry.at.id);
        debug.field("deliveries", &entry.deliveries).field("fields", &entry.fields).finish()
    }
}

type Told = Option<oneshot::Sender<Result<()>>>;

impl Shared {
    /// Carries a verdict out.
    pub(super) fn conclude(&self, entry: Entry, verdict: Verdict, told: Told) {
        if self.options.no_ack {
            return self.gone(entry, told);
        }
        let fate = match verdict {
            Verdict::Ack => Fate::Ack,
            // Whoever has it now decides about it, and adds what follows from it.
            _ if self.held.lock().is_lost(entry.at) => {
                self.meter(entry.at).ended(Ending::Abandoned, 1);
                return self.gone(entry, told);
            }
            Verdict::AckAnd(adds) => Fate::AckAnd(adds),
            Verdict::Nack { after, error } => match self.next_try(&entry, after) {
                Next::Later(wait) => {
                    self.observed(entry.at, What::Nacked { wait });
                    return self.delay(entry, wait, told);
                }
                Next::Now => Fate::Nack(entry.deliveries),
                Next::Never => return self.bury(entry, "max-deliveries", error, told),
            },
            Verdict::Reject { reason, error } => return self.bury(entry, reason, error, told),
            Verdict::Return => Fate::Release(Release::Silent, entry.deliveries),
        };
        self.send(entry, fate, told);
    }

    fn next_try(&self, entry: &Entry, after: Option<Duration>) -> Next {
        if self.is_spent(entry) {
            return Next::Never;
        }
        let deliveries = entry.deliveries.max(1).unsigned_abs();
        let wait = after.unwrap_or_else(|| self.options.backoff.after(deliveries));
        // In order, what comes behind it has to wait for it here, so there are no more of them than there are lanes.
        let held_here = entry.lane.is_some() || !wait.is_zero() && self.held.lock().delayed() < DELAYED_MAX;
        match held_here {
            true => Next::Later(wait),
            false => Next::Now,
        }
    }

    /// Whether this was the last delivery that it may have.
    pub(super) fn is_spent(&self, entry: &Entry) -> bool {
        self.options.max_deliveries.is_some_and(|max| entry.deliveries.max(1).unsigned_abs() >= max)
    }

    fn delay(&self, entry: Entry, wait: Duration, told: Told) {
        let until = Instant::now() + wait;
        let busy = self.with_held(|held| held.delay(entry, until));
        self.keep.notify_one();
        self.moved_on(busy);
        self.unless_stopped();
        tell(told);
    }

    /// What is poison.
    pub(super) fn bury(&self, entry: Entry, reason: &'static str, error: Option<String>, told: Told) {
        let fate = match self.options.poison {
            Poison::DeadLetter | Poison::DeadLetterTo(_) => {
                let death = Death { entry: entry.clone(), reason, error };
                Fate::Dead(Box::new(death))
            }
            Poison::Mark => Fate::Release(Release::Fatal, entry.deliveries),
            Poison::Discard => Fate::Discard,
        };
        self.send(entry, fate, told);
    }

    fn send(&self, entry: Entry, fate: Fate, told: Told) {
        let lane = entry.lane.as_ref();
        let busy = self.with_held(|held| match fate {
            Fate::Release(..) | Fate::Nack(_) => held.give_back(entry.at, lane),
            _ => held.settle(entry.at, lane),
        });
        self.post(Settled { at: entry.at, fate, told });
        self.moved_on(busy);
    }

    fn gone(&self, entry: Entry, told: Told) {
        self.abandon(&entry);
        tell(told);
    }

    /// Nobody said what shall become of it: somebody gets it again once its lease has run out. In order, that is this consumer,
    /// and what comes behind it waits.
    pub(super) fn leave_undecided(&self, entry: Entry) {
        self.observed(entry.at, What::Undecided);
        self.meter(entry.at).ended(Ending::Abandoned, 1);
        let ordered = entry.lane.is_some() && !self.options.no_ack && !self.stop.is_cancelled();
        match ordered && !self.held.lock().is_lost(entry.at) {
            true => self.delay(entry, self.options.lease, None),
            false => self.abandon(&entry),
        }
    }

    pub(super) fn abandon(&self, entry: &Entry) {
        let busy = self.with_held(|held| held.abandon(entry.at, entry.lane.as_ref()));
        self.moved_on(busy);
    }

    /// Changes what is held, and says how much of it is fetched or worked on.
    fn with_held(&self, change: impl FnOnce(&mut Held)) -> usize {
        let mut held = self.held.lock();
        change(&mut held);
        held.busy()
    }

    /// Somebody is done with an entry: there may be room for the next read, and what is next in its lane may be ready.
    fn moved_on(&self, busy: usize) {
        if busy <= self.low_water() || self.options.order_by.is_some() {
            self.left.notify_waiters();
        }
        if self.options.order_by.is_some() {
            self.arrived.notify_one();
        }
    }
}

enum Next {
    Now,
    Later(Duration),
    Never,
}

fn tell(told: Told) {
    if let Some(told) = told {
        // Whoever asked may have gone.
        let _ = told.send(Ok(()));
    }
}
