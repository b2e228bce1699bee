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

#[cfg(all(test, feature = "model"))]
mod tests {
    use super::*;
    use crate::block_on::block_on;
    use crate::sync::thread;
    use ackline_log::faulty::FaultyDisk;
    use ackline_log::sync::{Timeouts, explore};
    use ackline_log::{Directory, LocalLog, LocalOptions, Log, MemoryLog};
    use std::future::poll_fn;
    use std::pin::pin;

    fn reached(gate: &Gate, log: &dyn Log, lsn: Lsn) -> bool {
        let mut place = None;
        let passes = block_on(pin!(poll_fn(|cx| gate.poll(log.durable(), lsn, &mut place, cx))));
        assert!(place.is_none());
        passes
    }

    /// Whatever the log is doing when somebody comes to wait, he is woken; nothing here would repair a lost wake-up.
    #[test]
    fn a_log_that_advances_while_somebody_goes_to_wait_wakes_him() {
        explore(1000, Timeouts::Never, || {
            let log = Arc::new(MemoryLog::new());
            let gate = Gate::of(log.durable());
            let writer = Arc::clone(&log);
            thread::spawn(move || writer.append(b"batch"));
            assert!(reached(&gate, &*log, 1));
        });
    }

    /// Several wait for several positions, and one leaves: each is woken, and nothing is left behind.
    #[test]
    fn everybody_is_woken_at_his_position() {
        explore(500, Timeouts::Never, || {
            let log = Arc::new(MemoryLog::new());
            let gate = Arc::new(Gate::of(log.durable()));
            let waits = [2, 1].map(|lsn| {
                let (gate, log) = (Arc::clone(&gate), Arc::clone(&log));
                thread::spawn(move || reached(&gate, &*log, lsn))
            });
            let writer = Arc::clone(&log);
            let writes = thread::spawn(move || (0..2).for_each(|_| _ = writer.append(b"batch")));
            let mut place = None;
            _ = gate.poll(log.durable(), 2, &mut place, &Context::from_waker(Waker::noop()));
            gate.leave(&mut place);
            assert!(waits.into_iter().all(|wait| wait.join().unwrap()));
            writes.join().unwrap();
            assert!(gate.0.lock().wakers.is_empty());
        });
    }

    /// A log that fails or is closed ends the waiting for what it will not do any more.
    #[test]
    fn the_end_of_a_log_wakes_those_who_wait() {
        for fails in [false, true] {
            explore(200, Timeouts::Never, move || {
                let disk = FaultyDisk::new();
                let options = LocalOptions { by_hand: true, seed: Some(1), ..LocalOptions::default() };
                let directory = Directory::on(Arc::new(disk.clone()));
                let log = Arc::new(LocalLog::open(directory, options, &mut |_, _| {}).unwrap());
                let gate = Arc::new(Gate::of(log.durable()));
                let lsn = log.append(b"batch");
                let waits = [lsn, lsn + 1].map(|lsn| {
                    let (gate, log) = (Arc::clone(&gate), Arc::clone(&log));
                    thread::spawn(move || reached(&gate, &*log, lsn))
                });
                if fails {
                    disk.calls_left.store(0, std::sync::atomic::Ordering::SeqCst);
                    log.step(false);
                } else {
                    log.close().unwrap();
                }
                assert_eq!(waits.map(|wait| wait.join().unwrap()), [!fails, false]);
            });
        }
    }
}
