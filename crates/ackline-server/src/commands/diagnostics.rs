//! TIME, SLOWLOG, LATENCY, MONITOR, MODULE, LOLWUT.

use super::{Answer, Entry, Env, help, wrong_tail};
use crate::shared::Row;
use crate::slowlog::SlowCall;
use ackline_engine::args::strict_int;
use ackline_engine::spec::{Arg, Flags, Run};
use ackline_engine::{Args, Error, Reply, Spec};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

const LOOK: Flags = Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE);
const ADMIN: Flags = LOOK.and(Flags::NOSCRIPT);
const ANY: Flags = Flags::LOADING.and(Flags::STALE);
const BLANK: Spec = Spec { group: "server", since: "2.2.12", arity: 2, flags: LOOK, ..Spec::BLANK };

const TIME: Spec = Spec {
    name: "time",
    summary: "The clock: seconds and microseconds.",
    since: "2.6.0",
    arity: 1,
    flags: ANY.and(Flags::FAST),
    ..BLANK
};
const GET: Spec = Spec {
    name: "slowlog|get",
    summary: "The newest slow commands.",
    arity: -2,
    grammar: &[Arg::int("count").optional()],
    ..BLANK
};
const LEN: Spec = Spec { name: "slowlog|len", summary: "How many slow commands are kept.", ..BLANK };
const RESET: Spec = Spec { name: "slowlog|reset", summary: "Forgets the slow commands.", ..BLANK };
const SLOW_HELP: Spec = Spec { name: "slowlog|help", summary: "Lists the subcommands.", flags: ANY, ..BLANK };
const SLOWLOG: Spec = Spec {
    name: "slowlog",
    summary: "Commands about slow commands.",
    arity: -2,
    flags: Flags::NONE,
    run: Run::Container,
    subcommands: &[&GET, &SLOW_HELP, &LEN, &RESET],
    ..BLANK
};
const L: Spec = Spec { since: "2.8.13", flags: ADMIN, ..BLANK };
const DOCTOR: Spec = Spec { name: "latency|doctor", summary: "A report.", ..L };
const GRAPH: Spec = Spec {
    name: "latency|graph",
    summary: "A picture of an event's latency.",
    arity: 3,
    grammar: &[Arg::string("event")],
    ..L
};
const HISTOGRAM: Spec = Spec {
    name: "latency|histogram",
    summary: "Histograms of commands' latency.",
    arity: -2,
    grammar: &[Arg::string("command").optional().many()],
    ..L
};
const HISTORY: Spec = Spec {
    name: "latency|history",
    summary: "Samples of an event's latency.",
    arity: 3,
    grammar: &[Arg::string("event")],
    ..L
};
const LATEST: Spec = Spec { name: "latency|latest", summary: "The latest sample of every event.", ..L };
const LATENCY_RESET: Spec = Spec {
    name: "latency|reset",
    summary: "Forgets samples.",
    arity: -2,
    grammar: &[Arg::string("event").optional().many()],
    ..L
};
const LATENCY_HELP: Spec = Spec { name: "latency|help", summary: "Lists the subcommands.", flags: ANY, ..L };
const LATENCY: Spec = Spec {
    name: "latency",
    summary: "Commands about latency; no events are sampled.",
    arity: -2,
    flags: Flags::NONE,
    run: Run::Container,
    subcommands: &[&DOCTOR, &GRAPH, &LATENCY_HELP, &HISTOGRAM, &HISTORY, &LATEST, &LATENCY_RESET],
    ..L
};
const MONITOR: Spec = Spec {
    name: "monitor",
    summary: "Shows every command.",
    since: "1.0.0",
    arity: 1,
    flags: ADMIN,
    ..BLANK
};
const MODULE_LIST: Spec = Spec {
    name: "module|list",
    summary: "There are no modules.",
    since: "4.0.0",
    flags: Flags::ADMIN.and(Flags::NOSCRIPT),
    ..BLANK
};
const MODULE_HELP: Spec =
    Spec { name: "module|help", summary: "Lists the subcommands.", since: "5.0.0", flags: ANY, ..BLANK };
