//! SAVE and its kin, WAIT, ROLE, SHUTDOWN, and the commands of replication and clusters that there are none of.

use super::client::{deadline, wait};
use super::{Answer, Entry, Env, help};
use crate::session::Blocked;
use crate::shared::Shared;
use ackline_engine::args::{int, is};
use ackline_engine::spec::{Arg, Flags, Run};
use ackline_engine::{Args, Error, Reply, Spec};
use std::sync::atomic::Ordering::Relaxed;

const SAVE_FLAGS: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING);
const ADMIN: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE);
const BLANK: Spec = Spec { group: "server", since: "1.0.0", ..Spec::BLANK };

const SAVE: Spec = Spec {
    name: "save",
    summary: "Makes a checkpoint: a snapshot, and the log before it goes.",
    flags: SAVE_FLAGS.and(Flags::NO_MULTI),
    ..BLANK
};
const BGSAVE: Spec = Spec {
    name: "bgsave",
    summary: "Makes a checkpoint: a snapshot, and the log before it goes.",
    arity: -1,
    flags: SAVE_FLAGS,
    grammar: &[Arg::word("SCHEDULE").optional()],
    ..BLANK
};
const BGREWRITEAOF: Spec = Spec {
    name: "bgrewriteaof",
    summary: "Makes a checkpoint: a snapshot, and the log before it goes.",
    flags: SAVE_FLAGS,
    ..BLANK
};
const LASTSAVE: Spec = Spec {
    name: "lastsave",
    summary: "Unix time of the last SAVE.",
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    acl: &["admin", "dangerous"],
    ..BLANK
};
const WAIT: Spec = Spec {
    name: "wait",
    summary: "Waits for replicas, of which there are none.",
    since: "3.0.0",
    group: "generic",
    arity: 3,
    flags: Flags::BLOCKING,
    acl: &["connection"],
    grammar: &[Arg::int("numreplicas"), Arg::int("timeout")],
    ..BLANK
};
const WAITAOF: Spec = Spec {
    name: "waitaof",
    summary: "Waits until the connection's writes are on disk.",
    since: "7.2.0",
    group: "generic",
    arity: 4,
    flags: Flags::BLOCKING,
    acl: &["connection"],
    grammar: &[Arg::int("numlocal"), Arg::int("numreplicas"), Arg::int("timeout")],
    ..BLANK
};
const ROLE: Spec = Spec {
    name: "role",
    summary: "The part that this server plays.",
    since: "2.8.12",
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST),
    acl: &["admin", "dangerous"],
    ..BLANK
};
const SHUTDOWN: Spec = Spec {
    name: "shutdown",
    summary: "Ends the server; everything acknowledged is on disk.",
    arity: -1,
    flags: ADMIN.and(Flags::NO_MULTI).and(Flags::ALLOW_BUSY),
    grammar: &[
        Arg::one_of("save-selector", &[Arg::word("NOSAVE"), Arg::word("SAVE")]).optional(),
        Arg::word("NOW").optional(),
        Arg::word("FORCE").optional(),
        Arg::word("ABORT").optional(),
    ],
    ..BLANK
};
const HOST: &[Arg] = &[Arg::string("host"), Arg::string("port")];
const REPLICAOF_FLAGS: Flags =
    Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::STALE).and(Flags::NO_ASYNC_LOADING);
const REPLICAOF: Spec = Spec {
    name: "replicaof",
    summary: "Accepts NO ONE alone: there are no replicas.",
    since: "5.0.0",
    arity: 3,
    flags: REPLICAOF_FLAGS,
    grammar: HOST,
    ..BLANK
};
const SLAVEOF: Spec = Spec { name: "slaveof", ..REPLICAOF };
const CLUSTER: Spec = Spec {
    name: "cluster",
    summary: "There is no cluster.",
    since: "3.0.0",
    group: "cluster",
    arity: -2,
    grammar: &[Arg::string("subcommand")],
    ..BLANK
};
const ONE_WORD: Spec = Spec {
    summary: "There is no cluster.",
    since: "3.0.0",
    group: "cluster",
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    acl: &["connection"],
    ..BLANK
};
const READONLY: Spec = Spec { name: "readonly", ..ONE_WORD };
const READWRITE: Spec = Spec { name: "readwrite", ..ONE_WORD };
const ASKING: Spec = Spec { name: "asking", flags: Flags::FAST, ..ONE_WORD };

