//! Records: their bytes are frozen, and no bytes at all can make reading them panic.

use ackline_engine::codec::Reader;
use ackline_engine::record::{Change, Count, Record};
use ackline_engine::state::put_fields;
use ackline_engine::{Keyspace, StreamId, replay};
use ackline_sim::Rng;
use proptest::prelude::*;
use std::fmt::Write;
use std::fs;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/golden/records.txt");

const ID: StreamId = StreamId::new(1_526_919_030_474, 55);
const NEXT: StreamId = StreamId::new(1_526_919_030_474, 56);
const FAR: StreamId = StreamId::new(u64::MAX, u64::MAX);
const AT: i64 = 1_700_000_000_000;

fn stream_changes(fields: &[u8]) -> Vec<(&'static str, Change<'_>)> {
    use Change::*;
    let ids = || vec![ID, NEXT, FAR, StreamId::MIN].into();
    vec![
        ("create-stream", CreateStream { duration: 100, maxsize: 10_000 }),
        ("append", Append { new_block: false, id: ID, fields }),
        ("append-new-block", Append { new_block: true, id: FAR, fields }),
        ("trim", Trim { below: ID, unreference: false }),
        ("trim-unreference", Trim { below: FAR, unreference: true }),
        ("delete", Delete { remember: false, unreference: false, ids: ids() }),
        ("delete-remember", Delete { remember: true, unreference: false, ids: vec![ID].into() }),
        ("delete-unreference", Delete { remember: false, unreference: true, ids: vec![].into() }),
        ("delete-both", Delete { remember: true, unreference: true, ids: ids() }),
        ("set-stream", SetStream { last_id: NEXT, entries_added: 300, max_deleted_id: ID }),
        ("remember", Remember { producer: b"p", iid: b"i\0", id: ID }),
        ("recognise", Recognise),
        ("configure", Configure { duration: 86_400, maxsize: 1 }),
        ("forget", Forget { horizon: 1_699_999_900_000 }),
    ]
}

fn group_changes() -> Vec<(&'static str, Change<'static>)> {
    use Change::*;
    let (group, consumer, at) = (b"workers".as_slice(), b"alice".as_slice(), AT);
    let claim = |active, delivered_at, count| Claim {
        group,
        consumer,
        at,
        active,
        delivered_at,
        count,
        ids: vec![NEXT, ID].into(),
    };
    let deliver = |noack, entries_read| Deliver {
        group,
        consumer,
        at,
        noack,
        after: ID,
        to: NEXT,
        entries_read,
        ids: &[],
    };
    let release = |count| Release { group, count, ids: vec![ID, NEXT].into() };
    vec![
        ("create-group", CreateGroup { group, last_id: ID, entries_read: None }),
        ("create-group-read", CreateGroup { group: b"", last_id: StreamId::MIN, entries_read: Some(7) }),
        ("destroy-group", DestroyGroup { group }),
        ("seek", Seek { group, last_id: NEXT, entries_read: Some(0) }),
        ("seek-unknown", Seek { group, last_id: FAR, entries_read: None }),
        ("create-consumer", CreateConsumer { group, consumer, at }),
        ("delete-consumer", DeleteConsumer { group, consumer }),
        ("deliver", deliver(false, Some(12))),
        ("deliver-noack", deliver(true, None)),
        ("claim-add", claim(true, AT, Count::Add)),
        ("claim-keep", claim(false, AT - 100_000, Count::Keep)),
        ("claim-set", claim(true, 0, Count::Set(i64::MAX))),
        ("claim-subtract", claim(true, AT + 1, Count::Subtract)),
        ("release-add", release(Count::Add)),
        ("release-subtract", release(Count::Subtract)),
        ("release-keep", release(Count::Keep)),
        ("release-set", release(Count::Set(0))),
        ("ack", Ack { group, ids: vec![ID].into() }),
    ]
}

fn key_changes() -> Vec<(&'static str, Change<'static>)> {
    use Change::*;
    vec![
        ("set", Set { value: b"value", expire_at: None }),
        ("set-expiring", Set { value: b"", expire_at: Some(AT) }),
        ("extend", Extend { value: b"\xff more" }),
        ("remove", Remove),
        ("expire", Expire { at: Some(AT) }),
        ("persist", Expire { at: None }),
        ("move", Move { db: 15, to: b"other" }),
        ("copy", Copy { db: 0, to: b"other" }),
        ("flush", Flush),
        ("swap", Swap { with: 9 }),
        ("load", Load { parts: b"\x01\x03abc" }),
    ]
}

fn fields() -> Vec<u8> {
    let mut fields = Vec::new();
    put_fields(&mut fields, [b"field".as_slice(), b"value", b"", b"\0"].into_iter());
    fields
}

