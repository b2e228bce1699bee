//! The gate for those who must not block: wakers by the position that they wait for.
//!
//! ```text
//! poll    not reached ──► lock: waker noted ──► reached meanwhile?  ──► then it is taken out again
//! log     advances    ──► lock: wakers up to there taken out ──► unlock ──► wake
//! ```
//!
//! Whoever notes a waker looks once more afterwards, under the lock. So either the log finds the waker, or its owner finds
//! that the log has advanced.

use crate::sync::Mutex;
use ackline_log::{Durable, Lsn};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Who waits for the log.
pub(crate) struct Gate(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    wakers: BTreeMap<Place, Waker>,
    next: u64,
}

/// The place of one who waits: the position, and a number of its own.
pub(crate) type Place = (Lsn, u64);

impl Gate {
    /// The gate of a log.
    pub(crate) fn of(durable: &Durable) -> Gate {
        let waiting = Arc::<Mutex<Waiting>>::default();
        let gate = Arc::clone(&waiting);
        durable.watch(Box::new(move |durable| wake(&gate, durable)));
        Gate(waiting)
    }

    /// Whether what `lsn` stands for is safe; false once it never will be. Until then the waker is noted in `place`.
    pub(crate) fn poll(
        &self,
        durable: &Durable,
        lsn: Lsn,
        place: &mut Option<Place>,
        cx: &Context<'_>,
    ) -> Poll<bool> {
        if let Some(reached) = durable.reached(lsn) {
            self.leave(place);
            return Poll::Ready(reached);
        }
        let mut waiting = self.0.lock();
        let key = *place.get_or_insert_with(|| {
            waiting.next += 1;
            (lsn, waiting.next)
        });
        let before = waiting.wakers.insert(key, cx.waker().clone());
        let reached = durable.reached(lsn);
        let noted = reached.and_then(|_| waiting.wakers.remove(&key));
        drop(waiting);
        // A waker may run anything when it is dropped: not under the lock.
        drop((before, noted));
        match reached {
            Some(reached) => {
                *place = None;
                Poll::Ready(reached)
            }
            None => Poll::Pending,
        }
    }

    /// Whoever waited at this place does not any more.
    pub(crate) fn leave(&self, place: &mut Option<Place>) {
        if let Some(key) = place.take() {
            let waker = self.0.lock().wakers.remove(&key);
            drop(waker);
        }
    }
}

fn wake(gate: &Mutex<Waiting>, durable: &Durable) {
    let mut waiting = gate.lock();
    if waiting.wakers.is_empty() {
        return;
    }
    let beyond = match durable.reached(Lsn::MAX) {
        // Over: nobody waits any longer.
        Some(_) => BTreeMap::new(),
        None => waiting.wakers.split_off(&(durable.lsn() + 1, 0)),
    };
    let due = std::mem::replace(&mut waiting.wakers, beyond);
    drop(waiting);
    let before = WAKES.replace(true);
    due.into_values().for_each(Waker::wake);
    WAKES.set(before);
}

thread_local! {
    static WAKES: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is waking those who wait at a gate. It is then the log's, or one that writes for it: a log cannot
/// be closed from there.
pub(crate) fn wakes() -> bool {
    WAKES.get()
}
