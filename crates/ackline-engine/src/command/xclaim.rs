//! XCLAIM: take over pending entries by ID.

use super::claim::{Claimant, shown};
use crate::args::{Args, is, strict_int};
use crate::error::{Error, c_str};
use crate::id::StreamId;
use crate::record::{Change, Count};
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::Txn;
use crate::write_command;
use std::collections::BTreeSet;

/// `XCLAIM key group consumer min-idle id [id ...] [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID] [LASTID id]`
pub(crate) const SPEC: Spec = Spec {
    name: "xclaim",
    summary: "Makes a consumer the owner of pending entries that idled long enough.",
    since: "5.0.0",
    complexity: "O(log N) for each ID, N being the number of pending entries.",
    group: "stream",
    arity: -6,
    flags: Flags::WRITE.and(Flags::FAST),
    acl: &["stream"],
    tips: &["nondeterministic_output"],
    keys: Keys::ONE,
    key_flags: &["RW", "update"],
    grammar: &[
        Arg::key(),
        Arg::string("group"),
        Arg::string("consumer"),
        Arg::int("min-idle-time"),
        Arg::id("id").many(),
        Arg::int("ms").after("IDLE").optional(),
        Arg::new("unix-time-milliseconds", crate::spec::Kind::UnixTime).after("TIME").optional(),
        Arg::int("count").after("RETRYCOUNT").optional(),
        Arg::word("FORCE").optional(),
        Arg::word("JUSTID").optional(),
        Arg::id("lastid").after("LASTID").optional(),
    ],
    run: write_command!(XClaim),
    ..Spec::BLANK
};

struct XClaim<'a> {
    who: Claimant<'a>,
    options: Result<Options, Error>,
}

/// When the claimed entries count as delivered.
#[derive(Clone, Copy)]
enum Time {
    Now,
    Idle(i64),
    At(i64),
}

struct Options {
    min_idle: i64,
    ids: Vec<StreamId>,
    time: Time,
    retry_count: Option<i64>,
    force: bool,
    just_ids: bool,
    last_id: Option<StreamId>,
}

impl<'a> XClaim<'a> {
    fn parse(args: Args<'a>) -> Result<XClaim<'a>, Error> {
        let who = Claimant { key: args.at(1), group: args.at(2), consumer: args.at(3) };
        Ok(XClaim { who, options: Options::parse(args) })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let who = self.who;
        let (_, group) = txn.existing_group(who.key, who.group)?;
        let options = self.options?;
        let (last_id, entries_read) = (group.last_id, group.entries_read());
        if let Some(raised) = options.last_id.filter(|id| *id > last_id) {
            txn.emit(who.key, Change::Seek { group: who.group, last_id: raised, entries_read });
        }
        who.appear(txn);
        let Some((claimed, ghosts)) = options.choose(txn, who) else { return Ok(Reply::Array(Vec::new())) };
        who.drop_ghosts(txn, ghosts);
        let reply = who.state(txn).map(|(stream, _)| shown(stream, &claimed, options.just_ids));
        who.claim(txn, claimed, options.delivered_at(txn.now()), options.count());
        Ok(Reply::Array(reply.unwrap_or_default()))
    }
}

impl Check for XClaim<'_> {
    fn check(&self) -> Result<(), Error> {
        self.options.as_ref().map(drop).map_err(Error::clone)
    }
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Options, Error> {
        let invalid = |what| Error::from(format!("ERR Invalid {what} argument for XCLAIM"));
        let min_idle = strict_int(args.at(4)).ok_or_else(|| invalid("min-idle-time"))?.max(0);
        let ids: Vec<StreamId> =
            args.from(5).iter().map_while(|word| StreamId::parse(word, 0).ok()).collect();
        let mut at = 5 + ids.len();
        let mut options = Options {
            min_idle,
            ids,
            time: Time::Now,
            retry_count: None,
            force: false,
            just_ids: false,
            last_id: None,
        };
        while let Some(word) = args.get(at) {
            at += 2;
            match args.get(at - 1) {
                _ if is(word, "FORCE") => {
                    options.force = true;
                    at -= 1;
                }
                _ if is(word, "JUSTID") => {
                    options.just_ids = true;
                    at -= 1;
                }
                Some(value) if is(word, "IDLE") => {
                    options.time = Time::Idle(strict_int(value).ok_or_else(|| invalid("IDLE option"))?);
                }
                Some(value) if is(word, "TIME") => {
                    options.time = Time::At(strict_int(value).ok_or_else(|| invalid("TIME option"))?);
                }
                Some(value) if is(word, "RETRYCOUNT") => {
                    let count = strict_int(value).ok_or_else(|| invalid("RETRYCOUNT option"))?;
                    options.retry_count = Some(count).filter(|count| *count >= 0);
                }
                Some(value) if is(word, "LASTID") => options.last_id = Some(StreamId::parse(value, 0)?),
                _ => return Err(Error::concat(&[b"ERR Unrecognized XCLAIM option '", c_str(word), b"'"])),
            }
        }
        Ok(options)
    }

    /// Unix ms; a time before 1970 or in the future counts as now.
    fn delivered_at(&self, now: i64) -> i64 {
        let at = match self.time {
            Time::Now => now,
            Time::Idle(ms) => now.saturating_sub(ms),
            Time::At(ms) => ms,
        };
        if (0..=now).contains(&at) { at } else { now }
    }

    fn count(&self) -> Count {
        match (self.retry_count, self.just_ids) {
            (Some(count), _) => Count::Set(count),
            (None, true) => Count::Keep,
            (None, false) => Count::Add,
        }
    }

    /// Which entries are claimed, and which pending ones have lost their message. An ID given twice is looked at as the
    /// first look leaves it.
    fn choose(&self, txn: &Txn<'_>, who: Claimant<'_>) -> Option<(Vec<StreamId>, Vec<StreamId>)> {
        let (stream, group) = who.state(txn)?;
        let idle_after = txn.now() - self.delivered_at(txn.now());
        let (mut claimed, mut ghosts) = (Vec::new(), Vec::new());
        let (mut taken, mut gone) = (BTreeSet::new(), BTreeSet::new());
        for &id in &self.ids {
            let pending = group.pending.get(id).filter(|_| !gone.contains(&id));
            if !stream.contains(id) {
                if pending.is_some() && gone.insert(id) {
                    ghosts.push(id);
                }
                continue;
            }
            let idle = match (taken.contains(&id), pending) {
                (true, _) => Some(idle_after),
                (false, Some(delivery)) if delivery.owner.is_none() => None,
                (false, Some(delivery)) => Some(txn.now() - delivery.delivered_at),
                (false, None) if self.force => None,
                (false, None) => continue,
            };
            if self.min_idle > 0 && idle.is_some_and(|idle| idle < self.min_idle) {
                continue;
            }
            taken.insert(id);
            claimed.push(id);
        }
        Some((claimed, ghosts))
    }
}
