//! XAUTOCLAIM: take over whatever idled too long, in the order of IDs.

use super::claim::{Claimant, shown};
use crate::args::{Args, is, strict_int};
use crate::error::Error;
use crate::id::StreamId;
use crate::record::Count;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::state::{Group, Stream, idle_since, presence};
use crate::txn::Txn;
use crate::write_command;

/// `XAUTOCLAIM key group consumer min-idle start [COUNT n] [JUSTID]`
pub(crate) const SPEC: Spec = Spec {
    name: "xautoclaim",
    summary: "Makes a consumer the owner of pending entries that idled long enough, in a sweep.",
    since: "6.2.0",
    complexity: "O(1) if COUNT is small.",
    group: "stream",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    acl: &["stream"],
    tips: &["nondeterministic_output"],
    keys: Keys::ONE,
    key_flags: &["RW", "delete"],
    grammar: &[
        Arg::key(),
        Arg::string("group"),
        Arg::string("consumer"),
        Arg::int("min-idle-time"),
        Arg::bound("start"),
        Arg::int("count").after("COUNT").optional(),
        Arg::word("JUSTID").optional(),
    ],
    run: write_command!(XAutoClaim),
    ..Spec::BLANK
};

/// Entries looked at for each one asked for.
const ATTEMPTS: i64 = 10;
/// The largest COUNT, beyond which the server would have to allocate too much.
const COUNT_MAX: i64 = 576460752303423487;

struct XAutoClaim<'a> {
    who: Claimant<'a>,
    min_idle: i64,
    start: StreamId,
    count: i64,
    just_ids: bool,
}

/// What a sweep found.
struct Sweep {
    claimed: Vec<StreamId>,
    ghosts: Vec<StreamId>,
    next: StreamId,
}

impl<'a> XAutoClaim<'a> {
    fn parse(args: Args<'a>) -> Result<XAutoClaim<'a>, Error> {
        let who = Claimant { key: args.at(1), group: args.at(2), consumer: args.at(3) };
        let bad_idle = || Error::from_static("ERR Invalid min-idle-time argument for XAUTOCLAIM");
        let min_idle = strict_int(args.at(4)).ok_or_else(bad_idle)?.max(0);
        let start = StreamId::parse_start(args.at(5))?;
        let mut claim = XAutoClaim { who, min_idle, start, count: 100, just_ids: false };
        let mut at = 6;
        while let Some(word) = args.get(at) {
            match args.get(at + 1) {
                _ if is(word, "JUSTID") => {
                    claim.just_ids = true;
                    at += 1;
                }
                Some(value) if is(word, "COUNT") => {
                    let count = strict_int(value).filter(|count| (1..=COUNT_MAX).contains(count));
                    claim.count = count.ok_or(Error::from_static("ERR COUNT must be > 0"))?;
                    at += 2;
                }
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(claim)
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let who = self.who;
        txn.existing_group(who.key, who.group)?;
        who.appear(txn);
        let (stream, group) = txn.existing_group(who.key, who.group)?;
        let Sweep { claimed, ghosts, next } = self.sweep(stream, group, txn.now());
        let entries = Reply::Array(shown(stream, &claimed, self.just_ids));
        let deleted = Reply::Array(ghosts.iter().map(|id| Reply::Id(*id)).collect());
        who.drop_ghosts(txn, ghosts);
        let count = if self.just_ids { Count::Keep } else { Count::Add };
        who.claim(txn, claimed, txn.now(), count);
        Ok(Reply::Array(vec![Reply::Id(next), entries, deleted]))
    }

    /// Looks at every entry, old or not: one whose message is gone goes whatever its age.
    fn sweep(&self, stream: &Stream, group: &Group, now: i64) -> Sweep {
        let (mut claimed, mut ghosts) = (Vec::new(), Vec::new());
        let attempts = self.count.saturating_mul(ATTEMPTS) as u64;
        let mut entries = group.pending.sweep(self.start, idle_since(now, self.min_idle), attempts);
        let mut is_there = presence(stream.blocks());
        while ((claimed.len() + ghosts.len()) as i64) < self.count
            && let Some((id, is_old)) = entries.next()
        {
            if !is_there(id) {
                ghosts.push(id);
            } else if is_old {
                claimed.push(id);
            }
        }
        Sweep { claimed, ghosts, next: entries.rest().unwrap_or(StreamId::MIN) }
    }
}

impl Check for XAutoClaim<'_> {}
