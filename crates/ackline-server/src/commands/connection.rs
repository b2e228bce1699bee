//! PING, ECHO, SELECT, HELLO, AUTH, RESET, QUIT.

use super::{Answer, Entry, Env};
use crate::session::ReplyMode;
use ackline_engine::args::{int, is};
use ackline_engine::spec::{Arg, Flags};
use ackline_engine::{Args, Error, Reply, Spec};
use ackline_resp::Protocol;

/// The level of Redis whose stream commands are all here.
pub const REDIS_VERSION: &str = "8.10.0";

const OPEN: Flags = Flags::NOSCRIPT
    .and(Flags::LOADING)
    .and(Flags::STALE)
    .and(Flags::FAST)
    .and(Flags::NO_AUTH)
    .and(Flags::ALLOW_BUSY);

const BLANK: Spec = Spec { group: "connection", acl: &["connection"], since: "1.0.0", ..Spec::BLANK };

const PING: Spec = Spec {
    name: "ping",
    summary: "Answers PONG, or the message.",
    arity: -1,
    flags: Flags::FAST,
    grammar: &[Arg::string("message").optional()],
    ..BLANK
};
const ECHO: Spec = Spec {
    name: "echo",
    summary: "Answers the message.",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    grammar: &[Arg::string("message")],
    ..BLANK
};
const SELECT: Spec = Spec {
    name: "select",
    summary: "Chooses the database.",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    grammar: &[Arg::int("index")],
    ..BLANK
};
const HELLO: Spec = Spec {
    name: "hello",
    summary: "Chooses the protocol, and authenticates on the way.",
    since: "6.0.0",
    arity: -1,
    flags: OPEN,
    grammar: &[
        Arg::int("protover").optional(),
        Arg::block("auth", &[Arg::string("username"), Arg::string("password")]).after("AUTH").optional(),
        Arg::string("clientname").after("SETNAME").optional(),
    ],
    ..BLANK
};
const AUTH: Spec = Spec {
    name: "auth",
    summary: "Authenticates the connection.",
    arity: -2,
    flags: OPEN,
    grammar: &[Arg::string("username").optional(), Arg::string("password")],
    ..BLANK
};
const QUIT: Spec = Spec { name: "quit", summary: "Closes the connection.", arity: -1, flags: OPEN, ..BLANK };
const RESET: Spec = Spec {
    name: "reset",
    summary: "Makes the connection like a new one.",
    since: "6.2.0",
    arity: 1,
    flags: OPEN,
    ..BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[
    (&PING, Some(ping)),
    (&ECHO, Some(|_, args| Ok(Reply::bulk(args.at(1)).into()))),
    (&SELECT, Some(select)),
    (&HELLO, Some(hello)),
    (&AUTH, Some(auth)),
    (&QUIT, Some(quit)),
    (&RESET, Some(reset)),
];

fn ping(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    if args.len() > 2 {
        return Err(Error::arity("ping"));
    }
    let message = args.get(1);
    if env.session.protocol == Protocol::Resp2 && env.session.subscribed() > 0 {
        let message = Reply::bulk(message.unwrap_or_default());
        return Ok(Reply::Array(vec![Reply::name("pong"), message]).into());
    }
    Ok(message.map_or(Reply::Simple("PONG"), Reply::bulk).into())
}

fn select(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let index = int(args.at(1))?;
    if i32::try_from(index).is_err() {
        let text = "ERR value is out of range, value must between -2147483648 and 2147483647";
        return Err(Error::from_static(text));
    }
    let in_range = u32::try_from(index).ok().filter(|db| *db < env.shared.broker().databases());
    env.session.db = in_range.ok_or(Error::from_static("ERR DB index is out of range"))?;
    env.session.publish_details();
    Ok(Reply::Ok.into())
}

fn quit(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    env.session.closing = true;
    Ok(Reply::Ok.into())
}

fn reset(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    let session = &mut *env.session;
    session.multi = None;
    session.leave(env.shared);
    session.db = 0;
    session.protocol = Protocol::Resp2;
    session.reply_mode = ReplyMode::On;
    session.log_out(env.shared);
    {
        let mut details = session.info.details.lock();
        details.name.clear();
        (details.no_evict, details.no_touch) = (false, false);
    }
    session.publish_details();
    Ok(Reply::Simple("RESET").into())
}

fn auth(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    match args.len() {
        2 if env.shared.users.default_user().nopass => Err(Error::from_static(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
        )),
        2 => authenticate(env, args, (b"default", args.at(1))),
        3 => authenticate(env, args, (args.at(1), args.at(2))),
        _ => Err(Error::SYNTAX),
    }
    .map(|()| Reply::Ok.into())
}

/// Logs in with a name and a password.
fn authenticate(env: &mut Env<'_, '_>, args: Args<'_>, login: (&[u8], &[u8])) -> Result<(), Error> {
    let in_multi = env.in_exec();
    env.session.authenticate(env.shared, login, args.at(0), in_multi)
}

/// Whether a name may be shown in CLIENT LIST.
pub(crate) fn is_printable(name: &[u8]) -> bool {
    name.iter().all(|byte| (b'!'..=b'~').contains(byte))
}

/// The error for one that may not.
pub(crate) const BAD_NAME: Error =
    Error::from_static("ERR Client names cannot contain spaces, newlines or special characters.");

fn hello(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let protocol = match args.get(1) {
        None => env.session.protocol,
        Some(word) => match int(word) {
            Err(_) => {
                return Err(Error::from_static("ERR Protocol version is not an integer or out of range"));
            }
            Ok(2) => Protocol::Resp2,
            Ok(3) => Protocol::Resp3,
            Ok(_) => return Err(Error::from_static("NOPROTO unsupported protocol version")),
        },
    };
    let (mut login, mut name) = (None, None);
    let mut at = 2;
    while let Some(word) = args.get(at) {
        let left = args.len() - at - 1;
        if is(word, "AUTH") && left >= 2 {
            login = Some((args.at(at + 1), args.at(at + 2)));
            at += 3;
        } else if is(word, "SETNAME") && left >= 1 {
            name = Some(args.at(at + 1)).filter(|name| is_printable(name));
            name.ok_or(BAD_NAME)?;
            at += 2;
        } else {
            return Err(Error::concat(&[b"ERR Syntax error in HELLO option '", word, b"'"]));
        }
    }
    if let Some(login) = login {
        authenticate(env, args, login)?;
    }
    if !env.session.identity.admitted {
        return Err(Error::from_static(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
             <user> <pass> option can be used to authenticate the client and select the RESP protocol version at \
             the same time",
        ));
    }
    if let Some(name) = name {
        env.session.info.details.lock().name = name.to_vec();
    }
    env.session.protocol = protocol;
    env.session.publish_details();
    Ok(greeting(env).into())
}

fn greeting(env: &Env<'_, '_>) -> Reply {
    let proto = if env.session.protocol == Protocol::Resp3 { 3 } else { 2 };
    Reply::Map(vec![
        (Reply::name("server"), Reply::name("redis")),
        (Reply::name("version"), Reply::name(REDIS_VERSION)),
        (Reply::name("proto"), Reply::Int(proto)),
        (Reply::name("id"), Reply::Int(env.session.info.id as i64)),
        (Reply::name("mode"), Reply::name("standalone")),
        (Reply::name("role"), Reply::name("master")),
        (Reply::name("modules"), Reply::Array(Vec::new())),
    ])
}
