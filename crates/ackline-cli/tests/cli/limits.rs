//! Numbers, IDs and sizes at the edges of what there is.

use crate::abuse::{Raw, Target, encode, request};

const NOT_A_NUMBER: &str = "-ERR value is not an integer or out of range";
const INVALID_ID: &str = "-ERR Invalid stream ID specified as stream command argument";
const NEGATIVE: &[&str] = &["-1", "-9223372036854775808"];
const NOT_POSITIVE: &[&str] = &["0", "-1", "-9223372036854775808"];
/// Beyond a signed number, beyond an unsigned one, and spellings that are none.
const TOO_LARGE: &[&str] =
    &["9223372036854775808", "18446744073709551616", "-9223372036854775809", "01", "+1", "1 ", ""];
const LARGEST: &[&str] = &["9223372036854775807"];

/// Calls with a number for `#`, and what some numbers get.
const REFUSED: &[(&str, &[&str], &str)] = &[
    ("XREAD COUNT # STREAMS s 0", TOO_LARGE, NOT_A_NUMBER),
    ("XREAD BLOCK # STREAMS s 0", NEGATIVE, "-ERR timeout is negative"),
    ("XREAD BLOCK # STREAMS s 0", LARGEST, "-ERR timeout is out of range"),
    ("XREAD BLOCK # STREAMS s 0", TOO_LARGE, "-ERR timeout is not an integer or out of range"),
    ("XREAD MAXCOUNT # STREAMS s 0", NOT_POSITIVE, "-ERR MAXCOUNT must be a positive integer"),
    ("XREAD MAXSIZE # STREAMS s 0", NOT_POSITIVE, "-ERR MAXSIZE must be a positive integer"),
    ("XREAD MAXSIZE # STREAMS s 0", TOO_LARGE, NOT_A_NUMBER),
    ("XREADGROUP GROUP g c COUNT # STREAMS s >", TOO_LARGE, NOT_A_NUMBER),
    ("XREADGROUP GROUP g c BLOCK # STREAMS s >", NEGATIVE, "-ERR timeout is negative"),
    ("XREADGROUP GROUP g c BLOCK # STREAMS s >", LARGEST, "-ERR timeout is out of range"),
    ("XREADGROUP GROUP g c CLAIM # STREAMS s >", NEGATIVE, "-ERR min-idle-time must be a positive integer"),
    (
        "XREADGROUP GROUP g c CLAIM # STREAMS s >",
        TOO_LARGE,
        "-ERR min-idle-time is not an integer or out of range",
    ),
    ("XREADGROUP GROUP g c MAXCOUNT # STREAMS s >", NOT_POSITIVE, "-ERR MAXCOUNT must be a positive integer"),
    ("XREADGROUP GROUP g c MAXSIZE # STREAMS s >", NOT_POSITIVE, "-ERR MAXSIZE must be a positive integer"),
    ("XRANGE s - + COUNT #", TOO_LARGE, NOT_A_NUMBER),
    ("XREVRANGE s + - COUNT #", TOO_LARGE, NOT_A_NUMBER),
    ("XPENDING s g - + #", TOO_LARGE, NOT_A_NUMBER),
    ("XPENDING s g IDLE # - + 10", TOO_LARGE, NOT_A_NUMBER),
    ("XCLAIM s g d # 1-0", TOO_LARGE, "-ERR Invalid min-idle-time argument for XCLAIM"),
    ("XCLAIM s g d 0 1-0 IDLE #", TOO_LARGE, "-ERR Invalid IDLE option argument for XCLAIM"),
    ("XCLAIM s g d 0 1-0 TIME #", TOO_LARGE, "-ERR Invalid TIME option argument for XCLAIM"),
    ("XCLAIM s g d 0 1-0 RETRYCOUNT #", TOO_LARGE, "-ERR Invalid RETRYCOUNT option argument for XCLAIM"),
    ("XCLAIM s g d 0 1-0 LASTID #", NEGATIVE, INVALID_ID),
    ("XAUTOCLAIM s g d # 0", TOO_LARGE, "-ERR Invalid min-idle-time argument for XAUTOCLAIM"),
    ("XAUTOCLAIM s g d 0 0 COUNT #", NOT_POSITIVE, "-ERR COUNT must be > 0"),
    ("XAUTOCLAIM s g d 0 0 COUNT #", TOO_LARGE, "-ERR COUNT must be > 0"),
    ("XACKDEL s g IDS # 1-0", NOT_POSITIVE, "-ERR Number of IDs must be a positive integer"),
    ("XACKDEL s g IDS # 1-0", TOO_LARGE, "-ERR Number of IDs must be a positive integer"),
    ("XACKDEL s g IDS # 1-0", LARGEST, "-ERR The `numids` parameter must match the number of arguments"),
    ("XDELEX s IDS # 1-0", NOT_POSITIVE, "-ERR Number of IDs must be a positive integer"),
    ("XDELEX s IDS # 1-0", LARGEST, "-ERR The `numids` parameter must match the number of arguments"),
    ("XNACK s g FAIL IDS # 1-0", NOT_POSITIVE, "-ERR numids must be a positive integer"),
    ("XNACK s g FAIL IDS # 1-0", LARGEST, "-ERR numids must be a positive integer"),
    ("XNACK s g FAIL IDS # 1-0", &["2", "2147483647"], "-ERR number of IDs doesn't match numids"),
    ("XNACK s g FAIL IDS 1 1-0 RETRYCOUNT #", NEGATIVE, "-ERR Invalid RETRYCOUNT value, must be >= 0"),
    ("XNACK s g FAIL IDS 1 1-0 RETRYCOUNT #", TOO_LARGE, NOT_A_NUMBER),
    ("XTRIM s MAXLEN #", NEGATIVE, "-ERR The MAXLEN argument must be >= 0."),
    ("XTRIM s MAXLEN #", TOO_LARGE, NOT_A_NUMBER),
    ("XTRIM s MAXLEN ~ 1 LIMIT #", NEGATIVE, "-ERR The LIMIT argument must be >= 0."),
    ("XTRIM s MAXLEN ~ 1 LIMIT #", TOO_LARGE, NOT_A_NUMBER),
    ("XTRIM s MINID #", &["-1", "18446744073709551616", "1-18446744073709551616", ""], INVALID_ID),
    ("XADD s MAXLEN # * a b", NEGATIVE, "-ERR The MAXLEN argument must be >= 0."),
    ("XADD s MAXLEN ~ 1 LIMIT # * a b", NEGATIVE, "-ERR The LIMIT argument must be >= 0."),
    (
        "XADD s # a b",
        &["-1", "18446744073709551616", "1-18446744073709551616", "", "-", "+", "$"],
        INVALID_ID,
    ),
    ("XADD s # a b", &["0", "0-0"], "-ERR The ID specified in XADD must be greater than 0-0"),
    ("XINFO STREAM s FULL COUNT #", TOO_LARGE, NOT_A_NUMBER),
    ("XSETID s 99-0 ENTRIESADDED # MAXDELETEDID 1-0", NEGATIVE, "-ERR entries_added must be positive"),
    (
        "XSETID s 99-0 ENTRIESADDED # MAXDELETEDID 1-0",
        &["0", "1"],
        "-ERR The entries_added specified in XSETID is smaller than the target stream length",
    ),
    (
        "XGROUP CREATE s h 0 ENTRIESREAD #",
        &["-2", "-9223372036854775808"],
        "-ERR value for ENTRIESREAD must be positive or -1",
    ),
    ("XGROUP SETID s g 0 ENTRIESREAD #", TOO_LARGE, NOT_A_NUMBER),
    ("SCAN 0 COUNT #", NOT_POSITIVE, "-ERR syntax error"),
    ("SCAN 0 COUNT #", TOO_LARGE, NOT_A_NUMBER),
    ("SCAN #", &["-1", "18446744073709551616", "x"], "-ERR invalid cursor"),
    ("INCRBY k #", LARGEST, "-ERR increment or decrement would overflow"),
    ("INCRBY k #", TOO_LARGE, NOT_A_NUMBER),
    ("DECRBY k #", &["-9223372036854775808"], "-ERR decrement would overflow"),
    ("SET k v EX #", NOT_POSITIVE, "-ERR invalid expire time in 'set' command"),
    ("SET k v EX #", LARGEST, "-ERR invalid expire time in 'set' command"),
    ("SET k v PX #", TOO_LARGE, NOT_A_NUMBER),
    ("EXPIRE k #", LARGEST, "-ERR invalid expire time in 'expire' command"),
    ("EXPIRE k #", &["-9223372036854775808"], "-ERR invalid expire time in 'expire' command"),
    ("PEXPIRE k #", LARGEST, "-ERR invalid expire time in 'pexpire' command"),
    ("PEXPIREAT k #", TOO_LARGE, NOT_A_NUMBER),
];

