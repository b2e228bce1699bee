//! How values are spread, counted by several threads.

// Not those that a model of the threads explores: nothing is decided by a count.
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Buckets; the last one takes everything greater.
const BUCKETS: usize = 32;

/// Counts values: the bucket `n` has those up to `2^n` that are above `2^(n-1)`.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

impl Histogram {
    /// Counts `count` values that are `sum` together, and are taken for equal.
    pub fn count(&self, sum: u64, count: u64) {
        let bits = u64::BITS - (sum / count.max(1)).saturating_sub(1).leading_zeros();
        self.buckets[(bits as usize).min(BUCKETS - 1)].fetch_add(count, Relaxed);
        self.sum.fetch_add(sum, Relaxed);
    }

    /// Upper bounds, and how many values each bucket holds, the smallest first.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.buckets.iter().enumerate().map(|(n, count)| (1 << n, count.load(Relaxed)))
    }

    /// How many values there are.
    pub fn values(&self) -> u64 {
        self.buckets.iter().map(|n| n.load(Relaxed)).sum()
    }

    /// The sum of all values.
    pub fn sum(&self) -> u64 {
        self.sum.load(Relaxed)
    }

    /// Forgets everything.
    pub fn reset(&self) {
        self.buckets.iter().chain([&self.sum]).for_each(|n| n.store(0, Relaxed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_with_its_bound() {
        let histogram = Histogram::default();
        [0, 1, 2, 3, 4, 5].into_iter().for_each(|value| histogram.count(2 * value, 2));
        histogram.count(1 << 40, 1);
        let full: Vec<(u64, u64)> = histogram.buckets().filter(|(_, count)| *count > 0).collect();
        assert_eq!(full, [(1, 4), (2, 2), (4, 4), (8, 2), (1 << 31, 1)]);
        assert_eq!((histogram.values(), histogram.sum()), (13, 30 + (1 << 40)));
    }
}
