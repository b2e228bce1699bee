//! OBJECT and MEMORY: how a value is kept.

use super::{BLANK, peek};
use crate::args::{Args, int, is, strict_int};
use crate::command::help::{help, help_command};
use crate::error::Error;
use crate::read_command;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Run, Spec};
use crate::state::{Slot, Stream, Value};
use crate::txn::Query;

const LOOK: Spec = Spec {
    since: "2.2.3",
    arity: 3,
    flags: Flags::READONLY,
    keys: Keys::SECOND,
    key_flags: &["RO"],
    grammar: &[Arg::key()],
    run: read_command!(Object),
    tips: &["nondeterministic_output"],
    ..BLANK
};
const ENCODING: Spec = Spec { name: "object|encoding", summary: "How a value is encoded.", ..LOOK };
const FREQ: Spec =
    Spec { name: "object|freq", summary: "How often a key is used; not tracked.", since: "4.0.0", ..LOOK };
const IDLETIME: Spec =
    Spec { name: "object|idletime", summary: "Seconds since a key was last used.", ..LOOK };
const REFCOUNT: Spec = Spec { name: "object|refcount", summary: "How many refer to a value.", ..LOOK };
const HELP: Spec = Spec {
    name: "object|help",
    summary: "Lists the subcommands.",
    since: "6.2.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    keys: Keys::None,
    key_flags: &[],
    run: help_command!("OBJECT", OBJECT_LINES),
    ..BLANK
};
/// `OBJECT subcommand key`
pub(crate) const OBJECT: Spec = Spec {
    name: "object",
    summary: "Commands about how values are kept.",
    since: "2.2.3",
    arity: -2,
    acl: &[],
    keys: Keys::None,
    key_flags: &[],
    subcommands: &[&ENCODING, &FREQ, &HELP, &IDLETIME, &REFCOUNT],
    run: Run::Container,
    ..BLANK
};
const USAGE: Spec = Spec {
    name: "memory|usage",
    summary: "Estimates the memory of a key and its value, in bytes.",
    since: "4.0.0",
    arity: -3,
    acl: &[],
    flags: Flags::READONLY,
    keys: Keys::SECOND,
    key_flags: &["RO"],
    grammar: &[Arg::key(), Arg::int("count").after("SAMPLES").optional()],
    run: read_command!(Usage),
    group: "server",
    ..BLANK
};
const PURGE: Spec = Spec {
    name: "memory|purge",
    summary: "Accepted without effect.",
    since: "4.0.0",
    arity: 2,
    acl: &[],
    keys: Keys::None,
    key_flags: &[],
    run: read_command!(MemoryText),
    group: "server",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    ..BLANK
};
const DOCTOR: Spec = Spec {
    name: "memory|doctor",
    summary: "A report.",
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..PURGE
};
const MALLOC_STATS: Spec = Spec {
    name: "memory|malloc-stats",
    summary: "A report.",
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..PURGE
};
const STATS: Spec = Spec {
    name: "memory|stats",
    summary: "How many keys there are.",
    keys: Keys::Everything,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..PURGE
};
const MEMORY_HELP: Spec = Spec {
    name: "memory|help",
    summary: "Lists the subcommands.",
    flags: Flags::LOADING.and(Flags::STALE),
    tips: &[],
    ..PURGE
};
/// `MEMORY subcommand ..`
pub(crate) const MEMORY: Spec = Spec {
    name: "memory",
    summary: "Commands about memory.",
    since: "4.0.0",
    arity: -2,
    acl: &[],
    keys: Keys::None,
    key_flags: &[],
    subcommands: &[&DOCTOR, &MEMORY_HELP, &MALLOC_STATS, &PURGE, &STATS, &USAGE],
    run: Run::Container,
    group: "server",
    ..BLANK
};

/// Strings up to this length are kept beside their header by Redis, which calls that `embstr`.
const EMBEDDED_MAX: usize = 44;

struct Object<'a> {
    word: &'a [u8],
    key: &'a [u8],
}

