use super::*;
use crate::view::{Consumer, Group, Pending, Stream};
use proptest::prelude::*;

const NOW: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;

fn consumer(name: &str, pending: i64, idle: i64) -> Consumer {
    Consumer { name: name.into(), pending, idle, inactive: Some(idle) }
}

fn pending(n: i64, consumer: &str, idle: i64, deliveries: i64) -> Pending {
    Pending { id: format!("{}-{n}", NOW - 10_000), consumer: consumer.into(), idle, deliveries }
}

/// 100 entries added and read, all acknowledged, ann has just asked for more.
fn healthy() -> GroupFacts {
    let last = format!("{}-100", NOW - 10_000);
    GroupFacts {
        now: NOW,
        stream: Stream {
            name: b"orders".to_vec(),
            length: 100,
            last_id: last.clone(),
            entries_added: 100,
            max_deleted_id: "0-0".to_owned(),
            first_entry_id: Some(format!("{}-1", NOW - 10_000)),
            last_entry_id: Some(last.clone()),
            groups: 1,
            memory: None,
        },
        group: Group {
            name: b"shop".to_vec(),
            consumers: 1,
            pending: 0,
            last_delivered_id: last,
            entries_read: Some(100),
            lag: Some(0),
        },
        consumers: vec![consumer("ann", 0, 5)],
        can_release: true,
        ..GroupFacts::default()
    }
}

/// The healthy group with some entries pending, and whoever holds them.
fn holding(consumers: Vec<Consumer>, sample: Vec<Pending>) -> GroupFacts {
    let mut facts = healthy();
    facts.group.pending = sample.len() as i64;
    facts.released = sample.iter().filter(|one| one.idle < 0).count() as i64;
    facts.group.consumers = consumers.len() as i64;
    (facts.consumers, facts.sample) = (consumers, sample);
    facts
}

/// The healthy group with entries that wait.
fn waiting(consumers: Vec<Consumer>) -> GroupFacts {
    let mut facts = holding(consumers, Vec::new());
    facts.group.lag = Some(12);
    facts.group.entries_read = Some(88);
    facts.group.last_delivered_id = format!("{}-88", NOW - 10_000);
    facts
}

fn finding(facts: &GroupFacts, kind: &str) -> Option<Finding> {
    diagnose(facts).into_iter().find(|finding| finding.kind == kind)
}

/// The finding is there with this severity and these commands, and not in the counterpart.
fn told(
    facts: &GroupFacts,
    counterpart: &GroupFacts,
    kind: &str,
    severity: Severity,
    commands: &[&str],
) -> Finding {
    let found = finding(facts, kind).unwrap_or_else(|| panic!("no {kind} in {:?}", diagnose(facts)));
    assert_eq!(found.severity, severity, "{kind}");
    let shown: Vec<String> = found.commands.iter().map(ToString::to_string).collect();
    assert_eq!(shown, commands, "{kind}");
    assert_eq!(finding(counterpart, kind), None);
    found
}

#[test]
fn a_healthy_group_is_told_to_be_healthy_and_nothing_else() {
    let found = diagnose(&healthy());
    assert_eq!(found.iter().map(|one| one.kind).collect::<Vec<_>>(), ["healthy"]);
    assert_eq!(health(&found), "ok");
}

#[test]
fn nobody_is_there_to_read() {
    let commands =
        ["XREADGROUP GROUP shop <CONSUMER> COUNT 10 STREAMS orders >", "XGROUP DESTROY orders shop"];
    let found = told(
        &waiting(vec![]),
        &waiting(vec![consumer("ann", 0, 5)]),
        "no_consumers",
        Severity::Critical,
        &commands,
    );
    assert_eq!(found.title, "12 entries wait, and the group has no consumer");
    assert_eq!(health(&[found]), "stuck");
}

#[test]
fn those_who_are_there_do_not_read() {
    let (silent, reading) =
        (vec![consumer("ann", 0, 3 * MINUTE), consumer("bob", 0, 2 * MINUTE)], vec![consumer("ann", 0, 5)]);
    let commands = ["XINFO CONSUMERS orders shop", "CLIENT LIST"];
    let found =
        told(&waiting(silent.clone()), &waiting(reading), "nobody_reads", Severity::Critical, &commands);
    assert_eq!(found.title, "12 entries wait, and nobody has asked for 2m");
    // Silence is no problem while there is nothing to read: they wait in a blocking read.
    assert_eq!(finding(&holding(silent, vec![]), "nobody_reads"), None);
}

