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
    /// The same, of poison.
    Discard,
    /// The same, and these commands with it in one step.
    AckAnd(Vec<Command>),
    /// XNACK, or what comes next to it. With the delivery's number, for servers that do not count back by themselves.
    Release(Release, i64),
    /// To the dead-letter stream.
    Dead(Box<Death>),
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
}

impl Outbox {
    pub(crate) fn put(&self, settled: Settled) {
        let mut waiting = self.waiting.lock();
        waiting.all.push(settled);
        if waiting.since.is_none() {
            // One look at the clock for all that gather.
            waiting.since = Some(Instant::now());
            self.arrived.notify_one();
        }
    }

    /// Everything that waits, as soon as anything does, and since when.
    pub(crate) async fn take(&self) -> (Instant, Vec<Settled>) {
        loop {
            let arrived = self.arrived.notified();
            let waiting = std::mem::take(&mut *self.waiting.lock());
            if let Some(since) = waiting.since {
                return (since, waiting.all);
            }
            arrived.await;
        }
    }
}
