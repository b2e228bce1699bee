//! What is counted and measured, through the facade of the crate `metrics`.
//!
//! Handles are made once, when a subscription starts: a recorder has to be installed before that. Counters are added to once
//! a batch, where entries come in and where verdicts are confirmed; gauges are set once a second. What is left of it for each
//! message is the duration of its handler: see [`worker`](crate::worker).

use crate::subscription::{Census, Fate, Settled};
use crate::verbs::{GroupInfo, Place, Release};
use metrics::{Counter, Gauge, Histogram, Label, Unit};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const COUNTERS: [(&str, &str); 11] = [
    ("ackline_consumer_received_total", "Deliveries to this consumer"),
    ("ackline_consumer_redelivered_total", "Deliveries of entries that had been delivered before"),
    ("ackline_consumer_claimed_total", "Entries taken over because nobody had renewed their lease"),
    ("ackline_consumer_settled_total", "Deliveries that ended, by outcome, once the server has confirmed it"),
    ("ackline_consumer_failures_total", "Messages whose handler failed, by kind: error, panic, malformed"),
    ("ackline_consumer_read_errors_total", "Reads that failed"),
    ("ackline_consumer_reconnects_total", "Lost connections after which reading went on"),
    ("ackline_consumer_groups_recreated_total", "Groups that were gone and were made again"),
    ("ackline_consumer_leases_lost_total", "Entries that another consumer took while this one held them"),
    ("ackline_consumer_produced_total", "Entries added to a stream"),
    ("ackline_consumer_produce_errors_total", "Entries that could not be added to a stream"),
];

const GAUGES: [(&str, Unit, &str); 7] = [
    ("ackline_consumer_in_flight", Unit::Count, "Entries that this consumer works on"),
    ("ackline_consumer_held", Unit::Count, "Entries that this consumer has fetched and not begun"),
    ("ackline_consumer_delayed", Unit::Count, "Failed entries that wait at this consumer for their next try"),
    ("ackline_consumer_group_lag", Unit::Count, "Entries of the stream that the group was not given yet"),
    (
        "ackline_consumer_group_pending",
        Unit::Count,
        "Entries that the group was given and has not acknowledged",
    ),
    (
        "ackline_consumer_group_oldest_pending_age_seconds",
        Unit::Seconds,
        "Time since the group's oldest unacknowledged entry was added, by its ID",
    ),
    ("ackline_consumer_dead_letters", Unit::Count, "Entries in the dead-letter stream"),
];

const HISTOGRAMS: [(&str, &str); 2] = [
    ("ackline_consumer_handler_duration_seconds", "Time in the handler, of a message or a batch"),
    (
        "ackline_consumer_settle_duration_seconds",
        "From a verdict to the server's confirmation; of those that are sent together, the first",
    ),
];

/// Producers may write to streams without number, such as one for each request. What exceeds this is counted together.
const STREAMS_MAX: usize = 1000;

/// How a delivery can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Acked,
    /// To be delivered again.
    Nacked,
    /// Poison that was marked or discarded.
    Rejected,
    /// As if it had never been delivered.
    Released,
    DeadLettered,
    /// Nobody decided, or nobody could: its lease runs out.
    Abandoned,
}

const ENDINGS: [&str; 6] = ["acked", "nacked", "rejected", "released", "dead_lettered", "abandoned"];

impl Ending {
    fn of(fate: &Fate) -> Ending {
        match fate {
            Fate::Ack | Fate::AckAnd(_) => Ending::Acked,
            Fate::Release(Release::Silent, _) => Ending::Released,
            Fate::Release(Release::Fail, _) | Fate::Nack(_) => Ending::Nacked,
            Fate::Release(Release::Fatal, _) | Fate::Discard => Ending::Rejected,
            Fate::Dead(_) => Ending::DeadLettered,
        }
    }
}

/// Why a handler has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Error,
    Panic,
    Malformed,
}

const FAILURES: [&str; 3] = ["error", "panic", "malformed"];

