//! CLIENT: who is connected, and what is done about it.

use super::connection::{BAD_NAME, is_printable};
use super::{Answer, Entry, Env, help};
use crate::acl::User;
use crate::clients::ClientInfo;
use crate::mail::Msg;
use crate::session::{Blocked, ReplyMode, UNBLOCKED};
use crate::shared::Shared;
use ackline_engine::args::{int, is, strict_int};
use ackline_engine::spec::{Arg, Flags, Run};
use ackline_engine::{Args, Error, Reply, Spec};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

const USER: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE);
const ADMIN: Flags = USER.and(Flags::ADMIN);
const BLANK: Spec =
    Spec { group: "connection", acl: &["connection"], since: "2.4.0", flags: USER, ..Spec::BLANK };

const ID: Spec =
    Spec { name: "client|id", summary: "The connection's number.", since: "5.0.0", arity: 2, ..BLANK };
const GETNAME: Spec =
    Spec { name: "client|getname", summary: "The connection's name.", since: "2.6.9", arity: 2, ..BLANK };
const SETNAME: Spec = Spec {
    name: "client|setname",
    summary: "Names the connection.",
    since: "2.6.9",
    arity: 3,
    grammar: &[Arg::string("connection-name")],
    ..BLANK
};
const SETINFO: Spec = Spec {
    name: "client|setinfo",
    summary: "Tells which library the client uses.",
    since: "7.2.0",
    arity: 4,
    grammar: &[Arg::one_of(
        "attr",
        &[Arg::string("libname").after("LIB-NAME"), Arg::string("libver").after("LIB-VER")],
    )],
    ..BLANK
};
const INFO: Spec = Spec {
    name: "client|info",
    summary: "The connection's line of CLIENT LIST.",
    since: "6.2.0",
    arity: 2,
    ..BLANK
};
const LIST: Spec = Spec {
    name: "client|list",
    summary: "A line for every connection.",
    complexity: "O(N), N being the number of connections.",
    arity: -2,
    flags: ADMIN,
    grammar: &[
        Arg::string("client-type").after("TYPE").optional(),
        Arg::int("client-id").after("ID").optional(),
    ],
    ..BLANK
};
const KILL: Spec = Spec {
    name: "client|kill",
    summary: "Closes connections.",
    complexity: "O(N), N being the number of connections.",
    arity: -3,
    flags: ADMIN,
    grammar: &[Arg::string("ip:port")],
    ..BLANK
};
const UNBLOCK: Spec = Spec {
    name: "client|unblock",
    summary: "Ends the wait of a blocked connection.",
    since: "5.0.0",
    arity: -3,
    flags: ADMIN,
    grammar: &[
        Arg::int("client-id"),
        Arg::one_of("unblock-type", &[Arg::word("TIMEOUT"), Arg::word("ERROR")]).optional(),
    ],
    ..BLANK
};
const PAUSE: Spec = Spec {
    name: "client|pause",
    summary: "Holds commands back for a time.",
    since: "3.0.0",
    arity: -3,
    flags: ADMIN,
    grammar: &[Arg::int("timeout"), Arg::one_of("mode", &[Arg::word("WRITE"), Arg::word("ALL")]).optional()],
    ..BLANK
};
const UNPAUSE: Spec = Spec {
    name: "client|unpause",
    summary: "Ends a pause.",
    since: "6.2.0",
    arity: 2,
    flags: ADMIN,
    ..BLANK
};
const NO_EVICT: Spec = Spec {
    name: "client|no-evict",
    summary: "Marks the connection as one not to be evicted.",
    since: "7.0.0",
    arity: 3,
    flags: ADMIN,
    grammar: &[Arg::one_of("enabled", &[Arg::word("ON"), Arg::word("OFF")])],
    ..BLANK
};
const NO_TOUCH: Spec = Spec {
    name: "client|no-touch",
    summary: "Keeps the connection's commands from counting as use of their keys.",
    since: "7.2.0",
    arity: 3,
    grammar: &[Arg::one_of("enabled", &[Arg::word("ON"), Arg::word("OFF")])],
    ..BLANK
};
const REPLY: Spec = Spec {
    name: "client|reply",
    summary: "Switches replies off and on.",
    since: "3.2.0",
    arity: 3,
    grammar: &[Arg::one_of("action", &[Arg::word("ON"), Arg::word("OFF"), Arg::word("SKIP")])],
    ..BLANK
};
const HELP: Spec = Spec {
    name: "client|help",
    summary: "Lists the subcommands.",
    since: "5.0.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    ..BLANK
};
const CLIENT: Spec = Spec {
    name: "client",
    summary: "Commands about connections.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    flags: Flags::NONE,
    acl: &[],
    run: Run::Container,
    subcommands: &[
        &GETNAME, &HELP, &ID, &INFO, &KILL, &LIST, &NO_EVICT, &NO_TOUCH, &PAUSE, &REPLY, &SETINFO, &SETNAME,
        &UNBLOCK, &UNPAUSE,
    ],
    ..BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[
    (&CLIENT, None),
    (&ID, Some(|env, _| Ok(Reply::Int(env.session.info.id as i64).into()))),
    (&GETNAME, Some(getname)),
    (&SETNAME, Some(setname)),
    (&SETINFO, Some(setinfo)),
    (&INFO, Some(|env, _| Ok(Reply::Verbatim(line(env.session.info.id, &env.session.info)).into()))),
    (&LIST, Some(list)),
    (&KILL, Some(kill)),
    (&UNBLOCK, Some(unblock)),
    (&PAUSE, Some(pause)),
    (&UNPAUSE, Some(unpause)),
    (&NO_EVICT, Some(|env, args| switch(env, args, |details, on| details.no_evict = on))),
    (&NO_TOUCH, Some(|env, args| switch(env, args, |details, on| details.no_touch = on))),
    (&REPLY, Some(reply)),
    (&HELP, Some(|_, _| Ok(help(&CLIENT)))),
];

fn getname(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    let name = env.session.info.details.lock().name.clone();
    Ok(if name.is_empty() { Reply::Null } else { Reply::bulk(&name) }.into())
}

fn setname(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let name = args.at(2);
    if !is_printable(name) {
        return Err(BAD_NAME);
    }
    env.session.info.details.lock().name = name.to_vec();
    Ok(Reply::Ok.into())
}

fn setinfo(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let (option, value) = (args.at(2), args.at(3));
    let is_name = is(option, "LIB-NAME");
    if !is_name && !is(option, "LIB-VER") {
        return Err(Error::concat(&[b"ERR Unrecognized option '", option, b"'"]));
    }
    let word = if is_name { "LIB-NAME" } else { "LIB-VER" };
    if !is_printable(value) {
        return Err(Error::from(format!(
            "ERR {word} cannot contain spaces, newlines or special characters."
        )));
    }
    let mut details = env.session.info.details.lock();
    *(if is_name { &mut details.lib_name } else { &mut details.lib_ver }) = value.to_vec();
    Ok(Reply::Ok.into())
}

fn switch(
    env: &mut Env<'_, '_>,
    args: Args<'_>,
    set: impl FnOnce(&mut crate::clients::Details, bool),
) -> Result<Answer, Error> {
    let on = is(args.at(2), "ON");
    if !on && !is(args.at(2), "OFF") {
        return Err(Error::SYNTAX);
    }
    set(&mut env.session.info.details.lock(), on);
    Ok(Reply::Ok.into())
}

fn reply(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let word = args.at(2);
    env.session.reply_mode = match () {
        () if is(word, "ON") => ReplyMode::On,
        () if is(word, "OFF") => ReplyMode::Off,
        () if is(word, "SKIP") && env.session.reply_mode != ReplyMode::Off => ReplyMode::Skip,
        () if is(word, "SKIP") => ReplyMode::Off,
        () => return Err(Error::SYNTAX),
    };
    Ok(Reply::Ok.into())
}

fn list(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let mut clients = env.shared.clients.all();
    if let Some(word) = args.get(2) {
        if is(word, "TYPE") && args.len() == 4 {
            let wanted = client_type(args.at(3))?;
            clients.retain(|client| type_of(client) == wanted);
        } else if is(word, "ID") && args.len() > 3 {
            let ids: Option<Vec<i64>> = args.from(3).iter().map(strict_int).collect();
            let ids = ids.ok_or(Error::from_static("ERR Invalid client ID"))?;
            clients.retain(|client| ids.contains(&(client.id as i64)));
        } else {
            return Err(Error::SYNTAX);
        }
    }
    Ok(Reply::Verbatim(clients.iter().map(|client| line(env.session.info.id, client)).collect()).into())
}

fn client_type(word: &[u8]) -> Result<&'static str, Error> {
    let known = ["normal", "master", "replica", "pubsub"];
    let alias = if is(word, "SLAVE") { b"replica" } else { word };
    let found = known.into_iter().find(|name| alias.eq_ignore_ascii_case(name.as_bytes()));
    found.ok_or_else(|| Error::concat(&[b"ERR Unknown client type '", word, b"'"]))
}