const MODULE: Spec = Spec {
    name: "module",
    summary: "There are no modules.",
    since: "4.0.0",
    arity: -2,
    flags: Flags::NONE,
    run: Run::Container,
    subcommands: &[&MODULE_HELP, &MODULE_LIST],
    ..BLANK
};
const LOLWUT: Spec = Spec {
    name: "lolwut",
    summary: "The name and version.",
    since: "5.0.0",
    arity: -1,
    flags: Flags::READONLY.and(Flags::FAST),
    grammar: &[Arg::int("version").after("VERSION").optional()],
    ..BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[
    (&TIME, Some(time)),
    (&SLOWLOG, None),
    (&GET, Some(slow_get)),
    (&LEN, Some(|env, _| Ok(Reply::count(env.shared.slowlog.len()).into()))),
    (&RESET, Some(slow_reset)),
    (&SLOW_HELP, Some(|_, _| Ok(help(&SLOWLOG)))),
    (&LATENCY, None),
    (&DOCTOR, Some(|_, _| Ok(Reply::Verbatim("No latency events are sampled.\n".into()).into()))),
    (&GRAPH, Some(|_, args| Err(no_samples(args)))),
    (&HISTOGRAM, Some(histogram)),
    (&HISTORY, Some(|_, _| Ok(Reply::Array(Vec::new()).into()))),
    (&LATEST, Some(|_, _| Ok(Reply::Array(Vec::new()).into()))),
    (&LATENCY_RESET, Some(|_, _| Ok(Reply::Int(0).into()))),
    (&LATENCY_HELP, Some(|_, _| Ok(help(&LATENCY)))),
    (&MONITOR, Some(monitor)),
    (&MODULE, None),
    (&MODULE_LIST, Some(|_, _| Ok(Reply::Array(Vec::new()).into()))),
    (&MODULE_HELP, Some(|_, _| Ok(help(&MODULE)))),
    (
        &LOLWUT,
        Some(|_, _| {
            Ok(Reply::Verbatim(concat!("Ackline ver. ", env!("CARGO_PKG_VERSION"), "\n").into()).into())
        }),
    ),
];

/// Of the commands that were named, or of all; of those that were called.
fn histogram(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let named: Vec<String> =
        args.from(2).iter().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).collect();
    // A container stands for its subcommands.
    let wanted = |name: &str| {
        named.is_empty() || named.iter().any(|word| word == name || name.split('|').next() == Some(word))
    };
    let mut rows: Vec<_> = env.shared.rows.iter().filter(|(name, _)| wanted(name)).collect();
    rows.sort_by_key(|(name, _)| **name);
    let called = rows.into_iter().filter_map(|(name, row)| Some((Reply::name(name), times(row)?)));
    Ok(Reply::Map(called.collect()).into())
}

/// Calls, and how many of them took no longer than each bound, up to the slowest.
fn times(row: &Row) -> Option<Reply> {
    let buckets = row.times();
    let mut calls = 0;
    let full = buckets.into_iter().filter(|(_, count)| *count > 0).map(|(le, count)| {
        calls += count;
        (Reply::Int(le as i64), Reply::Int(calls as i64))
    });
    let full: Vec<(Reply, Reply)> = full.collect();
    let facts = vec![
        (Reply::name("calls"), Reply::Int(calls as i64)),
        (Reply::name("histogram_usec"), Reply::Map(full)),
    ];
    (calls > 0).then_some(Reply::Map(facts))
}

fn time(_: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let parts = [now.as_secs() as i64, i64::from(now.subsec_micros())];
    Ok(Reply::Array(parts.map(Reply::Decimal).to_vec()).into())
}

fn slow_get(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    if args.len() > 3 {
        return Err(wrong_tail(&SLOWLOG, args));
    }
    let count = match args.get(2) {
        None => 10,
        Some(word) => match strict_int(word) {
            Some(-1) => usize::MAX,
            Some(n) if n >= 0 => n as usize,
            _ => return Err(Error::from_static("ERR count should be greater than or equal to -1")),
        },
    };
    Ok(Reply::Array(env.shared.slowlog.newest(count).iter().map(slow_call).collect()).into())
}

fn slow_call(call: &SlowCall) -> Reply {
    Reply::Array(vec![
        Reply::Int(call.id as i64),
        Reply::Int(call.at),
        Reply::Int(call.usec as i64),
        Reply::Array(call.args.iter().map(|word| Reply::bulk(word)).collect()),
        Reply::bulk(call.addr.as_bytes()),
        Reply::bulk(&call.name),
    ])
}

fn slow_reset(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    env.shared.slowlog.clear();
    Ok(Reply::Ok.into())
}

fn no_samples(args: Args<'_>) -> Error {
    Error::concat(&[b"ERR No samples available for event '", args.at(2), b"'"])
}

fn monitor(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    if env.in_exec() {
        return Err(Error::from_static("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    if !std::mem::replace(&mut env.session.monitor, true) {
        env.shared.monitors.lock().push(env.session.info.id);
        env.shared.has_monitors.store(true, Relaxed);
        env.session.publish_details();
    }
    Ok(Reply::Ok.into())
}
