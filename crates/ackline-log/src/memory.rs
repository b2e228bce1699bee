//! A log in memory: for tests, and for servers that keep nothing.

use crate::storage::Storage;
use crate::sync::Mutex;
use crate::{Durable, Log, LogError, Lsn, SyncMode};
use std::sync::Arc;

/// Batches in memory, durable at once as far as this process is concerned.
#[derive(Debug)]
pub struct MemoryLog {
    batches: Mutex<(Lsn, Vec<Vec<u8>>)>,
    durable: Durable,
    keep: bool,
}

impl MemoryLog {
    /// Keeps every batch.
    pub fn new() -> MemoryLog {
        MemoryLog { batches: Mutex::default(), durable: Durable::default(), keep: true }
    }

    /// Counts batches and keeps none.
    pub fn discarding() -> MemoryLog {
        MemoryLog { keep: false, ..MemoryLog::new() }
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
            if self.keep {
                batches.1.push(batch.to_vec());
            }
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
