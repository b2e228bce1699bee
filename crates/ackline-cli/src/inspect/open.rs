//! What lies at a path, and the one line that says why it is of no use.

use ackline::LogError;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Directory,
    Segment,
    Snapshot,
}

/// An error of the log, for somebody who only looks.
pub(crate) fn message(error: LogError) -> String {
    match error {
        LogError::Corrupt { file, offset, reason } => {
            format!("{} is damaged at byte {offset}: {reason}", file.display())
        }
        LogError::Io(path, error) => unreadable(&path, &error),
        LogError::Locked(dir) => format!("{} is in use by a server: stop it first", dir.display()),
        other => other.to_string(),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("{}: there is no such file or directory", path.display()),
        std::io::ErrorKind::PermissionDenied => format!("{}: permission denied", path.display()),
        _ => format!("{}: {error}", path.display()),
    }
}

/// Makes sure that a directory holds segments or snapshots.
pub(crate) fn data_directory(dir: &Path) -> Result<(), String> {
    let shown = dir.display();
    if !fs::metadata(dir).map_err(|error| unreadable(dir, &error))?.is_dir() {
        return Err(format!("{shown} is a file: give the data directory, or see `ackline inspect`"));
    }
    let entries = fs::read_dir(dir).map_err(|error| unreadable(dir, &error))?;
    let names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    if names.iter().any(|name| is_ours(name)) {
        return Ok(());
    }
    let redis = |name: &&String| name.ends_with(".rdb") || name.ends_with(".aof") || *name == "appendonlydir";
    Err(match names.iter().find(redis) {
        Some(name) => format!(
            "{shown} is not a data directory of Ackline; {name} is Redis's: `ackline import` reads from a running Redis"
        ),
        None => {
            format!(
                "{shown} is not a data directory: it holds neither a segment (*.log) nor a snapshot (*.snap)"
            )
        }
    })
}

fn is_ours(name: &str) -> bool {
    let stem = name.strip_suffix(".log").or(name.strip_suffix(".snap"));
    stem.is_some_and(|stem| stem.len() == 16 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Tells directory, segment and snapshot apart.
pub(crate) fn kind(path: &Path) -> Result<Kind, String> {
    if fs::metadata(path).map_err(|error| unreadable(path, &error))?.is_dir() {
        return data_directory(path).map(|()| Kind::Directory);
    }
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut head));
    read.map_err(|error| unreadable(path, &error))?;
    let what = match &head[..] {
        b"AckSeg02" => return Ok(Kind::Segment),
        b"AckSnp01" => return Ok(Kind::Snapshot),
        [b'A', b'c', b'k', b'S', ..] => "was written by another version of Ackline",
        [b'R', b'E', b'D', b'I', b'S', ..] => "is an RDB file: `ackline import` reads from a running Redis",
        [b'*', b'0'..=b'9', ..] => "is an AOF file: `ackline import` reads from a running Redis",
        [] => "is empty",
        _ => "is neither a segment nor a snapshot of Ackline",
    };
    Err(format!("{} {what}", path.display()))
}
