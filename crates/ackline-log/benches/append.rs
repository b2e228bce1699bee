//! What a batch costs until it is written: nothing is synced, so that the disk is not what is measured. An item is a batch.

use ackline_log::{Directory, LocalLog, LocalOptions, Log, NoLog, SyncMode};
use divan::Bencher;
use divan::counter::ItemsCount;
use std::hint::black_box;

/// Bytes of records: of an acknowledgement, of a message of 100 bytes, and of 64 of those.
const SIZES: [usize; 3] = [13, 119, 64 * 119];

fn main() {
    divan::main();
}

fn local(by_hand: bool) -> (tempfile::TempDir, LocalLog) {
    let dir = tempfile::tempdir().expect("a directory");
    let options = LocalOptions { sync: SyncMode::No, by_hand, ..LocalOptions::default() };
    let directory = Directory::open(dir.path()).expect("a directory of its own");
    let log = LocalLog::open(directory, options, &mut |_, _| ()).expect("a log");
    (dir, log)
}

/// How many batches a sample has: the disk shall not run full.
fn batches(size: usize) -> u64 {
    if size < 1000 { 1000 } else { 100 }
}

fn put(log: &impl Log, batch: &[u8], count: u64) {
    for _ in 0..count {
        black_box(log.append(black_box(batch)));
    }
}

/// As without persistence: positions, and nothing kept.
#[divan::bench(args = SIZES, sample_count = 50, sample_size = 1)]
fn nowhere(bencher: Bencher<'_, '_>, size: usize) {
    let (log, batch, count) = (NoLog::new(), vec![7; size], batches(size));
    bencher.counter(ItemsCount::new(count)).bench_local(|| put(&log, &batch, count));
}

/// What the thread that holds the shard pays while the writer writes.
#[divan::bench(args = SIZES, sample_count = 50, sample_size = 1)]
fn append(bencher: Bencher<'_, '_>, size: usize) {
    let ((_dir, log), batch, count) = (local(false), vec![7; size], batches(size));
    let settle = || log.durable().wait(log.last(), None);
    let bencher = bencher.counter(ItemsCount::new(count)).with_inputs(settle);
    bencher.bench_local_values(|_| put(&log, &batch, count));
}

/// A batch a frame: the writer keeps up.
#[divan::bench(args = SIZES, sample_count = 50, sample_size = 1)]
fn write_alone(bencher: Bencher<'_, '_>, size: usize) {
    write(bencher, size, 1);
}

/// Many batches a frame: they gather while the frame before is written.
#[divan::bench(args = SIZES, sample_count = 50, sample_size = 1)]
fn write_gathered(bencher: Bencher<'_, '_>, size: usize) {
    write(bencher, size, 50);
}

fn write(bencher: Bencher<'_, '_>, size: usize, gathered: u64) {
    let ((_dir, log), batch, count) = (local(true), vec![7; size], batches(size));
    bencher.counter(ItemsCount::new(count)).bench_local(|| {
        for _ in 0..count / gathered {
            put(&log, &batch, gathered);
            log.step(false);
        }
    });
}
