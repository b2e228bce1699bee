//! How much goes through the server in a second.

use crate::stats::Stats;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Instant;

/// A rate is the mean over so many samples.
const SAMPLES: usize = 16;

/// Commands, bytes in and bytes out, and when there had been so many.
type Sample = (Instant, [u64; 3]);

/// The last samples, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<VecDeque<Sample>>);

impl Rates {
    /// Takes a sample.
    pub(crate) fn sample(&self, stats: &Stats, now: Instant) {
        let traffic = &stats.traffic;
        let counts =
            [traffic.sum(|t| &t.commands), traffic.sum(|t| &t.bytes_in), traffic.sum(|t| &t.bytes_out)];
        let mut samples = self.0.lock();
        if samples.back().is_some_and(|(_, last)| last[0] > counts[0]) {
            // The counters were set to 0.
            samples.clear();
        }
        samples.push_back((now, counts));
        if samples.len() > SAMPLES {
            samples.pop_front();
        }
    }

    /// Commands, bytes in and bytes out in a second.
    pub(crate) fn per_second(&self) -> [f64; 3] {
        let samples = self.0.lock();
        let (Some((from, old)), Some((to, new))) = (samples.front(), samples.back()) else { return [0.0; 3] };
        let seconds = to.duration_since(*from).as_secs_f64();
        match seconds > 0.0 {
            true => std::array::from_fn(|i| new[i].saturating_sub(old[i]) as f64 / seconds),
            false => [0.0; 3],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;
    use std::time::Duration;

    #[test]
    fn the_mean_of_the_last_samples() {
        let (rates, stats, start) = (Rates::default(), Stats::new(1), Instant::now());
        assert_eq!(rates.per_second(), [0.0; 3]);
        for sample in 0..40_u32 {
            // A hundred commands in each of the last samples, none before.
            stats.traffic.own().commands.fetch_add(if sample > 20 { 100 } else { 0 }, Relaxed);
            rates.sample(&stats, start + Duration::from_millis(100) * sample);
        }
        assert_eq!(rates.per_second().map(f64::round), [1000.0, 0.0, 0.0]);
        stats.reset();
        rates.sample(&stats, start + Duration::from_secs(5));
        assert_eq!(rates.per_second(), [0.0; 3]);
    }
}
