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
use crate::state::{Group, Name};
use crate::txn::Txn;
use crate::write_command;
use std::collections::BTreeSet;

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
            } else if is(word, "IDS") && at + 1 < args.len() {
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
        let fates = delete(txn, self.key, &options.ids?, options.policy)?;
        Ok(Reply::Array(fates.into_iter().map(Reply::Int).collect()))
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
        let acked = acknowledge(txn, self.key, self.group, ids.clone())?;
        let fates = delete(txn, self.key, &acked, options.policy)?;
        let mut acked = acked.iter().zip(fates).peekable();
        // Those acknowledged are in the order of the arguments, each once: what comes again is pending no more.
        let results = ids.iter().map(|id| match acked.next_if(|(acked, _)| *acked == id) {
            None => ABSENT,
            Some((_, NEEDED)) => NEEDED,
            Some(_) => DELETED,
        });
        Ok(Reply::Array(results.map(Reply::Int).collect()))
    }
}

impl Check for XAckDel<'_> {
    fn check(&self) -> Result<(), Error> {
        self.options.as_ref().map_err(Error::clone)?.check()
    }
}

/// There is no such entry, or it is not pending.
const ABSENT: i64 = -1;
const DELETED: i64 = 1;
/// It stays, because a group may still need it.
const NEEDED: i64 = 2;

/// Deletes what the policy lets go, and answers for each ID what became of it.
fn delete(txn: &mut Txn<'_>, key: &[u8], ids: &[StreamId], policy: Policy) -> Result<Vec<i64>, Error> {
    let Some(stream) = txn.stream(key)? else { return Ok(vec![ABSENT; ids.len()]) };
    let mut doomed = BTreeSet::new();
    let fate = |id: &StreamId| match () {
        () if policy == Policy::Acked && stream.is_referenced(*id) => NEEDED,
        () if stream.contains(*id) && doomed.insert(*id) => DELETED,
        () => ABSENT,
    };
    let fates = ids.iter().map(fate).collect();
    let unreference = policy == Policy::DelRef;
    if !doomed.is_empty() {
        let ids = doomed.into_iter().collect();
        txn.emit(key, Change::Delete { remember: true, unreference, ids });
    }
    if unreference {
        drop_ghosts(txn, key, ids)?;
    }
    Ok(fates)
}

/// Takes IDs whose entry was gone before out of every pending list. No entry is deleted by that, so that it is an
/// acknowledgement and violates no WATCH.
fn drop_ghosts(txn: &mut Txn<'_>, key: &[u8], ids: &[StreamId]) -> Result<(), Error> {
    let Some(stream) = txn.stream(key)? else { return Ok(()) };
    let ghosts: Vec<(Name, Ids)> = stream
        .groups()
        .iter()
        .map(|group| (group.name.clone(), ghosts(group, ids)))
        .filter(|(_, ghosts)| !ghosts.is_empty())
        .collect();
    for (group, ghosts) in ghosts {
        txn.emit(key, Change::Ack { group: &group, ids: ghosts.as_slice().into() });
    }
    Ok(())
}

/// Acknowledges what is pending in the group: those IDs, each once.
fn acknowledge(txn: &mut Txn<'_>, key: &[u8], group: &[u8], ids: Ids) -> Result<Ids, Error> {
    let Some((_, state)) = txn.group(key, group)? else { return Ok(Ids::default()) };
    let ids = ids.pending(txn, key, state);
    if !ids.is_empty() {
        txn.emit(key, Change::Ack { group, ids: ids.as_slice().into() });
    }
    Ok(ids)
}

