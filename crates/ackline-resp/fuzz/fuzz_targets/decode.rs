//! Requests whole and in pieces must be the same, and replies must be read without panic.
//!
//! Run with `cargo +nightly fuzz run decode` in the folder above.

#![no_main]

use ackline_resp::decode_reply::decode_value;
use ackline_resp::{Decoder, Limits, ProtocolError};
use libfuzzer_sys::fuzz_target;

type Outcome = (Vec<(Vec<Vec<u8>>, usize)>, Option<ProtocolError>);

/// Decodes after every `step` bytes.
fn feed(bytes: &[u8], step: usize, limits: &Limits) -> Outcome {
    let mut decoder = Decoder::new();
    let (mut requests, mut start, mut end) = (Vec::new(), 0, 0);
    while end < bytes.len() {
        end = bytes.len().min(end + step);
        loop {
            let input = bytes[start..end].to_vec();
            match decoder.decode(&input, limits) {
                Ok(None) => break,
                Err(error) => return (requests, Some(error)),
                Ok(Some(request)) => {
                    start += request.consumed();
                    assert!(request.consumed() > 0 && start <= end);
                    requests.push((request.iter().map(<[u8]>::to_vec).collect(), request.consumed()));
                }
            }
        }
    }
    (requests, None)
}

fuzz_target!(|bytes: &[u8]| {
    let Some(([step, flags], rest)) = bytes.split_first_chunk() else { return };
    let small = Limits { bulk_max: 50, args_max: 20, inline_max: 30, authenticated: true };
    let mut limits = if flags & 1 == 0 { Limits::default() } else { small };
    limits.authenticated = flags & 2 == 0;
    let at_once = feed(rest, usize::MAX / 2, &limits);
    assert_eq!(feed(rest, usize::from(*step).max(1), &limits), at_once);
    if let Ok(Some((_, used))) = decode_value(rest) {
        assert!(used <= rest.len());
    }
});
