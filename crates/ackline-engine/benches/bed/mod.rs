//! A shard with a stream and a group in it, and commands on it, run as the broker and a batch of the server run them:
//! locks, log and wire aside. What is measured (`commands.rs`) and what is counted (`allocations.rs`) is the same.

pub(crate) mod cases;

use ackline_engine::table::Table;
use ackline_engine::{Args, Called, Context, Reach, Reply, Shard, ShardSet, StreamId, Txn};
use std::hint::black_box;
use std::ops::Range;

const START: i64 = 1_700_000_000_000;
const SHARDS: usize = 16;
const DATABASES: usize = 16;

/// Unix ms of the `n`th message: twenty a millisecond.
fn time(n: u64) -> i64 {
    START + n as i64 / 20
}

/// The ID that the `n`th message gets.
fn id(n: u64) -> StreamId {
    StreamId::new(time(n) as u64, n % 20)
}

/// Every number below `len` once: all lens are coprime to the factor.
fn scattered(n: u64, len: u64) -> u64 {
    n % len * 1_000_003 % len * 48_271 % len
}

/// Commands as they lie in the input buffer of a connection.
#[derive(Default)]
pub(crate) struct Script {
    bytes: Vec<u8>,
    words: Vec<Range<usize>>,
    /// The time of each command, and which words are its.
    calls: Vec<(i64, Range<usize>)>,
}

impl Script {
    fn push(&mut self, at: i64, line: &str) {
        let from = self.words.len();
        for word in line.split(' ') {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(word.as_bytes());
            self.words.push(start..self.bytes.len());
        }
        self.calls.push((at, from..self.words.len()));
    }

    fn one(at: i64, line: &str) -> Script {
        let mut script = Script::default();
        script.push(at, line);
        script
    }

    fn args(&self, words: &Range<usize>) -> Args<'_> {
        Args::new(&self.bytes, &self.words[words.clone()])
    }
}

/// One of the broker's shards.
struct Bed {
    table: Table,
    shard: Shard,
    index: usize,
    buffer: Vec<u8>,
}

impl Bed {
    fn empty() -> Bed {
        let index = ShardSet::of(b"s", SHARDS).first().expect("a key has a shard");
        Bed { table: Table::new(&[]), shard: Shard::new(DATABASES, 7), index, buffer: Vec::new() }
    }

    /// A stream of `len` messages of 100 bytes, and a group that has seen none of them.
    fn filled(len: u64) -> Bed {
        let mut bed = Bed::empty();
        bed.must(START, "XGROUP CREATE s g 0 MKSTREAM");
        (0..len).for_each(|n| bed.must(time(n), &cases::xadd_line()));
        bed
    }

    /// All of them delivered, a hundred at a time, to one of ten consumers.
    fn delivered(len: u64) -> Bed {
        let mut bed = Bed::filled(len);
        for n in 0..len.div_ceil(100) {
            let line = format!("XREADGROUP GROUP g c{} COUNT 100 STREAMS s >", n % 10);
            bed.must(time(len) + n as i64, &line);
        }
        bed
    }

    fn must(&mut self, at: i64, line: &str) {
        self.run(&Script::one(at, line), 1, |_| true);
    }

    /// Runs every command, `together` in a transaction; answers how many bytes of records that made.
    fn run(&mut self, script: &Script, together: usize, is_right: fn(&Reply) -> bool) -> usize {
        let mut logged = 0;
        for calls in script.calls.chunks(together) {
            let reach = Reach::one(SHARDS, self.index, &mut self.shard);
            let mut txn = Txn::new(reach, Context::at(calls[0].0), std::mem::take(&mut self.buffer));
            txn.expire_due();
            for (_, words) in calls {
                let reply = call(&self.table, &mut txn, script.args(words));
                assert!(is_right(&reply), "{reply:?}");
            }
            assert!(txn.serve().is_none());
            black_box(txn.next_deadline());
            (self.buffer, _) = txn.finish();
            logged += self.buffer.len();
        }
        logged
    }
}

fn call(table: &Table, txn: &mut Txn<'_>, args: Args<'_>) -> Reply {
    let spec = table.resolve(args).expect("a command");
    black_box(spec.shards(args, SHARDS));
    match txn.call(spec, args) {
        Called::Done(Ok(reply)) => reply,
        other => panic!("{other:?}"),
    }
}
