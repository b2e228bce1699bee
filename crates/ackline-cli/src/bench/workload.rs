//! What connections send, and what they make of the replies. One workload a file.

mod claim;
mod cycle;
mod fanout;
mod pending;
mod range;
mod settle;
mod xadd;

use super::plan::Plan;
use super::reply::Reply;
use super::settings::Work;
use super::wire;
use std::time::Instant;

/// What a reply completes.
#[derive(Clone, Copy, Default)]
pub(super) struct Done {
    /// Operations; not counted if the reply is an error.
    pub(super) operations: u64,
    /// Stream entries that it is about.
    pub(super) entries: u64,
}

impl Done {
    /// One operation about so many entries.
    fn one(entries: u64) -> Done {
        Done { operations: 1, entries }
    }
}

/// The work of one thread. Connections are numbered from 0 within it.
pub(super) trait Workload: Send {
    /// Appends what a connection sends next: how many replies will come to it, 0 if it sends nothing.
    fn fill(&mut self, link: usize, out: &mut Vec<u8>) -> usize;

    /// A reply, in the order of the requests; errors too.
    fn reply(&mut self, link: usize, reply: Reply<'_>) -> Done;

    /// The last reply has come: which connections send next is added to `wake`, which is used from its end.
    fn done(&mut self, link: usize, wake: &mut Vec<usize>) {
        wake.push(link);
    }

    /// When the operations began that just ended, unless that is when the batch was sent.
    fn since(&self, _link: usize) -> Option<Instant> {
        None
    }

    /// Whether the round is over, when so many connections have replies to come and no other is to send.
    fn finished(&self, busy: usize) -> bool {
        busy == 0
    }
}

/// The workload that was asked for, for `links` connections, the first of which is number `first` of all.
pub(super) fn make<'a>(plan: &'a Plan<'a>, first: u64, links: usize) -> Box<dyn Workload + 'a> {
    match plan.work {
        Work::Xadd(adding) => Box::new(xadd::Xadd::new(plan, adding)),
        Work::Cycle { count, adding } => Box::new(cycle::Cycle::new(plan, adding, *count, first, links)),
        Work::Ack(settling) => Box::new(settle::Settle::new(plan, settling, &[b"XACK"], &[])),
        Work::Nack(settling) => {
            Box::new(settle::Settle::new(plan, settling, &[b"XNACK"], &[b"FAIL", b"IDS"]))
        }
        Work::Claim { kind, count, ids, justid, list } => {
            claim::make(plan, *kind, claim::Shape::new(*count, *ids, *justid, list.entries), first, links)
        }
        Work::Range { count, list } => Box::new(range::Range::new(plan, *count, list.entries, first)),
        Work::Fanout { mode, adding, .. } => Box::new(fanout::Fanout::new(plan, *mode, adding, links)),
        Work::Pending { kind, count, list } => {
            Box::new(pending::Pending::new(plan, *kind, *count, list.entries, first))
        }
    }
}

/// Names of consumers as words, one a connection.
fn consumers(first: u64, links: usize) -> Vec<Vec<u8>> {
    (first..).take(links).map(|n| wire::words(&[format!("c{n}").as_bytes()])).collect()
}

/// Key and group of every pair of them, as words.
fn targets(plan: &Plan<'_>) -> Vec<Vec<u8>> {
    plan.targets().map(|(key, group)| wire::words(&[key.as_bytes(), group.as_bytes()])).collect()
}

/// Gives one after the other, and then from the start again.
struct Ring<T> {
    items: Vec<T>,
    at: usize,
}

impl<T> Ring<T> {
    /// There has to be an item.
    fn new(items: Vec<T>) -> Ring<T> {
        Ring { items, at: 0 }
    }

    fn next(&mut self) -> &T {
        self.at += 1;
        if self.at >= self.items.len() {
            self.at = 0;
        }
        &self.items[self.at]
    }
}

/// An XADD up to and including the ID `*`, for each stream.
fn heads(plan: &Plan<'_>, maxlen: Option<u64>) -> Vec<Vec<u8>> {
    plan.keys.iter().map(|key| head(plan, key, maxlen, Some(b"*"))).collect()
}

/// An XADD up to the ID, which follows unless it is given.
fn head(plan: &Plan<'_>, key: &str, maxlen: Option<u64>, id: Option<&[u8]>) -> Vec<u8> {
    let limit = maxlen.map(|limit| limit.to_string());
    let mut words: Vec<&[u8]> = vec![b"XADD", key.as_bytes()];
    if let Some(limit) = &limit {
        words.extend([b"MAXLEN".as_slice(), b"~", limit.as_bytes()]);
    }
    words.extend(id);
    let mut out = Vec::new();
    wire::head(&mut out, words.len() + usize::from(id.is_none()) + plan.entry_words());
    out.extend(wire::words(&words));
    out
}
