//! What others were hurt by: one test for each flaw reported against Redis or Valkey that a broker of streams could have.

use crate::abuse::{Raw, Target, encode, request, wait_for};

/// A stream of 20 entries, all delivered to a consumer; every third is deleted, the first five trimmed.
fn with_deleted_entries(raw: &mut Raw) {
    raw.ask_each("FLUSHALL|XGROUP CREATE s g 0 MKSTREAM");
    for n in 1..=20 {
        raw.ask(&format!("XADD s {n}-0 n {n}"));
    }
    raw.ask_each("XREADGROUP GROUP g c STREAMS s >|XDEL s 6-0 9-0 12-0 15-0 18-0|XTRIM s MINID 6-0");
}

/// XAUTOCLAIM wrote behind its list of replies where pending entries had been deleted.
#[test]
fn cve_2022_31144_xautoclaim_over_deleted_entries() {
    let target = Target::start();
    let mut raw = target.client();
    for count in [1, 2, 3, 9, 10, 11, 100] {
        for just_id in ["", " JUSTID"] {
            with_deleted_entries(&mut raw);
            let (mut cursor, mut claimed, mut gone) = ("0-0".to_owned(), 0, 0);
            for _ in 0..40 {
                let [next, entries, deleted] = autoclaim(&mut raw, &cursor, count, just_id);
                claimed += entries.matches("-0").count();
                gone += deleted.matches("-0").count();
                cursor = next;
                if cursor == "0-0" {
                    break;
                }
            }
            assert_eq!((cursor.as_str(), claimed, gone), ("0-0", 10, 10), "COUNT {count}{just_id}");
            assert_eq!(raw.ask("XPENDING s g"), "[:10 7-0 20-0 [[d 10]]]");
        }
    }
    target.finish();
}

/// The cursor, the entries and the IDs of deleted entries that a call answers.
fn autoclaim(raw: &mut Raw, cursor: &str, count: usize, just_id: &str) -> [String; 3] {
    let reply = raw.ask(&format!("XAUTOCLAIM s g d 0 {cursor} COUNT {count}{just_id}"));
    let (cursor, lists) = reply[1..reply.len() - 1].split_once(' ').unwrap();
    let split = lists.rfind(" [").unwrap();
    [cursor.to_owned(), lists[..split].to_owned(), lists[split..].to_owned()]
}

/// COUNT times the size of a pointer wrapped, so that too little was allocated.
#[test]
fn cve_2022_35951_xautoclaim_count_that_overflows() {
    let target = Target::start();
    let mut raw = target.client();
    for count in
        ["2147483648", "4294967296", "288230376151711743", "288230376151711744", "288230376151711745"]
    {
        with_deleted_entries(&mut raw);
        let reply = raw.ask(&format!("XAUTOCLAIM s g d 0 0 COUNT {count} JUSTID"));
        assert!(reply.starts_with("[0-0 [7-0 8-0 10-0") && reply.contains(" 20-0] [1-0 2-0"), "{reply}");
    }
    for count in ["0", "-1", "-9223372036854775808", "9223372036854775807", "18446744073709551615"] {
        let reply = raw.ask(&format!("XAUTOCLAIM s g d 0 0 COUNT {count}"));
        assert_eq!(reply, "-ERR COUNT must be > 0");
    }
    assert!(target.peak() < 200, "{} MiB", target.peak());
    target.finish();
}

/// More than eight IDs overran a list on the stack.
#[test]
fn cve_2025_62507_xackdel_of_more_than_eight_ids() {
    let target = Target::start();
    let mut raw = target.client();
    for count in [1, 8, 9, 16, 17, 1000] {
        let ids: Vec<String> = (1..=count).map(|n| format!("{n}-0")).collect();
        for policy in ["KEEPREF", "DELREF", "ACKED"] {
            raw.ask_each("FLUSHALL|XGROUP CREATE s g 0 MKSTREAM");
            ids.iter().for_each(|id| assert_eq!(raw.ask(&format!("XADD s {id} a b")), *id));
            raw.ask("XREADGROUP GROUP g c STREAMS s >");
            let reply = raw.ask(&format!("XACKDEL s g {policy} IDS {count} {}", ids.join(" ")));
            assert_eq!(reply, format!("[{}]", vec![":1"; count].join(" ")), "{policy}");
            assert_eq!(raw.ask("XLEN s"), ":0");
        }
        let reply = raw.ask(&format!("XACKDEL s g IDS {} {}", count - 1, ids.join(" ")));
        assert!(reply.starts_with("-ERR"), "{reply}");
    }
    target.finish();
}

