//! Wrong passwords are answered ever more slowly.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Failures that cost nothing.
const FREE: u32 = 3;

/// The longest wait, and how long failures are remembered.
const LONGEST: Duration = Duration::from_secs(30);
const MEMORY: Duration = Duration::from_secs(600);

/// Addresses that are remembered.
const MOST: usize = 10_000;

struct Failures {
    count: u32,
    last: Instant,
}

/// Failures by address.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<IpAddr, Failures>>);

impl Throttle {
    /// How long this address has to wait before it may try again; zero = not at all.
    pub(crate) fn wait(&self, from: IpAddr, now: Instant) -> Duration {
        let all = self.0.lock();
        let Some(failures) = all.get(&from) else { return Duration::ZERO };
        let over = failures.count.saturating_sub(FREE);
        if over == 0 {
            return Duration::ZERO;
        }
        let pause = LONGEST.min(Duration::from_millis(250) * 2u32.saturating_pow(over - 1));
        (failures.last + pause).saturating_duration_since(now)
    }

    /// A wrong password.
    pub(crate) fn failed(&self, from: IpAddr, now: Instant) {
        let mut all = self.0.lock();
        if all.len() >= MOST {
            all.retain(|_, failures| now.saturating_duration_since(failures.last) < LONGEST);
        }
        if all.len() >= MOST && !all.contains_key(&from) {
            return;
        }
        let failures = all.entry(from).or_insert(Failures { count: 0, last: now });
        if now.saturating_duration_since(failures.last) > MEMORY {
            failures.count = 0;
        }
        *failures = Failures { count: failures.count.saturating_add(1), last: now };
    }

    /// A right one.
    pub(crate) fn succeeded(&self, from: IpAddr) {
        self.0.lock().remove(&from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let from: IpAddr = "127.0.0.1".parse().expect("an address");
        let mut waits = Vec::new();
        for _ in 0..20 {
            throttle.failed(from, now);
            waits.push(throttle.wait(from, now).as_millis());
        }
        assert_eq!(waits[..6], [0, 0, 0, 250, 500, 1000]);
        assert_eq!(waits[19], LONGEST.as_millis());
        assert_eq!(throttle.wait(from, now + LONGEST), Duration::ZERO);
        throttle.succeeded(from);
        assert_eq!(throttle.wait(from, now), Duration::ZERO);
    }
}
