//! The commands, one file each: declaration, `parse`, `execute`.

mod claim;
mod help;
mod idempotence;
mod ids;
mod keys;
mod read_options;
mod strings;
mod trim;

mod xack;
mod xadd;
mod xautoclaim;
mod xcfgset;
mod xclaim;
mod xdel;
mod xdelex;
mod xgroup;
mod xidmprecord;
mod xinfo;
mod xlen;
mod xnack;
mod xpending;
mod xrange;
mod xread;
mod xreadgroup;
mod xsetid;
mod xtrim;

pub(crate) use read_options::streams_keys;

use crate::spec::Spec;

/// Every command of the engine, by chapter.
pub static ALL: &[&[&Spec]] = &[STREAM, keys::ALL, strings::ALL];

const STREAM: &[&Spec] = &[
    &xack::SPEC,
    &xadd::SPEC,
    &xautoclaim::SPEC,
    &xcfgset::SPEC,
    &xclaim::SPEC,
    &xdel::SPEC,
    &xdelex::XACKDEL,
    &xdelex::XDELEX,
    &xgroup::SPEC,
    &xidmprecord::SPEC,
    &xinfo::SPEC,
    &xlen::SPEC,
    &xnack::SPEC,
    &xpending::SPEC,
    &xrange::XRANGE,
    &xrange::XREVRANGE,
    &xread::SPEC,
    &xreadgroup::SPEC,
    &xsetid::SPEC,
    &xtrim::SPEC,
];