/// A blocked client that was freed while its command ran again was used afterwards.
#[test]
fn cve_2026_23479_blocked_clients_that_end_while_they_are_served() {
    let target = Target::with(&["--io-threads", "2"]);
    let mut owner = target.client();
    for round in 0..3 {
        owner.ask_each("DEL s|XGROUP CREATE s g $ MKSTREAM");
        let mut crowd: Vec<Raw> = (0..200).map(|_| target.client()).collect();
        let ids: Vec<String> = crowd.iter_mut().map(|raw| raw.ask("CLIENT ID")).collect();
        for (n, raw) in crowd.iter_mut().enumerate() {
            raw.send(&request(match n % 2 {
                0 => "XREAD BLOCK 0 STREAMS s $",
                _ => "XREADGROUP GROUP g c COUNT 1 BLOCK 0 STREAMS s >",
            }));
        }
        wait_for(&mut owner, "clients", "blocked_clients:200\r");
        // Kills, entries that serve, and the end of the key arrive together; some clients leave by themselves.
        let mut pipeline = Vec::new();
        for (n, id) in ids.iter().enumerate().take(150) {
            pipeline.extend(request(&format!("CLIENT KILL ID {}", &id[1..])));
            pipeline.extend(request(&format!("XADD s {}-{n} a b", round + 1)));
        }
        pipeline.extend(request("XGROUP DESTROY s g"));
        pipeline.extend(request("SET s text"));
        owner.send(&pipeline);
        crowd.truncate(180);
        owner.replies(302);
        drop(crowd);
        wait_for(&mut owner, "clients", "blocked_clients:0\r");
    }
    target.finish();
}

/// One pending entry belonged to two consumers after loading, and was freed twice.
#[test]
fn cve_2026_63639_a_pending_entry_has_one_owner_after_loading() {
    let target = Target::start();
    let mut raw = target.client();
    with_deleted_entries(&mut raw);
    raw.ask_each("XCLAIM s g d 0 7-0 8-0 7-0|XCLAIM s g e 0 7-0 30-0 FORCE|XNACK s g FAIL IDS 2 8-0 10-0");
    raw.ask_each("XAUTOCLAIM s g f 0 14-0 COUNT 2|XREADGROUP GROUP g h COUNT 1 CLAIM 0 STREAMS s >");
    let before = raw.ask_each("XPENDING s g - + 100|XPENDING s g|DEBUG DIGEST");
    for _ in 0..3 {
        assert_eq!(raw.ask("DEBUG RELOAD"), "+OK");
        let after = raw.ask_each("XPENDING s g - + 100|XPENDING s g|DEBUG DIGEST");
        let owners = |text: &str| text.matches("-0 ").count();
        assert_eq!((owners(&after[0]), &after[1..]), (owners(&before[0]), &before[1..]));
    }
    for consumer in ["c", "d", "e", "f", "h"] {
        assert!(raw.ask(&format!("XGROUP DELCONSUMER s g {consumer}")).starts_with(':'));
    }
    raw.ask("DEL s");
    target.finish();
}

/// RESTORE of forged payloads read and wrote where it should not.
#[test]
fn cve_2026_25243_forged_payloads_are_refused() {
    let target = Target::start();
    let mut raw = target.client();
    let forged: [&[u8]; 4] = [b"", b"\x0f\x01\x10", &[0xff; 64], b"\x15\x81\x00\x00\x00\x00\x00\x00\x00"];
    for payload in forged {
        raw.send(&encode(&[b"RESTORE", b"s", b"0", payload]));
        assert!(raw.reply().starts_with("-ERR"));
    }
    assert_eq!(raw.ask("EXISTS s"), ":0");
    target.finish();
}

/// With a huge proto-max-bulk-len, lengths were added up in too few bits.
#[test]
fn cve_2021_32627_lengths_beyond_a_raised_limit() {
    let target = Target::start();
    let mut raw = target.client();
    assert_eq!(raw.ask("CONFIG SET proto-max-bulk-len 9223372036854775807"), "+OK");
    let before = target.peak();
    let mut crowd = Vec::new();
    for length in ["2147483647", "2147483648", "4294967295", "4294967296", "9223372036854775806"] {
        let mut greedy = target.stranger();
        greedy.send(
            format!("*5\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nf\r\n${length}\r\nabc").as_bytes(),
        );
        crowd.push(greedy);
        target.serves_others();
    }
    for length in ["-1", "+5", "0x10", "010", "9223372036854775808", "18446744073709551615"] {
        let mut greedy = target.stranger();
        greedy.send(format!("*2\r\n$4\r\nECHO\r\n${length}\r\n").as_bytes());
        assert_eq!(greedy.rest(), "-ERR Protocol error: invalid bulk length\r\n");
    }
    assert!(target.peak() - before < 32, "{} MiB", target.peak() - before);
    drop(crowd);
    target.finish();
}

