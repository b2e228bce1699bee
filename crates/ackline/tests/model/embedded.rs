//! The embedded broker: futures that are dropped, and the end, while others call.

use super::*;
use ackline::Ackline;
use ackline_log::sync::{Timeouts, explore};

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

fn memory() -> Ackline {
    Ackline::with(options(Storage::None)).unwrap()
}

fn count(reply: Reply) -> usize {
    match reply {
        Reply::Array(rows) => rows.len(),
        Reply::Pairs(mut streams) => count(streams.remove(0).1),
        _ => 0,
    }
}

/// A reader leaves at the moment at which an entry comes: either it was delivered to him, or the next one gets it.
#[test]
fn an_entry_is_not_lost_with_its_reader() {
    explore(400, Timeouts::Never, || {
        let broker = memory();
        broker.command(&words("XGROUP CREATE s g $ MKSTREAM")).unwrap();
        let read = broker.submit(&words("XREADGROUP GROUP g ann BLOCK 0 STREAMS s >"));
        let leaves = thread::spawn(move || drop(read));
        let writer = broker.clone();
        let writer = thread::spawn(move || writer.command(&words("XADD s 1-1 f v")).unwrap());
        leaves.join().unwrap();
        writer.join().unwrap();
        let pending = count(broker.command(&words("XPENDING s g - + 9 ann")).unwrap());
        let left = count(broker.command(&words("XREADGROUP GROUP g bob STREAMS s >")).unwrap());
        assert_eq!((pending + left, broker.broker().parked()), (1, 0));
    });
}

/// A reader who waits without a runtime is woken by what it waits for.
#[test]
fn a_reader_who_blocks_is_woken() {
    explore(400, Timeouts::Never, || {
        let broker = memory();
        let reader = broker.clone();
        let reader = thread::spawn(move || reader.command(&words("XREAD BLOCK 0 STREAMS s 0")).unwrap());
        broker.command(&words("XADD s 1-1 f v")).unwrap();
        assert_eq!(count(reader.join().unwrap()), 1);
    });
}

/// Whoever comes to wait while the broker is closed is answered as well.
#[test]
fn a_reader_who_meets_the_end_is_answered() {
    explore(400, Timeouts::Never, || {
        let disk = FaultyDisk::new();
        let log =
            LocalOptions { by_hand: true, seed: Some(1), segment_bytes: 4096, ..LocalOptions::default() };
        let broker = Ackline::with(options(Storage::On(Arc::new(disk.clone()), log))).unwrap();
        let calls = ["XREAD BLOCK 0 STREAMS s 0", "INCR n"].map(|line| {
            let broker = broker.clone();
            thread::spawn(move || broker.command(&words(line)).is_ok())
        });
        broker.close().unwrap();
        let [read, written] = calls.map(|call| call.join().unwrap());
        assert!(!read);
        let kept = Ackline::with(options(Storage::On(Arc::new(disk.copy()), log))).unwrap();
        let next = kept.submit(&words("INCR n"));
        kept.broker().log().step(false);
        assert!(matches!(next.wait().unwrap(), Reply::Int(n) if !written || n == 2));
    });
}
