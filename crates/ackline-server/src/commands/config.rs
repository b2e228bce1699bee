//! CONFIG.

use super::{Answer, Entry, Env, help};
use crate::acl::redact;
use crate::config::system_text;
use crate::stats::CommandStats;
use ackline_engine::spec::{Arg, Flags, Kind, Run};
use ackline_engine::{Args, Error, Reply, Spec};

const ADMIN: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE);
const BLANK: Spec = Spec { group: "server", since: "2.0.0", flags: ADMIN, ..Spec::BLANK };

const GET: Spec = Spec {
    name: "config|get",
    summary: "The values of parameters.",
    arity: -3,
    grammar: &[Arg::new("parameter", Kind::Pattern).many()],
    ..BLANK
};
const SET: Spec = Spec {
    name: "config|set",
    summary: "Sets parameters, all or none.",
    arity: -4,
    grammar: &[Arg::block("data", &[Arg::string("parameter"), Arg::string("value")]).many()],
    ..BLANK
};
const RESETSTAT: Spec = Spec { name: "config|resetstat", summary: "Sets counters to 0.", arity: 2, ..BLANK };
const REWRITE: Spec = Spec {
    name: "config|rewrite",
    summary: "Writes the configuration file.",
    since: "2.8.0",
    arity: 2,
    ..BLANK
};
const HELP: Spec = Spec {
    name: "config|help",
    summary: "Lists the subcommands.",
    since: "5.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    ..BLANK
};
const CONFIG: Spec = Spec {
    name: "config",
    summary: "Commands about parameters.",
    arity: -2,
    flags: Flags::NONE,
    run: Run::Container,
    subcommands: &[&GET, &HELP, &RESETSTAT, &REWRITE, &SET],
    ..BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[
    (&CONFIG, None),
    (&GET, Some(get)),
    (&SET, Some(set)),
    (&RESETSTAT, Some(reset)),
    (&REWRITE, Some(rewrite)),
    (&HELP, Some(|_, _| Ok(help(&CONFIG)))),
];

fn get(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let values = env.shared.config.get(args.from(2).iter());
    // Who may only read must not learn how to do more.
    let hides = env.shared.users.is_reader(&env.session.identity.user);
    let shown =
        |name: &str, value| if hides && redact::is_secret(name.as_bytes()) { String::new() } else { value };
    let pairs = values.into_iter().map(|(name, value)| {
        let value = shown(&name, value);
        (Reply::Text(name), Reply::Text(value))
    });
    Ok(Reply::Map(pairs.collect()).into())
}

fn set(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    if args.len() % 2 == 1 {
        return Err(Error::arity("config|set"));
    }
    let words: Vec<&[u8]> = args.from(2).iter().collect();
    let pairs: Vec<(&[u8], &[u8])> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    let tls = env.shared.tls.prepare(&env.shared.config, &pairs)?;
    let changed = env.shared.config.set(&pairs)?;
    if let Some(change) = tls {
        change.commit();
    }
    if changed.contains(&"requirepass") {
        env.shared.users.set_default_password(&env.shared.config.string("requirepass"));
        super::acl::publish(env);
    }
    Ok(Reply::Ok.into())
}

fn rewrite(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    let users = env.shared.users.lines(&env.shared.config);
    match env.shared.config.rewrite(users.as_deref()) {
        Ok(true) => {
            tracing::info!("CONFIG REWRITE executed with success.");
            Ok(Reply::Ok.into())
        }
        Ok(false) => Err(Error::from_static("ERR The server is running without a config file")),
        Err(error) => {
            tracing::warn!("CONFIG REWRITE failed: {error}");
            Err(Error::from(format!("ERR Rewriting config file: {}", system_text(&error))))
        }
    }
}

fn reset(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    env.shared.stats.reset();
    env.shared.users.log.reset_counts();
    env.shared.rows.values().flat_map(|row| row.stats.iter()).for_each(CommandStats::reset);
    Ok(Reply::Ok.into())
}
