//! Headers, from one library's to the other's.
//!
//! Both are lists of names and values. ruststream's names are lower case with dashes, FastStream's, which are those of
//! ackline-consumer, have underscores where both know the same header.

use crate::error::{AcklineError, Result};
use ackline_consumer::{CORRELATION_ID, HeaderStr, Headers, REPLY_TO};
use bytes::Bytes;
use ruststream::{HeaderMap, Str};

/// The same header by both names: ruststream's, and the one in the stream.
const SAME: [(&str, &str); 2] = [("correlation-id", CORRELATION_ID), ("reply-to", REPLY_TO)];

/// Headers as they were read.
pub(crate) fn incoming(headers: &Headers) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers.iter() {
        let name = SAME.iter().find(|(_, there)| *there == name).map_or(name, |(here, _)| here);
        // The first of a name counts.
        if !map.contains(name) {
            map.insert(Str::from(name), Bytes::copy_from_slice(value.as_bytes()));
        }
    }
    map
}

/// Headers as they are written.
pub(crate) fn outgoing(map: &HeaderMap) -> Result<Headers> {
    let mut headers = Headers::new();
    for (name, value) in map.iter() {
        let value = HeaderStr::from_utf8(Bytes::copy_from_slice(value));
        let value = value.ok_or_else(|| AcklineError::Header { name: name.to_owned() })?;
        headers.insert(there(name), value);
    }
    Ok(headers)
}

fn there(name: &str) -> HeaderStr {
    let same = SAME.iter().find(|(here, _)| *here == name);
    same.map_or_else(|| HeaderStr::from(name.to_owned()), |(_, there)| HeaderStr::from(*there))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_know_is_found_by_both_names() {
        let map: HeaderMap = [("correlation-id", "7"), ("tenant", "north")].into_iter().collect();
        let headers = outgoing(&map).expect("text");
        assert_eq!((headers.get("correlation_id"), headers.get("tenant")), (Some("7"), Some("north")));
        assert_eq!(incoming(&headers), map);
    }

    #[test]
    fn a_header_that_is_no_text_is_refused() {
        let mut map = HeaderMap::new();
        map.insert("raw", Bytes::from_static(&[0xff]));
        assert!(matches!(outgoing(&map), Err(AcklineError::Header { name }) if name == "raw"));
    }
}
