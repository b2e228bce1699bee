//! Consuming streams with acknowledgement.

mod capabilities;
mod codec;
pub mod envelope;
mod error;
mod fields;
mod format;
mod headers;
mod id;
mod store;
mod target;

pub use codec::{Auto, CodecError, Decode, Encode, Form, IntoEntry, Json, MsgPack, Raw, Text};
pub use error::{Error, Result, ServerError};
pub use fields::{Fields, FieldsBuilder, FieldsIter};
pub use format::{Body, Content, ENVELOPE, Entry, Format, FormatError, PAYLOAD};
pub use headers::{
    BAGGAGE, CONTENT_TYPE, CORRELATION_ID, HeaderStr, Headers, HeadersError, HeadersIter, REPLY_TO,
    TRACEPARENT, TRACESTATE, WELL_KNOWN,
};
pub use id::{EntryId, NotAnId};
