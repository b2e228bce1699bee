//! The log between threads: the real one, on a disk in memory, under the schedules of a model.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use ackline_log::faulty::FaultyDisk;
use ackline_log::sync::atomic::{AtomicBool, Ordering::SeqCst};
use ackline_log::sync::thread::{self, JoinHandle};
use ackline_log::sync::{Mutex, Timeouts, explore};
use ackline_log::{Directory, LocalLog, LocalOptions, Log, LogError, Lsn, SyncMode};
use std::sync::Arc;
use std::time::Duration;

/// A batch and the position that it got.
type Appended = (Lsn, Vec<u8>);

fn options(sync: SyncMode) -> LocalOptions {
    LocalOptions { sync, segment_bytes: 4096, by_hand: false, seed: Some(7) }
}

fn open(disk: &FaultyDisk, sync: SyncMode) -> Arc<LocalLog> {
    Arc::new(LocalLog::open(Directory::on(Arc::new(disk.clone())), options(sync), &mut |_, _| {}).unwrap())
}

/// What a restart finds of what had been synced when the power was cut.
fn survivors(disk: &FaultyDisk) -> Vec<Appended> {
    let mut found = Vec::new();
    let disk = disk.after_power_cut(&mut || false);
    let options = LocalOptions { by_hand: true, ..options(SyncMode::Always) };
    LocalLog::open(Directory::on(Arc::new(disk)), options, &mut |lsn, batch| {
        found.push((lsn, batch.to_vec()))
    })
    .unwrap();
    found
}

/// Threads that each append so many batches of `size` bytes, which tell who wrote them.
fn appenders(
    log: &Arc<LocalLog>,
    sizes: (u8, u8, usize),
    then: fn(&LocalLog, Lsn),
) -> Vec<JoinHandle<Vec<Appended>>> {
    writers(log, sizes, |log, batch| log.append(batch), then)
}

/// The same with batches that gather until somebody flushes.
fn gatherers(
    log: &Arc<LocalLog>,
    sizes: (u8, u8, usize),
    then: fn(&LocalLog, Lsn),
) -> Vec<JoinHandle<Vec<Appended>>> {
    writers(log, sizes, |log, batch| log.gather(batch), then)
}

fn writers(
    log: &Arc<LocalLog>,
    (threads, batches, size): (u8, u8, usize),
    write: fn(&LocalLog, &[u8]) -> Lsn,
    then: fn(&LocalLog, Lsn),
) -> Vec<JoinHandle<Vec<Appended>>> {
    let one = |name: u8| {
        let log = Arc::clone(log);
        thread::spawn(move || {
            let append = |n| {
                let mut batch = vec![0; size];
                batch[..2].copy_from_slice(&[name, n]);
                let lsn = write(&log, &batch);
                then(&log, lsn);
                (lsn, batch)
            };
            (0..batches).map(append).collect()
        })
    };
    (0..threads).map(one).collect()
}

/// What all of them appended, in the order of the positions.
fn joined(threads: Vec<JoinHandle<Vec<Appended>>>) -> Vec<Appended> {
    let mut all: Vec<Appended> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    all.sort();
    all
}

fn until_durable(log: &LocalLog, lsn: Lsn) {
    assert!(log.durable().wait(lsn, None));
    assert!(log.durable().lsn() >= lsn);
}

/// No wake-up of the writer or of those who wait for it is lost: nothing here would repair that.
#[test]
fn every_append_becomes_durable_in_its_place() {
    explore(900, Timeouts::Never, || {
        let disk = FaultyDisk::new();
        let log = open(&disk, SyncMode::Always);
        let all = joined(appenders(&log, (3, 2, 2), until_durable));
        assert!(all.iter().map(|(lsn, _)| *lsn).eq(1..=6), "{all:?}");
        assert_eq!(survivors(&disk), all, "what is acknowledged is on stable storage");
        log.close().unwrap();
    });
}

/// The same while segments fill, and others are prepared by a thread of their own.
#[test]
fn every_append_becomes_durable_over_several_segments() {
    explore(300, Timeouts::Any, || {
        let disk = FaultyDisk::new();
        let log = open(&disk, SyncMode::Always);
        let all = joined(appenders(&log, (2, 2, 1500), until_durable));
        assert_eq!(survivors(&disk), all);
        log.close().unwrap();
    });
}

fn flush_and_wait(log: &LocalLog, lsn: Lsn) {
    log.flush();
    until_durable(log, lsn);
}

/// Whoever flushes has written what gathered, or somebody else has; over several segments, too, which the thread makes.
#[test]
fn what_gathered_is_written_after_a_flush() {
    for (mode, timeouts) in [(SyncMode::No, Timeouts::Never), (SyncMode::EverySec, Timeouts::Any)] {
        for sizes in [(3, 2, 2), (2, 2, 1500)] {
            explore(300, timeouts, move || {
                let disk = FaultyDisk::new();
                let log = open(&disk, mode);
                let all = joined(gatherers(&log, sizes, flush_and_wait));
                assert!(all.iter().map(|(lsn, _)| *lsn).eq(1..=all.len() as Lsn), "{all:?}");
                log.close().unwrap();
                assert_eq!(survivors(&disk), all, "closing syncs");
            });
        }
    }
}

