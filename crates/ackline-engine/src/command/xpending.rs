//! XPENDING: what a group was given and has not acknowledged.

use crate::args::{Args, int, is};
use crate::error::Error;
use crate::id::StreamId;
use crate::read_command;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::state::{Delivery, Group, idle_since};
use crate::txn::Query;

/// `XPENDING key group [[IDLE min-idle] start end count [consumer]]`
pub(crate) const SPEC: Spec = Spec {
    name: "xpending",
    summary: "The pending entries of a group, counted or listed.",
    since: "5.0.0",
    complexity: "O(N), N being the number of entries looked at.",
    group: "stream",
    arity: -3,
    flags: Flags::READONLY,
    acl: &["stream"],
    tips: &["nondeterministic_output"],
    keys: Keys::ONE,
    key_flags: &["RO", "access"],
    grammar: &[
        Arg::key(),
        Arg::string("group"),
        Arg::block(
            "filters",
            &[
                Arg::int("min-idle-time").after("IDLE").optional(),
                Arg::bound("start"),
                Arg::bound("end"),
                Arg::int("count"),
                Arg::string("consumer").optional(),
            ],
        )
        .optional(),
    ],
    run: read_command!(XPending),
    ..Spec::BLANK
};

struct XPending<'a> {
    key: &'a [u8],
    group: &'a [u8],
    filter: Option<Filter<'a>>,
}

struct Filter<'a> {
    min_idle: i64,
    start: StreamId,
    end: StreamId,
    count: i64,
    consumer: Option<&'a [u8]>,
}

impl<'a> XPending<'a> {
    fn parse(args: Args<'a>) -> Result<XPending<'a>, Error> {
        let filter = match args.len() {
            3 => None,
            6..=9 => Some(Filter::parse(args)?),
            _ => return Err(Error::SYNTAX),
        };
        Ok(XPending { key: args.at(1), group: args.at(2), filter })
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let (_, group) = query.existing_group(self.key, self.group)?;
        Ok(match self.filter {
            None => summary(group),
            Some(filter) => filter.list(group, query.now()),
        })
    }
}

impl Check for XPending<'_> {}

impl<'a> Filter<'a> {
    fn parse(args: Args<'a>) -> Result<Filter<'a>, Error> {
        let (mut at, mut min_idle) = (3, 0);
        if is(args.at(3), "IDLE") {
            min_idle = int(args.at(4))?;
            at = 5;
            if args.len() < 8 {
                return Err(Error::SYNTAX);
            }
        }
        let count = int(args.at(at + 2))?;
        let start = StreamId::parse_start(args.at(at))?;
        let end = StreamId::parse_end(args.at(at + 1))?;
        Ok(Filter { min_idle, start, end, count, consumer: args.get(at + 3) })
    }

    fn list(&self, group: &Group, now: i64) -> Reply {
        let max = self.count.max(0) as usize;
        let row = |(id, delivery)| row(group, id, &delivery, now);
        let idle = group.pending.range(self.start..=self.end).delivered_by(idle_since(now, self.min_idle));
        Reply::Array(match self.consumer {
            None => idle.take(max).map(row).collect(),
            Some(name) => group.owned(name, idle).take(max).map(row).collect(),
        })
    }
}

/// A released entry has no consumer and an idle time of -1.
fn row(group: &Group, id: StreamId, delivery: &Delivery, now: i64) -> Reply {
    let owner = group.owner_of(delivery);
    Reply::Array(vec![
        Reply::Id(id),
        owner.map_or(Reply::name(""), |owner| Reply::bulk(&owner.name)),
        Reply::Int(owner.map_or(-1, |_| delivery.idle(now))),
        Reply::Int(delivery.delivery_count),
    ])
}

fn summary(group: &Group) -> Reply {
    let Some((first, last)) = group.pending.bounds() else {
        return Reply::Array(vec![Reply::Int(0), Reply::Null, Reply::Null, Reply::NullArray]);
    };
    let busy = group.consumers().filter(|consumer| consumer.pending > 0);
    let row = |name: &[u8], count: u64| Reply::Array(vec![Reply::bulk(name), Reply::Decimal(count as i64)]);
    Reply::Array(vec![
        Reply::Int(group.pending.len() as i64),
        Reply::Id(first),
        Reply::Id(last),
        Reply::Array(busy.map(|consumer| row(&consumer.name, consumer.pending)).collect()),
    ])
}
