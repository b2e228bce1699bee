//! The commands, one file each: declaration, `parse`, `execute`.

mod idempotence;
mod ids;
mod read_options;
mod trim;

mod xack;
mod xadd;
mod xread;
mod xreadgroup;
mod xtrim;

pub(crate) use read_options::streams_keys;

use crate::spec::Spec;

/// Every command of the engine, by chapter.
pub static ALL: &[&[&Spec]] = &[STREAM];

const STREAM: &[&Spec] = &[&xack::SPEC, &xadd::SPEC, &xread::SPEC, &xreadgroup::SPEC, &xtrim::SPEC];
