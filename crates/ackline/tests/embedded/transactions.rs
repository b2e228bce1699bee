//! Atomic batches.

use super::*;
use ackline::{LocalOptions, Options, Storage};
use ackline_log::faulty::FaultyDisk;
use std::thread;

fn all(lines: &[&str]) -> Vec<Vec<String>> {
    lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

fn texts(outcomes: &[Result<Reply, Error>]) -> Vec<String> {
    outcomes.iter().map(text).collect()
}

#[test]
fn each_command_answers_in_its_place() {
    let broker = Ackline::memory();
    let lines = ["SET a x", "INCR a", "NOSUCH", "XADD", "XREAD BLOCK 0 STREAMS s $", "INCR b"];
    let replies = texts(&broker.transaction(&all(&lines)));
    assert_eq!(replies[0], "Ok");
    assert!(replies[1].starts_with("ERR value is not an integer"), "{replies:?}");
    assert!(replies[2].starts_with("ERR unknown command"), "{replies:?}");
    assert!(replies[3].starts_with("ERR wrong number"), "{replies:?}");
    assert_eq!(&replies[4..], ["NullArray", "Int(1)"]);
    assert!(broker.transaction::<&str>(&[[""; 0]; 0]).is_empty());
}

/// A batch over several shards wakes those who wait for any of its keys, once it is whole.
#[test]
fn a_batch_serves_readers() {
    let broker = Ackline::memory();
    let read = broker.submit(&words("XREAD BLOCK 0 STREAMS a b $ $"));
    let done = broker.submit_all(&[["XADD", "b", "1-1", "f", "v"], ["XADD", "a", "1-1", "f", "v"]]);
    assert_eq!(texts(&done.wait()), ["Id(1-1)", "Id(1-1)"]);
    let reply = read.wait().unwrap();
    assert!(matches!(&reply, Reply::Pairs(streams) if streams.len() == 2), "{reply:?}");
}

/// Counters in several shards that go up together are equal in whatever a power cut leaves.
#[test]
fn a_power_cut_leaves_all_of_a_batch_or_nothing() {
    let disk = FaultyDisk::new();
    let local = LocalOptions { by_hand: true, ..LocalOptions::default() };
    let open =
        |disk: &FaultyDisk| Ackline::with(Options::new(Storage::On(Arc::new(disk.clone()), local))).unwrap();
    let broker = open(&disk);
    let batch: Vec<[String; 2]> = (0..6).map(|n| ["INCR".into(), format!("k{n}")]).collect();
    let mut images = Vec::new();
    for round in 0..20u32 {
        let mut pending = broker.submit_all(&batch);
        assert!(poll(&mut pending, &Arc::default()).is_pending());
        if round % 3 > 0 {
            broker.broker().log().step(false);
            assert!(pending.wait().iter().all(Result::is_ok));
        }
        let mut sectors = 0;
        images.push(disk.after_power_cut(&mut || {
            sectors += 1;
            (sectors + round) % 3 > 0
        }));
    }
    broker.broker().log().step(false);
    for image in images {
        let back = open(&image);
        let values: Vec<String> = (0..6).map(|n| text(&back.command(&["GET", &format!("k{n}")]))).collect();
        assert!(values.iter().all(|value| *value == values[0]), "{values:?}");
    }
}

#[test]
fn nobody_sees_half_of_a_batch() {
    let broker = Ackline::memory();
    let writer = broker.clone();
    let writer = thread::spawn(move || {
        (0..500).for_each(|_| drop(writer.transaction(&[["INCR", "a"], ["INCR", "b"], ["INCR", "c"]])));
    });
    while !writer.is_finished() {
        let seen = texts(&broker.transaction(&[["GET", "a"], ["GET", "b"], ["GET", "c"]]));
        assert!(seen.iter().all(|value| *value == seen[0]), "{seen:?}");
    }
    writer.join().unwrap();
}
