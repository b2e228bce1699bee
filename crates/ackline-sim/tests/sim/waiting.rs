//! Blocked reads where session files do not reach: late timers, many waiters, several shards.

use ackline_sim::{Answer, Driver, Plain, Rng, replayed};

fn call(driver: &mut Driver, client: &str, line: &str) -> Answer {
    driver.call(client, &line.split(' ').collect::<Vec<_>>())
}

fn stream_with_pending(driver: &mut Driver) {
    for line in ["XGROUP CREATE s g 0 MKSTREAM", "XADD s 1-0 f v", "XREADGROUP GROUP g first STREAMS s >"] {
        let answer = call(driver, "setup", line);
        assert!(!matches!(answer, Answer::Now(Plain::Error(_)) | Answer::Blocked), "{line}: {answer:?}");
    }
}

/// Both timers of a read are due at once: it is answered once, and the deadline wins.
#[test]
fn a_late_timer_answers_once() {
    let mut driver = Driver::new(4, 1_000);
    stream_with_pending(&mut driver);
    let read = "XREADGROUP GROUP g second BLOCK 300 CLAIM 200 STREAMS s >";
    assert_eq!(call(&mut driver, "reader", read), Answer::Blocked);
    driver.oversleep(1_000);
    assert_eq!(driver.take_answer("reader"), Some(Plain::NilArray));
    assert!(!driver.is_blocked("reader"));
}

/// What one consumer claims is fresh again for the next, who waits on.
#[test]
fn idle_time_serves_one_waiter_after_the_other() {
    let mut driver = Driver::new(4, 1_000);
    stream_with_pending(&mut driver);
    for client in ["a", "b", "c"] {
        let read = format!("XREADGROUP GROUP g {client} BLOCK 0 CLAIM 100 STREAMS s >");
        assert_eq!(call(&mut driver, client, &read), Answer::Blocked);
    }
    for (client, waiting) in [("a", 2), ("b", 1), ("c", 0)] {
        driver.advance(100);
        assert!(driver.take_answer(client).is_some(), "{client}");
        assert_eq!(["a", "b", "c"].iter().filter(|name| driver.is_blocked(name)).count(), waiting);
    }
}

/// Readers over several streams in several shards: each entry for a group goes to exactly one of them.
#[test]
fn every_entry_goes_to_one_waiter() {
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let mut driver = Driver::new(8, 1_000);
        let keys: Vec<String> = (0..5).map(|i| format!("stream{i}")).collect();
        for key in &keys {
            call(&mut driver, "setup", &format!("XGROUP CREATE {key} g $ MKSTREAM"));
        }
        let (mut added, mut delivered) = (0, 0);
        for _ in 0..200 {
            let client = format!("reader{}", rng.below(6));
            delivered += driver.take_answer(&client).map_or(0, |answer| entries(&answer));
            if rng.one_in(2) && !driver.is_blocked(&client) {
                let (one, other) = (rng.pick(&keys), rng.pick(&keys));
                let line = format!("XREADGROUP GROUP g {client} COUNT 1 BLOCK 0 STREAMS {one} {other} > >");
                if let Answer::Now(answer) = call(&mut driver, &client, &line) {
                    delivered += entries(&answer);
                }
            } else {
                call(&mut driver, "writer", &format!("XADD {} * f v", rng.pick(&keys)));
                added += 1;
            }
        }
        let late: Vec<Plain> = (0..6).filter_map(|i| driver.take_answer(&format!("reader{i}"))).collect();
        delivered += late.iter().map(entries).sum::<usize>();
        let pending: usize = keys.iter().map(|key| pending(&mut driver, key)).sum();
        assert_eq!(delivered, pending, "seed {seed}");
        assert!(delivered <= added && delivered > 50, "seed {seed}: {delivered} of {added}");
        let live = driver.digest();
        assert_eq!(replayed(driver.log(), 3), Some(live), "seed {seed}");
    }
}

/// What one waits for.
#[derive(Clone, Copy, PartialEq)]
struct Wish {
    group: &'static str,
    claim: &'static str,
    both_keys: bool,
}

impl Wish {
    fn any(rng: &mut Rng) -> Wish {
        let (group, claim) = (rng.pick(&["g", "h"]), rng.pick(&["", "", " CLAIM 150", " CLAIM 300"]));
        Wish { group, claim, both_keys: rng.one_in(6) }
    }

    fn line(self, consumer: &str, block: &str) -> String {
        let Wish { group, claim, both_keys } = self;
        let streams = if both_keys { "s t > >" } else { "s >" };
        format!("XREADGROUP GROUP {group} {consumer} COUNT 1{block}{claim} STREAMS {streams}")
    }
}

