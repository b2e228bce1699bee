//! A disk in memory: it can be copied at any moment, fail on demand, and forget what was not synced.

use ackline_log::storage::{Storage, StorageFile};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Content {
    written: Vec<u8>,
    synced: Vec<u8>,
}

type Files = Arc<Mutex<BTreeMap<String, Content>>>;

/// The disk. Clones share it.
#[derive(Clone)]
pub(crate) struct MemoryDisk {
    files: Files,
    /// Writes and syncs until one fails; negative: none does.
    pub(crate) calls_left: Arc<AtomicI64>,
}

impl MemoryDisk {
    pub(crate) fn new() -> MemoryDisk {
        MemoryDisk { files: Files::default(), calls_left: Arc::new(AtomicI64::new(-1)) }
    }

    /// A disk with one file.
    pub(crate) fn with(name: &str, bytes: &[u8]) -> MemoryDisk {
        let disk = MemoryDisk::new();
        let content = Content { written: bytes.to_vec(), synced: bytes.to_vec() };
        disk.files.lock().unwrap().insert(name.to_owned(), content);
        disk
    }

    /// What a power cut leaves: everything synced and nothing else.
    pub(crate) fn after_power_cut(&self) -> MemoryDisk {
        let disk = MemoryDisk::new();
        for (name, content) in &*self.files.lock().unwrap() {
            let kept = Content { written: content.synced.clone(), synced: content.synced.clone() };
            disk.files.lock().unwrap().insert(name.clone(), kept);
        }
        disk
    }

    /// The only segment.
    pub(crate) fn segment(&self) -> (String, Vec<u8>) {
        let files = self.files.lock().unwrap();
        let (name, content) = files.iter().next().unwrap();
        (name.clone(), content.written.clone())
    }

    fn step(&self) -> io::Result<()> {
        match self.calls_left.fetch_sub(1, Ordering::SeqCst) {
            0 => Err(io::Error::other("the disk fails")),
            _ => Ok(()),
        }
    }
}

struct OpenFile {
    disk: MemoryDisk,
    name: Mutex<String>,
}

impl OpenFile {
    fn with<R>(&self, run: impl FnOnce(&mut Content) -> R) -> R {
        let mut files = self.disk.files.lock().unwrap();
        let mut name = self.name.lock().unwrap();
        if !files.contains_key(&*name) {
            // It was renamed from its temporary name.
            *name = name.trim_end_matches(".tmp").to_owned();
        }
        run(files.get_mut(&*name).unwrap())
    }
}

impl StorageFile for OpenFile {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.step()?;
        self.with(|content| {
            let end = at as usize + bytes.len();
            if content.written.len() < end {
                content.written.resize(end, 0);
            }
            content.written[at as usize..end].copy_from_slice(bytes);
        });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.step()?;
        self.with(|content| content.synced = content.written.clone());
        Ok(())
    }
}

impl Storage for MemoryDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn StorageFile>> {
        self.files.lock().unwrap().entry(name.to_owned()).or_default();
        Ok(Arc::new(OpenFile { disk: self.clone(), name: Mutex::new(name.to_owned()) }))
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(self.files.lock().unwrap()[name].written.clone())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files.lock().unwrap().keys().cloned().collect())
    }

    fn publish(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files.lock().unwrap();
        let content = files.remove(from).unwrap();
        files.insert(to.to_owned(), content);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files.lock().unwrap().remove(name);
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(name)
    }
}