/// Those IDs that are pending in the group.
fn ghosts(group: &Group, ids: &[StreamId]) -> Ids {
    let mut finger = group.pending.finger();
    ids.iter().copied().collect::<Ids>().keep_once(|id| finger.finds(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Reader;
    use crate::record::Record;
    use crate::{Context, Keyspace, OwnedArgs};

    fn run(keyspace: &mut Keyspace, spec: &'static Spec, words: &str) -> (String, Vec<u8>) {
        let mut txn = Txn::new(keyspace.reach(), Context::at(1000), Vec::new());
        let words = OwnedArgs::collect(words.split(' ').map(str::as_bytes));
        let reply = txn.execute(spec, words.as_args()).unwrap();
        (format!("{reply:?}"), txn.batch().to_vec())
    }

    fn changes(batch: &[u8]) -> Vec<Change<'_>> {
        let mut reader = Reader::new(batch);
        std::iter::from_fn(|| (!reader.is_empty()).then(|| Record::decode(&mut reader).unwrap().change))
            .collect()
    }

    fn ids(ms: &[u64]) -> crate::record::Ids<'static> {
        ms.iter().map(|ms| StreamId::new(*ms, 0)).collect()
    }

    /// Entries 1-0 to 4-0, pending in the groups g and h.
    fn delivered() -> Keyspace {
        use super::super::{xadd, xgroup, xreadgroup};
        let mut keyspace = Keyspace::new(1, 16, 0);
        for ms in 1..=4 {
            run(&mut keyspace, &xadd::SPEC, &format!("xadd s {ms}-0 n {ms}"));
        }
        for group in ["g", "h"] {
            let create = xgroup::SPEC.subcommands.iter().find(|spec| spec.name == "xgroup|create").unwrap();
            run(&mut keyspace, create, &format!("xgroup create s {group} 0"));
            run(&mut keyspace, &xreadgroup::SPEC, &format!("xreadgroup group {group} c streams s >"));
        }
        keyspace
    }

    #[test]
    fn a_call_makes_one_record_of_each_kind_and_a_repeated_id_is_gone() {
        let mut keyspace = delivered();
        let (reply, batch) = run(&mut keyspace, &XACKDEL, "xackdel s g IDS 5 2-0 1-0 2-0 9-0 3-0");
        assert_eq!(reply, "Array([Int(1), Int(1), Int(-1), Int(-1), Int(1)])");
        let ack = Change::Ack { group: b"g", ids: ids(&[2, 1, 3]) };
        let delete = Change::Delete { remember: true, unreference: false, ids: ids(&[1, 2, 3]) };
        assert_eq!(changes(&batch), [ack, delete]);
        let (reply, batch) = run(&mut keyspace, &XDELEX, "xdelex s IDS 3 4-0 4-0 1-0");
        assert_eq!(reply, "Array([Int(1), Int(-1), Int(-1)])");
        assert_eq!(changes(&batch).len(), 1);
    }

    #[test]
    fn references_to_what_is_gone_are_dropped_without_a_deletion() {
        let mut keyspace = delivered();
        run(&mut keyspace, &XDELEX, "xdelex s IDS 1 1-0");
        let (reply, batch) = run(&mut keyspace, &XDELEX, "xdelex s DELREF IDS 2 1-0 9-0");
        assert_eq!(reply, "Array([Int(-1), Int(-1)])");
        let ack = |group| Change::Ack { group, ids: ids(&[1]) };
        assert_eq!(changes(&batch), [ack(b"g"), ack(b"h")]);
        let (reply, batch) = run(&mut keyspace, &XDELEX, "xdelex s DELREF IDS 1 1-0");
        assert_eq!((reply.as_str(), batch.len()), ("Array([Int(-1)])", 0));
    }

    #[test]
    fn the_own_acknowledgement_counts_before_the_policy_looks() {
        let mut keyspace = delivered();
        let reply = |keyspace: &mut Keyspace, words| run(keyspace, &XACKDEL, words).0;
        assert_eq!(reply(&mut keyspace, "xackdel s g ACKED IDS 2 1-0 1-0"), "Array([Int(2), Int(-1)])");
        assert_eq!(reply(&mut keyspace, "xackdel s h ACKED IDS 2 1-0 2-0"), "Array([Int(1), Int(2)])");
    }
}
