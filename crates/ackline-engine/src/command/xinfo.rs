//! XINFO: what there is to know about a stream, its groups and consumers.

use super::help::help_command;
use super::xgroup::no_such_group;
use crate::args::{Args, int, is};
use crate::error::Error;
use crate::id::StreamId;
use crate::read_command;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Run, Spec};
use crate::state::{Consumer, Group, Stream};
use crate::txn::Query;

const BLANK: Spec = Spec {
    since: "5.0.0",
    group: "stream",
    flags: Flags::READONLY,
    acl: &["stream"],
    keys: Keys::SECOND,
    key_flags: &["RO", "access"],
    ..Spec::BLANK
};
const STREAM: Spec = Spec {
    name: "xinfo|stream",
    summary: "Facts about a stream; with FULL its content too.",
    complexity: "O(1), with FULL O(N), N being the number of elements returned.",
    arity: -3,
    grammar: &[
        Arg::key(),
        Arg::block("full-block", &[Arg::word("FULL"), Arg::int("count").after("COUNT").optional()])
            .optional(),
    ],
    run: read_command!(InfoStream),
    ..BLANK
};
const GROUPS: Spec = Spec {
    name: "xinfo|groups",
    summary: "Facts about the groups of a stream.",
    arity: 3,
    grammar: &[Arg::key()],
    run: read_command!(InfoGroups),
    ..BLANK
};
const CONSUMERS: Spec = Spec {
    name: "xinfo|consumers",
    summary: "Facts about the consumers of a group.",
    arity: 4,
    tips: &["nondeterministic_output"],
    grammar: &[Arg::key(), Arg::string("group")],
    run: read_command!(InfoConsumers),
    ..BLANK
};
const HELP: Spec = Spec {
    name: "xinfo|help",
    summary: "Lists the subcommands.",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    keys: Keys::None,
    key_flags: &[],
    run: help_command!("XINFO", HELP_LINES),
    ..BLANK
};

/// `XINFO subcommand ..`
pub(crate) const SPEC: Spec = Spec {
    name: "xinfo",
    summary: "Commands about streams, groups and consumers.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    flags: Flags::NONE,
    acl: &[],
    keys: Keys::None,
    key_flags: &[],
    subcommands: &[&CONSUMERS, &GROUPS, &HELP, &STREAM],
    run: Run::Container,
    ..BLANK
};

/// Entries, pending entries and so on shown by FULL without COUNT.
const FULL_COUNT: usize = 10;

type Fields = Vec<(Reply, Reply)>;

fn put(fields: &mut Fields, name: &'static str, value: Reply) {
    fields.push((Reply::name(name), value));
}

fn number(n: u64) -> Reply {
    Reply::Int(n as i64)
}

fn maybe(n: Option<i64>) -> Reply {
    n.map_or(Reply::Null, Reply::Int)
}

fn existing<'q>(query: &'q Query<'_>, key: &[u8]) -> Result<&'q Stream, Error> {
    match query.slot(key) {
        None => Err(Error::NO_SUCH_KEY),
        Some(_) => query.stream(key)?.ok_or(Error::NO_SUCH_KEY),
    }
}

struct InfoStream<'a> {
    key: &'a [u8],
    /// `None`: the short form; else how many of everything, 0 = all.
    full: Result<Option<usize>, Error>,
}

impl<'a> InfoStream<'a> {
    fn parse(args: Args<'a>) -> Result<InfoStream<'a>, Error> {
        Ok(InfoStream { key: args.at(2), full: full_count(args) })
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let stream = existing(query, self.key)?;
        let mut fields = common(stream);
        match self.full? {
            None => {
                let entry = |id: StreamId| stream.entry(id).map_or(Reply::Null, Reply::Entry);
                put(&mut fields, "groups", number(stream.groups().len() as u64));
                put(&mut fields, "first-entry", entry(stream.first_id()));
                put(&mut fields, "last-entry", stream.last_entry_id().map_or(Reply::Null, entry));
            }
            Some(count) => {
                let max = if count == 0 { usize::MAX } else { count };
                let entries = stream.range(StreamId::MIN, StreamId::MAX).take(max).map(Reply::Entry);
                put(&mut fields, "entries", Reply::Array(entries.collect()));
                let groups = stream.groups().iter().map(|group| full_group(stream, group, max));
                put(&mut fields, "groups", Reply::Array(groups.collect()));
            }
        }
        Ok(Reply::Map(fields))
    }
}

impl Check for InfoStream<'_> {
    fn check(&self) -> Result<(), Error> {
        self.full.as_ref().map(drop).map_err(Error::clone)
    }
}

fn full_count(args: Args<'_>) -> Result<Option<usize>, Error> {
    match (args.get(3), args.get(4), args.get(5), args.len()) {
        (None, ..) => Ok(None),
        (Some(full), None, ..) if is(full, "FULL") => Ok(Some(FULL_COUNT)),
        (Some(full), Some(word), Some(value), 6) if is(full, "FULL") && is(word, "COUNT") => {
            Ok(Some(usize::try_from(int(value)?).unwrap_or(FULL_COUNT)))
        }
        _ => Err(Error::concat(&[
            b"ERR unknown subcommand or wrong number of arguments for '",
            args.at(1),
            b"'. Try XINFO HELP.",
        ])),
    }
}

