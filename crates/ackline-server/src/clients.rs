//! Every connected client, for CLIENT LIST, CLIENT KILL and statistics.

use crate::mail::Msg;
use crate::shared::Shared;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// A client, as others see it. Its own thread writes; anybody reads.
#[derive(Debug)]
pub(crate) struct ClientInfo {
    pub(crate) id: u64,
    /// `ip:port` of the peer, or the path of the socket.
    pub(crate) addr: String,
    pub(crate) laddr: String,
    pub(crate) fd: i32,
    /// Index of the I/O thread that it is pinned to.
    pub(crate) thread: usize,
    /// Unix ms.
    pub(crate) connected_at: i64,
    /// Unix ms of the last command.
    pub(crate) active_at: AtomicI64,
    pub(crate) commands: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) query_buffer: AtomicUsize,
    pub(crate) output: AtomicUsize,
    pub(crate) blocked: AtomicBool,
    /// What changes rarely.
    pub(crate) details: Mutex<Details>,
    /// The last command's name.
    pub(crate) last: Mutex<&'static str>,
}

impl ClientInfo {
    /// A client that has just connected.
    pub(crate) fn new(id: u64, (addr, laddr): (String, String), fd: i32, thread: usize) -> ClientInfo {
        let now = ackline::now_ms();
        ClientInfo {
            id,
            addr,
            laddr,
            fd,
            thread,
            connected_at: now,
            active_at: now.into(),
            commands: 0.into(),
            bytes_in: 0.into(),
            bytes_out: 0.into(),
            query_buffer: 0.into(),
            output: 0.into(),
            blocked: false.into(),
            details: Details { multi: -1, ..Details::default() }.into(),
            last: Mutex::new("NULL"),
        }
    }
}

/// What a client says of itself, and what it is in the middle of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    pub(crate) name: Vec<u8>,
    pub(crate) lib_name: Vec<u8>,
    pub(crate) lib_ver: Vec<u8>,
    pub(crate) db: u32,
    pub(crate) resp3: bool,
    /// Commands queued by MULTI; -1 outside.
    pub(crate) multi: i64,
    pub(crate) watching: usize,
    pub(crate) channels: usize,
    pub(crate) patterns: usize,
    pub(crate) shard_channels: usize,
    pub(crate) monitor: bool,
    pub(crate) no_evict: bool,
    pub(crate) no_touch: bool,
}

/// All clients, by ID.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    by_id: Mutex<BTreeMap<u64, Arc<ClientInfo>>>,
    last_id: AtomicU64,
}

impl Clients {
    /// An ID that no client had before.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Relaxed) + 1
    }

    pub(crate) fn add(&self, info: Arc<ClientInfo>) {
        self.by_id.lock().insert(info.id, info);
    }

    pub(crate) fn remove(&self, id: u64) {
        self.by_id.lock().remove(&id);
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<ClientInfo>> {
        self.by_id.lock().get(&id).cloned()
    }

    /// All, by ID.
    pub(crate) fn all(&self) -> Vec<Arc<ClientInfo>> {
        self.by_id.lock().values().cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.lock().len()
    }
}

impl Shared {
    /// Closes a client's connection; what it was promised before is not sent any more.
    pub(crate) fn kill(&self, client: &ClientInfo) {
        self.mail(client.thread, Msg::Kill(client.id));
    }
}
