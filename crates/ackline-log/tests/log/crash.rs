//! Crash images and damage: what is recovered is a prefix, nothing acknowledged is missing, nothing false is loaded.

use crate::disk::MemoryDisk;
use crate::small;
use ackline_log::conformance::contents;
use ackline_log::{LocalLog, Log, LogError, Lsn, SyncMode};
use std::sync::Arc;
use std::sync::atomic::Ordering;

fn open(disk: &MemoryDisk) -> Result<LocalLog, LogError> {
    LocalLog::on(Arc::new(disk.clone()), small(SyncMode::Always))
}

type Sample = (String, Vec<u8>, Vec<(usize, Lsn)>, Vec<(Lsn, Vec<u8>)>);

/// A log of a few frames, its bytes, and where each frame ended with the position that it made durable.
fn sample() -> Sample {
    let disk = MemoryDisk::new();
    let log = open(&disk).unwrap();
    let mut ends = Vec::new();
    for n in 0..6u8 {
        let lsn = log.append(&vec![n + 1; 5 + usize::from(n)]);
        assert!(log.durable().wait(lsn, None));
        let bytes = disk.segment().1;
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        ends.push((end, lsn));
    }
    let all = contents(&log);
    drop(log);
    let (name, bytes) = disk.segment();
    let end = ends.last().unwrap().0;
    (name, bytes[..end + 16].to_vec(), ends, all)
}

#[test]
fn cut_at_every_byte_the_log_is_a_prefix_and_nothing_durable_is_lost() {
    let (name, bytes, ends, all) = sample();
    for cut in 64..=bytes.len() {
        let mut image = bytes[..cut].to_vec();
        image.resize(bytes.len(), 0);
        let log =
            open(&MemoryDisk::with(&name, &image)).unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        let found = contents(&log);
        assert_eq!(found[..], all[..found.len()], "cut at {cut}");
        let durable = ends.iter().filter(|(end, _)| *end <= cut).map(|(_, lsn)| *lsn).max().unwrap_or(0);
        assert!(found.len() as u64 >= durable, "cut at {cut}: {} of {durable}", found.len());
        let next = log.append(b"next");
        assert!(log.durable().wait(next, None));
        assert_eq!(contents(&log).len(), found.len() + 1, "cut at {cut}: it goes on");
    }
}

#[test]
fn a_flipped_byte_is_never_loaded() {
    let (name, bytes, ends, all) = sample();
    let last_frame = ends[ends.len() - 2].0;
    for at in 0..ends.last().unwrap().0 {
        let mut image = bytes.clone();
        image[at] ^= 0x55;
        match open(&MemoryDisk::with(&name, &image)) {
            Ok(log) => {
                let found = contents(&log);
                assert_eq!(found[..], all[..found.len()], "flipped {at}");
                // Bytes of the segment's header behind its checksum carry nothing.
                assert!(at >= last_frame || (52..64).contains(&at), "flipped {at}: cut in the middle");
            }
            Err(LogError::Corrupt { file, offset, .. }) => {
                assert_eq!(file.to_string_lossy(), name);
                assert!(offset as usize <= at, "flipped {at}, reported {offset}");
            }
            Err(other) => panic!("flipped {at}: {other}"),
        }
    }
}

#[test]
fn a_power_cut_takes_nothing_that_was_reported_durable() {
    let disk = MemoryDisk::new();
    let log = open(&disk).unwrap();
    for n in 1..=50u64 {
        let lsn = log.append(&n.to_le_bytes());
        if n % 7 == 0 {
            assert!(log.durable().wait(lsn, None));
        }
        let durable = log.durable().synced();
        let found = contents(&open(&disk.after_power_cut()).unwrap());
        assert!(found.len() as u64 >= durable, "{} of {durable}", found.len());
    }
}

#[test]
fn a_failed_write_or_sync_poisons_and_is_not_retried() {
    for calls in 0..8 {
        let disk = MemoryDisk::new();
        let log = open(&disk).unwrap();
        disk.calls_left.store(calls, Ordering::SeqCst);
        let mut reported = 0;
        for n in 0..20u8 {
            let lsn = log.append(&[n]);
            if !log.durable().wait(lsn, None) {
                break;
            }
            reported = lsn;
        }
        assert!(log.durable().poisoned(), "{calls} calls");
        assert!(log.close().is_err());
        let found = contents(&open(&disk.after_power_cut()).unwrap());
        assert!(found.len() as u64 >= reported, "{calls} calls: {} of {reported}", found.len());
    }
}