fn common(stream: &Stream) -> Fields {
    let blocks = stream.blocks().len() as u64;
    let idmp = stream.idempotence();
    let mut fields = Fields::new();
    put(&mut fields, "length", number(stream.len()));
    put(&mut fields, "radix-tree-keys", number(blocks));
    put(&mut fields, "radix-tree-nodes", number(blocks + 1));
    put(&mut fields, "last-generated-id", Reply::Id(stream.last_id));
    put(&mut fields, "max-deleted-entry-id", Reply::Id(stream.max_deleted_id));
    put(&mut fields, "entries-added", number(stream.entries_added));
    put(&mut fields, "recorded-first-entry-id", Reply::Id(stream.first_id()));
    put(&mut fields, "idmp-duration", number(idmp.duration));
    put(&mut fields, "idmp-maxsize", number(idmp.maxsize));
    put(&mut fields, "pids-tracked", number(idmp.producers.len() as u64));
    put(&mut fields, "iids-tracked", number(idmp.tracked()));
    put(&mut fields, "iids-added", number(idmp.added));
    put(&mut fields, "iids-duplicates", number(idmp.duplicates));
    fields
}

fn full_group(stream: &Stream, group: &Group, max: usize) -> Reply {
    let mut fields = Fields::new();
    put(&mut fields, "name", Reply::bulk(&group.name));
    put(&mut fields, "last-delivered-id", Reply::Id(group.last_id));
    put(&mut fields, "entries-read", maybe(group.entries_read()));
    put(&mut fields, "lag", maybe(group.lag(stream)));
    put(&mut fields, "pel-count", number(group.pending.len()));
    put(&mut fields, "nacked-count", number(group.pending.released()));
    let pending = group.pending.iter().take(max).map(|(id, delivery)| {
        let owner = group.owner_of(&delivery).map_or(Reply::name(""), |owner| Reply::bulk(&owner.name));
        let (at, count) = (Reply::Int(delivery.delivered_at), Reply::Int(delivery.delivery_count));
        Reply::Array(vec![Reply::Id(id), owner, at, count])
    });
    put(&mut fields, "pending", Reply::Array(pending.collect()));
    let consumers = group.consumers().map(|consumer| full_consumer(group, consumer, max));
    put(&mut fields, "consumers", Reply::Array(consumers.collect()));
    Reply::Map(fields)
}

fn full_consumer(group: &Group, consumer: &Consumer, max: usize) -> Reply {
    let mut fields = Fields::new();
    put(&mut fields, "name", Reply::bulk(&consumer.name));
    put(&mut fields, "seen-time", Reply::Int(consumer.seen_at));
    put(&mut fields, "active-time", Reply::Int(consumer.active_at));
    put(&mut fields, "pel-count", number(consumer.pending));
    let owned = group.owned(&consumer.name, group.pending.iter());
    let pending = owned.take(max).map(|(id, delivery)| {
        let (at, count) = (Reply::Int(delivery.delivered_at), Reply::Int(delivery.delivery_count));
        Reply::Array(vec![Reply::Id(id), at, count])
    });
    put(&mut fields, "pending", Reply::Array(pending.collect()));
    Reply::Map(fields)
}

struct InfoGroups<'a>(&'a [u8]);

impl<'a> InfoGroups<'a> {
    fn parse(args: Args<'a>) -> Result<InfoGroups<'a>, Error> {
        Ok(InfoGroups(args.at(2)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let stream = existing(query, self.0)?;
        let groups = stream.groups().iter().map(|group| {
            let mut fields = Fields::new();
            put(&mut fields, "name", Reply::bulk(&group.name));
            put(&mut fields, "consumers", number(group.consumer_count() as u64));
            put(&mut fields, "pending", number(group.pending.len()));
            put(&mut fields, "last-delivered-id", Reply::Id(group.last_id));
            put(&mut fields, "entries-read", maybe(group.entries_read()));
            put(&mut fields, "lag", maybe(group.lag(stream)));
            Reply::Map(fields)
        });
        Ok(Reply::Array(groups.collect()))
    }
}

impl Check for InfoGroups<'_> {}

struct InfoConsumers<'a> {
    key: &'a [u8],
    group: &'a [u8],
}

impl<'a> InfoConsumers<'a> {
    fn parse(args: Args<'a>) -> Result<InfoConsumers<'a>, Error> {
        Ok(InfoConsumers { key: args.at(2), group: args.at(3) })
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let stream = existing(query, self.key)?;
        let group = stream.group(self.group).ok_or_else(|| no_such_group(self.key, self.group))?;
        let since = |at: i64| query.now().saturating_sub(at).max(0);
        let consumers = group.consumers().map(|consumer| {
            let inactive = if consumer.active_at < 0 { -1 } else { since(consumer.active_at) };
            let mut fields = Fields::new();
            put(&mut fields, "name", Reply::bulk(&consumer.name));
            put(&mut fields, "pending", number(consumer.pending));
            put(&mut fields, "idle", Reply::Int(since(consumer.seen_at)));
            put(&mut fields, "inactive", Reply::Int(inactive));
            Reply::Map(fields)
        });
        Ok(Reply::Array(consumers.collect()))
    }
}

impl Check for InfoConsumers<'_> {}

/// On the wire byte for byte what Redis 8.6 answers, like error texts.
const HELP_LINES: &[&str] = &[
    "CONSUMERS <key> <groupname>",
    "    Show consumers of <groupname>.",
    "GROUPS <key>",
    "    Show the stream consumer groups.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Show information about the stream.",
];
