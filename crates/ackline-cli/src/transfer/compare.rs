//! Compares two streams by walking through both.

use super::cursor::{Cursor, Pending, Window};
use super::header::Header;
use super::link::{Error, Features, Link};
use ackline_engine::StreamId;

/// What may differ between a stream and its copy.
pub(super) struct Terms {
    /// What the target knows.
    pub(super) has: Features,
    /// Who has released entries where nothing can be released.
    pub(super) released_to: String,
    /// How far times may be apart, in milliseconds: idle times are rounded, and a time ahead of the target's clock
    /// becomes the target's present.
    pub(super) tolerance: i64,
    /// Entries and pending entries of a page.
    pub(super) batch: usize,
}

/// One of two streams.
pub(super) struct Side<'a> {
    pub(super) link: &'a mut Link,
    pub(super) key: &'a [u8],
    pub(super) header: &'a Header,
    pub(super) expiry: Option<i64>,
}

/// How the target's stream differs from a faithful copy of the source's.
pub(super) fn difference(source: Side<'_>, target: Side<'_>, terms: &Terms) -> Result<Option<String>, Error> {
    let expected = source.header.copied_to(&terms.has, terms.released_to.as_bytes());
    if let Some(what) = expected.difference(target.header) {
        return Ok(Some(what));
    }
    if !terms.same_expiry(source.expiry, target.expiry) {
        return Ok(Some("the time to live differs".to_owned()));
    }
    let mut left = Cursor::new(source.key, source.header, terms.batch);
    let mut right = Cursor::new(target.key, target.header, terms.batch);
    loop {
        let end = left.fill(source.link)?.min(right.fill(target.link)?);
        if let Some(what) = terms.between(&left.take(end), &right.take(end)) {
            return Ok(Some(what));
        }
        if end == StreamId::MAX {
            return Ok(None);
        }
    }
}

impl Terms {
    /// Whether two expiries are one.
    pub(super) fn same_expiry(&self, a: Option<i64>, b: Option<i64>) -> bool {
        match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= self.tolerance,
            _ => a == b,
        }
    }

    fn between(&self, left: &Window, right: &Window) -> Option<String> {
        if left.entries != right.entries {
            let mut pairs = left.entries.iter().zip(&right.entries);
            let first = pairs.find(|(a, b)| a != b).map(|(a, _)| a.id);
            let first = first.or(left.entries.last().or(right.entries.last()).map(|entry| entry.id));
            return Some(format!("entries differ at {}", first.unwrap_or_default()));
        }
        left.pending.iter().zip(&right.pending).find_map(|(left, right)| {
            if left.len() != right.len() {
                let last = left.last().or(right.last()).map(|pending| pending.id).unwrap_or_default();
                return Some(format!("pending entries differ at or before {last}"));
            }
            let (a, _) = left.iter().zip(right).find(|(a, b)| !self.same_claim(a, b))?;
            Some(format!("pending entry {} differs", a.id))
        })
    }

    fn same_claim(&self, source: &Pending, target: &Pending) -> bool {
        let released_to = Some(self.released_to.as_bytes()).filter(|_| !self.has.release);
        source.id == target.id
            && source.count == target.count
            && source.owner.as_deref().or(released_to) == target.owner.as_deref()
            && (source.at - target.at).abs() <= self.tolerance
    }
}
