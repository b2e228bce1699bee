//! What a log promises, held against every implementation and against damage.

#![cfg(not(feature = "model"))]
#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

#[path = "log/crash.rs"]
mod crash;
#[path = "log/format.rs"]
mod format;
#[path = "log/full.rs"]
mod full;
#[path = "log/snapshots.rs"]
mod snapshots;

use ackline_log::conformance::{self, contents};
use ackline_log::faulty::FaultyDisk;
use ackline_log::{Directory, LocalLog, LocalOptions, Log, LogError, MemoryLog, NoLog, SyncMode};
use std::path::Path;
use std::sync::Arc;

fn small(sync: SyncMode) -> LocalOptions {
    LocalOptions { sync, segment_bytes: 16 * 1024, ..LocalOptions::default() }
}

/// Nothing happens but by `step`.
fn by_hand(sync: SyncMode) -> LocalOptions {
    LocalOptions { by_hand: true, seed: Some(7), ..small(sync) }
}

fn on(disk: &FaultyDisk, options: LocalOptions) -> Result<LocalLog, LogError> {
    LocalLog::open(Directory::on(Arc::new(disk.clone())), options, &mut |_, _| {})
}

fn open(dir: &Path) -> Result<LocalLog, LogError> {
    LocalLog::open(Directory::open(dir)?, small(SyncMode::Always), &mut |_, _| {})
}

#[test]
fn memory_conforms() {
    conformance::run(&MemoryLog::new());
}

#[test]
fn local_conforms_in_every_mode() {
    for sync in [SyncMode::Always, SyncMode::EverySec, SyncMode::No] {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::open(dir.path()).unwrap();
        conformance::run(&LocalLog::open(directory, small(sync), &mut |_, _| {}).unwrap());
    }
}

#[test]
fn no_log_counts_and_keeps_nothing() {
    let log = NoLog::new();
    assert_eq!((log.append(b"x"), log.append(b"y"), log.last()), (1, 2, 2));
    assert!(log.durable().wait(2, None), "nobody waits for it");
    assert!(contents(&log).is_empty());
}

#[test]
fn everything_is_there_after_a_restart_over_many_segments() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for round in 0..5u8 {
        let log = open(dir.path()).unwrap();
        assert_eq!(contents(&log), expected, "round {round}");
        for n in 0..40u64 {
            let batch = vec![round; 700 + n as usize];
            let lsn = log.append(&batch);
            expected.push((lsn, batch));
            assert!(log.durable().wait(lsn, None));
        }
        log.close().unwrap();
    }
    let segments = std::fs::read_dir(dir.path()).unwrap().count();
    assert!(segments > 5, "the log rolled over: {segments} files");
}

#[test]
fn a_batch_larger_than_a_segment_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path()).unwrap();
    let (large, after) = (vec![7; 100_000], b"after".to_vec());
    log.append(&large);
    let lsn = log.append(&after);
    assert!(log.durable().wait(lsn, None));
    drop(log);
    assert_eq!(contents(&open(dir.path()).unwrap()), vec![(1, large), (2, after)]);
}

#[test]
fn a_directory_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).unwrap();
    let error = open(dir.path()).err().expect("the directory is in use");
    assert!(matches!(error, LogError::Locked(_)), "{error}");
    drop(first);
    assert!(open(dir.path()).is_ok());
}

#[test]
fn what_is_asked_to_be_synced_is_synced_in_every_mode() {
    for sync in [SyncMode::EverySec, SyncMode::No] {
        let disk = FaultyDisk::new();
        let log = on(&disk, by_hand(sync)).unwrap();
        let lsn = log.append(b"x");
        log.step(false);
        assert_eq!((log.durable().lsn(), log.durable().synced()), (lsn, 0), "{sync:?}");
        log.sync(lsn);
        log.step(false);
        assert_eq!(log.durable().synced(), lsn, "{sync:?}");
    }
}

/// The segment that was being prepared when a log closed is not written to under the feet of the next one.
#[test]
fn nobody_else_may_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let above = tempfile::tempdir().unwrap();
    let dir = above.path().join("above/data");
    drop(open(&dir).unwrap());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let segments = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let segments: Vec<_> = segments.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    assert!(!segments.is_empty() && segments.iter().all(|path| mode(path) == 0o600));
}

#[test]
fn a_log_can_be_opened_again_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let options = LocalOptions { segment_bytes: 8 << 20, ..LocalOptions::default() };
    let mut expected = Vec::new();
    for round in 0..12u8 {
        let directory = Directory::open(dir.path()).unwrap();
        let log = LocalLog::open(directory, options, &mut |_, _| {}).unwrap();
        for _ in 0..2 {
            let batch = vec![round + 1; 700_000];
            let lsn = log.append(&batch);
            assert!(log.durable().wait(lsn, None));
            expected.push((lsn, batch));
        }
    }
    assert!(contents(&open(dir.path()).unwrap()) == expected);
}
