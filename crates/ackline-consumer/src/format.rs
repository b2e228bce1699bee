//! How a message lies in the fields of an entry.

use crate::envelope::{self, EnvelopeError};
use crate::fields::{Excerpt, Fields};
use crate::headers::{CONTENT_TYPE, Headers, HeadersError};
use bytes::Bytes;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// The field of the payload in [`Format::Plain`].
pub const PAYLOAD: &str = "data";
/// The field of the envelope in [`Format::FastStream`].
pub const ENVELOPE: &str = "__data__";

/// How a message is written to the fields of an entry. When reading, the entry tells: see [`Body::read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The payload is the field `data`, and each header is a field of its own. What any language writes with
    /// `XADD orders * data '{"id":1}' content-type application/json`.
    #[default]
    Plain,
    /// Headers and payload in one [envelope], the field `__data__`: what FastStream writes and reads.
    FastStream,
}

impl Format {
    /// The format in which these fields were written.
    pub fn of(fields: &Fields) -> Format {
        if fields.get(ENVELOPE).is_some() { Format::FastStream } else { Format::Plain }
    }

    /// The fields to add, names and values, for XADD. Payload and headers are shared, not copied, apart from envelopes.
    ///
    /// The content type of the entry becomes a header, unless `headers` have one. An entry that is fields by itself is
    /// written as such in either format (FastStream reads it as a dictionary), each header as a field, in place of one of its name.
    ///
    /// # Errors
    /// Headers that [no message can have](Headers::check); headers called `data` or `__data__`, where each header is a field;
    /// an entry without fields.
    pub fn write(self, entry: &Entry, headers: &Headers) -> Result<Vec<(Bytes, Bytes)>, FormatError> {
        let default = entry.content_type.filter(|_| !headers.contains(CONTENT_TYPE));
        match (&entry.content, self) {
            (Content::Payload(payload), Format::FastStream) => {
                let mut headers = Cow::Borrowed(headers);
                if let Some(content_type) = default {
                    headers.to_mut().insert(CONTENT_TYPE, content_type);
                }
                let envelope = envelope::encode(payload, &headers)?;
                Ok(vec![(Bytes::from_static(ENVELOPE.as_bytes()), envelope)])
            }
            (Content::Payload(payload), Format::Plain) => {
                let mut fields = Vec::with_capacity(headers.len() + 2);
                fields.push((Bytes::from_static(PAYLOAD.as_bytes()), payload.clone()));
                fields.extend(default.map(content_type_field));
                write_headers(headers, &mut fields)?;
                Ok(fields)
            }
            (Content::Fields(content), _) => {
                let kept = content.slices().filter(|(name, _)| !is_header(headers, name));
                let mut fields: Vec<_> = kept.chain(default.map(content_type_field)).collect();
                write_headers(headers, &mut fields)?;
                if fields.is_empty() { Err(FormatError::Empty) } else { Ok(fields) }
            }
        }
    }
}

fn content_type_field(content_type: &'static str) -> (Bytes, Bytes) {
    (Bytes::from_static(CONTENT_TYPE.as_bytes()), Bytes::from_static(content_type.as_bytes()))
}

fn is_header(headers: &Headers, name: &[u8]) -> bool {
    !headers.is_empty() && std::str::from_utf8(name).is_ok_and(|name| headers.contains(name))
}

/// Each header as a field.
fn write_headers(headers: &Headers, fields: &mut Vec<(Bytes, Bytes)>) -> Result<(), FormatError> {
    headers.check()?;
    if let Some((name, _)) = headers.iter().find(|(name, _)| [PAYLOAD, ENVELOPE].contains(name)) {
        return Err(FormatError::Reserved { name: if name == PAYLOAD { PAYLOAD } else { ENVELOPE } });
    }
    fields.extend(headers.slices());
    Ok(())
}

/// What is to be added to a stream, apart from its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Payload or fields.
    pub content: Content,
    /// The content type, for those who set none in the headers.
    pub content_type: Option<&'static str>,
}

/// What an [`Entry`] consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A payload; the [`Format`] decides where it lies.
    Payload(Bytes),
    /// Fields, which are written as they are.
    Fields(Fields),
}

impl Entry {
    /// An entry with a payload.
    pub fn payload(payload: impl Into<Bytes>, content_type: Option<&'static str>) -> Entry {
        Entry { content: Content::Payload(payload.into()), content_type }
    }

    /// An entry of just these fields.
    pub fn fields(fields: Fields) -> Entry {
        Entry { content: Content::Fields(fields), content_type: None }
    }
}

/// A message as it was read: payload and headers. Both share the buffer of the entry.
#[derive(Clone)]
pub struct Body {
    payload: Payload,
    /// The headers. In a plain entry these are all fields but `data`.
    pub headers: Headers,
}

