//! INFO.

use super::connection::REDIS_VERSION;
use super::persistence::saved_at;
use super::{Answer, Entry, Env};
use crate::acl::log::Reason;
use crate::memory::resident;
use crate::pubsub::Kind;
use crate::supervision::Manager;
use ackline_engine::spec::{Arg, Flags};
use ackline_engine::{Args, Error, Reply, Spec};
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

const INFO: Spec = Spec {
    name: "info",
    summary: "Facts and counters of the server, by section.",
    since: "1.0.0",
    group: "server",
    arity: -1,
    flags: Flags::LOADING.and(Flags::STALE),
    acl: &["dangerous"],
    grammar: &[Arg::string("section").optional().many()],
    ..Spec::BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[(&INFO, Some(info))];

type Section = fn(&mut Env<'_, '_>, &mut Lines);

/// Name, whether it is shown by default, and what writes it.
const SECTIONS: &[(&str, bool, Section)] = &[
    ("Server", true, server),
    ("Clients", true, clients),
    ("Memory", true, memory),
    ("Persistence", true, persistence),
    ("Threads", true, threads),
    ("Stats", true, stats),
    ("Replication", true, replication),
    ("CPU", true, cpu),
    ("Hotkeys", true, |_, _| {}),
    ("Modules", true, |_, _| {}),
    ("Commandstats", false, command_stats),
    ("Errorstats", true, error_stats),
    ("Latencystats", false, latency_stats),
    ("Cluster", true, |_, lines| lines.put("cluster_enabled", 0)),
    ("Keyspace", true, keyspace),
    ("Keysizes", true, |_, _| {}),
];

/// The text while it is written.
struct Lines(String);

impl Lines {
    fn put(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{name}:{value}\r\n");
    }
}

fn info(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let wants = |word: &str| args.from(1).iter().any(|arg| arg.eq_ignore_ascii_case(word.as_bytes()));
    let everything = wants("everything") || wants("all");
    let default = args.len() == 1 || wants("default");
    let mut lines = Lines(String::new());
    for (name, by_default, section) in SECTIONS {
        if everything || (default && *by_default) || wants(name) {
            if !lines.0.is_empty() {
                lines.0.push_str("\r\n");
            }
            lines.0.push_str(&format!("# {name}\r\n"));
            section(env, &mut lines);
        }
    }
    Ok(Reply::Verbatim(lines.0).into())
}

fn server(env: &mut Env<'_, '_>, lines: &mut Lines) {
    let up = (ackline::now_ms() - env.shared.started_at) / 1000;
    let exe = std::env::current_exe().map_or_else(|_| String::new(), |path| path.display().to_string());
    lines.put("redis_version", REDIS_VERSION);
    lines.put("server_name", "ackline");
    lines.put("ackline_version", env!("CARGO_PKG_VERSION"));
    lines.put("redis_git_sha1", "00000000");
    lines.put("redis_git_dirty", 0);
    lines.put("redis_build_id", "0000000000000000");
    lines.put("redis_mode", "standalone");
    lines.put("os", format_args!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    lines.put("arch_bits", usize::BITS);
    lines.put("multiplexing_api", "epoll");
    lines.put("process_id", std::process::id());
    lines.put("process_supervised", Manager::name(&env.shared.config));
    lines.put("run_id", &env.shared.run_id);
    lines.put("tcp_port", env.shared.config.int("port"));
    lines.put("server_time_usec", ackline::now_ms() * 1000);
    lines.put("uptime_in_seconds", up);
    lines.put("uptime_in_days", up / 86400);
    lines.put("hz", env.shared.config.int("hz"));
    lines.put("configured_hz", env.shared.config.int("hz"));
    lines.put("executable", exe);
    let file = env.shared.config.file();
    lines.put("config_file", file.map_or_else(String::new, |path| path.display().to_string()));
    lines.put("io_threads_active", i32::from(env.shared.mailboxes().len() > 1));
}

fn clients(env: &mut Env<'_, '_>, lines: &mut Lines) {
    let all = env.shared.clients.all();
    let details: Vec<_> = all.iter().map(|client| client.details.lock().clone()).collect();
    let count = |test: &dyn Fn(&crate::clients::Details) -> bool| details.iter().filter(|d| test(d)).count();
    let (keys, on_nokey, watched) = env.look(|txn| {
        txn.reach().shards().fold((0, 0, 0), |(keys, nokey, watched), shard| {
            let (k, n) = shard.waiters().key_counts();
            (keys + k, nokey + n, watched + shard.waiters().watched())
        })
    });
    // The process's own connections are no clients, as they are none for maxclients.
    lines.put("connected_clients", env.shared.clients.outside());
    lines.put("cluster_connections", 0);
    lines.put("maxclients", env.shared.config.int("maxclients"));
    lines.put("blocked_clients", all.iter().filter(|client| client.blocked.load(Relaxed)).count());
    lines.put("tracking_clients", count(&|d| d.tracking.is_some()));
    lines.put("pubsub_clients", count(&|d| d.channels + d.patterns + d.shard_channels > 0));
    lines.put("watching_clients", count(&|d| d.watching > 0));
    lines.put("clients_in_timeout_table", 0);
    lines.put("total_watched_keys", watched);
    lines.put("total_blocking_keys", keys);
    lines.put("total_blocking_keys_on_nokey", on_nokey);
}

fn human(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit < 4 {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes}B"),
        _ => format!("{value:.2}{}", ["B", "K", "M", "G", "T"][unit]),
    }
}

fn memory(env: &mut Env<'_, '_>, lines: &mut Lines) {
    let (used, rss) = (env.shared.memory.sample(), resident());
    let peak = env.shared.memory.peak();
    for (name, bytes) in [("used_memory", used), ("used_memory_rss", rss), ("used_memory_peak", peak)] {
        lines.put(name, bytes);
        lines.put(&format!("{name}_human"), human(bytes));
    }
    let max = env.shared.config.live().maxmemory.load(Relaxed);
    lines.put("maxmemory", max);
    lines.put("maxmemory_human", human(max));
    lines.put("maxmemory_policy", env.shared.config.string("maxmemory-policy"));
    lines.put("mem_fragmentation_ratio", format_args!("{:.2}", rss as f64 / used.max(1) as f64));
    lines.put("mem_allocator", "jemalloc");
    lines.put("number_of_cached_scripts", 0);
    lines.put("number_of_functions", 0);
}

fn persistence(env: &mut Env<'_, '_>, lines: &mut Lines) {
    let shared = env.shared;
    let log = shared.broker().log();
    let status = shared.broker().checkpoint_status();
    let outcome = if status.failed { "err" } else { "ok" };
    let running = i32::from(status.running);
    let seconds = |none: i64| if status.count > 0 { status.took_ms as i64 / 1000 } else { none };
    lines.put("loading", i32::from(shared.is_loading()));
    lines.put("async_loading", 0);
    if shared.is_loading() {
        loading(env, lines);
    }
    lines.put("rdb_changes_since_last_save", log.last().saturating_sub(status.after));
    lines.put("rdb_bgsave_in_progress", running);
    lines.put("rdb_last_save_time", saved_at(env.shared) / 1000);
    lines.put("rdb_last_bgsave_status", outcome);
    lines.put("rdb_last_bgsave_time_sec", seconds(-1));
    lines.put("rdb_current_bgsave_time_sec", running - 1);
    lines.put("rdb_saves", status.count);
    lines.put("aof_enabled", i32::from(env.shared.broker().keeps_log()));
    lines.put("aof_rewrite_in_progress", running);
    lines.put("aof_rewrite_scheduled", 0);
    lines.put("aof_last_rewrite_time_sec", seconds(-1));
    lines.put("aof_current_rewrite_time_sec", running - 1);
    lines.put("aof_last_bgrewrite_status", outcome);
    let writes = log.durable().poisoned() || log.is_full();
    lines.put("aof_last_write_status", if writes { "err" } else { "ok" });
    lines.put("aof_current_size", log.size());
    lines.put("aof_base_size", status.bytes);
    lines.put("log_first_lsn", log.first());
    lines.put("log_last_lsn", log.last());
    // A log that is not kept calls everything synced, also what is still to come.
    lines.put("log_synced_lsn", log.durable().synced().min(log.last()));
    lines.put("snapshot_lsn", status.after);
}

fn loading(env: &mut Env<'_, '_>, lines: &mut Lines) {
    let progress = &env.shared.progress;
    let (total, done) = (progress.total.load(Relaxed), progress.done.load(Relaxed));
    let part = if total > 0 { done as f64 / total as f64 } else { 0.0 };
    let elapsed = (ackline::now_ms() - env.shared.started_at).max(0) as f64 / 1000.0;
    // What was loaded in the first moments says nothing of the rest, and clients wait as long as they are told.
    let left = if part > 0.0 && elapsed >= 1.0 { elapsed / part - elapsed } else { 1.0 };
    lines.put("loading_start_time", env.shared.started_at / 1000);
    lines.put("loading_total_bytes", total);
    lines.put("loading_rdb_used_mem", 0);
    lines.put("loading_loaded_bytes", done);
    lines.put("loading_loaded_perc", format_args!("{:.2}", part * 100.0));
    lines.put("loading_eta_seconds", left as u64);
}

fn threads(env: &mut Env<'_, '_>, lines: &mut Lines) {
    let all = env.shared.clients.all();
    for thread in 0..env.shared.mailboxes().len() {
        let clients = all.iter().filter(|client| client.thread == thread).count();
        lines.put(&format!("io_thread_{thread}"), format_args!("clients={clients}"));
    }
}

fn stats(env: &mut Env<'_, '_>, lines: &mut Lines) {
    let stats = &env.shared.stats;
    lines.put("total_connections_received", stats.connections.load(Relaxed));
    lines.put("total_commands_processed", stats.traffic.sum(|t| &t.commands));
    let [commands, bytes_in, bytes_out] = env.shared.rates.per_second();
    lines.put("instantaneous_ops_per_sec", commands.round() as u64);
    lines.put("total_net_input_bytes", stats.traffic.sum(|t| &t.bytes_in));
    lines.put("total_net_output_bytes", stats.traffic.sum(|t| &t.bytes_out));
    lines.put("instantaneous_input_kbps", format_args!("{:.2}", bytes_in / 1024.0));
    lines.put("instantaneous_output_kbps", format_args!("{:.2}", bytes_out / 1024.0));
    lines.put("rejected_connections", stats.rejected_connections.load(Relaxed));
    lines.put("expired_keys", env.shared.broker().expired());
    lines.put("evicted_keys", 0);
    lines.put("pubsub_channels", env.shared.pubsub.len(Kind::Channel));
    lines.put("pubsub_patterns", env.shared.pubsub.len(Kind::Pattern));
    lines.put("pubsubshard_channels", env.shared.pubsub.len(Kind::Shard));
    lines.put("total_reads_processed", stats.traffic.sum(|t| &t.reads));
    lines.put("total_writes_processed", stats.traffic.sum(|t| &t.writes));
    let (keys, items, prefixes) = env.shared.tracking.lock().counts();
    lines.put("tracking_total_keys", keys);
    lines.put("tracking_total_items", items);
    lines.put("tracking_total_prefixes", prefixes);
    lines.put("total_error_replies", stats.errors.load(Relaxed));
    let denied = |reason| env.shared.users.log.count(reason);
    lines.put("acl_access_denied_auth", denied(Reason::Auth));
    lines.put("acl_access_denied_cmd", denied(Reason::Command));
    lines.put("acl_access_denied_key", denied(Reason::Key));
    lines.put("acl_access_denied_channel", denied(Reason::Channel));
    lines.put("acl_access_denied_tls_cert", denied(Reason::Certificate));
    lines.put("tls_handshake_failures", stats.tls_handshake_failures.load(Relaxed));
}

fn replication(env: &mut Env<'_, '_>, lines: &mut Lines) {
    lines.put("role", "master");
    lines.put("connected_slaves", 0);
    lines.put("master_failover_state", "no-failover");
    lines.put("master_replid", &env.shared.run_id);
    lines.put("master_replid2", "0".repeat(40));
    lines.put("master_repl_offset", env.shared.broker().log().last());
    lines.put("second_repl_offset", -1);
    lines.put("repl_backlog_active", 0);
    lines.put("repl_backlog_size", 0);
    lines.put("repl_backlog_first_byte_offset", 0);
    lines.put("repl_backlog_histlen", 0);
}

/// User and system time in ticks of a hundredth of a second.
fn cpu(_: &mut Env<'_, '_>, lines: &mut Lines) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = |field: usize| {
        let text = after_name.split_whitespace().nth(field).unwrap_or("0");
        text.parse::<f64>().unwrap_or(0.0) / 100.0
    };
    lines.put("used_cpu_sys", format_args!("{:.6}", ticks(12)));
    lines.put("used_cpu_user", format_args!("{:.6}", ticks(11)));
    lines.put("used_cpu_sys_children", "0.000000");
    lines.put("used_cpu_user_children", "0.000000");
}

