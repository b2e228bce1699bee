//! What was counted and timed.

use hdrhistogram::Histogram;

/// Nanoseconds that the histogram reaches to: an hour. What takes longer is counted as that.
const LONGEST: u64 = 3_600_000_000_000;

/// What one thread counted in one round, or all of them in all rounds.
pub(super) struct Tally {
    /// Operations completed.
    pub(super) operations: u64,
    /// Stream entries that they added, delivered, claimed, acknowledged or listed.
    pub(super) entries: u64,
    /// Replies, errors included.
    pub(super) replies: u64,
    /// Replies that are errors.
    pub(super) errors: u64,
    /// The first of them.
    pub(super) first_error: Option<String>,
    /// Nanoseconds an operation took, from the sending of its batch to its last reply.
    pub(super) latency: Histogram<u64>,
}

impl Tally {
    /// Nothing counted.
    pub(super) fn new() -> Tally {
        let latency = Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order");
        Tally { operations: 0, entries: 0, replies: 0, errors: 0, first_error: None, latency }
    }

    /// So many operations ended together.
    pub(super) fn record(&mut self, nanos: u128, operations: u64) {
        self.operations += operations;
        let nanos = u64::try_from(nanos).unwrap_or(LONGEST);
        self.latency.saturating_record_n(nanos, operations);
    }

    /// The server complained.
    pub(super) fn error(&mut self, text: &[u8]) {
        self.errors += 1;
        self.first_error.get_or_insert_with(|| String::from_utf8_lossy(text).into_owned());
    }

    /// Takes over what another counted.
    pub(super) fn add(&mut self, other: Tally) {
        self.operations += other.operations;
        self.entries += other.entries;
        self.replies += other.replies;
        self.errors += other.errors;
        self.first_error = self.first_error.take().or(other.first_error);
        self.latency.add(other.latency).expect("all histograms have the same bounds");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_are_summed_and_the_first_error_stays() {
        let (mut sum, mut more) = (Tally::new(), Tally::new());
        sum.record(1000, 2);
        more.record(u128::MAX, 1);
        more.error(b"ERR one");
        more.error(b"ERR two");
        sum.add(more);
        sum.add(Tally::new());
        assert_eq!((sum.operations, sum.errors, sum.latency.len()), (3, 2, 3));
        assert_eq!(sum.first_error.as_deref(), Some("ERR one"));
        assert_eq!(sum.latency.value_at_quantile(0.5), 1000);
        assert!(sum.latency.max() >= LONGEST);
    }
}