#[test]
fn a_dead_consumer_holds_entries() {
    let of = |idle| {
        let held = vec![pending(1, "old", idle, 1), pending(2, "old", idle, 1)];
        holding(vec![consumer("old", 2, idle), consumer("ann", 0, 5)], held)
    };
    let (first, second) = (format!("{}-1", NOW - 10_000), format!("{}-2", NOW - 10_000));
    let release = format!("XNACK orders shop SILENT IDS 2 {first} {second}");
    let commands = ["XAUTOCLAIM orders shop ann 300000 0-0 COUNT 100", &release];
    let found = told(&of(10 * MINUTE), &of(MINUTE), "dead_consumer", Severity::Warn, &commands);
    assert_eq!(found.title, "Consumer old holds 2 entries and has been silent for 10m");
    let action = serde_json::to_value(&found).unwrap()["action"].take();
    let expected = serde_json::json!({"action": "release_consumer", "stream": "orders", "group": "shop", "consumer": "old"});
    assert_eq!(action, expected);
    let mut without = of(10 * MINUTE);
    without.can_release = false;
    assert_eq!(finding(&without, "dead_consumer").unwrap().commands.len(), 1);
}

#[test]
fn poison_is_suspected_by_deliveries() {
    let of = |deliveries| holding(vec![consumer("ann", 1, 5)], vec![pending(1, "ann", 5, deliveries)]);
    let id = format!("{}-1", NOW - 10_000);
    let commands = [
        format!("XRANGE orders {id} {id}"),
        format!("XNACK orders shop FATAL IDS 1 {id}"),
        format!("XACK orders shop {id}"),
    ];
    told(&of(5), &of(4), "poison", Severity::Warn, &commands.each_ref().map(String::as_str));
}

#[test]
fn the_mark_of_fatal_is_no_number_of_deliveries() {
    let of = |deliveries| holding(vec![consumer("ann", 1, 5)], vec![pending(1, "", -1, deliveries)]);
    let id = format!("{}-1", NOW - 10_000);
    let commands = [
        format!("XRANGE orders {id} {id}"),
        format!("XNACK orders shop FAIL IDS 1 {id} RETRYCOUNT 0"),
        format!("XACK orders shop {id}"),
    ];
    told(&of(i64::MAX), &of(9), "fatal", Severity::Warn, &commands.each_ref().map(String::as_str));
    assert_eq!(finding(&of(i64::MAX), "poison"), None);
    assert!(finding(&of(i64::MAX - 1), "fatal").is_some());
}

#[test]
fn what_is_gone_is_told_once() {
    let mut facts = holding(vec![consumer("ann", 1, 5)], vec![pending(1, "ann", 5, 9)]);
    let there = facts.clone();
    facts.gone = vec![facts.sample[0].id.clone()];
    let ack = format!("XACK orders shop {}", facts.gone[0]);
    let found = told(&facts, &there, "gone", Severity::Warn, &[&ack]);
    assert_eq!(found.title, "1 entry is pending, but deleted from the stream");
    assert_eq!(finding(&facts, "poison"), None);
    facts.group.pending = 7;
    assert!(finding(&facts, "gone").unwrap().title.starts_with("At least 1 entry is "));
}

#[test]
fn released_entries_that_are_old_are_a_warning() {
    let of = |idle, ms| {
        let free = Pending { id: format!("{ms}-1"), idle, ..pending(1, "", idle, 1) };
        holding(vec![consumer("ann", 0, 5)], vec![free])
    };
    let commands = ["XAUTOCLAIM orders shop <CONSUMER> 300000 0-0 COUNT 100"];
    let (free, owned) = (of(-1, NOW - 6 * MINUTE), of(5, NOW - 6 * MINUTE));
    told(&free, &owned, "released", Severity::Warn, &commands);
    assert_eq!(finding(&of(-1, NOW - MINUTE), "released").unwrap().severity, Severity::Info);
}

#[test]
fn one_hoards_while_others_have_nothing() {
    let of = |other: i64| {
        let held = (1..=100).map(|n| pending(n, "ann", 5, 1)).collect();
        holding(vec![consumer("ann", 100, 5), consumer("bob", other, 5)], held)
    };
    let commands = ["XPENDING orders shop - + 100 ann", "XAUTOCLAIM orders shop bob 300000 0-0 COUNT 100"];
    let found = told(&of(0), &of(1), "hoarder", Severity::Warn, &commands);
    assert_eq!(found.title, "Consumer ann holds 100 entries of 100, while 1 consumer has nothing to do");
}

