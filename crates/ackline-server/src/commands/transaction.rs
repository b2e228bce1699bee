//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.

use super::{Answer, Entry, Env};
use crate::dispatch;
use crate::session::Queue;
use ackline_engine::spec::{Arg, Flags, Keys};
use ackline_engine::{Args, Error, Reply, Spec};

const OPEN: Flags =
    Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY);

const BLANK: Spec = Spec { group: "transactions", acl: &["transaction"], flags: OPEN, ..Spec::BLANK };

const MULTI: Spec = Spec { name: "multi", summary: "Starts a transaction.", since: "1.2.0", ..BLANK };
const EXEC: Spec = Spec {
    name: "exec",
    summary: "Runs all queued commands as one atomic batch.",
    since: "1.2.0",
    complexity: "Depends on the commands.",
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SKIP_SLOWLOG),
    ..BLANK
};
const DISCARD: Spec =
    Spec { name: "discard", summary: "Drops all queued commands.", since: "2.0.0", ..BLANK };
const WATCH: Spec = Spec {
    name: "watch",
    summary: "Makes the next EXEC depend on keys staying as they are.",
    since: "2.2.0",
    complexity: "O(1) for every key.",
    arity: -2,
    keys: Keys::ALL,
    key_flags: &["RO"],
    grammar: &[Arg::key().many()],
    ..BLANK
};
const UNWATCH: Spec = Spec { name: "unwatch", summary: "Forgets all watched keys.", since: "2.2.0", ..BLANK };

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[
    (&MULTI, Some(multi)),
    (&EXEC, Some(|env, _| dispatch::exec(env.session, env.shared))),
    (&DISCARD, Some(discard)),
    (&WATCH, Some(watch)),
    (&UNWATCH, Some(unwatch)),
];

fn multi(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    if env.session.multi.is_some() {
        return Err(Error::from_static("ERR MULTI calls can not be nested"));
    }
    env.session.multi = Some(Queue::default());
    env.session.publish_details();
    Ok(Reply::Ok.into())
}

fn discard(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    env.session.multi.take().ok_or(Error::from_static("ERR DISCARD without MULTI"))?;
    forget_watches(env);
    Ok(Reply::Ok.into())
}

fn watch(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    if env.session.multi.is_some() {
        return Err(Error::from_static("ERR WATCH inside MULTI is not allowed"));
    }
    let ctx = dispatch::context(env.session, env.shared, ackline::now_ms());
    let watches = env.shared.broker().watch(args.from(1).iter(), ctx);
    env.session.watches.extend(watches);
    env.session.publish_details();
    Ok(Reply::Ok.into())
}

fn unwatch(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    // Inside EXEC the watches are gone already.
    if !env.in_exec() {
        forget_watches(env);
    }
    Ok(Reply::Ok.into())
}

fn forget_watches(env: &mut Env<'_, '_>) {
    let watches = std::mem::take(&mut env.session.watches);
    env.shared.broker().unwatch(&watches);
    env.session.publish_details();
}
