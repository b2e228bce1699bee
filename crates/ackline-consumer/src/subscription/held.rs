//! What a consumer holds: delivered to it and not settled. No I/O, no clock of its own.
//!
//! ```text
//!            hold                 begin                settle            confirm
//!  server ─────────► ready ─────────────────► begun ───────────► settling ───────► gone
//!               │      ▲                        │
//!               │      │ the one before it      │ fails, to be tried later
//!               ▼      │ is settled             ▼
//!             lane ────┘                     delayed ───────────► returning
//!         (same key, in order)                  └──── ordered: ready once more
//! ```

use crate::fields::Fields;
use crate::id::EntryId;
use bytes::Bytes;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

type HashMap<K, V> = hashbrown::HashMap<K, V, foldhash::fast::RandomState>;

/// No answer is older than this when it comes.
const LATEST: Duration = Duration::from_secs(15);

/// An entry, delivered.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) at: At,
    pub(crate) fields: Fields,
    /// Which delivery this is, from 1.
    pub(crate) deliveries: i64,
    /// The value that it is ordered by.
    pub(crate) lane: Option<Bytes>,
}

/// Which entry: a stream of the consumer's by its number, and an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct At {
    pub(crate) stream: u16,
    pub(crate) id: EntryId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Begun,
    Delayed,
    /// It will be gone: acknowledged, or dead.
    Settling,
    /// It is given back, and somebody may get it before this consumer hears that it could be given back. This one, too.
    Returning,
}

#[derive(Debug)]
struct Holding {
    state: State,
    renewed_at: Instant,
    deliveries: i64,
    lost: bool,
    /// Delivered to this consumer once more while it was given back.
    back: Option<Box<Entry>>,
}

/// What this consumer is through with.
#[derive(Debug)]
struct Gone {
    /// Not given back.
    settled: bool,
    until: Instant,
}

impl Holding {
    fn new(state: State, deliveries: i64, now: Instant) -> Holding {
        Holding { state, renewed_at: now, deliveries, lost: false, back: None }
    }
}

/// What a consumer holds.
#[derive(Default)]
pub(crate) struct Held {
    all: HashMap<At, Holding>,
    ready: VecDeque<Entry>,
    /// A lane is there while one of its entries is ready, begun or delayed; behind it wait the others, by ID.
    lanes: HashMap<(u16, Bytes), VecDeque<Entry>>,
    delayed: BTreeMap<(Instant, At), Entry>,
    waiting: usize,
    begun: usize,
    /// Nothing is begun any more.
    closed: bool,
    /// Confirmed a moment ago, although an answer may be on its way that was given before and brings it once more. Until when
    /// that may be.
    gone: HashMap<At, Gone>,
    /// How many of those who ask for what is pending have no answer yet.
    asking: usize,
}

impl Held {
    /// Takes an entry in. False if it was settled meanwhile, or is held already: then it is only known to have been renewed.
    pub(crate) fn hold(&mut self, entry: Entry, now: Instant) -> bool {
        if !self.gone.is_empty() && self.gone.get(&entry.at).is_some_and(|gone| gone.settled) {
            return false;
        }
        match self.all.entry(entry.at) {
            hashbrown::hash_map::Entry::Occupied(mut held) => {
                let held = held.get_mut();
                (held.renewed_at, held.deliveries, held.lost) = (now, entry.deliveries, false);
                if held.state == State::Returning {
                    held.back = Some(Box::new(entry));
                }
                return false;
            }
            hashbrown::hash_map::Entry::Vacant(place) => {
                place.insert(Holding::new(State::Waiting, entry.deliveries, now))
            }
        };
        self.waiting += 1;
        self.line_up(entry);
        true
    }

    fn line_up(&mut self, entry: Entry) {
        let Some(lane) = &entry.lane else { return self.ready.push_back(entry) };
        match self.lanes.entry((entry.at.stream, lane.clone())) {
            hashbrown::hash_map::Entry::Vacant(place) => {
                place.insert(VecDeque::new());
                self.ready.push_back(entry);
            }
            hashbrown::hash_map::Entry::Occupied(mut behind) => {
                let behind = behind.get_mut();
                let place = behind.partition_point(|other| other.at.id < entry.at.id);
                behind.insert(place, entry);
            }
        }
    }

