//! Names that could be taken for protocol, and patterns that could take for ever.

use super::{Raw, Target, encode};

const NASTY: [&[u8]; 8] = [
    b"a\r\n+OK\r\n",
    b"\r\n",
    b"\n",
    b"\0",
    b"$3\r\nfoo\r\n*1\r\n",
    b"-ERR \0\r\nNOAUTH",
    b"\xff\xfe\x80",
    b"",
];

/// Calls with a hole, the word `@`, for a nasty name. Most fail and quote it.
const CALLS: &[&str] = &[
    "@",
    "@ @ @",
    "CLIENT @",
    "XGROUP @ s g",
    "XINFO @ s",
    "CONFIG GET @",
    "CONFIG SET @ @",
    "CONFIG SET maxclients @",
    "COMMAND INFO @",
    "COMMAND GETKEYS @ @",
    "OBJECT @ s",
    "DEBUG @",
    "XADD @ 1-1 @ @",
    "XADD s @ a b",
    "XRANGE @ - +",
    "XGROUP CREATE @ @ 0 MKSTREAM",
    "XGROUP CREATECONSUMER @ @ @",
    "XREADGROUP GROUP @ @ STREAMS @ >",
    "XREADGROUP GROUP none @ STREAMS @ >",
    "XPENDING @ @",
    "XPENDING @ @ - + 10",
    "XINFO STREAM @ FULL",
    "XINFO GROUPS @",
    "XINFO CONSUMERS @ @",
    "XNACK @ @ @ IDS 1 1-1",
    "XNACK @ @ FAIL @ 1 1-1",
    "XACKDEL @ none IDS 1 @",
    "XSETID @ @",
    "XCLAIM @ @ @ 0 1-1 @",
    "XAUTOCLAIM @ @ @ 0 @",
    "SET @ @",
    "GET @",
    "INCR @",
    "RENAME @ missing@",
    "TYPE @",
    "KEYS @",
    "SCAN 0 MATCH @",
    "SCAN @",
    "HELLO @",
    "HELLO 3 SETNAME @",
    "AUTH @ @",
    "CLIENT SETNAME @",
    "CLIENT SETINFO LIB-NAME @",
    "CLIENT KILL @",
    "CLIENT NO-EVICT @",
    "SUBSCRIBE @",
    "UNSUBSCRIBE @",
    "PSUBSCRIBE @",
    "PUNSUBSCRIBE @",
    "PUBLISH @ @",
    "PUBSUB @",
    "SLOWLOG GET",
    "CLIENT LIST",
    "DBSIZE",
    "DEL @",
];

fn fill(call: &str, name: &[u8]) -> Vec<Vec<u8>> {
    let word = |word: &str| match word.split_once('@') {
        Some((before, after)) => [before.as_bytes(), name, after.as_bytes()].concat(),
        None => word.as_bytes().to_vec(),
    };
    call.split(' ').map(word).collect()
}

/// Replies up to the marker: one that is in its place, alone behind what the call answers.
fn until_marker(raw: &mut Raw, call: &str) -> Vec<String> {
    let mut replies = Vec::new();
    loop {
        match raw.reply() {
            reply if reply == "marker-51c0" => return replies,
            reply => replies.push(reply),
        }
        assert!(replies.len() < 4, "{call} answered {replies:?}");
    }
}

fn stays_in_sync(raw: &mut Raw, subscriber: &mut Raw, name: &[u8]) {
    for call in CALLS {
        let words = fill(call, name);
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let subscribes = call.contains("SUBSCRIBE");
        let client = if subscribes { &mut *subscriber } else { &mut *raw };
        client.send(&encode(&words));
        if subscribes {
            // A subscriber of RESP2 may not ECHO.
            assert!(client.reply().starts_with('['), "{call}");
            continue;
        }
        client.send(&encode(&[b"ECHO", b"marker-51c0"]));
        let replies = until_marker(client, call);
        assert_eq!(replies.len(), 1, "{call} answered {replies:?}");
    }
}