/// Words in which the hole may be empty, or hold a blank.
fn fill(call: &str, number: &str) -> Vec<u8> {
    let words: Vec<String> = call.split(' ').map(|word| word.replace('#', number)).collect();
    encode(&words.iter().map(|word| word.as_bytes()).collect::<Vec<_>>())
}

const SETUP: &str = "FLUSHALL|XADD s 1-0 a 1|XADD s 2-0 a 2|XADD s 3-0 a 3|XGROUP CREATE s g 0|\
    XREADGROUP GROUP g c COUNT 2 STREAMS s >|SET k 10";

#[test]
fn numbers_that_are_none_get_redis_words_and_change_nothing() {
    let target = Target::start();
    let mut raw = target.client();
    raw.ask_each(SETUP);
    let digest = target.digest();
    for (call, numbers, text) in REFUSED {
        for number in *numbers {
            raw.send(&fill(call, number));
            assert_eq!(raw.reply(), *text, "{call} with {number:?}");
        }
        assert_eq!(target.digest(), digest, "{call}");
    }
    target.finish();
}

/// Calls with a number for `#` and a key for `s`, all of whose numbers do something or nothing.
const NUMBERED: &[&str] = &[
    "XREAD COUNT # STREAMS s 0",
    "XREAD COUNT 1 BLOCK 1 STREAMS s #",
    "XREADGROUP GROUP g c COUNT # STREAMS s >",
    "XREADGROUP GROUP g c CLAIM # STREAMS s >",
    "XREADGROUP GROUP g c COUNT # CLAIM 0 STREAMS s >",
    "XREADGROUP GROUP g c MAXCOUNT # MAXSIZE # STREAMS s >",
    "XREADGROUP GROUP g c STREAMS s #",
    "XRANGE s # + COUNT #",
    "XREVRANGE s # - COUNT #",
    "XRANGE s (# +",
    "XPENDING s g # + #",
    "XPENDING s g IDLE # - + 10 c",
    "XCLAIM s g d # 1-0 2-0",
    "XCLAIM s g d 0 1-0 IDLE #",
    "XCLAIM s g d 0 1-0 TIME #",
    "XCLAIM s g d 0 1-0 RETRYCOUNT #",
    "XCLAIM s g d 0 # 1-0 FORCE LASTID # JUSTID",
    "XCLAIM s g d 0 3-0 FORCE IDLE # RETRYCOUNT # LASTID #",
    "XAUTOCLAIM s g d # 0",
    "XAUTOCLAIM s g d 0 # COUNT #",
    "XAUTOCLAIM s g d 0 0 COUNT # JUSTID",
    "XNACK s g FATAL IDS 1 1-0",
    "XNACK s g SILENT IDS 1 1-0 RETRYCOUNT #",
    "XNACK s g FAIL IDS 2 # 3-0 RETRYCOUNT # FORCE",
    "XACKDEL s g DELREF IDS 2 # 1-0",
    "XDELEX s ACKED IDS 2 # 1-0",
    "XTRIM s MAXLEN #",
    "XTRIM s MAXLEN ~ #",
    "XTRIM s MAXLEN ~ 1 LIMIT #",
    "XTRIM s MINID #",
    "XTRIM s MINID ~ # LIMIT # DELREF",
    "XADD s MAXLEN # # a b",
    "XADD s MINID # * a b",
    "XADD s # a b",
    "XADD s #-1 a b",
    "XADD s #-* a b",
    "XADD s 4-# a b",
    "XINFO STREAM s FULL COUNT #",
    "XSETID s #",
    "XSETID s # ENTRIESADDED # MAXDELETEDID #",
    "XSETID s 9-0 ENTRIESADDED # MAXDELETEDID 1-0",
    "XGROUP CREATE s h #",
    "XGROUP CREATE s h 0 ENTRIESREAD #",
    "XGROUP SETID s g 0 ENTRIESREAD #",
    "XGROUP SETID s g #",
    "XCFGSET s IDMP-DURATION # IDMP-MAXSIZE #",
    "XDEL s # 1-0",
    "XACK s g # 1-0",
    "EXPIRE s #0000",
    "PEXPIREAT s #",
    "SCAN # COUNT #",
];