#[test]
fn one_entry_was_forgotten_by_a_consumer_that_lives() {
    let of = |oldest| {
        let held = (1..=4).map(|n| pending(n, "ann", if n == 1 { oldest } else { 100 }, 1)).collect();
        holding(vec![consumer("ann", 4, 5)], held)
    };
    let id = format!("{}-1", NOW - 10_000);
    let commands = [
        format!("XRANGE orders {id} {id}"),
        format!("XCLAIM orders shop <CONSUMER> 300000 {id}"),
        format!("XACK orders shop {id}"),
    ];
    told(&of(10 * MINUTE), &of(900), "stuck_head", Severity::Warn, &commands.each_ref().map(String::as_str));
}

#[test]
fn nobody_acknowledges_anything() {
    let of = |read| {
        let held = (1..=100).map(|n| pending(n, "ann", 6 * MINUTE, 1)).collect();
        let mut facts = holding(vec![consumer("ann", 100, 5)], held);
        facts.group.entries_read = Some(read);
        facts
    };
    told(
        &of(105),
        &of(1000),
        "never_acked",
        Severity::Warn,
        &["XPENDING orders shop - + 10", "XACK orders shop <ID>"],
    );
}

#[test]
fn leftovers_are_counted() {
    let of = |n: i64, idle| {
        let gone = (0..n).map(|n| consumer(&format!("c{n}"), 0, idle));
        holding(gone.chain([consumer("ann", 0, 5)]).collect(), vec![])
    };
    let day = 24 * 60 * MINUTE;
    let one = told(
        &of(1, day),
        &of(1, day - 1),
        "leaked_consumers",
        Severity::Info,
        &["XGROUP DELCONSUMER orders shop c0"],
    );
    assert!(one.action.is_some());
    let many = finding(&of(20, day), "leaked_consumers").unwrap();
    assert_eq!((many.severity, many.commands.len(), many.action), (Severity::Warn, 5, None));
}

#[test]
fn rates_tell_whether_it_falls_behind() {
    let with = |added, delivered| {
        let mut facts = waiting(vec![consumer("ann", 0, 5)]);
        facts.rates = Some(Rates { added, delivered, acked: delivered });
        facts
    };
    told(
        &with(100.0, 50.0),
        &with(50.0, 100.0),
        "falls_behind",
        Severity::Warn,
        &["XINFO CONSUMERS orders shop"],
    );
    let found = told(&with(1.0, 3.0), &healthy(), "behind", Severity::Info, &[]);
    assert_eq!(found.detail, "1.0 a second are added, 3.0 delivered: drained in about 6s.");
}

#[test]
fn rates_come_from_two_looks() {
    let before = waiting(vec![]);
    let mut after = before.clone();
    after.now += 2000;
    after.stream.entries_added += 10;
    after.group.entries_read = Some(92);
    after.group.pending = 1;
    let rates = after.since(&before).rates.unwrap();
    assert_eq!(rates, Rates { added: 5.0, delivered: 2.0, acked: 1.5 });
    assert_eq!(before.clone().since(&before).rates, None);
}

#[test]
fn an_unknown_lag_is_explained() {
    let mut facts = waiting(vec![consumer("ann", 0, 5)]);
    facts.group.lag = None;
    let command = format!("XRANGE orders ({}-88 + COUNT 1000", NOW - 10_000);
    told(&facts, &healthy(), "lag_unknown", Severity::Info, &[&command]);
    // A server that says that less than nothing waits does not know either.
    facts.group.lag = Some(-6);
    assert!(finding(&facts, "lag_unknown").is_some());
    (facts.stream.entries_added, facts.group.entries_read) = (0, None);
    assert!(finding(&facts, "lag_unknown").unwrap().detail.contains("does not count"));
    assert_eq!(health(&diagnose(&facts)), "ok");
}

#[test]
fn a_group_created_at_the_end_is_explained() {
    let mut facts = holding(vec![], vec![]);
    facts.group.entries_read = None;
    told(&facts, &healthy(), "created_at_end", Severity::Info, &["XGROUP SETID orders shop 0"]);
}

#[test]
fn nobody_trims() {
    let of = |length, groups| {
        let mut facts = healthy();
        (facts.stream.length, facts.other_groups) = (length, groups);
        facts
    };
    let trim = format!("XTRIM orders MINID ~ {}-100", NOW - 10_000);
    told(&of(100_000, 0), &of(99_999, 0), "untrimmed", Severity::Info, &[&trim]);
    assert_eq!(finding(&of(1_000_000, 0), "untrimmed").unwrap().severity, Severity::Warn);
    assert_eq!(finding(&of(1_000_000, 1), "untrimmed"), None);
}