/// Looking for the first or last entry leaked memory.
#[test]
fn cve_2022_33105_edges_of_streams_leak_nothing() {
    let target = Target::start();
    let mut raw = target.client();
    let round = "XADD s * a b|XADD s * a b|XINFO STREAM s|XREAD STREAMS s +|XSETID s 9999999999999-0|XTRIM s MAXLEN 1|\
                 XREVRANGE s + - COUNT 1|XDEL s 9999999999999-0|DEL s";
    let round: Vec<u8> = round.split('|').flat_map(request).collect();
    let mut spell = || {
        raw.send(&round.repeat(200));
        raw.replies(1800);
    };
    spell();
    let before = target.peak();
    (0..8).for_each(|_| spell());
    assert!(target.peak() - before < 24, "{} MiB", target.peak() - before);
    target.finish();
}

/// Strangers announced millions of words on many connections, and memory was taken for each.
#[test]
fn cve_2021_32675_strangers_may_not_announce_much() {
    let target = Target::with(&["--requirepass", "secret"]);
    let before = target.peak();
    for _ in 0..50 {
        for count in ["11", "1000000", "2147483647"] {
            let mut stranger = target.stranger();
            stranger.send(format!("*{count}\r\n").as_bytes());
            assert_eq!(stranger.rest(), "-ERR Protocol error: unauthenticated multibulk length\r\n");
        }
        for length in ["16385", "536870912"] {
            let mut stranger = target.stranger();
            stranger.send(format!("*2\r\n$4\r\nAUTH\r\n${length}\r\n").as_bytes());
            assert_eq!(stranger.rest(), "-ERR Protocol error: unauthenticated bulk length\r\n");
        }
    }
    assert!(target.peak() - before < 32, "{} MiB", target.peak() - before);
    let mut stranger = target.stranger();
    stranger.send(&encode(&[b"AUTH", &[b'x'; 16384]]));
    assert_eq!(stranger.reply(), "-WRONGPASS invalid username-password pair or user is disabled.");
    stranger.send(&encode(&[&b"PING"[..]; 10]));
    assert_eq!(stranger.reply(), "-NOAUTH Authentication required.");
    assert_eq!(stranger.ask("AUTH secret"), "+OK");
    stranger.send(&encode(&[&[&b"DEL"[..]][..], &[&b"k"[..]; 100]].concat()));
    assert_eq!(stranger.reply(), ":0");
    target.finish();
}

/// Who was not authenticated could have errors without end written to a buffer and never read them.
#[test]
fn cve_2025_21605_strangers_who_never_read_are_closed() {
    let target = Target::with(&["--requirepass", "secret"]);
    let before = target.peak();
    let storms: [Vec<u8>; 4] = [
        b"GET k\n".repeat(400_000),
        b"A\n".repeat(800_000),
        request("XREAD STREAMS s 0").repeat(60_000),
        request("HELLO 3").repeat(100_000),
    ];
    std::thread::scope(|scope| {
        for storm in storms.iter().chain(&storms) {
            let mut stranger = target.stranger();
            scope.spawn(move || {
                assert!(!stranger.push(storm) || !stranger.rest().contains("+OK"), "it is closed");
            });
        }
        (0..20).for_each(|_| target.serves_others());
    });
    target.wait_for_clients(1);
    assert!(target.peak() - before < 64, "{} MiB", target.peak() - before);
    target.finish();
}

/// Protocol errors of strangers, over and over, kept others from being served.
#[test]
fn cve_2025_48367_a_storm_of_protocol_errors_starves_nobody() {
    let target = Target::with(&["--requirepass", "secret"]);
    let before = target.peak();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let target = &target;
            scope.spawn(move || {
                for n in 0..300 {
                    let mut stranger = target.stranger();
                    stranger.push([&b"*99\r\n"[..], b"*x\r\n", b"*1\r\n!\r\n"][(n + thread) % 3]);
                    if n % 3 == 0 {
                        assert!(stranger.rest().starts_with("-ERR Protocol error: "));
                    }
                }
            });
        }
        (0..100).for_each(|_| target.serves_others());
    });
    assert!(target.peak() - before < 32, "{} MiB", target.peak() - before);
    target.finish();
}