/// A mode that changes between gathering and flushing loses no wake-up: what gathered is synced.
#[test]
fn what_gathered_is_synced_when_the_mode_becomes_always() {
    explore(500, Timeouts::Never, || {
        let disk = FaultyDisk::new();
        let log = open(&disk, SyncMode::No);
        let threads = gatherers(&log, (2, 1, 2), flush_and_wait);
        log.set_sync(SyncMode::Always);
        let all = joined(threads);
        until_durable(&log, log.append(b"last"));
        assert_eq!(survivors(&disk).len(), all.len() + 1);
        log.close().unwrap();
    });
}

/// What was flushed is synced within the second, although the thread may have slept without an end.
#[test]
fn the_second_of_everysec_begins_with_a_flush() {
    explore(500, Timeouts::Any, || {
        let disk = FaultyDisk::new();
        let log = open(&disk, SyncMode::EverySec);
        let all = joined(gatherers(&log, (2, 2, 2), |log, _| log.flush()));
        assert!(log.durable().wait_synced(4));
        assert_eq!(survivors(&disk), all);
        log.close().unwrap();
    });
}

/// A disk that fails while somebody flushes wakes everybody, and ends the thread.
#[test]
fn a_flush_that_fails_poisons() {
    for calls in 0..3 {
        explore(300, Timeouts::Any, move || {
            let disk = FaultyDisk::new();
            let log = open(&disk, SyncMode::EverySec);
            disk.calls_left.store(calls, SeqCst);
            joined(gatherers(&log, (2, 2, 2), |log, lsn| {
                log.flush();
                log.durable().wait(lsn, None);
            }));
            while log.durable().wait_synced(log.append(b"more")) {}
            assert!(log.durable().poisoned());
            assert!(matches!(log.close(), Err(LogError::Poisoned)));
        });
    }
}

/// Closing ends whatever comes meanwhile, and keeps what came before.
#[test]
fn close_keeps_what_was_appended_before() {
    explore(800, Timeouts::Never, || {
        let disk = FaultyDisk::new();
        let log = open(&disk, SyncMode::No);
        let before = log.append(b"before");
        let meanwhile = appenders(&log, (2, 2, 2), |_, _| ());
        log.close().unwrap();
        let synced = log.durable().synced();
        assert!(synced >= before && log.durable().lsn() == synced);
        let mut all = joined(meanwhile);
        all.insert(0, (before, b"before".to_vec()));
        all.truncate(synced as usize);
        assert_eq!(survivors(&disk), all);
    });
}

/// A disk that fails at any call wakes everybody who waits for it.
#[test]
fn poison_wakes_all_who_wait() {
    for calls in 0..3 {
        explore(400, Timeouts::Any, move || poisoned_after(calls));
    }
}

fn poisoned_after(calls: i64) {
    let disk = FaultyDisk::new();
    let log = open(&disk, SyncMode::Always);
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);
    log.durable().subscribe(Box::new(move || tell.store(true, SeqCst)));
    disk.calls_left.store(calls, SeqCst);
    let waits: [fn(&LocalLog) -> bool; 3] = [
        |log| log.durable().wait(log.append(b"one"), None),
        |log| log.durable().wait_synced(log.append(b"two")),
        |log| !matches!(log.fence(), Err(LogError::Poisoned)),
    ];
    let waiting = waits.map(|wait| {
        let log = Arc::clone(&log);
        thread::spawn(move || wait(&log))
    });
    let ended = waiting.map(|thread| thread.join().unwrap());
    assert!(calls > 0 || ended == [false; 3], "nothing was written");
    while log.durable().wait(log.append(b"three"), None) {}
    assert!(log.durable().poisoned());
    assert!(matches!(log.close(), Err(LogError::Poisoned)));
    assert!(told.load(SeqCst), "subscribers learn of it too");
    assert!(survivors(&disk).len() as Lsn >= log.durable().lsn());
}

/// In every mode the sync that was asked for comes, and its wake-up is not lost.
#[test]
fn a_sync_that_was_asked_for_comes() {
    explore(500, Timeouts::Never, || {
        let disk = FaultyDisk::new();
        let log = open(&disk, SyncMode::No);
        let threads = appenders(&log, (2, 1, 2), |log, lsn| {
            log.sync(lsn);
            assert!(log.durable().wait_synced(lsn));
        });
        assert_eq!(joined(threads), survivors(&disk));
        log.close().unwrap();
    });
}

/// The second of `everysec` passes although nobody asks, whatever the writer does when its wait times out.
#[test]
fn the_second_of_everysec_passes() {
    explore(500, Timeouts::Any, || {
        let disk = FaultyDisk::new();
        let log = open(&disk, SyncMode::EverySec);
        let all = joined(appenders(&log, (2, 2, 2), |_, _| ()));
        assert!(log.durable().wait_synced(4));
        assert_eq!(survivors(&disk), all);
        log.close().unwrap();
    });
}

/// A wait with a timeout says what it saw; subscribers are told after the position that they are told of.
#[test]
fn waits_and_subscribers_see_the_position() {
    explore(500, Timeouts::Any, || {
        let log = open(&FaultyDisk::new(), SyncMode::Always);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (note, watched) = (Arc::clone(&seen), Arc::downgrade(&log));
        log.durable().subscribe(Box::new(move || {
            if let Some(log) = watched.upgrade() {
                note.lock().push(log.durable().lsn());
            }
        }));
        let threads = appenders(&log, (2, 1, 2), |log, lsn| {
            let done = log.durable().wait(lsn, Some(Duration::from_secs(1)));
            assert!(!done || log.durable().lsn() >= lsn);
        });
        joined(threads);
        log.close().unwrap();
        assert_eq!(seen.lock().last(), Some(&2), "the last advance was told");
    });
}