impl<'a> Object<'a> {
    fn parse(args: Args<'a>) -> Result<Object<'a>, Error> {
        Ok(Object { word: args.at(1), key: args.at(2) })
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let Some(slot) = peek(query, self.key) else { return Ok(Reply::Null) };
        match () {
            () if is(self.word, "ENCODING") => Ok(Reply::name(encoding(&slot.value))),
            () if is(self.word, "REFCOUNT") => Ok(Reply::Int(1)),
            () if is(self.word, "IDLETIME") => Ok(Reply::Int(idle(slot, query.now()) / 1000)),
            () => Err(Error::from_static(
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
                 switching between policies at runtime LRU and LFU data will take some time to adjust.",
            )),
        }
    }
}

impl Check for Object<'_> {}

/// Milliseconds since the last use. Nothing is known of a key that was not used since the start: it counts from the
/// first time that somebody asks.
fn idle(slot: &Slot, now: i64) -> i64 {
    if slot.accessed_at.get() == 0 {
        slot.accessed_at.set(now);
    }
    (now - slot.accessed_at.get()).max(0)
}

fn encoding(value: &Value) -> &'static str {
    match value {
        Value::Stream(_) => "stream",
        Value::Str(bytes) if strict_int(bytes).is_some() => "int",
        Value::Str(bytes) if bytes.len() <= EMBEDDED_MAX => "embstr",
        Value::Str(_) => "raw",
    }
}

const OBJECT_LINES: &[&str] = &[
    "ENCODING <key>",
    "    How a value is encoded.",
    "FREQ <key>",
    "    How often a key is used; not tracked.",
    "IDLETIME <key>",
    "    Seconds since a key was last used.",
    "REFCOUNT <key>",
    "    How many refer to a value.",
];

struct Usage<'a>(&'a [u8]);

impl<'a> Usage<'a> {
    fn parse(args: Args<'a>) -> Result<Usage<'a>, Error> {
        for at in (3..args.len()).step_by(2) {
            match args.get(at + 1) {
                Some(samples) if is(args.at(at), "SAMPLES") && int(samples)? >= 0 => {}
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(Usage(args.at(2)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let slot = peek(query, self.0);
        Ok(slot.map_or(Reply::Null, |slot| Reply::count(memory(slot))))
    }
}

impl Check for Usage<'_> {}

fn memory(slot: &Slot) -> usize {
    let value = match &slot.value {
        Value::Str(bytes) => size_of::<usize>() + size_of::<Vec<u8>>() + bytes.capacity(),
        Value::Stream(stream) => stream_memory(stream),
    };
    slot.name.memory() + Slot::MEMORY + value
}

fn stream_memory(stream: &Stream) -> usize {
    size_of::<usize>() + size_of::<Stream>() + stream.memory() + stream.idempotence().tracked() as usize * 128
}

struct MemoryText<'a>(&'a [u8]);

impl<'a> MemoryText<'a> {
    fn parse(args: Args<'a>) -> Result<MemoryText<'a>, Error> {
        Ok(MemoryText(args.at(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        Ok(match () {
            () if is(self.0, "PURGE") => Reply::Ok,
            () if is(self.0, "STATS") => {
                let keys: usize =
                    query.reach().shards().flat_map(|shard| &shard.dbs).map(|db| db.len()).sum();
                Reply::Map(vec![(Reply::name("keys.count"), Reply::count(keys))])
            }
            () if is(self.0, "HELP") => help(
                "MEMORY",
                &[
                    "DOCTOR",
                    "    A report.",
                    "MALLOC-STATS",
                    "    A report.",
                    "PURGE",
                    "    Accepted without effect.",
                    "STATS",
                    "    How many keys there are.",
                    "USAGE <key> [SAMPLES <count>]",
                    "    Estimates the memory of a key and its value.",
                ],
            ),
            () => Reply::Verbatim("Nothing to report.\n".to_owned()),
        })
    }
}

impl Check for MemoryText<'_> {}
