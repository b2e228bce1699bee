//! SET, SETNX, SETEX, PSETEX, GETSET, MSET.

use super::BLANK;
use crate::args::{Args, int, is};
use crate::error::Error;
use crate::notes::Wanted;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::Txn;
use crate::write_command;

const WRITE: Flags = Flags::WRITE.and(Flags::DENYOOM);

pub(crate) const SET: Spec = Spec {
    name: "set",
    summary: "Sets a string, whatever the key held.",
    arity: -3,
    flags: WRITE,
    key_flags: &["RW", "access", "update", "variable_flags"],
    grammar: &[
        Arg::key(),
        Arg::string("value"),
        Arg::one_of("condition", &[Arg::word("NX"), Arg::word("XX")]).optional(),
        Arg::word("GET").optional(),
        Arg::one_of(
            "expiration",
            &[
                Arg::int("seconds").after("EX"),
                Arg::int("milliseconds").after("PX"),
                Arg::int("unix-time-seconds").after("EXAT"),
                Arg::int("unix-time-milliseconds").after("PXAT"),
                Arg::word("KEEPTTL"),
            ],
        )
        .optional(),
    ],
    run: write_command!(Set),
    ..BLANK
};
pub(crate) const SETNX: Spec = Spec {
    name: "setnx",
    summary: "Sets a string if the key holds nothing.",
    arity: 3,
    flags: WRITE.and(Flags::FAST),
    key_flags: &["OW", "insert"],
    grammar: &[Arg::key(), Arg::string("value")],
    run: write_command!(SetNx),
    ..BLANK
};
pub(crate) const GETSET: Spec = Spec {
    name: "getset",
    summary: "Sets a string and answers the one before.",
    arity: 3,
    flags: WRITE.and(Flags::FAST),
    key_flags: &["RW", "access", "update"],
    grammar: &[Arg::key(), Arg::string("value")],
    run: write_command!(GetSet),
    ..BLANK
};
pub(crate) const SETEX: Spec = Spec {
    name: "setex",
    summary: "Sets a string that goes after so many seconds.",
    since: "2.0.0",
    arity: 4,
    flags: WRITE,
    key_flags: &["OW", "update"],
    grammar: &[Arg::key(), Arg::int("seconds"), Arg::string("value")],
    run: write_command!(SetEx),
    ..BLANK
};
pub(crate) const PSETEX: Spec = Spec {
    name: "psetex",
    summary: "Sets a string that goes after so many milliseconds.",
    since: "2.6.0",
    grammar: &[Arg::key(), Arg::int("milliseconds"), Arg::string("value")],
    ..SETEX
};
pub(crate) const MSET: Spec = Spec {
    name: "mset",
    summary: "Sets several strings.",
    since: "1.0.1",
    complexity: "O(N), N being the number of keys.",
    arity: -3,
    flags: WRITE,
    keys: Keys::Range { first: 1, last: -1, step: 2 },
    key_flags: &["OW", "update"],
    grammar: &[Arg::block("data", &[Arg::key(), Arg::string("value")]).many()],
    run: write_command!(MSet),
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    ..BLANK
};

/// When a string goes.
#[derive(Clone, Copy)]
pub(crate) struct Expiry {
    amount: i64,
    /// Milliseconds in one of `amount`.
    unit: i64,
    relative: bool,
}

impl Expiry {
    /// Unix ms; an error if it is not positive or cannot be reckoned.
    pub(crate) fn at(self, now: i64, name: &[u8]) -> Result<i64, Error> {
        let invalid = || invalid(name);
        let base = if self.relative { now } else { 0 };
        let positive = Some(self.amount).filter(|amount| *amount > 0);
        positive.and_then(|amount| amount.checked_mul(self.unit)?.checked_add(base)).ok_or_else(invalid)
    }
}

fn invalid(name: &[u8]) -> Error {
    Error::concat(&[b"ERR invalid expire time in '", name, b"' command"])
}

/// EX, PX, EXAT or PXAT with its number, which is looked at later.
#[derive(Clone, Copy)]
pub(crate) struct Timing<'a> {
    unit: i64,
    relative: bool,
    number: &'a [u8],
}

