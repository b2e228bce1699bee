//! Snapshots taken while batches over several shards run.

use super::*;
use ackline_log::sync::{Timeouts, explore};

/// What a restart makes of snapshot and log is what was there: a batch is in the snapshots of all its shards or of none.
/// Entries are never overwritten, so that none can be lost or doubled unseen.
#[test]
fn a_batch_is_in_the_snapshots_of_all_its_shards_or_of_none() {
    explore(500, Timeouts::Never, || {
        let disk = FaultyDisk::new();
        let broker = open(&disk, &Answers::default());
        let [a, b, c] = [0, 1, 2].map(key);
        let [from, to] = [0, 1].map(|shard| named("moved", shard));
        let add = |key: &String| format!("XADD {key} * f v");
        // What creates a key makes it empty, so that a batch applied twice would show only behind that.
        let before = [add(&a), add(&b), add(&c), format!("SET {from} x")];
        broker.log().sync(batch(&broker, &before));
        let batches = [
            vec![vec![add(&a), add(&b)], vec![add(&b), add(&c)]],
            vec![vec![add(&c), add(&a)], vec![add(&b)]],
            vec![vec![format!("RENAME {from} {to}")], vec![add(&a)]],
        ];
        let writers = batches.map(|batches| {
            spawn(&broker, move |broker| {
                batches.iter().for_each(|lines| _ = batch(broker, lines));
            })
        });
        let checkpoint = spawn(&broker, |broker| _ = broker.begin_checkpoint().unwrap().finish().unwrap());
        join(writers.into_iter().chain([checkpoint]));
        let digest = broker.digest();
        broker.close().unwrap();
        assert_eq!(reopened(&disk), digest);
    });
}

/// A checkpoint that was asked for comes, once; the thread that makes them ends when the broker is closed.
#[test]
fn a_checkpoint_that_was_asked_for_comes() {
    explore(300, Timeouts::Never, || {
        let disk = FaultyDisk::new();
        let broker = open(&disk, &Answers::default());
        call(&broker, &format!("XADD {} 1-1 f v", key(0)), 0);
        Broker::start_checkpoints(&broker);
        // The second time there is nothing new.
        for _ in 0..2 {
            assert!(broker.ask_for_checkpoint());
            while broker.checkpoint_status().running {
                thread::yield_now();
            }
        }
        assert_eq!(broker.checkpoint_status().count, 1);
        broker.close().unwrap();
        assert_eq!(reopened(&disk), broker.digest());
    });
}
