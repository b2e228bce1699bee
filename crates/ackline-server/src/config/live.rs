//! What the data path reads without a lock.

use super::position;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

/// Copies of the values that are read often; refreshed by every change.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) maxclients: AtomicU64,
    pub(crate) maxmemory: AtomicU64,
    pub(crate) proto_max_bulk_len: AtomicU64,
    pub(crate) client_query_buffer_limit: AtomicU64,
    pub(crate) slowlog_log_slower_than: AtomicI64,
    pub(crate) slowlog_max_len: AtomicU64,
    pub(crate) stream_node_max_entries: AtomicU64,
    pub(crate) stream_node_max_bytes: AtomicU64,
    pub(crate) stream_idmp_duration: AtomicU64,
    pub(crate) stream_idmp_maxsize: AtomicU64,
    pub(crate) protected_mode: AtomicBool,
    /// Seconds after which the system asks a silent peer whether it is there; 0 = never.
    pub(crate) tcp_keepalive: AtomicU64,
    /// Seconds after which an idle client is closed; 0 = never.
    pub(crate) timeout: AtomicU64,
    normal: [AtomicU64; 3],
    pubsub: [AtomicU64; 3],
}

/// How much a client may leave unread; 0 = no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutputLimits {
    pub(crate) hard: u64,
    pub(crate) soft: u64,
    pub(crate) soft_seconds: u64,
}

impl Live {
    /// Takes over the values, which are in the order of the table.
    pub(super) fn refresh(&self, values: &[String]) {
        let value = |name: &str| position(name.as_bytes()).map_or("", |at| values[at].as_str());
        let numbers = [
            ("maxclients", &self.maxclients),
            ("maxmemory", &self.maxmemory),
            ("proto-max-bulk-len", &self.proto_max_bulk_len),
            ("client-query-buffer-limit", &self.client_query_buffer_limit),
            ("slowlog-max-len", &self.slowlog_max_len),
            ("stream-node-max-entries", &self.stream_node_max_entries),
            ("stream-node-max-bytes", &self.stream_node_max_bytes),
            ("stream-idmp-duration", &self.stream_idmp_duration),
            ("stream-idmp-maxsize", &self.stream_idmp_maxsize),
            ("tcp-keepalive", &self.tcp_keepalive),
            ("timeout", &self.timeout),
        ];
        for (name, place) in numbers {
            place.store(value(name).parse().unwrap_or(0), Relaxed);
        }
        self.slowlog_log_slower_than.store(value("slowlog-log-slower-than").parse().unwrap_or(-1), Relaxed);
        self.protected_mode.store(value("protected-mode") == "yes", Relaxed);
        let limits: Vec<u64> =
            value("client-output-buffer-limit").split(' ').filter_map(|word| word.parse().ok()).collect();
        for (at, place) in self.normal.iter().chain(&self.pubsub).enumerate() {
            // Groups of three: normal, slave, pubsub.
            let at = if at < 3 { at } else { at + 3 };
            place.store(limits.get(at).copied().unwrap_or(0), Relaxed);
        }
    }

    /// The limits of a class of clients.
    pub(crate) fn output_limits(&self, pubsub: bool) -> OutputLimits {
        let [hard, soft, soft_seconds] = if pubsub { &self.pubsub } else { &self.normal };
        OutputLimits {
            hard: hard.load(Relaxed),
            soft: soft.load(Relaxed),
            soft_seconds: soft_seconds.load(Relaxed),
        }
    }
}
