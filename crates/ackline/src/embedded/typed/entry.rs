//! Entries as they are read.

use ackline_engine::StreamId;
use ackline_engine::state::{EntryRef, Words};
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

/// An entry of a stream: an ID, and fields in the order in which they were given.
///
/// It shares the memory of the block that the entry lies in, so that reading copies nothing; as long as an entry is kept,
/// so is its block.
#[derive(Clone)]
pub struct Entry(EntryRef);

impl Entry {
    /// Its ID.
    pub fn id(&self) -> StreamId {
        self.0.id
    }

    /// The value of the first field of that name.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        let name = name.as_ref();
        self.fields().find_map(|(field, value)| (field == name).then_some(value))
    }

    /// The value of the first field of that name, if it is text.
    pub fn text(&self, name: impl AsRef<[u8]>) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// Names and values, in order.
    pub fn fields(&self) -> Fields<'_> {
        Fields(self.0.words())
    }

    /// What the engine makes of it.
    pub fn as_entry_ref(&self) -> &EntryRef {
        &self.0
    }
}

impl From<EntryRef> for Entry {
    fn from(entry: EntryRef) -> Entry {
        Entry(entry)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.id() == other.id() && self.fields().eq(other.fields())
    }
}

impl Eq for Entry {}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |(name, value)| [name, value].map(|word| String::from_utf8_lossy(word).into_owned());
        let fields: Vec<[String; 2]> = self.fields().map(text).collect();
        f.debug_struct("Entry").field("id", &self.id()).field("fields", &fields).finish()
    }
}

impl<'a> IntoIterator for &'a Entry {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Fields<'a>;

    fn into_iter(self) -> Fields<'a> {
        self.fields()
    }
}

/// The names and values of an entry.
pub struct Fields<'a>(Words<'a>);

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        Some((self.0.next()?, self.0.next()?))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let pairs = self.0.len() / 2;
        (pairs, Some(pairs))
    }
}

impl ExactSizeIterator for Fields<'_> {}

/// An entry that was delivered to a consumer of a group. It can be used like the [`Entry`] itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The entry.
    pub entry: Entry,
    /// How long it had been lying with whoever it was claimed from; zero for a new one.
    pub idle: Duration,
    /// How often it had been delivered before; 0 for a new one.
    pub deliveries: u64,
}

impl Deref for Delivered {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

/// What a consumer was given and has not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Its ID.
    pub id: StreamId,
    /// The entry; `None` if it has been deleted meanwhile.
    pub entry: Option<Entry>,
}
