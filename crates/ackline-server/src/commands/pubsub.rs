//! SUBSCRIBE and its family, PUBLISH, PUBSUB.

use super::{Answer, Entry, Env, help};
use crate::pubsub::Kind;
use ackline_engine::spec::{Arg, Flags, Keys, Run};
use ackline_engine::{Args, Error, Reply, Spec};

const LISTEN: Flags =
    Flags::DENYOOM.and(Flags::PUBSUB).and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE);
const LEAVE: Flags = Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE);
const SEND: Flags = Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST);
const LOOK: Flags = Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE);
const BLANK: Spec = Spec { group: "pubsub", since: "2.0.0", ..Spec::BLANK };
const CHANNELS: &[Arg] = &[Arg::string("channel").many()];

const SUBSCRIBE: Spec = Spec {
    name: "subscribe",
    summary: "Listens to channels.",
    arity: -2,
    flags: LISTEN,
    grammar: CHANNELS,
    ..BLANK
};
const PSUBSCRIBE: Spec = Spec {
    name: "psubscribe",
    summary: "Listens to all channels that match a pattern.",
    arity: -2,
    flags: LISTEN,
    grammar: &[Arg::new("pattern", ackline_engine::spec::Kind::Pattern).many()],
    ..BLANK
};
const SSUBSCRIBE: Spec = Spec {
    name: "ssubscribe",
    summary: "Listens to shard channels.",
    since: "7.0.0",
    arity: -2,
    flags: LISTEN,
    keys: Keys::None,
    grammar: CHANNELS,
    ..BLANK
};
const MAYBE: &[Arg] = &[Arg::string("channel").optional().many()];
const UNSUBSCRIBE: Spec = Spec {
    name: "unsubscribe",
    summary: "Stops to listen to channels.",
    arity: -1,
    flags: LEAVE,
    grammar: MAYBE,
    ..BLANK
};
const PUNSUBSCRIBE: Spec = Spec {
    name: "punsubscribe",
    summary: "Stops to listen to patterns.",
    arity: -1,
    flags: LEAVE,
    grammar: MAYBE,
    ..BLANK
};
const SUNSUBSCRIBE: Spec = Spec {
    name: "sunsubscribe",
    summary: "Stops to listen to shard channels.",
    since: "7.0.0",
    arity: -1,
    flags: LEAVE,
    grammar: MAYBE,
    ..BLANK
};
const MESSAGE: &[Arg] = &[Arg::string("channel"), Arg::string("message")];
const PUBLISH: Spec =
    Spec { name: "publish", summary: "Sends a message.", arity: 3, flags: SEND, grammar: MESSAGE, ..BLANK };
const SPUBLISH: Spec = Spec {
    name: "spublish",
    summary: "Sends a message to a shard channel.",
    since: "7.0.0",
    arity: 3,
    flags: SEND,
    grammar: MESSAGE,
    ..BLANK
};
const SUB: Spec = Spec { since: "2.8.0", arity: -2, flags: LOOK, ..BLANK };
const PATTERN: &[Arg] = &[Arg::string("pattern").optional()];
const P_CHANNELS: Spec =
    Spec { name: "pubsub|channels", summary: "Channels that have listeners.", grammar: PATTERN, ..SUB };
const P_NUMSUB: Spec =
    Spec { name: "pubsub|numsub", summary: "Listeners of channels.", grammar: MAYBE, ..SUB };
const P_NUMPAT: Spec =
    Spec { name: "pubsub|numpat", summary: "Patterns that have listeners.", arity: 2, ..SUB };
const P_SHARDCHANNELS: Spec = Spec {
    name: "pubsub|shardchannels",
    summary: "Shard channels that have listeners.",
    grammar: PATTERN,
    ..SUB
};
const P_SHARDNUMSUB: Spec =
    Spec { name: "pubsub|shardnumsub", summary: "Listeners of shard channels.", grammar: MAYBE, ..SUB };
