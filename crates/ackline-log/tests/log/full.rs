//! A full disk: said before it hurts, waited out, and left behind.

use crate::{by_hand, on};
use ackline_log::conformance::contents;
use ackline_log::faulty::FaultyDisk;
use ackline_log::{Log, SyncMode};
use std::sync::atomic::Ordering;

#[test]
fn a_full_disk_is_said_while_there_is_room_and_forgotten_when_it_is_over() {
    let disk = FaultyDisk::new();
    disk.capacity.store(20_000, Ordering::SeqCst);
    let log = on(&disk, by_hand(SyncMode::Always)).unwrap();
    let mut appended = 0;
    while !log.is_full() {
        appended = log.append(&[1; 100]);
        log.step(false);
        assert!(appended < 1000, "the disk fills up");
    }
    assert_eq!(log.durable().synced(), appended, "what was appended before it was said is safe");
    let last = log.append(&[2; 100]);
    log.step(false);
    assert_eq!(log.durable().synced(), last, "there is room for what was under way");
    let huge = log.append(&[3; 30_000]);
    log.step(false);
    assert_eq!(log.durable().synced(), last, "what does not fit waits");
    assert!(!log.durable().poisoned() && log.is_full());
    disk.capacity.store(1 << 20, Ordering::SeqCst);
    log.step(false);
    assert_eq!(log.durable().synced(), huge);
    assert!(!log.is_full());
    log.close().unwrap();
    assert_eq!(contents(&on(&disk, by_hand(SyncMode::Always)).unwrap()).len() as u64, huge);
}

#[test]
fn a_log_that_ends_while_the_disk_is_full_says_so() {
    let disk = FaultyDisk::new();
    disk.capacity.store(17_000, Ordering::SeqCst);
    let log = on(&disk, by_hand(SyncMode::Always)).unwrap();
    log.append(&[3; 30_000]);
    log.step(false);
    assert!(log.close().is_err());
    assert!(log.durable().poisoned());
}
