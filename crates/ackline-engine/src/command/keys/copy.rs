//! RENAME, RENAMENX, MOVE, COPY.

use super::{BLANK, database, existing};
use crate::args::{Args, is};
use crate::error::Error;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::Txn;
use crate::write_command;

pub(crate) const RENAME: Spec = Spec {
    name: "rename",
    summary: "Renames a key; what had the name goes.",
    arity: 3,
    flags: Flags::WRITE,
    keys: Keys::TWO,
    key_flags: &["RW", "access", "delete"],
    grammar: &[Arg::key(), Arg::new("newkey", crate::spec::Kind::Key)],
    run: write_command!(Rename),
    ..BLANK
};
pub(crate) const RENAMENX: Spec = Spec {
    name: "renamenx",
    summary: "Renames a key if nothing has the name.",
    flags: Flags::WRITE.and(Flags::FAST),
    ..RENAME
};
pub(crate) const MOVE: Spec = Spec {
    name: "move",
    summary: "Moves a key to another database.",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    key_flags: &["RW", "access", "update"],
    grammar: &[Arg::key(), Arg::int("db")],
    run: write_command!(Move),
    ..BLANK
};
pub(crate) const COPY: Spec = Spec {
    name: "copy",
    summary: "Copies a value, with all that belongs to it.",
    since: "6.2.0",
    complexity: "O(N), N being the size of the value.",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: Keys::TWO,
    key_flags: &["RO", "access"],
    grammar: &[
        Arg::key(),
        Arg::new("destination", crate::spec::Kind::Key),
        Arg::int("destination-db").after("DB").optional(),
        Arg::word("REPLACE").optional(),
    ],
    run: write_command!(Copy),
    ..BLANK
};

const SAME: Error = Error::from_static("ERR source and destination objects are the same");

struct Rename<'a> {
    from: &'a [u8],
    to: &'a [u8],
    keep_target: bool,
}

impl<'a> Rename<'a> {
    fn parse(args: Args<'a>) -> Result<Rename<'a>, Error> {
        Ok(Rename { from: args.at(1), to: args.at(2), keep_target: is(args.at(0), "RENAMENX") })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        txn.slot(self.from).ok_or(Error::NO_SUCH_KEY)?;
        if self.keep_target && txn.slot(self.to).is_some() {
            return Ok(Reply::Int(0));
        }
        if self.from != self.to {
            let db = txn.context().db;
            txn.emit(self.from, Change::Move { db, to: self.to });
        }
        Ok(if self.keep_target { Reply::Int(1) } else { Reply::Ok })
    }
}

impl Check for Rename<'_> {}

struct Move<'a> {
    key: &'a [u8],
    db: i32,
}

impl<'a> Move<'a> {
    fn parse(args: Args<'a>) -> Result<Move<'a>, Error> {
        Ok(Move { key: args.at(1), db: database(args.at(2))? })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let db = existing(self.db, txn)?;
        if db == txn.context().db {
            return Err(SAME);
        }
        if txn.slot(self.key).is_none() || txn.slot_in(db, self.key).is_some() {
            return Ok(Reply::Int(0));
        }
        txn.emit(self.key, Change::Move { db, to: self.key });
        Ok(Reply::Int(1))
    }
}

impl Check for Move<'_> {}

struct Copy<'a> {
    from: &'a [u8],
    to: &'a [u8],
    options: Options,
}

/// Whether a database exists is said before any fault in the words behind it.
struct Options {
    dbs: Vec<i32>,
    replace: bool,
    fault: Option<Error>,
}

impl Options {
    fn parse(words: Args<'_>) -> Options {
        let mut options = Options { dbs: Vec::new(), replace: false, fault: None };
        options.fault = options.read(words).err();
        options
    }

    fn read(&mut self, words: Args<'_>) -> Result<(), Error> {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match () {
                () if is(word, "REPLACE") => self.replace = true,
                () if is(word, "DB") => self.dbs.push(database(words.next().ok_or(Error::SYNTAX)?)?),
                () => return Err(Error::SYNTAX),
            }
        }
        Ok(())
    }

    /// The database to copy into.
    fn db(&self, txn: &Txn<'_>) -> Result<u32, Error> {
        let db = self.dbs.iter().try_fold(txn.context().db, |_, db| existing(*db, txn))?;
        self.fault.clone().map_or(Ok(db), Err)
    }
}

impl<'a> Copy<'a> {
    fn parse(args: Args<'a>) -> Result<Copy<'a>, Error> {
        Ok(Copy { from: args.at(1), to: args.at(2), options: Options::parse(args.from(3)) })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let db = self.options.db(txn)?;
        if db == txn.context().db && self.from == self.to {
            return Err(SAME);
        }
        let blocked = txn.slot_in(db, self.to).is_some() && !self.options.replace;
        if txn.slot(self.from).is_none() || blocked {
            return Ok(Reply::Int(0));
        }
        txn.emit(self.from, Change::Copy { db, to: self.to });
        Ok(Reply::Int(1))
    }
}

impl Check for Copy<'_> {
    fn check(&self) -> Result<(), Error> {
        self.options.fault.clone().map_or(Ok(()), Err)
    }
}
