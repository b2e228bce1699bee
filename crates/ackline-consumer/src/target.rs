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

impl std::str::FromStr for Target {
    type Err = crate::error::Error;

    fn from_str(url: &str) -> Result<Target, crate::error::Error> {
        match url {
            "memory:" => Ok(Target::Memory),
            other => Ok(Target::Directory(other.trim_start_matches("ackline:").trim_start_matches("//").into())),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
