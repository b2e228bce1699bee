//! DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.

use super::{BLANK, database, existing};
use crate::args::{Args, is};
use crate::error::Error;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::{Query, Txn};
use crate::{read_command, write_command};

const MODE: &[Arg] = &[Arg::one_of("flush-type", &[Arg::word("ASYNC"), Arg::word("SYNC")]).optional()];

pub(crate) const DBSIZE: Spec = Spec {
    name: "dbsize",
    summary: "Counts the keys of the database.",
    group: "server",
    flags: Flags::READONLY.and(Flags::FAST),
    keys: Keys::Everything,
    key_flags: &[],
    run: read_command!(DbSize),
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    ..BLANK
};
pub(crate) const FLUSHDB: Spec = Spec {
    name: "flushdb",
    summary: "Deletes all keys of the database.",
    group: "server",
    arity: -1,
    flags: Flags::WRITE,
    acl: &["dangerous", "keyspace"],
    keys: Keys::Everything,
    key_flags: &[],
    grammar: MODE,
    run: write_command!(Flush),
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..BLANK
};
pub(crate) const FLUSHALL: Spec =
    Spec { name: "flushall", summary: "Deletes all keys of all databases.", ..FLUSHDB };
pub(crate) const SWAPDB: Spec = Spec {
    name: "swapdb",
    summary: "Makes two databases change places.",
    group: "server",
    since: "4.0.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::FAST),
    acl: &["dangerous", "keyspace"],
    keys: Keys::Everything,
    key_flags: &[],
    grammar: &[Arg::int("index1"), Arg::int("index2")],
    run: write_command!(Swap),
    ..BLANK
};

struct DbSize;

impl DbSize {
    fn parse(_: Args<'_>) -> Result<DbSize, Error> {
        Ok(DbSize)
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let db = query.context().db as usize;
        Ok(Reply::count(query.reach().shards().map(|shard| shard.dbs[db].len()).sum()))
    }
}

impl Check for DbSize {}

struct Flush {
    all: bool,
}

impl Flush {
    fn parse(args: Args<'_>) -> Result<Flush, Error> {
        match (args.len(), args.get(1)) {
            (1, _) => {}
            (2, Some(word)) if is(word, "SYNC") || is(word, "ASYNC") => {}
            _ => return Err(Error::SYNTAX),
        }
        Ok(Flush { all: is(args.at(0), "FLUSHALL") })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let ctx = *txn.context();
        for db in (0..ctx.databases).filter(|db| self.all || *db == ctx.db) {
            let holds_keys = txn.reach().shards().any(|shard| !shard.dbs[db as usize].is_empty());
            if holds_keys {
                txn.emit_in(db, b"", Change::Flush);
            }
        }
        txn.tell_flush();
        Ok(Reply::Ok)
    }
}

impl Check for Flush {}

struct Swap {
    first: i32,
    second: i32,
}

impl Swap {
    fn parse(args: Args<'_>) -> Result<Swap, Error> {
        let number = |at, text| database(args.at(at)).map_err(|_| Error::from_static(text));
        let first = number(1, "ERR invalid first DB index")?;
        Ok(Swap { first, second: number(2, "ERR invalid second DB index")? })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let (db, with) = (existing(self.first, txn)?, existing(self.second, txn)?);
        if db != with {
            txn.emit_in(db, b"", Change::Swap { with });
        }
        Ok(Reply::Ok)
    }
}

impl Check for Swap {}
