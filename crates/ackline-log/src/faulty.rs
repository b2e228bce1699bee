//! A disk in memory that fails on demand and forgets, when the power is cut, what disks may forget.
//!
//! ```text
//! file   bytes as programs see them | bytes as of the last sync | writes since then
//! cut    from the synced bytes: of each later write, each 512-byte sector made it or did not, in any order
//! ```

use crate::storage::{Storage, StorageFile};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

const SECTOR: usize = 512;

#[derive(Clone, Default)]
struct Content {
    seen: Vec<u8>,
    synced: Vec<u8>,
    /// Places and bytes, in order.
    unsynced: Vec<(usize, Vec<u8>)>,
    /// Its name is on the disk.
    named: bool,
}

type File = Arc<Mutex<Content>>;

/// The disk. Clones share it.
#[derive(Clone)]
pub struct FaultyDisk {
    files: Arc<Mutex<BTreeMap<String, File>>>,
    /// Writes and syncs until one fails, and each after it; negative: none does.
    pub calls_left: Arc<AtomicI64>,
    /// Bytes that it can hold.
    pub capacity: Arc<AtomicU64>,
    /// Syncs so far.
    pub syncs: Arc<AtomicU64>,
}

impl Default for FaultyDisk {
    fn default() -> FaultyDisk {
        FaultyDisk {
            files: Arc::default(),
            calls_left: Arc::new(AtomicI64::new(-1)),
            capacity: Arc::new(AtomicU64::new(u64::MAX)),
            syncs: Arc::default(),
        }
    }
}

/// What becomes of a sector when the power is cut.
pub type Fate<'a> = &'a mut dyn FnMut() -> bool;

impl FaultyDisk {
    /// An empty disk without faults.
    pub fn new() -> FaultyDisk {
        FaultyDisk::default()
    }

    /// Puts a file on the disk, synced.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let content =
            Content { seen: bytes.to_vec(), synced: bytes.to_vec(), unsynced: Vec::new(), named: true };
        self.files.lock().insert(name.to_owned(), Arc::new(Mutex::new(content)));
    }

    /// A copy of the disk as programs see it now.
    pub fn copy(&self) -> FaultyDisk {
        let disk = FaultyDisk::new();
        self.files.lock().iter().for_each(|(name, file)| disk.put(name, &file.lock().seen));
        disk
    }

    /// What is left when the power is cut. `keep` decides for each sector that was written and not synced, and for each
    /// file that was created and not published.
    pub fn after_power_cut(&self, keep: Fate<'_>) -> FaultyDisk {
        let disk = FaultyDisk::new();
        for (name, file) in &*self.files.lock() {
            let content = file.lock();
            if content.named || keep() {
                disk.put(name, &content.after_power_cut(keep));
            }
        }
        disk
    }

    /// Changes one byte of a file behind everybody's back.
    pub fn flip(&self, name: &str, at: usize, bits: u8) {
        if let Some(file) = self.files.lock().get(name)
            && let Some(byte) = file.lock().seen.get_mut(at)
        {
            *byte ^= bits;
        }
    }

    /// Cuts a file.
    pub fn truncate(&self, name: &str, len: usize) {
        if let Some(file) = self.files.lock().get(name) {
            file.lock().seen.truncate(len);
        }
    }

    fn step(&self) -> io::Result<()> {
        match self.calls_left.load(Ordering::SeqCst) {
            0 => return Err(io::Error::other("the disk fails")),
            n if n > 0 => drop(self.calls_left.fetch_sub(1, Ordering::SeqCst)),
            _ => {}
        }
        Ok(())
    }

    /// Refuses to hold more than the disk can when a file grows.
    fn grow(&self, name: &File, to: usize) -> io::Result<()> {
        let files = self.files.lock();
        let others = files.values().filter(|file| !Arc::ptr_eq(file, name));
        let used: u64 = others.map(|file| file.lock().seen.len() as u64).sum();
        let mut content = name.lock();
        if to <= content.seen.len() {
            return Ok(());
        }
        if used + to as u64 > self.capacity.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        content.seen.resize(to, 0);
        Ok(())
    }
}

impl Content {
    fn after_power_cut(&self, keep: Fate<'_>) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for (at, written) in &self.unsynced {
            let mut from = 0;
            while from < written.len() {
                let until = (((at + from) / SECTOR + 1) * SECTOR - at).min(written.len());
                if keep() {
                    let end = at + until;
                    bytes.resize(bytes.len().max(end), 0);
                    bytes[at + from..end].copy_from_slice(&written[from..until]);
                }
                from = until;
            }
        }
        bytes
    }
}

struct OpenFile {
    disk: FaultyDisk,
    file: File,
}

impl StorageFile for OpenFile {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.step()?;
        let (at, end) = (at as usize, at as usize + bytes.len());
        self.disk.grow(&self.file, end)?;
        let mut content = self.file.lock();
        content.seen[at..end].copy_from_slice(bytes);
        content.unsynced.push((at, bytes.to_vec()));
        Ok(())
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let content = self.file.lock();
        let rest = content.seen.get(at as usize..).unwrap_or(&[]);
        let len = rest.len().min(bytes.len());
        bytes[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }

    fn reserve(&self, len: u64) -> io::Result<()> {
        self.disk.step()?;
        self.disk.grow(&self.file, len as usize)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.step()?;
        self.disk.syncs.fetch_add(1, Ordering::SeqCst);
        let mut content = self.file.lock();
        let writes = std::mem::take(&mut content.unsynced);
        let len = content.seen.len();
        content.synced.resize(len, 0);
        for (at, bytes) in writes {
            content.synced[at..at + bytes.len()].copy_from_slice(&bytes);
        }
        Ok(())
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Storage for FaultyDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        let file = Arc::clone(self.files.lock().entry(name.to_owned()).or_default());
        Ok(Arc::new(OpenFile { disk: self.clone(), file }))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = self.files.lock().get(name).cloned().ok_or_else(missing)?;
        let bytes = file.lock().seen.clone();
        Ok(bytes)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files.lock().keys().cloned().collect())
    }

    fn size(&self, name: &str) -> io::Result<u64> {
        Ok(self.read(name)?.len() as u64)
    }

    fn publish(&self, from: &str, to: &str) -> io::Result<()> {
        self.step()?;
        let mut files = self.files.lock();
        let file = files.remove(from).ok_or_else(missing)?;
        file.lock().named = true;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step()?;
        self.files.lock().remove(name);
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}
