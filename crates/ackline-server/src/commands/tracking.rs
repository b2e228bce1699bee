//! CLIENT TRACKING and what belongs to it.

use super::{Answer, Entry, Env};
use crate::tracking::{Choice, Mode, Tracked};
use ackline_engine::args::{int, is};
use ackline_engine::spec::{Arg, Flags};
use ackline_engine::{Args, Error, Reply, Spec};

const BLANK: Spec = Spec {
    group: "connection",
    acl: &["connection"],
    since: "6.0.0",
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    ..Spec::BLANK
};
pub(super) const TRACKING: Spec = Spec {
    name: "client|tracking",
    summary: "Tells the connection when a key changes that it read.",
    arity: -3,
    grammar: &[
        Arg::one_of("status", &[Arg::word("ON"), Arg::word("OFF")]),
        Arg::int("client-id").after("REDIRECT").optional(),
        Arg::string("prefix").after("PREFIX").optional().many(),
        Arg::word("BCAST").optional(),
        Arg::word("OPTIN").optional(),
        Arg::word("OPTOUT").optional(),
        Arg::word("NOLOOP").optional(),
    ],
    ..BLANK
};
pub(super) const CACHING: Spec = Spec {
    name: "client|caching",
    summary: "Whether the keys of the next command are tracked.",
    arity: 3,
    grammar: &[Arg::one_of("mode", &[Arg::word("YES"), Arg::word("NO")])],
    ..BLANK
};
pub(super) const GETREDIR: Spec = Spec {
    name: "client|getredir",
    summary: "The connection that is told in place of this one.",
    arity: 2,
    ..BLANK
};
pub(super) const TRACKINGINFO: Spec = Spec {
    name: "client|trackinginfo",
    summary: "How the connection tracks.",
    since: "6.2.0",
    arity: 2,
    ..BLANK
};

/// The commands of this file.
pub(crate) const ALL: &[Entry] = &[
    (&TRACKING, Some(tracking)),
    (&CACHING, Some(caching)),
    (&GETREDIR, Some(|env, _| Ok(Reply::Int(redirect(env)).into()))),
    (&TRACKINGINFO, Some(info)),
];

const SWITCHES_BCAST: Error = Error::from_static(
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a \
     different mode.",
);
const SWITCHES_CHOICE: Error = Error::from_static(
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a \
     different mode.",
);

/// Prefixes of one connection. Each is compared with the others here, and with every key that changes: Redis, which has
/// no limit, lets any client keep the server busy for minutes.
const PREFIXES_MAX: usize = 1000;
const TOO_MANY: Error = Error::from_static("ERR A client can have 1000 prefixes at most");

/// The words of CLIENT TRACKING.
#[derive(Default)]
struct Options<'a> {
    mode: Mode,
    opt_in: bool,
    opt_out: bool,
    prefixes: Vec<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(env: &Env<'_, '_>, args: Args<'a>) -> Result<Options<'a>, Error> {
        let mut options = Options::default();
        let mut words = args.from(3).iter();
        while let Some(word) = words.next() {
            match () {
                () if is(word, "REDIRECT") => {
                    options.redirect(env, words.next().ok_or(Error::SYNTAX)?)?;
                }
                () if is(word, "PREFIX") => options.prefixes.push(words.next().ok_or(Error::SYNTAX)?),
                () if is(word, "BCAST") => options.mode.broadcast = true,
                () if is(word, "OPTIN") => options.opt_in = true,
                () if is(word, "OPTOUT") => options.opt_out = true,
                () if is(word, "NOLOOP") => options.mode.no_loop = true,
                () => return Err(Error::SYNTAX),
            }
        }
        Ok(options)
    }

    fn redirect(&mut self, env: &Env<'_, '_>, word: &[u8]) -> Result<(), Error> {
        if self.mode.redirect != 0 {
            return Err(Error::from_static("ERR A client can only redirect to a single other client"));
        }
        let known = u64::try_from(int(word)?).ok().and_then(|id| env.shared.clients.get(id));
        let client =
            known.ok_or(Error::from_static("ERR The client ID you want redirect to does not exist"))?;
        self.mode.redirect = client.id;
        Ok(())
    }

    /// What is asked for, given what the client has.
    fn check(mut self, env: &Env<'_, '_>) -> Result<Options<'a>, Error> {
        let before = env.session.tracking.as_ref().map(|tracked| tracked.mode);
        if !self.mode.broadcast && !self.prefixes.is_empty() {
            return Err(Error::from_static("ERR PREFIX option requires BCAST mode to be enabled"));
        }
        if before.is_some_and(|before| before.broadcast != self.mode.broadcast) {
            return Err(SWITCHES_BCAST);
        }
        if self.mode.broadcast && (self.opt_in || self.opt_out) {
            return Err(Error::from_static("ERR OPTIN and OPTOUT are not compatible with BCAST"));
        }
        self.mode.choice = match (self.opt_in, self.opt_out) {
            (true, true) => {
                return Err(Error::from_static("ERR You can't specify both OPTIN mode and OPTOUT mode"));
            }
            (true, false) => Choice::In,
            (false, true) => Choice::Out,
            (false, false) => Choice::All,
        };
        match (before.map_or(Choice::All, |before| before.choice), self.mode.choice) {
            (Choice::In, Choice::Out) | (Choice::Out, Choice::In) => return Err(SWITCHES_CHOICE),
            _ => {}
        }
        let existing = env.shared.tracking.lock().prefixes_of(env.session.info.id);
        if existing.len() + self.prefixes.len() > PREFIXES_MAX {
            return Err(TOO_MANY);
        }
        self.check_prefixes(&existing)?;
        Ok(self)
    }

    /// No prefix may begin with another: its keys would be told twice.
    fn check_prefixes(&self, existing: &[Vec<u8>]) -> Result<(), Error> {
        let overlap = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
        let error = |new: &[u8], kind: &[u8], old: &[u8]| {
            let tail = b"'. Prefixes for a single client must not overlap.";
            Err(Error::concat(&[b"ERR Prefix '", new, b"' overlaps with ", kind, b" prefix '", old, tail]))
        };
        for (at, new) in self.prefixes.iter().enumerate() {
            if let Some(old) = existing.iter().find(|old| overlap(new, old)) {
                return error(new, b"an existing", old);
            }
            if let Some(old) = self.prefixes[at + 1..].iter().find(|old| overlap(new, old)) {
                return error(new, b"another provided", old);
            }
        }
        Ok(())
    }
}

