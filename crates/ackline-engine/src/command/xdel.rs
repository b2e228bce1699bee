//! XDEL: delete single entries.

use super::ids::Ids;
use crate::args::Args;
use crate::error::Error;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::Txn;
use crate::write_command;

/// `XDEL key id [id ...]`
pub(crate) const SPEC: Spec = Spec {
    name: "xdel",
    summary: "Deletes entries; where they are pending they stay pending.",
    since: "5.0.0",
    complexity: "O(log N) for each ID.",
    group: "stream",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    acl: &["stream"],
    keys: Keys::ONE,
    key_flags: &["RW", "delete"],
    grammar: &[Arg::key(), Arg::id("id").many()],
    run: write_command!(XDel),
    ..Spec::BLANK
};

struct XDel<'a> {
    key: &'a [u8],
    ids: Result<Ids, Error>,
}

impl<'a> XDel<'a> {
    fn parse(args: Args<'a>) -> Result<XDel<'a>, Error> {
        Ok(XDel { key: args.at(1), ids: Ids::parse(args.from(2)) })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let Some(stream) = txn.stream(self.key)? else { return Ok(Reply::Int(0)) };
        let ids = self.ids?.keep_once(|id| stream.contains(id));
        if !ids.is_empty() {
            let ids = ids.as_slice().into();
            txn.emit(self.key, Change::Delete { remember: true, unreference: false, ids });
        }
        Ok(Reply::count(ids.len()))
    }
}

impl Check for XDel<'_> {
    fn check(&self) -> Result<(), Error> {
        self.ids.as_ref().map(drop).map_err(Error::clone)
    }
}
