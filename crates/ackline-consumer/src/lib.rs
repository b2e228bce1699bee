//! Consuming streams with acknowledgement.

mod app;
mod batch;
mod capabilities;
mod client;
mod codec;
mod consumer;
pub mod envelope;
mod error;
mod fields;
mod format;
mod handler;
mod headers;
mod health;
mod id;
mod message;
mod meter;
mod outcome;
mod producer;
mod signal;
mod state;
mod store;
mod streams;
mod subscription;
mod target;
mod trace;
mod verbs;
mod work;
mod worker;

pub use app::{App, RunningApp};
pub use batch::{Batch, Batched, Batches, IntoOutcomes};
pub use client::Client;
pub use codec::{Auto, CodecError, Decode, Encode, Form, IntoEntry, Json, MsgPack, Raw, Text};
pub use consumer::{Consume, Consumer, Running};
pub use error::{Error, Result, ServerError};
pub use fields::{Fields, FieldsBuilder, FieldsIter};
pub use format::{Body, Content, ENVELOPE, Entry, Format, FormatError, PAYLOAD};
pub use handler::{Extract, ExtractError, Handler, Job, State};
pub use headers::{
    BAGGAGE, CONTENT_TYPE, CORRELATION_ID, HeaderStr, Headers, HeadersError, HeadersIter, REPLY_TO,
    TRACEPARENT, TRACESTATE, WELL_KNOWN,
};
pub use health::{Health, HealthState, Probe};
pub use id::{EntryId, NotAnId};
pub use message::Message;
pub use outcome::{Ack, AckPolicy, BoxError, IntoOutcome, Nack, Outcome, Reject};
pub use producer::Add;
pub use streams::{Spread, Streams};
pub use subscription::backoff::Backoff;
pub use subscription::options::{OnAck, Options, Poison, Start};
pub use subscription::{Delivery, Subscription};
pub use work::{Function, Layered, Work};
