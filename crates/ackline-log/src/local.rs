//! The log on a local disk.

use crate::recovery::{self, End};
use crate::segment::{Segment, name};
use crate::storage::{Disk, Storage};
use crate::writer::{Desk, Writer};
use crate::{Durable, Log, LogError, Lsn, SyncMode, frame};
use parking_lot::Mutex;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How a local log works.
#[derive(Clone, Copy, Debug)]
pub struct LocalOptions {
    /// When a batch counts as safe.
    pub sync: SyncMode,
    /// Size of a segment in bytes, at least 4096; a larger frame makes a larger segment.
    pub segment_bytes: u64,
}

impl Default for LocalOptions {
    fn default() -> LocalOptions {
        LocalOptions { sync: SyncMode::Always, segment_bytes: 64 << 20 }
    }
}

/// A log in a directory, which it locks.
pub struct LocalLog {
    desk: Arc<Desk>,
    storage: Arc<dyn Storage>,
    writer: Mutex<Option<JoinHandle<()>>>,
    _lock: Option<File>,
}

/// The file whose lock says that a directory is in use.
const LOCK: &str = "LOCK";
/// How long a lock is waited for, and how often it is tried.
const LOCK_WAIT: Duration = Duration::from_secs(1);
const LOCK_LOOK: Duration = Duration::from_millis(20);

impl LocalLog {
    /// Opens the log of a directory, which is created if there is none, and finds its end.
    pub fn open(dir: &Path, options: LocalOptions) -> Result<LocalLog, LogError> {
        let io = |error| LogError::Io(dir.to_owned(), error);
        fs::create_dir_all(dir).map_err(io)?;
        let lock = File::create(dir.join(LOCK)).map_err(io)?;
        acquire(&lock, dir)?;
        let mut log = LocalLog::on(Arc::new(Disk::new(dir)), options)?;
        log._lock = Some(lock);
        Ok(log)
    }

    /// Opens a log on any storage.
    pub fn on(storage: Arc<dyn Storage>, options: LocalOptions) -> Result<LocalLog, LogError> {
        let path = storage.path("");
        let io = |error| LogError::Io(path.clone(), error);
        let segment_bytes = options.segment_bytes.max(4096);
        recovery::sweep(&*storage).map_err(io)?;
        let end = recovery::scan(&*storage, &mut |_, _| {})?;
        let segment = match end.segment {
            None => Segment::create(&*storage, 0, end.chain, segment_bytes).map_err(io)?,
            Some(_) => reopen(&*storage, &end).map_err(io)?,
        };
        let desk = Arc::new(Desk::new(&end, options.sync));
        let writer = Writer::new(Arc::clone(&desk), Arc::clone(&storage), segment, end.chain, segment_bytes);
        let thread = std::thread::Builder::new().name("log".into());
        let writer = thread.spawn(move || writer.run()).map_err(io)?;
        let log = LocalLog { desk, storage, writer: Mutex::new(Some(writer)), _lock: None };
        log.fence()?;
        Ok(log)
    }
}

/// Locks the directory. A process that was just killed may hold it for another moment.
fn acquire(lock: &File, dir: &Path) -> Result<(), LogError> {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(LOCK_LOOK),
            Err(TryLockError::WouldBlock) => return Err(LogError::Locked(dir.to_owned())),
            Err(TryLockError::Error(error)) => return Err(LogError::Io(dir.to_owned(), error)),
        }
    }
}

/// Goes on where the frames end; a torn tail is made zeros again first.
fn reopen(storage: &dyn Storage, end: &End) -> std::io::Result<Segment> {
    let (header, at, len) = end.segment.expect("only a log with a segment is reopened");
    let file = storage.open(&name(header.index))?;
    if end.torn > 0 {
        let file_name = storage.path(&name(header.index));
        tracing::warn!("{}: {} torn bytes behind byte {at} are cut", file_name.display(), end.torn);
        file.write_at(&vec![0; end.torn as usize], at)?;
        file.sync()?;
    }
    Ok(Segment { file, header, end: at, zeroed: len })
}

impl Log for LocalLog {
    fn append(&self, batch: &[u8]) -> Lsn {
        self.desk.with(|gather| {
            frame::put_batch(&mut gather.frame, batch);
            gather.batches += 1;
            gather.last += 1;
            gather.last
        })
    }

    fn durable(&self) -> &Durable {
        &self.desk.durable
    }

    fn read(&self, after: Lsn, visit: &mut dyn FnMut(Lsn, &[u8])) -> Result<(), LogError> {
        let mut later = |lsn, batch: &[u8]| {
            if lsn > after {
                visit(lsn, batch);
            }
        };
        recovery::scan(&*self.storage, &mut later).map(drop)
    }

    fn truncate(&self, up_to: Lsn) -> Result<(), LogError> {
        let names = recovery::segments(&*self.storage)?;
        for pair in names.windows(2) {
            let (old, next) = (&pair[0].1, &pair[1].1);
            let io = |error| LogError::Io(self.storage.path(old), error);
            let bytes = self.storage.read(next).map_err(io)?;
            let header = crate::segment::Header::decode(&bytes);
            if header.is_none_or(|header| header.chain.lsn > up_to) {
                break;
            }
            self.storage.remove(old).map_err(io)?;
        }
        Ok(())
    }

    fn fence(&self) -> Result<u64, LogError> {
        let wanted = self.desk.with(|gather| {
            gather.fences += 1;
            gather.fences
        });
        let mut fenced = self.desk.fenced.lock();
        while fenced.0 < wanted {
            if self.desk.durable.poisoned() {
                return Err(LogError::Poisoned);
            }
            self.desk.fence_written.wait_for(&mut fenced, std::time::Duration::from_millis(50));
        }
        Ok(fenced.1)
    }

    fn last(&self) -> Lsn {
        self.desk.gather.lock().last
    }

    fn size(&self) -> u64 {
        self.desk.size.load(Ordering::Relaxed)
    }

    fn set_sync(&self, sync: SyncMode) {
        self.desk.with(|gather| gather.sync = sync);
    }

    fn close(&self) -> Result<(), LogError> {
        self.desk.with(|gather| gather.stop = true);
        if let Some(writer) = self.writer.lock().take()
            && writer.join().is_err()
        {
            return Err(LogError::Poisoned);
        }
        match self.desk.durable.poisoned() {
            true => Err(LogError::Poisoned),
            false => Ok(()),
        }
    }
}

impl Drop for LocalLog {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!("the log did not close cleanly: {error}");
        }
    }
}

impl LocalLog {
    /// Where the log is, for messages.
    pub fn path(&self) -> PathBuf {
        self.storage.path("")
    }
}
