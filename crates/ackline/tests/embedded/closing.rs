//! The end of a broker, and what the next one finds.

use super::*;
use ackline::{Growth, OpenError, SyncMode};
use ackline_log::LogError;
use std::sync::mpsc;
use std::thread;

fn bytes(reply: &Reply) -> &[u8] {
    match reply {
        Reply::Bulk(bytes) => bytes,
        Reply::Name(bytes) => bytes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_dropped_can_be_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..4 {
        let broker = Ackline::open(dir.path()).unwrap();
        let reply = broker.command(&["INCR", "n"]).unwrap();
        assert!(matches!(reply, Reply::Int(n) if n == round), "{reply:?}");
    }
}

/// Nothing that outlives the broker keeps its directory.
#[test]
fn what_is_left_over_does_not_keep_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Ackline::open(dir.path()).unwrap();
    let (inner, read) = (Arc::clone(broker.broker()), broker.submit(&words("XREAD BLOCK 0 STREAMS s $")));
    let written = broker.submit(&["SET", "k", "v"]);
    let clone = broker.clone();
    drop(broker);
    run(&clone, "SET k w");
    drop(clone);
    let next = Ackline::open(dir.path()).unwrap();
    assert_eq!(bytes(&run(&next, "GET k")), b"w");
    assert!(written.wait().is_ok());
    assert_eq!(text(&read.wait()), "ERR the broker is closed");
    assert!(!inner.checkpoint().unwrap(), "it writes nothing any more");
}

#[test]
fn a_directory_has_one_broker() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Ackline::open(dir.path()).unwrap();
    assert!(matches!(Ackline::open(dir.path()), Err(OpenError::Log(LogError::Locked(_)))));
    broker.close().unwrap();
    Ackline::open(dir.path()).unwrap();
}

#[test]
fn after_the_end_every_call_gets_an_error() {
    let dir = tempfile::tempdir().unwrap();
    for broker in [Ackline::memory(), Ackline::open(dir.path()).unwrap()] {
        let waits = broker.clone();
        let (tell, told) = mpsc::channel();
        let waits = thread::spawn(move || {
            let read = waits.submit(&words("XREAD BLOCK 0 STREAMS s $"));
            tell.send(()).unwrap();
            read.wait()
        });
        told.recv().unwrap();
        broker.close().unwrap();
        broker.close().unwrap();
        let closed = "ERR the broker is closed";
        assert_eq!(text(&waits.join().unwrap()), closed);
        assert_eq!(text(&broker.command(&["INCR", "n"])), closed);
        assert_eq!(text(&broker.transaction(&[["INCR", "n"]])[0]), closed);
        assert_eq!(text(&broker.submit(&words("XREAD BLOCK 0 STREAMS s $")).wait()), closed);
    }
}

/// Whatever runs while the broker is closed ends, one way or another, and what was acknowledged is there afterwards.
#[test]
fn calls_that_meet_the_end_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    for round in 1..6 {
        let broker = Ackline::open(dir.path()).unwrap();
        let threads = (0..4).map(|name| {
            let broker = broker.clone();
            thread::spawn(move || {
                let key = format!("r{round}-{name}");
                let done = (0..).take_while(|_| broker.command(&["INCR", &key]).is_ok()).count();
                let reads = broker.command(&words("XREAD BLOCK 0 STREAMS s $")).is_err();
                (key, done, reads)
            })
        });
        let threads: Vec<_> = threads.collect();
        run(&broker, "SET k v");
        broker.close().unwrap();
        let next = Ackline::open(dir.path()).unwrap();
        for thread in threads {
            let (key, done, reads) = thread.join().unwrap();
            let kept = text(&next.command(&["INCR", &key]));
            let kept: usize =
                kept.strip_prefix("Int(").and_then(|n| n.strip_suffix(')')).unwrap().parse().unwrap();
            assert!(kept > done && kept <= done + 2, "{kept} after {done} that were acknowledged");
            assert!(reads);
        }
    }
}

/// A task that goes, with the last owner in it, when the log's own thread wakes it.
#[test]
fn the_last_owner_may_go_on_the_thread_of_the_log() {
    struct Last(std::sync::Mutex<Option<Ackline>>, mpsc::Sender<()>);
    impl Wake for Last {
        fn wake(self: Arc<Last>) {
            drop(self.0.lock().unwrap().take());
            self.1.send(()).unwrap();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let broker = Ackline::open(dir.path()).unwrap();
    let (tell, told) = mpsc::channel();
    let mut pending = broker.submit(&["SET", "k", "v"]);
    let waker = Waker::from(Arc::new(Last(std::sync::Mutex::new(Some(broker)), tell)));
    if Pin::new(&mut pending).poll(&mut Context::from_waker(&waker)).is_ready() {
        waker.wake();
    }
    told.recv().unwrap();
    let next = Ackline::open(dir.path()).unwrap();
    assert_eq!(bytes(&run(&next, "GET k")), b"v");
}

/// A log that grows is cut without anybody asking.
#[test]
fn growth_makes_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let growth = Growth { percent: 100, bytes_min: 20_000 };
    let builder = Ackline::builder().sync(SyncMode::No).growth(growth).segment_bytes(4096);
    let broker = builder.open(dir.path()).unwrap();
    let value = "v".repeat(1000);
    while broker.broker().checkpoint_status().count < 2 {
        (0..50).for_each(|_| drop(broker.command(&["SET", "k", &value]).unwrap()));
    }
    assert!(broker.broker().log().first() > 0, "the oldest of the log is gone");
    drop(broker);
    assert_eq!(bytes(&run(&Ackline::open(dir.path()).unwrap(), "GET k")), value.as_bytes());
}
