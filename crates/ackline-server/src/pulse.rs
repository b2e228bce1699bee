//! Whether the I/O threads turn, for a service manager's watchdog.

use crate::shared::Shared;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// What was last seen of each I/O thread: how often it had turned, and since when it has been so often.
#[derive(Debug)]
pub(crate) struct Pulse(Vec<(u64, Instant)>);

impl Pulse {
    pub(crate) fn new(shared: &Shared, now: Instant) -> Pulse {
        Pulse(shared.turns.iter().map(|turns| (turns.load(Relaxed), now)).collect())
    }

    /// The first thread that has not turned for longer than this.
    pub(crate) fn stuck(&mut self, shared: &Shared, now: Instant, patience: Duration) -> Option<usize> {
        for ((seen, since), turns) in self.0.iter_mut().zip(shared.turns.iter()) {
            let turns = turns.load(Relaxed);
            if turns != *seen {
                (*seen, *since) = (turns, now);
            }
        }
        self.0.iter().position(|(_, since)| now.duration_since(*since) > patience)
    }
}
