//! What a service imports: ruststream's own prelude, the broker, and its policies by the names that mount sites use.

pub use ruststream::prelude::*;

pub use crate::{
    AcklineBroker, AcklineContext, AcklineOptions, AcklinePublish as Publish, AcklinePublisher, AcklineSteps,
    AcklineStream, AcklineTransactionalPublish as TransactionalPublish, Consumer, Deliveries, Entry, Group,
    OnError, Settled,
};
pub use ackline_consumer::{Ack, Backoff, Format, Nack, Poison, Reject, Start};
pub use ruststream::Transaction;
