use super::*;

const LONG: Duration = Duration::from_secs(8);

fn entry(number: u64) -> Entry {
    let at = At { stream: 0, id: EntryId::new(number, 0) };
    Entry { at, fields: Fields::default(), deliveries: 1, lane: None }
}

/// Takes an entry in, and settles it at `confirmed`.
fn settled(held: &mut Held, entry: &Entry, begun: Instant, confirmed: Instant) {
    assert!(held.hold(entry.clone(), begun));
    held.begin();
    held.settle(entry.at, None);
    assert!(!held.confirm(entry.at, confirmed, LONG));
}

#[test]
fn what_is_settled_while_somebody_asks_is_not_begun_again_by_the_answer() {
    let (mut held, now, entry) = (Held::default(), Instant::now(), entry(1));
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
    settled(&mut held, &entry(1), now, now + LONG);
    assert!(!held.hold(entry(1), now + LONG));
    settled(&mut held, &entry(2), now, now + LONG / 2);
    assert!(held.hold(entry(2), now + LONG));
    held.start_over();
    assert!(held.hold(entry(1), now + LONG), "a new group");
}

#[test]
fn what_was_given_back_may_come_again() {
    let (mut held, now, entry) = (Held::default(), Instant::now(), entry(1));
    held.ask();
    assert!(held.hold(entry.clone(), now));
    held.begin();
    held.give_back(entry.at, None);
    assert!(!held.hold(entry.clone(), now), "it is not known yet that it was given back");
    assert!(held.confirm(entry.at, now, LONG), "it is here again");
}

#[test]
fn what_was_given_back_meanwhile_is_not_given_back_again() {
    let (mut held, now, entry) = (Held::default(), Instant::now(), entry(1));
    assert!(held.hold(entry.clone(), now));
    held.take_idle();
    held.ask();
    held.confirm(entry.at, now, LONG);
    assert!(!held.hold_returning(entry.at, now));
}

#[test]
fn what_is_dropped_on_its_way_back_is_waited_for() {
    let (mut held, now, entry) = (Held::default(), Instant::now(), entry(1));
    assert!(held.hold(entry.clone(), now));
    held.begin();
    held.take_begun();
    held.abandon(entry.at, None);
    assert_eq!(held.len(), 1);
}