    /// From here on nothing is begun.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// The next entry to work on.
    pub(crate) fn begin(&mut self) -> Option<Entry> {
        if self.closed {
            return None;
        }
        loop {
            let entry = self.ready.pop_front()?;
            let held = self.all.get_mut(&entry.at).expect("what is ready is held");
            if !held.lost {
                held.state = State::Begun;
                self.waiting -= 1;
                self.begun += 1;
                return Some(entry);
            }
            self.abandon(entry.at, entry.lane.as_ref());
        }
    }

    /// Whether there is another to begin.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes an entry in that nobody shall work on. False if it is held already.
    pub(crate) fn hold_settled(&mut self, at: At, now: Instant) -> bool {
        self.all.try_insert(at, Holding::new(State::Settling, 0, now)).is_ok()
    }

    /// Takes an entry in that is given back at once. False if it is held already, or was settled or given back meanwhile.
    pub(crate) fn hold_returning(&mut self, at: At, now: Instant) -> bool {
        !self.gone.contains_key(&at)
            && self.all.try_insert(at, Holding::new(State::Returning, 0, now)).is_ok()
    }

    /// Work on an entry is over. It is held until that is confirmed, so that reading it once more does not begin it again.
    pub(crate) fn settle(&mut self, at: At, lane: Option<&Bytes>) {
        self.leave(at, State::Settling);
        self.next_of(at, lane);
    }

    /// Work on an entry is over, and somebody shall get it again. Held until that is confirmed.
    pub(crate) fn give_back(&mut self, at: At, lane: Option<&Bytes>) {
        self.leave(at, State::Returning);
        self.next_of(at, lane);
    }

    /// Work on an entry is over for now; it shall be tried again at `until`. What is ordered waits for it.
    pub(crate) fn delay(&mut self, entry: Entry, until: Instant) {
        self.leave(entry.at, State::Delayed);
        self.delayed.insert((until, entry.at), entry);
    }

    /// The server knows what became of it. Whether it is here again by now, to be worked on.
    ///
    /// What has gone this long without being renewed may have been delivered once more.
    pub(crate) fn confirm(&mut self, at: At, now: Instant, long: Duration) -> bool {
        let Some(held) = self.all.remove(&at) else { return false };
        if self.asking > 0 || now.duration_since(held.renewed_at) >= long {
            let settled = held.state == State::Settling;
            self.gone.insert(at, Gone { settled, until: now + LATEST });
        }
        held.back.is_some_and(|entry| self.hold(*entry, now))
    }

    /// Somebody asks the server for what is pending, until [`Held::asked`]. The answer may be older than what is settled
    /// meanwhile.
    pub(crate) fn ask(&mut self) {
        self.asking += 1;
    }

    pub(crate) fn asked(&mut self) {
        self.asking -= 1;
    }

    /// Forgets what can come back no more.
    pub(crate) fn tidy(&mut self, now: Instant) {
        self.gone.retain(|_, gone| gone.until > now);
    }

    /// The group is another one: what comes now is new.
    pub(crate) fn start_over(&mut self) {
        self.gone.clear();
    }

    /// It is nobody's business any more.
    pub(crate) fn forget(&mut self, at: At) {
        self.all.remove(&at);
    }

    /// Nobody works on it any more and nobody said what shall become of it: its lease runs out. Unless its time was over, and
    /// it is on its way back.
    pub(crate) fn abandon(&mut self, at: At, lane: Option<&Bytes>) {
        if self.all.get(&at).is_some_and(|held| held.state == State::Returning) {
            return;
        }
        self.settle(at, lane);
        self.forget(at);
    }

    fn leave(&mut self, at: At, next: State) {
        let Some(held) = self.all.get_mut(&at) else { return };
        match std::mem::replace(&mut held.state, next) {
            State::Begun => self.begun -= 1,
            State::Waiting => self.waiting -= 1,
            State::Delayed | State::Settling | State::Returning => {}
        }
    }

    fn next_of(&mut self, at: At, lane: Option<&Bytes>) {
        let Some(lane) = lane else { return };
        let key = (at.stream, lane.clone());
        match self.lanes.get_mut(&key).map(VecDeque::pop_front) {
            Some(Some(next)) => self.ready.push_back(next),
            Some(None) => drop(self.lanes.remove(&key)),
            None => {}
        }
    }

