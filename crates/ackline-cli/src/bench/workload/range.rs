//! XRANGE from random entries on.

use super::{Done, Ring, Workload};
use crate::bench::plan::Plan;
use crate::bench::reply::Reply;
use crate::bench::wire;
use fastrand::Rng;

/// Readers of history.
pub(super) struct Range<'a> {
    plan: &'a Plan<'a>,
    keys: Ring<Vec<u8>>,
    end: Vec<u8>,
    /// The last place from which a whole page can be read.
    last: u64,
    dice: Rng,
}

impl<'a> Range<'a> {
    /// Pages of `count` out of `entries`.
    pub(super) fn new(plan: &'a Plan<'a>, count: u64, entries: u64, first: u64) -> Range<'a> {
        Range {
            plan,
            keys: Ring::new(plan.keys.iter().map(|key| wire::words(&[b"XRANGE", key.as_bytes()])).collect()),
            end: wire::words(&[b"+", b"COUNT", count.to_string().as_bytes()]),
            last: 1 + entries.saturating_sub(count),
            dice: Rng::with_seed(plan.settings.seed ^ first),
        }
    }
}

impl Workload for Range<'_> {
    fn fill(&mut self, _link: usize, out: &mut Vec<u8>) -> usize {
        let batch = self.plan.budget.take(self.plan.settings.pipeline);
        let count = (batch.end - batch.start) as usize;
        for _ in 0..count {
            wire::head(out, 6);
            out.extend_from_slice(self.keys.next());
            wire::id(out, self.dice.u64(1..=self.last));
            out.extend_from_slice(&self.end);
        }
        count
    }

    fn reply(&mut self, _link: usize, reply: Reply<'_>) -> Done {
        Done::one(reply.walk().array().unwrap_or(0) as u64)
    }
}
