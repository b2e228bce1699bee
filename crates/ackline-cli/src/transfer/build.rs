//! Builds a stream at the target, command by command.
//!
//! A pending entry can only be made while its message exists. Where the message is gone, a placeholder takes its place
//! until the claim is made.
//!
//! Claims are made by ID, window by window. A Redis from 8.4 on walks a list of all pending entries, newest first, to
//! place a claim by its time: there they are kept until the end and made by time, or a million of them would take hours.

use super::cursor::{Entry, Pending, Window};
use super::header::Header;
use super::link::{Batch, Error, Link};
use ackline_engine::StreamId;
use redis::cmd;
use std::collections::BTreeSet;

/// IDs of one batch.
const PORTION: usize = 1000;

/// A stream in the making.
pub(super) struct Builder<'a> {
    link: &'a mut Link,
    key: &'a [u8],
    header: &'a Header,
    /// Who gets released entries where nothing can be released.
    released_to: &'a str,
    /// The first entry that is no placeholder.
    first: Option<StreamId>,
    length: i64,
    /// There are placeholders below the first entry, or there is no entry.
    trim: bool,
    /// Claims and placeholders that wait for the end.
    late: Option<Late>,
}

/// What waits for the end.
#[derive(Default)]
struct Late {
    /// By group.
    claims: Vec<Vec<Pending>>,
    placeholders: Vec<StreamId>,
}

