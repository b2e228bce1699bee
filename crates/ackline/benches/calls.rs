//! What a call of the library costs beside what the broker does for it, in memory. Add: one entry. Read and ack: 100
//! entries a call. `call` is `Broker::call` with words put together beforehand, `submit` a future polled once, `typed` a
//! call with its result.

use ackline::{Ackline, Add, After, Args, Called, OwnedArgs, ReadGroup, StreamId};
use divan::{Bencher, black_box};
use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

fn main() {
    divan::main();
}

fn poll<F: Future + Unpin>(mut future: F) -> F::Output {
    match Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("in memory everything is durable"),
    }
}

fn call(broker: &Ackline, args: Args<'_>) {
    let inner = broker.broker();
    let spec = inner.table().resolve(args).expect("a command");
    match inner.call(spec, args, inner.context()) {
        Called::Done(outcome, _) => drop(black_box(outcome)),
        Called::Parked => unreachable!("nothing blocks"),
    }
}

fn owned(words: &[&str]) -> OwnedArgs {
    OwnedArgs::collect(words.iter().map(|word| word.as_bytes()))
}

const ADD: [&str; 7] = ["XADD", "orders", "MAXLEN", "~", "10000", "*", "item"];

fn add_words() -> Vec<&'static str> {
    ADD.into_iter().chain(["tea"]).collect()
}

#[divan::bench(sample_size = 100, sample_count = 500)]
fn add_call(bencher: Bencher<'_, '_>) {
    let (broker, words) = (Ackline::memory(), owned(&add_words()));
    bencher.bench_local(|| call(&broker, words.as_args()));
}

#[divan::bench(sample_size = 100, sample_count = 500)]
fn add_command(bencher: Bencher<'_, '_>) {
    let (broker, words) = (Ackline::memory(), add_words());
    bencher.bench_local(|| broker.command(&words));
}

#[divan::bench(sample_size = 100, sample_count = 500)]
fn add_submit(bencher: Bencher<'_, '_>) {
    let (broker, words) = (Ackline::memory(), add_words());
    bencher.bench_local(|| poll(broker.submit(&words)));
}

#[divan::bench(sample_size = 100, sample_count = 500)]
fn add_typed(bencher: Bencher<'_, '_>) {
    let broker = Ackline::memory();
    bencher.bench_local(|| poll(broker.add_with("orders", Add::new().max_len(10_000), [("item", "tea")])));
}

#[divan::bench(sample_size = 100, sample_count = 500)]
fn len_call(bencher: Bencher<'_, '_>) {
    let (broker, words) = (Ackline::memory(), owned(&["XLEN", "orders"]));
    bencher.bench_local(|| call(&broker, words.as_args()));
}

#[divan::bench(sample_size = 100, sample_count = 500)]
fn len_submit(bencher: Bencher<'_, '_>) {
    let broker = Ackline::memory();
    bencher.bench_local(|| poll(broker.submit(&["XLEN", "orders"])));
}

#[divan::bench(sample_size = 100, sample_count = 500)]
fn len_typed(bencher: Bencher<'_, '_>) {
    let broker = Ackline::memory();
    bencher.bench_local(|| poll(broker.len("orders")));
}

const BATCH: usize = 100;

/// A broker with a group to which 100 entries at a time become new again.
fn bed() -> (Ackline, Vec<StreamId>) {
    let broker = Ackline::memory();
    broker.create_group("orders", "g", After::START).wait().expect("a new group");
    let add = |_| broker.add("orders", [("item", "tea")]).wait().expect("an entry");
    let ids = (0..BATCH).map(add).collect();
    (broker, ids)
}

/// Nothing is pending and everything is new.
fn rewind(broker: &Ackline, ids: &[StreamId]) {
    broker.ack("orders", "g", ids).wait().expect("a group");
    broker.set_id("orders", "g", After::START).wait().expect("a group");
}

fn deliver(broker: &Ackline) {
    broker.read_group("orders", ReadGroup::new("g", "c")).wait().expect("a group");
}

/// Measures one side of a message's life; the other is done in between.
fn each(bencher: Bencher<'_, '_>, (broker, between): (&Ackline, impl Fn()), mut run: impl FnMut(&Ackline)) {
    let run = RefCell::new(&mut run);
    bencher.with_inputs(between).bench_local_values(|()| (run.borrow_mut())(broker));
}

const READ: [&str; 9] = ["XREADGROUP", "GROUP", "g", "c", "COUNT", "100", "STREAMS", "orders", ">"];

#[divan::bench(sample_size = 1, sample_count = 2000)]
fn read_100_call(bencher: Bencher<'_, '_>) {
    let ((broker, ids), words) = (bed(), owned(&READ));
    each(bencher, (&broker, || rewind(&broker, &ids)), |broker| call(broker, words.as_args()));
}

#[divan::bench(sample_size = 1, sample_count = 2000)]
fn read_100_submit(bencher: Bencher<'_, '_>) {
    let (broker, ids) = bed();
    each(bencher, (&broker, || rewind(&broker, &ids)), |broker| drop(poll(broker.submit(&READ))));
}

#[divan::bench(sample_size = 1, sample_count = 2000)]
fn read_100_typed(bencher: Bencher<'_, '_>) {
    let (broker, ids) = bed();
    let read = ReadGroup::new("g", "c").count(BATCH);
    each(bencher, (&broker, || rewind(&broker, &ids)), |broker| {
        drop(poll(broker.read_group("orders", read)));
    });
}

fn ack_words(ids: &[StreamId]) -> Vec<String> {
    let ids = ids.iter().map(StreamId::to_string);
    ["XACK", "orders", "g"].map(str::to_owned).into_iter().chain(ids).collect()
}

/// Everything is pending.
fn redeliver(broker: &Ackline, ids: &[StreamId]) {
    rewind(broker, ids);
    deliver(broker);
}

#[divan::bench(sample_size = 1, sample_count = 2000)]
fn ack_100_call(bencher: Bencher<'_, '_>) {
    let (broker, ids) = bed();
    let words = ack_words(&ids);
    let words = OwnedArgs::collect(words.iter().map(|word| word.as_bytes()));
    each(bencher, (&broker, || redeliver(&broker, &ids)), |broker| call(broker, words.as_args()));
}

#[divan::bench(sample_size = 1, sample_count = 2000)]
fn ack_100_submit(bencher: Bencher<'_, '_>) {
    let (broker, ids) = bed();
    let words = ack_words(&ids);
    each(bencher, (&broker, || redeliver(&broker, &ids)), |broker| drop(poll(broker.submit(&words))));
}

#[divan::bench(sample_size = 1, sample_count = 2000)]
fn ack_100_typed(bencher: Bencher<'_, '_>) {
    let (broker, ids) = bed();
    each(bencher, (&broker, || redeliver(&broker, &ids)), |broker| {
        drop(poll(broker.ack("orders", "g", &ids)));
    });
}