const EDGES: &[&str] = &[
    "0",
    "-1",
    "1",
    "2",
    "2147483647",
    "2147483648",
    "4294967296",
    "288230376151711743",
    "288230376151711744",
    "288230376151711745",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551614",
    "18446744073709551615",
    "1000000000000000000000000000000",
];

/// What meets the extreme values that a call may have left.
const AFTER: &str = "XADD s * a b|XREADGROUP GROUP g c COUNT 2 STREAMS s >|XREADGROUP GROUP h c STREAMS s >|\
    XNACK s g SILENT IDS 1 1-0|XREADGROUP GROUP g e CLAIM 0 STREAMS s >|XCLAIM s g f 0 1-0 2-0|XAUTOCLAIM s g f 5 0|\
    XPENDING s g - + 10|XPENDING s g IDLE 5 - + 10|XINFO STREAM s FULL|XINFO GROUPS s|XINFO CONSUMERS s g|\
    XTRIM s MAXLEN ~ 3|PTTL s|OBJECT IDLETIME s|DEBUG DIGEST-VALUE s";

fn at_key(line: &str, key: &str) -> String {
    line.split(' ').map(|word| if word == "s" { key } else { word }).collect::<Vec<_>>().join(" ")
}

/// Runs a call on a stream of its own; everything that follows is answered too.
fn survive(raw: &mut Raw, call: &str, number: &str, key: &str) {
    let setup = SETUP.split('|').filter(|line| *line != "FLUSHALL");
    let mut bytes: Vec<u8> = setup.flat_map(|line| request(&at_key(line, key))).collect();
    bytes.extend(fill(&at_key(call, key), number));
    bytes.extend(AFTER.split('|').flat_map(|line| request(&at_key(line, key))));
    raw.send(&bytes);
    raw.replies(6 + 1 + AFTER.split('|').count());
}