#[test]
fn nasty_names_never_break_the_stream_of_replies() {
    let target = Target::start();
    for hello in ["HELLO 2", "HELLO 3"] {
        let (mut raw, mut subscriber) = (target.client(), target.client());
        assert!(!raw.ask(hello).starts_with('-') && !subscriber.ask(hello).starts_with('-'));
        assert_eq!(raw.ask("CONFIG SET slowlog-log-slower-than 0"), "+OK");
        for name in NASTY {
            stays_in_sync(&mut raw, &mut subscriber, name);
            // HELLO with a name that is none leaves the protocol alone, with one it does not.
            raw.ask(hello);
        }
    }
    target.finish();
}

#[test]
fn nasty_messages_reach_subscribers_and_monitors_whole() {
    let target = Target::start();
    let (mut raw, mut monitor) = (target.client(), target.client());
    assert_eq!(monitor.ask("MONITOR"), "+OK");
    for hello in ["HELLO 2", "HELLO 3"] {
        let mut subscriber = target.client();
        subscriber.ask(hello);
        assert_eq!(monitor.replies(1).len(), 1, "one line a command");
        for name in NASTY {
            subscriber.send(&encode(&[b"SUBSCRIBE", name]));
            subscriber.reply();
            raw.send(&encode(&[b"PUBLISH", name, name]));
            assert_eq!(raw.reply(), ":1");
            let text = String::from_utf8_lossy(name);
            assert_eq!(subscriber.reply(), format!("[message {text} {text}]"));
            subscriber.send(&encode(&[b"UNSUBSCRIBE", name]));
            subscriber.reply();
            for line in monitor.replies(3) {
                assert!(line.starts_with('+') && line.contains("UBS") || line.contains("PUBLISH"), "{line}");
            }
        }
    }
    target.finish();
}

#[test]
fn nasty_names_survive_a_restart() {
    let target = Target::start();
    let mut raw = target.client();
    for name in NASTY {
        let calls: [&[&[u8]]; 4] = [
            &[b"XADD", name, b"1-1", name, name],
            &[b"XGROUP", b"CREATE", name, name, b"0"],
            &[b"XREADGROUP", b"GROUP", name, name, b"STREAMS", name, b">"],
            &[b"SET", &[b"string ", name].concat(), name],
        ];
        for words in calls {
            raw.send(&encode(words));
            assert!(!raw.reply().starts_with('-'));
        }
    }
    assert_eq!(raw.ask("DBSIZE"), ":16");
    target.finish();
}

#[test]
fn patterns_of_many_stars_end() {
    let target = Target::start();
    let mut raw = target.client();
    let long = [b"a".repeat(500), b"c".to_vec()].concat();
    for n in 0..3 {
        raw.send(&encode(&[b"SET", &[&long[..], format!("{n}").as_bytes()].concat(), b"v"]));
        assert_eq!(raw.reply(), "+OK");
    }
    let patterns = [
        "*a*a*a*a*a*a*a*a*b".to_owned(),
        "*a".repeat(200) + "b",
        "a*".repeat(200) + "b",
        "*".repeat(10_000) + "b",
        "*[^b]".repeat(200) + "b",
        "*?".repeat(1000) + "b",
        "[".repeat(5000),
        "*[a-b".repeat(100),
        "\\".repeat(5001),
        "*\\a".repeat(200) + "b",
    ];
    for pattern in &patterns {
        for call in [&["KEYS"][..], &["SCAN", "0", "COUNT", "1000", "MATCH"], &["PUBSUB", "CHANNELS"]] {
            let mut words: Vec<&[u8]> = call.iter().map(|word| word.as_bytes()).collect();
            words.push(pattern.as_bytes());
            raw.send(&encode(&words));
            let reply = raw.reply();
            assert!(["[]", "[0 []]"].contains(&reply.as_str()), "{call:?} answered {reply:.100}");
        }
        raw.is_in_sync();
    }
    raw.send(&encode(&[b"KEYS", format!("{}c?", "*a".repeat(200)).as_bytes()]));
    assert_eq!(raw.reply().split(' ').count(), 3, "what matches is found");
    target.finish();
}
