//! Whether consumers are well.

use crate::error::Error;
use crate::subscription::Shared;
use parking_lot::Mutex;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How a consumer is doing, or several together. Costs no call to the server; asking often is fine.
///
/// For a probe over HTTP, answer with what this says; any server will do:
///
/// ```
/// use ackline_consumer::{Health, HealthState, Probe};
///
/// /// Shall this process get traffic, or a deployment go on?
/// fn ready(probe: &Probe) -> (u16, String) {
///     let health = probe.health();
///     (if health.is_healthy() { 200 } else { 503 }, health.to_string())
/// }
///
/// /// Is a restart of this process of any use? It is not while only the server is away.
/// fn alive(probe: &Probe) -> (u16, String) {
///     let health = probe.health();
///     let stuck = health.oldest_in_flight.as_secs() > 600;
///     (if stuck || health.state == HealthState::Stopped { 503 } else { 200 }, health.to_string())
/// }
/// ```
///
/// With axum that is `.route("/ready", get(async move || ready(&probe)))`, the status as a `StatusCode`. Whether the server
/// answers this very moment, [`Client::ping`](crate::Client::ping) tells.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// What it does; of several consumers, what the one does that is worst off.
    pub state: HealthState,
    /// When the server last answered a read, be it that there is nothing. Of several streams, the one for which that is
    /// longest ago. A consumer that holds as much as it may does not read.
    pub last_read_at: Option<Instant>,
    /// How many entries it has fetched and not begun.
    pub held: usize,
    /// How many it works on.
    pub in_flight: usize,
    /// How many have failed and wait here for their next try.
    pub delayed: usize,
    /// How long it has worked on the one that it began first, give or take a second; nothing if there is none.
    pub oldest_in_flight: Duration,
    /// How many of what it works on another consumer has by now, because this one was silent for too long.
    pub lost: usize,
}

/// What a consumer does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HealthState {
    /// It has its group; the server has not answered the first read yet.
    Starting,
    /// It reads.
    Reading,
    /// Reads fail, and are tried again.
    Retrying {
        /// Which stream cannot be read.
        stream: String,
        /// Since when.
        since: Instant,
        /// The last failure.
        error: Error,
    },
    /// It reads no more, and ends what it has begun.
    Draining,
    /// It has ended.
    Stopped,
}

impl HealthState {
    fn name(&self) -> &'static str {
        match self {
            HealthState::Starting => "starting",
            HealthState::Reading => "reading",
            HealthState::Retrying { .. } => "retrying",
            HealthState::Draining => "draining",
            HealthState::Stopped => "stopped",
        }
    }

    /// How much it tells about several of which one is like this. That one has ended matters only if all have: what they do
    /// together is then to drain.
    fn weight(&self) -> u8 {
        match self {
            HealthState::Stopped => 0,
            HealthState::Reading => 1,
            HealthState::Draining => 2,
            HealthState::Starting => 3,
            HealthState::Retrying { .. } => 4,
        }
    }
}

/// Equal if they are the same state, whatever the failure.
impl PartialEq for HealthState {
    fn eq(&self, other: &HealthState) -> bool {
        self.name() == other.name()
    }
}

impl Eq for HealthState {}

impl fmt::Display for HealthState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HealthState::Retrying { stream, since, error } => {
                write!(f, "retrying {stream} for {} s: {error}", since.elapsed().as_secs())
            }
            other => f.write_str(other.name()),
        }
    }
}

impl Health {
    /// Whether it gets what is in its streams, or is about to: false while reads fail and after the end. Ending gracefully is
    /// healthy.
    pub fn is_healthy(&self) -> bool {
        !matches!(self.state, HealthState::Retrying { .. } | HealthState::Stopped)
    }

    fn of_none(state: HealthState) -> Health {
        Health {
            state,
            last_read_at: None,
            held: 0,
            in_flight: 0,
            delayed: 0,
            oldest_in_flight: Duration::ZERO,
            lost: 0,
        }
    }

    fn and(self, other: Health) -> Health {
        let (mut ended, mut rest) = (self, other);
        if ended.state.weight() > rest.state.weight() {
            std::mem::swap(&mut ended, &mut rest);
        }
        let one_of_several = ended.state == HealthState::Stopped && rest.state == HealthState::Reading;
        Health {
            state: if one_of_several { HealthState::Draining } else { rest.state },
            last_read_at: ended.last_read_at.min(rest.last_read_at),
            held: ended.held + rest.held,
            in_flight: ended.in_flight + rest.in_flight,
            delayed: ended.delayed + rest.delayed,
            oldest_in_flight: ended.oldest_in_flight.max(rest.oldest_in_flight),
            lost: ended.lost + rest.lost,
        }
    }
}

/// A line for whoever looks at it.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Health { state, held, in_flight, delayed, oldest_in_flight, lost, .. } = self;
        write!(f, "{state}; {in_flight} in flight, the oldest for {} s; ", oldest_in_flight.as_secs())?;
        write!(f, "{held} held, {delayed} delayed, {lost} lost")
    }
}

/// Asks consumers for their [`Health`], from anywhere: cheap to clone, and in nobody's way. From
/// [`Running::probe`](crate::Running::probe) or [`App::probe`](crate::App::probe).
#[derive(Clone, Default)]
pub struct Probe(Arc<Mutex<Vec<Weak<Shared>>>>);

impl Probe {
    pub(crate) fn add(&self, consumer: &Arc<Shared>) {
        self.0.lock().push(Arc::downgrade(consumer));
    }

    /// How they are doing, taken together: the worst state, the sums, the oldest. Before any has started that is
    /// [`Starting`](HealthState::Starting).
    pub fn health(&self) -> Health {
        let consumers = self.0.lock();
        let gone = || Health::of_none(HealthState::Stopped);
        let each = consumers.iter().map(|one| one.upgrade().map_or_else(gone, |shared| shared.health()));
        each.reduce(Health::and).unwrap_or_else(|| Health::of_none(HealthState::Starting))
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.health().to_string()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_state(state: HealthState) -> Health {
        Health { held: 1, ..Health::of_none(state) }
    }

    #[test]
    fn together_they_are_as_the_worst() {
        use HealthState::{Draining, Reading, Starting, Stopped};
        let retrying = || HealthState::Retrying {
            stream: "orders".to_owned(),
            since: Instant::now(),
            error: Error::Closed,
        };
        for (one, other, both) in [
            (Reading, Reading, Reading),
            (Reading, Starting, Starting),
            (Starting, retrying(), retrying()),
            (Draining, Stopped, Draining),
            (Stopped, Reading, Draining),
            (Stopped, Stopped, Stopped),
        ] {
            let merged = in_state(one.clone()).and(in_state(other.clone()));
            assert_eq!((merged.state, merged.held), (both.clone(), 2), "{one}, {other}");
            assert_eq!(in_state(other).and(in_state(one)).state, both);
        }
    }
}
