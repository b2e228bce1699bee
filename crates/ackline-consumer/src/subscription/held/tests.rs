use super::*;

const LONG: Duration = Duration::from_secs(8);

fn entry(seq: u64, lane: Option<&'static str>, deliveries: i64) -> Entry {
    let at = At { stream: 0, id: EntryId::new(1, seq) };
    Entry {
        at,
        fields: Fields::default(),
        deliveries,
        lane: lane.map(|name| Bytes::from_static(name.as_bytes())),
    }
}

fn begun(held: &mut Held) -> Option<u64> {
    held.begin(0).map(|entry| entry.at.id.seq)
}

#[test]
fn what_comes_back_before_it_is_known_to_be_away_is_begun_again() {
    let (mut held, now) = (Held::default(), Instant::now());
    assert!(held.hold(entry(1, None, 1), now));
    let first = held.begin(0).unwrap();
    held.give_back(first.at, None);
    assert!(!held.hold(entry(1, None, 2), now), "the server was faster");
    assert_eq!(begun(&mut held), None);
    assert!(held.confirm(first.at, now, LONG));
    assert_eq!(held.begin(0).map(|entry| entry.deliveries), Some(2));
    held.settle(first.at, None);
    assert!(!held.hold(entry(1, None, 3), now));
    assert!(!held.confirm(first.at, now, LONG), "what is acknowledged does not come back");
    assert_eq!((held.len(), held.busy()), (0, 0));
}

#[test]
fn one_of_a_lane_at_a_time_and_in_order() {
    let (mut held, now) = (Held::default(), Instant::now());
    for (seq, lane) in [(1, "a"), (3, "a"), (2, "a"), (4, "b")] {
        held.hold(entry(seq, Some(lane), 1), now);
    }
    let first = held.begin(0).unwrap();
    assert_eq!((first.at.id.seq, begun(&mut held), begun(&mut held)), (1, Some(4), None));
    held.delay(first.clone(), now);
    assert_eq!(begun(&mut held), None, "behind what waits");
    let due = held.due(now).unwrap();
    held.again(due);
    assert_eq!(begun(&mut held), Some(1));
    held.settle(first.at, first.lane.as_ref());
    assert_eq!((begun(&mut held), begun(&mut held)), (Some(2), None));
}

#[test]
fn what_another_consumer_has_is_neither_begun_nor_given_back() {
    let (mut held, now) = (Held::default(), Instant::now());
    for seq in 1..=4 {
        held.hold(entry(seq, None, 1), now);
    }
    let first = held.begin(0).unwrap();
    for seq in [1, 2] {
        held.lose(At { stream: 0, id: EntryId::new(1, seq) });
    }
    assert_eq!(begun(&mut held), Some(3));
    held.lose(At { stream: 0, id: EntryId::new(1, 4) });
    assert_eq!(held.stale(now).len(), 1);
    let (waiting, delayed) = held.take_idle();
    assert!(waiting.is_empty() && delayed.is_empty());
    let begun: Vec<u64> = held.take_begun().iter().map(|(at, _)| at.id.seq).collect();
    assert_eq!((begun, held.is_lost(first.at), held.busy()), (vec![3], true, 0));
}

/// Takes an entry in, and settles it at `confirmed`.
fn settled(held: &mut Held, entry: &Entry, begun: Instant, confirmed: Instant) {
    assert!(held.hold(entry.clone(), begun));
    held.begin(0);
    held.settle(entry.at, None);
    assert!(!held.confirm(entry.at, confirmed, LONG));
}

#[test]
fn what_is_settled_while_somebody_asks_is_not_begun_again_by_the_answer() {
    let (mut held, now, entry) = (Held::default(), Instant::now(), entry(1, None, 1));
    held.ask();
    settled(&mut held, &entry, now, now);
    assert!(!held.hold(entry.clone(), now));
    held.asked();
    held.tidy(now + LATEST);
    assert!(held.hold(entry, now), "somebody wants it again");
}

#[test]
fn what_was_not_renewed_for_long_may_come_back_by_itself() {
    let (mut held, now) = (Held::default(), Instant::now());
    settled(&mut held, &entry(1, None, 1), now, now + LONG);
    assert!(!held.hold(entry(1, None, 1), now + LONG));
    settled(&mut held, &entry(2, None, 1), now, now + LONG / 2);
    assert!(held.hold(entry(2, None, 1), now + LONG));
    held.start_over();
    assert!(held.hold(entry(1, None, 1), now + LONG), "a new group");
}

#[test]
fn what_was_given_back_may_come_again() {
    let (mut held, now, entry) = (Held::default(), Instant::now(), entry(1, None, 1));
    held.ask();
    assert!(held.hold(entry.clone(), now));
    held.begin(0);
    held.give_back(entry.at, None);
    assert!(!held.hold(entry.clone(), now), "it is not known yet that it was given back");
    assert!(held.confirm(entry.at, now, LONG), "it is here again");
}

#[test]
fn what_was_given_back_meanwhile_is_not_given_back_again() {
    let (mut held, now, entry) = (Held::default(), Instant::now(), entry(1, None, 1));
    assert!(held.hold(entry.clone(), now));
    held.take_idle();
    held.ask();
    held.confirm(entry.at, now, LONG);
    assert!(!held.hold_returning(entry.at, now));
}

#[test]
fn what_is_dropped_on_its_way_back_is_waited_for() {
    let (mut held, now, entry) = (Held::default(), Instant::now(), entry(1, None, 1));
    assert!(held.hold(entry.clone(), now));
    held.begin(0);
    held.take_begun();
    held.abandon(entry.at, None);
    assert_eq!(held.len(), 1);
}
