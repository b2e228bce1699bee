//! The few file operations that the log needs, so that tests can put faults behind them.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// An open file.
pub trait StorageFile: Send + Sync {
    /// Writes all bytes at a position.
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Reads up to so many bytes from a position; fewer at the end of the file alone.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;
    /// Claims room for so many bytes, or fails at once.
    fn reserve(&self, len: u64) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync(&self) -> io::Result<()>;
}

/// A directory of files.
pub trait Storage: Send + Sync {
    /// Opens a file, which is created if there is none.
    fn open(&self, name: &str) -> io::Result<Arc<dyn StorageFile>>;
    /// The whole content of a file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Bytes of a file.
    fn size(&self, name: &str) -> io::Result<u64>;
    /// Gives a file its final name, durably. An open file stays open.
    fn publish(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file, durably; no error if there is none.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Where a file is, for messages.
    fn path(&self, name: &str) -> PathBuf;
}

/// Whether an error says that there is no room left.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A directory on a local disk.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
}

impl Disk {
    /// A directory that exists.
    pub fn new(dir: &Path) -> Disk {
        Disk { dir: dir.to_owned() }
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }
}

struct DiskFile(File);

impl StorageFile for DiskFile {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        read_at(&self.0, bytes, at)
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        match rustix::fs::fallocate(&self.0, rustix::fs::FallocateFlags::empty(), 0, len) {
            // Not every file system can; the zeros that follow find out as well.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
            done => Ok(done?),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Reads until the bytes are filled or the file ends.
pub(crate) fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], at + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

impl Storage for Disk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let path = self.dir.join(name);
        Ok(Arc::new(DiskFile(open_private(&path)?)))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.dir.join(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let names =
            fs::read_dir(&self.dir)?.map(|entry| entry.map(|e| e.file_name().to_string_lossy().into_owned()));
        names.collect()
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.dir.join(name))?.len())
    }

    fn publish(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.dir.join(from), self.dir.join(to))?;
        self.sync_dir()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let (path, gone) = (self.dir.join(name), self.dir.join(format!("{name}.gone.tmp")));
        match fs::rename(path, &gone) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        self.sync_dir()?;
        shrink(&gone)?;
        fs::remove_file(gone)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// A file to be read and written. A new one is its owner's alone: what is in it is in no way encrypted.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Bytes of a file that are given back at once.
const SHRINK: u64 = 2 << 20;

/// Gives a large file back bit by bit. On a file system that discards freed blocks (mount option `discard`) whoever syncs
/// meanwhile waits for the discard: 140 ms were seen for 110 MB at once.
fn shrink(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    let mut len = file.metadata()?.len();
    while len > SHRINK {
        len -= SHRINK;
        let start = Instant::now();
        file.set_len(len)?;
        file.sync_all()?;
        // The disk is the others' for three quarters of the time.
        std::thread::sleep(start.elapsed() * 3);
    }
    Ok(())
}
