//! Feeding a decoder, whole or in pieces, and what came out.

use ackline_resp::{Decoder, Limits, ProtocolError};

/// All that a decoder made of some bytes.
#[derive(PartialEq, Debug, Default)]
pub(crate) struct Outcome {
    /// Requests, empty ones included, each with the bytes that it consumed.
    pub(crate) requests: Vec<(Vec<Vec<u8>>, usize)>,
    pub(crate) error: Option<ProtocolError>,
    /// Bytes that no request consumed.
    pub(crate) unread: usize,
}

impl Outcome {
    /// The requests that a server would run.
    pub(crate) fn commands(&self) -> Vec<Vec<Vec<u8>>> {
        self.requests.iter().map(|(words, _)| words.clone()).filter(|words| !words.is_empty()).collect()
    }
}

/// Feeds `bytes`, stopping at each of `ends` and at the end to decode what there is.
pub(crate) fn feed(bytes: &[u8], ends: impl IntoIterator<Item = usize>, limits: &Limits) -> Outcome {
    let mut decoder = Decoder::new();
    let mut outcome = Outcome::default();
    let mut start = 0;
    for end in ends.into_iter().filter(|end| *end < bytes.len()).chain([bytes.len()]) {
        while outcome.error.is_none() {
            // A copy of exactly the bytes that came, so that nothing can lean on those that did not.
            let input = bytes[start..end].to_vec();
            match decoder.decode(&input, limits) {
                Ok(Some(request)) => {
                    let words: Vec<_> = request.iter().map(<[u8]>::to_vec).collect();
                    assert!(request.consumed() > 0 && request.consumed() <= input.len());
                    outcome.requests.push((words, request.consumed()));
                    start += request.consumed();
                }
                Ok(None) => break,
                Err(error) => outcome.error = Some(error),
            }
        }
        let wanted = decoder.wanted();
        assert!(wanted == 0 || wanted > end - start, "wants what it has");
    }
    outcome.unread = bytes.len() - start;
    outcome
}

/// Feeds all at once, within the usual limits.
pub(crate) fn whole(bytes: impl AsRef<[u8]>) -> Outcome {
    feed(bytes.as_ref(), [], &Limits::default())
}

/// The commands of bytes that hold nothing else.
pub(crate) fn commands(bytes: impl AsRef<[u8]>) -> Vec<Vec<Vec<u8>>> {
    let outcome = whole(bytes);
    assert_eq!((outcome.error, outcome.unread), (None, 0));
    outcome.commands()
}

/// The only command of some bytes.
pub(crate) fn command(bytes: impl AsRef<[u8]>) -> Vec<Vec<u8>> {
    let mut all = commands(bytes);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// The text of the error that some bytes end with.
pub(crate) fn error(bytes: impl AsRef<[u8]>) -> String {
    whole(bytes).error.expect("these bytes are broken").to_string()
}