impl Failure {
    pub(crate) fn name(self) -> &'static str {
        FAILURES[self as usize]
    }
}

/// What came in at once.
#[derive(Default)]
pub(crate) struct Arrivals {
    received: u64,
    redelivered: u64,
    claimed: u64,
}

/// An entry that was released says that it has idled since 1970. Nothing else has idled for 34 years.
const RELEASED_IDLE_MS: i64 = 1 << 40;

impl Arrivals {
    /// One entry. `before`: milliseconds idle, and how often it had been delivered.
    pub(crate) fn count(&mut self, before: Option<(i64, i64)>, lease: Duration) {
        let (idle, deliveries) = before.unwrap_or_default();
        self.received += 1;
        self.redelivered += u64::from(deliveries > 0);
        let lapsed = deliveries > 0 && (1..RELEASED_IDLE_MS).contains(&idle);
        self.claimed += u64::from(lapsed && u128::from(idle.unsigned_abs()) >= lease.as_millis());
    }
}

/// The metrics of one stream and group.
pub(crate) struct Meter {
    received: Counter,
    redelivered: Counter,
    pub(crate) claimed: Counter,
    settled: [Counter; 6],
    failures: [Counter; 3],
    handler_duration: Histogram,
    settle_duration: Histogram,
    pub(crate) read_errors: Counter,
    pub(crate) reconnects: Counter,
    pub(crate) groups_recreated: Counter,
    pub(crate) leases_lost: Counter,
    in_flight: Gauge,
    held: Gauge,
    delayed: Gauge,
    lag: Gauge,
    pending: Gauge,
    oldest_pending_age: Gauge,
    dead_letters: Gauge,
    produced: Arc<Produced>,
}

impl Meter {
    pub(crate) fn new(place: &Place, consumer: &str, produced: &Arc<Produced>) -> Meter {
        let labels = vec![label("stream", &place.stream), label("group", &place.group)];
        let with = |more: Label| [&labels[..], &[more]].concat();
        let counter = |name: &'static str| metrics::counter!(name, labels.clone());
        let gauge = |name: &'static str| metrics::gauge!(name, labels.clone());
        let own = with(label("consumer", consumer));
        let gauge_of_own = |name: &'static str| metrics::gauge!(name, own.clone());
        let histogram = |name: &'static str| metrics::histogram!(name, labels.clone());
        Meter {
            received: counter("ackline_consumer_received_total"),
            redelivered: counter("ackline_consumer_redelivered_total"),
            claimed: counter("ackline_consumer_claimed_total"),
            settled: ENDINGS.map(|outcome| {
                metrics::counter!("ackline_consumer_settled_total", with(label("outcome", outcome)))
            }),
            failures: FAILURES
                .map(|kind| metrics::counter!("ackline_consumer_failures_total", with(label("kind", kind)))),
            handler_duration: histogram("ackline_consumer_handler_duration_seconds"),
            settle_duration: histogram("ackline_consumer_settle_duration_seconds"),
            read_errors: counter("ackline_consumer_read_errors_total"),
            reconnects: counter("ackline_consumer_reconnects_total"),
            groups_recreated: counter("ackline_consumer_groups_recreated_total"),
            leases_lost: counter("ackline_consumer_leases_lost_total"),
            in_flight: gauge_of_own("ackline_consumer_in_flight"),
            held: gauge_of_own("ackline_consumer_held"),
            delayed: gauge_of_own("ackline_consumer_delayed"),
            lag: gauge("ackline_consumer_group_lag"),
            pending: gauge("ackline_consumer_group_pending"),
            oldest_pending_age: gauge("ackline_consumer_group_oldest_pending_age_seconds"),
            dead_letters: gauge("ackline_consumer_dead_letters"),
            produced: Arc::clone(produced),
        }
    }

    pub(crate) fn arrived(&self, arrivals: &Arrivals) {
        self.received.increment(arrivals.received);
        self.redelivered.increment(arrivals.redelivered);
        self.claimed.increment(arrivals.claimed);
    }

