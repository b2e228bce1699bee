//! Commands about keys of any type.

mod copy;
mod delete;
mod dump;
mod expire;
mod object;
mod scan;
mod sort;
mod whole;

use crate::args::int;
use crate::error::Error;
use crate::spec::{Keys, Spec};
use crate::state::Slot;
use crate::txn::Query;

/// The commands of this chapter.
pub(crate) const ALL: &[&Spec] = &[
    &copy::COPY,
    &copy::MOVE,
    &copy::RENAME,
    &copy::RENAMENX,
    &delete::DEL,
    &delete::EXISTS,
    &delete::TOUCH,
    &delete::TYPE,
    &delete::UNLINK,
    &dump::DUMP,
    &dump::RESTORE,
    &expire::EXPIRE,
    &expire::EXPIREAT,
    &expire::EXPIRETIME,
    &expire::PERSIST,
    &expire::PEXPIRE,
    &expire::PEXPIREAT,
    &expire::PEXPIRETIME,
    &expire::PTTL,
    &expire::TTL,
    &object::MEMORY,
    &object::OBJECT,
    &scan::KEYS,
    &scan::RANDOMKEY,
    &scan::SCAN,
    &sort::SORT,
    &sort::SORT_RO,
    &whole::DBSIZE,
    &whole::FLUSHALL,
    &whole::FLUSHDB,
    &whole::SWAPDB,
];

/// What the declarations of this chapter have in common.
const BLANK: Spec = Spec {
    group: "generic",
    since: "1.0.0",
    acl: &["keyspace"],
    keys: Keys::ONE,
    key_flags: &["RW"],
    ..Spec::BLANK
};

/// The number of a database; whether there is one is for [`existing`] to say.
fn database(word: &[u8]) -> Result<i32, Error> {
    i32::try_from(int(word)?).map_err(|_| {
        Error::from_static("ERR value is out of range, value must between -2147483648 and 2147483647")
    })
}

/// The database of that number.
fn existing(number: i32, query: &Query<'_>) -> Result<u32, Error> {
    let known = u32::try_from(number).ok().filter(|db| *db < query.context().databases);
    known.ok_or(Error::from_static("ERR DB index is out of range"))
}

/// The slot of a key, without the look counting as use of it.
fn peek<'q>(query: &'q Query<'_>, key: &[u8]) -> Option<&'q Slot> {
    let slot = query.slot_in(query.context().db, key);
    if slot.is_none() {
        query.miss(key);
    }
    slot
}
