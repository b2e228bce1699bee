//! FastStream's envelope: headers and payload as one value, in the field `__data__`.
//!
//! | bytes | what (numbers are big-endian) |
//! |---|---|
//! | 8 | `89 42 49 4E 0D 0A 1A 0A` |
//! | 2 | version, 1 |
//! | 4 | where the headers start |
//! | 4 | where the payload starts |
//! | 2 | at the start of the headers: how many there are |
//! | … | for each: length of the name (2), name, length of the value (2), value |
//! | … | the payload, to the end |
//!
//! Lengths count bytes. FastStream 0.7.8 writes them counted in characters, so that it misreads its own headers once one of
//! them is not ASCII. Here such headers are read as they were meant if they then end where the payload starts; otherwise those
//! in front of the first that makes no sense are kept and the rest is dropped. The payload has a place of its own and
//! survives in any case.

use crate::headers::{HeaderStr, Headers, HeadersError};
use bytes::{BufMut, Bytes};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What every envelope begins with.
pub const MAGIC: [u8; 8] = *b"\x89BIN\r\n\x1a\n";
/// The only version there is.
pub const VERSION: u16 = 1;
/// Bytes in front of the headers.
const HEAD: usize = 18;
/// Bytes of a count or length.
const COUNT: usize = 2;

/// What is wrong with an envelope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// It does not begin with [`MAGIC`].
    #[error("no envelope: it does not begin with its magic bytes")]
    NoMagic,
    /// It ends before its headers can begin.
    #[error("the envelope is cut off after {len} bytes")]
    Truncated {
        /// Its bytes.
        len: usize,
    },
    /// Another version than [`VERSION`].
    #[error("the envelope has version {0}; only version 1 is known")]
    Version(u16),
    /// Headers and payload do not start one after the other within it.
    #[error(
        "the envelope of {len} bytes says that its headers start at {headers} and its payload at {payload}"
    )]
    Places {
        /// Where the headers are said to start.
        headers: u32,
        /// Where the payload is said to start.
        payload: u32,
        /// Bytes of the envelope.
        len: usize,
    },
    /// Headers that no envelope can hold.
    #[error(transparent)]
    Headers(#[from] HeadersError),
    /// All headers together exceed what the place of the payload can say.
    #[error("the headers take {bytes} bytes together, more than an envelope can hold")]
    HeadersTooLarge {
        /// Bytes that they would take.
        bytes: usize,
    },
}

/// The envelope of a payload.
///
/// # Errors
/// More headers, or longer ones, than it can hold: see [`Headers::check`]. Nothing is ever cut.
///
/// ```
/// use ackline_consumer::{Headers, envelope};
///
/// let headers = Headers::from_iter([("content-type", "application/json")]);
/// let bytes = envelope::encode(b"{}", &headers)?;
/// assert_eq!(envelope::decode(&bytes)?, (bytes.slice(bytes.len() - 2..), headers));
/// # Ok::<_, envelope::EnvelopeError>(())
/// ```
pub fn encode(payload: &[u8], headers: &Headers) -> Result<Bytes, EnvelopeError> {
    headers.check()?;
    let size: usize = headers.iter().map(|(name, value)| 2 * COUNT + name.len() + value.len()).sum();
    let start = HEAD + COUNT + size;
    let place = u32::try_from(start).map_err(|_| EnvelopeError::HeadersTooLarge { bytes: size })?;
    let mut envelope = Vec::with_capacity(start + payload.len());
    envelope.put_slice(&MAGIC);
    envelope.put_u16(VERSION);
    envelope.put_u32(HEAD as u32);
    envelope.put_u32(place);
    envelope.put_u16(headers.len() as u16);
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        envelope.put_u16(text.len() as u16);
        envelope.put_slice(text.as_bytes());
    }
    envelope.put_slice(payload);
    Ok(envelope.into())
}