/// An empty request left something behind that aborted the server at the next.
#[test]
fn cve_2026_27623_an_empty_request_leaves_nothing_behind() {
    let target = Target::with(&["--requirepass", "secret"]);
    for empty in [&b"\r\n"[..], b"\n", b"*0\r\n", b"*-1\r\n", b"*-99\r\n", b" \r\n", b"*0\r\n\r\n*-1\r\n"] {
        for (next, reply) in
            [(&b"PING\r\n"[..], "-NOAUTH Authentication required."), (b"AUTH secret\r\n", "+OK")]
        {
            let whole = [empty, next, empty].concat();
            let mut stranger = target.stranger();
            whole.iter().for_each(|byte| stranger.send(&[*byte]));
            assert_eq!(stranger.reply(), reply);
            stranger.send(&[empty, b"AUTH secret\r\n"].concat());
            assert_eq!(stranger.reply(), "+OK");
            stranger.is_in_sync();
        }
    }
    target.finish();
}

/// Text from a client became lines of its own in an error reply.
#[test]
fn cve_2025_67733_error_texts_are_one_line() {
    let target = Target::start();
    for hello in ["HELLO 2", "HELLO 3"] {
        let mut raw = target.client();
        raw.ask(hello);
        let nasty: &[u8] = b"x\0\r\n+OK\r\n:1\r\n";
        let calls: [&[&[u8]]; 6] = [
            &[nasty],
            &[b"CLIENT", nasty],
            &[b"XGROUP", b"CREATE", nasty, nasty, b"0"],
            &[b"XREADGROUP", b"GROUP", nasty, b"c", b"STREAMS", nasty, b">"],
            &[b"XPENDING", nasty, nasty],
            &[b"XNACK", nasty, nasty, b"FAIL", nasty, b"1", b"1-1"],
        ];
        for words in calls {
            raw.send(&encode(words));
            assert!(raw.reply().starts_with('-'));
            raw.is_in_sync();
        }
    }
    target.finish();
}

/// Patterns with many stars took for ever, or all of the stack.
#[test]
fn cve_2024_31228_and_2022_36021_patterns_take_no_longer_than_their_product() {
    let target = Target::start();
    let mut raw = target.client();
    raw.send(&encode(&[b"SET", &[b'a'; 5000], b"v"]));
    assert_eq!(raw.reply(), "+OK");
    for pattern in ["*a*a*a*a*a*a*a*a*a*a*b".to_owned(), "*a".repeat(1000) + "b", "*".repeat(50_000) + "b"] {
        assert_eq!(raw.ask(&format!("KEYS {pattern}")), "[]");
        assert_eq!(raw.ask(&format!("PSUBSCRIBE {pattern}")), format!("[psubscribe {pattern} :1]"));
        raw.ask(&format!("PUNSUBSCRIBE {pattern}"));
    }
    target.finish();
}

