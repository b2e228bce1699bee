//! XIDMPRECORD: tell a stream that a producer wrote an entry.

use crate::args::Args;
use crate::error::Error;
use crate::id::StreamId;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::Txn;
use crate::write_command;

/// `XIDMPRECORD key pid iid id`
pub(crate) const SPEC: Spec = Spec {
    name: "xidmprecord",
    summary: "Remembers an entry as a producer's message.",
    since: "8.6.2",
    complexity: "O(log N), N being the number of messages remembered.",
    group: "stream",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    acl: &["stream"],
    keys: Keys::ONE,
    key_flags: &["RW", "update"],
    grammar: &[Arg::key(), Arg::string("pid"), Arg::string("iid"), Arg::id("id")],
    run: write_command!(XIdmpRecord),
    ..Spec::BLANK
};

struct XIdmpRecord<'a> {
    key: &'a [u8],
    producer: &'a [u8],
    iid: &'a [u8],
    id: StreamId,
}

impl<'a> XIdmpRecord<'a> {
    fn parse(args: Args<'a>) -> Result<XIdmpRecord<'a>, Error> {
        let id = StreamId::parse(args.at(4), 0)?;
        let (producer, iid) = (args.at(2), args.at(3));
        match (producer, iid) {
            (b"", _) => Err(Error::from_static("ERR producer ID must be non-empty")),
            (_, b"") => Err(Error::from_static("ERR idempotent ID must be non-empty")),
            _ => Ok(XIdmpRecord { key: args.at(1), producer, iid, id }),
        }
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let stream = txn.stream(self.key)?.ok_or(Error::NO_SUCH_KEY)?;
        if !stream.contains(self.id) {
            return Err(Error::from_static("ERR No such message in stream"));
        }
        match stream.idempotence().find(self.producer, self.iid) {
            Some(known) if known == self.id => Ok(Reply::Ok),
            Some(_) => {
                Err(Error::from_static("ERR IID already exists for this producer with a different stream ID"))
            }
            None => {
                let XIdmpRecord { producer, iid, id, .. } = self;
                txn.emit(self.key, Change::Remember { producer, iid, id });
                Ok(Reply::Ok)
            }
        }
    }
}

impl Check for XIdmpRecord<'_> {}
