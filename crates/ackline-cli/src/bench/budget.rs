//! How much is still to be done, shared by all threads.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Operations that may be begun. Taken by the batch, so that the one shared counter costs next to nothing.
#[derive(Default)]
pub(super) struct Budget {
    taken: AtomicU64,
    limit: AtomicU64,
    stopped: AtomicBool,
}

impl Budget {
    /// Allows so many operations, numbered from 0.
    pub(super) fn begin(&self, limit: u64) {
        self.taken.store(0, Relaxed);
        self.limit.store(limit, Relaxed);
        self.stopped.store(false, Relaxed);
    }

    /// The numbers of the operations that the caller has to do, at most so many; none when it is over.
    pub(super) fn take(&self, most: u64) -> Range<u64> {
        if self.stopped.load(Relaxed) {
            return 0..0;
        }
        let limit = self.limit.load(Relaxed);
        let from = self.taken.fetch_add(most, Relaxed).min(limit);
        from..from.saturating_add(most).min(limit)
    }

    /// Nothing more is begun.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    /// Operations begun so far.
    pub(super) fn begun(&self) -> u64 {
        self.taken.load(Relaxed).min(self.limit.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_limit_is_given_out() {
        let budget = Budget::default();
        budget.begin(10);
        assert_eq!([budget.take(4), budget.take(4), budget.take(4)], [0..4, 4..8, 8..10]);
        assert!(budget.take(4).is_empty());
        assert_eq!(budget.begun(), 10);
        budget.begin(10);
        assert_eq!(budget.take(1), 0..1);
        budget.stop();
        assert!(budget.take(1).is_empty());
    }
}
