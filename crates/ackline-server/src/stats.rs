//! Counters.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What INFO counts over all commands.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) connections: AtomicU64,
    pub(crate) rejected_connections: AtomicU64,
    pub(crate) commands: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) auth_failures: AtomicU64,
    pub(crate) error_codes: Mutex<BTreeMap<String, u64>>,
}

/// What INFO counts of one command.
#[derive(Debug, Default)]
pub(crate) struct CommandStats {
    pub(crate) calls: AtomicU64,
    pub(crate) usec: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) failed: AtomicU64,
}

/// More different error codes than this are counted as one.
const CODES_MAX: usize = 128;

impl Stats {
    /// Counts an error reply under its code.
    pub(crate) fn count_error(&self, text: &[u8]) {
        self.errors.fetch_add(1, Relaxed);
        let code = text.split(|b| *b == b' ').next().unwrap_or(b"ERR");
        let code = String::from_utf8_lossy(code).into_owned();
        let mut codes = self.error_codes.lock();
        if codes.len() < CODES_MAX || codes.contains_key(&code) {
            *codes.entry(code).or_default() += 1;
        }
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&self) {
        let counters = [
            &self.connections,
            &self.rejected_connections,
            &self.commands,
            &self.bytes_in,
            &self.bytes_out,
            &self.errors,
            &self.auth_failures,
        ];
        counters.iter().for_each(|counter| counter.store(0, Relaxed));
        self.error_codes.lock().clear();
    }
}

impl CommandStats {
    pub(crate) fn count(&self, usec: u64, failed: bool) {
        self.count_many(1, usec, u64::from(failed));
    }

    pub(crate) fn count_many(&self, calls: u64, usec: u64, failed: u64) {
        self.calls.fetch_add(calls, Relaxed);
        self.usec.fetch_add(usec, Relaxed);
        if failed > 0 {
            self.failed.fetch_add(failed, Relaxed);
        }
    }

    pub(crate) fn reset(&self) {
        [&self.calls, &self.usec, &self.rejected, &self.failed].iter().for_each(|n| n.store(0, Relaxed));
    }
}