const P_HELP: Spec = Spec {
    name: "pubsub|help",
    summary: "Lists the subcommands.",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    ..SUB
};
const PUBSUB: Spec = Spec {
    name: "pubsub",
    summary: "Commands about who listens.",
    since: "2.8.0",
    arity: -2,
    run: Run::Container,
    subcommands: &[&P_CHANNELS, &P_HELP, &P_NUMPAT, &P_NUMSUB, &P_SHARDCHANNELS, &P_SHARDNUMSUB],
    ..BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[
    (&SUBSCRIBE, Some(|env, args| subscribe(env, args, Kind::Channel))),
    (&PSUBSCRIBE, Some(|env, args| subscribe(env, args, Kind::Pattern))),
    (&SSUBSCRIBE, Some(|env, args| subscribe(env, args, Kind::Shard))),
    (&UNSUBSCRIBE, Some(|env, args| unsubscribe(env, args, Kind::Channel))),
    (&PUNSUBSCRIBE, Some(|env, args| unsubscribe(env, args, Kind::Pattern))),
    (&SUNSUBSCRIBE, Some(|env, args| unsubscribe(env, args, Kind::Shard))),
    (&PUBLISH, Some(|env, args| Ok(Reply::count(env.shared.publish(args.at(1), args.at(2), 0)).into()))),
    (&SPUBLISH, Some(|env, args| Ok(Reply::count(env.shared.publish_shard(args.at(1), args.at(2))).into()))),
    (&PUBSUB, None),
    (&P_CHANNELS, Some(|env, args| names(env, args, Kind::Channel))),
    (&P_SHARDCHANNELS, Some(|env, args| names(env, args, Kind::Shard))),
    (&P_NUMSUB, Some(|env, args| Ok(counts(env, args, Kind::Channel)))),
    (&P_SHARDNUMSUB, Some(|env, args| Ok(counts(env, args, Kind::Shard)))),
    (&P_NUMPAT, Some(|env, _| Ok(Reply::count(env.shared.pubsub.len(Kind::Pattern)).into()))),
    (&P_HELP, Some(|_, _| Ok(help(&PUBSUB)))),
];

/// The count that a confirmation shows: shard channels are counted apart.
fn count(env: &Env<'_, '_>, kind: Kind) -> usize {
    let of = |kind: Kind| env.session.subscriptions[kind as usize].len();
    match kind {
        Kind::Shard => of(Kind::Shard),
        _ => of(Kind::Channel) + of(Kind::Pattern),
    }
}

fn confirm(env: &mut Env<'_, '_>, word: &str, name: Option<&[u8]>, kind: Kind) {
    let count = count(env, kind);
    let mut out = env.session.writer();
    out.push(3);
    out.bulk(word.as_bytes());
    match name {
        Some(name) => out.bulk(name),
        None => out.null(),
    }
    out.int(count as i64);
}

fn subscribe(env: &mut Env<'_, '_>, args: Args<'_>, kind: Kind) -> Result<Answer, Error> {
    for name in args.from(1).iter() {
        if env.session.subscriptions[kind as usize].insert(name.to_vec()) {
            env.shared.pubsub.subscribe(kind, name, env.session.info.id);
        }
        confirm(env, ["subscribe", "psubscribe", "ssubscribe"][kind as usize], Some(name), kind);
    }
    env.want_notes();
    env.session.publish_details();
    Ok(Answer::Written)
}

fn unsubscribe(env: &mut Env<'_, '_>, args: Args<'_>, kind: Kind) -> Result<Answer, Error> {
    let word = ["unsubscribe", "punsubscribe", "sunsubscribe"][kind as usize];
    let names: Vec<Vec<u8>> = match args.len() {
        1 => env.session.subscriptions[kind as usize].iter().cloned().collect(),
        _ => args.from(1).iter().map(<[u8]>::to_vec).collect(),
    };
    for name in &names {
        if env.session.subscriptions[kind as usize].remove(name) {
            env.shared.pubsub.unsubscribe(kind, name, env.session.info.id);
        }
        confirm(env, word, Some(name), kind);
    }
    if names.is_empty() {
        confirm(env, word, None, kind);
    }
    env.want_notes();
    env.session.publish_details();
    Ok(Answer::Written)
}

fn names(env: &mut Env<'_, '_>, args: Args<'_>, kind: Kind) -> Result<Answer, Error> {
    if args.len() > 3 {
        return Err(super::wrong_tail(&PUBSUB, args));
    }
    let names = env.shared.pubsub.names(kind, args.get(2));
    Ok(Reply::Array(names.iter().map(|name| Reply::bulk(name)).collect()).into())
}

fn counts(env: &mut Env<'_, '_>, args: Args<'_>, kind: Kind) -> Answer {
    let pair = |name| [Reply::bulk(name), Reply::count(env.shared.pubsub.count(kind, name))];
    Reply::Array(args.from(2).iter().flat_map(pair).collect()).into()
}