/// What a call's keys are was read differently by the check of permissions and by the command; a group, consumer or key
/// may well be named like an option.
#[test]
fn cve_2023_41053_and_2023_36824_keys_are_those_that_the_command_uses() {
    let target = Target::start();
    let mut raw = target.client();
    let none = "-ERR Invalid arguments specified for command";
    let calls = [
        ("XREADGROUP GROUP STREAMS STREAMS STREAMS STREAMS >", "[STREAMS]"),
        ("XREADGROUP GROUP g STREAMS COUNT 1 STREAMS k >", "[k]"),
        ("XREADGROUP GROUP STREAMS c STREAMS k >", "[k]"),
        ("XREADGROUP GROUP g STREAMS STREAMS a b > >", "[a b]"),
        ("XREADGROUP GROUP COUNT BLOCK COUNT 1 BLOCK 2 NOACK STREAMS a b 1 2", "[a b]"),
        ("XREADGROUP GROUP NOACK CLAIM NOACK NOACK STREAMS NOACK >", "[NOACK]"),
        ("XREADGROUP GROUP GROUP GROUP CLAIM 5 STREAMS GROUP CLAIM > >", "[GROUP CLAIM]"),
        ("XREADGROUP GROUP g c GROUP STREAMS STREAMS STREAMS k >", "[k]"),
        ("XREADGROUP GROUP g c COUNT 1 COUNT 2 BLOCK 1 BLOCK 2 STREAMS k >", "[k]"),
        ("XREADGROUP COUNT 1 GROUP g c STREAMS k l > >", "[k l]"),
        ("XREADGROUP GROUP g c NOACK k > x", none),
        ("XREADGROUP GROUP g c STREAMS STREAMS", "-ERR Invalid number of arguments specified for command"),
        ("XREAD STREAMS STREAMS 0", "[STREAMS]"),
        ("XREAD COUNT 1 BLOCK 1 STREAMS COUNT BLOCK 0 0", "[COUNT BLOCK]"),
        ("XREAD BLOCK 1 COUNT 1 COUNT 2 streams a a 0 0", "[a a]"),
        ("COPY a b DB 1 DB 2 REPLACE", "[a b]"),
        ("XGROUP CREATE k g 0", "[k]"),
        ("XACKDEL k g IDS 1 1-0", "[k]"),
        ("XGROUP HELP", "-ERR The command has no key arguments"),
    ];
    for (call, keys) in calls {
        assert_eq!(raw.ask(&format!("COMMAND GETKEYS {call}")), keys, "{call}");
    }
    raw.ask_each(
        "XGROUP CREATE STREAMS STREAMS 0 MKSTREAM|XADD STREAMS 1-1 a b|XGROUP CREATE k g 0 MKSTREAM",
    );
    let read = raw.ask("XREADGROUP GROUP STREAMS STREAMS COUNT 9 STREAMS STREAMS >");
    assert_eq!(read, "[[STREAMS [[1-1 [a b]]]]]");
    assert_eq!(raw.ask("XREADGROUP GROUP g c GROUP g STREAMS STREAMS k >"), "nil", "the last GROUP counts");
    target.finish();
}

/// A call that nobody had thought of met an assertion, which ended the server.
#[test]
fn cve_2023_28425_no_call_of_any_shape_ends_the_server() {
    let target = Target::start();
    let mut raw = target.client();
    let names: Vec<String> =
        raw.ask("COMMAND LIST")[1..].trim_end_matches(']').split(' ').map(str::to_owned).collect();
    assert!(names.len() > 100, "{names:?}");
    let mut words: Vec<&[u8]> = Vec::new();
    raw.ask_each("XADD s 1-1 a b|XGROUP CREATE s g 0|SET t 5");
    for name in names.iter().filter(|name| !ENDS_THE_TALK.contains(&name.as_str())) {
        for fill in [&b"s"[..], b"", b"t", b"0", b"-1", b"*", b"STREAMS", b"9223372036854775807"] {
            words.clear();
            words.push(name.as_bytes());
            for _ in 0..9 {
                raw.send(&encode(&words));
                raw.reply();
                words.push(fill);
            }
            raw.send(&request("DISCARD"));
            raw.reply();
        }
        raw.is_in_sync();
    }
    target.finish();
}

/// What ends the connection, the server or the order of question and answer, waits, or takes all memory by purpose.
const ENDS_THE_TALK: [&str; 14] = [
    "quit",
    "shutdown",
    "monitor",
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "unsubscribe",
    "punsubscribe",
    "sunsubscribe",
    "sync",
    "psync",
    "client",
    "wait",
    "waitaof",
];

/// Buffers were resized under pipelines and their sizes lost.
#[test]
fn cve_2023_41056_what_clients_hold_is_counted_right_under_pipelines() {
    let target = Target::start();
    let (mut raw, mut owner) = (target.client(), target.client());
    let id = raw.ask("CLIENT ID");
    for size in [1, 100, 16_384, 65_535, 65_536, 1_000_000] {
        let value = vec![b'v'; size];
        raw.send(&[encode(&[b"SET", b"k", &value]), request("GET k").repeat(5)].concat());
        assert_eq!(raw.reply(), "+OK");
        assert!(raw.replies(5).iter().all(|reply| reply.len() == size));
        raw.is_in_sync();
        let list = owner.ask(&format!("CLIENT LIST ID {}", &id[1..]));
        assert!(list.contains(" qbuf=0 ") && list.contains(" omem=0 "), "{list}");
    }
    target.finish();
}

/// The socket file could be opened by everybody for a moment.
#[test]
fn cve_2023_45145_the_socket_file_is_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let target = Target::with(&["--unixsocket", path.to_str().unwrap()]);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no other name of it is left");
    target.finish();
}

