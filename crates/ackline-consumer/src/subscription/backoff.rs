//! How long to wait before the next try.

use std::time::Duration;

/// How long to wait before the next try.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    first: Duration,
    factor: f64,
    max: Duration,
    jitter: bool,
}

impl Backoff {
    /// No wait.
    pub const NONE: Backoff = Backoff::fixed(Duration::ZERO);

    /// Always the same.
    pub const fn fixed(wait: Duration) -> Backoff {
        Backoff { first: wait, factor: 1.0, max: wait, jitter: false }
    }

    /// `first`, then twice as long each time, up to `max`.
    pub const fn exponential(first: Duration, max: Duration) -> Backoff {
        Backoff { first, factor: 2.0, max, jitter: false }
    }

    /// A wait by chance between half of it and all of it, so that those who failed together do not come back together.
    pub const fn with_jitter(self) -> Backoff {
        Backoff { jitter: true, ..self }
    }

    /// How long to wait after the `failed`th failure, counted from 1.
    pub fn after(&self, failed: u64) -> Duration {
        let exponent = failed.saturating_sub(1).min(64) as i32;
        let seconds = self.first.as_secs_f64() * self.factor.powi(exponent);
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(self.max).min(self.max);
        if self.jitter { wait.mul_f64(0.5 + fastrand::f64() / 2.0) } else { wait }
    }
}

/// A second, doubled up to a minute, with jitter.
impl Default for Backoff {
    fn default() -> Backoff {
        Backoff::exponential(Duration::from_secs(1), Duration::from_secs(60)).with_jitter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_its_maximum() {
        let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(1));
        let waits = [1, 2, 3, 4, 5, 100, u64::MAX].map(|failed| backoff.after(failed).as_millis());
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000, 1000]);
    }

    #[test]
    fn jitter_keeps_at_least_half() {
        let backoff = Backoff::fixed(Duration::from_secs(8)).with_jitter();
        for _ in 0..100 {
            let wait = backoff.after(1);
            assert!(Duration::from_secs(4) <= wait && wait <= Duration::from_secs(8), "{wait:?}");
        }
    }
}
