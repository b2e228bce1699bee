//! SORT: nothing here can be sorted, which is said in the words that clients know.

use super::BLANK;
use crate::args::Args;
use crate::error::Error;
use crate::read_command;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Spec};
use crate::txn::Query;

pub(crate) const SORT: Spec = Spec {
    name: "sort",
    summary: "Refuses to sort what is neither list nor set.",
    arity: -2,
    flags: Flags::READONLY,
    acl: &["set", "sortedset", "list", "dangerous"],
    key_flags: &["RO", "access"],
    grammar: &[Arg::key()],
    run: read_command!(Sort),
    ..BLANK
};
pub(crate) const SORT_RO: Spec = Spec { name: "sort_ro", since: "7.0.0", ..SORT };

struct Sort<'a>(&'a [u8]);

impl<'a> Sort<'a> {
    fn parse(args: Args<'a>) -> Result<Sort<'a>, Error> {
        Ok(Sort(args.at(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        query.slot(self.0).map_or(Ok(Reply::Array(Vec::new())), |_| Err(Error::WRONG_TYPE))
    }
}

impl Check for Sort<'_> {}
