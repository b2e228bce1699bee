//! XACK or XNACK of prepared pending entries, each once.

use super::{Done, Workload, targets};
use crate::bench::plan::Plan;
use crate::bench::reply::Reply;
use crate::bench::settings::Settling;
use crate::bench::wire;

/// Consumers that settle what is pending. The number that the budget gives an operation says which IDs it is about, so that
/// threads need not agree on anything else.
pub(super) struct Settle<'a> {
    plan: &'a Plan<'a>,
    settling: &'a Settling,
    command: Vec<u8>,
    /// Key and group.
    targets: Vec<Vec<u8>>,
    /// What stands before the IDs.
    options: Vec<u8>,
    /// Words apart from the IDs.
    words: usize,
    /// Whether the number of IDs goes before them.
    counted: bool,
}

impl<'a> Settle<'a> {
    /// `command` key group `options` id..; where there are options, the number of IDs follows them.
    pub(super) fn new(
        plan: &'a Plan<'a>,
        settling: &'a Settling,
        command: &[&[u8]],
        options: &[&[u8]],
    ) -> Settle<'a> {
        let counted = !options.is_empty();
        Settle {
            plan,
            settling,
            command: wire::words(command),
            targets: targets(plan),
            options: wire::words(options),
            words: command.len() + 2 + options.len() + usize::from(counted),
            counted,
        }
    }

    fn one(&self, nth: u64, out: &mut Vec<u8>) {
        let targets = self.targets.len() as u64;
        let from = nth / targets * self.settling.ids;
        let ids = from..(from + self.settling.ids).min(self.settling.list.entries);
        let count = ids.end - ids.start;
        wire::head(out, self.words + count as usize);
        out.extend_from_slice(&self.command);
        out.extend_from_slice(&self.targets[(nth % targets) as usize]);
        out.extend_from_slice(&self.options);
        if self.counted {
            wire::number(out, count);
        }
        ids.for_each(|id| wire::id(out, self.plan.settled(id)));
    }
}

impl Workload for Settle<'_> {
    fn fill(&mut self, _link: usize, out: &mut Vec<u8>) -> usize {
        let batch = self.plan.budget.take(self.plan.settings.pipeline);
        let count = (batch.end - batch.start) as usize;
        batch.for_each(|nth| self.one(nth, out));
        count
    }

    fn reply(&mut self, _link: usize, reply: Reply<'_>) -> Done {
        Done::one(reply.integer())
    }
}
