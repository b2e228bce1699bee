//! What is under way, counted for ruststream's test harness, which has to know when a reaction has come to its end.
//!
//! ```text
//! publish, release ──► owed, by stream and group ──► arrived: a delivery has its count ──► settled
//! ```
//!
//! The engine is the real one, and what it delivers comes by itself: here is only counted what has to come, and what came.

use crate::error::Result;
use crate::world::World;
use ackline_consumer::{Add, EntryId};
use parking_lot::Mutex;
use ruststream::testing::Coordinator;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// A stream and a group.
type Place = (String, String);

#[derive(Clone)]
pub(crate) struct Ledger(Arc<Inner>);

struct Inner {
    world: World,
    coordinator: OnceLock<Coordinator>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    /// By open subscription: deliveries that have to come. They are counted in flight.
    owed: HashMap<Place, usize>,
    /// Entries that come again when their time is there, and are not counted until then.
    later: HashSet<(Place, EntryId)>,
    /// What was added, to know entries that were added once and sent twice.
    added: HashMap<String, HashSet<EntryId>>,
}

/// What was counted in advance, to be taken back should it not come.
pub(crate) enum Expected {
    Entries(Vec<(String, Vec<Place>)>),
    Places(Vec<Place>),
    Later((Place, EntryId)),
}

impl Ledger {
    pub(crate) fn new(world: World) -> Ledger {
        Ledger(Arc::new(Inner { world, coordinator: OnceLock::new(), counts: Mutex::default() }))
    }

    pub(crate) fn world(&self) -> &World {
        &self.0.world
    }

    pub(crate) fn install(&self, coordinator: Coordinator) {
        // A second harness on the same broker would count what is the first one's.
        let _ = self.0.coordinator.set(coordinator);
    }

    pub(crate) fn opened(&self, stream: &str, group: &str) {
        self.0.counts.lock().owed.insert(place(stream, group), 0);
    }

    /// Nobody takes deliveries any more: what was owed is owed to nobody.
    pub(crate) fn left(&self, stream: &str, group: &str) {
        let owed = self.0.counts.lock().owed.remove(&place(stream, group)).unwrap_or_default();
        (0..owed).for_each(|_| self.consumed());
    }

    /// Entries that are about to be added: each comes once to every group that reads its stream.
    pub(crate) fn expect_entries<'a>(&self, adds: impl IntoIterator<Item = &'a Add>) -> Expected {
        let mut counts = self.0.counts.lock();
        let of = |add: &Add| (add.stream().to_owned(), self.owe(&mut counts, add.stream()));
        Expected::Entries(adds.into_iter().map(of).collect())
    }

    /// They were added, or not.
    pub(crate) fn added<E>(&self, expected: Expected, ids: Result<&[EntryId], E>) {
        let Expected::Entries(entries) = expected else { return };
        let ids = ids.unwrap_or_default();
        for (at, (stream, places)) in entries.into_iter().enumerate() {
            let new = ids
                .get(at)
                .is_some_and(|id| self.0.counts.lock().added.entry(stream).or_default().insert(*id));
            if !new {
                self.take_back(&places);
            }
        }
    }

    /// An entry that is released comes again at once.
    pub(crate) fn expect_again(&self, stream: &str, group: &str) -> Expected {
        let mut counts = self.0.counts.lock();
        let places = counts.owed.get_mut(&place(stream, group)).map(|owed| {
            *owed += 1;
            self.enqueued();
            place(stream, group)
        });
        Expected::Places(places.into_iter().collect())
    }

    /// An entry that is delayed comes again after a wait.
    pub(crate) fn expect_later(&self, stream: &str, group: &str, id: EntryId, wait: Duration) -> Expected {
        let later = (place(stream, group), id);
        if let Some(coordinator) = self.0.coordinator.get() {
            self.0.counts.lock().later.insert(later.clone());
            let (ledger, due) = (self.clone(), later.clone());
            coordinator.schedule_redelivery(wait, move || ledger.due(&due));
        }
        Expected::Later(later)
    }

    fn due(&self, later: &(Place, EntryId)) {
        // It may be there already: what waits below has the same clock.
        if self.0.counts.lock().later.remove(later) {
            self.expect_again(&later.0.0, &later.0.1);
        }
    }

    /// Poison comes to those who read the dead letters.
    pub(crate) fn expect_dead(&self, stream: Option<String>) -> Expected {
        let mut counts = self.0.counts.lock();
        Expected::Places(stream.map(|stream| self.owe(&mut counts, &stream)).unwrap_or_default())
    }

    pub(crate) fn refused(&self, expected: Expected, refused: bool) {
        match expected {
            Expected::Places(places) if refused => self.take_back(&places),
            Expected::Later(later) if refused => drop(self.0.counts.lock().later.remove(&later)),
            _ => {}
        }
    }

    /// A delivery is there.
    pub(crate) fn arrived(&self, stream: &str, group: &str, id: EntryId) {
        let place = place(stream, group);
        let mut counts = self.0.counts.lock();
        counts.later.remove(&(place.clone(), id));
        match counts.owed.get_mut(&place).filter(|owed| **owed > 0) {
            Some(owed) => *owed -= 1,
            None => self.enqueued(),
        }
    }

    /// A delivery is over.
    pub(crate) fn settled(&self) {
        self.consumed();
    }

    fn owe(&self, counts: &mut Counts, stream: &str) -> Vec<Place> {
        let of_stream = counts.owed.iter_mut().filter(|((of, _), _)| of == stream);
        let one_more = |(place, owed): (&Place, &mut usize)| {
            *owed += 1;
            self.enqueued();
            place.clone()
        };
        of_stream.map(one_more).collect()
    }

    fn take_back(&self, places: &[Place]) {
        let mut counts = self.0.counts.lock();
        for place in places {
            if let Some(owed) = counts.owed.get_mut(place).filter(|owed| **owed > 0) {
                *owed -= 1;
                self.consumed();
            }
        }
    }

    fn enqueued(&self) {
        if let Some(coordinator) = self.0.coordinator.get() {
            coordinator.enqueued();
        }
    }

    fn consumed(&self) {
        if let Some(coordinator) = self.0.coordinator.get() {
            coordinator.consumed();
        }
    }
}

fn place(stream: &str, group: &str) -> Place {
    (stream.to_owned(), group.to_owned())
}
