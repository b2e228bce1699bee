//! Images: whatever RESTORE accepts is a value that every command can work with.
//!
//! Servers of other kinds crashed on lists of pending entries that did not fit each other: an entry that two consumers
//! own, one that its group does not know, an owner that is none, a count that lies.

use super::{INPUT_MAX, START};
use crate::driver::{Answer, Driver, replayed};
use crate::plain::Plain;
use ackline_engine::Reply;
use xxhash_rust::xxh3::xxh3_64;

const SHARDS: usize = 2;
const KEY: &[u8] = b"k";
/// Groups and consumers that are tried; the others are only looked at.
const TRIED: usize = 4;

/// The bytes as the image of a value.
pub fn image(bytes: &[u8]) {
    let mut payload = b"ACK1".to_vec();
    payload.extend_from_slice(&bytes[..bytes.len().min(INPUT_MAX)]);
    let sum = xxh3_64(&payload);
    payload.extend_from_slice(&sum.to_le_bytes());
    let mut hand = Hand { driver: Driver::new(SHARDS, START), calls: 0 };
    if matches!(hand.call(&[b"RESTORE", KEY, b"0", &payload]), Plain::Error(_)) {
        return;
    }
    hand.round_trip();
    hand.agrees();
    if hand.call(&[b"TYPE", KEY]) == Plain::Status("stream".into()) {
        hand.use_up();
        hand.agrees();
    }
    assert_eq!(hand.call(&[b"DEL", KEY]), Plain::Int(1));
}

struct Hand {
    driver: Driver,
    calls: usize,
}

impl Hand {
    /// A call that does not wait; each may take as long as it likes, so that the next is made by somebody else.
    fn call(&mut self, words: &[&[u8]]) -> Plain {
        self.calls += 1;
        let name = format!("client {}", self.calls);
        match self.driver.call(&name, words) {
            Answer::Now(plain) => plain,
            Answer::Blocked => {
                self.driver.unblock(&name, Ok(Reply::NullArray));
                self.driver.take_answer(&name).expect("an unblocked read has its answer")
            }
        }
    }