fn type_of(client: &ClientInfo) -> &'static str {
    let details = client.details.lock();
    match details.channels + details.patterns + details.shard_channels {
        0 => "normal",
        _ => "pubsub",
    }
}

/// One line of CLIENT LIST, as the client `own` sees it.
pub(crate) fn line(own: u64, client: &ClientInfo) -> String {
    let details = client.details.lock().clone();
    let now = ackline::now_ms();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (query, output) = (client.query_buffer.load(Relaxed), client.output.load(Relaxed));
    let query_free = client.query_room.load(Relaxed).saturating_sub(query);
    let (multi, room) = (details.multi_memory, client.output_room.load(Relaxed));
    let user = details.user.as_ref().map_or("default".into(), |user| text(&user.name));
    format!(
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={} \
         watch={} qbuf={query} qbuf-free={query_free} argv-mem=0 multi-mem={multi} rbs={room} rbp=0 obl={output} oll=0 omem=0 \
         tot-mem={} events={} cmd={} user={user} redir=-1 resp={} lib-name={} lib-ver={} io-thread={} \
         tot-net-in={} tot-net-out={} tot-cmds={}\n",
        client.id,
        client.addr,
        client.laddr,
        client.fd,
        text(&details.name),
        (now - client.connected_at) / 1000,
        if own == client.id { 0 } else { (now - client.active_at.load(Relaxed)) / 1000 },
        flags(client, &details),
        details.db,
        details.channels,
        details.patterns,
        details.shard_channels,
        details.multi,
        details.watching,
        client.memory(&details),
        if output > 0 { "rw" } else { "r" },
        *client.last.lock(),
        if details.resp3 { 3 } else { 2 },
        text(&details.lib_name),
        text(&details.lib_ver),
        client.thread,
        client.bytes_in.load(Relaxed),
        client.bytes_out.load(Relaxed),
        client.commands.load(Relaxed),
    )
}

