//! Fleets of consumers, processes of their own, while they and their servers are killed and frozen: every message is handled at
//! least once and settled once, the order of keys is kept, nothing is stuck.
//!
//! `FLEET_ROUNDS` is how many rounds each scenario has, `FLEET_SEED` chooses what happens in them.

mod chaos;
mod child;
mod fleet;
mod host;
mod record;
mod replaced;

use crate::peers::{Kind, Server, until};
use chaos::Chaos;
use fleet::{Adding, Fleet};
use host::Host;

/// A test for each place, with the seed that shows all that can happen to one or the other when there is a round each.
macro_rules! places {
    ($($name:ident: $seed:literal, $host:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn nothing_is_lost_and_nothing_is_stuck() {
                rounds($seed, |seed| round(false, seed, || $host));
            }

            #[test]
            fn the_order_of_keys_is_kept() {
                rounds($seed, |seed| round(true, seed + 2, || $host));
            }
        }
    )*};
}

places! {
    ackline: 0, Host::one(Kind::Ackline);
    redis: 1, Host::one(Kind::Redis);
    valkey: 2, Host::one(Kind::Valkey);
    valkey_cluster: 3, Host::cluster(Kind::Valkey);
    sentinel: 0, Host::watched(Kind::Redis);
}

mod directory {
    use super::*;

    #[test]
    fn nothing_is_lost_and_nothing_is_stuck() {
        rounds(0, |seed| directory(false, seed));
    }

    #[test]
    fn the_order_of_keys_is_kept() {
        rounds(1, |seed| directory(true, seed));
    }
}

fn rounds(first: u64, round: impl Fn(u64)) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let first = number("FLEET_SEED").unwrap_or(first);
    for seed in first..first + number("FLEET_ROUNDS").unwrap_or(1) {
        println!("FLEET_SEED={seed}");
        round(seed);
    }
}

fn named(name: &str) -> Vec<Option<String>> {
    vec![Some(name.to_owned())]
}

fn round(ordered: bool, seed: u64, host: impl Fn() -> Option<Host>) {
    let Some(mut host) = host() else { return };
    let mut fleet = Fleet::new(host.url(), host.streams(), ordered, seed);
    let adding = Adding::start(&fleet);
    fleet.hire(named("a"));
    if !ordered {
        fleet.hire(named("b"));
        fleet.hire(vec![None]);
    }
    let mut chaos = Chaos::new(seed, ordered);
    chaos.reign(&mut fleet, &mut host);
    adding.finish();
    let streams = host.streams();
    until("nothing is pending", || streams.iter().all(|stream| host.is_idle(stream)));
    fleet.retire_all();
    audit(&fleet, &host, chaos.has_destroyed);
}

/// The same where one process at a time has the streams in a directory, with all its consumers and the one who adds.
fn directory(ordered: bool, seed: u64) {
    let mut fleet = Fleet::new(String::new(), vec!["fleet".to_owned()], ordered, seed);
    let dir = fleet.dir().join("data");
    fleet.orders.url = format!("ackline://{}", dir.display());
    fleet.orders.add = 300;
    let names = || if ordered { named("a") } else { vec![Some("a".to_owned()), Some("b".to_owned()), None] };
    fleet.hire(names());
    Chaos::new(seed, ordered).haunt(&mut fleet, names);
    let dir = dir.to_str().unwrap();
    let mut number = 0;
    let mut host = None;
    until("nothing is pending", || {
        number += 1;
        let done = |fleet: &Fleet| {
            let history = fleet.history();
            history.confirmed() >= fleet.orders.add && history.lives.values().all(|life| life.done)
        };
        until("all is added and done", || done(&fleet));
        fleet.retire_all();
        // A server tells more of a directory than who uses it.
        host = Server::start_with(Kind::Ackline, &["--dir", dir]).map(Host::One);
        let idle = host.as_ref().is_none_or(|host| host.is_idle("fleet"));
        if !idle {
            host = None;
            fleet.hire(names());
        }
        idle
    });
    if let Some(host) = host {
        audit(&fleet, &host, false);
    }
}

/// What has to be so in the end. Where the group was destroyed, what had been given back at that moment is not tried again.
fn audit(fleet: &Fleet, host: &Host, destroyed: bool) {
    let history = fleet.history();
    assert!(!history.lives.is_empty());
    if fleet.orders.ordered {
        assert!(history.disorder.is_empty(), "{:#?}", history.disorder);
    }
    let mut wrong = Vec::new();
    for stream in &fleet.orders.streams {
        let (entries, letters) = (host.entries(stream), host.letters(stream));
        for (at, life) in history.lives.iter().filter(|((of, _), _)| of == stream) {
            if !entries.iter().any(|(other, _)| *other == at.1) {
                wrong.push(format!("{at:?} is not in the stream: {life:?}"));
            }
        }
        for (at, plan) in entries {
            let rejected = plan == "reject";
            let dead = letters.get(&at).map_or(&[][..], Vec::as_slice);
            let want: &[&str] = if rejected { &["rejected"] } else { &[] };
            let life = history.lives.get(&(stream.clone(), at));
            if !life.is_some_and(|life| life.begun > 0 && (destroyed || life.done)) {
                wrong.push(format!("{stream} {at:?} was not handled: {life:?}"));
            }
            if dead != want && !(destroyed && dead.is_empty()) {
                wrong.push(format!("{stream} {at:?} has dead letters {dead:?}, not {want:?}"));
            }
        }
        for (name, pending) in host.consumers(stream).unwrap() {
            if pending > 0 {
                wrong.push(format!("{name} has {pending} pending in {stream}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let handled: usize = history.lives.values().map(|life| life.begun).sum();
    println!("{} entries, handled {handled} times", history.lives.len());
}
