//! How many connections come from where.

use super::throttle::network;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// Connections by where they come from, so that nobody alone takes all that there may be.
#[derive(Clone, Default)]
pub(crate) struct Crowd(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of them, until it is dropped.
pub(crate) struct Place {
    crowd: Crowd,
    from: IpAddr,
}

impl Crowd {
    /// One more from this address, unless there are `most` already.
    pub(crate) fn enter(&self, from: IpAddr, most: usize) -> Option<Place> {
        let from = network(from);
        let mut all = self.0.lock();
        let count = all.entry(from).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { crowd: self.clone(), from })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.crowd.0.lock();
        if let Some(count) = all.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_more_than_a_share() {
        let crowd = Crowd::default();
        let from = |text: &str| text.parse::<IpAddr>().expect("an address");
        let first = crowd.enter(from("10.0.0.1"), 2);
        let second = crowd.enter(from("10.0.0.1"), 2);
        assert!(first.is_some() && second.is_some());
        assert!(crowd.enter(from("10.0.0.1"), 2).is_none());
        assert!(crowd.enter(from("10.0.0.2"), 2).is_some());
        drop(first);
        assert!(crowd.enter(from("10.0.0.1"), 2).is_some());
        drop(second);
        assert!(crowd.0.lock().is_empty(), "what has gone is forgotten");
    }
}
