//! Verdicts on their way to the server.

use super::held::{At, Entry};
use crate::error::Result;
use crate::store::Command;
use crate::verbs::Release;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// What the server shall do with an entry.
pub(crate) enum Fate {
    /// XACK, or XACKDEL.
    Ack,
    /// The same, for what nobody has worked on.
    Discard,
    /// XACK, and these commands with it in one step.
    AckAnd(Vec<Command>),
    /// XNACK, or what comes next to it. With the delivery's number, for servers that do not count back by themselves.
    Release(Release, i64),
    /// XNACK because it failed, with the delivery's number as well.
    Nack(i64),
    /// To the dead-letter stream.
    Dead(Box<Death>),
}

impl Fate {
    /// Whether it needs no step of its own.
    pub(crate) fn is_plain(&self) -> bool {
        !matches!(self, Fate::AckAnd(_) | Fate::Dead(_))
    }

    /// How it is given back, if it is, with the number of its delivery.
    pub(crate) fn back(&self) -> Option<(Release, i64)> {
        match *self {
            Fate::Release(mode, deliveries) => Some((mode, deliveries)),
            Fate::Nack(deliveries) => Some((Release::Fail, deliveries)),
            _ => None,
        }
    }
}

/// Why an entry is dead.
pub(crate) struct Death {
    pub(crate) entry: Entry,
    pub(crate) reason: &'static str,
    pub(crate) error: Option<String>,
}

/// An entry and what shall become of it.
pub(crate) struct Settled {
    pub(crate) at: At,
    pub(crate) fate: Fate,
    /// Who wants to know when the server has confirmed it.
    pub(crate) told: Option<oneshot::Sender<Result<()>>>,
}

impl Settled {
    /// Given back, with nobody waiting to hear of it.
    pub(crate) fn back(at: At, mode: Release, deliveries: i64) -> Settled {
        Settled { at, fate: Fate::Release(mode, deliveries), told: None }
    }
}

/// Verdicts that gather while those before them are under way.
#[derive(Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    all: Vec<Settled>,
    /// When the first of them came.
    since: Option<Instant>,
    /// Nothing is sent any more.
    closed: bool,
}

impl Outbox {
    pub(crate) fn put(&self, settled: Settled) {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            // Whoever waits for it hears that it is closed.
            return;
        }
        waiting.all.push(settled);
        if waiting.since.is_none() {
            // One look at the clock for all that gather.
            waiting.since = Some(Instant::now());
            self.arrived.notify_one();
        }
    }

    /// From here on nothing is sent: what waits is dropped.
    pub(crate) fn close(&self) {
        *self.waiting.lock() = Waiting { closed: true, ..Waiting::default() };
    }

    /// Everything that waits, as soon as anything does, and since when.
    pub(crate) async fn take(&self) -> (Instant, Vec<Settled>) {
        loop {
            let arrived = self.arrived.notified();
            if let Some(gathered) = self.waiting.lock().take() {
                return gathered;
            }
            arrived.await;
        }
    }
}

impl Waiting {
    fn take(&mut self) -> Option<(Instant, Vec<Settled>)> {
        let since = self.since.take()?;
        // The next batch will be about as large.
        let room = Vec::with_capacity(self.all.len());
        Some((since, std::mem::replace(&mut self.all, room)))
    }
}
