//! The lines of earlier sessions, but those with secrets.

use reedline::{
    FileBackedHistory, History, HistoryItem, HistoryItemId, HistorySessionId, Result, SearchQuery,
};
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Lines that are kept.
const LINES: usize = 2000;

/// A history that passes over what must not be written down.
pub(super) struct Discreet(FileBackedHistory);

impl Discreet {
    /// In a file that only its owner may read; in memory if there is none.
    pub(super) fn open() -> Option<Discreet> {
        let kept = place().filter(|path| prepare(path).is_ok());
        let kept = kept.and_then(|path| FileBackedHistory::with_file(LINES, path).ok());
        kept.or_else(|| FileBackedHistory::new(LINES).ok()).map(Discreet)
    }
}

fn place() -> Option<PathBuf> {
    let named = ["ACKLINECLI_HISTFILE", "REDISCLI_HISTFILE"].into_iter().find_map(std::env::var_os);
    match named {
        // redis-cli, too, keeps none then.
        Some(path) if path == "/dev/null" => None,
        Some(path) => Some(path.into()),
        None => Some(PathBuf::from(std::env::var_os("HOME")?).join(".ackline_history")),
    }
}

fn prepare(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
}

/// Whether a line holds a secret, as far as one can tell.
fn is_secret(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches(|char: char| char.is_ascii_digit() || char.is_whitespace());
        let words: Vec<String> =
            line.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_uppercase()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["AUTH" | "MIGRATE", ..] | ["ACL", "SETUSER", ..] => true,
            ["HELLO", rest @ ..] => rest.contains(&"AUTH"),
            ["CONFIG", "SET", rest @ ..] => rest.iter().any(|word| is_secret_directive(word)),
            ["CONNECT" | "CLI", rest @ ..] => rest.iter().any(|word| word.contains('@')),
            _ => false,
        }
    })
}

fn is_secret_directive(name: &str) -> bool {
    ["PASS", "AUTH", "TOKEN", "SECRET", "MASTERUSER"].iter().any(|part| name.contains(part))
}

impl History for Discreet {
    fn save(&mut self, item: HistoryItem) -> Result<HistoryItem> {
        if is_secret(&item.command_line) {
            return Ok(item);
        }
        let saved = self.0.save(item)?;
        // Written at once: a session may end by a signal. What cannot be written is not worth an error at the prompt.
        let _ = self.0.sync();
        Ok(saved)
    }

    fn load(&self, id: HistoryItemId) -> Result<HistoryItem> {
        self.0.load(id)
    }

    fn count(&self, query: SearchQuery) -> Result<i64> {
        self.0.count(query)
    }

    fn search(&self, query: SearchQuery) -> Result<Vec<HistoryItem>> {
        self.0.search(query)
    }

    fn update(&mut self, id: HistoryItemId, updater: &dyn Fn(HistoryItem) -> HistoryItem) -> Result<()> {
        self.0.update(id, updater)
    }

    fn clear(&mut self) -> Result<()> {
        self.0.clear()
    }

    fn delete(&mut self, id: HistoryItemId) -> Result<()> {
        self.0.delete(id)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.0.sync()
    }

    fn session(&self) -> Option<HistorySessionId> {
        self.0.session()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_recognised() {
        for line in [
            "auth hunter2",
            "  AUTH ann hunter2",
            "3 auth x",
            "\"AUTH\" x",
            "ping\nauth x",
            "acl setuser ann on >hunter2",
            "hello 3 auth ann hunter2",
            "config set requirepass x",
            "CONFIG SET maxmemory 1 masterauth x",
            "config set tls-key-file-pass x",
            "config set admin-token x",
            "migrate h 1 k 0 10 AUTH x",
        ] {
            assert!(is_secret(line), "{line}");
        }
        for line in
            ["get auth", "hello 3", "config get requirepass", "acl getuser ann", "config set maxmemory 1", ""]
        {
            assert!(!is_secret(line), "{line}");
        }
    }
}
