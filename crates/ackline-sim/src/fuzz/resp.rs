//! The protocol: what decodes whole decodes the same in pieces, and a reply is read only when all of it is there.

use super::INPUT_MAX;
use ackline_resp::decode_reply::decode_value;
use ackline_resp::{Decoder, Limits, ProtocolError};

/// Every cut of longer inputs would be quadratic for nothing.
const CUTS_MAX: usize = 200;

type Outcome = (Vec<(Vec<Vec<u8>>, usize)>, Option<ProtocolError>);

/// The bytes as requests, and as replies. The first two are step and limits.
pub fn resp(bytes: &[u8]) {
    let Some(([step, flags], rest)) = bytes.split_first_chunk() else { return };
    let rest = &rest[..rest.len().min(INPUT_MAX)];
    requests(rest, usize::from(*step).max(1), *flags);
    replies(rest);
}

fn requests(bytes: &[u8], step: usize, flags: u8) {
    let small = Limits { bulk_max: 50, args_max: 20, inline_max: 30, authenticated: true };
    let mut limits = if flags & 1 == 0 { Limits::default() } else { small };
    limits.authenticated = flags & 2 == 0;
    let whole = decode(bytes, [].into_iter(), &limits);
    assert_eq!(decode(bytes, (step..bytes.len()).step_by(step), &limits), whole, "in steps of {step}");
    for cut in 0..bytes.len().min(CUTS_MAX) {
        assert_eq!(decode(bytes, [cut].into_iter(), &limits), whole, "cut at {cut}");
    }
}

/// Decodes whatever is there at each of these places, and at the end.
fn decode(bytes: &[u8], places: impl Iterator<Item = usize>, limits: &Limits) -> Outcome {
    let mut decoder = Decoder::new();
    let (mut requests, mut start) = (Vec::new(), 0);
    for end in places.chain([bytes.len()]) {
        loop {
            match decoder.decode(&bytes[start..end], limits) {
                Ok(None) => break,
                Err(error) => return (requests, Some(error)),
                Ok(Some(request)) => {
                    start += request.consumed();
                    assert!(request.consumed() > 0 && start <= end, "a request uses what is there");
                    requests.push((request.iter().map(<[u8]>::to_vec).collect(), request.consumed()));
                }
            }
        }
    }
    (requests, None)
}

fn replies(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(Some((value, used))) = decode_value(rest) {
        assert!(used > 0 && used <= rest.len(), "a reply uses what is there");
        for cut in 0..used.min(CUTS_MAX) {
            assert_eq!(decode_value(&rest[..cut]), Ok(None), "{value:?} cut at {cut}");
        }
        rest = &rest[used..];
    }
}
