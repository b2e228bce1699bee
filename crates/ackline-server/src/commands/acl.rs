//! ACL: users, and what they may do.

use super::{Answer, Entry, Env, help, wrong_tail};
use crate::acl::catalog::{CATALOG, CATEGORIES};
use crate::acl::log::Entry as LogEntry;
use crate::acl::{self, Call, Selector, User, hex, merge_selectors};
use ackline_engine::args::{int, is};
use ackline_engine::spec::{Arg, Flags, Run};
use ackline_engine::{Args, Error, Reply, Spec};

const OPEN: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE);
const ADMIN: Flags = OPEN.and(Flags::ADMIN);
const BLANK: Spec = Spec { group: "server", since: "6.0.0", arity: 2, flags: ADMIN, ..Spec::BLANK };
/// A change is to be made on every server.
const EVERYWHERE: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];

const CAT: Spec = Spec {
    name: "acl|cat",
    summary: "The categories, or the commands of one.",
    complexity: "O(1), there being a fixed number of both.",
    arity: -2,
    flags: OPEN,
    grammar: &[Arg::string("category").optional()],
    ..BLANK
};
const DELUSER: Spec = Spec {
    name: "acl|deluser",
    summary: "Removes users and closes their connections.",
    arity: -3,
    tips: EVERYWHERE,
    grammar: &[Arg::string("username").many()],
    ..BLANK
};
const DRYRUN: Spec = Spec {
    name: "acl|dryrun",
    summary: "Whether a user may run a command, which is not run.",
    since: "7.0.0",
    arity: -4,
    grammar: &[Arg::string("username"), Arg::string("command"), Arg::string("arg").optional().many()],
    ..BLANK
};
const GENPASS: Spec = Spec {
    name: "acl|genpass",
    summary: "A password that nobody can guess, of 256 bits or so many.",
    arity: -2,
    flags: OPEN,
    grammar: &[Arg::int("bits").optional()],
    ..BLANK
};
const GETUSER: Spec = Spec {
    name: "acl|getuser",
    summary: "What a user may do.",
    complexity: "O(N), N being the number of its rules.",
    arity: 3,
    grammar: &[Arg::string("username")],
    ..BLANK
};
const HELP: Spec = Spec {
    name: "acl|help",
    summary: "Lists the subcommands.",
    flags: Flags::LOADING.and(Flags::STALE),
    ..BLANK
};
const LIST: Spec = Spec {
    name: "acl|list",
    summary: "The users, as lines of a file.",
    complexity: "O(N), N being the number of users.",
    ..BLANK
};
const LOAD: Spec = Spec {
    name: "acl|load",
    summary: "Replaces the users by those of the file.",
    complexity: "O(N), N being the number of users.",
    ..BLANK
};
const LOG: Spec = Spec {
    name: "acl|log",
    summary: "What was refused, newest first; RESET forgets it.",
    complexity: "O(N), N being the number of entries shown.",
    arity: -2,
    grammar: &[Arg::one_of("operation", &[Arg::int("count"), Arg::word("RESET")]).optional()],
    ..BLANK
};
const SAVE: Spec = Spec {
    name: "acl|save",
    summary: "Writes the users to the file.",
    complexity: "O(N), N being the number of users.",
    tips: EVERYWHERE,
    ..BLANK
};
const SETUSER: Spec = Spec {
    name: "acl|setuser",
    summary: "Makes or changes a user, by all of the rules or none.",
    complexity: "O(N), N being the number of rules.",
    arity: -3,
    tips: EVERYWHERE,
    grammar: &[Arg::string("username"), Arg::string("rule").optional().many()],
    ..BLANK
};
const USERS: Spec = Spec {
    name: "acl|users",
    summary: "The names of the users.",
    complexity: "O(N), N being the number of users.",
    ..BLANK
};
const WHOAMI: Spec =
    Spec { name: "acl|whoami", summary: "The user of this connection.", flags: OPEN, ..BLANK };
