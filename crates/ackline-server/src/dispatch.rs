//! From words to an answer: the order of checks, transactions, and who runs what.

use crate::acl::log::Reason;
use crate::acl::redact;
use crate::commands::{Answer, Env};
use crate::encode;
use crate::mail::{Msg, Push};
use crate::session::{Blocked, Queue, Session};
use crate::shared::Shared;
use ackline::Called;
use ackline_engine::args::is;
use ackline_engine::spec::{Flags, Run};
use ackline_engine::{Args, Context, Error, OwnedArgs, ShardSet, Spec, Txn};
use ackline_resp::Protocol;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Runs one command of a session. False if it is to be read again once a pause is over.
pub(crate) fn run(session: &mut Session, shared: &Shared, args: Args<'_>) -> bool {
    shared.stats.traffic.own().commands.fetch_add(1, Relaxed);
    let now = ackline::now_ms();
    session.info.active_at.store(now, Relaxed);
    session.info.commands.fetch_add(1, Relaxed);
    let spec = match admit(session, shared, args) {
        Ok(spec) => spec,
        Err(error) => {
            refuse(session, shared, args, &error);
            return true;
        }
    };
    *session.info.last.lock() = spec.name;
    if is_paused(shared, spec, now) {
        session.block(Blocked::Pause);
        return false;
    }
    if shared.has_monitors.load(Relaxed) {
        show_monitors(session, shared, spec, args);
    }
    match &mut session.multi {
        Some(queue) if !runs_inside_multi(spec) => {
            // What EXEC will refuse anyway need not be kept.
            if !queue.doomed {
                queue.push(spec, OwnedArgs::collect(args.iter()));
            }
            session.writer().simple("QUEUED");
            session.publish_details();
        }
        _ => execute(session, shared, spec, args, now),
    }
    session.forget_caching(spec);
    true
}

/// The checks in their order; the first that fails answers.
fn admit(session: &Session, shared: &Shared, args: Args<'_>) -> Result<&'static Spec, Error> {
    let spec = shared.broker().table().resolve(args)?;
    if spec.name == "debug" && !may_debug(session, shared) {
        return Err(Error::from_static(DEBUG_REFUSED));
    }
    if !session.identity.admitted && !spec.flags.has(Flags::NO_AUTH) {
        return Err(Error::from_static("NOAUTH Authentication required."));
    }
    if session.multi.is_some() && spec.flags.has(Flags::NO_MULTI) {
        return Err(Error::from_static("ERR Command not allowed inside a transaction"));
    }
    session.check(shared, spec, args, session.multi.is_some()).map_err(|(_, error)| error)?;
    if shared.is_loading() && !runs_while_loading(spec) {
        return Err(Error::from_static("LOADING Redis is loading the dataset in memory"));
    }
    if let Some(error) = no_room(session, shared, spec) {
        return Err(error);
    }
    if session.protocol == Protocol::Resp2 && session.subscribed() > 0 && !SUBSCRIBER.contains(&spec.name) {
        return Err(Error::from(format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
             this context",
            spec.name
        )));
    }
    Ok(spec)
}

/// Transactions and DEBUG look at state, of which there is none yet.
fn runs_while_loading(spec: &Spec) -> bool {
    let outside = matches!(spec.run, Run::Outside | Run::Container);
    let of_state = matches!(spec.name, "multi" | "exec" | "discard" | "watch" | "unwatch" | "debug");
    outside && spec.flags.has(Flags::LOADING) && !of_state
}

/// Why a command that writes, or a transaction with one, cannot run for lack of disk or memory.
pub(crate) fn no_room(session: &Session, shared: &Shared, spec: &'static Spec) -> Option<Error> {
    let queue = session.multi.as_ref().filter(|_| spec.name == "exec");
    let queued = queue.into_iter().flat_map(|queue| queue.calls.iter().map(|(spec, _)| *spec));
    let any = |flag: Flags| spec.flags.has(flag) || queued.clone().any(|spec| spec.flags.has(flag));
    if let Some(error) = shared.broker().refuses_writes()
        && any(Flags::WRITE)
    {
        return Some(error);
    }
    let max = shared.config.live().maxmemory.load(Relaxed);
    let over = max > 0 && shared.memory.used() > max;
    (over && any(Flags::DENYOOM))
        .then_some(Error::from_static("OOM command not allowed when used memory > 'maxmemory'."))
}

const DEBUG_REFUSED: &str = "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", \
    you can run it from a local connection, otherwise you need to set this option in the configuration file, and \
    then restart the server.";

const SUBSCRIBER: [&str; 9] = [
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "unsubscribe",
    "punsubscribe",
    "sunsubscribe",
    "ping",
    "quit",
    "reset",
];

fn may_debug(session: &Session, shared: &Shared) -> bool {
    match shared.config.string("enable-debug-command").as_str() {
        "yes" => true,
        "local" => session.local,
        _ => false,
    }
}