fn flags(client: &ClientInfo, details: &crate::clients::Details) -> String {
    let subscribed = details.channels + details.patterns + details.shard_channels > 0;
    let letters = [
        ('O', details.monitor),
        ('P', subscribed),
        ('x', details.multi >= 0),
        ('b', client.blocked.load(Relaxed)),
        ('e', details.no_evict),
        ('T', details.no_touch),
    ];
    let set: String = letters.iter().filter(|(_, on)| *on).map(|(letter, _)| *letter).collect();
    if set.is_empty() { "N".to_owned() } else { set }
}

/// What CLIENT KILL looks for.
#[derive(Default)]
struct Filter<'a> {
    id: Option<u64>,
    kind: Option<&'static str>,
    user: Option<Arc<User>>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    max_age: Option<i64>,
    keep_self: bool,
}

fn kill(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    if args.len() == 3 {
        let filter = Filter { addr: Some(args.at(2)), ..Filter::default() };
        return match kill_all(env, &filter) {
            0 => Err(Error::from_static("ERR No such client")),
            _ => Ok(Reply::Ok.into()),
        };
    }
    if args.len() % 2 == 1 {
        return Err(Error::SYNTAX);
    }
    let mut filter = Filter { keep_self: true, ..Filter::default() };
    for at in (2..args.len()).step_by(2) {
        filter.read(env.shared, args.at(at), args.at(at + 1))?;
    }
    Ok(Reply::count(kill_all(env, &filter)).into())
}

impl<'a> Filter<'a> {
    fn read(&mut self, shared: &Shared, name: &[u8], value: &'a [u8]) -> Result<(), Error> {
        let positive = |error| strict_int(value).filter(|n| *n > 0).ok_or(Error::from_static(error));
        match () {
            () if is(name, "ID") => {
                self.id = Some(positive("ERR client-id should be greater than 0")? as u64)
            }
            () if is(name, "TYPE") => self.kind = Some(client_type(value)?),
            () if is(name, "USER") => {
                let user = shared.users.find(value);
                self.user = Some(user.ok_or_else(|| Error::concat(&[b"ERR No such user '", value, b"'"]))?);
            }
            () if is(name, "ADDR") => self.addr = Some(value),
            () if is(name, "LADDR") => self.laddr = Some(value),
            () if is(name, "MAXAGE") => self.max_age = Some(positive("ERR maxage should be greater than 0")?),
            () if is(name, "SKIPME") && is(value, "YES") => self.keep_self = true,
            () if is(name, "SKIPME") && is(value, "NO") => self.keep_self = false,
            () => return Err(Error::SYNTAX),
        }
        Ok(())
    }