#[test]
fn producers_that_stopped_are_mentioned() {
    let mut facts = healthy();
    facts.stream.last_id = format!("{}-0", NOW - 60 * MINUTE);
    told(&facts, &healthy(), "producers_stopped", Severity::Info, &["XREVRANGE orders + - COUNT 1"]);
    // IDs that are no times say nothing.
    facts.stream.last_id = "5-0".to_owned();
    assert_eq!(finding(&facts, "producers_stopped"), None);
}

#[test]
fn thresholds_can_be_others() {
    let facts = holding(vec![consumer("ann", 1, 5)], vec![pending(1, "ann", 5, 3)]);
    let thresholds = Thresholds { deliveries: 3, ..Thresholds::default() };
    assert!(diagnose_with(&facts, &thresholds).iter().any(|one| one.kind == "poison"));
    assert!(diagnose(&facts).iter().all(|one| one.severity == Severity::Info));
}

#[test]
fn findings_have_their_form_in_json() {
    let found = serde_json::to_value(diagnose(&waiting(vec![]))).unwrap();
    assert_eq!(found[0]["severity"], "critical");
    assert_eq!(found[0]["kind"], "no_consumers");
    assert_eq!(found[0]["commands"][1], "XGROUP DESTROY orders shop");
    assert!(found[0].get("action").is_none());
}

#[test]
fn numbers_and_times_are_readable() {
    assert_eq!(
        [count(1, "entry"), count(0, "entry"), count(1_234_567, "consumer")],
        ["1 entry", "0 entries", "1,234,567 consumers"]
    );
    assert_eq!([0, 999, 61_001, 3_600_000, 90_000_000].map(span), ["0ms", "999ms", "1m 1s", "1h", "1d 1h"]);
}

fn any_id() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("0-0".to_owned()),
        "[0-9]{1,21}-[0-9]{1,3}",
        Just(format!("{}-1", NOW - 1))
    ]
}

prop_compose! {
    fn any_facts()(
        now in any::<i64>(),
        ids in prop::collection::vec(any_id(), 5),
        numbers in prop::collection::vec(any::<i64>(), 6),
        lag in any::<Option<i64>>(),
        consumers in prop::collection::vec((".{0,3}", any::<i64>(), any::<i64>()), 0..5),
        sample in prop::collection::vec((any_id(), ".{0,3}", any::<i64>(), any::<i64>()), 0..9),
        rates in any::<Option<(f64, f64, f64)>>(),
        gone in 0..3_usize,
    ) -> GroupFacts {
        let held = |(id, consumer, idle, deliveries): (String, String, i64, i64)| {
            Pending { id, consumer: consumer.into(), idle, deliveries }
        };
        let sample: Vec<_> = sample.into_iter().map(held).collect();
        GroupFacts {
            now,
            stream: Stream {
                length: numbers[0],
                last_id: ids[0].clone(),
                entries_added: numbers[1],
                max_deleted_id: ids[1].clone(),
                first_entry_id: Some(ids[2].clone()),
                last_entry_id: Some(ids[3].clone()),
                ..Stream::default()
            },
            group: Group {
                pending: numbers[2],
                last_delivered_id: ids[4].clone(),
                entries_read: lag.map(|_| numbers[3]),
                lag,
                ..Group::default()
            },
            consumers: consumers.into_iter().map(|(name, pending, idle)| consumer(&name, pending, idle)).collect(),
            released: numbers[4],
            gone: sample.iter().take(gone).map(|one| one.id.clone()).collect(),
            sample,
            rates: rates.map(|(added, delivered, acked)| Rates { added, delivered, acked }),
            ..GroupFacts::default()
        }
    }
}

proptest! {
    /// Whatever a server says.
    #[test]
    fn nothing_panics(facts in any_facts(), before in any_facts()) {
        diagnose(&facts.since(&before));
    }

    /// Work that is young, spread, and done by consumers that were just heard of is no reason to warn.
    #[test]
    fn healthy_groups_are_not_warned_of(
        held in prop::collection::vec((0..3_i64, 0..60_000_i64, 1..5_i64), 0..99),
        lag in 0..1000_i64,
    ) {
        let names = ["ann", "bob", "cid"];
        let sample: Vec<_> = (1..).zip(&held).map(|(n, (who, idle, times))| pending(n, names[*who as usize], *idle, *times)).collect();
        let of = |who: i64| held.iter().filter(|(one, ..)| *one == who).count() as i64;
        let mut facts = holding((0..3).map(|who| consumer(names[who as usize], of(who), 500)).collect(), sample);
        facts.group.lag = Some(lag);
        facts.group.entries_read = Some(100_000);
        prop_assert_eq!(health(&diagnose(&facts)), "ok");
    }
}