#[test]
fn no_number_at_any_edge_does_harm() {
    let target = Target::start();
    let mut raw = target.client();
    for (n, call) in NUMBERED.iter().enumerate() {
        for (m, number) in EDGES.iter().enumerate() {
            survive(&mut raw, call, number, &format!("s:{n}:{m}"));
        }
        raw.is_in_sync();
    }
    assert!(target.peak() < 200, "{} MiB", target.peak());
    // Everything that the calls left is read back from the log.
    target.finish();
}

/// Every prefix is compared with every other, and with every key that changes.
#[test]
fn nobody_tracks_any_number_of_prefixes() {
    let target = Target::start();
    let mut raw = target.client();
    let call = |range: std::ops::Range<u32>| {
        let prefixes = range.map(|n| format!(" PREFIX p{n:07}")).collect::<String>();
        format!("CLIENT TRACKING ON BCAST{prefixes}")
    };
    assert!(raw.ask("HELLO 3").contains("proto"));
    let many = "-ERR A client can have 1000 prefixes at most";
    assert_eq!(raw.ask(&call(0..100_000)), many);
    assert_eq!(raw.ask(&call(0..1000)), "+OK");
    assert_eq!(raw.ask(&call(1000..1001)), many);
    assert_eq!(raw.ask("CLIENT TRACKING OFF"), "+OK");
    assert_eq!(raw.ask(&call(1000..1001)), "+OK");
    target.finish();
}

