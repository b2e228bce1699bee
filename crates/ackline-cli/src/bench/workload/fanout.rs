//! One producer, connection 0, and readers that are blocked until it adds something.
//!
//! Between two entries all readers begin to read again, and the producer sends a PING: servers take connections in the order
//! in which they have something to say, so that its reply comes when the readers are blocked, or nearly so. Otherwise the
//! time of a delivery would be that of many readings as well.
//!
//! Readers stay blocked when a round is over; the next goes on from there.

use super::{Done, Workload, consumers, head};
use crate::bench::plan::Plan;
use crate::bench::reply::Reply;
use crate::bench::settings::{Adding, FanMode};
use crate::bench::wire;
use std::time::Instant;

const PRODUCER: usize = 0;

/// Where the producer is.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    Rest,
    /// The reply to its PING is still to come.
    Asked,
    /// It has come.
    Ready,
    /// The reply to its XADD is still to come.
    Adding,
}

/// A reader.
#[derive(Default)]
struct Reader {
    blocked: bool,
    /// The last entry that it got.
    last: u64,
    /// The ID to acknowledge before it reads on, as a word; empty for none.
    got: Vec<u8>,
}

/// The producer and its readers.
pub(super) struct Fanout<'a> {
    plan: &'a Plan<'a>,
    mode: FanMode,
    head: Vec<u8>,
    ack: Vec<u8>,
    key: Vec<u8>,
    consumers: Vec<Vec<u8>>,
    /// By connection; the producer's is not used.
    readers: Vec<Reader>,
    /// Entries added.
    added: u64,
    /// When the last of them was.
    since: Instant,
    /// Readers that it has yet to reach.
    owed: usize,
    step: Step,
    /// Readers that it has reached.
    served: Vec<usize>,
}

impl<'a> Fanout<'a> {
    /// `links`: the producer and the readers.
    pub(super) fn new(plan: &'a Plan<'a>, mode: FanMode, adding: &Adding, links: usize) -> Fanout<'a> {
        let (key, group) = (&plan.keys[0], &plan.groups[0]);
        let mut ack = Vec::new();
        wire::head(&mut ack, 4);
        ack.extend(wire::words(&[b"XACK", key.as_bytes(), group.as_bytes()]));
        Fanout {
            plan,
            mode,
            head: head(plan, key, adding.maxlen, None),
            ack,
            key: wire::words(&[key.as_bytes()]),
            consumers: consumers(0, links),
            readers: (0..links).map(|_| Reader::default()).collect(),
            added: 0,
            since: Instant::now(),
            owed: 0,
            step: Step::Rest,
            served: Vec::new(),
        }
    }

    fn produce(&mut self, out: &mut Vec<u8>) -> usize {
        match self.step {
            Step::Rest if !self.plan.budget.take(1).is_empty() => {
                self.step = Step::Asked;
                out.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
                1
            }
            Step::Ready => self.add(out),
            _ => 0,
        }
    }

    fn add(&mut self, out: &mut Vec<u8>) -> usize {
        self.added += 1;
        self.step = Step::Adding;
        self.owed = match self.mode {
            FanMode::Xread => self.readers.len() - 1,
            FanMode::Group => 1,
        };
        out.extend_from_slice(&self.head);
        wire::id(out, self.added);
        out.extend_from_slice(&self.plan.entry);
        self.since = Instant::now();
        1
    }

    /// Nothing is under way.
    fn is_through(&self) -> bool {
        self.owed == 0 && self.step == Step::Rest
    }

    fn read(&mut self, link: usize, out: &mut Vec<u8>) -> usize {
        let reader = &mut self.readers[link];
        if reader.blocked {
            return 0;
        }
        reader.blocked = true;
        if self.mode == FanMode::Xread {
            wire::head(out, 6);
            out.extend_from_slice(b"$5\r\nXREAD\r\n$5\r\nBLOCK\r\n$1\r\n0\r\n$7\r\nSTREAMS\r\n");
            out.extend_from_slice(&self.key);
            wire::id(out, reader.last);
            return 1;
        }
        let acknowledged = usize::from(!reader.got.is_empty());
        if acknowledged == 1 {
            out.extend_from_slice(&self.ack);
            out.append(&mut reader.got);
        }
        wire::head(out, 11);
        out.extend_from_slice(b"$10\r\nXREADGROUP\r\n$5\r\nGROUP\r\n$2\r\ng0\r\n");
        out.extend_from_slice(&self.consumers[link]);
        out.extend_from_slice(b"$5\r\nCOUNT\r\n$1\r\n1\r\n$5\r\nBLOCK\r\n$1\r\n0\r\n$7\r\nSTREAMS\r\n");
        out.extend_from_slice(&self.key);
        out.extend_from_slice(b"$1\r\n>\r\n");
        acknowledged + 1
    }
}

impl Workload for Fanout<'_> {
    fn fill(&mut self, link: usize, out: &mut Vec<u8>) -> usize {
        if link == PRODUCER { self.produce(out) } else { self.read(link, out) }
    }

    fn reply(&mut self, link: usize, reply: Reply<'_>) -> Done {
        let failed = reply.error().is_some();
        if link == PRODUCER {
            if failed && self.step == Step::Adding {
                // There is nothing that could reach anybody.
                self.owed = 0;
            }
            return Done::default();
        }
        let mut walk = reply.walk();
        let entries = walk.entries_of_one_stream();
        if entries.is_none() && !failed {
            // The reply to its XACK.
            return Done::default();
        }
        let reader = &mut self.readers[link];
        reader.last = self.added;
        reader.got.extend_from_slice(walk.entry().unwrap_or_default());
        self.owed = self.owed.saturating_sub(1);
        Done { operations: u64::from(self.owed == 0), entries: entries.unwrap_or(0) as u64 }
    }

    fn done(&mut self, link: usize, wake: &mut Vec<usize>) {
        if link != PRODUCER {
            self.readers[link].blocked = false;
            self.served.push(link);
        } else if self.step == Step::Asked {
            self.step = Step::Ready;
            wake.push(PRODUCER);
        } else {
            self.step = Step::Rest;
        }
        if self.is_through() {
            // The readers first, which means behind it.
            wake.push(PRODUCER);
            wake.append(&mut self.served);
        }
    }

    fn since(&self, _link: usize) -> Option<Instant> {
        Some(self.since)
    }

    fn finished(&self, _busy: usize) -> bool {
        self.is_through()
    }
}