/// Payload and headers of an envelope, sharing its buffer.
///
/// # Errors
/// It is none, is cut off before its payload, or of another version. Headers that make no sense are no error: see the
/// [module](self).
pub fn decode(envelope: &Bytes) -> Result<(Bytes, Headers), EnvelopeError> {
    let rest = envelope.strip_prefix(&MAGIC).ok_or(EnvelopeError::NoMagic)?;
    let truncated = EnvelopeError::Truncated { len: envelope.len() };
    let (head, _) = rest.split_first_chunk::<{ HEAD - MAGIC.len() }>().ok_or(truncated)?;
    let [v0, v1, h0, h1, h2, h3, p0, p1, p2, p3] = *head;
    match u16::from_be_bytes([v0, v1]) {
        VERSION => {}
        other => return Err(EnvelopeError::Version(other)),
    }
    let (headers, payload) = (u32::from_be_bytes([h0, h1, h2, h3]), u32::from_be_bytes([p0, p1, p2, p3]));
    let list = (headers as usize >= HEAD).then(|| envelope.get(headers as usize..payload as usize)).flatten();
    let (count, list) =
        list.and_then(take_count).ok_or(EnvelopeError::Places { headers, payload, len: envelope.len() })?;
    Ok((envelope.slice(payload as usize..), headers_of(envelope, count, list)))
}

/// Payload and headers of a field `__data__`, whoever wrote it: an envelope; the JSON object `{"data": …, "headers": …}` of
/// FastStream 0.5 and 0.6, with nothing else in it; or any bytes, which then are the payload.
///
/// A `data` that is a string is the payload, any other JSON value is the payload in JSON. `headers` may be missing where
/// `data` is a string.
///
/// # Errors
/// It begins like an envelope, but [is not whole](decode).
pub fn read(data: &Bytes) -> Result<(Bytes, Headers), EnvelopeError> {
    if data.starts_with(&MAGIC) {
        return decode(data);
    }
    let first = data.iter().find(|byte| !byte.is_ascii_whitespace());
    let legacy = (first == Some(&b'{')).then(|| serde_json::from_slice(data).ok().and_then(Legacy::open));
    Ok(legacy.flatten().unwrap_or_else(|| (data.clone(), Headers::new())))
}

/// What FastStream wrote before it had envelopes. Other keys would be lost: an object that has any is a payload.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Legacy {
    data: Value,
    headers: Option<Map<String, Value>>,
}

impl Legacy {
    fn open(self) -> Option<(Bytes, Headers)> {
        let payload = match (self.data, &self.headers) {
            (Value::String(text), _) => text.into_bytes(),
            (other, Some(_)) => other.to_string().into_bytes(),
            (_, None) => return None,
        };
        let mut headers = Headers::new();
        for (name, value) in self.headers.unwrap_or_default() {
            match value {
                Value::Null => {}
                Value::String(text) => headers.push(name.into(), text.into()),
                other => headers.push(name.into(), other.to_string().into()),
            }
        }
        Some((payload.into(), headers))
    }
}

/// A number of two bytes and what follows it.
fn take_count(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<COUNT>()?;
    Some((usize::from(u16::from_be_bytes(*number)), rest))
}

/// What the lengths of headers count.
#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Characters,
}

/// The headers that fill `list`, a part of the envelope.
fn headers_of(envelope: &Bytes, count: usize, list: &[u8]) -> Headers {
    let (headers, fits) = headers_in(envelope, count, list, Unit::Bytes);
    if fits {
        return headers;
    }
    match headers_in(envelope, count, list, Unit::Characters) {
        (meant, true) => meant,
        _ => headers,
    }
}

/// Headers up to the first that makes no sense, and whether they are all of the list.
fn headers_in(envelope: &Bytes, count: usize, list: &[u8], unit: Unit) -> (Headers, bool) {
    let share = |text| HeaderStr::from_utf8(envelope.slice_ref(text));
    let take = |list| {
        let (name, rest) = take_text(list, unit)?;
        let (value, rest) = take_text(rest, unit)?;
        Some((share(name)?, share(value)?, rest))
    };
    let (mut headers, mut rest) = (Headers::new(), list);
    for _ in 0..count {
        let Some((name, value, after)) = take(rest) else { return (headers, false) };
        headers.push(name, value);
        rest = after;
    }
    (headers, rest.is_empty())
}

/// A text behind its length, and what follows it.
fn take_text(list: &[u8], unit: Unit) -> Option<(&[u8], &[u8])> {
    let (len, rest) = take_count(list)?;
    match unit {
        Unit::Bytes => rest.split_at_checked(len),
        Unit::Characters => rest.split_at_checked(bytes_of(rest, len)?),
    }
}

/// Bytes of that many characters, going by the first byte of each; whether they are UTF-8 is not asked here.
fn bytes_of(text: &[u8], characters: usize) -> Option<usize> {
    let mut len = 0;
    for _ in 0..characters {
        len += match text.get(len)? {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0.. => 4,
        };
    }
    Some(len)
}

#[cfg(test)]
mod tests;
