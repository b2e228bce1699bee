//! A consumer's side of a group: entries come in, verdicts go out.
//!
//! ```text
//!             reader, one a stream                                      settler
//! XREADGROUP ──────────────────────► Held ──► Delivery ──► verdict ──► outbox ──────► XACK, XNACK, MULTI ..
//!                                     ▲                                  one batch under way, the next gathers
//!                 keeper: leases, delays, XAUTOCLAIM, dead consumers
//!                 driver: starts them, and drains them at the end
//! ```

mod admit;
pub(crate) mod backoff;
mod delivery;
mod drain;
mod heal;
mod held;
mod janitor;
mod keeper;
pub(crate) mod options;
mod outbox;
mod reader;
mod settler;
mod twin;
mod vitals;
mod watch;

#[cfg(feature = "harness")]
pub(crate) use admit::POISON_FROM;
pub use delivery::Delivery;
pub(crate) use delivery::Verdict;
pub(crate) use held::{At, Census, Entry};
pub(crate) use outbox::{Fate, Settled};

use crate::capabilities::{Capabilities, Without};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::event::{Event, Observer, What};
use crate::health::Health;
use crate::id::EntryId;
use crate::meter::{self, Meter};
use crate::store::Store;
use crate::verbs::{self, Place};
use held::Held;
use options::{Options, Start};
use outbox::Outbox;
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use vitals::Vitals;

/// What the tasks of one consumer share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) places: Vec<Place>,
    pub(crate) consumer: Arc<str>,
    pub(crate) options: Options,
    capabilities: Mutex<Arc<Capabilities>>,
    without: Without,
    observers: Vec<Observer>,
    /// By the number of the stream.
    meters: Vec<Meter>,
    vitals: Vitals,
    held: Mutex<Held>,
    /// One for each stream: in a cluster they are on different nodes, and one that is not there holds up no other.
    outboxes: Vec<Outbox>,
    /// Entries became ready.
    arrived: Notify,
    /// There is room for more, or nothing is left to do.
    left: Notify,
    /// The keeper has something new to wait for.
    keep: Notify,
    /// XAUTOCLAIM shall look at once.
    look: Notify,
    /// Held while stale entries of others are taken over.
    looking: tokio::sync::Mutex<()>,
    /// The greatest ID that was delivered, by stream; at first to anybody.
    seen: Mutex<Vec<EntryId>>,
    /// The greatest ID that a stream had when its group was made again: what came before may have been settled in the old one.
    healed: Mutex<Vec<EntryId>>,
    /// No more is read.
    stop: CancellationToken,
    /// Nothing more is handed out, once what there is has been.
    over: CancellationToken,
    /// What is still being worked on shall be given up.
    abort: CancellationToken,
    /// There is no time left to wait for what is still being worked on.
    hurry: CancellationToken,
    /// Everything shall end as if the process had.
    #[cfg(feature = "harness")]
    pub(crate) crashed: CancellationToken,
    /// Nothing is sent any more.
    ended: CancellationToken,
    /// Every task has ended.
    gone: CancellationToken,
}

/// A consumer of one or several streams: hands out [`Delivery`]s, and keeps what belongs to them in order: leases, retries,
/// dead letters, recovery.
///
/// Usable from several tasks at once. Dropped, it stops as [`Subscription::close`] does, without waiting.
pub struct Subscription {
    shared: Arc<Shared>,
    driver: Option<JoinHandle<Result<()>>>,
}

impl Subscription {
    pub(crate) async fn start(
        client: &Client,
        streams: Vec<String>,
        group: String,
        options: Options,
    ) -> Result<Subscription> {
        let store = client.store().clone();
        let places: Vec<Place> =
            streams.into_iter().map(|stream| Place { stream, group: group.clone() }).collect();
        let mut seen = Vec::new();
        for place in &places {
            let at = match options.start {
                Start::Beginning => "0".to_owned(),
                Start::New => "$".to_owned(),
                Start::After(id) => id.to_string(),
            };
            let answer = store.pipeline(vec![place.create_group(&at)]).await?;
            answer.into_iter().try_for_each(verbs::created)?;
            // Should the group be lost, it goes on here.
            let groups = verbs::groups(store.call(place.groups()).await?)?;
            let ours = groups.into_iter().find(|(name, _)| *name == place.group);
            seen.push(ours.map_or(EntryId::ZERO, |(_, last)| last));
        }
        let first = places.first().map_or("", |place| place.stream.as_str());
        let capabilities = client.capabilities(first).await?;
        let shared = Arc::new(Shared::new(client, places, seen, options, capabilities));
        shared.tell_start();
        #[cfg(feature = "harness")]
        client.subscriptions().push(Arc::downgrade(&shared));
        let driver = tokio::spawn(Arc::clone(&shared).unless_crashed(drain::drive(Arc::clone(&shared))));
        Ok(Subscription { shared, driver: Some(driver) })
    }