fn command_stats(env: &mut Env<'_, '_>, lines: &mut Lines) {
    let mut rows: Vec<_> = env.shared.rows.iter().collect();
    rows.sort_by_key(|(name, _)| **name);
    for (name, row) in rows {
        let stats = &row.stats;
        let (calls, usec) = row.calls();
        let (rejected, failed) = (stats.sum(|s| &s.rejected), stats.sum(|s| &s.failed));
        if calls + rejected > 0 {
            let mean = usec as f64 / calls.max(1) as f64;
            let text = format!(
                "calls={calls},usec={usec},usec_per_call={mean:.2},rejected_calls={rejected},failed_calls={failed}"
            );
            lines.put(&format!("cmdstat_{name}"), text);
        }
    }
}

/// The percentiles that Redis shows if it is not told others. Times are known up to a power of two, and the greater one is told.
fn latency_stats(env: &mut Env<'_, '_>, lines: &mut Lines) {
    let mut rows: Vec<_> = env.shared.rows.iter().collect();
    rows.sort_by_key(|(name, _)| **name);
    for (name, row) in rows {
        let times = row.times();
        let at = |share| percentile(&times, share);
        if let (Some(half), Some(most), Some(nearly_all)) = (at(0.5), at(0.99), at(0.999)) {
            let text = format!("p50={half}.000,p99={most}.000,p99.9={nearly_all}.000");
            lines.put(&format!("latency_percentiles_usec_{name}"), text);
        }
    }
}

