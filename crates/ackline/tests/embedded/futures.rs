//! Replies as futures: what is executed when, who is woken, and what becomes of those who leave.

use super::*;
use ackline::{LocalOptions, Options, Storage, SyncMode};
use ackline_log::faulty::FaultyDisk;
use std::sync::atomic::AtomicI64;
use std::thread;

/// A broker whose log is written and synced when the test says so.
fn by_hand(disk: &FaultyDisk, sync: SyncMode) -> Ackline {
    let local = LocalOptions { by_hand: true, sync, ..LocalOptions::default() };
    Ackline::with(Options::new(Storage::On(Arc::new(disk.clone()), local))).unwrap()
}

fn ready<T>(poll: Poll<T>) -> T {
    match poll {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it is not ready"),
    }
}

#[test]
fn a_command_is_executed_when_it_is_submitted() {
    let broker = Ackline::memory();
    drop(broker.submit(&["INCR", "n"]));
    let second = broker.submit(&["INCR", "n"]);
    let third = broker.submit(&["INCR", "n"]);
    assert!(matches!(third.wait(), Ok(Reply::Int(3))));
    assert!(matches!(second.wait(), Ok(Reply::Int(2))));
}

#[test]
fn a_reply_waits_for_the_sync_and_wakes_once() {
    let disk = FaultyDisk::new();
    let (broker, counter) = (by_hand(&disk, SyncMode::Always), Arc::<Counter>::default());
    let mut pending = broker.submit(&["SET", "k", "v"]);
    assert!(poll(&mut pending, &counter).is_pending());
    assert!(poll(&mut pending, &counter).is_pending());
    assert_eq!(counter.0.load(SeqCst), 0);
    broker.broker().log().step(false);
    assert_eq!(counter.0.load(SeqCst), 1);
    assert!(ready(poll(&mut pending, &counter)).is_ok());
}

#[test]
fn only_those_who_are_reached_are_woken() {
    let disk = FaultyDisk::new();
    let broker = by_hand(&disk, SyncMode::Always);
    let submit = || (broker.submit(&["INCR", "n"]), Arc::<Counter>::default());
    let (mut first, one) = submit();
    assert!(poll(&mut first, &one).is_pending());
    let (mut gone, nobody) = submit();
    assert!(poll(&mut gone, &nobody).is_pending());
    drop(gone);
    broker.broker().log().step(false);
    let (mut late, other) = submit();
    assert!(poll(&mut late, &other).is_pending());
    let woken = || [&one, &nobody, &other].map(|counter| counter.0.load(SeqCst));
    assert_eq!(woken(), [1, 0, 0]);
    broker.broker().log().step(false);
    assert_eq!(woken(), [1, 0, 1]);
}

#[test]
fn a_log_that_fails_ends_those_who_wait_with_an_error() {
    let disk = FaultyDisk::new();
    let (broker, counter) = (by_hand(&disk, SyncMode::Always), Arc::<Counter>::default());
    let mut pending = broker.submit(&["SET", "k", "v"]);
    assert!(poll(&mut pending, &counter).is_pending());
    disk.calls_left.store(0, SeqCst);
    broker.broker().log().step(false);
    assert_eq!(counter.0.load(SeqCst), 1);
    assert!(text(&ready(poll(&mut pending, &counter))).contains("the log has failed"));
    assert!(text(&broker.submit(&["SET", "k", "w"]).wait()).contains("the log has failed"));
}

#[test]
fn what_need_not_be_synced_is_ready_once_it_is_written() {
    for sync in [SyncMode::EverySec, SyncMode::No] {
        let disk = FaultyDisk::new();
        let (broker, counter) = (by_hand(&disk, sync), Arc::<Counter>::default());
        let syncs = disk.syncs.load(SeqCst);
        let mut pending = broker.submit(&["SET", "k", "v"]);
        assert!(poll(&mut pending, &counter).is_pending());
        broker.broker().log().step(false);
        assert_eq!((disk.syncs.load(SeqCst), counter.0.load(SeqCst)), (syncs, 1));
        assert!(poll(&mut pending, &counter).is_ready());
    }
}

#[test]
fn a_read_that_waits_is_woken_by_another_thread() {
    let broker = Ackline::memory();
    let counter = Arc::<Counter>::default();
    let mut read = broker.submit(&words("XREAD BLOCK 0 STREAMS s $"));
    assert!(read.is_parked() && poll(&mut read, &counter).is_pending());
    let writer = broker.clone();
    thread::spawn(move || run(&writer, "XADD s 1-1 f v")).join().unwrap();
    assert_eq!(counter.0.load(SeqCst), 1);
    let reply = ready(poll(&mut read, &counter)).unwrap();
    let Reply::Pairs(streams) = &reply else { panic!("{reply:?}") };
    let (_, Reply::Array(entries)) = &streams[0] else { panic!("{reply:?}") };
    let Reply::Entry(entry) = &entries[0] else { panic!("{reply:?}") };
    assert_eq!(entry.id.to_string(), "1-1");
    assert_eq!(entry.words().collect::<Vec<_>>(), [b"f", b"v"]);
}

