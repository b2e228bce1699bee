//! Ackline as a library: a durable message broker within your program. Streams of entries, consumer groups,
//! acknowledgement, atomic batches; in a directory or in memory; from threads and from async code alike.
//!
#![cfg_attr(not(feature = "model"), doc = "```")]
#![cfg_attr(feature = "model", doc = "```no_run")]
//! use ackline::{Ackline, After, ReadGroup};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! let broker = Ackline::open(dir)?;
//! broker.create_group("orders", "billing", After::START).wait()?;
//! broker.add("orders", [("item", "tea"), ("cups", "2")]).wait()?;
//!
//! for order in broker.read_group("orders", ReadGroup::new("billing", "worker-1").count(10)).wait()? {
//!     println!("{}: {:?}", order.id(), order.text("item"));
//!     broker.ack("orders", "billing", [order.id()]).wait()?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A *stream* is a log of entries, each with an ID and fields. A *group* reads it once between its *consumers*: what one of
//! them is given is *pending* until it is acknowledged, and others can claim it should its consumer be gone. What the
//! commands of Redis Streams do, in all details, is what they do here.
//!
//! # Calls
//!
//! The methods of [`Ackline`] that stand for a command answer with a [`Call`]: await it, or let [`Call::wait`] block. A call
//! does nothing before that; [`Call::submit`] makes it at once and leaves the result for later. Options are small values,
//! such as [`ReadGroup`] and [`Add`], that are put together and given to the call.
//!
//! [`Ackline::command`] and [`Ackline::submit`] take the words of any command that the engine knows, with keys that expire,
//! strings, counters and the rest, and answer with a [`Reply`]. All calls are in database 0.
//!
//! [`Ackline::together`] makes several calls as one batch, and [`Ackline::transaction`] several commands: nobody sees some
//! of them done and others not, neither now nor after a crash.
//!
//! # The gate
//!
//! ```text
//! call ──► lock the shards of its keys ──► engine: records, reply ──► serve waiters ──► log.append ──► unlock
//!                                                            reply, lsn ──► gate: wait for log.durable ≥ lsn
//! ```
//!
//! A reply says more than that something was done: that it will not be undone. Each passes a gate once everything that it
//! saw is durable, what others did included. [`Builder::sync`] says what that means:
//!
//! | | a reply waits until | lost at a power cut | lost with the process |
//! |---|---|---|---|
//! | [`SyncMode::Always`], the default | the disk has it | nothing | nothing |
//! | [`SyncMode::EverySec`] | the operating system has it | about a second | nothing |
//! | [`SyncMode::No`] | the operating system has it | what the system had not written | nothing |
//! | [`Ackline::memory`] | nothing | everything | everything |
//!
//! One sync makes durable what gathered while the one before was under way. With `Always` what counts is therefore how many
//! calls are on their way at the same time: several threads or tasks, or calls that are submitted before the first is
//! waited for.
//!
//! # Threads
//!
//! [`Ackline`] is cheap to clone and usable from any thread. A command runs on the thread of its caller, under the lock of
//! its keys' shards: 16, so that different streams seldom meet. Beside these there are threads for the log, for time,
//! for memory that takes long to free and for checkpoints; in memory only those for time and memory.
//!
//! # Async
//!
//! The futures need no runtime, or any: they are woken by whoever adds what they wait for, by the log and by time. A read
//! that waits for an entry costs no thread. Executing a command never waits for the disk; it takes microseconds and happens
//! within the poll.
//!
//! Every future may be dropped. A [`Call`] that was not polled has done nothing. A read that waits leaves its place, and
//! nothing is delivered to somebody who is gone. If an entry was delivered in that very moment, its consumer finds it with
//! [`Ackline::history`], and others can claim it.
//!
//! # Errors
//!
//! A call fails with an [`Error`], whose text is that which a client would get; [`Error::code`] is its first word. An error
//! of a command says that nothing was done. That the log has failed, or that the broker was closed meanwhile, leaves
//! open whether it was. After a failed write or sync nothing is acknowledged any more: close the broker, and open it again
//! once the disk is well. While the disk is merely full, what writes is refused and reads go on.
//!
//! # The end
//!
//! The last clone that is dropped closes the broker, as [`Ackline::close`] does and then tells of errors: reads that wait
//! end with an error, everything is written and synced, and the directory can be opened again at once. A program that
//! is killed loses nothing that was acknowledged.
//!
//! # Time
//!
//! IDs, idle times and deadlines come from the system's clock, or from a [`ManualClock`]: it stands until it is moved, and
//! moving it does at once what is due. So tests of retries and timeouts need not sleep.
//!
//! # Limits
//!
//! - State is in memory; the directory holds a log and snapshots of it. A checkpoint bounds the log as it grows; see
//!   [`Builder::growth`].
//! - A directory belongs to one broker, in one process.
//! - An entry has at most 1 GB.
//! - There are no connections here and none of the commands about them: no MULTI (see [`Ackline::transaction`]), SELECT,
//!   CONFIG, INFO, AUTH, no publish and subscribe. For clients that speak the Redis protocol there is the server.
//!
//! [`Broker`] is what lies beneath, and what the server drives.

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
    Args, Context, Error, Outcome, OwnedArgs, Reply, Settings, ShardSet, Spec, StreamId, Tally, Ticket, Txn,
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
