//! Wrong passwords are answered ever more slowly.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
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
        let Some(failures) = all.get(&network(from)) else { return Duration::ZERO };
        let over = failures.count.saturating_sub(FREE);
        if over == 0 {
            return Duration::ZERO;
        }
        let pause = LONGEST.min(Duration::from_millis(250) * 2u32.saturating_pow(over - 1));
        (failures.last + pause).saturating_duration_since(now)
    }

    /// A wrong password.
    pub(crate) fn failed(&self, from: IpAddr, now: Instant) {
        let (mut all, from) = (self.0.lock(), network(from));
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
        self.0.lock().remove(&network(from));
    }
}

/// Who is taken for one. Of IPv6 everybody has a whole network of 64 bits.
pub(crate) fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).into(),
        ip => ip,
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

    #[test]
    fn another_address_of_the_same_network_is_no_other() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let from = |text: &str| text.parse::<IpAddr>().expect("an address");
        for host in 0..9 {
            throttle.failed(from(&format!("2001:db8:0:1::{host}")), now);
            throttle.failed(from("10.0.0.1"), now);
        }
        assert!(!throttle.wait(from("2001:db8:0:1:ffff::1"), now).is_zero());
        assert!(!throttle.wait(from("::ffff:10.0.0.1"), now).is_zero());
        for other in ["2001:db8:0:2::1", "10.0.0.2"] {
            assert!(throttle.wait(from(other), now).is_zero(), "{other}");
        }
    }
}