#[test]
fn a_blocking_read_that_waits_is_woken_as_well() {
    let broker = Ackline::memory();
    let reader = broker.clone();
    let reader = thread::spawn(move || run(&reader, "XREAD BLOCK 0 STREAMS s 0"));
    run(&broker, "XADD s 1-1 f v");
    assert!(matches!(reader.join().unwrap(), Reply::Pairs(_)));
}

/// What was read is not handed out before it is durable, even to a reader who waited for it.
#[test]
fn an_entry_that_was_waited_for_passes_the_gate() {
    let disk = FaultyDisk::new();
    let (broker, counter) = (by_hand(&disk, SyncMode::Always), Arc::<Counter>::default());
    let mut read = broker.submit(&words("XREAD BLOCK 0 STREAMS s $"));
    assert!(poll(&mut read, &counter).is_pending());
    drop(broker.submit(&words("XADD s 1-1 f v")));
    assert_eq!(counter.0.load(SeqCst), 1);
    assert!(poll(&mut read, &counter).is_pending() && !read.is_parked());
    broker.broker().log().step(false);
    assert_eq!(counter.0.load(SeqCst), 2);
    assert!(ready(poll(&mut read, &counter)).is_ok());
}

#[test]
fn a_reader_that_is_dropped_gets_nothing() {
    let broker = Ackline::memory();
    run(&broker, "XGROUP CREATE s g $ MKSTREAM");
    let read = |name: &str| broker.submit(&words(&format!("XREADGROUP GROUP g {name} BLOCK 0 STREAMS s >")));
    let (gone, mut stays) = (read("gone"), read("stays"));
    assert_eq!(broker.broker().parked(), 2);
    drop(gone);
    assert_eq!(broker.broker().parked(), 1);
    run(&broker, "XADD s 1-1 f v");
    assert!(ready(poll(&mut stays, &Arc::default())).is_ok());
    let owned = run(&broker, "XPENDING s g - + 10 gone");
    assert!(matches!(&owned, Reply::Array(rows) if rows.is_empty()), "{owned:?}");
}

#[test]
fn what_was_delivered_before_its_reader_left_is_in_the_history() {
    let broker = Ackline::memory();
    run(&broker, "XGROUP CREATE s g $ MKSTREAM");
    let read = broker.submit(&words("XREADGROUP GROUP g ann BLOCK 0 STREAMS s >"));
    run(&broker, "XADD s 1-1 f v");
    drop(read);
    let owned = run(&broker, "XPENDING s g - + 10 ann");
    assert!(matches!(&owned, Reply::Array(rows) if rows.len() == 1), "{owned:?}");
}

/// Readers come and leave while entries are added: each entry is delivered once, and none is lost with a reader.
#[test]
fn readers_that_come_and_go_lose_nothing() {
    const ENTRIES: i64 = 300;
    let broker = Ackline::memory();
    run(&broker, "XGROUP CREATE s g $ MKSTREAM");
    let left = Arc::new(AtomicI64::new(ENTRIES));
    let readers = (0..4).map(|name| {
        let (broker, left) = (broker.clone(), Arc::clone(&left));
        thread::spawn(move || {
            let line = format!("XREADGROUP GROUP g c{name} BLOCK 0 COUNT 1 STREAMS s >");
            while left.load(SeqCst) > 0 {
                drop(broker.submit(&words(&line)));
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    for _ in 0..ENTRIES {
        run(&broker, "XADD s * f v");
        left.fetch_sub(1, SeqCst);
    }
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    assert_eq!(broker.broker().parked(), 0);
    let count = |reply: Reply| match reply {
        Reply::Array(rows) => rows.len(),
        Reply::Pairs(mut streams) => match streams.remove(0).1 {
            Reply::Array(rows) => rows.len(),
            other => panic!("{other:?}"),
        },
        Reply::NullArray => 0,
        other => panic!("{other:?}"),
    };
    let pending = count(run(&broker, "XPENDING s g - + 1000"));
    let rest = count(run(&broker, "XREADGROUP GROUP g last STREAMS s >"));
    assert_eq!(pending + rest, ENTRIES as usize);
}

#[test]
fn a_runtime_is_not_needed() {
    let broker = Ackline::memory();
    let all = [broker.submit(&["INCR", "n"]), broker.submit(&["PING"]), broker.submit(&[""; 0])];
    let replies = all.map(|pending| text(&pending.wait()));
    assert_eq!(replies[0], "Int(1)");
    assert!(replies[1].starts_with("ERR unknown command 'PING'"), "{replies:?}");
    assert!(replies[2].starts_with("ERR unknown command ''"), "{replies:?}");
}
