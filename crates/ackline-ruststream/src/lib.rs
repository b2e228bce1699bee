//! A broker for [ruststream](https://docs.rs/ruststream): Redis Streams with acknowledgement in place.

#![forbid(unsafe_code)]

#[cfg(feature = "asyncapi")]
mod bindings;
mod broker;
mod connected;
mod context;
mod error;
mod headers;
mod ledger;
mod message;
mod policy;
pub mod prelude;
mod publish;
mod source;
mod subscriber;
#[cfg(feature = "testing")]
mod testing;
mod transaction;
mod world;

pub use broker::AcklineBroker;
pub use connected::{ClosedAckline, ConnectedAckline};
pub use context::{AcklineContext, Consumer, Deliveries, Entry, Group};
pub use error::{AcklineError, HalfDeclaration, Result};
pub use message::AcklineMessage;
pub use policy::{OnError, Settled};
pub use publish::{AcklineOptions, AcklinePublish, AcklinePublisher, AcklineSteps};
pub use source::AcklineStream;
pub use subscriber::AcklineSubscriber;
pub use transaction::{AcklineTransaction, AcklineTransactionalPublish, AcklineTransactionalPublisher};
