//! The durable part: one ordered sequence of opaque batches. Does not know what a stream is.
//!
//! ```text
//! append ──► gathers in frame n+1 ─┐            (never blocks, never fails)
//!                                  ├─ one writer: frame n is written and synced meanwhile
//! durable ◄── advances ────────────┘
//! ```

#![forbid(unsafe_code)]

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod desk;
mod durable;
#[cfg(any(test, feature = "conformance"))]
pub mod faulty;
mod frame;
mod histogram;
pub mod inspect;
mod local;
mod memory;
mod recovery;
mod segment;
pub mod snapshot;
pub mod storage;
#[cfg(not(feature = "model"))]
mod sync;
#[cfg(feature = "model")]
pub mod sync;
mod writer;

pub use durable::Durable;
pub use histogram::Histogram;
pub use local::{Directory, LocalLog, LocalOptions};
pub use memory::{MemoryLog, NoLog};

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A position: how many batches were appended since the log was born. 0 is before the first.
pub type Lsn = u64;

/// When a batch counts as safe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SyncMode {
    /// Once it is on stable storage.
    #[default]
    Always,
    /// Once the operating system has it; it is synced at most a second later.
    EverySec,
    /// Once the operating system has it; it is synced when the system likes.
    No,
}

/// Why a log does not open, or cannot go on.
#[derive(Debug)]
pub enum LogError {
    /// The operating system refused.
    Io(PathBuf, io::Error),
    /// Another process has the directory.
    Locked(PathBuf),
    /// What stands in a file is not what was written, and something valid comes after it.
    Corrupt {
        /// The file.
        file: PathBuf,
        /// Byte position of the first bad frame.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// What lies between the newest readable snapshot and the beginning of the log is gone.
    Missing {
        /// Where the log begins.
        from: Lsn,
        /// How far snapshots reach.
        to: Lsn,
    },
    /// The end of the log is gone.
    Behind {
        /// Where the log ends.
        log: Lsn,
        /// What a snapshot needs it to reach.
        snapshot: Lsn,
    },
    /// A write or sync failed before; nothing is written any more.
    Poisoned,
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Io(path, error) => write!(f, "{}: {error}", path.display()),
            LogError::Locked(path) => {
                write!(f, "{} is in use by another process", path.display())
            }
            LogError::Corrupt { file, offset, reason } => write!(
                f,
                "{} is damaged at byte {offset}: {reason}; refusing to lose what was acknowledged",
                file.display()
            ),
            LogError::Missing { from, to } => {
                write!(
                    f,
                    "the log begins at position {from}, and no readable snapshot reaches that far ({to})"
                )
            }
            LogError::Behind { log, snapshot } => {
                write!(f, "the log ends at position {log}, before its snapshot of position {snapshot}")
            }
            LogError::Poisoned => f.write_str("an earlier write or sync of the log failed"),
        }
    }
}

impl std::error::Error for LogError {}

/// One ordered, fenced sequence of batches.
pub trait Log: Send + Sync {
    /// Queues one atomic batch; never blocks on I/O, never fails. Answers the position after it.
    fn append(&self, batch: &[u8]) -> Lsn;

    /// As [`Log::append`], by somebody who calls [`Log::flush`] soon: until then nothing may be written.
    fn gather(&self, batch: &[u8]) -> Lsn {
        self.append(batch)
    }

    /// Has what gathered written. Where nothing has to be synced, the caller writes itself if nobody else does.
    fn flush(&self) {}

    /// The watch on durability.
    fn durable(&self) -> &Durable;

    /// Calls `visit` with the position and bytes of each durable batch after `after`, in order.
    fn read(&self, after: Lsn, visit: &mut dyn FnMut(Lsn, &[u8])) -> Result<(), LogError>;

    /// Forgets batches up to and including `up_to`, as far as whole segments allow it.
    fn truncate(&self, up_to: Lsn) -> Result<(), LogError>;

    /// Starts a new epoch; what a writer of an earlier one still appends is ignored. Answers the epoch.
    fn fence(&self) -> Result<u64, LogError>;

    /// Syncs batches up to a position soon, whatever the mode says; see [`Durable::synced`].
    fn sync(&self, up_to: Lsn);

    /// The position before the oldest batch that is kept.
    fn first(&self) -> Lsn;

    /// The position of the newest appended batch.
    fn last(&self) -> Lsn;

    /// Whether there is no room for much more: what grows is better refused.
    fn is_full(&self) -> bool;

    /// Where snapshots of what it holds are kept; `None` if nowhere.
    fn storage(&self) -> Option<&Arc<dyn storage::Storage>>;

    /// Bytes of disk that batches take; 0 in memory.
    fn size(&self) -> u64;

    /// Another mode from here on.
    fn set_sync(&self, sync: SyncMode);

    /// One step of a log that is driven by hand: writes what gathered, and syncs it as the mode wants; `second` says that
    /// a second has passed. Nothing for others.
    fn step(&self, _second: bool) {}

    /// Writes and syncs everything appended, and stops.
    fn close(&self) -> Result<(), LogError>;
}
