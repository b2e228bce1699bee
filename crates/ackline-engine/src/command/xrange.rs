//! XRANGE and XREVRANGE: the entries between two IDs.

use crate::args::{Args, int, is};
use crate::error::Error;
use crate::id::StreamId;
use crate::read_command;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::Query;

const BLANK: Spec = Spec {
    since: "5.0.0",
    complexity: "O(log N + M), M being the number of entries returned.",
    group: "stream",
    arity: -4,
    flags: Flags::READONLY,
    acl: &["stream"],
    keys: Keys::ONE,
    key_flags: &["RO", "access"],
    ..Spec::BLANK
};
const COUNT: Arg = Arg::int("count").after("COUNT").optional();

/// `XRANGE key start end [COUNT n]`
pub(crate) const XRANGE: Spec = Spec {
    name: "xrange",
    summary: "The entries between two IDs, oldest first.",
    grammar: &[Arg::key(), Arg::bound("start"), Arg::bound("end"), COUNT],
    run: read_command!(Forward),
    ..BLANK
};

/// `XREVRANGE key end start [COUNT n]`
pub(crate) const XREVRANGE: Spec = Spec {
    name: "xrevrange",
    summary: "The entries between two IDs, newest first.",
    grammar: &[Arg::key(), Arg::bound("end"), Arg::bound("start"), COUNT],
    run: read_command!(Backward),
    ..BLANK
};

struct Range<'a> {
    key: &'a [u8],
    start: StreamId,
    end: StreamId,
    count: Option<i64>,
}

impl<'a> Range<'a> {
    fn parse(args: Args<'a>, start: &[u8], end: &[u8]) -> Result<Range<'a>, Error> {
        let (start, end) = (StreamId::parse_start(start)?, StreamId::parse_end(end)?);
        let mut count = None;
        let mut at = 4;
        while at < args.len() {
            match args.get(at + 1) {
                Some(value) if is(args.at(at), "COUNT") => count = Some(int(value)?),
                _ => return Err(Error::SYNTAX),
            }
            at += 2;
        }
        Ok(Range { key: args.at(1), start, end, count })
    }

    fn execute(self, query: &Query<'_>, backward: bool) -> Outcome {
        let Some(stream) = query.stream(self.key)? else { return Ok(Reply::Array(Vec::new())) };
        if self.count.is_some_and(|count| count <= 0) {
            return Ok(Reply::NullArray);
        }
        let max = self.count.map_or(usize::MAX, |count| count as usize);
        Ok(Reply::Array(match (self.start > self.end, backward) {
            (true, _) => Vec::new(),
            (_, false) => stream.range(self.start, self.end).take(max).map(Reply::Entry).collect(),
            (_, true) => stream.range_back(self.start, self.end).take(max).map(Reply::Entry).collect(),
        }))
    }
}

struct Forward<'a>(Range<'a>);

impl<'a> Forward<'a> {
    fn parse(args: Args<'a>) -> Result<Forward<'a>, Error> {
        Range::parse(args, args.at(2), args.at(3)).map(Forward)
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        self.0.execute(query, false)
    }
}

impl Check for Forward<'_> {}

struct Backward<'a>(Range<'a>);

impl<'a> Backward<'a> {
    fn parse(args: Args<'a>) -> Result<Backward<'a>, Error> {
        Range::parse(args, args.at(3), args.at(2)).map(Backward)
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        self.0.execute(query, true)
    }
}

impl Check for Backward<'_> {}
