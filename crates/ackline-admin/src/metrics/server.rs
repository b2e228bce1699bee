//! The server itself.

use super::family::{Families, Labels, Value};
use crate::client::{Client, Error};
use crate::reply::text;
use ackline_server::{Handle, Observation};
use std::collections::HashMap;

/// Fields of INFO as gauges: the field, our name, that of redis_exporter, and what it is.
const GAUGES: &[(&str, &str, &str, &str)] = &[
    ("uptime_in_seconds", "ackline_uptime_seconds", "redis_uptime_in_seconds", "Seconds since the start."),
    ("connected_clients", "ackline_clients", "redis_connected_clients", "Connected clients."),
    (
        "blocked_clients",
        "ackline_blocked_clients",
        "redis_blocked_clients",
        "Clients that wait in a blocking command.",
    ),
    ("maxclients", "ackline_clients_max", "redis_config_maxclients", "So many clients may connect."),
    (
        "used_memory",
        "ackline_memory_bytes",
        "redis_memory_used_bytes",
        "Bytes that the allocator has given out.",
    ),
    (
        "used_memory_rss",
        "ackline_memory_resident_bytes",
        "redis_memory_used_rss_bytes",
        "Bytes of memory that are resident.",
    ),
    (
        "used_memory_peak",
        "ackline_memory_peak_bytes",
        "redis_memory_used_peak_bytes",
        "The most bytes that the allocator had given out.",
    ),
    ("maxmemory", "ackline_memory_max_bytes", "redis_memory_max_bytes", "maxmemory; 0 = no limit."),
    (
        "rdb_changes_since_last_save",
        "ackline_changes_since_snapshot",
        "redis_rdb_changes_since_last_save",
        "Changes since the last snapshot.",
    ),
    (
        "rdb_bgsave_in_progress",
        "ackline_snapshot_in_progress",
        "redis_rdb_bgsave_in_progress",
        "Whether a snapshot is being written.",
    ),
    (
        "rdb_last_save_time",
        "ackline_last_snapshot_timestamp_seconds",
        "redis_rdb_last_save_timestamp_seconds",
        "When the last snapshot was finished, Unix seconds.",
    ),
    ("aof_current_size", "ackline_log_bytes", "redis_aof_current_size_bytes", "Bytes of the log."),
    ("loading", "ackline_loading", "redis_loading_dump_file", "Whether the data is being loaded."),
    ("pubsub_channels", "ackline_pubsub_channels", "redis_pubsub_channels", "Channels with subscribers."),
    ("pubsub_patterns", "ackline_pubsub_patterns", "redis_pubsub_patterns", "Patterns with subscribers."),
];

/// The same for counters, without `_total`.
const COUNTERS: &[(&str, &str, &str, &str)] = &[
    (
        "total_connections_received",
        "ackline_connections",
        "redis_connections_received",
        "Connections accepted.",
    ),
    (
        "rejected_connections",
        "ackline_rejected_connections",
        "redis_rejected_connections",
        "Connections refused.",
    ),
    ("total_commands_processed", "ackline_commands_processed", "redis_commands_processed", "Commands run."),
    ("total_net_input_bytes", "ackline_net_input_bytes", "redis_net_input_bytes", "Bytes read from clients."),
    (
        "total_net_output_bytes",
        "ackline_net_output_bytes",
        "redis_net_output_bytes",
        "Bytes sent to clients.",
    ),
    (
        "total_error_replies",
        "ackline_error_replies",
        "redis_total_error_replies",
        "Commands answered with an error.",
    ),
    ("expired_keys", "ackline_expired_keys", "redis_expired_keys", "Keys whose time was over."),
    ("used_cpu_sys", "ackline_cpu_system_seconds", "redis_cpu_sys_seconds", "Processor time in the system."),
    ("used_cpu_user", "ackline_cpu_user_seconds", "redis_cpu_user_seconds", "Processor time outside of it."),
    ("acl_access_denied_auth", "ackline_denied_auth", "redis_acl_access_denied_auth", "Wrong passwords."),
    (
        "acl_access_denied_cmd",
        "ackline_denied_commands",
        "redis_acl_access_denied_cmd",
        "Commands that users may not run.",
    ),
    (
        "acl_access_denied_key",
        "ackline_denied_keys",
        "redis_acl_access_denied_key",
        "Keys that users may not touch.",
    ),
    (
        "acl_access_denied_channel",
        "ackline_denied_channels",
        "redis_acl_access_denied_channel",
        "Channels that users may not use.",
    ),
];

pub(super) fn gather(handle: &Handle, client: &mut Client, families: &mut Families) -> Result<(), Error> {
    let info = text(&client.call(&["INFO", "everything"])?);
    let info: HashMap<&str, &str> = info.lines().filter_map(|line| line.split_once(':')).collect();
    facts(&info, families);
    observed(&handle.observe(), families);
    Ok(())
}