const ACL: Spec = Spec {
    name: "acl",
    summary: "Commands about users and what they may do.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    flags: Flags::NONE,
    run: Run::Container,
    subcommands: &[
        &CAT, &DELUSER, &DRYRUN, &GENPASS, &GETUSER, &HELP, &LIST, &LOAD, &LOG, &SAVE, &SETUSER, &USERS,
        &WHOAMI,
    ],
    ..BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[
    (&ACL, None),
    (&CAT, Some(cat)),
    (&DELUSER, Some(deluser)),
    (&DRYRUN, Some(dryrun)),
    (&GENPASS, Some(genpass)),
    (&GETUSER, Some(getuser)),
    (&HELP, Some(|_, _| Ok(help(&ACL)))),
    (&LIST, Some(list)),
    (&LOAD, Some(load)),
    (&LOG, Some(log)),
    (&SAVE, Some(save)),
    (&SETUSER, Some(setuser)),
    (&USERS, Some(users)),
    (&WHOAMI, Some(|env, _| Ok(Reply::bulk(&env.session.identity.user.name).into()))),
];

/// Makes a change of users known to every connection. Reads that are blocked and not allowed any more end before the
/// client hears that the change is made.
pub(crate) fn publish(env: &Env<'_, '_>) {
    // Inside EXEC the shards are held; the connections look for themselves a moment later.
    if !env.in_exec() {
        env.shared.end_forbidden_reads();
    }
    env.shared.users_changed(env.session.info.id);
}

fn cat(_: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let names: Vec<&'static str> = match (args.get(2), args.len()) {
        (None, _) => CATEGORIES.to_vec(),
        (Some(name), 3) => {
            let known = CATEGORIES.iter().find(|category| name.eq_ignore_ascii_case(category.as_bytes()));
            let category = known.ok_or_else(|| Error::concat(&[b"ERR Unknown category '", name, b"'"]))?;
            CATALOG.of_category(category).map(|spec| spec.name).collect()
        }
        _ => return Err(wrong_tail(&ACL, args)),
    };
    Ok(Reply::Array(names.into_iter().map(Reply::name).collect()).into())
}

fn setuser(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let name = args.at(2);
    if acl::is_bad_name(name) {
        return Err(Error::from_static("ERR Usernames can't contain spaces or null characters"));
    }
    let rules = merge_selectors(args.from(3).iter()).map_err(|word| {
        Error::concat(&[b"ERR Unmatched parenthesis in acl selector starting at '", word, b"'."])
    })?;
    env.shared.users.set(name, &rules, &env.shared.config).map_err(|(rule, error)| {
        let reason = error.text().as_bytes();
        Error::concat(&[b"ERR Error in ACL SETUSER modifier '", rule, b"': ", reason])
    })?;
    publish(env);
    Ok(Reply::Ok.into())
}

fn deluser(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let names = args.from(2);
    if names.iter().any(|name| name == b"default") {
        return Err(Error::from_static("ERR The 'default' user cannot be removed"));
    }
    let removed = env.shared.users.remove(names.iter());
    publish(env);
    Ok(Reply::count(removed).into())
}

fn getuser(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let user = env.shared.users.find(args.at(2));
    Ok(user.map_or(Reply::Null, |user| shown(&user)).into())
}

fn shown(user: &User) -> Reply {
    let mut fields = vec![
        (Reply::name("flags"), Reply::Set(user.flags().map(Reply::name).collect())),
        (Reply::name("passwords"), Reply::Array(user.hashes().map(Reply::Text).collect())),
    ];
    fields.extend(permissions(user.root()));
    let selectors = user.selectors.iter().map(|selector| Reply::Map(permissions(selector).into()));
    fields.push((Reply::name("selectors"), Reply::Array(selectors.collect())));
    Reply::Map(fields)
}

fn permissions(selector: &Selector) -> [(Reply, Reply); 3] {
    [
        (Reply::name("commands"), Reply::bulk(&selector.commands_text())),
        (Reply::name("keys"), Reply::bulk(&selector.keys_text())),
        (Reply::name("channels"), Reply::bulk(&selector.channels_text())),
    ]
}

fn list(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    let users = env.shared.users.all();
    Ok(Reply::Array(users.iter().map(|user| Reply::bulk(&user.line())).collect()).into())
}

fn users(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    let users = env.shared.users.all();
    Ok(Reply::Array(users.iter().map(|user| Reply::bulk(&user.name)).collect()).into())
}

