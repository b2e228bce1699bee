//! The pure part of Ackline: streams, groups, pending entries and the commands on them.
//!
//! State is the fold of records. A command decides and emits records; `apply` alone changes state. The engine knows
//! no wire protocol, no log, no clock, no thread and no chance: all of these come in through [`txn::Context`] and go
//! out as values.
//!
//! ```text
//! words ── table ──► spec ── parse ──► value ── execute ──► records ── apply ──► state
//!                                                   └─────► reply
//! ```

#![forbid(unsafe_code)]

mod apply;
pub mod args;
pub mod codec;
pub mod command;
pub mod error;
pub mod garbage;
pub mod glob;
pub mod id;
pub mod record;
pub mod reply;
pub mod run;
pub mod spec;
pub mod state;
pub mod table;
pub mod tally;
pub mod txn;
pub mod waiter;

pub use apply::replay;
pub use args::{Args, OwnedArgs};
pub use error::Error;
pub use garbage::Garbage;
pub use id::StreamId;
pub use reply::{Outcome, Reply};
pub use run::Called;
pub use spec::Spec;
pub use state::{Keyspace, Reach, Shard, ShardSet};
pub use tally::Tally;
pub use txn::{Context, Query, Settings, Ticket, Txn};
pub use waiter::{Served, Unserved};
