//! The library as programs embed it.

#![cfg(not(feature = "model"))]
#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use ackline::{Ackline, Reply};

#[test]
fn what_is_dropped_can_be_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..4 {
        let broker = Ackline::open(dir.path()).unwrap();
        let reply = broker.command(&["INCR", "n"]).unwrap();
        assert!(matches!(reply, Reply::Int(n) if n == round), "{reply:?}");
    }
}
