//! Mailboxes and the gate between threads, under the schedules of a model.

use super::*;
use crate::output::Output;
use ackline::{LocalOptions, Log};
use ackline_log::faulty::FaultyDisk;
use ackline_log::sync::thread::{self, JoinHandle};
use ackline_log::sync::{Condvar, Timeouts, explore, explore_all};
use ackline_log::{Directory, Durable, LocalLog, MemoryLog};

/// Stands in for the system's wake-ups: who is woken while awake does not fall asleep next.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    ring: Condvar,
}

impl Wake for Arc<Bell> {
    fn wake(&self) -> std::io::Result<()> {
        *self.rung.lock() = true;
        self.ring.notify_one();
        Ok(())
    }
}

impl Bell {
    /// Sleeps until woken; no timeout repairs what is lost.
    fn sleep(&self) {
        let mut rung = self.rung.lock();
        while !std::mem::take(&mut *rung) {
            self.ring.wait(&mut rung);
        }
    }
}

/// What one I/O thread has, the connections of one client included.
struct Loop {
    bell: Arc<Bell>,
    mailbox: Arc<Mailbox<Arc<Bell>>>,
    out: Output,
    sealed: Vec<Lsn>,
    left: usize,
}

impl Loop {
    /// A thread that hears of a log.
    fn of(log: &dyn Log) -> Loop {
        let bell = Arc::new(Bell::default());
        let mailbox = Arc::new(Mailbox::new(Arc::clone(&bell)));
        let told = Arc::clone(&mailbox);
        log.durable().subscribe(Box::new(move || told.log_advanced()));
        Loop { bell, mailbox, out: Output::default(), sealed: Vec::new(), left: 0 }
    }

    /// A reply that saw the log at `lsn`.
    fn reply(&mut self, lsn: Lsn) {
        self.out.bytes().push(0);
        self.out.seal(lsn);
        self.sealed.push(lsn);
    }

    /// What the driver does after each event. True if replies are still held back.
    fn follow(&mut self, durable: &Durable) -> bool {
        let Loop { mailbox, out, sealed, left, .. } = self;
        mailbox.look_at_log(|| {
            let count = out.ready(durable.lsn()).len();
            out.advance(count);
            *left += count;
            let newest = sealed[..*left].iter().max().copied().unwrap_or(0);
            assert!(newest <= durable.lsn(), "a reply left before its batch was durable");
            out.is_held()
        });
        self.out.is_held()
    }

    /// Until every reply has left, or none ever will.
    fn run(&mut self, durable: &Durable) {
        while self.follow(durable) && !durable.poisoned() {
            self.bell.sleep();
        }
    }
}

/// Asking, looking and falling asleep against an advance: all schedules.
#[test]
fn no_advance_is_missed() {
    explore_all(|| {
        let bell = Arc::new(Bell::default());
        let mailbox = Arc::new(Mailbox::new(Arc::clone(&bell)));
        let position = Arc::new(AtomicBool::new(false));
        let (log, advanced) = (Arc::clone(&mailbox), Arc::clone(&position));
        thread::spawn(move || {
            advanced.store(true, Ordering::SeqCst);
            log.log_advanced();
        });
        let mut held = true;
        let mut look = || {
            held = !position.load(Ordering::SeqCst);
            held
        };
        mailbox.look_at_log(&mut look);
        if held {
            bell.sleep();
            assert!(position.load(Ordering::SeqCst));
        }
    });
}

/// Whatever the log does meanwhile, every reply leaves, and none too early.
#[test]
fn no_reply_is_held_for_ever() {
    explore(3000, Timeouts::Never, || {
        let log = Arc::new(MemoryLog::new());
        let mut io = Loop::of(&*log);
        (1..=3).for_each(|lsn| io.reply(lsn));
        for _ in 0..3 {
            let log = Arc::clone(&log);
            thread::spawn(move || log.append(b"x"));
        }
        io.run(log.durable());
        assert_eq!(io.left, 3);
    });
}