/// The bound that such a share of the calls kept, out of bounds and the calls between them; `None` without calls.
fn percentile(times: &[(u64, u64)], share: f64) -> Option<u64> {
    let calls: u64 = times.iter().map(|(_, count)| count).sum();
    let wanted = ((calls as f64 * share).ceil() as u64).max(1);
    let mut seen = 0;
    let reached = times.iter().find(|(_, count)| {
        seen += count;
        seen >= wanted
    });
    reached.map(|(bound, _)| *bound)
}

fn error_stats(env: &mut Env<'_, '_>, lines: &mut Lines) {
    for (code, count) in &*env.shared.stats.error_codes.lock() {
        lines.put(&format!("errorstat_{code}"), format_args!("count={count}"));
    }
}

fn keyspace(env: &mut Env<'_, '_>, lines: &mut Lines) {
    let databases = env.shared.broker().databases() as usize;
    let counts: Vec<(usize, usize)> = env.look(|txn| {
        let total = |db: usize, of: fn(&ackline_engine::state::Db) -> usize| {
            txn.reach().shards().map(|shard| of(&shard.dbs()[db])).sum()
        };
        (0..databases).map(|db| (total(db, |db| db.len()), total(db, |db| db.expiring()))).collect()
    });
    for (db, (keys, expires)) in counts.into_iter().enumerate().filter(|(_, (keys, _))| *keys > 0) {
        lines.put(&format!("db{db}"), format_args!("keys={keys},expires={expires},avg_ttl=0,subexpiry=0"));
    }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn a_percentile_is_the_bound_of_its_bucket() {
        let times = [(1, 0), (2, 98), (4, 1), (8, 0), (16, 1)];
        let found = [0.5, 0.98, 0.99, 0.999].map(|share| percentile(&times, share));
        assert_eq!(found, [Some(2), Some(2), Some(4), Some(16)]);
        assert_eq!(percentile(&[(1, 0), (2, 0)], 0.5), None);
    }
}
