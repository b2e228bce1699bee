//! KEYS, SCAN, RANDOMKEY.
//!
//! The keys of a database lie in a shard in an order in which the last one fills the hole of a deleted one and new ones
//! come last. SCAN walks it backwards: whatever is deleted or added meanwhile, what it has not visited yet stays before
//! its position, so that a key present during the whole scan is returned at least once.
//!
//! ```text
//! cursor = position * shards + shard       position: keys still to visit in that shard, at least 1; 0 = done
//! ```

use super::BLANK;
use crate::args::{Args, int, is};
use crate::error::Error;
use crate::glob;
use crate::read_command;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Kind, Spec};
use crate::state::{Db, Slot};
use crate::txn::Query;

pub(crate) const KEYS: Spec = Spec {
    name: "keys",
    summary: "All keys that match a pattern.",
    complexity: "O(N), N being the number of keys.",
    arity: 2,
    flags: Flags::READONLY,
    acl: &["dangerous", "keyspace"],
    keys: Keys::Everything,
    key_flags: &[],
    grammar: &[Arg::new("pattern", Kind::Pattern)],
    run: read_command!(AllKeys),
    ..BLANK
};
pub(crate) const SCAN: Spec = Spec {
    name: "scan",
    summary: "Some keys, and a cursor to go on with.",
    since: "2.8.0",
    complexity: "O(COUNT) a call.",
    arity: -2,
    flags: Flags::READONLY,
    keys: Keys::Everything,
    key_flags: &[],
    grammar: &[
        Arg::int("cursor"),
        Arg::new("pattern", Kind::Pattern).after("MATCH").optional(),
        Arg::int("count").after("COUNT").optional(),
        Arg::string("type").after("TYPE").optional(),
    ],
    run: read_command!(Scan),
    ..BLANK
};
pub(crate) const RANDOMKEY: Spec = Spec {
    name: "randomkey",
    summary: "Any key.",
    flags: Flags::READONLY,
    keys: Keys::Everything,
    key_flags: &[],
    run: read_command!(RandomKey),
    ..BLANK
};

fn databases<'q>(query: &'q Query<'_>) -> impl Iterator<Item = &'q Db> {
    let db = query.context().db as usize;
    query.reach().shards().map(move |shard| &shard.dbs[db])
}

struct AllKeys<'a>(&'a [u8]);

impl<'a> AllKeys<'a> {
    fn parse(args: Args<'a>) -> Result<AllKeys<'a>, Error> {
        Ok(AllKeys(args.at(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let keys = databases(query).flat_map(|db| db.keys.keys());
        let matching = keys.filter(|key| glob::matches(self.0, key, false));
        Ok(Reply::Array(matching.map(|key| Reply::bulk(key)).collect()))
    }
}

impl Check for AllKeys<'_> {}

struct RandomKey;

impl RandomKey {
    fn parse(_: Args<'_>) -> Result<RandomKey, Error> {
        Ok(RandomKey)
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let total: usize = databases(query).map(Db::len).sum();
        if total == 0 {
            return Ok(Reply::Null);
        }
        let chosen = (query.context().random % total as u64) as usize;
        let key = databases(query).flat_map(|db| db.keys.keys()).nth(chosen);
        Ok(key.map_or(Reply::Null, |key| Reply::bulk(key)))
    }
}

impl Check for RandomKey {}

struct Scan<'a> {
    cursor: u64,
    pattern: Option<&'a [u8]>,
    count: usize,
    kind: Option<&'a [u8]>,
}

impl<'a> Scan<'a> {
    fn parse(args: Args<'a>) -> Result<Scan<'a>, Error> {
        let cursor = std::str::from_utf8(args.at(1)).ok().and_then(|text| text.parse().ok());
        let cursor = cursor.ok_or(Error::from_static("ERR invalid cursor"))?;
        let mut scan = Scan { cursor, pattern: None, count: 10, kind: None };
        for at in (2..args.len()).step_by(2) {
            let value = args.get(at + 1).ok_or(Error::SYNTAX)?;
            match args.at(at) {
                word if is(word, "MATCH") => scan.pattern = Some(value),
                word if is(word, "TYPE") => scan.kind = Some(value),
                word if is(word, "COUNT") => match int(value)? {
                    n if n >= 1 => scan.count = n as usize,
                    _ => return Err(Error::SYNTAX),
                },
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(scan)
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let dbs: Vec<&Db> = databases(query).collect();
        let (mut shard, mut position) = match self.cursor {
            0 => (0, dbs[0].len()),
            cursor => ((cursor % dbs.len() as u64) as usize, (cursor / dbs.len() as u64) as usize),
        };
        position = position.min(dbs[shard].len());
        let mut keys = Vec::new();
        for _ in 0..self.count {
            while position == 0 && shard + 1 < dbs.len() {
                shard += 1;
                position = dbs[shard].len();
            }
            let Some(next) = position.checked_sub(1) else { break };
            position = next;
            if let Some((key, slot)) = dbs[shard].at(position)
                && self.wants(key, slot)
            {
                keys.push(Reply::bulk(key));
            }
        }
        while position == 0 && shard + 1 < dbs.len() {
            shard += 1;
            position = dbs[shard].len();
        }
        let cursor = if position == 0 { 0 } else { position * dbs.len() + shard };
        Ok(Reply::Array(vec![Reply::Decimal(cursor as i64), Reply::Array(keys)]))
    }

    fn wants(&self, key: &[u8], slot: &Slot) -> bool {
        let name = slot.value.type_name();
        self.pattern.is_none_or(|pattern| glob::matches(pattern, key, false))
            && self.kind.is_none_or(|kind| kind.eq_ignore_ascii_case(name.as_bytes()))
    }
}

impl Check for Scan<'_> {}
