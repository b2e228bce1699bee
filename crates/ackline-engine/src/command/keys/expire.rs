//! The EXPIRE family, TTL and its kin, PERSIST.

use super::{BLANK, peek};
use crate::args::{Args, int, is};
use crate::error::Error;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Kind, Spec};
use crate::txn::{Query, Txn};
use crate::{read_command, write_command};

const CONDITION: Arg =
    Arg::one_of("condition", &[Arg::word("NX"), Arg::word("XX"), Arg::word("GT"), Arg::word("LT")])
        .optional();

pub(crate) const EXPIRE: Spec = Spec {
    name: "expire",
    summary: "Makes a key go after so many seconds.",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    key_flags: &["RW", "update"],
    grammar: &[Arg::key(), Arg::int("seconds"), CONDITION],
    run: write_command!(Expire),
    ..BLANK
};
pub(crate) const PEXPIRE: Spec = Spec {
    name: "pexpire",
    summary: "Makes a key go after so many milliseconds.",
    since: "2.6.0",
    grammar: &[Arg::key(), Arg::int("milliseconds"), CONDITION],
    ..EXPIRE
};
pub(crate) const EXPIREAT: Spec = Spec {
    name: "expireat",
    summary: "Makes a key go at a Unix time.",
    since: "1.2.0",
    grammar: &[Arg::key(), Arg::new("unix-time-seconds", Kind::UnixTime), CONDITION],
    ..EXPIRE
};
pub(crate) const PEXPIREAT: Spec = Spec {
    name: "pexpireat",
    summary: "Makes a key go at a Unix time in milliseconds.",
    since: "2.6.0",
    grammar: &[Arg::key(), Arg::new("unix-time-milliseconds", Kind::UnixTime), CONDITION],
    ..EXPIRE
};
pub(crate) const TTL: Spec = Spec {
    name: "ttl",
    summary: "Seconds until a key goes; -1 never, -2 there is none.",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    key_flags: &["RO", "access"],
    grammar: &[Arg::key()],
    run: read_command!(Left),
    tips: &["nondeterministic_output"],
    ..BLANK
};
pub(crate) const PTTL: Spec =
    Spec { name: "pttl", summary: "As TTL, in milliseconds.", since: "2.6.0", ..TTL };
pub(crate) const EXPIRETIME: Spec = Spec {
    name: "expiretime",
    summary: "The Unix time at which a key goes; -1 never, -2 there is none.",
    since: "7.0.0",
    tips: &[],
    ..TTL
};
pub(crate) const PEXPIRETIME: Spec = Spec {
    name: "pexpiretime",
    summary: "As EXPIRETIME, in milliseconds.",
    since: "7.0.0",
    tips: &[],
    ..TTL
};
pub(crate) const PERSIST: Spec = Spec {
    name: "persist",
    summary: "Keeps a key from going.",
    since: "2.2.0",
    arity: 2,
    flags: Flags::WRITE.and(Flags::FAST),
    key_flags: &["RW", "update"],
    grammar: &[Arg::key()],
    run: write_command!(Persist),
    ..BLANK
};

/// Milliseconds in the unit that a command's name stands for.
fn unit(name: &[u8]) -> i64 {
    if matches!(name.first(), Some(b'p' | b'P')) { 1 } else { 1000 }
}

/// The error for a time that cannot be reckoned.
pub(crate) fn invalid_expire(name: &[u8]) -> Error {
    Error::concat(&[b"ERR invalid expire time in '", &name.to_ascii_lowercase(), b"' command"])
}

struct Expire<'a> {
    name: &'a [u8],
    key: &'a [u8],
    amount: i64,
    condition: Condition,
}

#[derive(Clone, Copy, Default)]
struct Condition {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
}

