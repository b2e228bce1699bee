//! XADD key * field value, the streams in turn.

use super::{Done, Ring, Workload, heads};
use crate::bench::plan::Plan;
use crate::bench::reply::Reply;
use crate::bench::settings::Adding;

/// Producers.
pub(super) struct Xadd<'a> {
    plan: &'a Plan<'a>,
    heads: Ring<Vec<u8>>,
}

impl<'a> Xadd<'a> {
    /// Begins with any stream.
    pub(super) fn new(plan: &'a Plan<'a>, adding: &Adding) -> Xadd<'a> {
        Xadd { plan, heads: Ring::new(heads(plan, adding.maxlen)) }
    }
}

impl Workload for Xadd<'_> {
    fn fill(&mut self, _link: usize, out: &mut Vec<u8>) -> usize {
        let batch = self.plan.budget.take(self.plan.settings.pipeline);
        let count = (batch.end - batch.start) as usize;
        for _ in 0..count {
            out.extend_from_slice(self.heads.next());
            out.extend_from_slice(&self.plan.entry);
        }
        count
    }

    fn reply(&mut self, _link: usize, _reply: Reply<'_>) -> Done {
        Done::one(1)
    }
}
