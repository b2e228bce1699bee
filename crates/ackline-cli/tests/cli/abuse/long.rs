//! Long runs whose memory stays flat.

use super::{Raw, Target, request};

/// So many commands are sent before their replies are read.
const DEPTH: usize = 1000;

/// Spells of 30,000 operations; an unoptimised server gets fewer.
const SPELLS: u64 = if cfg!(debug_assertions) { 2 } else { 10 };

/// 30,000 operations: appended, trimmed and deleted again.
fn spell(client: &mut Raw) {
    let round = [
        request("XADD s MAXLEN ~ 1000 * name value"),
        request("XADD t * name value"),
        request("XADD t MINID 1-0 * other value"),
        request("XTRIM t MAXLEN 2"),
        request("XADD u 7-7 name value"),
        request("XDEL u 7-7"),
        request("DEL u"),
        request("XADD s NOMKSTREAM MAXLEN = 1000 * name value"),
        request("XTRIM s MAXLEN ~ 1000"),
        request("XREVRANGE t + - COUNT 1"),
    ]
    .concat();
    let pipeline = round.repeat(DEPTH / 10);
    for _ in 0..30 {
        client.send(&pipeline);
        assert!(client.replies(DEPTH).iter().all(|reply| !reply.starts_with('-')));
    }
}

#[test]
fn appending_and_trimming_for_long_keeps_memory_flat() {
    let target = Target::start();
    let mut client = target.client();
    assert_eq!(client.ask("CONFIG SET stream-node-max-entries 10"), "+OK");
    spell(&mut client);
    let before = target.peak();
    (1..SPELLS).for_each(|_| spell(&mut client));
    let grown = target.peak() - before;
    assert!(grown < 48, "{grown} MiB for {} operations that leave nothing behind", SPELLS * 30_000);
    let (length, rest) = (client.ask("XLEN s"), client.ask("XLEN t"));
    assert_eq!((length.as_str(), rest.as_str()), (":1000", ":2"));
    target.finish();
}

#[test]
fn groups_that_come_and_go_keep_memory_flat() {
    let target = Target::start();
    let mut client = target.client();
    let round = [
        request("XGROUP CREATE s g 0 MKSTREAM"),
        request("XADD s * name value"),
        request("XREADGROUP GROUP g c COUNT 1 STREAMS s >"),
        request("XAUTOCLAIM s g d 0 0"),
        request("XGROUP DESTROY s g"),
        request("XTRIM s MAXLEN 0"),
        request("DEL s"),
    ]
    .concat();
    let mut spell = || {
        for _ in 0..10 {
            client.send(&round.repeat(100));
            client.replies(700);
        }
    };
    spell();
    let before = target.peak();
    (1..SPELLS).for_each(|_| spell());
    let grown = target.peak() - before;
    assert!(grown < 32, "{grown} MiB for {} operations that leave nothing behind", SPELLS * 7000);
    assert_eq!(client.ask("DBSIZE"), ":0");
    target.finish();
}
