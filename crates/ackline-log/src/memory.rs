//! Logs that touch no disk: in memory, for tests, and none at all, for servers that keep nothing.

use crate::storage::Storage;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::{Durable, Log, LogError, Lsn, SyncMode};
use std::sync::Arc;

/// Batches in memory, durable at once as far as this process is concerned.
#[derive(Debug)]
pub struct MemoryLog {
    batches: Mutex<(Lsn, Vec<Vec<u8>>)>,
    durable: Durable,
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> MemoryLog {
        MemoryLog { batches: Mutex::default(), durable: Durable::default() }
    }
}

impl Default for MemoryLog {
    fn default() -> MemoryLog {
        MemoryLog::new()
    }
}

impl Log for MemoryLog {
    fn append(&self, batch: &[u8]) -> Lsn {
        let lsn = {
            let mut batches = self.batches.lock();
            batches.0 += 1;
            batches.1.push(batch.to_vec());
            batches.0
        };
        self.durable.advance(lsn, lsn);
        lsn
    }

    fn durable(&self) -> &Durable {
        &self.durable
    }

    fn read(&self, after: Lsn, visit: &mut dyn FnMut(Lsn, &[u8])) -> Result<(), LogError> {
        let batches = self.batches.lock();
        let first = batches.0 - batches.1.len() as u64;
        for (lsn, batch) in (first + 1..).zip(&batches.1).filter(|(lsn, _)| *lsn > after) {
            visit(lsn, batch);
        }
        Ok(())
    }

    fn truncate(&self, up_to: Lsn) -> Result<(), LogError> {
        let mut batches = self.batches.lock();
        let first = batches.0 - batches.1.len() as u64;
        let gone = up_to.saturating_sub(first).min(batches.1.len() as u64);
        batches.1.drain(..gone as usize);
        Ok(())
    }

    fn fence(&self) -> Result<u64, LogError> {
        Ok(self.last())
    }

    fn sync(&self, _: Lsn) {}

    fn first(&self) -> Lsn {
        let batches = self.batches.lock();
        batches.0 - batches.1.len() as u64
    }

    fn is_full(&self) -> bool {
        false
    }

    fn storage(&self) -> Option<&Arc<dyn Storage>> {
        None
    }

    fn last(&self) -> Lsn {
        self.batches.lock().0
    }

    fn size(&self) -> u64 {
        0
    }

    fn set_sync(&self, _: SyncMode) {}

    fn close(&self) -> Result<(), LogError> {
        Ok(())
    }
}

/// Counts batches and keeps none: nobody waits for it.
#[derive(Debug)]
pub struct NoLog {
    last: AtomicU64,
    durable: Durable,
}

impl NoLog {
    /// An empty log.
    pub fn new() -> NoLog {
        let durable = Durable::default();
        durable.advance(Lsn::MAX, Lsn::MAX);
        NoLog { last: AtomicU64::new(0), durable }
    }
}

impl Default for NoLog {
    fn default() -> NoLog {
        NoLog::new()
    }
}

impl Log for NoLog {
    fn append(&self, _: &[u8]) -> Lsn {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn durable(&self) -> &Durable {
        &self.durable
    }

    fn read(&self, _: Lsn, _: &mut dyn FnMut(Lsn, &[u8])) -> Result<(), LogError> {
        Ok(())
    }

    fn truncate(&self, _: Lsn) -> Result<(), LogError> {
        Ok(())
    }

    fn fence(&self) -> Result<u64, LogError> {
        Ok(self.last())
    }

    fn sync(&self, _: Lsn) {}

    fn first(&self) -> Lsn {
        self.last()
    }

    fn last(&self) -> Lsn {
        self.last.load(Ordering::Relaxed)
    }

    fn is_full(&self) -> bool {
        false
    }

    fn storage(&self) -> Option<&Arc<dyn Storage>> {
        None
    }

    fn size(&self) -> u64 {
        0
    }

    fn set_sync(&self, _: SyncMode) {}

    fn close(&self) -> Result<(), LogError> {
        Ok(())
    }
}