#[derive(Clone)]
enum Payload {
    Bytes(Bytes),
    /// An entry that has none: it is made of the fields if somebody asks for it.
    Fields(Fields),
}

impl Body {
    /// A message of these parts.
    pub fn new(payload: impl Into<Bytes>, headers: Headers) -> Body {
        Body { payload: Payload::Bytes(payload.into()), headers }
    }

    /// The message that lies in these fields, whichever [`Format`] wrote it. With a field `__data__` it is
    /// [FastStream's](envelope::read); fields beside it are headers that take precedence over those in the envelope. Otherwise
    /// it is plain.
    ///
    /// # Errors
    /// A `__data__` that begins like an envelope, but is not whole.
    ///
    /// ```
    /// use ackline_consumer::{Body, Fields};
    ///
    /// let body = Body::read(&Fields::from_iter([("data", "hello"), ("tenant", "7")]))?;
    /// assert_eq!((&body.payload()[..], body.headers.get("tenant")), (&b"hello"[..], Some("7")));
    /// # Ok::<_, ackline_consumer::FormatError>(())
    /// ```
    pub fn read(fields: &Fields) -> Result<Body, FormatError> {
        let mut payload = None;
        for (name, value) in fields {
            if name == ENVELOPE.as_bytes() {
                return Body::read_envelope(fields, value);
            }
            if payload.is_none() && name == PAYLOAD.as_bytes() {
                payload = Some(fields.share(value));
            }
        }
        Ok(match payload {
            Some(payload) => Body::new(payload, Headers::of_plain(fields.clone())),
            None => Body::of_fields(fields),
        })
    }

    /// A message that has no payload but its fields.
    pub(crate) fn of_fields(fields: &Fields) -> Body {
        Body { payload: Payload::Fields(fields.clone()), headers: Headers::of_plain(fields.clone()) }
    }

    fn read_envelope(fields: &Fields, value: &[u8]) -> Result<Body, FormatError> {
        let (payload, mut headers) = envelope::read(&fields.share(value))?;
        if fields.len() > 1 {
            headers = headers.behind(fields.slices().filter(|(name, _)| name != ENVELOPE));
        }
        Ok(Body::new(payload, headers))
    }

    /// The payload. Of an entry that has no field `data` it is a JSON object of all its fields, with strings as values (what is
    /// not UTF-8 is replaced, the first field of a name counts), which is made by each call.
    pub fn payload(&self) -> Bytes {
        match &self.payload {
            Payload::Bytes(bytes) => bytes.clone(),
            Payload::Fields(fields) => json_object(fields),
        }
    }

    /// Whether the entry has a payload: if not, its fields are what there is to read.
    pub fn has_payload(&self) -> bool {
        matches!(self.payload, Payload::Bytes(_))
    }

    /// The fields, if they are all there is.
    pub(crate) fn bare_fields(&self) -> Option<&Fields> {
        match &self.payload {
            Payload::Bytes(_) => None,
            Payload::Fields(fields) => Some(fields),
        }
    }

    /// The header `content-type`.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE)
    }
}

/// Equal if payload and headers are.
impl PartialEq for Body {
    fn eq(&self, other: &Body) -> bool {
        self.headers == other.headers && self.payload() == other.payload()
    }
}

impl Eq for Body {}

/// Shows at most 200 bytes of the payload.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = f.debug_struct("Body");
        match &self.payload {
            Payload::Bytes(bytes) => body.field("payload", &Excerpt::new(bytes, 200)),
            Payload::Fields(fields) => body.field("fields", fields),
        };
        body.field("headers", &self.headers).finish()
    }
}

fn json_object(fields: &Fields) -> Bytes {
    let mut seen = HashSet::with_capacity(fields.len());
    let first = fields.iter().filter(|&(name, _)| seen.insert(name));
    let text = first.map(|(name, value)| (String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
    let mut json = Vec::with_capacity(fields.size() + 6 * fields.len());
    serde::Serializer::collect_map(&mut serde_json::Serializer::new(&mut json), text)
        .expect("text can be written to memory");
    json.into()
}

/// A message that cannot be written to, or read from, the fields of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The envelope is not whole, or cannot hold what it should.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Headers that no message can have.
    #[error(transparent)]
    Headers(#[from] HeadersError),
    /// A header whose field would be read as the payload.
    #[error("no header can be called {name:?}: that is the field of the payload")]
    Reserved {
        /// Its name.
        name: &'static str,
    },
    /// An entry without a single field.
    #[error("an entry needs a field")]
    Empty,
}

#[cfg(test)]
mod tests;