impl Condition {
    fn parse(words: Args<'_>) -> Result<Condition, Error> {
        let mut condition = Condition::default();
        for word in words.iter() {
            let flag = match () {
                () if is(word, "NX") => &mut condition.nx,
                () if is(word, "XX") => &mut condition.xx,
                () if is(word, "GT") => &mut condition.gt,
                () if is(word, "LT") => &mut condition.lt,
                () => return Err(Error::concat(&[b"ERR Unsupported option ", word])),
            };
            *flag = true;
        }
        let Condition { nx, xx, gt, lt } = condition;
        if nx && (xx || gt || lt) {
            return Err(Error::from_static(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if gt && lt {
            return Err(Error::from_static("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(condition)
    }

    /// No expiry counts as one that never comes.
    fn allows(self, before: Option<i64>, after: i64) -> bool {
        !(self.nx && before.is_some()
            || self.xx && before.is_none()
            || self.gt && before.is_none_or(|at| after <= at)
            || self.lt && before.is_some_and(|at| after >= at))
    }
}

impl<'a> Expire<'a> {
    fn parse(args: Args<'a>) -> Result<Expire<'a>, Error> {
        let condition = Condition::parse(args.from(3))?;
        Ok(Expire { name: args.at(0), key: args.at(1), amount: int(args.at(2))?, condition })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let base = if self.name.to_ascii_lowercase().ends_with(b"at") { 0 } else { txn.now() };
        let at = self.amount.checked_mul(unit(self.name)).and_then(|ms| ms.checked_add(base));
        let at = at.ok_or_else(|| invalid_expire(self.name))?;
        let Some(slot) = txn.slot(self.key) else { return Ok(Reply::Int(0)) };
        if !self.condition.allows(slot.expire_at(), at) {
            return Ok(Reply::Int(0));
        }
        let past = at <= txn.now();
        txn.emit(self.key, if past { Change::Remove } else { Change::Expire { at: Some(at) } });
        Ok(Reply::Int(1))
    }
}

impl Check for Expire<'_> {}

struct Left<'a> {
    name: &'a [u8],
    key: &'a [u8],
}

impl<'a> Left<'a> {
    fn parse(args: Args<'a>) -> Result<Left<'a>, Error> {
        Ok(Left { name: args.at(0), key: args.at(1) })
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let Some(slot) = peek(query, self.key) else { return Ok(Reply::Int(-2)) };
        let Some(at) = slot.expire_at() else { return Ok(Reply::Int(-1)) };
        let absolute = self.name.to_ascii_lowercase().ends_with(b"time");
        let unit = unit(self.name).unsigned_abs();
        let ms = if absolute { at } else { (at - query.now()).max(0) };
        // Redis rounds to the nearest second. The last possible time rounds up beyond an i64.
        Ok(Reply::Int(((ms as u64 + unit / 2) / unit) as i64))
    }
}

impl Check for Left<'_> {}

struct Persist<'a>(&'a [u8]);

impl<'a> Persist<'a> {
    fn parse(args: Args<'a>) -> Result<Persist<'a>, Error> {
        Ok(Persist(args.at(1)))
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let expires = txn.slot(self.0).is_some_and(|slot| slot.expire_at().is_some());
        if expires {
            txn.emit(self.0, Change::Expire { at: None });
        }
        Ok(Reply::Int(i64::from(expires)))
    }
}

impl Check for Persist<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;
    use crate::{Context, Keyspace, OwnedArgs};

    #[test]
    fn the_last_possible_time_is_a_time() {
        let mut keyspace = Keyspace::new(1, 16, 0);
        let mut run = |line: &str| {
            let mut txn = Txn::new(keyspace.reach(), Context::at(1000), Vec::new());
            let words = OwnedArgs::collect(line.split(' ').map(str::as_bytes));
            let spec = Table::new(&[]).resolve(words.as_args()).unwrap();
            format!("{:?}", txn.execute(spec, words.as_args()).unwrap())
        };
        run("set k v");
        assert_eq!(run("pexpireat k 9223372036854775807 lt"), "Int(1)");
        assert_eq!(run("expiretime k"), "Int(9223372036854776)");
        assert_eq!(run("pttl k"), "Int(9223372036854774807)");
    }
}