impl<'a> Timing<'a> {
    /// Reads the option at word `at`. It may stand again, but beside no other; the last one counts.
    pub(crate) fn read(args: Args<'a>, at: usize, before: Option<Timing<'_>>) -> Result<Timing<'a>, Error> {
        let known = [("EX", 1000, true), ("PX", 1, true), ("EXAT", 1000, false), ("PXAT", 1, false)];
        let found = known.into_iter().find(|(name, ..)| is(args.at(at), name));
        let (Some((_, unit, relative)), Some(number)) = (found, args.get(at + 1)) else {
            return Err(Error::SYNTAX);
        };
        match before.is_none_or(|before| (before.unit, before.relative) == (unit, relative)) {
            true => Ok(Timing { unit, relative, number }),
            false => Err(Error::SYNTAX),
        }
    }

    pub(crate) fn expiry(self) -> Result<Expiry, Error> {
        Ok(Expiry { amount: int(self.number)?, unit: self.unit, relative: self.relative })
    }
}

struct Set<'a> {
    key: &'a [u8],
    value: &'a [u8],
    nx: bool,
    xx: bool,
    get: bool,
    keep_ttl: bool,
    expiry: Option<Expiry>,
}

impl<'a> Set<'a> {
    fn new(key: &'a [u8], value: &'a [u8]) -> Set<'a> {
        Set { key, value, nx: false, xx: false, get: false, keep_ttl: false, expiry: None }
    }

    fn parse(args: Args<'a>) -> Result<Set<'a>, Error> {
        let mut set = Set::new(args.at(1), args.at(2));
        let mut timing = None;
        let mut at = 3;
        while let Some(word) = args.get(at) {
            match () {
                () if is(word, "NX") && !set.xx => set.nx = true,
                () if is(word, "XX") && !set.nx => set.xx = true,
                () if is(word, "GET") => set.get = true,
                () if is(word, "KEEPTTL") && timing.is_none() => set.keep_ttl = true,
                () if set.keep_ttl => return Err(Error::SYNTAX),
                () => {
                    timing = Some(Timing::read(args, at, timing)?);
                    at += 1;
                }
            }
            at += 1;
        }
        // Numbers are looked at once all words are understood.
        set.expiry = timing.map(Timing::expiry).transpose()?;
        if set.expiry.is_some_and(|expiry| expiry.amount <= 0) {
            return Err(invalid(b"set"));
        }
        Ok(set)
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let expire_at = self.expiry.map(|expiry| expiry.at(txn.now(), b"set")).transpose()?;
        let before = match self.get {
            true => txn.string(self.key)?.map_or(Reply::Null, Reply::bulk),
            false => Reply::Null,
        };
        let slot = txn.slot(self.key);
        let (exists, old_expiry) = (slot.is_some(), slot.and_then(|slot| slot.expire_at()));
        if (self.nx && exists) || (self.xx && !exists) {
            return Ok(before);
        }
        let expire_at = if self.keep_ttl { old_expiry } else { expire_at };
        match expire_at {
            Some(at) if at <= txn.now() => self.come_and_go(txn, exists),
            _ => {
                txn.emit(self.key, Change::Set { value: self.value, expire_at });
                if self.expiry.is_some() {
                    txn.tell(Wanted::GENERIC, self.key, "expire");
                }
            }
        }
        Ok(if self.get { before } else { Reply::Ok })
    }
}

impl Set<'_> {
    /// The time is past: what was there goes. Redis tells of the string that was never to be seen.
    fn come_and_go(&self, txn: &mut Txn<'_>, exists: bool) {
        match exists {
            true => txn.tell(Wanted::OVERWRITTEN, self.key, "overwritten"),
            false => txn.tell(Wanted::NEW, self.key, "new"),
        }
        txn.tell(Wanted::STRING, self.key, "set");
        txn.tell(Wanted::GENERIC, self.key, "expire");
        match exists {
            true => txn.emit(self.key, Change::Remove),
            false => txn.tell(Wanted::EXPIRED, self.key, "expired"),
        }
    }
}

impl Check for Set<'_> {}

struct SetNx<'a>(Set<'a>);

impl<'a> SetNx<'a> {
    fn parse(args: Args<'a>) -> Result<SetNx<'a>, Error> {
        Ok(SetNx(Set { nx: true, ..Set::new(args.at(1), args.at(2)) }))
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let reply = self.0.execute(txn)?;
        Ok(Reply::Int(i64::from(matches!(reply, Reply::Ok))))
    }
}

impl Check for SetNx<'_> {}

struct GetSet<'a>(Set<'a>);

