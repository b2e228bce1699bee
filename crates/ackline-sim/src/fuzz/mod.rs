//! Fuzz targets: plain functions of bytes that panic when a promise is broken.
//!
//! ```text
//! bytes ─► resp       requests whole and in pieces; replies
//!       ─► command    raw input, or commands spelled by the bytes ─► sessions ─► disk ─► recovery ─► the same digest
//!       ─► record     replay, up to what is refused ─► snapshot ─► the same digest
//!       ─► image      RESTORE ─► every command on the key ─► digest
//!       ─► segment    files of a log ─► opened, or refused as damaged
//! ```
//!
//! The tests run them over `tests/corpus` and mutations of it; `fuzz/` in the repository's root has a libFuzzer wrapper
//! for each. Where a checksum stands before the code in question, the target puts it on.

mod bytes;
mod command;
mod forge;
mod image;
mod mutate;
mod record;
mod resp;
mod segment;
mod spell;

pub use command::command;
pub use image::image;
pub use mutate::mutate;
pub use record::record;
pub use resp::resp;
pub use segment::{as_log, as_snapshot, segment};

/// A target: it panics if the bytes find something.
pub type Target = fn(&[u8]);

/// All targets, by the names of their folders in the corpus.
pub const TARGETS: [(&str, Target); 5] =
    [("resp", resp), ("command", command), ("record", record), ("image", image), ("segment", segment)];

/// Longer inputs find nothing that shorter ones do not find sooner.
const INPUT_MAX: usize = 32 * 1024;

/// The time at which a target begins, Unix ms.
const START: i64 = 1_700_000_000_000;