/// Ranges and counts at the ends of signed numbers were added up and wrapped.
#[test]
fn cve_2022_35977_and_2023_22458_and_2023_25155_ranges_at_the_ends_of_numbers() {
    let target = Target::start();
    let mut raw = target.client();
    with_deleted_entries(&mut raw);
    for number in ["-9223372036854775808", "9223372036854775807"] {
        let calls = [
            "XCLAIM s g d 0 7-0 IDLE #",
            "XCLAIM s g d 0 7-0 TIME #",
            "XCLAIM s g d 0 7-0 RETRYCOUNT #",
            "XAUTOCLAIM s g d # 0",
            "XCLAIM s g e 0 7-0",
            "XPENDING s g IDLE # - + 100",
            "XRANGE s - + COUNT #",
            "XINFO STREAM s FULL COUNT #",
            "XREADGROUP GROUP g c COUNT # STREAMS s 0",
        ];
        for call in calls {
            let reply = raw.ask(&call.replace('#', number));
            assert!(reply.starts_with('[') || reply.starts_with('{') || reply == "nil", "{call}: {reply}");
        }
        assert!(raw.ask("XPENDING s g - + 100 e").starts_with("[[7-0 e :"));
    }
    target.finish();
}

/// Redis #5111: a group's position went back, and what was pending already was created by halves for the next reader.
#[test]
fn redis_5111_entries_delivered_again_after_setid_change_their_owner() {
    let target = Target::start();
    let mut raw = target.client();
    raw.ask_each(
        "XGROUP CREATE s g 0 MKSTREAM|XADD s 1-0 a b|XADD s 2-0 a b|XREADGROUP GROUP g c STREAMS s >",
    );
    raw.ask_each("XGROUP SETID s g 0|XREADGROUP GROUP g d COUNT 1 STREAMS s >");
    assert_eq!(raw.ask("XPENDING s g"), "[:2 1-0 2-0 [[c 1] [d 1]]]");
    assert_eq!(raw.ask("XREADGROUP GROUP g c STREAMS s 0"), "[[s [[2-0 [a b]]]]]");
    assert_eq!(raw.ask_each("XGROUP DELCONSUMER s g c|XGROUP DELCONSUMER s g d"), [":1", ":1"]);
    target.finish();
}

/// Redis #8932: to unlink a stream whose last group was destroyed ended the server.
#[test]
fn redis_8932_a_stream_without_its_last_group_can_go() {
    let target = Target::start();
    let mut raw = target.client();
    for end in ["UNLINK s", "DEL s", "FLUSHALL ASYNC", "RENAME s t", "EXPIRE s -1"] {
        raw.ask_each("XGROUP CREATE s g 0 MKSTREAM|XADD s 1-0 a b|XREADGROUP GROUP g c STREAMS s >");
        assert_eq!(raw.ask("XGROUP DESTROY s g"), ":1");
        assert!(!raw.ask(end).starts_with('-'));
        assert_eq!(raw.ask("EXISTS s"), ":0");
    }
    target.finish();
}

/// Redis #10968: a group destroyed while others wait for it, and made again at once.
#[test]
fn redis_10968_a_group_destroyed_and_made_again_under_its_readers() {
    let target = Target::start();
    let (mut owner, mut reader) = (target.client(), target.client());
    for _ in 0..20 {
        owner.ask_each("DEL s|XGROUP CREATE s g $ MKSTREAM");
        reader.send(&request("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"));
        wait_for(&mut owner, "clients", "blocked_clients:1\r");
        owner.ask_each("MULTI|XGROUP DESTROY s g|XGROUP CREATE s g $|XADD s 5-5 a b|EXEC");
        assert_eq!(reader.reply(), "[[s [[5-5 [a b]]]]]");
    }
    target.finish();
}

/// A publisher that listens to its own channel had the push written into the middle of its reply.
#[test]
fn valkey_9_1_2_a_push_to_oneself_stands_beside_the_reply() {
    let target = Target::start();
    let mut raw = target.client();
    raw.ask("HELLO 3");
    assert_eq!(raw.ask("SUBSCRIBE c"), "[subscribe c :1]");
    raw.send(&request("PUBLISH c m").repeat(100));
    raw.send(&[request("MULTI"), request("PUBLISH c m"), request("ECHO x"), request("EXEC")].concat());
    let replies = raw.replies(100 + 4 + 101);
    let count = |text: &str| replies.iter().filter(|reply| *reply == text).count();
    assert_eq!((count("[message c m]"), count(":1"), count("[:1 x]")), (101, 100, 1));
    target.finish();
}
