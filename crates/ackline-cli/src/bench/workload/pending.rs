//! XPENDING in its forms.

use super::{Done, Ring, Workload, targets};
use crate::bench::plan::{NEVER_IDLE, Plan};
use crate::bench::reply::Reply;
use crate::bench::settings::PendingKind;
use crate::bench::wire;
use fastrand::Rng;

/// Those who look at what is pending.
pub(super) struct Pending<'a> {
    plan: &'a Plan<'a>,
    kind: PendingKind,
    targets: Ring<Vec<u8>>,
    /// Words in all.
    words: usize,
    /// Between the group and a random ID, if there is one.
    before: Vec<u8>,
    after: Vec<u8>,
    /// The last place from which a whole page can be listed.
    last: u64,
    dice: Rng,
}

impl<'a> Pending<'a> {
    /// Pages of `count` out of `entries`.
    pub(super) fn new(
        plan: &'a Plan<'a>,
        kind: PendingKind,
        count: u64,
        entries: u64,
        first: u64,
    ) -> Pending<'a> {
        let count_word = count.to_string();
        let (words, before, after): (_, &[&[u8]], &[&[u8]]) = match kind {
            PendingKind::Summary => (3, &[], &[]),
            PendingKind::Idle => (8, &[b"IDLE", NEVER_IDLE, b"-"], &[b"+", count_word.as_bytes()]),
            PendingKind::Range => (6, &[], &[b"+", count_word.as_bytes()]),
        };
        Pending {
            plan,
            kind,
            targets: Ring::new(targets(plan)),
            words,
            before: wire::words(before),
            after: wire::words(after),
            last: 1 + entries.saturating_sub(count),
            dice: Rng::with_seed(plan.settings.seed ^ first),
        }
    }
}

impl Workload for Pending<'_> {
    fn fill(&mut self, _link: usize, out: &mut Vec<u8>) -> usize {
        let batch = self.plan.budget.take(self.plan.settings.pipeline);
        let count = (batch.end - batch.start) as usize;
        for _ in 0..count {
            wire::head(out, self.words);
            out.extend_from_slice(b"$8\r\nXPENDING\r\n");
            out.extend_from_slice(self.targets.next());
            out.extend_from_slice(&self.before);
            if self.kind == PendingKind::Range {
                wire::id(out, self.dice.u64(1..=self.last));
            }
            out.extend_from_slice(&self.after);
        }
        count
    }

    fn reply(&mut self, _link: usize, reply: Reply<'_>) -> Done {
        match self.kind {
            // The summary of many entries lists none.
            PendingKind::Summary => Done::one(0),
            _ => Done::one(reply.walk().array().unwrap_or(0) as u64),
        }
    }
}
