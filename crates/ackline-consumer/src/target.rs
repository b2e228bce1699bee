//! What a URL says about where the streams are.

use std::path::PathBuf;

/// Where streams live.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// `memory:`: an engine in this process, which keeps nothing.
    Memory,
    /// `ackline:///path`: an engine in this process, kept in a directory.
    Directory(PathBuf),
}
