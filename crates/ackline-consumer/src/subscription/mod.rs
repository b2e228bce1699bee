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
mod vitals;
mod watch;

pub use delivery::Delivery;
pub(crate) use delivery::Verdict;
pub(crate) use held::{At, Census, Entry};
pub(crate) use outbox::{Fate, Settled};

use crate::capabilities::Capabilities;
use crate::client::Client;
use crate::error::{Error, Result};
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
use tracing::{error, info};
use vitals::Vitals;

/// What the tasks of one consumer share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) places: Vec<Place>,
    pub(crate) consumer: Arc<str>,
    pub(crate) options: Options,
    pub(crate) capabilities: Capabilities,
    /// By the number of the stream.
    meters: Vec<Meter>,
    vitals: Vitals,
    held: Mutex<Held>,
    outbox: Outbox,
    /// Entries became ready.
    arrived: Notify,
    /// There is room for more, or nothing is left to do.
    left: Notify,
    /// The keeper has something new to wait for.
    keep: Notify,
    /// XAUTOCLAIM shall look at once.
    look: Notify,
    /// The greatest ID that was delivered, by stream.
    seen: Mutex<Vec<EntryId>>,
    /// No more is read.
    stop: CancellationToken,
    /// What is still being worked on shall be given up.
    abort: CancellationToken,
    /// Nothing is sent any more.
    ended: CancellationToken,
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
        for place in &places {
            let at = match options.start {
                Start::Beginning => "0".to_owned(),
                Start::New => "$".to_owned(),
                Start::After(id) => id.to_string(),
            };
            let answer = store.pipeline(vec![place.create_group(&at)]).await?;
            answer.into_iter().try_for_each(verbs::created)?;
        }
        let first = places.first().map_or("", |place| place.stream.as_str());
        let capabilities = client.capabilities(first).await?;
        let shared = Arc::new(Shared::new(client, places, options, capabilities));
        shared.tell_start();
        let driver = tokio::spawn(drain::drive(Arc::clone(&shared)));
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
            if self.shared.stop.is_cancelled() {
                return None;
            }
            tokio::select! {
                () = arrived => {}
                () = self.shared.stop.cancelled() => {}
            }
        }
    }

    /// The next entry, if one is there.
    pub fn try_next(&self) -> Option<Delivery> {
        let clock = self.shared.vitals.clock();
        let entry = self.shared.held.lock().begin(clock)?;
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
    fn new(client: &Client, places: Vec<Place>, options: Options, capabilities: Capabilities) -> Shared {
        let consumer: Arc<str> = options.name.clone().unwrap_or_else(new_name).into();
        meter::describe();
        let meter = |place| Meter::new(place, &consumer, client.produced());
        Shared {
            seen: Mutex::new(vec![EntryId::ZERO; places.len()]),
            meters: places.iter().map(meter).collect(),
            vitals: Vitals::new(places.len()),
            store: client.store().clone(),
            places,
            consumer,
            options,
            capabilities,
            held: Mutex::default(),
            outbox: Outbox::default(),
            arrived: Notify::new(),
            left: Notify::new(),
            keep: Notify::new(),
            look: Notify::new(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            ended: CancellationToken::new(),
        }
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

    pub(crate) fn place(&self, at: At) -> &Place {
        &self.places[usize::from(at.stream)]
    }

    /// Stops at once: what is worked on is given up, and given back.
    pub(crate) fn stop_now(&self) {
        self.stop();
        self.abort.cancel();
    }

    /// Cancelled when no more is read.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Cancelled when handlers shall be given up.
    pub(crate) fn abort(&self) -> &CancellationToken {
        &self.abort
    }

    /// Nothing more is begun or read.
    pub(super) fn stop(&self) {
        self.held.lock().close();
        self.stop.cancel();
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
