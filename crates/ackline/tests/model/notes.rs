//! What listeners are told while several threads change the same key.

use super::*;
use ackline::{Note, Wanted};
use ackline_log::sync::{Timeouts, explore};

/// What a listener was told of one key, each with its position.
type Told = Arc<Mutex<Vec<(Note, Lsn)>>>;

fn listening() -> (Arc<Broker>, Told) {
    let told = Told::default();
    let ear = Arc::clone(&told);
    let listener = move |notes: Vec<Note>, lsn| ear.lock().extend(notes.into_iter().map(|note| (note, lsn)));
    let options = Options { listener: Box::new(listener), ..options(Storage::None) };
    (Arc::new(Broker::open(options, Box::new(|_, _| {})).unwrap()), told)
}

/// Batches on one key are told in the order in which they changed it, each before its call returns.
#[test]
fn events_of_a_key_come_in_the_order_of_its_changes() {
    explore(500, Timeouts::Never, || {
        let (broker, told) = listening();
        broker.want(Wanted::STRING);
        let add = |broker: &Broker| call(broker, &format!("INCR {}", key(0)), 0).unwrap().1;
        let writers = [0, 1, 2].map(|_| {
            let told = Arc::clone(&told);
            spawn(&broker, move |broker| {
                let lsn = add(broker);
                assert!(told.lock().iter().any(|(_, of)| *of == lsn));
            })
        });
        join(writers);
        let positions: Vec<Lsn> = told.lock().iter().map(|(_, lsn)| *lsn).collect();
        assert_eq!(positions.len(), 3);
        assert!(positions.is_sorted(), "{positions:?}");
    });
}

/// Who asks for touches and then reads what a key was before somebody changed it is told of the change.
#[test]
fn who_read_what_was_is_told_that_it_is_no_longer() {
    explore(500, Timeouts::Never, || {
        let (broker, told) = listening();
        let reader = spawn(&broker, |broker| {
            broker.want(Wanted::TOUCHES);
            matches!(call(broker, &format!("EXISTS {}", key(0)), 0), Some((Reply::Int(0), _)))
        });
        let writer = spawn(&broker, |broker| call(broker, &format!("SET {} x", key(0)), 0));
        let read_before = reader.join().unwrap();
        writer.join().unwrap();
        assert!(!read_before || told.lock().len() == 1);
    });
}
