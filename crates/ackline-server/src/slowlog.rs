//! The slow log: commands that took longer than a threshold, newest first.

use ackline_engine::Args;
use parking_lot::Mutex;
use std::collections::VecDeque;

/// One slow command.
#[derive(Clone, Debug)]
pub(crate) struct SlowCall {
    pub(crate) id: u64,
    /// Unix seconds.
    pub(crate) at: i64,
    pub(crate) usec: u64,
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) addr: String,
    pub(crate) name: Vec<u8>,
}

/// Slow commands, newest first.
#[derive(Debug, Default)]
pub(crate) struct Slowlog {
    entries: Mutex<(u64, VecDeque<SlowCall>)>,
}

/// Words kept of a command, the last of them a note of how many were left out.
const WORDS_MAX: usize = 32;
/// Bytes kept of a word.
const WORD_MAX: usize = 128;

impl Slowlog {
    pub(crate) fn add(&self, at: i64, usec: u64, args: Args<'_>, (addr, name): (&str, &[u8]), max: usize) {
        let mut entries = self.entries.lock();
        let id = entries.0;
        entries.0 += 1;
        let call = SlowCall { id, at, usec, args: cut(args), addr: addr.to_owned(), name: name.to_vec() };
        entries.1.push_front(call);
        entries.1.truncate(max);
    }

    /// The newest `count`.
    pub(crate) fn newest(&self, count: usize) -> Vec<SlowCall> {
        self.entries.lock().1.iter().take(count).cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.lock().1.len()
    }

    pub(crate) fn clear(&self) {
        self.entries.lock().1.clear();
    }
}

fn cut(args: Args<'_>) -> Vec<Vec<u8>> {
    let kept = if args.len() > WORDS_MAX { WORDS_MAX - 1 } else { args.len() };
    let mut words: Vec<Vec<u8>> = args.first(kept).iter().map(cut_word).collect();
    if args.len() > kept {
        words.push(format!("... ({} more arguments)", args.len() - kept).into_bytes());
    }
    words
}

fn cut_word(word: &[u8]) -> Vec<u8> {
    match word.len().checked_sub(WORD_MAX) {
        None | Some(0) => word.to_vec(),
        Some(more) => [&word[..WORD_MAX], format!("... ({more} more bytes)").as_bytes()].concat(),
    }
}
