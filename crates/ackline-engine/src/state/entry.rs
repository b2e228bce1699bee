//! Entries as replies quote them, and runs of fields as records carry them.
//!
//! ```text
//! fields  = count (name value)*         count of pairs; names and values with their lengths
//! ```

use super::block::{Block, Body, Slot};
use crate::codec::{Reader, put_bytes, put_u64};
use crate::id::StreamId;
use triomphe::Arc;

/// An entry, quoted from a shared block.
#[derive(Clone, Debug)]
pub struct EntryRef {
    /// The entry's ID.
    pub id: StreamId,
    block: Arc<Block>,
    body: Body,
}

impl EntryRef {
    pub(crate) fn new(block: &Arc<Block>, slot: Slot) -> EntryRef {
        EntryRef { id: slot.id, block: Arc::clone(block), body: slot.body }
    }

    /// Fields and values in turn, twice as many as there are pairs.
    pub fn words(&self) -> Words<'_> {
        self.block.words(self.body)
    }
}

/// The names and values of an entry.
#[derive(Clone)]
pub struct Words<'a> {
    /// The names, where they are those of the block.
    names: Option<Reader<'a>>,
    rest: Reader<'a>,
    left: usize,
}

impl<'a> Words<'a> {
    /// Reads an encoded run of fields.
    pub fn new(fields: &'a [u8]) -> Words<'a> {
        let mut rest = Reader::new(fields);
        let left = pairs(&mut rest) * 2;
        Words { names: None, rest, left }
    }

    /// Reads names, their count first, from one place and values from another. Unless it is one, the length of all
    /// is in front.
    pub(super) fn beside(names: &'a [u8], values: &'a [u8]) -> Words<'a> {
        let (mut names, mut rest) = (Reader::new(names), Reader::new(values));
        let left = pairs(&mut names) * 2;
        if left != 2 {
            rest.u64();
        }
        Words { names: Some(names), rest, left }
    }
}

/// How many pairs or names follow.
fn pairs(reader: &mut Reader<'_>) -> usize {
    reader.u64().unwrap_or(0) as usize
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.names {
            Some(names) if self.left % 2 == 1 => names.bytes(),
            _ => self.rest.bytes(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Words<'_> {}

/// Appends the encoded run of `words`: names and values in turn.
pub fn put_fields<'a>(out: &mut Vec<u8>, words: impl ExactSizeIterator<Item = &'a [u8]>) {
    put_u64(out, words.len() as u64 / 2);
    words.for_each(|word| put_bytes(out, word));
}

/// Whether bytes are an encoded run of fields and nothing else.
pub(crate) fn are_fields(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    let Some(pairs) = reader.u64().filter(|pairs| *pairs <= bytes.len() as u64) else { return false };
    (0..pairs * 2).all(|_| reader.bytes().is_some()) && reader.is_empty()
}
