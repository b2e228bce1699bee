//! DEBUG: what test suites need, behind `enable-debug-command`.

use super::{Answer, Entry, Env, wrong_tail};
use ackline_engine::args::{int, is};
use ackline_engine::record::Change;
use ackline_engine::spec::{Arg, Flags};
use ackline_engine::state::{Value, digest, value_digest};
use ackline_engine::{Args, Error, Reply, Spec};
use std::time::Duration;

const DEBUG: Spec = Spec {
    name: "debug",
    summary: "Switches and samples for tests.",
    since: "1.0.0",
    group: "server",
    arity: -2,
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    grammar: &[Arg::string("subcommand"), Arg::string("arg").optional().many()],
    ..Spec::BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[(&DEBUG, Some(debug))];

/// DEBUG SLEEP sleeps no longer than this.
const SLEEP_MAX: f64 = 3600.0;
/// DEBUG POPULATE makes no more keys than this.
const POPULATE_MAX: i64 = 10_000_000;

/// Accepted without effect.
const IGNORED: [&str; 10] = [
    "CHANGE-REPL-ID",
    "QUICKLIST-PACKED-THRESHOLD",
    "PAUSE-CRON",
    "SET-DISABLE-DENY-SCRIPTS",
    "SET-SKIP-CHECKSUM-VALIDATION",
    "REPLYBUFFER",
    "DICT-RESIZING",
    "STRINGMATCH-LEN",
    "JMAP",
    "SET-ACTIVE-DEFRAG",
];

fn debug(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let word = args.at(1);
    match (args.get(2), args.len()) {
        (None, _) if is(word, "HELP") => Ok(usage()),
        (_, _) if is(word, "RELOAD") || is(word, "LOADAOF") => reload(env),
        (None, _) if is(word, "DIGEST") => Ok(Reply::Line(env.look(|txn| digest(txn.reach()))).into()),
        (Some(_), _) if is(word, "DIGEST-VALUE") => Ok(digest_values(env, args)),
        (Some(seconds), 3) if is(word, "SLEEP") => sleep(env, seconds),
        (Some(on), 3) if is(word, "SET-ACTIVE-EXPIRE") => {
            env.shared.broker().set_active_expiry(int(on)? != 0);
            Ok(Reply::Ok.into())
        }
        (Some(key), _) if is(word, "OBJECT") => object(env, key),
        (Some(kind), 3) if is(word, "PROTOCOL") => protocol(env, kind),
        (Some(count), 3..=5) if is(word, "POPULATE") => populate(env, int(count)?, args),
        _ if IGNORED.iter().any(|name| is(word, name)) => Ok(Reply::Ok.into()),
        _ => Err(wrong_tail(&DEBUG, args)),
    }
}

fn usage() -> Answer {
    let lines = [
        "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        "DIGEST",
        "    A digest of all data.",
        "DIGEST-VALUE <key> [<key> ...]",
        "    A digest of each value.",
        "OBJECT <key>",
        "    Facts about a value.",
        "POPULATE <count> [<prefix>] [<size>]",
        "    Makes string keys.",
        "PROTOCOL <type>",
        "    A sample reply of a type.",
        "RELOAD, LOADAOF",
        "    Reads the log again, as a restart does.",
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Switches the removal of expired keys by the timer.",
        "SLEEP <seconds>",
        "    Stops the whole server for a time.",
        "HELP",
        "    Print this help.",
    ];
    Reply::Array(lines.map(Reply::Simple).to_vec()).into()
}

fn reload(env: &mut Env<'_, '_>) -> Result<Answer, Error> {
    if env.in_exec() {
        return Err(Error::from_static("ERR Command not allowed inside a transaction"));
    }
    match env.shared.broker().reload() {
        Ok(()) => Ok(Reply::Ok.into()),
        Err(error) => {
            tracing::error!("the log could not be read again: {error}");
            Err(Error::from_static("ERR Error trying to load the log, check server logs"))
        }
    }
}

fn digest_values(env: &mut Env<'_, '_>, args: Args<'_>) -> Answer {
    let db = env.session.db;
    let digests = env.look(|txn| {
        let one = |key: &[u8]| txn.slot_in(db, key).map_or("0".repeat(40), |slot| value_digest(&slot.value));
        args.from(2).iter().map(|key| Reply::Line(one(key))).collect()
    });
    Reply::Array(digests).into()
}

fn sleep(env: &mut Env<'_, '_>, seconds: &[u8]) -> Result<Answer, Error> {
    let text = std::str::from_utf8(seconds).ok();
    let seconds = text.and_then(|text| text.parse::<f64>().ok()).filter(|n| (0.0..=SLEEP_MAX).contains(n));
    let seconds = seconds.ok_or(Error::from_static("ERR value is not a valid float"))?;
    env.look(|_| std::thread::sleep(Duration::from_secs_f64(seconds)));
    Ok(Reply::Ok.into())
}

fn object(env: &mut Env<'_, '_>, key: &[u8]) -> Result<Answer, Error> {
    let db = env.session.db;
    let facts = env.look(|txn| {
        let slot = txn.slot_in(db, key)?;
        let encoding = match &slot.value {
            Value::Stream(_) => "stream",
            Value::Str(_) => "raw",
        };
        Some(format!(
            "Value at:0x0 refcount:1 encoding:{encoding} serializedlength:0 lru:0 lru_seconds_idle:0"
        ))
    });
    facts.map(|line| Reply::Line(line).into()).ok_or(Error::NO_SUCH_KEY)
}

fn populate(env: &mut Env<'_, '_>, count: i64, args: Args<'_>) -> Result<Answer, Error> {
    let prefix = String::from_utf8_lossy(args.get(3).unwrap_or(b"key")).into_owned();
    let size = args.get(4).map(int).transpose()?.unwrap_or(0).clamp(0, 1 << 20) as usize;
    env.look(|txn| {
        for n in 0..count.clamp(0, POPULATE_MAX) {
            let key = format!("{prefix}:{n}").into_bytes();
            let mut value = format!("value:{n}").into_bytes();
            if size > 0 {
                value.resize(size, 0);
            }
            if txn.slot(&key).is_none() {
                txn.emit(&key, Change::Set { value: &value, expire_at: None });
            }
        }
    });
    Ok(Reply::Ok.into())
}

#[allow(clippy::approx_constant, reason = "the sample that client tests expect")]
fn protocol(env: &mut Env<'_, '_>, kind: &[u8]) -> Result<Answer, Error> {
    let resp3 = env.session.writer().is_resp3();
    let mut out = env.session.writer();
    match String::from_utf8_lossy(kind).to_ascii_lowercase().as_str() {
        "string" => out.bulk(b"Hello World"),
        "integer" => out.int(12345),
        "double" => out.double(3.141),
        "null" => out.null(),
        "array" => {
            out.array(3);
            (0..3).for_each(|n| out.int(n));
        }
        "set" => {
            out.set(3);
            (0..3).for_each(|n| out.int(n));
        }
        "map" => {
            out.map(3);
            (0..3).for_each(|n| {
                out.int(n);
                out.boolean(n == 1);
            });
        }
        "attrib" => {
            if resp3 {
                out.attribute(1);
                out.bulk(b"key-popularity");
                out.array(2);
                out.bulk(b"key:123");
                out.int(90);
            }
            out.bulk(b"Some real reply following the attribute");
        }
        "push" => {
            out.push(2);
            out.bulk(b"server-cpu-usage");
            out.int(42);
        }
        "verbatim" => out.verbatim("txt", b"This is a verbatim\nstring"),
        "true" => out.boolean(true),
        "false" => out.boolean(false),
        "bignum" => out.big_number("1234567999999999999999999999999999999"),
        _ => {
            return Err(Error::from_static(
                "ERR Wrong protocol type name. Please use one of the following: \
                 string|integer|double|null|array|set|map|attrib|push|verbatim|true|false|bignum",
            ));
        }
    }
    Ok(Answer::Written)
}
