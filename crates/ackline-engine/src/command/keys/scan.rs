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
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
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
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    ..BLANK
};
pub(crate) const RANDOMKEY: Spec = Spec {
    name: "randomkey",
    summary: "Any key.",
    flags: Flags::READONLY,
    keys: Keys::Everything,
    key_flags: &[],
    run: read_command!(RandomKey),
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
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
        let keys = databases(query).flat_map(|db| db.keys.iter()).map(|slot| &slot.name);
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
        let mut chosen = (query.context().random % total as u64) as usize;
        for db in databases(query) {
            match db.at(chosen) {
                Some(slot) => return Ok(Reply::bulk(&slot.name)),
                None => chosen -= db.len(),
            }
        }
        Ok(Reply::Null)
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
        let shards = dbs.len();
        let (mut shard, mut position) = match self.cursor {
            0 => (0, dbs[0].len()),
            cursor => ((cursor % shards as u64) as usize, (cursor / shards as u64) as usize),
        };
        position = position.min(dbs[shard].len());
        let mut keys = Vec::new();
        for visited in 0.. {
            while position == 0 && shard + 1 < shards {
                shard += 1;
                position = dbs[shard].len();
            }
            if position == 0 || visited == self.count {
                break;
            }
            position -= 1;
            keys.extend(dbs[shard].at(position).filter(|slot| self.wants(slot)));
        }
        let cursor = if position == 0 { 0 } else { position * shards + shard };
        let keys = keys.into_iter().map(|slot| Reply::bulk(&slot.name)).collect();
        Ok(Reply::Array(vec![Reply::Decimal(cursor as i64), Reply::Array(keys)]))
    }

    fn wants(&self, slot: &Slot) -> bool {
        let name = slot.value.type_name();
        self.pattern.is_none_or(|pattern| glob::matches(pattern, &slot.name, false))
            && self.kind.is_none_or(|kind| kind.eq_ignore_ascii_case(name.as_bytes()))
    }
}

impl Check for Scan<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;
    use crate::{Context, Keyspace, OwnedArgs, Txn};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn run(keyspace: &mut Keyspace, words: &str) -> Reply {
        let mut txn = Txn::new(keyspace.reach(), Context::at(1000), Vec::new());
        let words = OwnedArgs::collect(words.split(' ').map(str::as_bytes));
        let spec = Table::new(&[]).resolve(words.as_args()).unwrap();
        txn.execute(spec, words.as_args()).unwrap()
    }

    /// The next cursor; what was found goes into `seen`.
    fn step(keyspace: &mut Keyspace, cursor: i64, count: usize, seen: &mut BTreeSet<Vec<u8>>) -> i64 {
        let Reply::Array(parts) = run(keyspace, &format!("scan {cursor} count {count}")) else { panic!() };
        let [Reply::Decimal(next), Reply::Array(keys)] = &parts[..] else { panic!("{parts:?}") };
        seen.extend(keys.iter().map(|key| match key {
            Reply::Name(key) => key.to_vec(),
            other => panic!("{other:?}"),
        }));
        *next
    }

    /// A change between two calls of SCAN. Keys named k stay there, even if they are overwritten.
    fn noise() -> impl Strategy<Value = String> {
        let (key, kept) = (0..20u8, 0..20u8);
        prop_oneof![
            key.clone().prop_map(|n| format!("set x{n} 1")),
            key.clone().prop_map(|n| format!("del x{n}")),
            kept.clone().prop_map(|n| format!("set k{n} 2")),
            (key.clone(), kept.clone()).prop_map(|(from, to)| format!("copy x{from} k{to} replace")),
            (key, kept).prop_map(|(from, to)| format!("mset x{from} 1 x{to} 1|rename x{from} k{to}")),
        ]
    }

    proptest! {
        #[test]
        fn a_key_that_stays_is_returned(
            shards in 1..5usize,
            count in 1..6usize,
            changes in prop::collection::vec(prop::collection::vec(noise(), 0..5), 0..40),
        ) {
            let mut keyspace = Keyspace::new(shards, 16, 0);
            for n in 0..20 {
                run(&mut keyspace, &format!("mset x{n} 1 k{n} 1"));
            }
            let (mut seen, mut changes) = (BTreeSet::new(), changes.into_iter());
            let mut cursor = step(&mut keyspace, 0, count, &mut seen);
            while cursor != 0 {
                let lines = changes.next().into_iter().flatten();
                lines.for_each(|line| line.split('|').for_each(|words| drop(run(&mut keyspace, words))));
                cursor = step(&mut keyspace, cursor, count, &mut seen);
            }
            for n in 0..20 {
                prop_assert!(seen.contains(format!("k{n}").as_bytes()), "k{n} was missed");
            }
        }
    }

    #[test]
    fn any_cursor_is_safe_and_ends() {
        let mut keyspace = Keyspace::new(3, 16, 0);
        run(&mut keyspace, "mset a 1 b 1 c 1");
        for cursor in ["1", "2", "5", "9223372036854775807", "18446744073709551615"] {
            run(&mut keyspace, &format!("scan {cursor} count 9223372036854775807"));
        }
    }
}
