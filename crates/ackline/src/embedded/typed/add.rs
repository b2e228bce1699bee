//! What an entry is added with, and what goes.

use super::Words;
use ackline_engine::StreamId;

/// A field of an entry: a pair of name and value.
pub trait Field {
    /// The name.
    fn name(&self) -> &[u8];
    /// The value.
    fn value(&self) -> &[u8];
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> Field for (N, V) {
    fn name(&self) -> &[u8] {
        self.0.as_ref()
    }

    fn value(&self) -> &[u8] {
        self.1.as_ref()
    }
}

impl<F: Field + ?Sized> Field for &F {
    fn name(&self) -> &[u8] {
        (**self).name()
    }

    fn value(&self) -> &[u8] {
        (**self).value()
    }
}

/// How an entry is added: [`Ackline::add_with`](crate::Ackline::add_with).
///
/// ```
/// # use ackline::{Ackline, Add};
/// # let broker = Ackline::memory();
/// let add = Add::new().max_len(1_000_000).idempotent("shop-1", "order-4711");
/// let first = broker.add_with("orders", add, [("item", "tea")]).wait()?;
/// let again = broker.add_with("orders", add, [("item", "tea")]).wait()?;
/// assert_eq!(first, again);
/// assert_eq!(broker.len("orders").wait()?, 1);
/// # Ok::<(), ackline::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Add<'a> {
    id: Option<StreamId>,
    existing_only: bool,
    trim: Option<Trim>,
    producer: Option<(&'a [u8], Option<&'a [u8]>)>,
}

impl<'a> Add<'a> {
    /// Under an ID made of the time, without trimming.
    pub fn new() -> Add<'a> {
        Add::default()
    }

    /// Under an ID of one's own, which must be greater than all before.
    pub fn id(self, id: StreamId) -> Add<'a> {
        Add { id: Some(id), ..self }
    }

    /// Only if there is such a stream: otherwise nothing is added.
    pub fn existing_only(self) -> Add<'a> {
        Add { existing_only: true, ..self }
    }

    /// Trims the stream to about so many entries: whole blocks go, so that some more may stay.
    pub fn max_len(self, entries: u64) -> Add<'a> {
        self.trim(Trim::max_len(entries).approximate())
    }

    /// Trims the stream as told.
    pub fn trim(self, trim: Trim) -> Add<'a> {
        Add { trim: Some(trim), ..self }
    }

    /// Adds it once: whoever adds under the same producer and message again, within the time that the stream remembers
    /// (100 seconds), gets the ID of the first. Not together with an ID of one's own.
    pub fn idempotent<P, M>(self, producer: &'a P, message: &'a M) -> Add<'a>
    where
        P: AsRef<[u8]> + ?Sized,
        M: AsRef<[u8]> + ?Sized,
    {
        Add { producer: Some((producer.as_ref(), Some(message.as_ref()))), ..self }
    }

    /// The same, where two messages of a producer are one if their fields are the same.
    pub fn idempotent_by_content<P: AsRef<[u8]> + ?Sized>(self, producer: &'a P) -> Add<'a> {
        Add { producer: Some((producer.as_ref(), None)), ..self }
    }

    pub(super) fn put(&self, words: &mut Words) {
        words.flag("NOMKSTREAM", self.existing_only);
        match self.producer {
            Some((producer, Some(message))) => words.push_all([b"IDMP", producer, message]),
            Some((producer, None)) => words.push_all([b"IDMPAUTO", producer]),
            None => {}
        }
        if let Some(trim) = &self.trim {
            trim.put(words);
        }
        match self.id {
            Some(id) => words.push_id(id),
            None => words.push(b"*"),
        }
    }
}

/// Which entries of a stream are too many: [`Ackline::trim`](crate::Ackline::trim) and [`Add::trim`].
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is trimmed yet"]
pub struct Trim {
    keep: Keep,
    approximate: bool,
    limit: Option<u64>,
    references: References,
}

#[derive(Clone, Copy, Debug)]
enum Keep {
    Newest(u64),
    From(StreamId),
}

impl Trim {
    /// Keeps the newest so many.
    pub fn max_len(entries: u64) -> Trim {
        Trim::new(Keep::Newest(entries))
    }

    /// Keeps this ID and what is greater.
    pub fn min_id(id: StreamId) -> Trim {
        Trim::new(Keep::From(id))
    }

    fn new(keep: Keep) -> Trim {
        Trim { keep, approximate: false, limit: None, references: References::Keep }
    }

    /// Only whole blocks go, which costs nearly nothing; some more entries may stay.
    pub fn approximate(self) -> Trim {
        Trim { approximate: true, ..self }
    }

    /// So many go at most, 0 = no limit. Approximate as well.
    pub fn limit(self, entries: u64) -> Trim {
        Trim { approximate: true, limit: Some(entries), ..self }
    }

    /// What becomes of the pending entries of groups.
    pub fn references(self, references: References) -> Trim {
        Trim { references, ..self }
    }

    pub(super) fn put(&self, words: &mut Words) {
        let operator: &[u8] = if self.approximate { b"~" } else { b"=" };
        match self.keep {
            Keep::Newest(entries) => {
                words.push_all([b"MAXLEN", operator]);
                words.push_number(entries.min(super::NUMBER_MAX));
            }
            Keep::From(id) => {
                words.push_all([b"MINID", operator]);
                words.push_id(id);
            }
        }
        words.option("LIMIT", self.limit);
        words.push(self.references.word());
    }
}

/// What becomes of the places at which groups refer to an entry that is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum References {
    /// They stay pending, without a message.
    #[default]
    Keep,
    /// They go, too.
    Delete,
    /// Entries that a group has still to read or to acknowledge are not deleted.
    Acked,
}

impl References {
    pub(super) fn word(self) -> &'static [u8] {
        match self {
            References::Keep => b"KEEPREF",
            References::Delete => b"DELREF",
            References::Acked => b"ACKED",
        }
    }
}

/// What became of an entry that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It is deleted.
    Deleted,
    /// There is no such entry, or it is not pending for the group that wanted to acknowledge it.
    Missing,
    /// It stays: a group still needs it ([`References::Acked`]). If it was to be acknowledged, it is.
    Needed,
}
