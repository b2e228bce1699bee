//! Commands as words.

use crate::id::EntryId;

/// One command: its words in one buffer, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Command {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    name: &'static str,
    /// Which word is the key that says where the command belongs.
    key: usize,
}

impl Command {
    pub(crate) fn new(name: &'static str) -> Command {
        Command { name, key: 1, ..Command::default() }.arg(name)
    }

    pub(crate) fn arg(mut self, word: impl AsRef<[u8]>) -> Command {
        self.push(word);
        self
    }

    /// The key that decides which node of a cluster is asked. Without it that is the second word.
    pub(crate) fn key(mut self, key: impl AsRef<[u8]>) -> Command {
        self.key = self.ends.len();
        self.arg(key)
    }

    pub(crate) fn int(self, number: impl itoa::Integer) -> Command {
        self.arg(itoa::Buffer::new().format(number))
    }

    pub(crate) fn id(mut self, id: EntryId) -> Command {
        self.bytes.extend_from_slice(itoa::Buffer::new().format(id.ms).as_bytes());
        self.bytes.push(b'-');
        self.arg(itoa::Buffer::new().format(id.seq))
    }

    pub(crate) fn ids(self, ids: impl IntoIterator<Item = EntryId>) -> Command {
        ids.into_iter().fold(self, Command::id)
    }

    /// `word` if `present`.
    pub(crate) fn flag(self, present: bool, word: &'static str) -> Command {
        if present { self.arg(word) } else { self }
    }

    pub(crate) fn push(&mut self, word: impl AsRef<[u8]>) {
        self.bytes.extend_from_slice(word.as_ref());
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn routing_key(&self) -> &[u8] {
        self.words().nth(self.key).unwrap_or_default()
    }

    pub(crate) fn words(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| &self.bytes[std::mem::replace(&mut start, end)..end])
    }
}
