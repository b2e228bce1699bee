//! The reaper: one thread that frees what the engine unlinked, so that neither a lock nor an I/O thread waits for it.

use crate::broker::Broker;
use crate::sync::{Condvar, Mutex, thread};
use ackline_engine::Garbage;
use std::sync::Arc;

/// What is to be freed. Ends the thread when it is dropped, which therefore holds the heap alone while it waits.
#[derive(Default)]
pub(crate) struct Reaper(Arc<Heap>);

#[derive(Default)]
struct Heap {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    left: Vec<Garbage>,
    /// There is a thread, and it has not been stopped.
    runs: bool,
}

impl Reaper {
    /// Has it freed; here and now if no thread was started. Called without any lock held.
    pub(crate) fn free(&self, garbage: Garbage) {
        if garbage.is_empty() {
            return;
        }
        let mut state = self.0.state.lock();
        if state.runs {
            state.left.push(garbage);
            self.0.changed.notify_one();
        } else {
            drop(state);
            drop(garbage);
        }
    }

    /// The thread ends once it freed what is left. Nobody waits for that.
    pub(crate) fn stop(&self) {
        self.0.state.lock().runs = false;
        self.0.changed.notify_all();
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Heap {
    /// Waits for something to free; `None` once stopped and empty.
    fn next(&self) -> Option<Garbage> {
        let mut state = self.state.lock();
        loop {
            if let Some(garbage) = state.left.pop() {
                return Some(garbage);
            }
            if !state.runs {
                return None;
            }
            self.changed.wait(&mut state);
        }
    }
}

impl Broker {
    /// Starts the thread that frees large values which commands removed. It ends when the broker is closed or dropped.
    pub fn start_reaper(broker: &Arc<Broker>) {
        let heap = Arc::clone(&broker.reaper.0);
        heap.state.lock().runs = true;
        let run = move || {
            while let Some(garbage) = heap.next() {
                drop(garbage);
            }
        };
        if let Err(error) = thread::Builder::new().name("reaper".into()).spawn(run) {
            broker.reaper.stop();
            tracing::error!("the thread that frees memory could not be started: {error}");
        }
    }
}

#[cfg(all(test, feature = "model"))]
mod tests {
    use super::*;
    use ackline_engine::state::Keyspace;
    use ackline_engine::table::Table;
    use ackline_engine::{Context, OwnedArgs, Txn};
    use ackline_log::sync::explore_all;

    fn garbage() -> Garbage {
        let mut keyspace = Keyspace::new(1, 16, 0);
        let mut txn = Txn::new(keyspace.reach(), Context::at(1), Vec::new());
        for line in ["SET s x", "FLUSHALL"] {
            let args = OwnedArgs::collect(line.split(' ').map(str::as_bytes));
            let spec = Table::new(&[]).resolve(args.as_args()).unwrap();
            txn.execute(spec, args.as_args()).unwrap();
        }
        txn.take_garbage()
    }

    /// Whatever the thread is doing when something comes, it finds it; and it ends.
    #[test]
    fn what_comes_while_the_thread_goes_to_sleep_is_freed() {
        explore_all(|| {
            let reaper = Reaper::default();
            reaper.0.state.lock().runs = true;
            let heap = Arc::clone(&reaper.0);
            thread::spawn(move || reaper.free(garbage()));
            assert!(heap.next().is_some());
        });
    }

    #[test]
    fn the_thread_ends_once_it_is_stopped() {
        explore_all(|| {
            let reaper = Reaper::default();
            reaper.0.state.lock().runs = true;
            let heap = Arc::clone(&reaper.0);
            thread::spawn(move || drop(reaper));
            assert!(heap.next().is_none());
        });
    }
}