fn local(disk: &FaultyDisk) -> Arc<LocalLog> {
    let options = LocalOptions { segment_bytes: 4096, seed: Some(1), ..LocalOptions::default() };
    let log = LocalLog::open(Directory::on(Arc::new(disk.clone())), options, &mut |_, _| {});
    Arc::new(log.expect("an empty disk"))
}

/// An I/O thread that runs commands and replies to them. Answers how many replies it had, and how many left.
fn io(log: &Arc<LocalLog>) -> JoinHandle<(usize, usize)> {
    let (log, mut io) = (Arc::clone(log), Loop::of(&**log));
    thread::spawn(move || {
        for _ in 0..2 {
            io.reply(log.append(b"x"));
            io.follow(log.durable());
        }
        io.run(log.durable());
        (io.sealed.len(), io.left)
    })
}

/// The same between several threads and the log on a disk.
#[test]
fn every_reply_leaves_once_it_may() {
    explore(600, Timeouts::Never, || {
        let log = local(&FaultyDisk::new());
        let threads = [io(&log), io(&log)];
        assert_eq!(threads.map(|thread| thread.join().unwrap()), [(2, 2); 2]);
        log.close().unwrap();
    });
}

/// A log that fails wakes the threads that wait for it.
#[test]
fn nobody_waits_for_a_log_that_failed() {
    explore(600, Timeouts::Never, || {
        let disk = FaultyDisk::new();
        let log = local(&disk);
        disk.calls_left.store(1, std::sync::atomic::Ordering::SeqCst);
        let threads = [io(&log), io(&log)];
        assert_eq!(threads.map(|thread| thread.join().unwrap()), [(2, 0); 2]);
        assert!(log.close().is_err());
    });
}

/// Every message arrives, in the order of its sender, although only who sleeps is woken.
#[test]
fn every_message_arrives() {
    explore(2500, Timeouts::Never, || received(&[2, 2, 1]));
}

/// The same with fewer messages and all schedules.
#[test]
fn every_message_arrives_whatever_happens() {
    explore_all(|| received(&[2]));
}

/// The same with messages that are sent together.
#[test]
fn messages_that_are_sent_together_arrive_whatever_happens() {
    explore_all(|| {
        let (bell, mailbox) = sleeper();
        let sender = Arc::clone(&mailbox);
        thread::spawn(move || {
            sender.send_all(vec![]);
            sender.send_all(vec![Msg::Kill(0), Msg::Kill(1)]);
            sender.send(Msg::Kill(2));
        });
        assert_eq!(receive(&bell, &mailbox, 3), [0, 1, 2]);
    });
}

fn sleeper() -> (Arc<Bell>, Arc<Mailbox<Arc<Bell>>>) {
    let bell = Arc::new(Bell::default());
    let mailbox = Arc::new(Mailbox::new(Arc::clone(&bell)));
    (bell, mailbox)
}

/// What the driver does, until so many messages have come.
fn receive(bell: &Bell, mailbox: &Mailbox<Arc<Bell>>, count: usize) -> Vec<u64> {
    let mut got = Vec::new();
    while got.len() < count {
        if mailbox.may_sleep() {
            bell.sleep();
        }
        got.extend(mailbox.take().into_iter().map(|msg| match msg {
            Msg::Kill(n) => n,
            other => panic!("{other:?}"),
        }));
    }
    got
}

/// Sends so many messages from each of some threads.
fn received(senders: &[u64]) {
    let (bell, mailbox) = sleeper();
    for (sender, count) in (0..).zip(senders.to_vec()) {
        let mailbox = Arc::clone(&mailbox);
        thread::spawn(move || (0..count).for_each(|n| mailbox.send(Msg::Kill(sender * 10 + n))));
    }
    let got = receive(&bell, &mailbox, senders.iter().sum::<u64>() as usize);
    for (sender, count) in (0..).zip(senders) {
        let own: Vec<u64> = got.iter().copied().filter(|n| n / 10 == sender).collect();
        assert!(own.into_iter().eq((0..*count).map(|n| sender * 10 + n)), "{got:?}");
    }
}
