//! What a command costs between its bytes and those of its reply: decoding, dispatch, locks, engine, encoding, the
//! gate. No sockets, no log.
//!
//! Beside these figures stands what the kernel takes for sending and receiving, which no change here moves.

use ackline_log::LocalOptions;
use ackline_log::storage::Disk;
use ackline_server::offline::Offline;
use divan::Bencher;
use divan::counter::ItemsCount;
use std::fmt::Write;
use std::sync::Arc;

const DEPTHS: [usize; 3] = [1, 16, 64];

fn main() {
    divan::main();
}

/// A server, and one connection to it.
struct Bench {
    server: Offline,
    client: u64,
}

impl Bench {
    fn new() -> Bench {
        let nowhere = Arc::new(Disk::new(&std::env::temp_dir()));
        let directives = ["--appendonly".to_owned(), "no".to_owned()];
        let mut server = Offline::open(nowhere, LocalOptions::default(), 1, &directives).expect("a server");
        let client = server.connect();
        Bench { server, client }
    }

    /// Sends bytes, and drops what comes back.
    fn send(&mut self, bytes: &[u8]) -> usize {
        self.server.feed(self.client, bytes);
        let replies = self.server.receive(self.client).expect("the connection stays");
        assert!(!replies.is_empty() && !replies.starts_with(b"-"), "{}", String::from_utf8_lossy(&replies));
        replies.len()
    }

    fn fill(&mut self, entries: usize) {
        let one = format!("XADD s * data {}", "x".repeat(100));
        (0..entries.div_ceil(1000)).for_each(|_| {
            self.send(&pipeline(1000, |_| one.clone()));
        });
    }
}

/// Commands as a client writes them.
fn pipeline(depth: usize, command: impl Fn(usize) -> String) -> Vec<u8> {
    let mut out = String::new();
    for n in 0..depth {
        let line = command(n);
        let words: Vec<&str> = line.split(' ').collect();
        let _ = write!(out, "*{}\r\n", words.len());
        for word in words {
            let _ = write!(out, "${}\r\n{word}\r\n", word.len());
        }
    }
    out.into_bytes()
}

#[divan::bench(args = DEPTHS, sample_size = 20, sample_count = 500)]
fn ping(bencher: Bencher, depth: usize) {
    let (mut bench, bytes) = (Bench::new(), pipeline(depth, |_| "PING".to_owned()));
    bencher.counter(ItemsCount::new(depth)).bench_local(|| bench.send(&bytes));
}

#[divan::bench(args = DEPTHS, sample_size = 20, sample_count = 500)]
fn xadd(bencher: Bencher, depth: usize) {
    let mut bench = Bench::new();
    let bytes = pipeline(depth, |_| format!("XADD s * data {}", "x".repeat(100)));
    bencher.counter(ItemsCount::new(depth)).bench_local(|| bench.send(&bytes));
}

/// Hardly ever two commands of one shard in a row.
#[divan::bench(args = DEPTHS, sample_size = 20, sample_count = 500)]
fn xadd_all_over(bencher: Bencher, depth: usize) {
    let mut bench = Bench::new();
    let bytes = pipeline(depth, |n| format!("XADD s{} * data {}", n * 7 % 64, "x".repeat(100)));
    bencher.counter(ItemsCount::new(depth)).bench_local(|| bench.send(&bytes));
}

#[divan::bench(args = DEPTHS, sample_size = 20, sample_count = 500)]
fn xack_of_nothing(bencher: Bencher, depth: usize) {
    let mut bench = Bench::new();
    bench.send(&pipeline(1, |_| "XGROUP CREATE s g $ MKSTREAM".to_owned()));
    let bytes = pipeline(depth, |_| "XACK s g 1700000000000-1".to_owned());
    bencher.counter(ItemsCount::new(depth)).bench_local(|| bench.send(&bytes));
}

#[divan::bench(args = DEPTHS, sample_size = 20, sample_count = 500)]
fn xreadgroup_of_nothing(bencher: Bencher, depth: usize) {
    let mut bench = Bench::new();
    bench.send(&pipeline(1, |_| "XGROUP CREATE s g $ MKSTREAM".to_owned()));
    let bytes = pipeline(depth, |_| "XREADGROUP GROUP g c COUNT 1 STREAMS s >".to_owned());
    bencher.counter(ItemsCount::new(depth)).bench_local(|| bench.send(&bytes));
}

/// Delivery without a pending entry.
#[divan::bench(args = DEPTHS, sample_size = 20, sample_count = 200)]
fn xreadgroup_noack(bencher: Bencher, depth: usize) {
    let mut bench = Bench::new();
    bench.fill(depth * 4100);
    bench.send(&pipeline(1, |_| "XGROUP CREATE s g 0".to_owned()));
    let bytes = pipeline(depth, |_| "XREADGROUP GROUP g c COUNT 1 NOACK STREAMS s >".to_owned());
    bencher.counter(ItemsCount::new(depth)).bench_local(|| bench.send(&bytes));
}

/// A message is one XADD, one XREADGROUP COUNT 1 and one XACK.
#[divan::bench(args = DEPTHS, sample_size = 20, sample_count = 200)]
fn cycle(bencher: Bencher, depth: usize) {
    let mut bench = Bench::new();
    bench.send(&pipeline(1, |_| "XGROUP CREATE s g $ MKSTREAM".to_owned()));
    let payload = "x".repeat(100);
    let mut next = 0;
    let reads = pipeline(depth, |_| "XREADGROUP GROUP g c COUNT 1 STREAMS s >".to_owned());
    bencher
        .counter(ItemsCount::new(depth))
        .with_inputs(|| {
            next += depth;
            let first = next;
            let adds = pipeline(depth, |n| format!("XADD s {}-1 data {payload}", first + n));
            (adds, pipeline(depth, |n| format!("XACK s g {}-1", first + n)))
        })
        .bench_local_values(|(adds, acks)| bench.send(&adds) + bench.send(&reads) + bench.send(&acks));
}

#[divan::bench(args = [1, 16], sample_size = 20, sample_count = 100)]
fn xrange_of_100(bencher: Bencher, depth: usize) {
    let mut bench = Bench::new();
    bench.fill(10_000);
    let bytes = pipeline(depth, |_| "XRANGE s - + COUNT 100".to_owned());
    bencher.counter(ItemsCount::new(depth)).bench_local(|| bench.send(&bytes));
}
