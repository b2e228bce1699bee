//! How a consumer is doing: what health checks ask for.

use super::{Held, Shared};
use crate::error::Error;
use crate::health::{Health, HealthState};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

/// What is noted for health checks.
pub(super) struct Vitals {
    started_at: Instant,
    /// Milliseconds since the start, when somebody last looked at the clock: a second old at most. To look at it for each
    /// entry that is begun would cost more than all the rest of beginning it.
    clock: AtomicU64,
    streams: Mutex<Vec<Reads>>,
    ended: AtomicBool,
}

#[derive(Default)]
struct Reads {
    last: Option<Instant>,
    trouble: Option<Trouble>,
}

/// Reads fail.
struct Trouble {
    since: Instant,
    error: Error,
}

impl Vitals {
    pub(super) fn new(streams: usize) -> Vitals {
        Vitals {
            started_at: Instant::now(),
            clock: AtomicU64::new(0),
            streams: Mutex::new((0..streams).map(|_| Reads::default()).collect()),
            ended: AtomicBool::new(false),
        }
    }

    /// The time of the last look at the clock.
    pub(super) fn clock(&self) -> u64 {
        self.clock.load(Relaxed)
    }

    /// Looks at the clock.
    pub(super) fn tick(&self) -> Instant {
        let now = Instant::now();
        let passed = now.duration_since(self.started_at).as_millis();
        self.clock.store(u64::try_from(passed).unwrap_or(u64::MAX), Relaxed);
        now
    }

    /// Nothing will happen any more.
    pub(super) fn end(&self) {
        self.ended.store(true, Relaxed);
    }

    fn trouble(&self) -> Option<(usize, Instant, Error)> {
        let streams = self.streams.lock();
        let troubles = (0..).zip(&*streams).filter_map(|(stream, reads)| {
            let trouble = reads.trouble.as_ref()?;
            Some((stream, trouble.since, trouble.error.clone()))
        });
        troubles.min_by_key(|(_, since, _)| *since)
    }

    /// When the stream that was read longest ago was read; `None` if one never was.
    fn last_read_at(&self) -> Option<Instant> {
        self.streams.lock().iter().map(|reads| reads.last).min().flatten()
    }
}

impl Shared {
    /// A stream was read.
    pub(super) fn note_read(&self, stream: u16) {
        let now = self.vitals.tick();
        let reads = &mut self.vitals.streams.lock()[usize::from(stream)];
        reads.last = Some(now);
        if let Some(trouble) = reads.trouble.take() {
            let place = self.place_of(stream);
            info!(stream = place.stream, group = place.group, after = ?now - trouble.since, "reading again");
            if matches!(trouble.error, Error::Connection { .. }) {
                self.meters[usize::from(stream)].reconnects.increment(1);
            }
        }
    }

    /// A stream could not be read.
    pub(super) fn note_failure(&self, stream: u16, error: &Error) {
        let now = self.vitals.tick();
        self.meters[usize::from(stream)].read_errors.increment(1);
        let trouble = &mut self.vitals.streams.lock()[usize::from(stream)].trouble;
        let since = trouble.as_ref().map_or(now, |trouble| trouble.since);
        *trouble = Some(Trouble { since, error: error.clone() });
    }

    pub(crate) fn health(&self) -> Health {
        self.vitals.tick();
        let clock = self.vitals.clock();
        let count = |held: &Held| held.census(self.places.len());
        let all = count(&self.held.lock());
        let begun_at = all.iter().filter_map(|of_stream| of_stream.first_begun).min();
        Health {
            state: self.health_state(),
            last_read_at: self.vitals.last_read_at().map(Instant::into_std),
            held: all.iter().map(|of_stream| of_stream.waiting).sum(),
            in_flight: all.iter().map(|of_stream| of_stream.begun).sum(),
            delayed: all.iter().map(|of_stream| of_stream.delayed).sum(),
            lost: all.iter().map(|of_stream| of_stream.lost).sum(),
            oldest_in_flight: Duration::from_millis(begun_at.map_or(0, |at| clock.saturating_sub(at))),
        }
    }

    fn health_state(&self) -> HealthState {
        if self.vitals.ended.load(Relaxed) {
            return HealthState::Stopped;
        }
        if self.stop.is_cancelled() {
            return HealthState::Draining;
        }
        if let Some((stream, since, error)) = self.vitals.trouble() {
            let stream = self.places[stream].stream.clone();
            return HealthState::Retrying { stream, since: since.into_std(), error };
        }
        match self.vitals.last_read_at() {
            Some(_) => HealthState::Reading,
            None => HealthState::Starting,
        }
    }
}
