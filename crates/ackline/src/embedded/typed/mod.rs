//! Calls with types: what a command is told, and what it answers.

mod add;
mod claim;
mod entry;
mod groups;
mod info;
mod pending;
mod read;
mod reply;
mod streams;
mod together;

pub use add::{Add, Deletion, Field, References, Trim};
pub use claim::{AutoClaim, AutoClaimed, Claim, Nack};
pub use entry::{Delivered, Entry, Fields, Owned};
pub use info::{ConsumerInfo, GroupInfo, StreamInfo};
pub use pending::{PendingEntry, PendingRange, PendingSummary};
pub use read::{After, Read, ReadGroup};
pub use together::{Batch, Results, Together};

use super::words::Words;
use super::{Ackline, Call, call};
use ackline_engine::{Reply, StreamId};
use std::borrow::Borrow;
use std::time::Duration;

/// The largest number that a command takes.
const NUMBER_MAX: u64 = i64::MAX as u64;

/// The words of a command: its name, or that of a container and a subcommand, and its key.
fn command(name: &str, key: impl AsRef<[u8]>) -> Words {
    let mut words = Words::new();
    name.split(' ').for_each(|word| words.push(word.as_bytes()));
    words.push(key.as_ref());
    words
}

impl Words {
    fn with(mut self, word: impl AsRef<[u8]>) -> Words {
        self.push(word.as_ref());
        self
    }

    fn push_all<const N: usize>(&mut self, words: [&[u8]; N]) {
        words.into_iter().for_each(|word| self.push(word));
    }

    fn option(&mut self, name: &str, number: Option<u64>) {
        if let Some(number) = number {
            self.push(name.as_bytes());
            self.push_number(number.min(NUMBER_MAX));
        }
    }

    fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.push(name.as_bytes());
        }
    }

    fn with_ids(mut self, ids: impl IntoIterator<Item: Borrow<StreamId>>) -> Words {
        ids.into_iter().for_each(|id| self.push_id(*id.borrow()));
        self
    }

    /// `IDS numids id ..`
    fn with_counted(mut self, ids: impl IntoIterator<Item: Borrow<StreamId>>) -> Words {
        let ids: Vec<StreamId> = ids.into_iter().map(|id| *id.borrow()).collect();
        self.push(b"IDS");
        self.push_number(ids.len() as u64);
        self.with_ids(ids)
    }
}

/// A call about some entries. Commands want one at least; to do nothing to none of them is no error here.
fn about<T>(
    broker: &Ackline,
    (words, ids): (Words, impl IntoIterator<Item: Borrow<StreamId>>),
    put: impl FnOnce(Words, &mut dyn Iterator<Item = StreamId>) -> Words,
    (none, read): (Reply, call::Read<T>),
) -> Call<'_, T> {
    let mut ids = ids.into_iter().map(|id| *id.borrow()).peekable();
    match ids.peek() {
        Some(_) => Call::new(broker, put(words, &mut ids), read),
        None => Call::known(read(Ok(none))),
    }
}

/// Whole milliseconds, rounded up: whoever asks for a time gets no less.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(NUMBER_MAX).min(NUMBER_MAX)
}
