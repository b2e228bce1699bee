//! How much memory the process uses, for INFO and `maxmemory`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What the allocator says, sampled: asking it at every command would cost more than the command.
#[derive(Debug)]
pub(crate) struct Memory {
    source: fn() -> u64,
    used: AtomicU64,
    peak: AtomicU64,
}

impl Memory {
    /// `source` answers the bytes in use.
    pub(crate) fn new(source: fn() -> u64) -> Memory {
        let memory = Memory { source, used: AtomicU64::new(0), peak: AtomicU64::new(0) };
        memory.sample();
        memory
    }

    /// Asks the allocator. Answers the bytes in use.
    pub(crate) fn sample(&self) -> u64 {
        let used = (self.source)();
        self.used.store(used, Relaxed);
        self.peak.fetch_max(used, Relaxed);
        used
    }

    /// Bytes in use at the last sample.
    pub(crate) fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// The most that any sample found.
    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Relaxed)
    }
}

/// Bytes of this process that are in memory; 0 where the system does not tell.
pub(crate) fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