fn facts(info: &HashMap<&str, &str>, families: &mut Families) {
    let text = |name: &str| info.get(name).copied().unwrap_or_default().to_owned();
    let number = |name: &str| info.get(name)?.parse::<f64>().ok();
    families.gauge("redis_up", "The server answers.", Vec::new(), 1.0);
    let build = vec![("version", text("ackline_version")), ("redis_version", text("redis_version"))];
    families.gauge("ackline_build_info", "Versions, as labels.", build, 1.0);
    let instance = vec![
        ("redis_version", text("redis_version")),
        ("redis_mode", text("redis_mode")),
        ("os", text("os")),
        ("role", text("role")),
        ("tcp_port", text("tcp_port")),
        ("process_id", text("process_id")),
        ("run_id", text("run_id")),
        ("maxmemory_policy", text("maxmemory_policy")),
    ];
    families.gauge("redis_instance_info", "Facts, as labels.", instance, 1.0);
    for (field, own, other, help) in GAUGES {
        let value = number(field);
        value
            .into_iter()
            .for_each(|n| [own, other].iter().for_each(|name| families.gauge(name, help, Vec::new(), n)));
    }
    for (field, own, other, help) in COUNTERS {
        let value = number(field);
        value
            .into_iter()
            .for_each(|n| [own, other].iter().for_each(|name| families.counter(name, help, Vec::new(), n)));
    }
    let ok = |field: &str| f64::from(u8::from(text(field) == "ok"));
    families.gauge(
        "ackline_writes_ok",
        "Whether the log takes writes.",
        Vec::new(),
        ok("aof_last_write_status"),
    );
    families.gauge(
        "ackline_snapshots_ok",
        "Whether the last snapshot could be written.",
        Vec::new(),
        ok("rdb_last_bgsave_status"),
    );
    databases(info, families);
}

/// `db0:keys=3,expires=0,..`
fn databases(info: &HashMap<&str, &str>, families: &mut Families) {
    let mut all: Vec<(&&str, &&str)> =
        info.iter().filter(|(name, facts)| name.starts_with("db") && facts.starts_with("keys=")).collect();
    all.sort();
    for (db, facts) in all {
        let fact = |name: &str| {
            let found = facts.split(',').find_map(|fact| fact.strip_prefix(name)?.strip_prefix('='));
            found.and_then(|n| n.parse().ok()).unwrap_or(0.0)
        };
        let labels: Labels = vec![("db", (*db).to_string())];
        families.gauge("redis_db_keys", "Keys.", labels.clone(), fact("keys"));
        families.gauge("redis_db_keys_expiring", "Keys with a time to live.", labels, fact("expires"));
    }
}

fn observed(observation: &Observation, families: &mut Families) {
    for command in &observation.commands {
        let label = || vec![("cmd", command.name.to_owned())];
        families.counter("redis_commands", "Calls.", label(), command.calls as f64);
        families.counter("redis_commands_failed_calls", "Calls that failed.", label(), command.failed as f64);
        families.counter(
            "redis_commands_rejected_calls",
            "Calls that were refused.",
            label(),
            command.rejected as f64,
        );
        families.counter(
            "redis_commands_duration_seconds",
            "Seconds in all calls.",
            label(),
            command.usec as f64 / 1e6,
        );
        let times = seconds(command.buckets.iter().copied(), command.usec, 1e6);
        families.add("ackline_command_seconds", "How long commands took.", label(), times);
    }
    let entries = &observation.entries;
    let counts = [
        ("ackline_entries_added", "Entries added.", &entries.added),
        (
            "ackline_entries_delivered",
            "Entries delivered to a consumer for the first time.",
            &entries.delivered,
        ),
        ("ackline_entries_claimed", "Pending entries that got an owner again.", &entries.claimed),
        ("ackline_entries_released", "Pending entries released by XNACK.", &entries.released),
        (
            "ackline_entries_acknowledged",
            "Pending entries acknowledged, or dropped with their entry.",
            &entries.acknowledged,
        ),
    ];
    for (name, help, count) in counts {
        families.counter(name, help, Vec::new(), count.get() as f64);
    }
    let latency = seconds(entries.ack_latency.buckets(), entries.ack_latency.sum(), 1e3);
    families.add("ackline_ack_seconds", "From delivery to acknowledgement.", Vec::new(), latency);
    let deliveries = seconds(entries.deliveries.buckets(), entries.deliveries.sum(), 1.0);
    families.add(
        "ackline_ack_deliveries",
        "Deliveries that it took until the acknowledgement.",
        Vec::new(),
        deliveries,
    );
    let syncs = seconds(observation.syncs.0.iter().copied(), observation.syncs.1, 1e6);
    families.add("ackline_fsync_seconds", "How long syncs of the log took.", Vec::new(), syncs);
}

/// A histogram of numbers of which so many are one. The last bucket takes what is above all bounds.
fn seconds(buckets: impl Iterator<Item = (u64, u64)>, sum: u64, one: f64) -> Value {
    let mut buckets: Vec<(f64, u64)> = buckets.map(|(bound, count)| (bound as f64 / one, count)).collect();
    if let Some((bound, _)) = buckets.last_mut() {
        *bound = f64::INFINITY;
    }
    Value::Histogram(sum as f64 / one, buckets)
}
