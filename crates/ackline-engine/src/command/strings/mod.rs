//! A small string type: what clients, locks and frameworks around streams need.

mod get;
mod number;
mod set;

use crate::spec::{Keys, Spec};

/// The commands of this chapter.
pub(crate) const ALL: &[&Spec] = &[
    &get::GET,
    &get::GETDEL,
    &get::GETEX,
    &get::MGET,
    &get::STRLEN,
    &number::APPEND,
    &number::DECR,
    &number::DECRBY,
    &number::INCR,
    &number::INCRBY,
    &set::GETSET,
    &set::MSET,
    &set::PSETEX,
    &set::SET,
    &set::SETEX,
    &set::SETNX,
];

/// What the declarations of this chapter have in common.
const BLANK: Spec = Spec {
    group: "string",
    since: "1.0.0",
    acl: &["string"],
    keys: Keys::ONE,
    key_flags: &["RW"],
    ..Spec::BLANK
};

/// The largest string, in bytes.
const STRING_MAX: usize = 512 << 20;
