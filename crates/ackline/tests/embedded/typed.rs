//! Calls with types, against what the engine makes of them.

use super::*;
use ackline::{
    Add, After, AutoClaim, Claim, Clock, Deletion, Delivered, Entry, ManualClock, Nack, PendingRange, Read,
    ReadGroup, References, StreamId, Trim,
};
use std::collections::BTreeMap;
use std::time::Duration;

const START: u64 = 1_000_000;

fn broker() -> (Ackline, ManualClock) {
    let clock = Clock::manual(START as i64);
    (Ackline::builder().clock(clock.clone()).memory(), clock)
}

fn id(ms: u64) -> StreamId {
    StreamId::new(ms, 0)
}

fn ids(ms: &[u64]) -> Vec<StreamId> {
    ms.iter().copied().map(id).collect()
}

fn ids_of(entries: &[Entry]) -> Vec<StreamId> {
    entries.iter().map(Entry::id).collect()
}

/// Entries 1-0 to 4-0, and a group that has read nothing.
fn sample() -> (Ackline, ManualClock) {
    let (broker, clock) = broker();
    for ms in 1..=4 {
        broker.add_with("s", Add::new().id(id(ms)), [("n", ms.to_string())]).wait().unwrap();
    }
    assert!(broker.create_group("s", "g", After::START).wait().unwrap());
    (broker, clock)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn an_entry_comes_back_as_it_was_added() {
    let (broker, _) = broker();
    let id = broker.add("s", [("item", "tea"), ("cups", "2"), ("item", "milk")]).wait().unwrap();
    assert_eq!(id, StreamId::new(START, 0));
    let all = broker.range("s", .., 10).wait().unwrap();
    let entry = &all[0];
    assert_eq!((all.len(), entry.id()), (1, id));
    assert_eq!(
        (entry.text("item"), entry.get("cups"), entry.get("sugar")),
        (Some("tea"), Some(&b"2"[..]), None)
    );
    let pairs: Vec<(&[u8], &[u8])> = entry.into_iter().collect();
    assert_eq!(pairs, [(&b"item"[..], &b"tea"[..]), (b"cups", b"2"), (b"item", b"milk")]);
    assert_eq!(entry.fields().len(), 3);
    assert_eq!(*entry, entry.clone());
    assert!(format!("{entry:?}").contains("tea"));
}

#[test]
fn fields_come_from_whatever_holds_pairs() {
    let (broker, _) = broker();
    let map = BTreeMap::from([("a".to_owned(), vec![0xff]), ("b".to_owned(), vec![])]);
    broker.add("s", &[("a", "1")]).wait().unwrap();
    broker.add("s", &map).wait().unwrap();
    broker.add("s", map).wait().unwrap();
    assert_eq!(broker.len("s").wait().unwrap(), 3);
    let last = broker.rev_range("s", .., 1).wait().unwrap().remove(0);
    assert_eq!((last.get("a"), last.text("a"), last.text("b")), (Some(&[0xff][..]), None, Some("")));
}

#[test]
fn adding_is_done_as_told() {
    let (broker, _) = broker();
    let none = Add::new().existing_only();
    assert_eq!(broker.add_with("s", none, [("n", "0")]).wait(), Ok(None));
    let once = Add::new().idempotent("shop", "order-1");
    let by_content = Add::new().idempotent_by_content("shop");
    for how in [once, by_content] {
        let twice = [(); 2].map(|()| broker.add_with("s", how, [("n", "1")]).wait().unwrap().unwrap());
        assert_eq!(twice[0], twice[1]);
    }
    assert_eq!(broker.len("s").wait().unwrap(), 2);
    let trimmed = Add::new().trim(Trim::max_len(1));
    broker.add_with("s", trimmed, [("n", "2")]).wait().unwrap();
    assert_eq!(broker.len("s").wait().unwrap(), 1);
    broker.add_with("s", Add::new().max_len(1), [("n", "3")]).wait().unwrap();
    assert_eq!(broker.len("s").wait().unwrap(), 2, "a block that is not too old as a whole stays");
    let error = broker.add_with("s", Add::new().id(id(1)), [("n", "4")]).wait().unwrap_err();
    assert!(error.to_string().contains("equal or smaller"), "{error}");
    assert!(broker.add("s", [("", ""); 0]).wait().is_err(), "an entry has a field");
}

#[test]
fn ranges_have_the_ends_that_ranges_have() {
    let (broker, _) = sample();
    let range = |found: Vec<Entry>| ids_of(&found);
    assert_eq!(range(broker.range("s", .., 9).wait().unwrap()), ids(&[1, 2, 3, 4]));
    assert_eq!(range(broker.range("s", id(2)..id(4), 9).wait().unwrap()), ids(&[2, 3]));
    assert_eq!(range(broker.range("s", id(2)..=id(4), 2).wait().unwrap()), ids(&[2, 3]));
    let behind = (std::ops::Bound::Excluded(id(2)), std::ops::Bound::Unbounded);
    assert_eq!(range(broker.range("s", behind, 9).wait().unwrap()), ids(&[3, 4]));
    assert_eq!(range(broker.rev_range("s", id(2).., 2).wait().unwrap()), ids(&[4, 3]));
    assert_eq!(range(broker.range("s", .., 0).wait().unwrap()), ids(&[]));
    assert_eq!(range(broker.range("none", .., 9).wait().unwrap()), ids(&[]));
}

#[test]
fn entries_go() {
    let (broker, _) = sample();
    assert_eq!(broker.delete("s", [id(1), id(9)]).wait(), Ok(1));
    assert_eq!(broker.delete("s", [StreamId::MIN; 0]).wait(), Ok(0));
    let needed = broker.delete_with("s", References::Acked, [id(2)]).wait().unwrap();
    assert_eq!(needed, [Deletion::Needed]);
    let gone = broker.delete_with("s", References::Delete, ids(&[2, 9])).wait().unwrap();
    assert_eq!(gone, [Deletion::Deleted, Deletion::Missing]);
    assert_eq!(
        broker.trim("s", Trim::min_id(id(4)).limit(10)).wait(),
        Ok(0),
        "not the whole block is too old"
    );
    assert_eq!(broker.trim("s", Trim::min_id(id(4))).wait(), Ok(1));
    assert_eq!(broker.trim("s", Trim::max_len(0).references(References::Delete)).wait(), Ok(1));
    let info = broker.stream_info("s").wait().unwrap();
    assert_eq!((info.len, info.groups, info.entries_added), (0, 1, 4));
    assert_eq!((info.last_id, info.max_deleted_id, info.first_entry), (id(4), id(2), None));
}

#[test]
fn streams_are_read_behind_positions() {
    let (broker, clock) = sample();
    let read = broker.read("s", id(2), Read::new()).wait().unwrap();
    assert_eq!(ids_of(&read), ids(&[3, 4]));
    assert_eq!(ids_of(&broker.read("s", After::START, Read::new().count(1)).wait().unwrap()), ids(&[1]));
    assert!(broker.read("s", After::Newest, Read::new()).wait().unwrap().is_empty());
    let late = broker.read("s", After::Newest, Read::new().block(seconds(5))).submit();
    clock.advance(seconds(5));
    assert!(late.wait().unwrap().is_empty());
    let waits = broker.read_many([("s", After::Newest), ("t", After::START)], Read::new().block_forever());
    let waits = waits.submit();
    broker.add("t", [("n", "1")]).wait().unwrap();
    let read = waits.wait().unwrap();
    assert_eq!((read.len(), &read[0].0[..], read[0].1.len()), (1, &b"t"[..], 1));
    let at_once = broker.read("s", After::Newest, Read::new().block(Duration::ZERO));
    assert!(at_once.wait().unwrap().is_empty(), "no time is no waiting");
    let for_ever = broker.read("s", After::Newest, Read::new().block(Duration::MAX)).submit();
    assert_eq!(broker.next_due(), None);
    drop(for_ever);
}

#[test]
fn a_group_is_created_once() {
    let (broker, _) = sample();
    assert_eq!(broker.create_group("s", "g", After::Newest).wait(), Ok(false));
    assert_eq!(broker.create_group("new", "g", After::Newest).wait(), Ok(true));
    let groups = broker.groups("s").wait().unwrap();
    assert_eq!((groups.len(), &groups[0].name[..], groups[0].lag), (1, &b"g"[..], Some(4)));
    assert_eq!(groups[0].last_delivered_id, StreamId::MIN);
    broker.set_id("s", "g", id(3)).wait().unwrap();
    assert_eq!(broker.groups("s").wait().unwrap()[0].last_delivered_id, id(3));
    assert_eq!(broker.destroy_group("s", "g").wait(), Ok(true));
    assert_eq!(broker.destroy_group("s", "g").wait(), Ok(false));
    let error = broker.read_group("s", ReadGroup::new("g", "ann")).wait().unwrap_err();
    assert_eq!(error.code(), "NOGROUP");
    broker.command(&["SET", "text", "x"]).unwrap();
    assert_eq!(broker.create_group("text", "g", After::START).wait().unwrap_err().code(), "WRONGTYPE");
}

fn delivered(all: &[Delivered]) -> Vec<(u64, Duration, u64)> {
    all.iter().map(|one| (one.id().ms, one.idle, one.deliveries)).collect()
}

#[test]
fn a_message_is_read_claimed_and_acknowledged() {
    let (broker, clock) = sample();
    let (ann, bob) = (ReadGroup::new("g", "ann"), ReadGroup::new("g", "bob"));
    let read = broker.read_group("s", ann.count(2)).wait().unwrap();
    assert_eq!(delivered(&read), [(1, seconds(0), 0), (2, seconds(0), 0)]);
    assert_eq!(read[0].text("n"), Some("1"), "what was delivered can be used like the entry");
    clock.advance(seconds(30));
    let read = broker.read_group("s", bob.count(3).claim(seconds(30))).wait().unwrap();
    assert_eq!(delivered(&read), [(1, seconds(30), 1), (2, seconds(30), 1), (3, seconds(0), 0)]);
    assert_eq!(broker.ack("s", "g", ids(&[1, 9])).wait(), Ok(1));
    assert_eq!(broker.ack("s", "g", ids(&[])).wait(), Ok(0));
    broker.delete("s", [id(2)]).wait().unwrap();
    let history = broker.history("s", bob, StreamId::MIN).wait().unwrap();
    assert_eq!(
        history.iter().map(|own| (own.id, own.entry.is_some())).collect::<Vec<_>>(),
        [(id(2), false), (id(3), true)]
    );
    assert!(broker.history("s", ann, StreamId::MIN).wait().unwrap().is_empty());
    let gone = broker.ack_delete("s", "g", References::Keep, ids(&[3, 4])).wait().unwrap();
    assert_eq!(gone, [Deletion::Deleted, Deletion::Missing]);
    let lost = broker.read_group("s", ann.noack()).wait().unwrap();
    assert_eq!(delivered(&lost), [(4, seconds(0), 0)]);
    assert_eq!(broker.pending("s", "g").wait().unwrap().count, 1);
    assert_eq!(broker.delete_consumer("s", "g", "bob").wait(), Ok(1));
}

#[test]
fn several_streams_are_read_for_a_group() {
    let (broker, _) = sample();
    broker.create_group("t", "g", After::START).wait().unwrap();
    let read = broker.read_group_many(["s", "t"], ReadGroup::new("g", "ann").count(1)).wait().unwrap();
    assert_eq!((read.len(), &read[0].0[..], read[0].1[0].id()), (1, &b"s"[..], id(1)));
    broker.set_id("s", "g", After::Newest).wait().unwrap();
    let waits = broker.read_group_many(["s", "t"], ReadGroup::new("g", "ann").block_forever()).submit();
    broker.add("t", [("n", "1")]).wait().unwrap();
    assert_eq!(&waits.wait().unwrap()[0].0[..], b"t");
}

#[test]
fn what_is_given_back_says_why() {
    let (broker, clock) = sample();
    broker.read_group("s", ReadGroup::new("g", "ann")).wait().unwrap();
    clock.advance(seconds(1));
    for (why, ms) in [(Nack::Silent, 1), (Nack::Fail, 2), (Nack::Fatal, 3), (Nack::Deliveries(7), 4)] {
        assert_eq!(broker.nack("s", "g", why, [id(ms), id(9)]).wait(), Ok(1));
    }
    assert_eq!(broker.nack("s", "g", Nack::Fail, ids(&[])).wait(), Ok(0));
    let rows = broker.pending_entries("s", "g", PendingRange::first(10)).wait().unwrap();
    let counts: Vec<u64> = rows.iter().map(|row| row.deliveries).collect();
    assert_eq!(counts, [0, 1, i64::MAX as u64, 7]);
    assert!(rows.iter().all(|row| row.owner.is_none() && row.idle.is_none()));
}

#[test]
fn pending_entries_are_counted_and_listed() {
    let (broker, clock) = sample();
    let empty = broker.pending("s", "g").wait().unwrap();
    assert_eq!((empty.count, empty.first, empty.consumers.len()), (0, None, 0));
    broker.read_group("s", ReadGroup::new("g", "ann").count(3)).wait().unwrap();
    clock.advance(seconds(2));
    broker.read_group("s", ReadGroup::new("g", "bob")).wait().unwrap();
    let summary = broker.pending("s", "g").wait().unwrap();
    assert_eq!((summary.count, summary.first, summary.last), (4, Some(id(1)), Some(id(4))));
    assert_eq!(summary.consumers, [(b"ann".to_vec(), 3), (b"bob".to_vec(), 1)]);
    let list = |which: PendingRange<'_>| -> Vec<(u64, Vec<u8>, Duration)> {
        let rows = broker.pending_entries("s", "g", which).wait().unwrap();
        rows.into_iter().map(|row| (row.id.ms, row.owner.unwrap(), row.idle.unwrap())).collect()
    };
    let all = PendingRange::first(10);
    assert_eq!(list(all).len(), 4);
    assert_eq!(list(all.owner("bob")), [(4, b"bob".to_vec(), seconds(0))]);
    assert_eq!(list(all.min_idle(seconds(2))).len(), 3);
    assert_eq!(
        list(all.within(id(2)..id(4)).owner("ann")),
        [(2, b"ann".to_vec(), seconds(2)), (3, b"ann".to_vec(), seconds(2))]
    );
    assert_eq!(list(PendingRange::first(1)).len(), 1);
}

