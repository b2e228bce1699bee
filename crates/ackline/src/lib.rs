//! Ackline as a library: the engine behind locks, a log behind the engine, and the gate that holds replies back until
//! what they saw is durable.
//!
//! ```text
//! call ──► lock the shards of its keys ──► engine: records, reply ──► serve waiters ──► log.append ──► unlock
//!                                                            reply, lsn ──► gate: wait for log.durable ≥ lsn
//! ```
//!
//! [`Broker`] is what the server drives; [`Ackline`] is the same for programs that embed it.
//!
#![cfg_attr(not(feature = "model"), doc = "```")]
#![cfg_attr(feature = "model", doc = "```no_run")]
//! let dir = tempfile::tempdir()?;
//! let broker = ackline::Ackline::open(dir.path())?;
//! broker.command(&["XADD", "orders", "1-1", "item", "tea"])?;
//! let reply = broker.command(&["XLEN", "orders"])?;
//! assert!(matches!(reply, ackline::Reply::Int(1)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod block_on;
mod broker;
pub mod check;
mod checkpoint;
mod clock;
mod embedded;
mod gate;
mod reaper;
mod recovery;
mod sync;
mod timer;

pub use ackline_engine::state::{EntryRef, Words};
pub use ackline_engine::{
    Args, Context, Error, Outcome, OwnedArgs, Reply, Settings, ShardSet, Spec, StreamId, Ticket, Txn,
};
pub use ackline_log::{LocalOptions, Log, LogError, Lsn, SyncMode, storage};
pub use broker::{Broker, Called, OpenError, Options, Sink, Storage, Watch};
pub use checkpoint::{Checkpoint, CheckpointStatus, Growth};
pub use clock::{Clock, ManualClock, now_ms, simulate};
pub use embedded::{Ackline, Builder, Call, Pending, PendingAll};
pub use embedded::{
    Add, After, AutoClaim, AutoClaimed, Batch, Claim, ConsumerInfo, Deletion, Delivered, Entry, Field,
    Fields, GroupInfo, Nack, Owned, PendingEntry, PendingRange, PendingSummary, Read, ReadGroup, References,
    Results, StreamInfo, Together, Trim,
};
pub use recovery::Progress;