    /// A call without surprises in its words.
    fn run(&mut self, line: &str, more: &[&[u8]]) -> Plain {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).chain(more.iter().copied()).collect();
        self.call(&words)
    }

    fn round_trip(&mut self) {
        let dump = self.run("DUMP k", &[]);
        let Plain::Bulk(payload) = &dump else { panic!("no dump: {dump:?}") };
        assert_eq!(self.run("RESTORE copy 0", &[payload]), Plain::Status("OK".into()));
        assert_eq!(self.run("DUMP copy", &[]), dump, "a dump of a dump is another");
    }

    /// The log and a snapshot lead to the state that commands led to.
    fn agrees(&mut self) {
        let live = self.driver.digest();
        assert_eq!(
            self.driver.restored(SHARDS).as_ref(),
            Some(&live),
            "a snapshot brings back another state"
        );
        assert_eq!(replayed(self.driver.log(), SHARDS), Some(live), "the log brings back another state");
    }

    /// Everything that can be done to a stream, down to the last entry.
    fn use_up(&mut self) {
        self.look();
        self.run("XADD k * f v", &[]);
        for group in self.names("XINFO GROUPS k", &[]).iter().take(TRIED) {
            self.deliver(group);
            self.agrees();
            self.acknowledge(group);
        }
        self.agrees();
        self.look();
        let entries = ids(&self.run("XRANGE k - +", &[]));
        self.run("XTRIM k MAXLEN 3", &[]);
        for policy in ["XDEL k", "XDELEX k ACKED IDS 1", "XDELEX k DELREF IDS 1", "XACKDEL k g IDS 1"] {
            for id in entries.iter().rev().take(TRIED) {
                self.run(policy, &[id]);
            }
        }
        self.run("XTRIM k MINID 18446744073709551615-18446744073709551615", &[]);
        self.run("XTRIM k MAXLEN 0", &[]);
        assert_eq!(self.run("XLEN k", &[]), Plain::Int(0));
        self.run("XCFGSET k IDMP-MAXSIZE 1", &[]);
        self.driver.advance(1_000);
    }

    /// What is counted is there.
    fn look(&mut self) {
        let forth = ids(&self.run("XRANGE k - +", &[]));
        let mut back = ids(&self.run("XREVRANGE k + -", &[]));
        back.reverse();
        assert_eq!(forth, back, "there and back are not the same");
        assert_eq!(self.run("XLEN k", &[]), Plain::Int(forth.len() as i64), "the length lies");
        for line in ["XINFO STREAM k", "XINFO STREAM k FULL", "XINFO STREAM k FULL COUNT 0", "MEMORY USAGE k"]
        {
            self.run(line, &[]);
        }
        for line in ["XREAD COUNT 3 STREAMS k 0", "XREAD STREAMS k +", "XREAD BLOCK 1 STREAMS k $"] {
            self.run(line, &[]);
        }
        for group in self.names("XINFO GROUPS k", &[]) {
            let rows = self.rows(&group);
            let Plain::Array(summary) = self.run("XPENDING k", &[&group]) else { panic!("no summary") };
            assert_eq!(summary[0], Plain::Int(rows.len() as i64), "the count of pending entries lies");
            for consumer in self.names("XINFO CONSUMERS k", &[&group]) {
                let own = self.run("XPENDING k", &[&group, b"-", b"+", b"1000000", &consumer]);
                assert!(ids(&own).iter().all(|id| rows.contains(id)), "a consumer owns what is not pending");
            }
        }
    }

    fn rows(&mut self, group: &[u8]) -> Vec<Vec<u8>> {
        ids(&self.run("XPENDING k", &[group, b"-", b"+", b"1000000"]))
    }

    fn deliver(&mut self, group: &[u8]) {
        let pending = self.rows(group);
        let some: Vec<&[u8]> = pending.iter().take(20).map(Vec::as_slice).collect();
        let mut consumers = self.names("XINFO CONSUMERS k", &[group]);
        consumers.truncate(TRIED);
        consumers.push(b"new".to_vec());
        for consumer in &consumers {
            let who = [group, consumer];
            self.read(who, "COUNT 2 STREAMS k >");
            self.read(who, "STREAMS k 0");
            self.read(who, "CLAIM 1 COUNT 3 STREAMS k >");
            self.run("XAUTOCLAIM k", &[group, consumer, b"1", b"0", b"COUNT", b"3"]);
            self.run("XCLAIM k", &[&[group, consumer, b"0"], &some[..]].concat());
            self.run("XCLAIM k", &[&[group, consumer, b"0", b"9-9"], &some[..], &[b"FORCE"]].concat());
        }
        for (id, mode) in some.iter().zip([b"SILENT".as_slice(), b"FAIL", b"FATAL"]) {
            self.run("XNACK k", &[group, mode, b"IDS", b"1", id]);
        }
        self.claim_all(group);
        self.run("XGROUP DELCONSUMER k", &[group, &consumers[0]]);
        self.run("XGROUP SETID k", &[group, b"0"]);
        self.read([group, b"new"], "NOACK COUNT 5 STREAMS k >");
    }

    /// A claim of everything meets every entry that is still there, in whatever order.
    fn claim_all(&mut self, group: &[u8]) {
        let live = ids(&self.run("XRANGE k - +", &[]));
        let wanted: Vec<Vec<u8>> = self.rows(group).into_iter().filter(|id| live.contains(id)).collect();
        self.driver.advance(10);
        let answer = self.read([group, b"all"], "CLAIM 0 STREAMS k >");
        let Plain::Array(streams) = &answer else {
            assert!(wanted.is_empty(), "nothing was claimed of {} entries: {answer:?}", wanted.len());
            return;
        };
        let Some(Plain::Array(parts)) = streams.first() else { return };
        let got = ids(&parts[1]);
        let missed = wanted.iter().find(|id| !got.contains(id));
        assert_eq!(missed, None, "a pending entry that cannot be claimed by time");
    }

    fn read(&mut self, [group, consumer]: [&[u8]; 2], rest: &str) -> Plain {
        let words: Vec<&[u8]> = rest.split(' ').map(str::as_bytes).collect();
        self.run("XREADGROUP GROUP", &[&[group, consumer], &words[..]].concat())
    }

    fn acknowledge(&mut self, group: &[u8]) {
        let pending = self.rows(group);
        let all: Vec<&[u8]> = pending.iter().map(Vec::as_slice).collect();
        if !all.is_empty() {
            let acked = self.run("XACK k", &[&[group], &all[..]].concat());
            assert_eq!(acked, Plain::Int(all.len() as i64), "a pending entry cannot be acknowledged");
        }
        assert_eq!(
            self.rows(group),
            Vec::<Vec<u8>>::new(),
            "entries are pending after all were acknowledged"
        );
        for consumer in self.names("XINFO CONSUMERS k", &[group]) {
            assert_eq!(
                self.run("XGROUP DELCONSUMER k", &[group, &consumer]),
                Plain::Int(0),
                "a consumer owns"
            );
        }
    }

    /// The names in what XINFO lists.
    fn names(&mut self, line: &str, more: &[&[u8]]) -> Vec<Vec<u8>> {
        let Plain::Array(items) = self.run(line, more) else { return Vec::new() };
        items.iter().filter_map(name).collect()
    }
}

fn name(info: &Plain) -> Option<Vec<u8>> {
    let value = match info {
        Plain::Map(pairs) => &pairs.first()?.1,
        Plain::Array(fields) => fields.get(1)?,
        _ => return None,
    };
    if let Plain::Bulk(name) = value { Some(name.clone()) } else { None }
}

/// The IDs that begin the rows of an answer.
fn ids(answer: &Plain) -> Vec<Vec<u8>> {
    let Plain::Array(rows) = answer else { return Vec::new() };
    let id = |row: &Plain| match row {
        Plain::Array(parts) => match parts.first() {
            Some(Plain::Bulk(id)) => Some(id.clone()),
            _ => None,
        },
        _ => None,
    };
    rows.iter().filter_map(id).collect()
}