#[test]
fn entries_change_hands() {
    let (broker, clock) = sample();
    broker.read_group("s", ReadGroup::new("g", "ann").count(3)).wait().unwrap();
    clock.advance(seconds(10));
    let bob = Claim::new("g", "bob").min_idle(seconds(10));
    let claimed = broker.claim("s", bob.idle(seconds(5)).deliveries(3), [id(1), id(4)]).wait().unwrap();
    assert_eq!(ids_of(&claimed), ids(&[1]));
    let row = broker.pending_entries("s", "g", PendingRange::first(1)).wait().unwrap().remove(0);
    assert_eq!((row.owner, row.idle, row.deliveries), (Some(b"bob".to_vec()), Some(seconds(5)), 3));
    assert_eq!(ids_of(&broker.claim("s", bob.force(), [id(4)]).wait().unwrap()), ids(&[4]));
    assert!(broker.claim("s", bob, ids(&[])).wait().unwrap().is_empty());
    broker.delete("s", [id(2)]).wait().unwrap();
    let sweep = AutoClaim::new("g", "eve", seconds(10));
    let swept = broker.autoclaim("s", sweep.start(id(2))).wait().unwrap();
    assert_eq!((ids_of(&swept.entries), swept.deleted, swept.next), (ids(&[3]), ids(&[2]), None));
    clock.advance(seconds(10));
    let swept = broker.autoclaim("s", sweep.count(1)).wait().unwrap();
    assert_eq!((ids_of(&swept.entries), swept.next), (ids(&[1]), Some(id(3))));
    let consumers = broker.consumers("s", "g").wait().unwrap();
    let eve = consumers.iter().find(|consumer| consumer.name == b"eve").unwrap();
    assert_eq!((eve.pending, eve.idle, eve.inactive), (2, seconds(0), Some(seconds(0))));
}