impl<'a> Builder<'a> {
    /// Creates the stream with its groups and consumers.
    pub(super) fn start(
        link: &'a mut Link,
        key: &'a [u8],
        header: &'a Header,
        released_to: &'a str,
    ) -> Result<Builder<'a>, Error> {
        let mut batch = Batch::default();
        let group = |word: &str, name: &[u8]| {
            let mut group = cmd("XGROUP");
            group.arg(word).arg(key).arg(name);
            group
        };
        if header.groups.is_empty() {
            // The one way to a stream that never had an entry.
            batch.add(group("CREATE", b"g").arg(&["0", "MKSTREAM"]));
            batch.add(&group("DESTROY", b"g"));
        }
        for it in &header.groups {
            batch.add(group("CREATE", &it.name).arg(&["0", "MKSTREAM"]));
            it.consumers.iter().for_each(|(name, _)| {
                batch.add(group("CREATECONSUMER", &it.name).arg(name));
            });
        }
        link.tell(batch)?;
        let late = link
            .has
            .time_list
            .then(|| Late { claims: vec![Vec::new(); header.groups.len()], ..Late::default() });
        Ok(Builder { link, key, header, released_to, first: None, length: 0, trim: false, late })
    }

    /// Adds a window: entries and placeholders by ID, then claims by ID.
    pub(super) fn add(&mut self, window: Window) -> Result<(), Error> {
        self.first = self.first.or(window.entries.first().map(|entry| entry.id));
        self.length += window.entries.len() as i64;
        let mut batch = Batch::default();
        let ghosts = ghosts(&window);
        add_entries(&mut batch, self.key, &window.entries, &ghosts);
        // Trimming removes the placeholders at the head and leaves max-deleted-entry-id alone, as it was at the source.
        let (deleted, trimmed): (Vec<_>, Vec<_>) =
            ghosts.into_iter().partition(|id| self.first.is_some_and(|first| *id > first));
        self.trim |= !trimmed.is_empty();
        if let Some(late) = &mut self.late {
            late.claims.iter_mut().zip(window.pending).for_each(|(claims, pending)| claims.extend(pending));
            late.placeholders.extend(deleted);
        } else {
            for (group, pending) in self.header.groups.iter().zip(&window.pending) {
                pending.chunk_by(same_claim).for_each(|run| self.claim(&mut batch, &group.name, run));
            }
            self.delete(&mut batch, &deleted);
        }
        self.link.tell(batch)
    }

    /// Makes the claims that waited, oldest first, by ID among equals.
    fn settle(&mut self) -> Result<(), Error> {
        let Some(late) = self.late.take() else { return Ok(()) };
        for (group, mut claims) in self.header.groups.iter().zip(late.claims) {
            claims.sort_by_key(|pending| (pending.at, pending.id));
            for portion in claims.chunks(PORTION) {
                let mut batch = Batch::default();
                portion.chunk_by(same_claim).for_each(|run| self.claim(&mut batch, &group.name, run));
                self.link.tell(batch)?;
            }
        }
        for portion in late.placeholders.chunks(PORTION) {
            let mut batch = Batch::default();
            self.delete(&mut batch, portion);
            self.link.tell(batch)?;
        }
        Ok(())
    }

    fn delete(&self, batch: &mut Batch, ids: &[StreamId]) {
        if !ids.is_empty() {
            batch.add(cmd("XDEL").arg(self.key).arg(texts(ids.iter().copied())));
        }
    }

    fn claim(&self, batch: &mut Batch, group: &[u8], run: &[Pending]) {
        let (first, ids) = (&run[0], texts(run.iter().map(|pending| pending.id)));
        if first.owner.is_none() && self.link.has.release {
            let mut release = cmd("XNACK");
            release.arg(self.key).arg(group).arg(&["FAIL", "IDS"]).arg(ids.len()).arg(ids);
            batch.add(release.arg("RETRYCOUNT").arg(first.count).arg("FORCE"));
        } else {
            let owner = first.owner.as_deref().unwrap_or(self.released_to.as_bytes());
            let mut claim = cmd("XCLAIM");
            claim.arg(self.key).arg(group).arg(owner).arg(0).arg(ids);
            claim.arg("TIME").arg(first.at).arg("RETRYCOUNT").arg(first.count);
            batch.add(claim.arg(&["FORCE", "JUSTID"]));
        }
    }

    /// Removes the remaining placeholders, then sets all counters and the expiry.
    pub(super) fn finish(mut self, expiry: Option<i64>) -> Result<(), Error> {
        self.settle()?;
        let Builder { link, key, header, first, length, trim, .. } = self;
        let mut batch = Batch::default();
        if trim {
            let mut command = cmd("XTRIM");
            match first {
                Some(first) => command.arg(key).arg(&["MINID", "="]).arg(first.to_string()),
                None => command.arg(key).arg(&["MAXLEN", "=", "0"]),
            };
            batch.add(&command);
        }
        let mut set = cmd("XSETID");
        set.arg(key).arg(header.last_id.to_string());
        if link.has.counters {
            let (added, deleted) = header.counters.unwrap_or((length, StreamId::MIN));
            set.arg("ENTRIESADDED").arg(added.max(length)).arg("MAXDELETEDID").arg(deleted.to_string());
        }
        batch.add(&set);
        for group in &header.groups {
            let mut set = cmd("XGROUP");
            set.arg("SETID").arg(key).arg(&group.name).arg(group.last_id.to_string());
            if let (true, Some(Some(read))) = (link.has.entries_read, group.entries_read) {
                set.arg("ENTRIESREAD").arg(read);
            }
            batch.add(&set);
        }
        if let (true, Some((duration, maxsize))) = (link.has.idempotence, header.idempotence) {
            let mut set = cmd("XCFGSET");
            batch.add(set.arg(key).arg("IDMP-DURATION").arg(duration).arg("IDMP-MAXSIZE").arg(maxsize));
        }
        if let Some(at) = expiry {
            batch.add(cmd("PEXPIREAT").arg(key).arg(at));
        }
        link.tell(batch)
    }
}

/// Pending entries without a message.
fn ghosts(window: &Window) -> BTreeSet<StreamId> {
    let known = |id: &StreamId| window.entries.binary_search_by_key(id, |entry| entry.id).is_ok();
    window.pending.iter().flatten().map(|pending| pending.id).filter(|id| !known(id)).collect()
}

fn add_entries(batch: &mut Batch, key: &[u8], entries: &[Entry], ghosts: &BTreeSet<StreamId>) {
    let mut ghosts = ghosts.iter().peekable();
    let mut add =
        |id: &StreamId, words: &[Vec<u8>]| batch.add(cmd("XADD").arg(key).arg(id.to_string()).arg(words));
    let placeholder = [b"deleted".to_vec(), Vec::new()];
    for entry in entries {
        while let Some(ghost) = ghosts.next_if(|ghost| **ghost < entry.id) {
            add(ghost, &placeholder);
        }
        add(&entry.id, &entry.words);
    }
    ghosts.for_each(|ghost| add(ghost, &placeholder));
}

/// Whether one command can make both claims.
fn same_claim(a: &Pending, b: &Pending) -> bool {
    (&a.owner, a.at, a.count) == (&b.owner, b.at, b.count)
}

fn texts(ids: impl Iterator<Item = StreamId>) -> Vec<String> {
    ids.map(|id| id.to_string()).collect()
}