fn dryrun(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let user = env.shared.users.find(args.at(2));
    let user = user.ok_or_else(|| Error::concat(&[b"ERR User '", args.at(2), b"' not found"]))?;
    let words = args.from(3);
    let table = env.shared.broker().table();
    let unknown = || Error::concat(&[b"ERR Command '", words.at(0), b"' not found"]);
    let found = table.find(words.at(0)).ok_or_else(unknown)?;
    let spec = match (found.run, words.get(1)) {
        (Run::Container, Some(word)) => ackline_engine::table::subcommand(found, word).ok_or_else(unknown)?,
        _ => found,
    };
    if !spec.accepts(words.len()) {
        return Err(Error::arity(spec.name));
    }
    let call = Call::new(spec, words);
    Ok(match user.check(call) {
        Ok(()) => Reply::Ok,
        Err(denied) => Reply::bulk(acl::dry_text(&user, call, &denied).as_bytes()),
    }
    .into())
}

/// Bits of a password unless the client asks for others, and the most that it may ask for.
const BITS: i64 = 256;
const BITS_MAX: i64 = 4096;

fn genpass(_: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let bits = match (args.get(2), args.len()) {
        (None, _) => BITS,
        (Some(word), 3) => int(word)?,
        _ => return Err(wrong_tail(&ACL, args)),
    };
    if !(1..=BITS_MAX).contains(&bits) {
        return Err(Error::from_static(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to \
             4096",
        ));
    }
    let digits = (bits as usize).div_ceil(4);
    let mut text = hex(&random(digits.div_ceil(2))?);
    text.truncate(digits);
    Ok(Reply::Text(text).into())
}

/// So many bytes from the operating system.
fn random(count: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = vec![0; count];
    let mut filled = 0;
    while filled < count {
        let got = rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty());
        filled += got.map_err(|error| Error::from(format!("ERR no random numbers: {error}")))?;
    }
    Ok(bytes)
}

/// Entries that ACL LOG shows unless the client asks for another number.
const LOG_SHOWN: usize = 10;

fn log(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let log = &env.shared.users.log;
    let count = match (args.get(2), args.len()) {
        (None, _) => LOG_SHOWN,
        (Some(word), 3) if is(word, "RESET") => {
            log.clear();
            return Ok(Reply::Ok.into());
        }
        (Some(word), 3) => int(word)?.max(0) as usize,
        _ => return Err(wrong_tail(&ACL, args)),
    };
    let now = ackline::now_ms();
    Ok(Reply::Array(log.newest(count).into_iter().map(|entry| log_entry(entry, now)).collect()).into())
}

fn log_entry(entry: LogEntry, now: i64) -> Reply {
    let context = if entry.refusal.in_multi { "multi" } else { "toplevel" };
    Reply::Map(vec![
        (Reply::name("count"), Reply::Int(entry.count as i64)),
        (Reply::name("reason"), Reply::name(entry.refusal.reason.name())),
        (Reply::name("context"), Reply::name(context)),
        (Reply::name("object"), Reply::bulk(&entry.refusal.object)),
        (Reply::name("username"), Reply::bulk(&entry.refusal.user)),
        (Reply::name("age-seconds"), Reply::Double((now - entry.updated_at) as f64 / 1000.0)),
        (Reply::name("client-info"), Reply::Text(entry.client)),
        (Reply::name("entry-id"), Reply::Int(entry.id as i64)),
        (Reply::name("timestamp-created"), Reply::Int(entry.created_at)),
        (Reply::name("timestamp-last-updated"), Reply::Int(entry.updated_at)),
    ])
}

/// The error of LOAD and SAVE without a file.
fn needs_file(env: &Env<'_, '_>) -> Result<(), Error> {
    match env.shared.config.string("aclfile").is_empty() {
        false => Ok(()),
        true => Err(Error::from_static(
            "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL \
             SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in \
             order to store users in the Redis configuration.",
        )),
    }
}

fn load(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    needs_file(env)?;
    env.shared.users.load(&env.shared.config).map_err(|errors| Error::from(format!("ERR {errors}")))?;
    publish(env);
    Ok(Reply::Ok.into())
}

fn save(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    needs_file(env)?;
    match env.shared.users.save(&env.shared.config) {
        Ok(()) => Ok(Reply::Ok.into()),
        Err(error) => {
            tracing::warn!("the users could not be saved: {error}");
            Err(Error::from_static(
                "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
            ))
        }
    }
}
