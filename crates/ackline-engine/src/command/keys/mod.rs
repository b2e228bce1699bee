//! Commands about keys of any type.

mod copy;
mod delete;
mod expire;
mod object;
mod scan;
mod sort;
mod whole;

use crate::spec::{Keys, Spec};

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
