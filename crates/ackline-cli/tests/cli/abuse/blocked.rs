//! Thousands who wait for a key that goes away.

use super::{Raw, Target, request, wait_for};

/// Readers in each half of a crowd: XREAD and XREADGROUP.
const HALF: usize = 1500;

struct Crowd {
    owner: Raw,
    plain: Vec<Raw>,
    grouped: Vec<Raw>,
}

impl Crowd {
    fn of(target: &Target, half: usize) -> Crowd {
        let connect = || (0..half).map(|_| target.stranger()).collect();
        Crowd { owner: target.client(), plain: connect(), grouped: connect() }
    }

    /// Everybody waits for the stream `s`, which is made anew.
    fn wait(&mut self) {
        self.owner.ask_each("DEL s|DEL t|XGROUP CREATE s g $ MKSTREAM");
        self.plain.iter_mut().for_each(|raw| raw.send(&request("XREAD BLOCK 0 STREAMS s $")));
        let grouped = request("XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
        self.grouped.iter_mut().for_each(|raw| raw.send(&grouped));
        self.are_blocked(self.plain.len() + self.grouped.len());
    }

    fn are_blocked(&mut self, count: usize) {
        wait_for(&mut self.owner, "clients", &format!("blocked_clients:{count}\r"));
    }

    /// An entry ends what XREAD waits for.
    fn satisfy_plain(&mut self) {
        self.are_blocked(self.plain.len());
        self.owner.ask_each("DEL s|XADD s 9-9 a b");
        self.plain.iter_mut().for_each(|raw| assert_eq!(raw.reply(), "[[s [[9-9 [a b]]]]]"));
        self.are_blocked(0);
    }
}

const NO_GROUP: &str = "-NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

#[test]
fn thousands_blocked_on_a_key_that_goes_or_changes() {
    let target = Target::start();
    let mut crowd = Crowd::of(&target, HALF);
    let ends = [
        ("DEL s", NO_GROUP),
        ("SET s text", WRONG_TYPE),
        ("XGROUP DESTROY s g", NO_GROUP),
        ("RENAME s t", NO_GROUP),
        ("FLUSHALL", NO_GROUP),
        ("DEL s|XADD s 1-1 a b|DEL s", NO_GROUP),
    ];
    let mut peaks = Vec::new();
    for (commands, answer) in ends {
        crowd.wait();
        crowd.owner.ask_each(commands);
        crowd.grouped.iter_mut().for_each(|raw| assert_eq!(raw.reply(), answer, "{commands}"));
        if commands.starts_with("DEL s|XADD") {
            crowd.plain.iter_mut().for_each(|raw| assert_eq!(raw.reply(), "[[s [[1-1 [a b]]]]]"));
        } else {
            target.serves_others();
            crowd.satisfy_plain();
        }
        crowd.are_blocked(0);
        peaks.push(target.peak());
    }
    let grown = peaks.last().unwrap() - peaks[0];
    assert!(grown < 64, "{grown} MiB more after five crowds than after one");
    drop(crowd);
    target.finish();
}

#[test]
fn a_change_within_a_transaction_wakes_as_its_end_shows() {
    let target = Target::start();
    let mut crowd = Crowd::of(&target, 50);
    crowd.wait();
    crowd.owner.ask_each("MULTI|DEL s|XADD s 1-1 a b|DEL s|SET s text|EXEC");
    crowd.grouped.iter_mut().for_each(|raw| assert_eq!(raw.reply(), WRONG_TYPE));
    crowd.satisfy_plain();
    drop(crowd);
    target.finish();
}

#[test]
fn everybody_is_unblocked_killed_or_leaves() {
    let target = Target::start();
    let mut crowd = Crowd::of(&target, 300);
    let ids: Vec<String> =
        crowd.plain.iter_mut().chain(&mut crowd.grouped).map(|raw| raw.ask("CLIENT ID")).collect();
    for way in ["TIMEOUT", "ERROR"] {
        crowd.wait();
        for id in &ids {
            assert_eq!(crowd.owner.ask(&format!("CLIENT UNBLOCK {} {way}", &id[1..])), ":1");
            assert_eq!(crowd.owner.ask(&format!("CLIENT UNBLOCK {} {way}", &id[1..])), ":0");
        }
        let answer = if way == "ERROR" { "-UNBLOCKED client unblocked via CLIENT UNBLOCK" } else { "nil" };
        crowd.plain.iter_mut().chain(&mut crowd.grouped).for_each(|raw| assert_eq!(raw.reply(), answer));
        crowd.are_blocked(0);
    }
    crowd.wait();
    for id in ids.iter().step_by(2) {
        assert_eq!(crowd.owner.ask(&format!("CLIENT KILL ID {}", &id[1..])), ":1");
    }
    crowd.are_blocked(300);
    (crowd.plain, crowd.grouped) = (Vec::new(), Vec::new());
    crowd.are_blocked(0);
    assert_eq!(crowd.owner.ask("XADD s 9-9 a b"), "9-9");
    assert_eq!(crowd.owner.ask("XPENDING s g"), "[:0 nil nil nil]", "nobody who left was served");
    drop(crowd);
    target.finish();
}

#[test]
fn what_is_sent_while_blocked_runs_once_and_in_order() {
    let target = Target::start();
    let (mut owner, mut raw) = (target.client(), target.client());
    owner.ask("XGROUP CREATE s g $ MKSTREAM");
    for n in 1..=50 {
        raw.send(&request("XREADGROUP GROUP g c BLOCK 0 NOACK STREAMS s >"));
        raw.send(&request("INCR count").repeat(20));
        raw.send(&request(&format!("ECHO {n}")));
        wait_for(&mut owner, "clients", "blocked_clients:1\r");
        assert_eq!(owner.ask(&format!("XADD s {n}-0 a b")), format!("{n}-0"));
        assert_eq!(raw.reply(), format!("[[s [[{n}-0 [a b]]]]]"));
        assert_eq!(raw.replies(20).last().unwrap(), &format!(":{}", n * 20));
        assert_eq!(raw.reply(), n.to_string());
    }
    target.finish();
}