/// A refused command dooms the transaction that it was meant for.
fn refuse(session: &mut Session, shared: &Shared, args: Args<'_>, error: &Error) {
    shared.stats.count_error(error.as_bytes());
    if let Ok(spec) = shared.broker().table().resolve(args) {
        shared.row(spec).stats.own().rejected.fetch_add(1, Relaxed);
    }
    if args.get(0).is_some_and(|name| is(name, "EXEC")) {
        return abandon(session, shared, error);
    }
    if let Some(queue) = &mut session.multi {
        queue.doomed = true;
    }
    session.writer().error(error.as_bytes());
}

/// An EXEC that is refused itself ends its transaction.
fn abandon(session: &mut Session, shared: &Shared, error: &Error) {
    session.multi = None;
    shared.broker().unwatch(&std::mem::take(&mut session.watches));
    session.publish_details();
    let reason = error.as_bytes().strip_prefix(b"ERR ").unwrap_or(error.as_bytes());
    let text = [b"EXECABORT Transaction discarded because of: ", reason].concat();
    session.writer().error(&text);
}

fn is_paused(shared: &Shared, spec: &Spec, now: i64) -> bool {
    let until = shared.pause_until.load(Relaxed);
    until > now
        && !matches!(
            spec.name.split('|').next(),
            Some("client" | "quit" | "reset" | "shutdown" | "hello" | "auth")
        )
        && (shared.pause_all.load(Relaxed) || spec.flags.has(Flags::WRITE) || spec.name == "exec")
}

fn runs_inside_multi(spec: &Spec) -> bool {
    matches!(spec.name, "exec" | "discard" | "multi" | "watch" | "quit" | "reset")
}

fn execute(session: &mut Session, shared: &Shared, spec: &'static Spec, args: Args<'_>, now: i64) {
    let start = Instant::now();
    let failed = match spec.run {
        Run::Outside | Run::Container => {
            let answer = call_handler(session, shared, None, spec, args);
            write_answer(session, shared, answer)
        }
        Run::Read { .. } | Run::Write { .. } => call_engine(session, shared, spec, args, now),
    };
    let usec = start.elapsed().as_micros() as u64;
    shared.row(spec).stats.own().count(usec, failed);
    note_slow(session, shared, spec, args, usec, now);
}

/// True if it failed.
fn call_engine(
    session: &mut Session,
    shared: &Shared,
    spec: &'static Spec,
    args: Args<'_>,
    now: i64,
) -> bool {
    let broker = shared.broker();
    let blocking = spec.flags.has(Flags::BLOCKING);
    session.remember(shared, spec, args);
    let mut ctx = context(session, shared, now);
    if blocking {
        ctx.may_block = true;
        ctx.ticket = broker.ticket();
        shared.waiting.lock().insert(ctx.ticket, (session.info.thread, session.info.id));
    }
    match broker.call(spec, args, ctx) {
        Called::Parked => {
            session.remember_later(spec, args);
            session.block(Blocked::Read(ctx.ticket));
            false
        }
        Called::Done(outcome, lsn) => {
            if blocking {
                shared.waiting.lock().remove(&ctx.ticket);
            }
            session.last_lsn = session.last_lsn.max(lsn);
            if let Err(error) = &outcome {
                shared.stats.count_error(error.as_bytes());
            }
            encode::outcome(&mut session.writer(), &outcome);
            outcome.is_err()
        }
    }
}

/// What the engine is told of a session's command.
pub(crate) fn context(session: &Session, shared: &Shared, now: i64) -> Context {
    Context {
        db: session.db,
        resp3: session.protocol == Protocol::Resp3,
        databases: shared.broker().databases(),
        random: chance(),
        client: session.info.id,
        settings: shared.settings(),
        ..Context::at(now)
    }
}

/// Chance for commands that need some: a Weyl sequence through a mixer; nothing secret depends on it.
fn chance() -> u64 {
    use std::cell::Cell;
    thread_local!(static STATE: Cell<u64> = Cell::new(ackline::now_ms() as u64));
    let next = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(next);
    let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 31)
}

/// Runs one of the server's own commands.
fn call_handler(
    session: &mut Session,
    shared: &Shared,
    txn: Option<&mut Txn<'_>>,
    spec: &'static Spec,
    args: Args<'_>,
) -> Result<Answer, Error> {
    match shared.row(spec).handler {
        Some(handler) => handler(&mut Env { session, shared, txn }, args),
        None => Err(Error::arity(spec.name)),
    }
}

/// True if it was an error.
fn write_answer(session: &mut Session, shared: &Shared, answer: Result<Answer, Error>) -> bool {
    match answer {
        Ok(Answer::Reply(reply)) => encode::reply(&mut session.writer(), &reply),
        Ok(Answer::Written) => {}
        Err(error) => {
            shared.stats.count_error(error.as_bytes());
            session.writer().error(error.as_bytes());
            return true;
        }
    }
    false
}