    /// A delayed entry whose time has come.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Entry> {
        let first = self.delayed.first_entry().filter(|first| first.key().0 <= now)?;
        Some(first.remove())
    }

    /// When the next delayed entry is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.delayed.first_key_value().map(|((until, _), _)| *until)
    }

    /// A delayed entry is tried again here: one delivery more.
    pub(crate) fn again(&mut self, entry: Entry) {
        if let Some(held) = self.all.get_mut(&entry.at) {
            (held.state, held.deliveries) = (State::Waiting, entry.deliveries);
            self.waiting += 1;
            self.ready.push_front(entry);
        }
    }

    /// Everything that nobody works on, not begun, and delayed: given back from here on.
    pub(crate) fn take_idle(&mut self) -> (Vec<Entry>, Vec<Entry>) {
        let mut waiting: Vec<Entry> = self.ready.drain(..).collect();
        waiting.extend(self.lanes.values_mut().flat_map(|behind| behind.drain(..)));
        let mut delayed: Vec<Entry> = std::mem::take(&mut self.delayed).into_values().collect();
        for idle in [&mut waiting, &mut delayed] {
            idle.retain(|entry| !self.is_lost(entry.at));
            for entry in idle.iter() {
                self.leave(entry.at, State::Returning);
            }
        }
        self.forget_lost();
        (waiting, delayed)
    }

    /// What another consumer has by now and nobody here works on.
    fn forget_lost(&mut self) {
        let waiting = self.all.extract_if(|_, held| held.lost && held.state == State::Waiting).count();
        self.waiting -= waiting;
        self.all.retain(|_, held| !(held.lost && held.state == State::Delayed));
    }

    /// Everything that is worked on, with the number of the delivery: given back from here on.
    pub(crate) fn take_begun(&mut self) -> Vec<(At, i64)> {
        self.begun = 0;
        // What another consumer has is not given back, and nobody here cares for it any more.
        self.all.retain(|_, held| !(held.lost && held.state == State::Begun));
        let mut all = Vec::new();
        for (&at, held) in &mut self.all {
            if held.state == State::Begun {
                held.state = State::Returning;
                all.push((at, held.deliveries));
            }
        }
        all
    }

    /// What was last renewed at `before` or earlier and is still this consumer's to settle.
    pub(crate) fn stale(&self, before: Instant) -> Vec<At> {
        let old = |held: &Holding| {
            let leaves = matches!(held.state, State::Settling | State::Returning);
            held.renewed_at <= before && !held.lost && !leaves
        };
        let mut all: Vec<At> = self.all.iter().filter(|(_, held)| old(held)).map(|(&at, _)| at).collect();
        all.sort_unstable();
        all
    }

    /// The lease of an entry has begun anew.
    pub(crate) fn renewed(&mut self, at: At, now: Instant) {
        if let Some(held) = self.all.get_mut(&at) {
            held.renewed_at = held.renewed_at.max(now);
        }
    }

    /// Another consumer has it now.
    pub(crate) fn lose(&mut self, at: At) {
        if let Some(held) = self.all.get_mut(&at) {
            held.lost = true;
        }
    }

    pub(crate) fn is_lost(&self, at: At) -> bool {
        self.all.get(&at).is_none_or(|held| held.lost)
    }

    /// What is held of a stream and still has to be pending on the server, with the number of the delivery.
    pub(crate) fn unsettled(&self, stream: u16) -> Vec<(EntryId, i64)> {
        let ours =
            |(at, held): &(&At, &Holding)| at.stream == stream && !held.lost && held.state != State::Settling;
        let mut all: Vec<_> =
            self.all.iter().filter(ours).map(|(at, held)| (at.id, held.deliveries.max(1))).collect();
        all.sort_unstable();
        all
    }

    /// What is held of a stream.
    pub(crate) fn of_stream(&self, stream: u16) -> HashSet<EntryId> {
        self.all.keys().filter(|at| at.stream == stream).map(|at| at.id).collect()
    }

    /// How many are fetched or worked on.
    pub(crate) fn busy(&self) -> usize {
        self.waiting + self.begun
    }

    /// How many are worked on.
    pub(crate) fn begun(&self) -> usize {
        self.begun
    }

    /// Which delivery of an entry this is.
    pub(crate) fn deliveries(&self, at: At) -> Option<i64> {
        self.all.get(&at).map(|held| held.deliveries)
    }

    pub(crate) fn delayed(&self) -> usize {
        self.delayed.len()
    }

    /// How many are held in all.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}

#[cfg(test)]
mod tests;