#[test]
fn ids_at_the_end_of_all_numbers() {
    const LAST: &str = "18446744073709551615-18446744073709551615";
    const EXHAUSTED: &str = "-ERR The stream has exhausted the last possible ID, unable to add more items";
    let target = Target::start();
    let mut raw = target.client();
    let steps = [
        ("XADD s 1-18446744073709551615 a b", "1-18446744073709551615"),
        (
            "XADD s 1-* a b",
            "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
        ),
        ("XADD s LAST a b", LAST),
        ("XADD s * a b", EXHAUSTED),
        ("XADD s 18446744073709551615-* a b", EXHAUSTED),
        ("XADD s LAST a b", EXHAUSTED),
        ("XRANGE s (LAST +", "-ERR invalid start ID for the interval"),
        ("XRANGE s - (0-0", "-ERR invalid end ID for the interval"),
        ("XREAD STREAMS s LAST", "nil"),
        ("XREAD STREAMS s 18446744073709551615-18446744073709551614", "[[s [[LAST [a b]]]]]"),
        ("XGROUP CREATE s g 1-18446744073709551615", "+OK"),
        ("XREADGROUP GROUP g c STREAMS s >", "[[s [[LAST [a b]]]]]"),
        ("XREADGROUP GROUP g c STREAMS s >", "nil"),
        ("XAUTOCLAIM s g d 0 LAST", "[0-0 [[LAST [a b]]] []]"),
        ("XTRIM s MINID LAST", ":1"),
        ("XTRIM s MAXLEN 0", ":1"),
        ("XLEN s", ":0"),
        ("XDEL s LAST", ":0"),
        ("XPENDING s g", "[:1 LAST LAST [[d 1]]]"),
        ("XADD s * a b", EXHAUSTED),
        ("XADD t MAXLEN 0 LAST a b", LAST),
        ("XLEN t", ":0"),
        ("XADD u 5-5 a b", "5-5"),
        ("XADD u LAST a b", LAST),
        ("XGROUP CREATE u g 0", "+OK"),
        ("XREADGROUP GROUP g c STREAMS u >", "[[u [[5-5 [a b]] [LAST [a b]]]]]"),
        ("XTRIM u MAXLEN 0 DELREF", ":2"),
        ("XPENDING u g", "[:0 nil nil nil]"),
        ("XSETID u 5-5", "+OK"),
        ("XADD u 5-* a b", "5-6"),
    ];
    for (line, reply) in steps {
        assert_eq!(raw.ask(&line.replace("LAST", LAST)), reply.replace("LAST", LAST), "{line}");
    }
    target.finish();
}

#[test]
fn entries_of_many_fields_and_of_many_bytes() {
    let target = Target::start();
    let mut raw = target.client();
    let names: Vec<String> = (0..100_000).map(|n| format!("field-{n}")).collect();
    let mut words: Vec<&[u8]> = vec![b"XADD", b"s", b"1-1"];
    words.extend(names.iter().flat_map(|name| [name.as_bytes(), b"v"]));
    raw.send(&encode(&words));
    assert_eq!(raw.reply(), "1-1");
    let large = vec![b'x'; 16 << 20];
    raw.send(&encode(&[b"XADD", b"s", b"2-1", b"large", &large]));
    assert_eq!(raw.reply(), "2-1");
    raw.ask("XGROUP CREATE s g 0");
    let read = raw.ask("XREADGROUP GROUP g c STREAMS s >");
    assert!(read.len() > 16 << 20 && read.contains("field-99999 v"));
    assert_eq!(raw.ask("XRANGE s 1 1"), raw.ask("XCLAIM s g d 0 1-1"));
    assert_eq!(raw.ask("XDEL s 1-1"), ":1");
    assert!(target.peak() < 300, "{} MiB", target.peak());
    target.finish();
}

#[test]
fn lists_of_ids_of_every_length() {
    let target = Target::start();
    let mut raw = target.client();
    // Small blocks, because an unoptimised server takes long to look through large ones.
    assert_eq!(raw.ask("CONFIG SET stream-node-max-entries 10"), "+OK");
    for count in [1, 7, 8, 9, 10_000] {
        let ids: Vec<String> = (1..=count).map(|n| format!("{n}-0")).collect();
        let fill = |raw: &mut Raw| {
            raw.ask_each("DEL s|XGROUP CREATE s g 0 MKSTREAM");
            raw.send(&ids.iter().flat_map(|id| request(&format!("XADD s {id} a b"))).collect::<Vec<u8>>());
            raw.replies(count);
            raw.ask("XREADGROUP GROUP g c STREAMS s >");
        };
        let all = ids.join(" ");
        let same = |each: &str| format!("[{}]", vec![each; count].join(" "));
        fill(&mut raw);
        assert_eq!(raw.ask(&format!("XCLAIM s g d 0 {all} JUSTID")), format!("[{all}]"));
        assert_eq!(raw.ask(&format!("XNACK s g FAIL IDS {count} {all}")), format!(":{count}"));
        assert_eq!(raw.ask(&format!("XACK s g {all}")), format!(":{count}"));
        assert_eq!(raw.ask(&format!("XACKDEL s g IDS {count} {all}")), same(":-1"));
        assert_eq!(raw.ask(&format!("XDELEX s IDS {count} {all}")), same(":1"));
        fill(&mut raw);
        assert_eq!(raw.ask(&format!("XACKDEL s g DELREF IDS {count} {all}")), same(":1"));
        assert_eq!(raw.ask(&format!("XACKDEL s g IDS {} {all}", count + 1)), MISMATCH);
    }
    target.finish();
}

