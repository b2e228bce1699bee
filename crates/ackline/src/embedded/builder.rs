//! How a broker of one's own is made.

use super::Ackline;
use crate::broker::{OpenError, Options, Storage};
use crate::checkpoint::Growth;
use crate::clock::Clock;
use ackline_log::{LocalOptions, SyncMode, storage};
use std::path::Path;
use std::sync::Arc;

/// A broker to be opened: [`Ackline::builder`].
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use ackline::{Ackline, SyncMode};
///
/// let broker = Ackline::builder().sync(SyncMode::EverySec).open(dir.path())?;
/// # drop(broker);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is opened yet"]
pub struct Builder {
    local: LocalOptions,
    clock: Clock,
    growth: Growth,
    seed: Option<u64>,
}

impl Builder {
    /// When a reply may leave: once what it saw is synced ([`SyncMode::Always`], the default), or once the operating
    /// system has it, which survives the end of the process and not that of the machine.
    pub fn sync(mut self, sync: SyncMode) -> Builder {
        self.local.sync = sync;
        self
    }

    /// Another clock than the system's.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Builder {
        self.clock = clock.into();
        self
    }

    /// When the growth of the log calls for a checkpoint: a snapshot, and the end of the log before it. By default once it
    /// has grown by 64 MB and by as much as the last snapshot.
    pub fn growth(mut self, growth: Growth) -> Builder {
        self.growth = growth;
        self
    }

    /// Largest size of a file of the log in bytes: 64 MB by default. The log shrinks by whole files.
    pub fn segment_bytes(mut self, bytes: u64) -> Builder {
        self.local.segment_bytes = bytes;
        self
    }

    /// What goes into hash tables, for runs that are to be the same again. Chance by default, which nobody outside can
    /// know.
    pub fn seed(mut self, seed: u64) -> Builder {
        self.seed = Some(seed);
        self
    }

    /// Opens the directory, which is created if there is none; everything acknowledged before is there again.
    pub fn open(self, dir: impl AsRef<Path>) -> Result<Ackline, OpenError> {
        let storage = Storage::Local(dir.as_ref().to_owned(), self.local);
        Ackline::with(self.options(storage))
    }

    /// Opens any storage that nobody else uses.
    pub fn open_on(self, storage: Arc<dyn storage::Storage>) -> Result<Ackline, OpenError> {
        let storage = Storage::On(storage, self.local);
        Ackline::with(self.options(storage))
    }

    /// A broker that keeps everything in memory and nothing beyond its own end.
    pub fn memory(self) -> Ackline {
        Ackline::with(self.options(Storage::None)).expect("where nothing is read nothing can be damaged")
    }

    fn options(self, storage: Storage) -> Options {
        Options { clock: self.clock, growth: self.growth, seed: self.seed, ..Options::new(storage) }
    }
}
