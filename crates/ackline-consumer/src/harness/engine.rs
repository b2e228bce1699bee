//! An engine whose clock goes with tokio's.

use crate::capabilities::Without;
use crate::client::Client;
use crate::store::Store;
use crate::store::embedded::Embedded;
use ackline::{Ackline, Clock, ManualClock};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

/// When its time begins, Unix ms: in the year 2000, so that nothing is mistaken for the time of the system.
const EPOCH: i64 = 946_684_800_000;

#[derive(Debug)]
pub(super) struct Engine {
    engine: Ackline,
    time: Time,
    _hands: AbortOnDropHandle<()>,
}

/// Two clocks that are one.
#[derive(Clone, Debug)]
struct Time {
    clock: ManualClock,
    start: Instant,
}

impl Time {
    /// Moves the engine's clock to where tokio's is, with all that is due until then.
    fn tick(&self) {
        let now = EPOCH + i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX - EPOCH);
        if self.clock.now_ms() < now {
            self.clock.set(now);
        }
    }

    fn at(&self, ms: i64) -> Instant {
        self.start + Duration::from_millis((ms - EPOCH).max(0).unsigned_abs())
    }
}

impl Engine {
    pub(super) fn new() -> Engine {
        let time = Time { clock: Clock::manual(EPOCH), start: Instant::now() };
        let engine = Ackline::builder().clock(time.clock.clone()).seed(0).memory();
        let hands = tokio::spawn(turn(engine.clone(), time.clone()));
        Engine { engine, time, _hands: AbortOnDropHandle::new(hands) }
    }

    pub(super) fn client(&self, without: Without) -> Client {
        let time = self.time.clone();
        let store = Store::Embedded(Embedded::ticking(self.engine.clone(), move || time.tick()));
        Client::lacking(store, without)
    }

    pub(super) fn tick(&self) {
        self.time.tick();
    }

    pub(super) fn command(&self, words: &[&str]) {
        self.tick();
        if let Err(error) = self.engine.command(words) {
            panic!("{words:?}: {}", String::from_utf8_lossy(error.as_bytes()));
        }
    }
}

/// Moves the engine's clock whenever something is due there.
async fn turn(engine: Ackline, time: Time) {
    let earlier = Arc::new(Notify::new());
    let tell = Arc::clone(&earlier);
    engine.watch_due(move || tell.notify_one());
    loop {
        let due = engine.next_due().map(|ms| {
            // What stays due must not keep time from going on.
            time.at(ms).max(Instant::now() + Duration::from_millis(1))
        });
        let rings = async {
            match due {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = rings => time.tick(),
            () = earlier.notified() => {}
        }
    }
}
