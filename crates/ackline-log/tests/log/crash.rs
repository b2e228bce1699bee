//! Crash images and damage: what is recovered is a prefix, nothing acknowledged is missing, nothing false is loaded.

use crate::{by_hand, on, small};
use ackline_log::conformance::contents;
use ackline_log::faulty::FaultyDisk;
use ackline_log::storage::Storage;
use ackline_log::{LocalOptions, Log, LogError, Lsn, SyncMode};
use std::sync::atomic::Ordering;

const NAME: &str = "0000000000000000.log";
const SECTOR: usize = 512;

struct Sample {
    bytes: Vec<u8>,
    /// Where each frame ends, with the position that it made durable.
    ends: Vec<(usize, Lsn)>,
    batches: Vec<(Lsn, Vec<u8>)>,
}

fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
}

/// A log of a few frames, some longer than a sector. No batch ends in a zero.
fn sample() -> Sample {
    let disk = FaultyDisk::new();
    let log = on(&disk, by_hand(SyncMode::Always)).unwrap();
    let mut ends = Vec::new();
    for len in [5, 9, 700, 3, 1200, 1, 40] {
        log.append(&vec![len as u8 | 1; len]);
        if len == 9 {
            log.append(b"two in one frame");
        }
        log.step(false);
        ends.push((used(&disk.read(NAME).unwrap()), log.durable().lsn()));
    }
    let batches = contents(&log);
    let end = ends.last().unwrap().0;
    Sample { bytes: disk.read(NAME).unwrap()[..end + 100].to_vec(), ends, batches }
}

fn disk_with(bytes: &[u8]) -> FaultyDisk {
    let disk = FaultyDisk::new();
    disk.put(NAME, bytes);
    disk
}

impl Sample {
    fn durable_before(&self, cut: usize) -> Lsn {
        self.ends.iter().filter(|(end, _)| *end <= cut).map(|(_, lsn)| *lsn).max().unwrap_or(0)
    }

    /// The image opens, holds a prefix that is long enough, and takes more.
    fn check(&self, image: &[u8], cut: usize) {
        let log = on(&disk_with(image), by_hand(SyncMode::Always))
            .unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        let found = contents(&log);
        assert_eq!(found[..], self.batches[..found.len()], "cut at {cut}");
        assert!(found.len() as u64 >= self.durable_before(cut), "cut at {cut}: {}", found.len());
        log.append(b"next");
        log.step(false);
        assert_eq!(contents(&log).len(), found.len() + 1, "cut at {cut}: it goes on");
    }
}

#[test]
fn a_file_cut_at_any_length_gives_a_prefix_and_nothing_durable_is_lost() {
    let sample = sample();
    for cut in 64..=sample.bytes.len() {
        sample.check(&sample.bytes[..cut], cut);
    }
    for cut in 0..64 {
        let error = on(&disk_with(&sample.bytes[..cut]), by_hand(SyncMode::Always)).err();
        assert!(matches!(error, Some(LogError::Corrupt { .. })), "cut at {cut}");
    }
}

#[test]
fn a_write_torn_between_sectors_is_cut() {
    let sample = sample();
    for cut in (SECTOR..sample.bytes.len()).step_by(SECTOR) {
        let mut image = sample.bytes[..cut].to_vec();
        image.resize(sample.bytes.len(), 0);
        sample.check(&image, cut);
    }
}

#[test]
fn a_flipped_byte_is_never_loaded_and_never_passed_over() {
    let sample = sample();
    for at in 0..sample.bytes.len() {
        for bits in [0x01, 0x10, 0x55, 0x80, 0xff] {
            let mut image = sample.bytes.clone();
            image[at] ^= bits;
            match on(&disk_with(&image), by_hand(SyncMode::Always)) {
                Err(LogError::Corrupt { file, offset, .. }) => {
                    assert_eq!(file.to_string_lossy(), NAME);
                    assert!(offset as usize <= at, "flipped {at}, reported {offset}");
                }
                Err(other) => panic!("flipped {at}: {other}"),
                // Behind the frames there is nothing that could be lost.
                Ok(log) => {
                    assert_eq!(contents(&log), sample.batches, "flipped {bits:#x} at {at}");
                    assert!(at >= sample.ends.last().unwrap().0, "flipped {bits:#x} at {at}");
                }
            }
        }
    }
}

#[test]
fn a_power_cut_takes_nothing_that_was_reported_durable() {
    for seed in 0..200u64 {
        let mut chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut keep = || {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            chance >> 62 != 0
        };
        let mode = [SyncMode::Always, SyncMode::EverySec, SyncMode::No][seed as usize % 3];
        let disk = FaultyDisk::new();
        let log = on(&disk, by_hand(mode)).unwrap();
        let mut all = Vec::new();
        for n in 1..=60u64 {
            let batch = vec![n as u8; (n * seed % 900) as usize + 1];
            all.push((log.append(&batch), batch));
            if n % 3 == 0 {
                log.step(n % 15 == 0);
            }
            if n % 20 == 0 {
                let safe = log.durable().synced();
                let found = contents(&on(&disk.after_power_cut(&mut keep), by_hand(mode)).unwrap());
                assert_eq!(found[..], all[..found.len()], "seed {seed}");
                assert!(found.len() as u64 >= safe, "seed {seed}: {} of {safe}", found.len());
            }
        }
    }
}

#[test]
fn a_failed_write_or_sync_poisons_and_is_not_retried() {
    for calls in 0..8 {
        let disk = FaultyDisk::new();
        let log = on(&disk, small(SyncMode::Always)).unwrap();
        disk.calls_left.store(calls, Ordering::SeqCst);
        let mut reported = 0;
        for n in 1..20u8 {
            let lsn = log.append(&[n]);
            if !log.durable().wait(lsn, None) {
                break;
            }
            reported = lsn;
        }
        assert!(log.durable().poisoned(), "{calls} calls");
        assert!(log.close().is_err());
        let found = contents(&on(&disk.after_power_cut(&mut || false), small(SyncMode::Always)).unwrap());
        assert!(found.len() as u64 >= reported, "{calls} calls: {} of {reported}", found.len());
    }
}

/// What comes after a failed write would stand behind a hole.
#[test]
fn nothing_is_written_after_a_failure_or_the_end() {
    for by_hand in [false, true] {
        let options = LocalOptions { by_hand, ..small(SyncMode::No) };
        let disk = FaultyDisk::new();
        let log = on(&disk, options).unwrap();
        disk.calls_left.store(0, Ordering::SeqCst);
        let lost = log.append(b"lost");
        log.step(false);
        assert!(!log.durable().wait(lost, None));
        disk.calls_left.store(-1, Ordering::SeqCst);
        log.gather(b"behind a hole");
        log.flush();
        log.step(true);
        assert!(log.close().is_err());
        drop(log);
        let log = on(&disk, options).unwrap();
        assert!(contents(&log).is_empty());
        log.close().unwrap();
        log.gather(b"after the end");
        log.flush();
        log.step(true);
        drop(log);
        assert!(contents(&on(&disk, options).unwrap()).is_empty());
    }
}
