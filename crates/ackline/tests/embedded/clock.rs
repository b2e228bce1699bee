//! Brokers on a clock that somebody moves.

use super::*;
use ackline::{Clock, ManualClock};
use std::sync::Mutex;
use std::time::Duration;

const START: i64 = 1_000_000;

fn broker() -> (Ackline, ManualClock) {
    let clock = Clock::manual(START);
    (Ackline::builder().clock(clock.clone()).memory(), clock)
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn time_comes_from_the_clock() {
    let (broker, clock) = broker();
    assert_eq!(text(&broker.command(&words("XADD s * f v"))), format!("Id({START}-0)"));
    clock.advance(ms(5));
    assert_eq!(text(&broker.command(&words("XADD s * f v"))), format!("Id({}-0)", START + 5));
    assert_eq!(broker.broker().now_ms(), START + 5);
}

#[test]
fn a_deadline_is_reached_when_the_clock_is_moved() {
    let (broker, clock) = broker();
    let counter = Arc::<Counter>::default();
    let mut read = broker.submit(&words("XREAD BLOCK 500 STREAMS s $"));
    assert!(poll(&mut read, &counter).is_pending());
    assert_eq!(broker.next_due(), Some(START + 500));
    clock.advance(ms(499));
    assert!(poll(&mut read, &counter).is_pending());
    clock.advance(ms(1));
    assert_eq!(counter.0.load(SeqCst), 1);
    assert!(matches!(poll(&mut read, &counter), Poll::Ready(Ok(Reply::NullArray))));
    assert_eq!(broker.next_due(), None);
}

/// A reader with CLAIM gets what another one left lying, at the moment at which it idled long enough.
#[test]
fn what_idled_long_enough_is_claimed_when_the_clock_is_moved() {
    let (broker, clock) = broker();
    run(&broker, "XGROUP CREATE s g $ MKSTREAM");
    run(&broker, "XADD s 1-1 f v");
    run(&broker, "XREADGROUP GROUP g ann STREAMS s >");
    clock.advance(ms(300));
    let mut read = broker.submit(&words("XREADGROUP GROUP g bob CLAIM 1000 BLOCK 60000 STREAMS s >"));
    let counter = Arc::<Counter>::default();
    assert!(poll(&mut read, &counter).is_pending());
    clock.advance(ms(699));
    assert!(poll(&mut read, &counter).is_pending());
    clock.advance(ms(1));
    assert_eq!(counter.0.load(SeqCst), 1);
    let Poll::Ready(Ok(Reply::Pairs(mut streams))) = poll(&mut read, &counter) else { panic!("not served") };
    let entries = streams.remove(0).1;
    assert!(
        matches!(&entries, Reply::Array(all) if matches!(all[0], Reply::Delivered(_, 1000, 1))),
        "{entries:?}"
    );
}

/// One step over several moments does what each of them brings about, in their order.
#[test]
fn a_long_step_misses_nothing_on_its_way() {
    let (broker, clock) = broker();
    run(&broker, "XGROUP CREATE s g $ MKSTREAM");
    run(&broker, "XADD s 1-1 f v");
    run(&broker, "XREADGROUP GROUP g ann STREAMS s >");
    let claims = broker.submit(&words("XREADGROUP GROUP g bob CLAIM 1000 BLOCK 60000 STREAMS s >"));
    run(&broker, "SET k v PX 2000");
    clock.advance(Duration::from_secs(3600));
    assert!(matches!(claims.wait(), Ok(Reply::Pairs(_))), "served before its deadline");
    assert_eq!(broker.broker().expired(), 1);
}

#[test]
fn several_brokers_share_a_clock_and_it_may_be_set_back() {
    let clock = Clock::manual(START);
    let brokers = [(); 2].map(|()| Ackline::builder().clock(clock.clone()).memory());
    let reads = [0, 1].map(|n: usize| brokers[n].submit(&words("XREAD BLOCK 100 STREAMS s $")));
    clock.set(START - 50);
    assert!(reads.iter().all(|read| read.is_parked()));
    assert_eq!(brokers.iter().map(|broker| broker.broker().parked()).sum::<usize>(), 2);
    clock.set(START + 100);
    for read in reads {
        assert!(matches!(read.wait(), Ok(Reply::NullArray)));
    }
}

/// How a runtime with paused time drives the clock: it is told what is due next.
#[test]
fn who_drives_the_clock_is_told_what_is_due() {
    let (broker, clock) = broker();
    let seen = Arc::<Mutex<Vec<Option<i64>>>>::default();
    let (told, asks) = (Arc::clone(&seen), broker.clone());
    let asks = Arc::downgrade(asks.broker());
    broker.watch_due(move || told.lock().unwrap().push(asks.upgrade().and_then(|broker| broker.next_due())));
    let reads = [800, 300, 500].map(|ms| broker.submit(&words(&format!("XREAD BLOCK {ms} STREAMS s $"))));
    assert_eq!(*seen.lock().unwrap(), [Some(START + 800), Some(START + 300)]);
    while let Some(due) = broker.next_due() {
        clock.set(due);
    }
    assert_eq!(clock.now_ms(), START + 800);
    assert!(reads.into_iter().all(|read| matches!(read.wait(), Ok(Reply::NullArray))));
}
