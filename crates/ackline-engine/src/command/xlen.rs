//! XLEN: how many entries a stream has.

use crate::args::Args;
use crate::error::Error;
use crate::read_command;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::Query;

/// `XLEN key`
pub(crate) const SPEC: Spec = Spec {
    name: "xlen",
    summary: "Counts the entries of a stream.",
    since: "5.0.0",
    group: "stream",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    acl: &["stream"],
    keys: Keys::ONE,
    key_flags: &["RO"],
    grammar: &[Arg::key()],
    run: read_command!(XLen),
    ..Spec::BLANK
};

struct XLen<'a>(&'a [u8]);

impl<'a> XLen<'a> {
    fn parse(args: Args<'a>) -> Result<XLen<'a>, Error> {
        Ok(XLen(args.at(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        Ok(Reply::Int(query.stream(self.0)?.map_or(0, |stream| stream.len() as i64)))
    }
}

impl Check for XLen<'_> {}
