//! What a run found, for people and for programs.

use super::plan::Plan;
use super::run::Outcome;
use super::settings::{ClaimKind, FanMode, Order, PendingKind, Work};
use clap::ValueEnum;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// One JSON object on one line.
pub(super) fn json(plan: &Plan<'_>, outcome: &Outcome) -> String {
    let tally = &outcome.tally;
    let cpu = outcome.used.zip(plan.settings.pid).map(|(cpu, pid)| {
        json!({
            "pid": pid,
            "user_seconds": rounded(cpu.user),
            "system_seconds": rounded(cpu.system),
            "us_per_operation": per_operation(outcome, cpu.total()),
        })
    });
    let memory = outcome.memory.map(|(before, after)| json!({"before_bytes": before, "after_bytes": after}));
    let report = json!({
        "workload": plan.work.name(),
        "server": {"name": outcome.server.name, "version": outcome.server.version},
        "settings": settings(plan),
        "operations": tally.operations,
        "entries": tally.entries,
        "seconds": rounded(outcome.seconds),
        "operations_per_second": rounded(tally.operations as f64 / outcome.seconds),
        "entries_per_second": rounded(tally.entries as f64 / outcome.seconds),
        "latency_us": latency(outcome),
        "client_cpu_us_per_operation": per_operation(outcome, outcome.client.total()),
        "client_cpu": {
            "user_seconds": rounded(outcome.client.user),
            "system_seconds": rounded(outcome.client.system),
        },
        "server_cpu": cpu,
        "server_memory": memory,
        "errors": tally.errors,
        "first_error": tally.first_error,
    });
    format!("{report}\n")
}

/// Three places behind the point.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// Microseconds of a time an operation; `None` if there was none.
fn per_operation(outcome: &Outcome, seconds: f64) -> Option<f64> {
    let operations = outcome.tally.operations;
    (operations > 0).then(|| rounded(seconds * 1e6 / operations as f64))
}

/// Names of latencies and the quantiles that they are.
const QUANTILES: [(&str, f64); 6] =
    [("min", 0.0), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)];

fn latency(outcome: &Outcome) -> Value {
    let histogram = &outcome.tally.latency;
    let micros = |nanos: u64| json!(rounded(nanos as f64 / 1000.0));
    let quantiles = QUANTILES.map(|(name, at)| (name.to_owned(), micros(histogram.value_at_quantile(at))));
    let mut all = Map::from_iter(quantiles);
    all.insert("mean".to_owned(), json!(rounded(histogram.mean() / 1000.0)));
    Value::Object(all)
}

/// What was asked for, defaults included.
fn settings(plan: &Plan<'_>) -> Value {
    let settings = plan.settings;
    let mut all = json!({
        "connections": plan.connections(),
        "pipeline": settings.pipeline,
        "payload": settings.payload,
        "fields": settings.fields,
        "streams": plan.keys.len(),
        "groups": settings.groups,
        "threads": settings.threads,
        "duration": settings.duration,
        "requests": settings.requests,
        "warmup": settings.warmup,
        "seed": settings.seed,
    });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), of_workload(plan.work)) {
        all.extend(more);
    }
    all
}

fn of_workload(work: &Work) -> Value {
    match work {
        Work::Xadd(adding) => json!({"maxlen": adding.maxlen}),
        Work::Cycle { count, adding } => json!({"count": count, "maxlen": adding.maxlen}),
        Work::Ack(settling) | Work::Nack(settling) => json!({
            "entries": settling.list.entries,
            "ids": settling.ids,
            "order": word::<Order>(settling.order),
        }),
        Work::Claim { kind, count, ids, justid, list } => json!({
            "kind": word::<ClaimKind>(*kind),
            "count": count,
            "ids": ids,
            "justid": justid,
            "entries": list.entries,
        }),
        Work::Range { count, list } => json!({"count": count, "entries": list.entries}),
        Work::Fanout { readers, mode, adding } => {
            json!({"readers": readers, "mode": word::<FanMode>(*mode), "maxlen": adding.maxlen})
        }
        Work::Pending { kind, count, list } => {
            json!({"kind": word::<PendingKind>(*kind), "count": count, "entries": list.entries})
        }
    }
}

/// A choice as it is written on the command line.
fn word<T: ValueEnum>(choice: T) -> String {
    choice.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// A table.
pub(super) fn text(plan: &Plan<'_>, outcome: &Outcome) -> String {
    let (tally, server) = (&outcome.tally, &outcome.server);
    let rate = |count: u64| grouped((count as f64 / outcome.seconds).round() as u64);
    let mut out = format!("{} on {} {}\n", plan.work.name(), server.name, server.version);
    // Writing to a string does not fail.
    let _ = writeln!(out, "  settings     {}", shown(&settings(plan)));
    let _ = writeln!(out, "  operations   {} in {:.2} s", grouped(tally.operations), outcome.seconds);
    let _ = writeln!(out, "  per second   {}", rate(tally.operations));
    if tally.entries != tally.operations {
        let _ =
            writeln!(out, "  entries      {}, {} per second", grouped(tally.entries), rate(tally.entries));
    }
    let _ = writeln!(out, "  latency      {}", quantiles(outcome));
    let _ = writeln!(out, "  client CPU   {}", cost(outcome, outcome.client.user, outcome.client.system));
    if let Some(cpu) = outcome.used {
        let _ = writeln!(out, "  server CPU   {}", cost(outcome, cpu.user, cpu.system));
    }
    if let Some((before, after)) = outcome.memory {
        let _ =
            writeln!(out, "  server RSS   {:.1} MB, then {:.1} MB", before as f64 / 1e6, after as f64 / 1e6);
    }
    if let Some(error) = &tally.first_error {
        let _ = writeln!(out, "  errors       {}, the first: {error}", grouped(tally.errors));
    }
    out
}

fn shown(settings: &Value) -> String {
    let all = settings.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    all.map(|(name, value)| format!("{name} {}", value.to_string().replace('"', "")))
        .collect::<Vec<_>>()
        .join(", ")
}

fn quantiles(outcome: &Outcome) -> String {
    let histogram = &outcome.tally.latency;
    let shown = |(name, at): (&str, f64)| format!("{name} {}", time(histogram.value_at_quantile(at)));
    QUANTILES[1..].iter().copied().map(shown).collect::<Vec<_>>().join("  ")
}

fn time(nanos: u64) -> String {
    match nanos as f64 {
        nanos if nanos < 1e6 => format!("{:.1} us", nanos / 1e3),
        nanos if nanos < 1e9 => format!("{:.2} ms", nanos / 1e6),
        nanos => format!("{:.2} s", nanos / 1e9),
    }
}

fn cost(outcome: &Outcome, user: f64, system: f64) -> String {
    let each = per_operation(outcome, user + system).unwrap_or(0.0);
    let user_each = per_operation(outcome, user).unwrap_or(0.0);
    format!("{each:.3} us an operation, {user_each:.3} of them user ({user:.2} s user, {system:.2} s system)")
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1_500, 2_340_000, 3_000_000_000].map(time), ["1.5 us", "2.34 ms", "3.00 s"]);
    }
}