/// Whatever happens, nobody waits for what is there, and nobody is served while somebody with the same wish waits longer.
#[test]
fn who_waits_longest_is_served_and_nothing_is_left() {
    for seed in 0..40 {
        let mut rng = Rng::new(seed);
        let mut driver = Driver::new(4, 1_000);
        let mut waiting: Vec<(String, Wish)> = Vec::new();
        for line in ["XGROUP CREATE s g $ MKSTREAM", "XGROUP CREATE s h $", "XGROUP CREATE t g $ MKSTREAM"] {
            call(&mut driver, "setup", line);
        }
        for step in 0..300 {
            change(&mut driver, &mut rng, step, &mut waiting);
            let answers = waiting.iter().map(|(name, _)| driver.take_answer(name)).collect::<Vec<_>>();
            for (i, (name, wish)) in waiting.iter().enumerate() {
                let behind = (i + 1..waiting.len()).filter(|other| waiting[*other].1 == *wish);
                let served = behind.filter(|other| matches!(answers[*other], Some(Plain::Array(_)))).count();
                assert!(
                    answers[i].is_some() || served == 0,
                    "seed {seed}, step {step}: {name} was overtaken"
                );
            }
            let mut answers = answers.into_iter();
            waiting.retain(|_| answers.next() == Some(None));
            for (name, wish) in &waiting {
                let found = call(&mut driver, "probe", &wish.line("probe", ""));
                assert_eq!(
                    found,
                    Answer::Now(Plain::NilArray),
                    "seed {seed}, step {step}: {name} waits in vain"
                );
            }
        }
        let live = driver.digest();
        assert_eq!(replayed(driver.log(), 3), Some(live), "seed {seed}");
    }
}

/// Somebody comes to wait, or something happens that may end waiting.
fn change(driver: &mut Driver, rng: &mut Rng, step: usize, waiting: &mut Vec<(String, Wish)>) {
    if rng.one_in(2) {
        let (name, wish) = (format!("reader{step}"), Wish::any(rng));
        let block = if rng.one_in(4) { " BLOCK 200" } else { " BLOCK 0" };
        if call(driver, &name, &wish.line(&name, block)) == Answer::Blocked {
            waiting.push((name, wish));
        }
        return;
    }
    match rng.below(12) {
        0 => driver.advance(40),
        1 => driver.advance(150),
        2 => driver.oversleep(200),
        3 => drop(call(driver, "writer", "XGROUP DESTROY s h")),
        4 => drop(call(driver, "writer", "XGROUP CREATE s h $")),
        5 => drop(call(driver, "writer", "XTRIM s MAXLEN 3")),
        6 => drop(call(driver, "writer", "XREADGROUP GROUP g writer COUNT 2 STREAMS s >")),
        7 => drop(call(driver, "writer", "XADD t * f v")),
        8 => release(driver, "s"),
        9 if !waiting.is_empty() => {
            let (name, _) = waiting[rng.below(waiting.len() as u64) as usize].clone();
            driver.unblock(&name, Ok(ackline_engine::Reply::NullArray));
            driver.take_answer(&name);
            waiting.retain(|(other, _)| *other != name);
        }
        _ => drop(call(driver, "writer", "XADD s * f v")),
    }
}

/// XNACK of the oldest pending entry.
fn release(driver: &mut Driver, key: &str) {
    let pending = call(driver, "writer", &format!("XPENDING {key} g - + 1"));
    if let Answer::Now(Plain::Array(rows)) = pending
        && let Some(Plain::Array(row)) = rows.first()
        && let Plain::Bulk(id) = &row[0]
    {
        let id = String::from_utf8_lossy(id).into_owned();
        call(driver, "writer", &format!("XNACK {key} g FAIL IDS 1 {id}"));
    }
}

/// Entries in the reply of a read in RESP2.
fn entries(reply: &Plain) -> usize {
    let Plain::Array(streams) = reply else { panic!("{reply}") };
    let list = |stream: &Plain| match stream {
        Plain::Array(pair) => match &pair[1] {
            Plain::Array(list) => list.len(),
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    };
    streams.iter().map(list).sum()
}

fn pending(driver: &mut Driver, key: &str) -> usize {
    let Answer::Now(Plain::Array(list)) = call(driver, "setup", &format!("XPENDING {key} g - + 1000")) else {
        panic!("XPENDING {key}")
    };
    list.len()
}
