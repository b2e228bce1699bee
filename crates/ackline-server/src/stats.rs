//! Counters.

use ackline_log::Histogram;
use parking_lot::Mutex;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A value for each I/O thread, none in a cache line of another's: what is counted for every command must not make the
/// threads wait for each other.
#[derive(Debug)]
pub(crate) struct PerThread<T>(Box<[Padded<T>]>);

/// Two lines of 64 bytes: processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded<T>(T);

thread_local! {
    static THREAD: Cell<usize> = const { Cell::new(0) };
}

/// Says which I/O thread this is; all others count with the first.
pub(crate) fn set_thread(index: usize) {
    THREAD.set(index);
}

impl<T: Default> PerThread<T> {
    pub(crate) fn new(threads: usize) -> PerThread<T> {
        PerThread((0..threads.max(1)).map(|_| Padded::default()).collect())
    }
}

impl<T> PerThread<T> {
    /// That of the calling thread.
    pub(crate) fn own(&self) -> &T {
        &self.0[THREAD.get().min(self.0.len() - 1)].0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|padded| &padded.0)
    }

    /// The sum of one counter.
    pub(crate) fn sum(&self, counter: fn(&T) -> &AtomicU64) -> u64 {
        self.iter().map(|value| counter(value).load(Relaxed)).sum()
    }
}

/// What INFO counts over all commands.
#[derive(Debug)]
pub(crate) struct Stats {
    pub(crate) connections: AtomicU64,
    pub(crate) rejected_connections: AtomicU64,
    pub(crate) traffic: PerThread<Traffic>,
    pub(crate) errors: AtomicU64,
    pub(crate) tls_handshake_failures: AtomicU64,
    pub(crate) error_codes: Mutex<BTreeMap<String, u64>>,
}

/// What goes through a thread.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) commands: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    /// How often sockets were read from, and written to.
    pub(crate) reads: AtomicU64,
    pub(crate) writes: AtomicU64,
}

/// What INFO counts of one command.
#[derive(Debug, Default)]
pub(crate) struct CommandStats {
    pub(crate) rejected: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// How long calls took, in microseconds, and so how many there were. Those that were timed together count as equal.
    pub(crate) times: Histogram,
}

/// More different error codes than this are counted as one.
const CODES_MAX: usize = 128;

impl Stats {
    pub(crate) fn new(threads: usize) -> Stats {
        Stats {
            connections: AtomicU64::new(0),
            rejected_connections: AtomicU64::new(0),
            traffic: PerThread::new(threads),
            errors: AtomicU64::new(0),
            tls_handshake_failures: AtomicU64::new(0),
            error_codes: Mutex::default(),
        }
    }

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
        let counters =
            [&self.connections, &self.rejected_connections, &self.errors, &self.tls_handshake_failures];
        let traffic =
            self.traffic.iter().flat_map(|t| [&t.commands, &t.bytes_in, &t.bytes_out, &t.reads, &t.writes]);
        counters.into_iter().chain(traffic).for_each(|counter| counter.store(0, Relaxed));
        self.error_codes.lock().clear();
    }
}

impl CommandStats {
    pub(crate) fn count(&self, usec: u64, failed: bool) {
        self.count_many(1, usec, u64::from(failed));
    }

    pub(crate) fn count_many(&self, calls: u64, usec: u64, failed: u64) {
        self.times.count(usec, calls);
        if failed > 0 {
            self.failed.fetch_add(failed, Relaxed);
        }
    }

    pub(crate) fn reset(&self) {
        [&self.rejected, &self.failed].iter().for_each(|n| n.store(0, Relaxed));
        self.times.reset();
    }
}