/// One of each, by name.
fn examples(fields: &[u8]) -> Vec<(&'static str, Record<'_>)> {
    let changes = [stream_changes(fields), group_changes(), key_changes()];
    let record = |(name, change): (&'static str, _)| {
        let whole = matches!(change, Change::Flush | Change::Swap { .. });
        let key: &[u8] = if whole { b"" } else { b"jobs" };
        (name, Record { db: [0, 1, 15][name.len() % 3], key, change })
    };
    changes.into_iter().flatten().map(record).collect()
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode(&mut out);
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `UPDATE_GOLDEN=1` adds lines for names that the file lacks; it changes none.
#[test]
fn golden_bytes() {
    let fields = fields();
    let mut golden = fs::read_to_string(GOLDEN).unwrap_or_default();
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for (name, record) in examples(&fields) {
        let now = hex(&encoded(&record));
        let then = golden.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        match then {
            Some(then) if then == now => {}
            None if update => golden.push_str(&format!("{name} {now}\n")),
            then => wrong.push(format!("{name}\n  is  {now}\n  was {}", then.unwrap_or("not there"))),
        }
    }
    assert!(wrong.is_empty(), "the bytes of records are frozen:\n{}", wrong.join("\n"));
    let known: Vec<&str> = examples(&fields).iter().map(|(name, _)| *name).collect();
    let lost = golden.lines().find(|line| !known.contains(&line.split(' ').next().unwrap()));
    assert_eq!(lost, None, "a golden record that no example makes any more");
    if update {
        fs::write(GOLDEN, golden).unwrap();
    }
}

/// Before tags had a bit for it, database 0 was written out. Such records are read for ever.
#[test]
fn a_database_of_0_may_be_written_out() {
    for (name, record) in examples(&fields()).into_iter().filter(|(_, record)| record.db == 0) {
        let now = encoded(&record);
        let then = [&[now[0] & 0x7f, 0], &now[1..]].concat();
        assert_eq!(Record::decode(&mut Reader::new(&then)), Some(record), "{name}");
    }
}

#[test]
fn what_is_encoded_comes_back() {
    let fields = fields();
    for (name, record) in examples(&fields) {
        let bytes = encoded(&record);
        let mut reader = Reader::new(&bytes);
        assert_eq!(Record::decode(&mut reader).as_ref(), Some(&record), "{name}");
        assert!(reader.is_empty(), "{name}");
        for cut in 0..bytes.len() {
            assert_eq!(Record::decode(&mut Reader::new(&bytes[..cut])), None, "{name} cut at {cut}");
        }
    }
}

/// Every tag is in the golden file, and the one behind the last is none.
#[test]
fn every_tag_has_an_example() {
    let fields = fields();
    let mut tags: Vec<u8> = examples(&fields).iter().map(|(_, record)| encoded(record)[0] & 0x7f).collect();
    tags.sort_unstable();
    tags.dedup();
    let last = *tags.last().unwrap();
    assert_eq!(tags, (1..=last).collect::<Vec<u8>>());
    for tag in [0].into_iter().chain(last + 1..=127).flat_map(|tag| [tag, tag | 0x80]) {
        let bytes = [&[tag][..], &[0; 64]].concat();
        assert_eq!(Record::decode(&mut Reader::new(&bytes)), None, "tag {tag} has no example");
    }
}

fn replay_anything(bytes: &[u8]) {
    let mut keyspace = Keyspace::new(4, 16, 1);
    let _ = replay(&mut keyspace.reach(), bytes);
}

/// Any sequence of examples: most do not fit the state that they meet.
#[test]
fn records_that_do_not_fit_are_refused() {
    let fields = fields();
    let examples = examples(&fields);
    let mut rng = Rng::new(3);
    for _ in 0..2_000 {
        let mut bytes = Vec::new();
        for _ in 0..rng.between(1, 12) {
            let (_, record) = rng.pick(&examples);
            Record { db: 0, ..record.clone() }.encode(&mut bytes);
        }
        replay_anything(&bytes);
    }
}

/// Good records with some bytes changed: these reach deeper than noise does.
#[test]
fn damaged_records_are_refused_or_read() {
    let fields = fields();
    let start = [
        Change::CreateStream { duration: 1, maxsize: 1 },
        Change::Append { new_block: true, id: ID, fields: &fields },
        Change::CreateGroup { group: b"workers", last_id: StreamId::MIN, entries_read: None },
    ];
    let mut good = Vec::new();
    start.into_iter().for_each(|change| Record { db: 0, key: b"jobs", change }.encode(&mut good));
    let examples = examples(&fields);
    let mut rng = Rng::new(4);
    for _ in 0..20_000 {
        let mut bytes = good.clone();
        for _ in 0..rng.between(1, 4) {
            let (_, record) = rng.pick(&examples);
            Record { db: 0, ..record.clone() }.encode(&mut bytes);
        }
        for _ in 0..rng.between(1, 3) {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = if rng.one_in(3) { 0xff } else { rng.bits() as u8 };
        }
        replay_anything(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_records_or_refused(tag in 0u8..30, bytes in any::<Vec<u8>>()) {
        let bytes = [&[tag, 0, 1, b'k'][..], &bytes].concat();
        let mut reader = Reader::new(&bytes);
        while Record::decode(&mut reader).is_some() {}
        replay_anything(&bytes);
    }
}
