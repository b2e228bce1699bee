//! Enormous transactions.

use super::{Raw, Target, encode, request};

const MANY: usize = 100_000;
const LIMIT: u64 = 400;

#[test]
fn a_transaction_of_a_hundred_thousand_commands() {
    let target = Target::start();
    let mut raw = target.client();
    let queued = request("XADD s * name value").repeat(MANY);
    raw.send(&request("MULTI"));
    assert_eq!(raw.reply(), "+OK");
    std::thread::scope(|scope| {
        let mut writer = Raw::over(raw.stream.get_ref().try_clone().unwrap());
        scope.spawn(move || writer.send(&queued));
        assert!(raw.replies(MANY).iter().all(|reply| reply == "+QUEUED"));
    });
    assert_eq!(target.client().ask("EXISTS s"), ":0");
    raw.send(&request("EXEC"));
    assert_eq!(raw.reply().split(' ').count(), MANY);
    assert_eq!(raw.ask("XLEN s"), format!(":{MANY}"));
    assert!(target.peak() < LIMIT, "{} MiB", target.peak());
    target.finish();
}

#[test]
fn what_is_discarded_or_left_behind_never_runs() {
    let target = Target::start();
    let queue = [request("MULTI"), request("XADD s * name value").repeat(5_000)].concat();
    let before = target.peak();
    for _ in 0..5 {
        let mut raw = target.client();
        for end in ["DISCARD", "RESET"] {
            raw.send(&queue);
            assert_eq!(raw.reply(), "+OK");
            raw.replies(5_000);
            assert!(!raw.ask(end).starts_with('-'));
            raw.is_in_sync();
        }
        raw.send(&queue);
        raw.replies(5_001);
    }
    target.wait_for_clients(1);
    assert_eq!(target.client().ask("DBSIZE"), ":0");
    let grown = target.peak() - before;
    assert!(grown < 64, "{grown} MiB for fifteen queues of 5,000");
    target.finish();
}

#[test]
fn errors_while_queueing_abort_the_whole() {
    let target = Target::start();
    let mut raw = target.client();
    for bad in ["NOSUCH a", "SET k", "XADD s", "SAVE", "COMMAND NOSUCH", "XGROUP"] {
        assert_eq!(raw.ask_each("MULTI|SET k v"), ["+OK", "+QUEUED"]);
        assert!(raw.ask(bad).starts_with("-ERR "), "{bad}");
        assert_eq!(raw.ask("SET k w"), "+QUEUED");
        assert_eq!(raw.ask("EXEC"), "-EXECABORT Transaction discarded because of previous errors.", "{bad}");
        assert_eq!(raw.ask("GET k"), "nil");
    }
    let nested = raw.ask_each("MULTI|MULTI|WATCH k|SET k v|INCR k|XADD k * a b|GET k|EXEC");
    let expected = [
        "+OK",
        "-ERR MULTI calls can not be nested",
        "-ERR WATCH inside MULTI is not allowed",
        "+QUEUED",
        "+QUEUED",
        "+QUEUED",
        "+QUEUED",
        "[+OK -ERR value is not an integer or out of range -WRONGTYPE Operation against a key holding the wrong \
         kind of value v]",
    ];
    assert_eq!(nested, expected);
    assert_eq!(raw.ask_each("EXEC|DISCARD"), ["-ERR EXEC without MULTI", "-ERR DISCARD without MULTI"]);
    target.finish();
}

#[test]
fn ten_thousand_watched_keys() {
    let target = Target::start();
    let (mut raw, mut other) = (target.client(), target.client());
    let names: Vec<String> = (0..10_000).map(|n| format!("key-{n}")).collect();
    let words: Vec<&[u8]> =
        std::iter::once("WATCH").chain(names.iter().map(String::as_str)).map(str::as_bytes).collect();
    let watch = encode(&words);
    for (touch, answer) in [("SET key-9999 v", "nil"), ("SET other v", "[+OK]")] {
        raw.send(&watch);
        assert_eq!(raw.reply(), "+OK");
        other.ask(touch);
        raw.ask_each("MULTI|SET done v");
        assert_eq!(raw.ask("EXEC"), answer, "{touch}");
    }
    let mut gone = target.client();
    gone.send(&watch);
    assert_eq!(gone.reply(), "+OK");
    drop(gone);
    target.wait_for_clients(3);
    assert!(other.ask("INFO clients").contains("watching_clients:0\r"));
    target.finish();
}