    /// The next entry. `None` once the subscription has stopped.
    ///
    /// Cancel safe: an entry is handed out, or it is not.
    pub async fn next(&self) -> Option<Delivery> {
        loop {
            let arrived = self.shared.arrived.notified();
            if let Some(delivery) = self.try_next() {
                return Some(delivery);
            }
            if self.shared.over.is_cancelled() {
                return None;
            }
            tokio::select! {
                () = arrived => {}
                () = self.shared.over.cancelled() => {}
            }
        }
    }

    /// The next entry, if one is there.
    pub fn try_next(&self) -> Option<Delivery> {
        let clock = self.shared.vitals.clock();
        let mut held = self.shared.held.lock();
        let entry = held.begin(clock)?;
        let more = held.has_ready();
        drop(held);
        if more {
            // Of two notices that find nobody waiting yet, one is lost: whoever takes an entry calls the next one.
            self.shared.arrived.notify_one();
        }
        let deliveries = entry.deliveries.max(1).unsigned_abs();
        self.shared.observed(entry.at, What::Begun { deliveries });
        Some(Delivery::new(Arc::clone(&self.shared), entry))
    }

    /// The consumer's name within its group.
    pub fn consumer(&self) -> &str {
        &self.shared.consumer
    }

    /// Stops reading, gives back what was not begun, waits for what was (as long as [`Options::drain`] says), and sends
    /// every verdict.
    pub async fn close(self) {
        if let Err(error) = self.finish().await {
            error!(%error, "stopped by a bug");
        }
    }

    /// The same. The error is that a task of the subscription has panicked.
    pub(crate) async fn finish(mut self) -> Result<()> {
        self.shared.stop();
        match self.driver.take() {
            Some(driver) => driver.await.map_err(Error::panicked)?,
            None => Ok(()),
        }
    }

    /// How it is doing.
    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// Stops reading, without waiting.
    pub fn stop(&self) {
        self.shared.stop();
    }

    /// Stops, and does not wait for what was begun: it is given back at once, and counts as delivered.
    pub fn give_up(&self) {
        self.shared.stop_now();
    }

