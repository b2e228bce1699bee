//! Blocked reads over several shards.

use super::*;
use ackline_log::sync::{Timeouts, explore};

/// Who answered a read at once, and who got an answer later.
fn answered(at_once: &[Option<(Reply, Lsn)>], answers: &Answers, ticket: Ticket) -> usize {
    let later = answers.lock().iter().filter(|(who, ..)| *who == ticket).count();
    later + usize::from(at_once[ticket as usize].is_some())
}

/// Readers over overlapping shards while all of them are written to: no deadlock, and each read is answered once, at a
/// position that is not before what it saw.
#[test]
fn a_read_over_several_shards_is_answered_once() {
    explore(500, Timeouts::Never, || {
        let answers = Answers::default();
        let disk = FaultyDisk::new();
        let broker = open(&disk, &answers);
        let [a, b, c] = [0, 1, 2].map(key);
        let lines = [(0, &a, &b), (1, &c, &b), (2, &c, &a)]
            .map(|(ticket, one, other)| (ticket, format!("XREAD BLOCK 0 STREAMS {one} {other} 0 0")));
        let readers = lines.map(|(ticket, line)| spawn(&broker, move |broker| call(broker, &line, ticket)));
        let lines = [vec![a], vec![b, c]];
        let writers = lines.map(|keys| {
            let lines: Vec<String> = keys.iter().map(|key| format!("XADD {key} 1-1 f v")).collect();
            spawn(&broker, move |broker| batch(broker, &lines))
        });
        let added = join(writers);
        let at_once = join(readers);
        let each: Vec<usize> = (0..3).map(|ticket| answered(&at_once, &answers, ticket)).collect();
        assert_eq!((each, broker.parked()), (vec![1; 3], 0));
        let first = added.into_iter().min().unwrap();
        assert!(at_once.iter().flatten().all(|(_, lsn)| *lsn >= first));
        assert!(answers.lock().iter().all(|(_, _, lsn)| *lsn >= first));
    });
}

/// The same for a group, while a client leaves: what is delivered is in the log, and who gets nothing is still there to be
/// answered.
#[test]
fn an_entry_goes_to_one_reader_of_a_group() {
    explore(500, Timeouts::Never, || {
        let answers = Answers::default();
        let disk = FaultyDisk::new();
        let broker = open(&disk, &answers);
        let [a, b] = [0, 1].map(key);
        for key in [&a, &b] {
            call(&broker, &format!("XGROUP CREATE {key} g $ MKSTREAM"), 0);
        }
        let lines = [0, 1].map(|name| format!("XREADGROUP GROUP g {name} BLOCK 0 STREAMS {a} {b} > >"));
        let lines = (0..).zip(lines);
        let readers = lines.map(|(ticket, line)| spawn(&broker, move |broker| call(broker, &line, ticket)));
        let readers: Vec<_> = readers.collect();
        let leaves = spawn(&broker, |broker| broker.unpark(0, Ok(Reply::Int(0))));
        let writers = [a.clone(), b.clone()]
            .map(|key| spawn(&broker, move |broker| call(broker, &format!("XADD {key} 1-1 f v"), 9)));
        join(writers);
        let at_once = join(readers);
        join([leaves]);
        for ticket in 0..2 {
            let waits = answered(&at_once, &answers, ticket) == 0;
            assert_eq!(broker.unpark(ticket, Ok(Reply::Int(0))), waits);
            assert_eq!(answered(&at_once, &answers, ticket), 1, "reader {ticket}");
        }
        assert_eq!(broker.parked(), 0);
        let digest = broker.digest();
        broker.close().unwrap();
        assert_eq!(reopened(&disk), digest, "what was delivered is in the log, in the order in which it was");
    });
}

/// The deadline of a read, and what it waits for, at the same time: one of them answers it.
#[test]
fn a_deadline_and_an_entry_answer_once() {
    explore(500, Timeouts::Any, || {
        const START: i64 = 1_000_000;
        ackline::simulate(Some(START));
        let answers = Answers::default();
        let broker = open(&FaultyDisk::new(), &answers);
        Broker::start_timer(&broker);
        let [a, b] = [0, 1].map(key);
        let read = format!("XREAD BLOCK 100 STREAMS {a} {b} 0 0");
        let reader = spawn(&broker, move |broker| call(broker, &read, 0));
        let writer = spawn(&broker, move |broker| call(broker, &format!("XADD {b} 1-1 f v"), 9));
        let clock = thread::spawn(|| ackline::simulate(Some(START + 200)));
        join([clock]);
        let at_once = join([reader]);
        while answered(&at_once, &answers, 0) == 0 {
            thread::yield_now();
        }
        join([writer]);
        broker.close().unwrap();
        assert_eq!((answered(&at_once, &answers, 0), broker.parked()), (1, 0));
    });
}

/// A deadline that has passed when it is set: nothing but the setting wakes the timer.
#[test]
fn a_deadline_is_not_missed() {
    explore(500, Timeouts::Never, || {
        const START: i64 = 1_000_000;
        ackline::simulate(Some(START + 200));
        let answers = Answers::default();
        let broker = open(&FaultyDisk::new(), &answers);
        Broker::start_timer(&broker);
        let readers = [0, 1].map(|ticket| {
            let read = format!("XREAD BLOCK 100 STREAMS {} {} 0 0", key(0), key(1));
            let ctx = Context { now: START, ..context(ticket) };
            spawn(&broker, move |broker| call_in(broker, &read, ctx).is_some())
        });
        assert_eq!(join(readers), [false, false]);
        while answers.lock().len() < 2 {
            thread::yield_now();
        }
        broker.close().unwrap();
        assert_eq!(broker.parked(), 0);
    });
}

/// Without anybody who writes, time alone answers: the timer rings although its waits end whenever they like.
#[test]
fn time_alone_answers() {
    explore(400, Timeouts::Any, || {
        const START: i64 = 1_000_000;
        ackline::simulate(Some(START));
        let answers = Answers::default();
        let broker = open(&FaultyDisk::new(), &answers);
        Broker::start_timer(&broker);
        let read = format!("XREAD BLOCK 100 STREAMS {} {} 0 0", key(0), key(1));
        let reader =
            spawn(&broker, move |broker| call_in(broker, &read, Context { now: START, ..context(0) }));
        let clock = thread::spawn(|| ackline::simulate(Some(START + 200)));
        assert!(reader.join().unwrap().is_none());
        clock.join().unwrap();
        while answers.lock().is_empty() {
            thread::yield_now();
        }
        broker.close().unwrap();
    });
}

/// The timer of a broker that is dropped ends, and keeps nothing.
#[test]
fn a_dropped_broker_takes_its_timer_along() {
    explore(400, Timeouts::Never, || {
        let broker = open(&FaultyDisk::new(), &Answers::default());
        Broker::start_timer(&broker);
        let gone = Arc::downgrade(&broker);
        // Meanwhile the timer may have fallen asleep.
        (0..4).for_each(|_| _ = call(&broker, "SET key value", 0));
        drop(broker);
        while gone.upgrade().is_some() {
            thread::yield_now();
        }
    });
}
