//! Claiming among prepared pending entries, in five ways.

use super::{Done, Ring, Workload, consumers, targets};
use crate::bench::plan::{NEVER_IDLE, Plan};
use crate::bench::reply::Reply;
use crate::bench::settings::ClaimKind;
use crate::bench::wire;
use fastrand::Rng;

/// What the commands look like.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    count: u64,
    ids: u64,
    justid: bool,
    entries: u64,
}

impl Shape {
    /// See the options of the same names.
    pub(super) fn new(count: u64, ids: u64, justid: bool, entries: u64) -> Shape {
        Shape { count, ids, justid, entries }
    }
}

/// The claiming that was asked for.
pub(super) fn make<'a>(
    plan: &'a Plan<'a>,
    kind: ClaimKind,
    shape: Shape,
    first: u64,
    links: usize,
) -> Box<dyn Workload + 'a> {
    let idle = |never: bool| wire::words(&[if never { NEVER_IDLE } else { b"0" }]);
    let consumers = consumers(first, links);
    match kind {
        ClaimKind::Xclaim | ClaimKind::XclaimIdle => Box::new(ById {
            plan,
            shape,
            targets: Ring::new(targets(plan)),
            consumers,
            idle: idle(kind == ClaimKind::XclaimIdle),
            dice: Rng::with_seed(plan.settings.seed ^ first),
        }),
        ClaimKind::AutoclaimSweep | ClaimKind::AutoclaimIdle => Box::new(Sweep {
            plan,
            shape,
            targets: targets(plan),
            consumers,
            idle: idle(kind == ClaimKind::AutoclaimIdle),
            limit: wire::words(&[b"COUNT", shape.count.to_string().as_bytes()]),
            first,
            lanes: (0..links).map(|_| Lane::default()).collect(),
        }),
        ClaimKind::Readgroup => Box::new(Read {
            plan,
            targets: Ring::new(targets_of_reads(plan)),
            consumers,
            limit: wire::words(&[b"COUNT", shape.count.to_string().as_bytes(), b"CLAIM", b"0", b"STREAMS"]),
        }),
    }
}

const JUSTID: &[u8] = b"$6\r\nJUSTID\r\n";

/// XCLAIM of random IDs.
struct ById<'a> {
    plan: &'a Plan<'a>,
    shape: Shape,
    targets: Ring<Vec<u8>>,
    consumers: Vec<Vec<u8>>,
    idle: Vec<u8>,
    dice: Rng,
}

impl Workload for ById<'_> {
    fn fill(&mut self, link: usize, out: &mut Vec<u8>) -> usize {
        let batch = self.plan.budget.take(self.plan.settings.pipeline);
        let count = (batch.end - batch.start) as usize;
        for _ in 0..count {
            wire::head(out, 5 + self.shape.ids as usize + usize::from(self.shape.justid));
            out.extend_from_slice(b"$6\r\nXCLAIM\r\n");
            out.extend_from_slice(self.targets.next());
            out.extend_from_slice(&self.consumers[link]);
            out.extend_from_slice(&self.idle);
            (0..self.shape.ids).for_each(|_| wire::id(out, self.dice.u64(1..=self.shape.entries)));
            if self.shape.justid {
                out.extend_from_slice(JUSTID);
            }
        }
        count
    }

    fn reply(&mut self, _link: usize, reply: Reply<'_>) -> Done {
        Done::one(reply.walk().array().unwrap_or(0) as u64)
    }
}

/// A connection that sweeps. Each place in its batch walks through the list by itself, from cursor to cursor, so that
/// commands under way together need not wait for each other's.
#[derive(Default)]
struct Lane {
    /// Where each goes on, as a word.
    cursors: Vec<Vec<u8>>,
    /// Replies to the batch so far.
    replies: usize,
}

/// XAUTOCLAIM.
struct Sweep<'a> {
    plan: &'a Plan<'a>,
    shape: Shape,
    targets: Vec<Vec<u8>>,
    consumers: Vec<Vec<u8>>,
    idle: Vec<u8>,
    limit: Vec<u8>,
    first: u64,
    lanes: Vec<Lane>,
}

impl Sweep<'_> {
    /// Which of all walks it is.
    fn walk(&self, link: usize, place: usize) -> u64 {
        (self.first + link as u64) * self.plan.settings.pipeline + place as u64
    }

    /// The walks begin evenly apart.
    fn start(&self, walk: u64) -> Vec<u8> {
        let walks = self.plan.connections() * self.plan.settings.pipeline;
        let mut cursor = Vec::new();
        wire::id(
            &mut cursor,
            1 + u64::try_from(u128::from(walk) * u128::from(self.shape.entries) / u128::from(walks))
                .unwrap_or(0),
        );
        cursor
    }

    fn one(&mut self, link: usize, place: usize, out: &mut Vec<u8>) {
        let walk = self.walk(link, place);
        if self.lanes[link].cursors.len() == place {
            let start = self.start(walk);
            self.lanes[link].cursors.push(start);
        }
        wire::head(out, 8 + usize::from(self.shape.justid));
        out.extend_from_slice(b"$10\r\nXAUTOCLAIM\r\n");
        out.extend_from_slice(&self.targets[(walk % self.targets.len() as u64) as usize]);
        out.extend_from_slice(&self.consumers[link]);
        out.extend_from_slice(&self.idle);
        out.extend_from_slice(&self.lanes[link].cursors[place]);
        out.extend_from_slice(&self.limit);
        if self.shape.justid {
            out.extend_from_slice(JUSTID);
        }
    }
}

impl Workload for Sweep<'_> {
    fn fill(&mut self, link: usize, out: &mut Vec<u8>) -> usize {
        let batch = self.plan.budget.take(self.plan.settings.pipeline);
        let count = (batch.end - batch.start) as usize;
        (0..count).for_each(|place| self.one(link, place, out));
        self.lanes[link].replies = 0;
        count
    }

    fn reply(&mut self, link: usize, reply: Reply<'_>) -> Done {
        let lane = &mut self.lanes[link];
        let cursor = &mut lane.cursors[lane.replies];
        lane.replies += 1;
        let mut walk = reply.walk();
        let Some(next) = walk.array().and_then(|_| walk.word()) else { return Done::one(0) };
        cursor.clear();
        cursor.extend_from_slice(next);
        Done::one(walk.array().unwrap_or(0) as u64)
    }
}

/// XREADGROUP CLAIM.
struct Read<'a> {
    plan: &'a Plan<'a>,
    /// Group and key.
    targets: Ring<(Vec<u8>, Vec<u8>)>,
    consumers: Vec<Vec<u8>>,
    limit: Vec<u8>,
}

fn targets_of_reads(plan: &Plan<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let words = |(key, group): (&str, &str)| {
        (wire::words(&[b"XREADGROUP", b"GROUP", group.as_bytes()]), wire::words(&[key.as_bytes(), b">"]))
    };
    plan.targets().map(words).collect()
}

impl Workload for Read<'_> {
    fn fill(&mut self, link: usize, out: &mut Vec<u8>) -> usize {
        let batch = self.plan.budget.take(self.plan.settings.pipeline);
        let count = (batch.end - batch.start) as usize;
        for _ in 0..count {
            let (before, after) = self.targets.next();
            wire::head(out, 11);
            out.extend_from_slice(before);
            out.extend_from_slice(&self.consumers[link]);
            out.extend_from_slice(&self.limit);
            out.extend_from_slice(after);
        }
        count
    }

    fn reply(&mut self, _link: usize, reply: Reply<'_>) -> Done {
        Done::one(reply.walk().entries_of_one_stream().unwrap_or(0) as u64)
    }
}
