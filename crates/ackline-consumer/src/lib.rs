//! Consuming streams with consumer groups and acknowledgement: from a server that speaks the protocol of Redis, from a cluster,
//! or from an engine in this process. The code is the same; a URL says which.
//!
//! ```
//! use ackline_consumer::{Client, Json};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Order {
//!     item: String,
//!     pieces: u32,
//! }
//!
//! async fn pack(Json(order): Json<Order>) -> anyhow::Result<()> {
//!     anyhow::ensure!(order.pieces > 0, "nothing to pack"); // tried again, later and later; then a dead letter
//!     println!("packed {} × {}", order.pieces, order.item);
//!     Ok(()) // acknowledged
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> anyhow::Result<()> {
//! let client = Client::open("memory:").await?; // or redis://host:6379, or ackline:///var/lib/shop
//! client.add("orders", Json(Order { item: "tea".into(), pieces: 2 })).await?;
//! let consumer = client.consume("orders", "packing").concurrency(16).handler(pack);
//! # let told_to_end = tokio::time::sleep(std::time::Duration::from_millis(50));
//! consumer.run_until(told_to_end).await?; // or `run`: until SIGTERM
//! # Ok(()) }
//! ```
//!
//! The guide, `docs/consuming.md`, explains each option and has
//! recipes. The directory `examples` has whole programs.
//!
//! # What becomes of a message
//!
//! A [handler](Handler) is an asynchronous function. Its arguments are made of the message ([`Extract`]): a value in a codec
//! ([`Json`], [`MsgPack`], [`Form`], [`Text`], [`Raw`], [`Auto`]), [`Fields`], [`Headers`], [`Message`], [`EntryId`], a [`State`].
//! What it returns decides:
//!
//! | the handler | the message |
//! |---|---|
//! | returns `()` or `Ok(())` | is acknowledged |
//! | returns an [`Add`], or several | is acknowledged and these are added, in one atomic step |
//! | returns an [`Outcome`] | as that says: acknowledged, tried again, poison, or given back as if it had not been delivered |
//! | fails with [`Ack`], [`Nack`] or [`Reject`], at any depth | as that says |
//! | fails in another way, or panics | is tried again, after a wait |
//! | cannot be called, because the payload is not what it takes | is poison: trying again would not help |
//! | takes the [`Delivery`] and calls one of its methods | as that says |
//!
//! That is [`AckPolicy::NackOnError`], the default. The other policies change what success and failure mean:
//!
//! | policy | success | failure | cannot be decoded | delivers |
//! |---|---|---|---|---|
//! | [`NackOnError`](AckPolicy::NackOnError) | acknowledged | tried again | poison | at least once |
//! | [`RejectOnError`](AckPolicy::RejectOnError) | acknowledged | poison | poison | at least once |
//! | [`Ack`](AckPolicy::Ack) | acknowledged | acknowledged | acknowledged | at least once |
//! | [`Manual`](AckPolicy::Manual) | stays pending | stays pending | stays pending | at least once |
//! | [`AckFirst`](AckPolicy::AckFirst) | acknowledged before | acknowledged before | acknowledged before | at most once |
//! | [`None`](AckPolicy::None) | never pending | never pending | never pending | at most once |
//!
//! What the handler decides itself holds under every policy that has not acknowledged yet. The right to decide is one value,
//! the [`Delivery`]: its verdicts take it, so that a message cannot be decided about twice.
//!
//! # Interrupting from any depth
//!
//! [`Ack`], [`Nack`] and [`Reject`] are errors. Any `?` carries them up, through `anyhow`, `eyre` and every error type that keeps
//! its source:
//!
//! ```
//! # use ackline_consumer::{Ack, Json, Nack, Reject};
//! # use std::time::Duration;
//! use anyhow::Context;
//!
//! fn look_up(customer: u32) -> anyhow::Result<&'static str> {
//!     match customer {
//!         0 => Err(Reject::because("there is no customer 0"))?,
//!         1 => Err(Ack::now())?, // done with: nothing is to be done for this one
//!         2 => Err(Nack::after(Duration::from_secs(60)))?, // the register opens in a minute
//!         _ => Ok("Ann"),
//!     }
//! }
//!
//! async fn greet(Json(customer): Json<u32>) -> anyhow::Result<()> {
//!     let name = look_up(customer).context("greeting")?;
//!     println!("hello {name}");
//!     Ok(())
//! }
//! ```
//!
//! # Trying again, and poison
//!
//! A message that failed waits as long as [`Backoff`] says: by default a second, doubled each time up to a minute, with jitter.
//! It keeps its ID. If it fails in its fifth delivery ([`max_deliveries`](Consume::max_deliveries)) it is poison, as are messages
//! that are rejected or cannot be decoded. [`Poison`] says what that means. By default the entry moves to the stream
//! `orders:dead` (for `orders`), in one step with its acknowledgement, with these fields added: `dead-letter-reason` (`rejected`,
//! `failed`, `malformed`, `max-deliveries`, `fatal`), `-error`, `-stream`, `-group`, `-consumer`, `-id`, `-deliveries`.
//!
//! # Leases
//!
//! A delivered entry belongs to its consumer for the time of a [`lease`](Consume::lease), 30 seconds by default. While the consumer
//! lives it renews the leases of all that it holds: a handler may take hours. When the consumer dies, another one of the group
//! gets the entry within a lease. So a lease is short if takeover shall be quick, and never has to be as long as the work.
//!
//! Who is silent for longer than the lease (a paused machine, a runtime that is blocked by computation) may lose entries while
//! working on them: [`Delivery::is_lost`].
//!
//! # The end
//!
//! [`Consumer::run`] ends with SIGINT or SIGTERM, [`run_until`](Consumer::run_until) with a future, [`Running::stop`] when called.
//! Then nothing more is read; what was fetched and not begun is given back at once, uncounted; what was begun may take as
//! long as [`drain`](Consume::drain) says, 15 seconds by default, and is given back after that, its handler dropped; the last verdicts
//! go out. A consumer without a name of its own is removed from the group.
//!
//! # Order
//!
//! With a [`concurrency`](Consume::concurrency) of 1, the default, messages are handled in the order of their IDs, but a failed one
//! does not hold up those behind it. With [`order_by`](Consume::order_by) those of the same key are handled one after the other,
//! retries included, and different keys at the same time. Both hold within one consumer. For order over several processes a
//! [`Spread`] puts keys into several streams, with one consumer for each.
//!
//! # Batches
//!
//! ```
//! # use ackline_consumer::{Batch, Client, Json, Nack, Outcome};
//! # use std::time::Duration;
//! async fn save(batch: Batch<Json<u32>>) -> Vec<Outcome> {
//!     let one = |number: &Json<u32>| if number.0 > 9 { Nack::now().into() } else { Outcome::Ack };
//!     batch.items.iter().map(one).collect() // or one result for all
//! }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> ackline_consumer::Result<()> {
//! # let client = Client::open("memory:").await?;
//! let consumer = client.consume("numbers", "savers").batch_handler(100, Duration::from_millis(20), save);
//! # drop(consumer); Ok(()) }
//! ```
//!
//! # Adding
//!
//! [`Client::add`] adds a value and returns its ID once the server has confirmed it. [`Client::send`] takes an [`Add`]: headers, a
//! bound for the stream, entries that are added once however often they are sent. [`Client::send_all`] adds several in one step.
//! [`Format::FastStream`] writes what FastStream reads; what FastStream writes is read without being told.
//!
//! # Without handlers
//!
//! [`Consume::subscribe`] gives a [`Subscription`]: the caller asks for each [`Delivery`] and decides. Leases, retries, dead
//! letters and recovery are the same.
//!
//! # URLs
//!
//! | URL | what it opens | feature |
//! |---|---|---|
//! | `memory:` | an engine in this process that keeps nothing | `embedded` |
//! | `ackline:///var/lib/app`, `ackline:./data` | an engine in this process, kept in that directory | `embedded` |
//! | `redis://user:password@host:6379/0` | a server; `rediss` over TLS, `redis+unix` behind a socket | `redis` |
//! | `redis+sentinel://host1,host2/service` | the master of a service | `redis` |
//! | `redis+cluster://host1,host2` | a cluster | `redis` |
//!
//! # Tests
//!
//! `memory:` is an engine of its own for each [`Client::open`]. The feature `harness` has one whose time is tokio's, so that leases
//! and backoffs pass at once: see the module `harness`.
//!
//! # Other servers
//!
//! Redis from 6.2 on, Valkey, and what else has streams and XAUTOCLAIM. What a server can do is found by asking it. Where
//! something is missing there is a substitute:
//!
//! | without | instead | what is different |
//! |---|---|---|
//! | XREADGROUP CLAIM (Redis 8.4) | XAUTOCLAIM, each second or half a lease | up to a second until others get what was given back |
//! | XNACK (Redis 8.8) | XCLAIM that makes the entry old and sets its count | it stays with the consumer's name until somebody claims it |
//! | XACKDEL (Redis 8.2) | XACK and XDEL in one step | [`OnAck::Delete`] does not wait for other groups |
//! | IDMP (Redis 8.6) | nothing | [`Add::once`] is an error |
//!
//! # What is promised
//!
//! **At least once.** An entry that was added is handled until it is acknowledged, or lies in the dead letters. It may be handled
//! more than once:
//!
//! - The process dies between the end of the handler and its acknowledgement. Verdicts are sent in the background, many at once;
//!   the gap is a round trip.
//! - The consumer was silent for longer than its lease, and another has taken over.
//! - A producer that got [`Error::Connection`] does not know whether its entry was added, and adds it again. [`Add::once`] helps.
//! - A group that was destroyed is made again by a consumer that had seen less than another.
//!
//! So handlers should be able to do the same thing twice: the [`EntryId`] is the same each time. The step of [`Outcome::AckAnd`] is
//! atomic, but the handler in front of it may still run twice. What a server loses in a crash is lost: see its settings. The embedded engine
//! acknowledges what is on stable storage.
//!
//! # Limits
//!
//! - If somebody destroys a group, the server forgets what was pending. Consumers that live make the group again and keep what
//!   they hold; what a dead one held is not delivered again.
//! - What waits for another try waits in this process, at most 10,000 messages; more are given back without waiting. If the
//!   process ends, the rest of the wait is not kept.
//! - A delivery counts when an entry is fetched, not when its handler begins. A process that dies counts one for everything that it had
//!   fetched ahead: where handlers kill the process, choose a small [`prefetch`](Consume::prefetch).
//! - Of several streams each may be fetched ahead as far as [`prefetch`](Consume::prefetch) says.
//! - In a cluster a step of several entries needs them in one slot; [`Spread`] and the names of dead-letter streams see to that.
//! - A directory is open in one process at a time.

#![cfg_attr(
    not(all(feature = "embedded", feature = "redis")),
    allow(dead_code, reason = "some is for the store that is left out")
)]

mod app;
mod batch;
mod capabilities;
mod client;
mod codec;
mod consumer;
mod dead;
pub mod envelope;
mod error;
mod event;
mod fields;
mod format;
mod handler;
#[cfg(feature = "harness")]
pub mod harness;
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
#[doc(hidden)]
pub use capabilities::Without;
pub use client::Client;
pub use codec::{Auto, CodecError, Decode, Encode, Form, IntoEntry, Json, MsgPack, Raw, Text};
pub use consumer::{Consume, Consumer, Running};
pub use dead::DeadLetter;
pub use error::{Error, Result, ServerError};
pub use event::{Event, What};
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

/// The examples of the guide, so that they stay true.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/consuming.md")]
pub struct Guide;

/// Those of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct Readme;
