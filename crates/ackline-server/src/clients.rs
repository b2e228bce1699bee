//! Every connected client, for CLIENT LIST, CLIENT KILL and statistics.

use crate::acl::User;
use crate::mail::Msg;
use crate::shared::Shared;
use crate::tracking::Mode;
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
    /// The peer is the process itself.
    pub(crate) is_within: bool,
    /// Index of the I/O thread that it is pinned to.
    pub(crate) thread: usize,
    /// Unix ms.
    pub(crate) connected_at: i64,
    /// Unix ms of the last command.
    pub(crate) active_at: AtomicI64,
    pub(crate) commands: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    /// Bytes read and not yet run, and the memory for them.
    pub(crate) query_buffer: AtomicUsize,
    pub(crate) query_room: AtomicUsize,
    /// Bytes of replies not yet sent, and the memory for them.
    pub(crate) output: AtomicUsize,
    pub(crate) output_room: AtomicUsize,
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
            is_within: false,
            thread,
            connected_at: now,
            active_at: now.into(),
            commands: 0.into(),
            bytes_in: 0.into(),
            bytes_out: 0.into(),
            query_buffer: 0.into(),
            query_room: 0.into(),
            output: 0.into(),
            output_room: 0.into(),
            blocked: false.into(),
            details: Details { multi: -1, ..Details::default() }.into(),
            last: Mutex::new("NULL"),
        }
    }
}

impl ClientInfo {
    /// Bytes of memory that the connection takes.
    pub(crate) fn memory(&self, details: &Details) -> usize {
        let texts = self.addr.len() + self.laddr.len();
        let told = details.name.len() + details.lib_name.len() + details.lib_ver.len();
        let buffers = self.query_room.load(Relaxed) + self.output_room.load(Relaxed);
        let fixed = size_of::<ClientInfo>() + size_of::<crate::driver::Connection>();
        fixed + texts + told + buffers + details.multi_memory
    }
}

/// What a client says of itself, and what it is in the middle of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    pub(crate) name: Vec<u8>,
    pub(crate) lib_name: Vec<u8>,
    pub(crate) lib_ver: Vec<u8>,
    /// As whom it acts; `None` before it has said anything.
    pub(crate) user: Option<Arc<User>>,
    pub(crate) db: u32,
    pub(crate) resp3: bool,
    /// Commands queued by MULTI; -1 outside.
    pub(crate) multi: i64,
    /// Bytes of memory of those commands.
    pub(crate) multi_memory: usize,
    pub(crate) watching: usize,
    pub(crate) channels: usize,
    pub(crate) patterns: usize,
    pub(crate) shard_channels: usize,
    pub(crate) monitor: bool,
    pub(crate) no_evict: bool,
    pub(crate) no_touch: bool,
    pub(crate) tracking: Option<Mode>,
    /// Whom it named for tracking is gone.
    pub(crate) redirect_broken: bool,
}

/// All clients, by ID.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    by_id: Mutex<BTreeMap<u64, Arc<ClientInfo>>>,
    /// How many of them the process itself is.
    within: AtomicUsize,
    last_id: AtomicU64,
}

impl Clients {
    /// An ID that no client had before.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Relaxed) + 1
    }

    pub(crate) fn add(&self, info: Arc<ClientInfo>) {
        let mut by_id = self.by_id.lock();
        self.within.fetch_add(usize::from(info.is_within), Relaxed);
        by_id.insert(info.id, info);
    }

    pub(crate) fn remove(&self, id: u64) {
        let mut by_id = self.by_id.lock();
        let gone = by_id.remove(&id);
        self.within.fetch_sub(usize::from(gone.is_some_and(|info| info.is_within)), Relaxed);
    }

    pub(crate) fn get(&self, id: u64) -> Option<Arc<ClientInfo>> {
        self.by_id.lock().get(&id).cloned()
    }

    /// All, by ID.
    pub(crate) fn all(&self) -> Vec<Arc<ClientInfo>> {
        self.by_id.lock().values().cloned().collect()
    }

    /// How many came from outside of the process.
    pub(crate) fn outside(&self) -> usize {
        let by_id = self.by_id.lock();
        by_id.len() - self.within.load(Relaxed)
    }
}

impl Shared {
    /// Closes a client's connection; what it was promised before is not sent any more.
    pub(crate) fn kill(&self, client: &ClientInfo) {
        self.mail(client.thread, Msg::Kill(client.id));
    }
}
