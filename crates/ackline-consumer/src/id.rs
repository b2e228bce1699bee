//! IDs of entries.

use std::fmt;
use std::str::FromStr;

/// The ID of an entry: milliseconds, then a sequence number. Written `ms-seq`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId {
    /// Milliseconds since 1970, if the server made the ID.
    pub ms: u64,
    /// Tells entries of one millisecond apart.
    pub seq: u64,
}

impl EntryId {
    /// `0-0`, which no entry has.
    pub const ZERO: EntryId = EntryId { ms: 0, seq: 0 };

    /// The greatest ID.
    pub const MAX: EntryId = EntryId { ms: u64::MAX, seq: u64::MAX };

    /// The ID of two numbers.
    pub const fn new(ms: u64, seq: u64) -> EntryId {
        EntryId { ms, seq }
    }

    /// The greatest ID below this one; none below `0-0`.
    pub fn previous(self) -> Option<EntryId> {
        match (self.ms, self.seq) {
            (0, 0) => None,
            (ms, 0) => Some(EntryId::new(ms - 1, u64::MAX)),
            (ms, seq) => Some(EntryId::new(ms, seq - 1)),
        }
    }

    /// The least ID above this one; none above the greatest.
    pub fn next(self) -> Option<EntryId> {
        match (self.ms, self.seq) {
            (u64::MAX, u64::MAX) => None,
            (ms, u64::MAX) => Some(EntryId::new(ms + 1, 0)),
            (ms, seq) => Some(EntryId::new(ms, seq + 1)),
        }
    }

    pub(crate) fn parse(text: &[u8]) -> Option<EntryId> {
        std::str::from_utf8(text).ok()?.parse().ok()
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry ID is two numbers with a dash between them")]
pub struct NotAnId;

impl FromStr for EntryId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<EntryId, NotAnId> {
        let (ms, seq) = text.split_once('-').ok_or(NotAnId)?;
        let number = |text: &str| text.parse().map_err(|_| NotAnId);
        Ok(EntryId { ms: number(ms)?, seq: number(seq)? })
    }
}
