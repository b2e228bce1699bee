//! XSETID: set a stream's counters.

use crate::args::{Args, int, is};
use crate::error::Error;
use crate::id::StreamId;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::state::Stream;
use crate::txn::Txn;
use crate::write_command;

/// `XSETID key last-id [ENTRIESADDED n] [MAXDELETEDID id]`
pub(crate) const SPEC: Spec = Spec {
    name: "xsetid",
    summary: "Sets the last ID and counters of a stream.",
    since: "5.0.0",
    group: "stream",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    acl: &["stream"],
    keys: Keys::ONE,
    key_flags: &["RW", "update"],
    grammar: &[
        Arg::key(),
        Arg::id("last-id"),
        Arg::int("entries-added").after("ENTRIESADDED").optional(),
        Arg::id("max-deleted-id").after("MAXDELETEDID").optional(),
    ],
    run: write_command!(XSetId),
    ..Spec::BLANK
};

struct XSetId<'a> {
    key: &'a [u8],
    last_id: StreamId,
    entries_added: Option<u64>,
    max_deleted_id: Option<StreamId>,
}

impl<'a> XSetId<'a> {
    fn parse(args: Args<'a>) -> Result<XSetId<'a>, Error> {
        let last_id = StreamId::parse(args.at(2), 0)?;
        let mut set = XSetId { key: args.at(1), last_id, entries_added: None, max_deleted_id: None };
        for at in (3..args.len()).step_by(2) {
            let value = args.get(at + 1).ok_or(Error::SYNTAX)?;
            match args.at(at) {
                word if is(word, "ENTRIESADDED") => set.entries_added = Some(entries_added(value)?),
                word if is(word, "MAXDELETEDID") => {
                    let id = StreamId::parse(value, 0)?;
                    if id > last_id {
                        return Err(Error::from_static(
                            "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                        ));
                    }
                    set.max_deleted_id = Some(id);
                }
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(set)
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let stream = txn.stream(self.key)?.ok_or(Error::NO_SUCH_KEY)?;
        self.check_against(stream)?;
        let given = self.max_deleted_id.filter(|id| *id != StreamId::MIN);
        let change = Change::SetStream {
            last_id: self.last_id,
            entries_added: self.entries_added.unwrap_or(stream.entries_added),
            max_deleted_id: given.unwrap_or(stream.max_deleted_id),
        };
        txn.emit(self.key, change);
        Ok(Reply::Ok)
    }

    fn check_against(&self, stream: &Stream) -> Result<(), Error> {
        if self.last_id < stream.max_deleted_id {
            return Err(Error::from_static(
                "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
            ));
        }
        if stream.last_entry_id().is_some_and(|last| self.last_id < last) {
            return Err(Error::from_static(
                "ERR The ID specified in XSETID is smaller than the target stream top item",
            ));
        }
        if stream.len() > 0 && self.entries_added.is_some_and(|added| added < stream.len()) {
            return Err(Error::from_static(
                "ERR The entries_added specified in XSETID is smaller than the target stream length",
            ));
        }
        Ok(())
    }
}

fn entries_added(value: &[u8]) -> Result<u64, Error> {
    u64::try_from(int(value)?).map_err(|_| Error::from_static("ERR entries_added must be positive"))
}

impl Check for XSetId<'_> {}
