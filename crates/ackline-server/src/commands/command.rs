//! COMMAND: what the table says.

use super::{Answer, Entry, Env, docs, help};
use crate::acl::catalog::categories;
use ackline_engine::args::is;
use ackline_engine::spec::{Arg, Flags, Keys, Run};
use ackline_engine::table::subcommand;
use ackline_engine::{Args, Error, Reply, Spec, glob};

const ANY: Flags = Flags::LOADING.and(Flags::STALE);
const BLANK: Spec =
    Spec { group: "server", acl: &["connection"], since: "2.8.13", flags: ANY, ..Spec::BLANK };
const NAMES: &[Arg] = &[Arg::string("command-name").optional().many()];
const CALL: &[Arg] = &[Arg::string("command"), Arg::string("arg").many()];

const COUNT: Spec =
    Spec { name: "command|count", summary: "How many commands there are.", arity: 2, ..BLANK };
const DOCS: Spec = Spec {
    name: "command|docs",
    summary: "Documentation of commands.",
    since: "7.0.0",
    arity: -2,
    grammar: NAMES,
    ..BLANK
};
const INFO: Spec =
    Spec { name: "command|info", summary: "Facts about commands.", arity: -2, grammar: NAMES, ..BLANK };
const LIST: Spec = Spec {
    name: "command|list",
    summary: "The names of commands.",
    since: "7.0.0",
    arity: -2,
    grammar: &[Arg::block(
        "filterby",
        &[Arg::one_of(
            "filter",
            &[
                Arg::string("module-name").after("MODULE"),
                Arg::string("category").after("ACLCAT"),
                Arg::string("pattern").after("PATTERN"),
            ],
        )],
    )
    .after("FILTERBY")
    .optional()],
    ..BLANK
};
const GETKEYS: Spec =
    Spec { name: "command|getkeys", summary: "The keys of a call.", arity: -3, grammar: CALL, ..BLANK };
const GETKEYSANDFLAGS: Spec = Spec {
    name: "command|getkeysandflags",
    summary: "The keys of a call, and what it does to them.",
    since: "7.0.0",
    arity: -3,
    grammar: CALL,
    ..BLANK
};
const HELP: Spec = Spec { name: "command|help", summary: "Lists the subcommands.", arity: 2, ..BLANK };
const COMMAND: Spec = Spec {
    name: "command",
    summary: "Facts about all commands.",
    arity: -1,
    subcommands: &[&COUNT, &DOCS, &GETKEYS, &GETKEYSANDFLAGS, &HELP, &INFO, &LIST],
    run: Run::Container,
    ..BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[
    (&COMMAND, Some(all)),
    (&COUNT, Some(|env, _| Ok(Reply::count(env.shared.broker().table().iter().len()).into()))),
    (&DOCS, Some(docs_of)),
    (&INFO, Some(info_of)),
    (&LIST, Some(list)),
    (&GETKEYS, Some(|env, args| keys(env, args, |key, _| Reply::bulk(key)))),
    (&GETKEYSANDFLAGS, Some(|env, args| keys(env, args, key_and_flags))),
    (&HELP, Some(|_, _| Ok(help(&COMMAND)))),
];

fn all(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    Ok(Reply::Array(env.shared.broker().table().iter().map(docs::info).collect()).into())
}

/// A command or `container|subcommand` by name.
fn named(env: &Env<'_, '_>, name: &[u8]) -> Option<&'static Spec> {
    let mut parts = name.splitn(2, |byte| *byte == b'|');
    let spec = env.shared.broker().table().find(parts.next()?)?;
    match parts.next() {
        Some(word) => subcommand(spec, word),
        None => Some(spec),
    }
}

fn info_of(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    if args.len() == 2 {
        return all(env, args);
    }
    let one = |name| named(env, name).map_or(Reply::Null, docs::info);
    Ok(Reply::Array(args.from(2).iter().map(one).collect()).into())
}

fn docs_of(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let specs: Vec<&Spec> = match args.len() {
        2 => env.shared.broker().table().iter().collect(),
        _ => args.from(2).iter().filter_map(|name| named(env, name)).collect(),
    };
    Ok(Reply::Map(specs.iter().map(|spec| (Reply::name(spec.name), docs::docs(spec))).collect()).into())
}

fn list(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let table = env.shared.broker().table();
    let with_subcommands =
        || table.iter().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands.iter().copied()));
    let names: Vec<&'static str> = match (args.get(2), args.get(3), args.get(4)) {
        (None, ..) => table.iter().map(|spec| spec.name).collect(),
        (Some(by), Some(kind), Some(value)) if is(by, "FILTERBY") && args.len() == 5 => match () {
            () if is(kind, "MODULE") => Vec::new(),
            () if is(kind, "ACLCAT") => {
                let category = value.to_ascii_lowercase();
                let has = |spec: &&'static Spec| categories(spec).any(|name| name.as_bytes() == category);
                with_subcommands().filter(has).map(|spec| spec.name).collect()
            }
            () if is(kind, "PATTERN") => {
                let fits = |spec: &&Spec| glob::matches(value, spec.name.as_bytes(), true);
                with_subcommands().filter(fits).map(|spec| spec.name).collect()
            }
            () => return Err(Error::SYNTAX),
        },
        _ => return Err(Error::SYNTAX),
    };
    Ok(Reply::Array(names.into_iter().map(Reply::name).collect()).into())
}

fn keys(
    env: &mut Env<'_, '_>,
    args: Args<'_>,
    show: fn(&[u8], &'static Spec) -> Reply,
) -> Result<Answer, Error> {
    let call = args.from(2);
    let table = env.shared.broker().table();
    let found = table.find(call.at(0)).ok_or(Error::from_static("ERR Invalid command specified"))?;
    let spec = match (found.run, call.get(1)) {
        (Run::Container, Some(word)) => {
            subcommand(found, word).ok_or(Error::from_static("ERR Invalid command specified"))?
        }
        _ => found,
    };
    if matches!(spec.keys, Keys::None | Keys::Everything) {
        return Err(Error::from_static("ERR The command has no key arguments"));
    }
    if !spec.accepts(call.len()) {
        return Err(Error::from_static("ERR Invalid number of arguments specified for command"));
    }
    let keys: Vec<Reply> = spec.keys_of(call).map(|key| show(key, spec)).collect();
    match keys.is_empty() {
        true => Err(Error::from_static("ERR Invalid arguments specified for command")),
        false => Ok(Reply::Array(keys).into()),
    }
}

fn key_and_flags(key: &[u8], spec: &'static Spec) -> Reply {
    let flags = spec.key_flags.iter().map(|flag| Reply::Simple(flag)).collect();
    Reply::Array(vec![Reply::bulk(key), Reply::Set(flags)])
}
