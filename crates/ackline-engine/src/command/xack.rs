//! XACK: acknowledge entries of a consumer group.

use super::ids::Ids;
use crate::args::Args;
use crate::error::Error;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::Txn;
use crate::write_command;

/// `XACK key group id [id ...]`
pub(crate) const SPEC: Spec = Spec {
    name: "xack",
    summary: "Acknowledges entries: they are pending for the group no more.",
    since: "5.0.0",
    complexity: "O(log N) for each ID, N being the number of pending entries.",
    group: "stream",
    arity: -4,
    flags: Flags::WRITE.and(Flags::FAST),
    acl: &["stream"],
    keys: Keys::ONE,
    key_flags: &["RW", "update"],
    grammar: &[Arg::key(), Arg::string("group"), Arg::id("id").many()],
    run: write_command!(XAck),
    ..Spec::BLANK
};

struct XAck<'a> {
    key: &'a [u8],
    group: &'a [u8],
    ids: Result<Ids, Error>,
}

impl<'a> XAck<'a> {
    fn parse(args: Args<'a>) -> Result<XAck<'a>, Error> {
        Ok(XAck { key: args.at(1), group: args.at(2), ids: Ids::parse(args.from(3)) })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let Some((_, group)) = txn.group(self.key, self.group)? else { return Ok(Reply::Int(0)) };
        let ids = self.ids?.pending(txn, self.key, group);
        if !ids.is_empty() {
            txn.emit(self.key, Change::Ack { group: self.group, ids: ids.as_slice().into() });
        }
        Ok(Reply::count(ids.len()))
    }
}

impl Check for XAck<'_> {
    fn check(&self) -> Result<(), Error> {
        self.ids.as_ref().map(drop).map_err(Error::clone)
    }
}