    fn matches(&self, client: &ClientInfo, own: u64) -> bool {
        let age = (ackline::now_ms() - client.connected_at) / 1000;
        !(self.keep_self && client.id == own)
            && self.id.is_none_or(|id| client.id == id)
            && self.kind.is_none_or(|kind| type_of(client) == kind)
            && self.user.as_ref().is_none_or(|user| acts_as(client, user))
            && self.addr.is_none_or(|addr| client.addr.as_bytes() == addr)
            && self.laddr.is_none_or(|addr| client.laddr.as_bytes() == addr)
            && self.max_age.is_none_or(|max| age >= max)
    }
}

fn acts_as(client: &ClientInfo, user: &User) -> bool {
    client.details.lock().user.as_ref().is_some_and(|own| own.is_same(user))
}

fn kill_all(env: &mut Env<'_, '_>, filter: &Filter<'_>) -> usize {
    let own = env.session.info.id;
    let victims: Vec<_> = env.shared.clients.all().into_iter().filter(|c| filter.matches(c, own)).collect();
    for victim in &victims {
        match victim.id == own {
            true => env.session.closing = true,
            false => env.shared.kill(victim),
        }
    }
    victims.len()
}

fn unblock(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let with_error = match args.get(3) {
        None => false,
        Some(word) if is(word, "TIMEOUT") && args.len() == 4 => false,
        Some(word) if is(word, "ERROR") && args.len() == 4 => true,
        Some(_) => {
            return Err(Error::from_static("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
        }
    };
    let id = int(args.at(2))?;
    let client = env.shared.clients.get(id.max(0) as u64).filter(|client| client.blocked.load(Relaxed));
    let Some(client) = client else { return Ok(Reply::Int(0).into()) };
    let ticket =
        env.shared.waiting.lock().iter().find(|(_, (_, c))| *c == client.id).map(|(ticket, _)| *ticket);
    let done = match ticket {
        Some(ticket) if env.in_exec() => {
            env.txn.as_mut().is_some_and(|txn| txn.unpark(ticket, unblocked(with_error)))
        }
        Some(ticket) => env.shared.broker().unpark(ticket, unblocked(with_error)),
        None => env.shared.mail_client(client.id, Msg::Unblock(client.id, with_error)),
    };
    Ok(Reply::Int(i64::from(done)).into())
}

fn unblocked(with_error: bool) -> ackline_engine::Outcome {
    if with_error { Err(Error::from_static(UNBLOCKED)) } else { Ok(Reply::NullArray) }
}

fn pause(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let all = match args.get(3) {
        None => true,
        Some(word) if is(word, "ALL") => true,
        Some(word) if is(word, "WRITE") => false,
        Some(_) => return Err(Error::from_static("ERR CLIENT PAUSE mode must be WRITE or ALL")),
    };
    let until = deadline(args.at(2))?;
    env.shared.pause_all.store(all, Relaxed);
    env.shared.pause_until.store(until, Relaxed);
    Ok(Reply::Ok.into())
}

/// Unix ms after so many ms.
pub(crate) fn deadline(word: &[u8]) -> Result<i64, Error> {
    let ms = strict_int(word).ok_or(Error::from_static("ERR timeout is not an integer or out of range"))?;
    if ms < 0 {
        return Err(Error::from_static("ERR timeout is negative"));
    }
    ackline::now_ms().checked_add(ms).ok_or(Error::from_static("ERR timeout is out of range"))
}

fn unpause(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    env.shared.pause_until.store(0, Relaxed);
    for thread in 0..env.shared.mailboxes().len() {
        env.shared.mail(thread, Msg::Resume);
    }
    Ok(Reply::Ok.into())
}

/// Blocks the session unless it runs a transaction; answers whether it did.
pub(crate) fn wait(env: &mut Env<'_, '_>, on: Blocked) -> bool {
    let may = !env.in_exec();
    if may {
        env.session.block(on);
    }
    may
}