#[test]
fn a_call_is_made_once_it_is_awaited() {
    let (broker, _) = broker();
    drop(broker.add("s", [("n", "1")]));
    assert_eq!(broker.len("s").wait(), Ok(0));
    let mut lazy = broker.add("s", [("n", "1")]);
    assert_eq!(broker.len("s").wait(), Ok(0));
    assert!(poll(&mut lazy, &Arc::default()).is_ready());
    drop(broker.add("s", [("n", "2")]).submit());
    assert_eq!(broker.len("s").wait(), Ok(2));
}

#[test]
fn calls_are_made_together() {
    let (broker, _) = sample();
    broker.read_group("s", ReadGroup::new("g", "ann").count(1)).wait().unwrap();
    let nothing = broker.ack("s", "g", ids(&[]));
    let mut batch = broker.together((broker.ack("s", "g", [id(1)]), nothing, broker.add("t", [("n", "1")])));
    assert_eq!(broker.len("t").wait(), Ok(0));
    let Poll::Ready((acked, nothing, added)) = poll(&mut batch, &Arc::default()) else { panic!("not ready") };
    assert_eq!((acked, nothing, added), (Ok(1), Ok(0), Ok(StreamId::new(START, 0))));
    let made = broker.len("t").submit();
    let lens = broker.together(vec![broker.len("s"), made, broker.len("t")]).submit().wait();
    assert_eq!((&lens[0], &lens[2]), (&Ok(4), &Ok(1)));
    assert!(lens[1].as_ref().is_err_and(|error| error.to_string().contains("made before")));
}

#[test]
fn an_id_is_text_and_text_is_an_id() {
    assert_eq!("7-3".parse(), Ok(StreamId::new(7, 3)));
    assert_eq!(StreamId::new(7, 3).to_string(), "7-3");
    assert!("seven".parse::<StreamId>().is_err());
}

fn is_a_future<T: Future + Send + Unpin + 'static>(_: &T) {}

#[test]
fn futures_can_be_sent_and_kept() {
    let broker = Ackline::memory();
    is_a_future(&broker.submit(&["PING"]));
    is_a_future(&broker.submit_all(&[["PING"]]));
    is_a_future(&broker.len("s").submit());
    is_a_future(&broker.together((broker.len("s"), broker.len("t"))).submit());
}
