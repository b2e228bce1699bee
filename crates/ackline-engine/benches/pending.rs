//! The pending entries list by itself: what an operation costs, and how many bytes an entry takes.

use ackline_engine::StreamId;
use ackline_engine::state::{ConsumerKey, Pending};
use divan::Bencher;
use divan::counter::ItemsCount;
use std::hint::black_box;

const NOW: i64 = 1_700_000_000_000;
const LENS: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];

fn main() {
    if std::env::args().len() <= 2 {
        memory();
    }
    divan::main();
}

fn memory() {
    println!("bytes an entry   in order   half acknowledged   7/8 acknowledged   all claimed at random");
    for len in LENS {
        let mut list = delivered(len);
        let mut bytes = vec![list.memory() as f64 / len as f64];
        for (from, to) in [(0, len / 2), (len / 2, len * 7 / 8)] {
            (from..to).for_each(|n| {
                list.remove(&[id(scattered(n, len))]);
            });
            bytes.push(list.memory() as f64 / list.len() as f64);
        }
        let mut list = delivered(len);
        (0..len).for_each(|n| claim(&mut list, scattered(n, len), n));
        bytes.push(list.memory() as f64 / len as f64);
        println!("{len:>14} {:>10.1} {:>19.1} {:>18.1} {:>23.1}", bytes[0], bytes[1], bytes[2], bytes[3]);
    }
}

/// Twenty entries a millisecond, delivered a hundred at a time to one of ten consumers.
fn delivered(len: u64) -> Pending {
    let mut list = Pending::default();
    (0..len).for_each(|n| deliver(&mut list, n));
    list
}

fn id(n: u64) -> StreamId {
    StreamId::new(NOW as u64 + n / 20, n % 20)
}

fn deliver(list: &mut Pending, n: u64) {
    list.place(id(n), Some(ConsumerKey(n as u32 / 100 % 10)), NOW + 5 + n as i64 / 100, 1);
}

fn claim(list: &mut Pending, n: u64, at: u64) {
    list.place(id(n), Some(ConsumerKey(at as u32 % 7)), NOW + 10_000_000 + at as i64 / 100, 2);
}

/// Every number below `len` once: all lens are coprime to the factor.
fn scattered(n: u64, len: u64) -> u64 {
    (n * 1_000_003 * 48_271) % len
}

#[divan::bench(args = LENS, sample_count = 3)]
fn place_in_order(bencher: Bencher<'_, '_>, len: u64) {
    bencher.counter(ItemsCount::new(len)).bench(|| delivered(len));
}

/// A list once filled, and an operation on each of its first entries.
fn each(bencher: Bencher<'_, '_>, len: u64, operation: impl Fn(&mut Pending, u64) + Sync) {
    let count = len.min(100_000);
    let full = delivered(len);
    let list = || {
        // Not shared with the full one, so that nothing is copied within the measurement.
        let mut list = Pending::default();
        full.iter().for_each(|(id, delivery)| {
            list.place_exact(id, delivery);
        });
        list.set_next_order(full.next_order());
        list
    };
    bencher.counter(ItemsCount::new(count)).with_inputs(list).bench_local_refs(|list| {
        (0..count).for_each(|n| operation(list, n));
    });
}

#[divan::bench(args = LENS, sample_count = 5, sample_size = 1)]
fn remove_in_order(bencher: Bencher<'_, '_>, len: u64) {
    each(bencher, len, |list, n| {
        list.remove(&[id(n)]);
    });
}

#[divan::bench(args = LENS, sample_count = 5, sample_size = 1)]
fn remove_scattered(bencher: Bencher<'_, '_>, len: u64) {
    each(bencher, len, |list, n| {
        list.remove(&[id(scattered(n, len))]);
    });
}

#[divan::bench(args = LENS, sample_count = 5, sample_size = 1)]
fn claim_scattered(bencher: Bencher<'_, '_>, len: u64) {
    each(bencher, len, |list, n| claim(list, scattered(n, len), n));
}

#[divan::bench(args = LENS, sample_count = 5, sample_size = 1)]
fn release_scattered(bencher: Bencher<'_, '_>, len: u64) {
    each(bencher, len, |list, n| {
        list.place(id(scattered(n, len)), None, 0, 1);
    });
}

#[divan::bench(args = LENS, sample_count = 5, sample_size = 1)]
fn claim_oldest(bencher: Bencher<'_, '_>, len: u64) {
    each(bencher, len, |list, n| claim(list, n, n));
}

#[divan::bench(args = LENS)]
fn oldest_ten(bencher: Bencher<'_, '_>, len: u64) {
    let list = delivered(len);
    bencher.bench_local(|| list.claim_order().take(10).map(|(id, _)| id.seq).sum::<u64>());
}

#[divan::bench(args = LENS)]
fn nothing_to_claim(bencher: Bencher<'_, '_>, len: u64) {
    let list = delivered(len);
    bencher.bench_local(|| list.claim_order_by(black_box(NOW)).next());
}

/// What XAUTOCLAIM without COUNT looks at.
#[divan::bench(args = LENS)]
fn a_thousand_by_id(bencher: Bencher<'_, '_>, len: u64) {
    let list = delivered(len);
    let from = id(len / 2);
    bencher.bench_local(|| {
        let mut sweep = black_box(&list).sweep(from, black_box(NOW), 1000);
        (sweep.next(), sweep.rest())
    });
}

#[divan::bench(args = LENS)]
fn none_idle_by_id(bencher: Bencher<'_, '_>, len: u64) {
    let list = delivered(len);
    bencher.bench_local(|| black_box(&list).iter().delivered_by(black_box(NOW)).next());
}

#[divan::bench(args = LENS)]
fn look_up_scattered(bencher: Bencher<'_, '_>, len: u64) {
    let list = delivered(len);
    let mut n = 0;
    bencher.bench_local(|| {
        n += 1;
        list.get(id(scattered(n, len)))
    });
}

#[divan::bench(args = LENS, sample_count = 5, sample_size = 1)]
fn remove_one_consumer(bencher: Bencher<'_, '_>, len: u64) {
    bencher.with_inputs(|| delivered(len)).bench_local_refs(|list| list.remove_owned(ConsumerKey(3)));
}
