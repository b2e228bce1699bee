//! Checkpoints: what they keep, what they let go, and what is noticed when something of it is missing.

use ackline::storage::Storage as _;
use ackline::{Ackline, LocalOptions, OpenError, Options, Reply, Storage};
use ackline_log::LogError;
use ackline_log::faulty::FaultyDisk;
use ackline_log::snapshot;
use std::sync::Arc;

fn try_open(disk: &FaultyDisk) -> Result<Ackline, OpenError> {
    let local = LocalOptions { segment_bytes: 8192, ..LocalOptions::default() };
    Ackline::with(Options::new(Storage::On(Arc::new(disk.clone()), local)))
}

fn open(disk: &FaultyDisk) -> Ackline {
    try_open(disk).unwrap()
}

fn run(ackline: &Ackline, line: &str) -> Reply {
    ackline.command(&line.split(' ').collect::<Vec<_>>()).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Streams, groups, strings and TTLs, over all shards, with changes that touch several shards at once.
fn traffic(ackline: &Ackline, round: u64) {
    run(ackline, if round == 2 { "FLUSHALL" } else { "FLUSHDB" });
    (0..9).for_each(|n| drop(run(ackline, &format!("XGROUP CREATE s{n} g 0 MKSTREAM"))));
    for n in 0..60 {
        run(ackline, &format!("XADD s{} {}-{n} f {}", n % 9, round + 1, "v".repeat(100)));
        run(ackline, &format!("SET k{n} {round}"));
    }
    run(ackline, "XREADGROUP GROUP g ann COUNT 9 STREAMS s1 s2 s3 > > >");
    run(ackline, &format!("XNACK s2 g FAIL IDS 1 {}-2", round + 1));
    run(ackline, &format!("XACK s1 g {}-1", round + 1));
    for n in 0..20 {
        run(ackline, &format!("RENAME k{n} r{n}"));
        run(ackline, &format!("COPY s4 c{n} REPLACE"));
    }
    run(ackline, "EXPIREAT r1 4000000000");
    run(ackline, "SWAPDB 0 1");
    run(ackline, "SWAPDB 0 1");
    run(ackline, &format!("RENAME s3 renamed{round}"));
}

fn segments(disk: &FaultyDisk) -> Vec<String> {
    disk.list().unwrap().into_iter().filter(|name| name.ends_with(".log")).collect()
}

/// A disk with two snapshots, and log behind both; and the digest of what it holds.
fn sample() -> (FaultyDisk, String) {
    let disk = FaultyDisk::new();
    let ackline = open(&disk);
    for round in 0..4 {
        traffic(&ackline, round);
        if round < 3 {
            assert!(ackline.broker().checkpoint().unwrap());
        }
    }
    let digest = ackline.broker().digest();
    ackline.broker().close().unwrap();
    (disk, digest)
}

#[test]
fn a_snapshot_and_the_log_behind_it_give_the_state() {
    let (disk, digest) = sample();
    assert_eq!(snapshot::list(&disk).unwrap().len(), 2, "two snapshots are kept");
    let back = open(&disk);
    assert_eq!(back.broker().digest(), digest);
    back.broker().reload().unwrap();
    assert_eq!(back.broker().digest(), digest);
}

#[test]
fn the_log_before_the_older_snapshot_goes() {
    let (disk, _) = sample();
    let all = segments(&disk);
    assert!(!all.contains(&"0000000000000000.log".to_owned()), "{all:?}");
    let back = open(&disk);
    let older = *snapshot::list(&disk).unwrap().last().unwrap();
    assert!(back.broker().log().first() <= older);
}

#[test]
fn a_damaged_snapshot_is_made_up_for_by_the_older_one() {
    let (disk, digest) = sample();
    let newest = snapshot::name(snapshot::list(&disk).unwrap()[0]);
    let size = disk.read(&newest).unwrap().len();
    for at in [0, 20, 30, size / 2, size - 1] {
        let damaged = disk.copy();
        damaged.flip(&newest, at, 0x10);
        assert_eq!(open(&damaged).broker().digest(), digest, "byte {at}");
    }
}

#[test]
fn what_is_missing_is_noticed() {
    let (disk, _) = sample();
    let all = segments(&disk);
    let without = |names: &[String]| {
        let disk = disk.copy();
        names.iter().for_each(|name| disk.remove(name).unwrap());
        match try_open(&disk) {
            Ok(_) => panic!("it opens without {names:?}"),
            Err(error) => error,
        }
    };
    let snapshots: Vec<String> = snapshot::list(&disk).unwrap().into_iter().map(snapshot::name).collect();
    assert!(matches!(without(&snapshots), OpenError::Log(LogError::Missing { .. })), "both snapshots");
    assert!(matches!(without(&all), OpenError::Log(LogError::Behind { log: 0, .. })), "the whole log");
    let middle = &all[1..2];
    assert!(matches!(without(middle), OpenError::Log(LogError::Corrupt { .. })), "a segment in the middle");
    let newest = snapshot::list(&disk).unwrap()[0];
    let back = open(&disk.copy());
    assert!(back.broker().log().first() < newest);
    let tail: Vec<String> = all[1..].to_vec();
    assert!(matches!(without(&tail), OpenError::Log(LogError::Behind { .. })), "all but the oldest segment");
}

#[test]
fn nothing_new_makes_no_checkpoint() {
    let (disk, _) = sample();
    let ackline = open(&disk);
    assert!(ackline.broker().checkpoint().unwrap());
    assert!(!ackline.broker().checkpoint().unwrap());
    drop(ackline);
    assert!(!open(&disk).broker().checkpoint().unwrap(), "what was loaded is known");
}