impl<'a> GetSet<'a> {
    fn parse(args: Args<'a>) -> Result<GetSet<'a>, Error> {
        Ok(GetSet(Set { get: true, ..Set::new(args.at(1), args.at(2)) }))
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        self.0.execute(txn)
    }
}

impl Check for GetSet<'_> {}

struct SetEx<'a> {
    name: &'a [u8],
    set: Set<'a>,
    expiry: Expiry,
}

impl<'a> SetEx<'a> {
    fn parse(args: Args<'a>) -> Result<SetEx<'a>, Error> {
        let unit = if is(args.at(0), "PSETEX") { 1 } else { 1000 };
        let expiry = Expiry { amount: int(args.at(2))?, unit, relative: true };
        Ok(SetEx { name: args.at(0), set: Set::new(args.at(1), args.at(3)), expiry })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let at = self.expiry.at(txn.now(), &self.name.to_ascii_lowercase())?;
        txn.emit(self.set.key, Change::Set { value: self.set.value, expire_at: Some(at) });
        txn.tell(Wanted::GENERIC, self.set.key, "expire");
        Ok(Reply::Ok)
    }
}

impl Check for SetEx<'_> {}

struct MSet<'a>(Args<'a>);

impl<'a> MSet<'a> {
    fn parse(args: Args<'a>) -> Result<MSet<'a>, Error> {
        match args.len() % 2 {
            1 => Ok(MSet(args.from(1))),
            _ => Err(Error::arity("mset")),
        }
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        for at in (0..self.0.len()).step_by(2) {
            txn.emit(self.0.at(at), Change::Set { value: self.0.at(at + 1), expire_at: None });
        }
        Ok(Reply::Ok)
    }
}

impl Check for MSet<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;
    use crate::{Context, Keyspace, OwnedArgs};

    /// The reply or error of a line at Unix ms 1000.
    fn run(keyspace: &mut Keyspace, line: &str) -> String {
        let mut txn = Txn::new(keyspace.reach(), Context::at(1000), Vec::new());
        let words = OwnedArgs::collect(line.split(' ').map(str::as_bytes));
        let spec = Table::new(&[]).resolve(words.as_args()).unwrap();
        let outcome = txn.execute(spec, words.as_args());
        assert!(outcome.is_ok() || txn.batch().is_empty(), "{line} failed and emitted");
        outcome.map_or_else(|error| error.to_string(), |reply| format!("{reply:?}"))
    }

    #[test]
    fn options() {
        let mut keyspace = Keyspace::new(2, 16, 0);
        let cases = [
            ("set k v ex 10 px 10", "ERR syntax error"),
            ("set k v ex 10 keepttl", "ERR syntax error"),
            ("set k v nx xx", "ERR syntax error"),
            ("set k v ex abc foo", "ERR syntax error"),
            ("set k v ex 9223372036854775807", "ERR invalid expire time in 'set' command"),
            ("set k v exat 0", "ERR invalid expire time in 'set' command"),
            ("set k v xx get", "Null"),
            ("exists k", "Int(0)"),
            ("set k v ex 10 ex 20", "Ok"),
            ("pttl k", "Int(20000)"),
            ("set k w keepttl get", "Name(\"v\")"),
            ("pexpiretime k", "Int(21000)"),
            ("set k x nx get", "Name(\"w\")"),
            ("set k x", "Ok"),
            ("ttl k", "Int(-1)"),
            ("set k x pxat 1000", "Ok"),
            ("exists k", "Int(0)"),
            ("setex k 0 v", "ERR invalid expire time in 'setex' command"),
            ("mset a 1 b", "ERR wrong number of arguments for 'mset' command"),
        ];
        for (line, reply) in cases {
            assert_eq!(run(&mut keyspace, line), reply, "{line}");
        }
    }

    #[test]
    fn getex_reads_its_number_after_the_key() {
        let mut keyspace = Keyspace::new(2, 16, 0);
        assert_eq!(run(&mut keyspace, "getex k ex abc"), "Null");
        assert_eq!(run(&mut keyspace, "getex k foo"), "ERR syntax error");
        run(&mut keyspace, "set k v");
        assert_eq!(run(&mut keyspace, "getex k ex abc"), "ERR value is not an integer or out of range");
    }
}
