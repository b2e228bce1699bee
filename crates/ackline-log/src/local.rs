//! The log on a local disk.

use crate::desk::Desk;
use crate::recovery::{self, Contents, Found};
use crate::segment::{Segment, Spare, name, next_size};
use crate::storage::{Disk, Storage, open_private};
use crate::sync::atomic::Ordering;
use crate::sync::thread::{self, JoinHandle};
use crate::sync::{Instant, Mutex};
use crate::writer::{self, Writer};
use crate::{Durable, Log, LogError, Lsn, SyncMode};
use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How a local log works.
#[derive(Clone, Copy, Debug)]
pub struct LocalOptions {
    /// When a batch counts as safe.
    pub sync: SyncMode,
    /// Largest size of a segment in bytes, at least 4096; a larger frame makes a larger segment.
    pub segment_bytes: u64,
    /// No threads: nothing is written but by [`Log::step`]. For simulations.
    pub by_hand: bool,
    /// Where salts come from; `None` = chance.
    pub seed: Option<u32>,
}

impl Default for LocalOptions {
    fn default() -> LocalOptions {
        LocalOptions { sync: SyncMode::Always, segment_bytes: 64 << 20, by_hand: false, seed: None }
    }
}

impl LocalOptions {
    /// The salt of a segment, so that a file system that hands out old blocks hands out no frames.
    pub(crate) fn salt(&self, index: u64) -> u32 {
        use std::hash::BuildHasher;
        match self.seed {
            Some(seed) => seed ^ (index as u32).wrapping_mul(0x9e37_79b9),
            None => std::collections::hash_map::RandomState::new().hash_one(index) as u32,
        }
    }
}

/// A directory that belongs to this process for as long as the value lives, or the log in it is open.
pub struct Directory {
    storage: Arc<dyn Storage>,
    lock: Mutex<Option<File>>,
}

/// The file whose lock says that a directory is in use.
pub(crate) const LOCK: &str = "LOCK";
/// How long a lock is waited for, and how often it is tried.
const LOCK_WAIT: Duration = Duration::from_secs(1);
const LOCK_LOOK: Duration = Duration::from_millis(20);

impl Directory {
    /// Locks a directory, which is created if there is none.
    pub fn open(dir: &Path) -> Result<Directory, LogError> {
        let io = |error| LogError::Io(dir.to_owned(), error);
        create(dir).map_err(io)?;
        let lock = open_private(&dir.join(LOCK)).map_err(io)?;
        acquire(&lock, dir)?;
        Ok(Directory { storage: Arc::new(Disk::new(dir)), lock: Mutex::new(Some(lock)) })
    }

    /// Any storage, which nobody else uses.
    pub fn on(storage: Arc<dyn Storage>) -> Directory {
        Directory { storage, lock: Mutex::new(None) }
    }

    /// Its files.
    pub fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Whether it holds a log.
    pub fn holds_log(&self) -> Result<bool, LogError> {
        Ok(!recovery::segments(&*self.storage)?.is_empty())
    }
}

/// Creates a directory whose name is durable, too. A new one is its owner's alone.
fn create(dir: &Path) -> std::io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// Locks the directory. A process that was just killed may hold it for another moment.
fn acquire(lock: &File, dir: &Path) -> Result<(), LogError> {
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(LOCK_LOOK),
            Err(TryLockError::WouldBlock) => return Err(LogError::Locked(dir.to_owned())),
            Err(TryLockError::Error(error)) => return Err(LogError::Io(dir.to_owned(), error)),
        }
    }
}

/// A log in a directory.
pub struct LocalLog {
    desk: Arc<Desk>,
    directory: Directory,
    writer: Arc<Mutex<Writer>>,
    /// None if the log is driven by hand, or closed.
    thread: Mutex<Option<JoinHandle<()>>>,
    by_hand: bool,
}

impl LocalLog {
    /// Opens the log of a directory and finds its end. `visit` gets every batch that is kept, with its position.
    pub fn open(
        directory: Directory,
        options: LocalOptions,
        visit: &mut dyn FnMut(Lsn, &[u8]),
    ) -> Result<LocalLog, LogError> {
        let options = LocalOptions { segment_bytes: options.segment_bytes.max(4096), ..options };
        let storage = Arc::clone(&directory.storage);
        let path = storage.path("");
        let io = |error| LogError::Io(path.clone(), error);
        recovery::sweep(&*storage).map_err(io)?;
        let mut contents = recovery::scan(&*storage, visit)?;
        let segment = match contents.segments.last() {
            Some(found) => reopen(&*storage, found).map_err(io)?,
            None => {
                let size = next_size(0, options.segment_bytes);
                let spare = Spare::prepare(&*storage, size).map_err(io)?;
                let segment = spare.publish(&*storage, 0, contents.chain, options.salt(0)).map_err(io)?;
                let (header, end) = (segment.header, segment.end);
                contents.segments.push(Found { header, end, len: size, torn: 0 });
                segment
            }
        };
        LocalLog::start(directory, options, &contents, segment).and_then(|log| log.fence().map(|_| log))
    }

