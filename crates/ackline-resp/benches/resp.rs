//! What reading requests and writing replies costs. An item is a command, or an entry of a reply.

use ackline_resp::encode::{Writer, request};
use ackline_resp::{Decoder, Limits, Protocol};
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use std::hint::black_box;

const PAYLOAD: [u8; 100] = [b'x'; 100];
const PIPELINED: usize = 64;

fn main() {
    divan::main();
}

fn xadd(out: &mut Vec<u8>) {
    request(out, &[&b"XADD"[..], b"orders", b"*", b"data", &PAYLOAD]);
}

fn xack(out: &mut Vec<u8>) {
    request(out, &[&b"XACK"[..], b"orders", b"workers", b"1700000000000-12"]);
}

/// Every request of a buffer, its words looked at.
fn decode(bencher: Bencher<'_, '_>, count: usize, put: fn(&mut Vec<u8>)) {
    let mut input = Vec::new();
    (0..count).for_each(|_| put(&mut input));
    let (mut decoder, limits) = (Decoder::new(), Limits::default());
    let bencher = bencher.counter(ItemsCount::new(count)).counter(BytesCount::new(input.len()));
    bencher.bench_local(|| {
        let mut rest = black_box(&input[..]);
        let mut words = 0;
        while let Ok(Some(request)) = decoder.decode(rest, &limits) {
            words += black_box(request.words()).len();
            rest = &rest[request.consumed()..];
        }
        assert!(rest.is_empty());
        words
    });
}

#[divan::bench(args = [1, PIPELINED], sample_size = 100)]
fn decode_xadd(bencher: Bencher<'_, '_>, count: usize) {
    decode(bencher, count, xadd);
}

#[divan::bench(args = [1, PIPELINED], sample_size = 100)]
fn decode_xack(bencher: Bencher<'_, '_>, count: usize) {
    decode(bencher, count, xack);
}

/// A request that comes in two reads.
#[divan::bench(sample_size = 100)]
fn decode_xadd_in_halves(bencher: Bencher<'_, '_>) {
    let mut input = Vec::new();
    xadd(&mut input);
    let (mut decoder, limits) = (Decoder::new(), Limits::default());
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        let input = black_box(&input[..]);
        assert!(matches!(decoder.decode(&input[..input.len() / 2], &limits), Ok(None)));
        decoder.decode(input, &limits).map(|request| request.map(|request| request.words().len()))
    });
}

/// The replies to a pipeline, in a buffer that is used again and again.
fn encode(bencher: Bencher<'_, '_>, items: usize, write: impl Fn(&mut Writer<'_>)) {
    let mut out = Vec::new();
    write(&mut Writer::new(&mut out, Protocol::Resp2));
    let bencher = bencher.counter(ItemsCount::new(items)).counter(BytesCount::new(out.len()));
    bencher.bench_local(|| {
        out.clear();
        write(&mut Writer::new(&mut out, Protocol::Resp2));
        black_box(out.len())
    });
}

#[divan::bench(sample_size = 100)]
fn encode_id(bencher: Bencher<'_, '_>) {
    encode(bencher, PIPELINED, |out| {
        (0..PIPELINED as u64).for_each(|n| out.bulk_id(black_box(1_700_000_000_000), n));
    });
}

#[divan::bench(sample_size = 100)]
fn encode_integer(bencher: Bencher<'_, '_>) {
    encode(bencher, PIPELINED, |out| (0..PIPELINED).for_each(|_| out.int(black_box(1))));
}

/// What XREADGROUP gives of one stream.
#[divan::bench(args = [1, 100], sample_size = 100)]
fn encode_entries(bencher: Bencher<'_, '_>, count: usize) {
    encode(bencher, count, |out| {
        out.array(1);
        out.array(2);
        out.bulk(b"orders");
        out.array(count);
        for n in 0..count as u64 {
            out.array(2);
            out.bulk_id(black_box(1_700_000_000_000), n);
            out.array(2);
            out.bulk(black_box(b"data"));
            out.bulk(black_box(&PAYLOAD));
        }
    });
}
