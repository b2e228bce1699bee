//! The broker for programs that embed it.

mod answers;
mod builder;
mod call;
mod core;
mod pending;
mod typed;
mod words;

pub use builder::Builder;
pub use call::Call;
pub use pending::{Pending, PendingAll};
pub use typed::{
    Add, After, AutoClaim, AutoClaimed, Batch, Claim, ConsumerInfo, Deletion, Delivered, Entry, Field,
    Fields, GroupInfo, Nack, Owned, PendingEntry, PendingRange, PendingSummary, Read, ReadGroup, References,
    Results, StreamInfo, Together, Trim,
};

use crate::broker::{Broker, OpenError, Options};
use ackline_engine::Outcome;
use ackline_log::LogError;
use core::{Core, Owner};
use pending::Held;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use words::Words;

/// A broker within this process. Cheap to clone, usable from any thread; see the [crate](crate) for how.
///
/// Dropping the last clone closes the broker, as [`Ackline::close`] does.
#[derive(Clone)]
pub struct Ackline(Arc<Owner>);

impl fmt::Debug for Ackline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ackline").field("durable", self.broker().log().durable()).finish_non_exhaustive()
    }
}

impl Ackline {
    /// Opens a directory, which is created if there is none; everything acknowledged before is there again.
    ///
    /// The directory is this process's until the broker is closed.
    pub fn open(dir: impl AsRef<Path>) -> Result<Ackline, OpenError> {
        Ackline::builder().open(dir)
    }

    /// A broker that keeps everything in memory and nothing beyond its own end.
    pub fn memory() -> Ackline {
        Ackline::builder().memory()
    }

    /// A broker to be opened with other settings than the usual.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A broker with options of one's own.
    pub fn with(options: Options) -> Result<Ackline, OpenError> {
        Ok(Ackline(Arc::new(Owner(Core::open(options)?))))
    }

    /// Runs one of the engine's commands in database 0 and blocks until the reply is there: what it saw is durable, and
    /// a read with BLOCK has something to read or has waited long enough. Errors are those that the command answers on
    /// the wire.
    pub fn command(&self, words: &[impl AsRef<[u8]>]) -> Outcome {
        let words = Words::of(words);
        self.core().call(words.as_args())
    }

    /// Runs one of the engine's commands in database 0 at once; the reply is a future.
    ///
    /// It is executed when `submit` returns, whether the future is ever polled or not, so that commands submitted one
    /// after the other take effect in that order.
    pub fn submit(&self, words: &[impl AsRef<[u8]>]) -> Pending {
        let words = Words::of(words);
        self.core().submit(words.as_args())
    }

    /// Runs commands as one atomic batch and blocks until their replies are there. Nobody sees some of them done and
    /// others not, neither now nor after a crash.
    ///
    /// A command that fails gives its error in its place; nothing is rolled back. BLOCK does not block. While the disk is
    /// full a batch that writes is refused as a whole.
    pub fn transaction<W: AsRef<[u8]>>(&self, commands: &[impl AsRef<[W]>]) -> Vec<Outcome> {
        self.submit_all(commands).wait()
    }

    /// As [`Ackline::transaction`]; the commands are executed when `submit_all` returns, and the replies are a future.
    pub fn submit_all<W: AsRef<[u8]>>(&self, commands: &[impl AsRef<[W]>]) -> PendingAll {
        let all: Vec<Words> = commands.iter().map(|words| Words::of(words.as_ref())).collect();
        self.submit_words(&all)
    }

    fn submit_words(&self, all: &[Words]) -> PendingAll {
        let (outcomes, lsn) = self.core().batch(all);
        PendingAll::new(Held::new(self.core(), outcomes, lsn))
    }

    /// Makes calls as one atomic batch, as [`Ackline::transaction`] does: each has its result in its place. Here a result
    /// goes to the next stream at the moment at which what it was made of is acknowledged:
    ///
    /// ```
    /// # use ackline::{Ackline, After, ReadGroup};
    /// # let broker = Ackline::memory();
    /// # broker.create_group("orders", "billing", After::START).wait()?;
    /// # broker.add("orders", [("item", "tea")]).wait()?;
    /// let read = ReadGroup::new("billing", "worker-1").count(1);
    /// for order in broker.read_group("orders", read).wait()? {
    ///     let bill = broker.add("bills", [("order", order.id().to_string())]);
    ///     let done = broker.ack("orders", "billing", [order.id()]);
    ///     let (bill, done) = broker.together((bill, done)).wait();
    ///     bill?;
    ///     assert_eq!(done?, 1);
    /// }
    /// # Ok::<(), ackline::Error>(())
    /// ```
    pub fn together<C: Together>(&self, calls: C) -> Batch<'_, C::Results> {
        Batch::new(self, calls)
    }

    /// When time alone next brings something about, Unix ms; it may turn out to be nothing. For whoever drives a
    /// [`ManualClock`](crate::ManualClock).
    pub fn next_due(&self) -> Option<i64> {
        self.broker().next_due()
    }

    /// Calls `watcher` whenever [`Ackline::next_due`] has become earlier, on the thread whose call made it so.
    /// It must not hold the broker itself, which would never be dropped.
    pub fn watch_due(&self, watcher: impl Fn() + Send + Sync + 'static) {
        self.broker().watch_due(watcher);
    }

    /// Ends reads that wait with an error, writes and syncs everything, and lets go of the directory, which can be opened
    /// again at once. For all clones: from here on every call gets an error.
    pub fn close(&self) -> Result<(), LogError> {
        self.core().close()
    }

    /// The broker itself.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.core().broker
    }

    fn core(&self) -> &Arc<Core> {
        &self.0.0
    }
}
