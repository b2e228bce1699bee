//! How streams are read.

use super::{Words, millis};
use ackline_engine::StreamId;
use std::time::Duration;

/// Behind which entry reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Behind this ID.
    Id(StreamId),
    /// Behind everything that there is now.
    Newest,
}

impl After {
    /// Before everything.
    pub const START: After = After::Id(StreamId::MIN);

    pub(super) fn put(self, words: &mut Words) {
        match self {
            After::Id(id) => words.push_id(id),
            After::Newest => words.push(b"$"),
        }
    }
}

impl From<StreamId> for After {
    fn from(id: StreamId) -> After {
        After::Id(id)
    }
}

/// How long to wait if there is nothing to read.
#[derive(Clone, Copy, Debug, Default)]
enum Wait {
    #[default]
    Not,
    For(Duration),
    Forever,
}

impl Wait {
    fn put(self, words: &mut Words) {
        // A deadline beyond all times would be refused, and 0 waits for ever.
        const LONGEST: u64 = i64::MAX as u64 / 4;
        match self {
            Wait::Not | Wait::For(Duration::ZERO) => {}
            Wait::For(time) if millis(time) < LONGEST => words.option("BLOCK", Some(millis(time))),
            Wait::For(_) | Wait::Forever => words.option("BLOCK", Some(0)),
        }
    }
}

/// How entries are read: [`Ackline::read`](crate::Ackline::read).
#[derive(Clone, Copy, Debug, Default)]
pub struct Read {
    count: Option<u64>,
    wait: Wait,
}

impl Read {
    /// All there is, without waiting.
    pub fn new() -> Read {
        Read::default()
    }

    /// So many entries of a stream at most; 0 = no limit.
    pub fn count(self, entries: usize) -> Read {
        Read { count: Some(entries as u64), ..self }
    }

    /// Waits so long for an entry if there is none.
    pub fn block(self, time: Duration) -> Read {
        Read { wait: Wait::For(time), ..self }
    }

    /// Waits for an entry if there is none.
    pub fn block_forever(self) -> Read {
        Read { wait: Wait::Forever, ..self }
    }

    pub(super) fn put(&self, words: &mut Words) {
        words.option("COUNT", self.count);
        self.wait.put(words);
    }
}

/// How a consumer reads for its group: [`Ackline::read_group`](crate::Ackline::read_group).
///
/// ```
/// # use ackline::{Ackline, After, ReadGroup};
/// # use std::time::Duration;
/// # let broker = Ackline::memory();
/// # broker.create_group("orders", "billing", After::START).wait()?;
/// let minute = Duration::from_secs(60);
/// let read = ReadGroup::new("billing", "worker-1").count(10).claim(minute).block(Duration::from_millis(1));
/// let orders = broker.read_group("orders", read).wait()?;
/// # assert!(orders.is_empty());
/// # Ok::<(), ackline::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReadGroup<'a> {
    group: &'a [u8],
    consumer: &'a [u8],
    count: Option<u64>,
    wait: Wait,
    noack: bool,
    claim: Option<u64>,
}

impl<'a> ReadGroup<'a> {
    /// All there is for this consumer of the group, without waiting. The consumer exists from its first read on.
    pub fn new<G, C>(group: &'a G, consumer: &'a C) -> ReadGroup<'a>
    where
        G: AsRef<[u8]> + ?Sized,
        C: AsRef<[u8]> + ?Sized,
    {
        let (group, consumer) = (group.as_ref(), consumer.as_ref());
        ReadGroup { group, consumer, count: None, wait: Wait::Not, noack: false, claim: None }
    }

    /// So many entries of a stream at most; 0 = no limit.
    pub fn count(self, entries: usize) -> ReadGroup<'a> {
        ReadGroup { count: Some(entries as u64), ..self }
    }

    /// Waits so long for an entry if there is none.
    pub fn block(self, time: Duration) -> ReadGroup<'a> {
        ReadGroup { wait: Wait::For(time), ..self }
    }

    /// Waits for an entry if there is none.
    pub fn block_forever(self) -> ReadGroup<'a> {
        ReadGroup { wait: Wait::Forever, ..self }
    }

    /// New entries count as acknowledged when they are delivered: what goes wrong afterwards is lost.
    pub fn noack(self) -> ReadGroup<'a> {
        ReadGroup { noack: true, ..self }
    }

    /// Takes over what was given to somebody, whoever, and not acknowledged for so long, before anything new. Who waits
    /// gets it at the moment at which it has been lying long enough.
    pub fn claim(self, min_idle: Duration) -> ReadGroup<'a> {
        ReadGroup { claim: Some(millis(min_idle)), ..self }
    }

    pub(super) fn words(&self) -> Words {
        let mut words = Words::new();
        words.push_all([b"XREADGROUP", b"GROUP", self.group, self.consumer]);
        words.option("COUNT", self.count);
        self.wait.put(&mut words);
        words.option("CLAIM", self.claim);
        words.flag("NOACK", self.noack);
        words.push(b"STREAMS");
        words
    }
}
