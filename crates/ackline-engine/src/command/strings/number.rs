//! INCR, DECR, INCRBY, DECRBY, APPEND.

use super::{BLANK, STRING_MAX};
use crate::args::{Args, int, is, strict_int};
use crate::error::Error;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Spec};
use crate::txn::Txn;
use crate::write_command;

const WRITE: Flags = Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST);

pub(crate) const INCR: Spec = Spec {
    name: "incr",
    summary: "Adds 1 to the number at a key.",
    arity: 2,
    flags: WRITE,
    key_flags: &["RW", "access", "update"],
    grammar: &[Arg::key()],
    run: write_command!(Add),
    ..BLANK
};
pub(crate) const DECR: Spec = Spec { name: "decr", summary: "Takes 1 from the number at a key.", ..INCR };
pub(crate) const INCRBY: Spec = Spec {
    name: "incrby",
    summary: "Adds to the number at a key.",
    arity: 3,
    grammar: &[Arg::key(), Arg::int("increment")],
    ..INCR
};
pub(crate) const DECRBY: Spec = Spec {
    name: "decrby",
    summary: "Takes from the number at a key.",
    arity: 3,
    grammar: &[Arg::key(), Arg::int("decrement")],
    ..INCR
};
pub(crate) const APPEND: Spec = Spec {
    name: "append",
    summary: "Adds bytes to the string at a key.",
    since: "2.0.0",
    arity: 3,
    flags: WRITE,
    key_flags: &["RW", "insert"],
    grammar: &[Arg::key(), Arg::string("value")],
    run: write_command!(Append),
    ..BLANK
};

struct Add<'a> {
    key: &'a [u8],
    by: i64,
}

impl<'a> Add<'a> {
    fn parse(args: Args<'a>) -> Result<Add<'a>, Error> {
        let amount = args.get(2).map_or(Ok(1), int)?;
        let by = match args.at(0) {
            name if is(name, "DECR") || is(name, "DECRBY") => {
                amount.checked_neg().ok_or(Error::from_static("ERR decrement would overflow"))?
            }
            _ => amount,
        };
        Ok(Add { key: args.at(1), by })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let before = txn.string(self.key)?.map_or(Some(0), strict_int).ok_or(Error::NOT_AN_INTEGER)?;
        let overflow = Error::from_static("ERR increment or decrement would overflow");
        let after = before.checked_add(self.by).ok_or(overflow)?;
        let expire_at = txn.slot(self.key).and_then(|slot| slot.expire_at());
        let mut digits = itoa::Buffer::new();
        txn.emit(self.key, Change::Set { value: digits.format(after).as_bytes(), expire_at });
        Ok(Reply::Int(after))
    }
}

impl Check for Add<'_> {}

struct Append<'a> {
    key: &'a [u8],
    value: &'a [u8],
}

impl<'a> Append<'a> {
    fn parse(args: Args<'a>) -> Result<Append<'a>, Error> {
        Ok(Append { key: args.at(1), value: args.at(2) })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let length = txn.string(self.key)?.map_or(0, <[u8]>::len) + self.value.len();
        if length > STRING_MAX {
            return Err(Error::from_static("ERR string exceeds maximum allowed size (proto-max-bulk-len)"));
        }
        txn.emit(self.key, Change::Extend { value: self.value });
        Ok(Reply::count(length))
    }
}

impl Check for Append<'_> {}