    fn start(
        directory: Directory,
        options: LocalOptions,
        contents: &Contents,
        segment: Segment,
    ) -> Result<LocalLog, LogError> {
        let storage = Arc::clone(&directory.storage);
        let io = |error| LogError::Io(directory.storage.path(""), error);
        let desk = Arc::new(Desk::new(contents, options.sync));
        let writer = Writer::new(Arc::clone(&desk), storage, segment, contents.chain, options);
        let writer = Arc::new(Mutex::new(writer));
        let thread = match options.by_hand {
            true => None,
            false => {
                let (writer, desk) = (Arc::clone(&writer), Arc::clone(&desk));
                let thread = thread::Builder::new().name("log".into());
                Some(thread.spawn(move || writer::run(&writer, &desk)).map_err(io)?)
            }
        };
        Ok(LocalLog { desk, directory, writer, thread: Mutex::new(thread), by_hand: options.by_hand })
    }

    /// Where the log is, for messages.
    pub fn path(&self) -> PathBuf {
        self.directory.storage.path("")
    }
}

/// Goes on where the frames end; a torn tail is made zeros again first.
fn reopen(storage: &dyn Storage, found: &Found) -> std::io::Result<Segment> {
    let name = name(found.header.index);
    let file = storage.open(&name)?;
    if found.torn > 0 {
        let path = storage.path(&name);
        tracing::warn!("{}: {} torn bytes behind byte {} are cut", path.display(), found.torn, found.end);
        file.write_at(&vec![0; found.torn as usize], found.end)?;
    }
    // What was found may never have been synced: it must not be lost after it was seen.
    file.sync()?;
    Ok(Segment { file, header: found.header, end: found.end, synced: found.end, size: found.len })
}

impl Log for LocalLog {
    fn append(&self, batch: &[u8]) -> Lsn {
        self.desk.with(|gather| gather.add(batch))
    }

    fn gather(&self, batch: &[u8]) -> Lsn {
        self.desk.gather(batch)
    }

    fn flush(&self) {
        if self.by_hand || !self.desk.waits_for_flush() {
            return;
        }
        // Whoever has the writer may have taken what gathered before this came: the thread looks again.
        if !self.writer.try_lock().is_some_and(|mut writer| writer.flush()) {
            self.desk.nudge();
        }
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
        recovery::scan(&*self.directory.storage, &mut later).map(drop)
    }

    fn truncate(&self, up_to: Lsn) -> Result<(), LogError> {
        loop {
            let mut segments = self.desk.segments.lock();
            if segments.get(1).is_none_or(|second| second.lsn > up_to) {
                return Ok(());
            }
            let Some(oldest) = segments.pop_front() else { return Ok(()) };
            drop(segments);
            let (storage, name) = (&self.directory.storage, name(oldest.index));
            storage.remove(&name).map_err(|error| LogError::Io(storage.path(&name), error))?;
        }
    }

    fn fence(&self) -> Result<u64, LogError> {
        let wanted = self.desk.with(|gather| {
            gather.fences += 1;
            gather.fences
        });
        self.step(false);
        let mut fenced = self.desk.fenced.lock();
        while fenced.0 < wanted {
            if self.desk.durable.poisoned() {
                return Err(LogError::Poisoned);
            }
            self.desk.fence_written.wait_for(&mut fenced, Duration::from_millis(50));
        }
        Ok(fenced.1)
    }

    fn sync(&self, up_to: Lsn) {
        self.desk.with(|gather| gather.sync_to = gather.sync_to.max(up_to.min(gather.last)));
        self.step(false);
    }

    fn first(&self) -> Lsn {
        self.desk.segments.lock().front().map_or(0, |oldest| oldest.lsn)
    }

    fn last(&self) -> Lsn {
        self.desk.gather.lock().last
    }

    fn size(&self) -> u64 {
        self.desk.segments.lock().iter().map(|kept| kept.size).sum()
    }

    fn is_full(&self) -> bool {
        self.desk.full.load(Ordering::Relaxed)
    }

    fn storage(&self) -> Option<&Arc<dyn Storage>> {
        Some(&self.directory.storage)
    }

    fn set_sync(&self, sync: SyncMode) {
        self.desk.with(|gather| gather.sync = sync);
    }

    fn step(&self, second: bool) {
        if self.by_hand {
            self.writer.lock().step(second);
        }
    }

    fn close(&self) -> Result<(), LogError> {
        self.desk.with(|gather| gather.stop = true);
        self.step(false);
        let thread = self.thread.lock().take();
        let failed = thread.is_some_and(|thread| thread.join().is_err());
        self.writer.lock().finish_preparing();
        self.desk.durable.end();
        self.directory.lock.lock().take();
        if failed {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_new_is_its_owners_alone() {
        let parent = tempfile::tempdir().expect("a directory");
        let dir = parent.path().join("data");
        let directory = Directory::open(&dir).expect("opened");
        directory.storage().open("file").expect("opened");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!([mode(&dir), mode(&dir.join(LOCK)), mode(&dir.join("file"))], [0o700, 0o600, 0o600]);
        // What somebody wants to be otherwise stays otherwise.
        fs::set_permissions(dir.join("file"), fs::Permissions::from_mode(0o640)).expect("changed");
        directory.storage().open("file").expect("opened");
        assert_eq!(mode(&dir.join("file")), 0o640);
    }
}
