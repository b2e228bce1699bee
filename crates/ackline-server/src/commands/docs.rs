//! What the table says about a command, as COMMAND and HELP show it.

use crate::acl::catalog::categories;
use ackline_engine::Reply;
use ackline_engine::spec::{Arg, Keys, Kind, Spec};

/// A line of usage: the word and its grammar.
pub(crate) fn usage(word: &str, grammar: &[Arg]) -> String {
    grammar.iter().fold(word.to_owned(), |line, arg| line + " " + &phrase(arg))
}

fn phrase(arg: &Arg) -> String {
    let list = |args: &[Arg], between: &str| args.iter().map(phrase).collect::<Vec<_>>().join(between);
    let body = match arg.kind {
        Kind::Token => String::new(),
        Kind::OneOf(choices) => format!("<{}>", list(choices, " | ")),
        Kind::Block(parts) => list(parts, " "),
        _ => format!("<{}>", arg.name),
    };
    let mut text = [arg.token.unwrap_or_default(), &body].join(" ").trim().to_owned();
    if arg.many {
        text = format!("{text} [{text} ...]");
    }
    if arg.optional { format!("[{text}]") } else { text }
}

/// The ten elements of COMMAND INFO.
pub(crate) fn info(spec: &'static Spec) -> Reply {
    let simple = |word: &'static str| Reply::Simple(word);
    let (first, last, step) = positions(spec);
    let categories = categories(spec);
    let subcommands = spec.subcommands.iter().map(|spec| info(spec)).collect();
    Reply::Array(vec![
        Reply::name(spec.name),
        Reply::Int(i64::from(spec.arity)),
        Reply::Set(spec.flags.names().map(simple).collect()),
        Reply::Int(first),
        Reply::Int(last),
        Reply::Int(step),
        Reply::Set(categories.map(|name| Reply::Line(format!("@{name}"))).collect()),
        Reply::Set(spec.tips.iter().map(|tip| Reply::name(tip)).collect()),
        Reply::Set(key_specs(spec)),
        Reply::Array(subcommands),
    ])
}

fn positions(spec: &Spec) -> (i64, i64, i64) {
    match spec.keys {
        Keys::Range { first, last, step } => (first as i64, last as i64, step as i64),
        _ => (0, 0, 0),
    }
}

fn key_specs(spec: &Spec) -> Vec<Reply> {
    let (begin, find) = match spec.keys {
        Keys::None | Keys::Everything => return Vec::new(),
        Keys::Range { first, last, step } => {
            let last = if last < 0 { last as i64 } else { last as i64 - first as i64 };
            let range = vec![
                (Reply::name("lastkey"), Reply::Int(last)),
                (Reply::name("keystep"), Reply::Int(step as i64)),
                (Reply::name("limit"), Reply::Int(0)),
            ];
            (typed("index", vec![(Reply::name("index"), Reply::Int(first as i64))]), typed("range", range))
        }
        Keys::Streams => {
            let from = if spec.name == "xread" { 1 } else { 4 };
            let keyword = vec![
                (Reply::name("keyword"), Reply::name("STREAMS")),
                (Reply::name("startfrom"), Reply::Int(from)),
            ];
            let range = vec![
                (Reply::name("lastkey"), Reply::Int(-1)),
                (Reply::name("keystep"), Reply::Int(1)),
                (Reply::name("limit"), Reply::Int(2)),
            ];
            (typed("keyword", keyword), typed("range", range))
        }
    };
    let flags = spec.key_flags.iter().map(|flag| Reply::Simple(flag)).collect();
    vec![Reply::Map(vec![
        (Reply::name("flags"), Reply::Set(flags)),
        (Reply::name("begin_search"), begin),
        (Reply::name("find_keys"), find),
    ])]
}

fn typed(kind: &'static str, spec: Vec<(Reply, Reply)>) -> Reply {
    Reply::Map(vec![(Reply::name("type"), Reply::name(kind)), (Reply::name("spec"), Reply::Map(spec))])
}

/// The map of COMMAND DOCS for one command.
pub(crate) fn docs(spec: &Spec) -> Reply {
    let mut map = vec![
        (Reply::name("summary"), Reply::name(spec.summary)),
        (Reply::name("since"), Reply::name(spec.since)),
        (Reply::name("group"), Reply::name(spec.group)),
        (Reply::name("complexity"), Reply::name(spec.complexity)),
    ];
    if !spec.grammar.is_empty() {
        map.push((Reply::name("arguments"), arguments(spec.grammar)));
    }
    if !spec.subcommands.is_empty() {
        let subcommands = spec.subcommands.iter().map(|spec| (Reply::name(spec.name), docs(spec)));
        map.push((Reply::name("subcommands"), Reply::Map(subcommands.collect())));
    }
    Reply::Map(map)
}

fn arguments(grammar: &[Arg]) -> Reply {
    Reply::Array(grammar.iter().map(argument).collect())
}

fn argument(arg: &Arg) -> Reply {
    let (kind, parts): (&'static str, Option<&[Arg]>) = match arg.kind {
        Kind::Key => ("key", None),
        Kind::Integer | Kind::Count => ("integer", None),
        Kind::UnixTime => ("unix-time", None),
        Kind::Pattern => ("pattern", None),
        Kind::Token => ("pure-token", None),
        Kind::OneOf(parts) => ("oneof", Some(parts)),
        Kind::Block(parts) => ("block", Some(parts)),
        Kind::String | Kind::Id | Kind::Bound => ("string", None),
    };
    let mut map = vec![
        (Reply::name("name"), Reply::Text(arg.name.to_ascii_lowercase())),
        (Reply::name("type"), Reply::name(kind)),
    ];
    if parts.is_none() && arg.token.is_none() {
        map.push((Reply::name("display_text"), Reply::name(arg.name)));
    }
    if let Some(token) = arg.token {
        map.push((Reply::name("token"), Reply::name(token)));
    }
    let flags: Vec<Reply> = [("optional", arg.optional), ("multiple", arg.many)]
        .into_iter()
        .filter(|(_, on)| *on)
        .map(|(name, _)| Reply::Simple(name))
        .collect();
    if !flags.is_empty() {
        map.push((Reply::name("flags"), Reply::Array(flags)));
    }
    if let Some(parts) = parts {
        map.push((Reply::name("arguments"), arguments(parts)));
    }
    Reply::Map(map)
}