/// EXEC: everything that was queued, under one hold of the locks, as one batch of the log.
pub(crate) fn exec(session: &mut Session, shared: &Shared) -> Result<Answer, Error> {
    let queue = session.multi.take().ok_or(Error::from_static("ERR EXEC without MULTI"))?;
    let watches = std::mem::take(&mut session.watches);
    session.publish_details();
    if queue.doomed {
        shared.broker().unwatch(&watches);
        return Err(Error::from_static("EXECABORT Transaction discarded because of previous errors."));
    }
    let broker = Arc::clone(shared.broker());
    let shards = shards_of(shared, &queue).union(broker.shards_watched(&watches));
    let now = ackline::now_ms();
    let ctx = context(session, shared, now);
    let ((), lsn) = broker.with(shards, ctx, |txn| {
        let unchanged = watches.iter().all(|watch| watch.holds(txn));
        watches.iter().for_each(|watch| watch.end(txn));
        if !unchanged {
            return session.writer().null_array();
        }
        session.writer().array(queue.calls.len());
        for (spec, args) in &queue.calls {
            exec_one(session, shared, txn, (spec, args.as_args()), now);
        }
    });
    session.last_lsn = session.last_lsn.max(lsn);
    Ok(Answer::Written)
}

fn exec_one(
    session: &mut Session,
    shared: &Shared,
    txn: &mut Txn<'_>,
    (spec, args): (&'static Spec, Args<'_>),
    now: i64,
) {
    // A command before it may have changed the user.
    if !session.renew_user(shared) {
        session.closing = true;
    }
    if let Err((reason, _)) = session.check(shared, spec, args, true) {
        let error = no_longer_allowed(reason);
        shared.stats.count_error(error.as_bytes());
        shared.row(spec).stats.own().rejected.fetch_add(1, Relaxed);
        return session.writer().error(error.as_bytes());
    }
    let start = Instant::now();
    let failed = match spec.run {
        Run::Outside | Run::Container => {
            let answer = call_handler(session, shared, Some(txn), spec, args);
            write_answer(session, shared, answer)
        }
        _ => {
            session.remember(shared, spec, args);
            txn.set_context(context(session, shared, now));
            let outcome = txn.execute(spec, args);
            if let Err(error) = &outcome {
                shared.stats.count_error(error.as_bytes());
            }
            encode::outcome(&mut session.writer(), &outcome);
            outcome.is_err()
        }
    };
    shared.row(spec).stats.own().count(start.elapsed().as_micros() as u64, failed);
}

/// The error of a queued command that its user may not run any more.
fn no_longer_allowed(reason: Reason) -> Error {
    let why = match reason {
        Reason::Key => "no permission to touch the specified keys",
        Reason::Channel => "no permission to access one of the channels used as arguments to the command",
        Reason::Command | Reason::Auth | Reason::Certificate => {
            "no permission to execute the command or subcommand"
        }
    };
    Error::from(format!(
        "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This \
         command is no longer allowed for the following reason: {why}"
    ))
}

/// The shards of all queued commands; all of them if one of the server's own commands may look at state.
fn shards_of(shared: &Shared, queue: &Queue) -> ShardSet {
    let broker = shared.broker();
    queue.calls.iter().fold(ShardSet::EMPTY, |set, (spec, args)| {
        set.union(match spec.run {
            Run::Outside | Run::Container => broker.all(),
            _ => broker.shards_of(spec, args.as_args()),
        })
    })
}

pub(crate) fn note_slow(
    session: &Session,
    shared: &Shared,
    spec: &Spec,
    args: Args<'_>,
    usec: u64,
    now: i64,
) {
    let live = shared.config.live();
    let threshold = live.slowlog_log_slower_than.load(Relaxed);
    if threshold < 0 || (usec as i64) < threshold || spec.flags.has(Flags::SKIP_SLOWLOG) {
        return;
    }
    if is_sampler(session) {
        return;
    }
    let name = session.info.details.lock().name.clone();
    let max = live.slowlog_max_len.load(Relaxed) as usize;
    let shown = redact::words(spec, args);
    let args = shown.as_ref().map_or(args, OwnedArgs::as_args);
    shared.slowlog.add(now / 1000, usec, args, (&session.info.addr, &name), max);
}

/// The process itself looks at its streams each second; in a monitor or the slow log that would drown what somebody wants to
/// see.
fn is_sampler(session: &Session) -> bool {
    session.info.is_within && session.info.details.lock().no_touch
}

/// Monitors see every command but the administrator's.
fn show_monitors(session: &Session, shared: &Shared, spec: &Spec, args: Args<'_>) {
    if is_sampler(session) {
        return;
    }
    if spec.flags.has(Flags::ADMIN) || spec.flags.has(Flags::SKIP_MONITOR) {
        return;
    }
    let line = Arc::new(Push::Monitor(crate::monitor::line(session, spec, args)));
    for client in shared.monitors.lock().iter() {
        shared.mail_client(*client, Msg::Push(*client, Arc::clone(&line), 0));
    }
}
