//! XDELEX and XACKDEL: delete entries with a say in what becomes of their references.

use super::ids::{Ids, ids_block};
use super::trim::Policy;
use super::xadd::POLICY;
use crate::args::{Args, is};
use crate::error::Error;
use crate::id::StreamId;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Kind, Spec};
use crate::txn::Txn;
use crate::write_command;

/// `IDS numids id [id ...]`
const IDS: Arg = Arg::block("ids", &[Arg::new("numids", Kind::Count), Arg::id("id").many()]).after("IDS");
const BLANK: Spec = Spec {
    since: "8.2.0",
    complexity: "O(log N) for each ID and group.",
    group: "stream",
    flags: Flags::WRITE.and(Flags::FAST),
    acl: &["stream"],
    keys: Keys::ONE,
    ..Spec::BLANK
};

/// `XDELEX key [KEEPREF|DELREF|ACKED] IDS numids id [id ...]`
pub(crate) const XDELEX: Spec = Spec {
    name: "xdelex",
    summary: "Deletes entries, with their references, or only if no group needs them.",
    arity: -5,
    key_flags: &["RW", "delete"],
    grammar: &[Arg::key(), Arg::one_of("condition", POLICY).optional(), IDS],
    run: write_command!(XDelEx),
    ..BLANK
};

/// `XACKDEL key group [KEEPREF|DELREF|ACKED] IDS numids id [id ...]`
pub(crate) const XACKDEL: Spec = Spec {
    name: "xackdel",
    summary: "Acknowledges entries and deletes them.",
    arity: -6,
    key_flags: &["RW", "update", "delete"],
    grammar: &[Arg::key(), Arg::string("group"), Arg::one_of("condition", POLICY).optional(), IDS],
    run: write_command!(XAckDel),
    ..BLANK
};

/// The options of both: a policy and the IDs, in any order.
struct Options {
    policy: Policy,
    /// How many IDs were given.
    count: usize,
    ids: Result<Ids, Error>,
}

impl Options {
    fn parse(args: Args<'_>, mut at: usize) -> Result<Options, Error> {
        let (mut policy, mut words) = (None, None);
        while let Some(word) = args.get(at) {
            if let Some(named) = Policy::parse(word).filter(|_| policy.is_none()) {
                policy = Some(named);
                at += 1;
            } else if is(word, "IDS") {
                let (ids, next) = ids_block(
                    args,
                    at,
                    i64::MAX,
                    Error::from_static("ERR Number of IDs must be a positive integer"),
                    Error::from_static("ERR The `numids` parameter must match the number of arguments"),
                )?;
                words = Some(ids);
                at = next;
            } else {
                return Err(Error::SYNTAX);
            }
        }
        let words = words.ok_or(Error::from_static("ERR IDS option is required"))?;
        Ok(Options { policy: policy.unwrap_or_default(), count: words.len(), ids: Ids::parse(words) })
    }

    fn check(&self) -> Result<(), Error> {
        self.ids.as_ref().map(drop).map_err(Error::clone)
    }

    /// The reply where there is nothing to look at.
    fn none(&self) -> Reply {
        Reply::Array(vec![Reply::Int(-1); self.count])
    }
}

struct XDelEx<'a> {
    key: &'a [u8],
    options: Result<Options, Error>,
}

impl<'a> XDelEx<'a> {
    fn parse(args: Args<'a>) -> Result<XDelEx<'a>, Error> {
        Ok(XDelEx { key: args.at(1), options: Options::parse(args, 2) })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let missing = txn.stream(self.key)?.is_none();
        let options = self.options?;
        if missing {
            return Ok(options.none());
        }
        let ids = options.ids?;
        let results = ids.iter().map(|id| Reply::Int(delete(txn, self.key, *id, options.policy)));
        Ok(Reply::Array(results.collect()))
    }
}

impl Check for XDelEx<'_> {
    fn check(&self) -> Result<(), Error> {
        self.options.as_ref().map_err(Error::clone)?.check()
    }
}

struct XAckDel<'a> {
    key: &'a [u8],
    group: &'a [u8],
    options: Result<Options, Error>,
}

impl<'a> XAckDel<'a> {
    fn parse(args: Args<'a>) -> Result<XAckDel<'a>, Error> {
        Ok(XAckDel { key: args.at(1), group: args.at(2), options: Options::parse(args, 3) })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let missing = txn.group(self.key, self.group)?.is_none();
        let options = self.options?;
        if missing {
            return Ok(options.none());
        }
        let ids = options.ids?;
        let results =
            ids.iter().map(|id| Reply::Int(acknowledge(txn, self.key, self.group, *id, options.policy)));
        Ok(Reply::Array(results.collect()))
    }
}

impl Check for XAckDel<'_> {
    fn check(&self) -> Result<(), Error> {
        self.options.as_ref().map_err(Error::clone)?.check()
    }
}

/// 1: deleted, -1: there is no such entry, 2: a group may still need it.
fn delete(txn: &mut Txn<'_>, key: &[u8], id: StreamId, policy: Policy) -> i64 {
    let Ok(Some(stream)) = txn.stream(key) else { return -1 };
    let exists = stream.contains(id);
    let referenced = match policy {
        Policy::KeepRef => false,
        Policy::DelRef => stream.groups.values().any(|group| group.pending.contains(id)),
        Policy::Acked => stream.is_referenced(id),
    };
    if policy == Policy::Acked && referenced {
        return 2;
    }
    if exists || referenced {
        let ids = vec![id].into();
        txn.emit(key, Change::Delete { remember: true, unreference: policy == Policy::DelRef, ids });
    }
    if exists { 1 } else { -1 }
}

/// -1: not pending here, else as [`delete`], where an entry that was gone already counts as deleted.
fn acknowledge(txn: &mut Txn<'_>, key: &[u8], group: &[u8], id: StreamId, policy: Policy) -> i64 {
    match txn.group(key, group) {
        Ok(Some((_, state))) if state.pending.contains(id) => {}
        _ => return -1,
    }
    txn.emit(key, Change::Ack { group, ids: vec![id].into() });
    match delete(txn, key, id, policy) {
        2 => 2,
        _ => 1,
    }
}