const MISMATCH: &str = "-ERR The `numids` parameter must match the number of arguments";

#[test]
fn strings_at_their_limits() {
    let target = Target::start();
    let mut raw = target.client();
    let overflow = "-ERR increment or decrement would overflow";
    let steps = [
        ("SET n 9223372036854775807", "+OK"),
        ("INCR n", overflow),
        ("INCRBY n 1", overflow),
        ("DECRBY n -9223372036854775808", "-ERR decrement would overflow"),
        ("DECRBY n 9223372036854775807", ":0"),
        ("SET n -9223372036854775808", "+OK"),
        ("DECR n", overflow),
        ("INCRBY n -1", overflow),
        ("DECRBY n 9223372036854775807", overflow),
        ("INCRBY n 9223372036854775807", ":-1"),
        ("SET n 9223372036854775808", "+OK"),
        ("INCR n", NOT_A_NUMBER),
        ("APPEND n x", ":20"),
        ("SETEX n 9223372036854775807 v", "-ERR invalid expire time in 'setex' command"),
        ("PSETEX n 9223372036854775807 v", "-ERR invalid expire time in 'psetex' command"),
    ];
    for (line, reply) in steps {
        assert_eq!(raw.ask(line), reply, "{line}");
    }
    let piece = vec![b'x'; 1 << 19];
    for n in 1..=16 {
        raw.send(&encode(&[b"APPEND", b"long", &piece]));
        assert_eq!(raw.reply(), format!(":{}", n << 19));
    }
    assert!(target.peak() < 300, "{} MiB", target.peak());
    target.finish();
}

/// One field of a client's line in CLIENT LIST.
fn field(owner: &mut Raw, id: &str, name: &str) -> usize {
    let line = owner.ask(&format!("CLIENT LIST ID {id}"));
    let mut words = line.split_ascii_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok()).unwrap()
}

/// Who has nothing under way has no buffers, whatever went through them; who is in the middle of something has.
#[test]
fn an_idle_client_holds_no_buffers() {
    let target = Target::start();
    let (mut raw, mut owner) = (target.client(), target.client());
    let id = raw.ask("CLIENT ID")[1..].to_owned();
    let idle = field(&mut owner, &id, "tot-mem");
    let value = vec![b'v'; 1_000_000];
    raw.send(&encode(&[b"SET", b"k", &value]));
    raw.reply();
    raw.send(&[encode(&[b"XADD", b"s", b"*", b"f", &value]).repeat(2), request("GET k").repeat(3)].concat());
    raw.replies(5);
    raw.ask("PING");
    for name in ["qbuf", "qbuf-free", "rbs", "obl", "oll", "omem", "multi-mem"] {
        assert_eq!(field(&mut owner, &id, name), 0, "{name}");
    }
    assert_eq!(field(&mut owner, &id, "tot-mem"), idle);
    raw.ask_each("MULTI | SET k v | GET k");
    assert!(field(&mut owner, &id, "multi-mem") > 10);
    raw.ask("DISCARD");
    assert_eq!(field(&mut owner, &id, "multi-mem"), 0);
    let (begin, end) = (b"*2\r\n$4\r\nECHO\r\n$1000\r\n", [b'e'; 1000]);
    raw.send(begin);
    while field(&mut owner, &id, "qbuf") < begin.len() {}
    assert!(field(&mut owner, &id, "tot-mem") >= idle + begin.len());
    raw.send(&[&end[..], b"\r\n"].concat());
    assert_eq!(raw.reply().len(), end.len());
    assert_eq!((field(&mut owner, &id, "qbuf"), field(&mut owner, &id, "tot-mem")), (0, idle));
    target.finish();
}