const SCRIPT_BLANK: Spec =
    Spec { group: "scripting", since: "2.6.0", acl: &["scripting"], flags: Flags::NOSCRIPT, ..Spec::BLANK };
const SCRIPT_EXISTS: Spec = Spec {
    name: "script|exists",
    summary: "There are no scripts.",
    arity: -3,
    grammar: &[Arg::string("sha1").many()],
    ..SCRIPT_BLANK
};
const SCRIPT_FLUSH: Spec = Spec {
    name: "script|flush",
    summary: "There are no scripts.",
    arity: -2,
    grammar: &[Arg::one_of("flush-type", &[Arg::word("ASYNC"), Arg::word("SYNC")]).optional()],
    ..SCRIPT_BLANK
};
const SCRIPT_HELP: Spec =
    Spec { name: "script|help", summary: "Lists the subcommands.", arity: 2, ..SCRIPT_BLANK };
const SCRIPT: Spec = Spec {
    name: "script",
    summary: "There are no scripts.",
    arity: -2,
    acl: &[],
    flags: Flags::NONE,
    run: Run::Container,
    subcommands: &[&SCRIPT_EXISTS, &SCRIPT_FLUSH, &SCRIPT_HELP],
    ..SCRIPT_BLANK
};
const FUNCTION_FLUSH: Spec = Spec {
    name: "function|flush",
    summary: "There are no functions.",
    since: "7.0.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::NOSCRIPT),
    grammar: &[Arg::one_of("flush-type", &[Arg::word("ASYNC"), Arg::word("SYNC")]).optional()],
    ..SCRIPT_BLANK
};
const FUNCTION_LIST: Spec = Spec {
    name: "function|list",
    summary: "There are no functions.",
    since: "7.0.0",
    arity: -2,
    ..SCRIPT_BLANK
};
const FUNCTION_HELP: Spec = Spec {
    name: "function|help",
    summary: "Lists the subcommands.",
    since: "7.0.0",
    arity: 2,
    ..SCRIPT_BLANK
};
const FUNCTION: Spec = Spec {
    name: "function",
    summary: "There are no functions.",
    since: "7.0.0",
    arity: -2,
    acl: &[],
    flags: Flags::NONE,
    run: Run::Container,
    subcommands: &[&FUNCTION_FLUSH, &FUNCTION_HELP, &FUNCTION_LIST],
    ..SCRIPT_BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[
    (&SAVE, Some(save)),
    (&BGSAVE, Some(bgsave)),
    (&BGREWRITEAOF, Some(bgrewriteaof)),
    (&LASTSAVE, Some(|env, _| Ok(Reply::Int(saved_at(env.shared) / 1000).into()))),
    (&WAIT, Some(wait_replicas)),
    (&WAITAOF, Some(wait_aof)),
    (&ROLE, Some(role)),
    (&SHUTDOWN, Some(shutdown)),
    (&REPLICAOF, Some(replicaof)),
    (&SLAVEOF, Some(replicaof)),
    (&CLUSTER, Some(|_, _| Err(NO_CLUSTER))),
    (&READONLY, Some(|_, _| Err(NO_CLUSTER))),
    (&READWRITE, Some(|_, _| Err(NO_CLUSTER))),
    (&ASKING, Some(|_, _| Err(NO_CLUSTER))),
    (&SCRIPT, None),
    (&SCRIPT_EXISTS, Some(script_exists)),
    (&SCRIPT_FLUSH, Some(|_, args| flush(args, "ERR SCRIPT FLUSH only support SYNC|ASYNC option"))),
    (&SCRIPT_HELP, Some(|_, _| Ok(help(&SCRIPT)))),
    (&FUNCTION, None),
    (&FUNCTION_FLUSH, Some(|_, args| flush(args, "ERR FUNCTION FLUSH only supports SYNC|ASYNC option"))),
    (&FUNCTION_LIST, Some(|_, _| Ok(Reply::Array(Vec::new()).into()))),
    (&FUNCTION_HELP, Some(|_, _| Ok(help(&FUNCTION)))),
];

const NO_CLUSTER: Error = Error::from_static("ERR This instance has cluster support disabled");

/// Unix ms of the last checkpoint, or of the start.
pub(super) fn saved_at(shared: &Shared) -> i64 {
    match shared.broker().checkpoint_status().completed_at {
        0 => shared.started_at,
        at => at,
    }
}

fn save(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    let broker = env.shared.broker();
    if broker.checkpoint_status().running {
        return Err(Error::from_static("ERR Background save already in progress"));
    }
    match broker.checkpoint() {
        Ok(_) => Ok(Reply::Ok.into()),
        Err(error) => {
            tracing::error!("SAVE failed: {error}");
            Err(Error::from_static("ERR"))
        }
    }
}

fn bgsave(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    match args.get(1) {
        Some(word) if !is(word, "SCHEDULE") || args.len() > 2 => return Err(Error::SYNTAX),
        _ => {}
    }
    let begun = env.shared.broker().ask_for_checkpoint();
    match (begun, args.len() > 1) {
        (true, _) if !env.in_exec() => Ok(Reply::Simple("Background saving started").into()),
        (true, _) | (false, true) => Ok(Reply::Simple("Background saving scheduled").into()),
        (false, false) => Err(Error::from_static("ERR Background save already in progress")),
    }
}

fn bgrewriteaof(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    match (env.shared.broker().ask_for_checkpoint(), env.in_exec()) {
        (true, false) => Ok(Reply::Simple("Background append only file rewriting started").into()),
        (true, true) => Ok(Reply::Simple("Background append only file rewriting scheduled").into()),
        (false, _) => {
            Err(Error::from_static("ERR Background append only file rewriting already in progress"))
        }
    }
}

/// `None` for a timeout of 0: for ever.
fn until(word: &[u8]) -> Result<Option<i64>, Error> {
    let at = deadline(word)?;
    Ok((word != b"0").then_some(at))
}

fn wait_replicas(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let until = until(args.at(2))?;
    let replicas = int(args.at(1))?;
    if replicas <= 0 || !wait(env, Blocked::Replicas(until)) {
        return Ok(Reply::Int(0).into());
    }
    Ok(Answer::Written)
}

fn wait_aof(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let local = int(args.at(1))?;
    if !(0..=1).contains(&local) {
        return Err(Error::from_static("ERR value is out of range, value must between 0 and 1"));
    }
    let replicas = int(args.at(2)).ok().filter(|count| *count >= 0);
    let replicas = replicas.ok_or(Error::from_static("ERR value is out of range, must be positive"))?;
    let until = until(args.at(3))?;
    if local > 0 && !env.shared.broker().keeps_log() {
        return Err(Error::from_static(
            "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.",
        ));
    }
    let lsn = env.session.last_lsn;
    let synced = env.shared.broker().log().durable().synced() >= lsn;
    let done = (synced || local == 0) && replicas == 0;
    let lsn = if local > 0 { lsn } else { 0 };
    env.shared.broker().log().sync(lsn);
    if done || !wait(env, Blocked::Synced { lsn, replicas: replicas > 0, until }) {
        let reply = vec![Reply::Int(i64::from(synced)), Reply::Int(0)];
        return Ok(Reply::Array(reply).into());
    }
    Ok(Answer::Written)
}

fn role(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    let offset = Reply::Int(env.shared.broker().log().last() as i64);
    Ok(Reply::Array(vec![Reply::name("master"), offset, Reply::Array(Vec::new())]).into())
}

fn shutdown(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let known = ["NOSAVE", "SAVE", "NOW", "FORCE", "ABORT"];
    let has = |name: &str| args.from(1).iter().any(|word| is(word, name));
    let understood = args.from(1).iter().all(|word| known.iter().any(|name| is(word, name)));
    if !understood || (has("NOSAVE") && has("SAVE")) || (has("ABORT") && args.len() > 2) {
        return Err(Error::SYNTAX);
    }
    if has("ABORT") {
        return Err(Error::from_static("ERR No shutdown in progress."));
    }
    env.shared.saves_at_end.store(!has("NOSAVE"), Relaxed);
    tracing::info!("SHUTDOWN: stopping");
    env.session.closing = true;
    env.shared.stop();
    Ok(Answer::Written)
}

fn replicaof(_: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    match is(args.at(1), "NO") && is(args.at(2), "ONE") {
        true => Ok(Reply::Ok.into()),
        false => Err(Error::from_static("ERR this server cannot be a replica")),
    }
}

fn script_exists(_: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    Ok(Reply::Array(args.from(2).iter().map(|_| Reply::Int(0)).collect()).into())
}

fn flush(args: Args<'_>, error: &'static str) -> Result<Answer, Error> {
    match args.get(2) {
        Some(word) if args.len() > 3 || !(is(word, "SYNC") || is(word, "ASYNC")) => {
            Err(Error::from_static(error))
        }
        _ => Ok(Reply::Ok.into()),
    }
}