    /// The server has confirmed these.
    pub(crate) fn confirmed(&self, batch: &[Settled]) {
        let mut counts = [0; ENDINGS.len()];
        for settled in batch {
            counts[Ending::of(&settled.fate) as usize] += 1;
            if let Fate::AckAnd(adds) = &settled.fate {
                adds.iter()
                    .for_each(|add| self.produced.count(&String::from_utf8_lossy(add.routing_key()), 1, 0));
            }
        }
        for (counter, count) in self.settled.iter().zip(counts).filter(|(_, count)| *count > 0) {
            counter.increment(count);
        }
    }

    pub(crate) fn ended(&self, ending: Ending, count: usize) {
        self.settled[ending as usize].increment(count as u64);
    }

    /// Entries that this consumer gave back and got again.
    pub(crate) fn came_back(&self, count: usize) {
        let count = count as u64;
        self.arrived(&Arrivals { received: count, redelivered: count, claimed: 0 });
    }

    /// A failed entry that keeps its place in the order is delivered again without leaving this consumer.
    pub(crate) fn tried_again(&self) {
        self.ended(Ending::Nacked, 1);
        self.arrived(&Arrivals { received: 1, redelivered: 1, claimed: 0 });
    }

    pub(crate) fn failed(&self, failure: Failure) {
        self.failures[failure as usize].increment(1);
    }

    pub(crate) fn handled_in(&self, duration: Duration) {
        self.handler_duration.record(duration);
    }

    pub(crate) fn settled_in(&self, duration: Duration) {
        self.settle_duration.record(duration);
    }

    pub(crate) fn holds(&self, census: &Census) {
        self.in_flight.set(census.begun as f64);
        self.held.set(census.waiting as f64);
        self.delayed.set(census.delayed as f64);
    }

    /// What the server says about the group. A lag that it does not know is not a number.
    pub(crate) fn group_is(&self, group: &GroupInfo, oldest: Duration) {
        self.lag.set(group.lag.map_or(f64::NAN, |lag| lag as f64));
        self.pending.set(group.pending as f64);
        self.oldest_pending_age.set(oldest);
    }

    pub(crate) fn dead_letters_are(&self, count: i64) {
        self.dead_letters.set(count as f64);
    }
}

/// Entries that were added, by stream.
#[derive(Default)]
pub(crate) struct Produced(RwLock<HashMap<Box<str>, (Counter, Counter)>>);

impl Produced {
    /// Adds to the counts of a stream. Its handles are made when it is first written to.
    pub(crate) fn count(&self, stream: &str, added: u64, failed: u64) {
        if let Some(counters) = self.0.read().get(stream) {
            return add(counters, added, failed);
        }
        let mut all = self.0.write();
        let stream = if all.len() < STREAMS_MAX { stream } else { "(others)" };
        add(all.entry(stream.into()).or_insert_with(|| produced_of(stream)), added, failed);
    }
}

fn add((total, errors): &(Counter, Counter), added: u64, failed: u64) {
    total.increment(added);
    errors.increment(failed);
}

fn produced_of(stream: &str) -> (Counter, Counter) {
    describe();
    let counter = |name: &'static str| metrics::counter!(name, vec![label("stream", stream)]);
    (counter("ackline_consumer_produced_total"), counter("ackline_consumer_produce_errors_total"))
}

fn label(name: &'static str, value: &str) -> Label {
    Label::new(name, value.to_owned())
}

/// Tells the recorder what the names mean.
pub(crate) fn describe() {
    for (name, text) in COUNTERS {
        metrics::describe_counter!(name, Unit::Count, text);
    }
    for (name, unit, text) in GAUGES {
        metrics::describe_gauge!(name, unit, text);
    }
    for (name, text) in HISTOGRAMS {
        metrics::describe_histogram!(name, Unit::Seconds, text);
    }
}
