//! A broker for [ruststream](https://docs.rs/ruststream): Redis Streams with acknowledgement in place, or the same engine
//! inside the program.
//!
//! ```
//! use ackline_ruststream::prelude::*;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! struct Order {
//!     id: u64,
//! }
//!
//! #[derive(Serialize, Outgoing)]
//! struct Receipt {
//!     order: u64,
//! }
//!
//! #[subscriber(AcklineStream::new("orders").group("billing"), reply("receipts"))]
//! async fn bill(order: &Order) -> Receipt {
//!     Receipt { order: order.id }
//! }
//!
//! fn app() -> impl App {
//!     RustStream::new(AppInfo::new("billing", "0.1.0")).with_broker(AcklineBroker::new("memory:"), |b| {
//!         b.include(bill);
//!     })
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let running = app().start().await?;
//! running.shutdown().await?;
//! # Ok(()) }
//! ```
//!
//! - [`AcklineBroker`] says where the streams are, [`AcklineStream`] how one is read: group, lease, deliveries, poison, order.
//! - [`AcklinePublish`] says how entries are added, [`AcklineOptions`] and [`AcklineSteps`] what is other for one of them;
//!   [`AcklinePublish::transactional`] adds several in one step.
//! - [`AcklineContext`] and its keys are what a handler learns about a delivery: [`Entry`], [`Deliveries`], [`Group`],
//!   [`Consumer`].
//! - [`Settled`] makes verdicts of results: of interrupts raised far below, and of errors by a policy.
//!
//! # Redelivery
//!
//! A retry is an XNACK: the entry stays where it is and who it is, and the next delivery counts one more. Nothing is copied, so
//! order and dead-letter provenance mean something; ruststream's copy path is [`BrokerMoves`](ruststream::BrokerMoves), and
//! its `.max_attempts(..).dead_letter(..)` is carried out by the consumer below. While this process lives it renews the leases
//! of what its handlers work on. When it stops, what no handler has begun with is given back as if it had never been delivered.
//!
//! # Tests
//!
//! With the feature `testing` an app with this broker runs in ruststream's `TestApp`, whatever its URL says, on the engine
//! that production has: see the example `testing`.
//!
//! # Not offered
//!
//! `Seekable`: the position is the group's, so moving it would move it for every consumer of the group, and would leave behind
//! what is pending. `RequestReply`: streams have no replies of their own.

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