    /// Waits until the subscription has stopped and everything that belongs to stopping is done. Somebody else has to
    /// [`stop`](Subscription::stop) it, or to [`give_up`](Subscription::give_up).
    pub async fn ended(&self) {
        self.shared.gone.cancelled().await;
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl Shared {
    fn new(
        client: &Client,
        places: Vec<Place>,
        seen: Vec<EntryId>,
        options: Options,
        capabilities: Capabilities,
    ) -> Shared {
        let consumer: Arc<str> = options.name.clone().unwrap_or_else(new_name).into();
        meter::describe();
        let meter = |place| Meter::new(place, &consumer, client.produced());
        let stop = CancellationToken::new();
        let over = if options.no_ack { CancellationToken::new() } else { stop.clone() };
        Shared {
            seen: Mutex::new(seen),
            healed: Mutex::new(vec![EntryId::ZERO; places.len()]),
            looking: tokio::sync::Mutex::default(),
            outboxes: places.iter().map(|_| Outbox::default()).collect(),
            meters: places.iter().map(meter).collect(),
            vitals: Vitals::new(places.len()),
            store: client.store().clone(),
            places,
            consumer,
            options,
            capabilities: Mutex::new(Arc::new(capabilities)),
            without: client.lacks(),
            observers: client.observers(),
            held: Mutex::default(),
            arrived: Notify::new(),
            left: Notify::new(),
            keep: Notify::new(),
            look: Notify::new(),
            stop,
            over,
            #[cfg(feature = "harness")]
            crashed: CancellationToken::new(),
            abort: CancellationToken::new(),
            hurry: CancellationToken::new(),
            ended: CancellationToken::new(),
            gone: CancellationToken::new(),
        }
    }

    pub(crate) fn place(&self, at: At) -> &Place {
        self.place_of(at.stream)
    }

    fn place_of(&self, stream: u16) -> &Place {
        &self.places[usize::from(stream)]
    }

    /// What it does and how, in one line.
    fn tell_start(&self) {
        let Options { concurrency, prefetch, lease, max_deliveries, drain, .. } = &self.options;
        let streams: Vec<&str> = self.places.iter().map(|place| &*place.stream).collect();
        let group = self.places.first().map(|place| &*place.group);
        info!(
            ?streams,
            group,
            consumer = &*self.consumer,
            concurrency,
            prefetch,
            ?lease,
            max_deliveries,
            ?drain,
            "consuming"
        );
    }

    /// The metrics of an entry's stream.
    pub(crate) fn meter(&self, at: At) -> &Meter {
        &self.meters[usize::from(at.stream)]
    }

    /// Stops at once: what is worked on is given up, and given back.
    pub(crate) fn stop_now(&self) {
        self.stop();
        self.hurry.cancel();
    }

    /// Cancelled when no more is read.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// What the server can do.
    fn can(&self) -> Arc<Capabilities> {
        Arc::clone(&self.capabilities.lock())
    }

    /// After an error that may say that the server does not understand: whether it is another one, which can do other things.
    async fn relearn(&self, stream: &str, error: &Error) -> bool {
        if !matches!(error, Error::Server(error) if error.code() == "ERR") {
            return false;
        }
        let Ok(now) = Capabilities::of(&self.store, stream).await else { return false };
        let now = self.without.of(now);
        let before = std::mem::replace(&mut *self.capabilities.lock(), Arc::new(now.clone()));
        let changed = *before != now;
        if changed {
            warn!(stream, server = ?now.server, "another server by now");
            self.keep.notify_one();
        }
        changed
    }

    /// Cancelled when handlers shall be given up.
    pub(crate) fn abort(&self) -> &CancellationToken {
        &self.abort
    }

    /// Nothing more is begun or read.
    fn stop(&self) {
        // What the server has forgotten as it delivered it is gone if it is not worked on.
        if !self.options.no_ack {
            self.held.lock().close();
        }
        self.stop.cancel();
    }

    /// Does it, unless the harness pretends that the process has died.
    pub(crate) async fn unless_crashed(
        self: Arc<Shared>,
        work: impl Future<Output = Result<()>>,
    ) -> Result<()> {
        #[cfg(feature = "harness")]
        let end = self.crashed.run_until_cancelled(work).await.unwrap_or(Ok(()));
        #[cfg(not(feature = "harness"))]
        let end = work.await;
        end
    }

    /// Tells those who want to know.
    #[inline]
    fn observed(&self, at: At, what: What<'_>) {
        if self.observers.is_empty() {
            return;
        }
        let Place { stream, group } = self.place(at);
        let event = Event { stream, group, consumer: &self.consumer, id: at.id, what };
        self.observers.iter().for_each(|observer| observer(&event));
    }

    /// Sends a verdict on its way.
    fn post(&self, settled: Settled) {
        self.outboxes[usize::from(settled.at.stream)].put(settled);
    }

    #[cfg(feature = "harness")]
    pub(crate) fn is_alive(&self) -> bool {
        !self.ended.is_cancelled() && !self.crashed.is_cancelled()
    }

    #[cfg(feature = "harness")]
    pub(crate) fn held_count(&self) -> usize {
        self.held.lock().len()
    }

    fn is_named(&self) -> bool {
        self.options.name.is_some()
    }

    fn streams(&self) -> impl Iterator<Item = (u16, &Place)> {
        (0..).zip(&self.places)
    }
}

/// A name that no other consumer has.
fn new_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "consumer",
        host => host,
    };
    format!("{host}-{}-{:08x}", std::process::id(), fastrand::u32(..))
}
