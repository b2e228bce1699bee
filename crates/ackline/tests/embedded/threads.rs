//! Many threads on one broker.

use super::*;
use ackline::{After, ReadGroup, StreamId, SyncMode};
use std::collections::BTreeSet;
use std::thread::{self, JoinHandle};

const PRODUCERS: usize = 4;
const WORKERS: usize = 4;
const EACH: usize = 150;

fn produce(broker: &Ackline, name: usize) -> JoinHandle<Vec<StreamId>> {
    let broker = broker.clone();
    thread::spawn(move || {
        let add = |n: usize| broker.add("jobs", [("n", format!("{name}.{n}"))]).wait().unwrap();
        (0..EACH).map(add).collect()
    })
}

/// Reads and acknowledges until it is given the last.
fn consume(broker: &Ackline, name: usize) -> JoinHandle<Vec<StreamId>> {
    let broker = broker.clone();
    thread::spawn(move || {
        let (name, mut done) = (format!("w{name}"), Vec::new());
        let read = ReadGroup::new("g", &name).count(7).block_forever();
        loop {
            let ids: Vec<StreamId> = match broker.read_group("jobs", read).wait() {
                Ok(jobs) => jobs.iter().map(|job| job.id()).collect(),
                Err(error) if error.code() == "NOGROUP" => return done,
                Err(error) => panic!("{error}"),
            };
            assert_eq!(broker.ack("jobs", "g", &ids).wait(), Ok(ids.len() as u64));
            done.extend(ids);
        }
    })
}

#[test]
fn every_entry_is_read_and_acknowledged_once() {
    let dir = tempfile::tempdir().unwrap();
    for broker in [Ackline::memory(), Ackline::builder().sync(SyncMode::EverySec).open(dir.path()).unwrap()] {
        broker.create_group("jobs", "g", After::START).wait().unwrap();
        let workers: Vec<_> = (0..WORKERS).map(|name| consume(&broker, name)).collect();
        let producers: Vec<_> = (0..PRODUCERS).map(|name| produce(&broker, name)).collect();
        let added: BTreeSet<_> =
            producers.into_iter().flat_map(|producer| producer.join().unwrap()).collect();
        assert_eq!(added.len(), PRODUCERS * EACH);
        while broker.groups("jobs").wait().unwrap()[0].lag != Some(0)
            || broker.pending("jobs", "g").wait().unwrap().count > 0
        {
            thread::yield_now();
        }
        // Ends the waiting of those who read for it.
        assert_eq!(broker.destroy_group("jobs", "g").wait(), Ok(true));
        let done: Vec<_> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
        assert_eq!(done.len(), added.len());
        assert_eq!(done.into_iter().collect::<BTreeSet<_>>(), added);
    }
}
