//! Processes of consumers, and what is done to them.

use super::child::{ORDERS, Orders, add, open};
use super::record::{History, Record};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tempfile::TempDir;

pub(super) struct Fleet {
    dir: TempDir,
    pub(super) orders: Orders,
    pub(super) members: Vec<Member>,
}

pub(super) struct Member {
    pub(super) names: Vec<Option<String>>,
    process: Child,
    /// It ends with this. Waiting for the process would close it.
    _input: Option<ChildStdin>,
}

impl Fleet {
    pub(super) fn new(url: String, streams: Vec<String>, ordered: bool, seed: u64) -> Fleet {
        let dir = tempfile::tempdir().unwrap();
        let (record, log) = (dir.path().join("record"), dir.path().join("log"));
        let orders = Orders { url, streams, names: Vec::new(), ordered, record, log, add: 0, seed };
        Fleet { dir, orders, members: Vec::new() }
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn history(&self) -> History {
        History::read(&self.orders.record)
    }

    /// Starts a process with consumers of these names.
    pub(super) fn hire(&mut self, names: Vec<Option<String>>) {
        let orders = Orders { names: names.clone(), ..self.orders.clone() };
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "fleets::child::child", "--test-threads=1"])
            .env(ORDERS, serde_json::to_string(&orders).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = process.stdin.take();
        self.members.push(Member { names, process, _input: input });
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self, at: usize) -> Member {
        let mut member = self.members.swap_remove(at);
        member.process.kill().unwrap();
        member.process.wait().unwrap();
        member
    }

    /// SIGTERM, and waits for its end.
    pub(super) fn retire(&mut self, at: usize) -> Member {
        let mut member = self.members.swap_remove(at);
        member.signal("-TERM");
        let status = member.process.wait().unwrap();
        // Without a handler yet, the signal itself has ended it.
        assert!(status.success() || status.code().is_none(), "it ended with {status}");
        member
    }

    pub(super) fn retire_all(&mut self) {
        self.members.iter().for_each(|member| member.signal("-TERM"));
        while !self.members.is_empty() {
            self.retire(0);
        }
    }
}

impl Member {
    pub(super) fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Whether this is the name of one of its consumers.
    pub(super) fn has(&self, name: &str) -> bool {
        let made_up = format!("-{}-", self.process.id());
        self.names.iter().any(|own| own.as_deref().map_or_else(|| name.contains(&made_up), |own| own == name))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // A process that is stopped is killed all the same.
        while !self.members.is_empty() {
            self.kill(0);
        }
        if std::thread::panicking() {
            self.dir.disable_cleanup(true);
            println!("what happened lies in {}", self.dir.path().display());
        }
    }
}

/// Somebody who adds entries.
pub(super) struct Adding {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Adding {
    pub(super) fn start(fleet: &Fleet) -> Adding {
        let (stop, orders) = (Arc::<AtomicBool>::default(), fleet.orders.clone());
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let record = Record::open(&orders.record);
                add(&open(&orders.url).await, &record, &orders, 0..usize::MAX, &stopped).await;
            });
        });
        Adding { stop, thread: Some(thread) }
    }

    /// Waits until all that was begun to be added is confirmed.
    pub(super) fn finish(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().expect("it is finished once").join().unwrap();
    }
}

impl Drop for Adding {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