fn tracking(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let options = Options::parse(env, args)?;
    match args.at(2) {
        word if is(word, "ON") => {
            let Options { mode, prefixes, .. } = options.check(env)?;
            env.session.tracking = Some(Box::new(Tracked::new(mode)));
            env.shared.tracking.lock().begin(env.session.info.id, mode, &prefixes);
            env.session.show_tracking();
            env.want_notes();
        }
        word if is(word, "OFF") => env.session.untrack(env.shared),
        _ => return Err(Error::SYNTAX),
    }
    Ok(Reply::Ok.into())
}

fn caching(env: &mut Env<'_, '_>, args: Args<'_>) -> Result<Answer, Error> {
    let tracked = env.session.tracking.as_mut().ok_or(Error::from_static(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
    ))?;
    let (word, choice) = (args.at(2), tracked.mode.choice);
    tracked.caching = Some(match () {
        () if is(word, "YES") && choice == Choice::In => true,
        () if is(word, "NO") && choice == Choice::Out => false,
        () if is(word, "YES") => {
            return Err(Error::from_static(
                "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.",
            ));
        }
        () if is(word, "NO") => {
            return Err(Error::from_static(
                "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.",
            ));
        }
        () => return Err(Error::SYNTAX),
    });
    Ok(Reply::Ok.into())
}

/// -1 = no tracking, 0 = nobody else is told.
fn redirect(env: &Env<'_, '_>) -> i64 {
    env.session.tracking.as_ref().map_or(-1, |tracked| tracked.mode.redirect as i64)
}

fn info(env: &mut Env<'_, '_>, _: Args<'_>) -> Result<Answer, Error> {
    let words: Vec<&'static str> = match &env.session.tracking {
        None => vec!["off"],
        Some(tracked) => {
            let (mode, caching) = (tracked.mode, tracked.caching);
            let broken = env.session.info.details.lock().redirect_broken;
            let all = [
                ("on", true),
                ("bcast", mode.broadcast),
                ("optin", mode.choice == Choice::In),
                ("caching-yes", caching == Some(true)),
                ("optout", mode.choice == Choice::Out),
                ("caching-no", caching == Some(false)),
                ("noloop", mode.no_loop),
                ("broken_redirect", broken),
            ];
            all.into_iter().filter(|(_, is)| *is).map(|(word, _)| word).collect()
        }
    };
    let prefixes = env.shared.tracking.lock().prefixes_of(env.session.info.id);
    let pairs = vec![
        (Reply::name("flags"), Reply::Set(words.into_iter().map(Reply::name).collect())),
        (Reply::name("redirect"), Reply::Int(redirect(env))),
        (Reply::name("prefixes"), Reply::Array(prefixes.iter().map(|prefix| Reply::bulk(prefix)).collect())),
    ];
    Ok(Reply::Map(pairs).into())
}
