//! GET, MGET, STRLEN, GETDEL, GETEX.

use super::BLANK;
use super::set::Timing;
use crate::args::{Args, is};
use crate::error::Error;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::{Query, Txn};
use crate::{read_command, write_command};

pub(crate) const GET: Spec = Spec {
    name: "get",
    summary: "The string at a key.",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    key_flags: &["RO", "access"],
    grammar: &[Arg::key()],
    run: read_command!(Get),
    ..BLANK
};
pub(crate) const STRLEN: Spec = Spec {
    name: "strlen",
    summary: "The length of the string at a key.",
    since: "2.2.0",
    key_flags: &["RO"],
    run: read_command!(StrLen),
    ..GET
};
pub(crate) const MGET: Spec = Spec {
    name: "mget",
    summary: "The strings at several keys.",
    complexity: "O(N), N being the number of keys.",
    arity: -2,
    keys: Keys::ALL,
    grammar: &[Arg::key().many()],
    run: read_command!(MGet),
    tips: &["request_policy:multi_shard"],
    ..GET
};
pub(crate) const GETDEL: Spec = Spec {
    name: "getdel",
    summary: "The string at a key, which goes.",
    since: "6.2.0",
    arity: 2,
    flags: Flags::WRITE.and(Flags::FAST),
    key_flags: &["RW", "access", "delete"],
    grammar: &[Arg::key()],
    run: write_command!(GetDel),
    ..BLANK
};
pub(crate) const GETEX: Spec = Spec {
    name: "getex",
    summary: "The string at a key, whose expiry is set.",
    since: "6.2.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    key_flags: &["RW", "access", "update"],
    grammar: &[
        Arg::key(),
        Arg::one_of(
            "expiration",
            &[
                Arg::int("seconds").after("EX"),
                Arg::int("milliseconds").after("PX"),
                Arg::int("unix-time-seconds").after("EXAT"),
                Arg::int("unix-time-milliseconds").after("PXAT"),
                Arg::word("PERSIST"),
            ],
        )
        .optional(),
    ],
    run: write_command!(GetEx),
    ..BLANK
};

fn bulk(string: Option<&[u8]>) -> Reply {
    string.map_or(Reply::Null, Reply::bulk)
}

struct Get<'a>(&'a [u8]);

impl<'a> Get<'a> {
    fn parse(args: Args<'a>) -> Result<Get<'a>, Error> {
        Ok(Get(args.at(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        Ok(bulk(query.string(self.0)?))
    }
}

impl Check for Get<'_> {}

struct StrLen<'a>(&'a [u8]);

impl<'a> StrLen<'a> {
    fn parse(args: Args<'a>) -> Result<StrLen<'a>, Error> {
        Ok(StrLen(args.at(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        Ok(Reply::count(query.string(self.0)?.map_or(0, <[u8]>::len)))
    }
}

impl Check for StrLen<'_> {}

struct MGet<'a>(Args<'a>);

impl<'a> MGet<'a> {
    fn parse(args: Args<'a>) -> Result<MGet<'a>, Error> {
        Ok(MGet(args.from(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        Ok(Reply::Array(self.0.iter().map(|key| bulk(query.string(key).ok().flatten())).collect()))
    }
}

impl Check for MGet<'_> {}

struct GetDel<'a>(&'a [u8]);

impl<'a> GetDel<'a> {
    fn parse(args: Args<'a>) -> Result<GetDel<'a>, Error> {
        Ok(GetDel(args.at(1)))
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let reply = bulk(txn.string(self.0)?);
        if !matches!(reply, Reply::Null) {
            txn.emit(self.0, Change::Remove);
        }
        Ok(reply)
    }
}

impl Check for GetDel<'_> {}

struct GetEx<'a> {
    key: &'a [u8],
    persist: bool,
    timing: Option<Timing<'a>>,
}

impl<'a> GetEx<'a> {
    fn parse(args: Args<'a>) -> Result<GetEx<'a>, Error> {
        let mut getex = GetEx { key: args.at(1), persist: false, timing: None };
        let mut at = 2;
        while let Some(word) = args.get(at) {
            match () {
                () if is(word, "PERSIST") && getex.timing.is_none() => getex.persist = true,
                () if getex.persist => return Err(Error::SYNTAX),
                () => {
                    getex.timing = Some(Timing::read(args, at, getex.timing)?);
                    at += 1;
                }
            }
            at += 1;
        }
        Ok(getex)
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let Some(reply) = txn.string(self.key)?.map(Reply::bulk) else { return Ok(Reply::Null) };
        let expires = txn.slot(self.key).is_some_and(|slot| slot.expire_at().is_some());
        match self.timing.map(|timing| timing.expiry()?.at(txn.now(), b"getex")).transpose()? {
            Some(at) if at <= txn.now() => txn.emit(self.key, Change::Remove),
            Some(at) => txn.emit(self.key, Change::Expire { at: Some(at) }),
            None if self.persist && expires => txn.emit(self.key, Change::Expire { at: None }),
            None => {}
        }
        Ok(reply)
    }
}

impl Check for GetEx<'_> {
    fn check(&self) -> Result<(), Error> {
        self.timing.map_or(Ok(()), |timing| timing.expiry().map(drop))
    }
}
