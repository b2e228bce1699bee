//! What a command declares of itself. COMMAND, COMMAND DOCS, arity errors, key extraction, ACL categories, the manual
//! and random test input all come from here.

use crate::args::Args;
use crate::error::Error;
use crate::reply::Outcome;
use crate::state::ShardSet;
use crate::txn::{Query, Txn};

/// A command or a subcommand.
pub struct Spec {
    /// Lower case; a subcommand as `container|name`.
    pub name: &'static str,
    /// One line for the manual.
    pub summary: &'static str,
    /// The Redis version that it came with.
    pub since: &'static str,
    /// Its cost.
    pub complexity: &'static str,
    /// The chapter of the manual: `stream`, `generic`, `string`, `transactions`, `connection`, `server`, `pubsub`.
    pub group: &'static str,
    /// Words, the name included; negative: at least.
    pub arity: i32,
    /// Flags as in COMMAND INFO.
    pub flags: Flags,
    /// ACL categories beyond those that follow from the flags.
    pub acl: &'static [&'static str],
    /// Command tips.
    pub tips: &'static [&'static str],
    /// Where its keys stand.
    pub keys: Keys,
    /// Flags of the key specification: `RW update`.
    pub key_flags: &'static [&'static str],
    /// The grammar of the arguments behind the name.
    pub grammar: &'static [Arg],
    /// Subcommands of a container.
    pub subcommands: &'static [&'static Spec],
    /// What it does.
    pub run: Run,
}

impl Spec {
    /// To be spread into a declaration that leaves things out.
    pub const BLANK: Spec = Spec {
        name: "",
        summary: "",
        since: "",
        complexity: "O(1)",
        group: "",
        arity: 1,
        flags: Flags(0),
        acl: &[],
        tips: &[],
        keys: Keys::None,
        key_flags: &[],
        grammar: &[],
        subcommands: &[],
        run: Run::Outside,
    };

    /// Whether that many words, the name included, are right.
    pub fn accepts(&self, words: usize) -> bool {
        match usize::try_from(self.arity) {
            Ok(exact) => words == exact,
            Err(_) => words >= self.arity.unsigned_abs() as usize,
        }
    }

    /// The shards that a call touches, of `count`.
    pub fn shards(&self, args: Args<'_>, count: usize) -> ShardSet {
        match self.keys {
            Keys::None => ShardSet::EMPTY,
            Keys::Everything => ShardSet::all(count),
            Keys::Range { first: 1, last: 1, .. } => ShardSet::of(args.at(1), count),
            _ => self.keys_of(args).fold(ShardSet::EMPTY, |set, key| set.union(ShardSet::of(key, count))),
        }
    }

    /// The keys of a call, as its own parser reads them.
    pub fn keys_of<'a>(&self, args: Args<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (words, step) = match self.keys {
            Keys::None | Keys::Everything => (args.first(0), 1),
            Keys::Range { first, last, step } => {
                let end =
                    if last < 0 { args.len().saturating_add_signed(last + 1) } else { last as usize + 1 };
                (args.first(end).from(first), step)
            }
            Keys::Streams => (crate::command::streams_keys(args), 1),
        };
        words.iter().step_by(step)
    }
}

/// Where the keys of a command stand among its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// It has none.
    None,
    /// It has none but touches the whole database (KEYS, FLUSHALL).
    Everything,
    /// From `first` to `last` (negative: from the end), every `step`.
    Range {
        /// Position of the first; the name is 0.
        first: usize,
        /// Position of the last.
        last: isize,
        /// Distance.
        step: usize,
    },
    /// The first half of what follows STREAMS.
    Streams,
}

impl Keys {
    /// One key behind the name.
    pub const ONE: Keys = Keys::Range { first: 1, last: 1, step: 1 };
    /// One key behind a subcommand.
    pub const SECOND: Keys = Keys::Range { first: 2, last: 2, step: 1 };
    /// All words are keys.
    pub const ALL: Keys = Keys::Range { first: 1, last: -1, step: 1 };
    /// Two keys behind the name.
    pub const TWO: Keys = Keys::Range { first: 1, last: 2, step: 1 };
}

/// Flags of a command; the names are those of COMMAND INFO, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags(pub u32);

#[allow(missing_docs, reason = "each is named like the flag that COMMAND INFO prints")]
impl Flags {
    pub const NONE: Flags = Flags(0);
    pub const WRITE: Flags = Flags(1);
    pub const READONLY: Flags = Flags(1 << 1);
    pub const DENYOOM: Flags = Flags(1 << 2);
    pub const ADMIN: Flags = Flags(1 << 3);
    pub const PUBSUB: Flags = Flags(1 << 4);
    pub const NOSCRIPT: Flags = Flags(1 << 5);
    pub const BLOCKING: Flags = Flags(1 << 6);
    pub const LOADING: Flags = Flags(1 << 7);
    pub const STALE: Flags = Flags(1 << 8);
    pub const SKIP_MONITOR: Flags = Flags(1 << 9);
    pub const SKIP_SLOWLOG: Flags = Flags(1 << 10);
    pub const FAST: Flags = Flags(1 << 11);
    pub const NO_AUTH: Flags = Flags(1 << 12);
    pub const NO_MULTI: Flags = Flags(1 << 13);
    pub const ALLOW_BUSY: Flags = Flags(1 << 14);
    pub const NO_ASYNC_LOADING: Flags = Flags(1 << 15);
    pub const MOVABLEKEYS: Flags = Flags(1 << 16);
    pub const NO_MANDATORY_KEYS: Flags = Flags(1 << 17);

    const NAMES: [&'static str; 18] = [
        "write",
        "readonly",
        "denyoom",
        "admin",
        "pubsub",
        "noscript",
        "blocking",
        "loading",
        "stale",
        "skip_monitor",
        "skip_slowlog",
        "fast",
        "no_auth",
        "no_multi",
        "allow_busy",
        "no_async_loading",
        "movablekeys",
        "no_mandatory_keys",
    ];

    /// Both.
    pub const fn and(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// Whether all of `other` are set.
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of those set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().enumerate().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, name)| *name)
    }

    /// The ACL categories that follow from the flags.
    pub fn categories(self) -> impl Iterator<Item = &'static str> {
        let of = |flag: Flags, names: &'static [&'static str]| if self.has(flag) { names } else { &[] };
        let speed: &'static [&'static str] = if self.has(Flags::FAST) { &["fast"] } else { &["slow"] };
        [
            of(Flags::WRITE, &["write"]),
            of(Flags::READONLY, &["read"]),
            of(Flags::ADMIN, &["admin", "dangerous"]),
            of(Flags::PUBSUB, &["pubsub"]),
            speed,
            of(Flags::BLOCKING, &["blocking"]),
        ]
        .into_iter()
        .flatten()
        .copied()
    }
}

/// One argument of a grammar.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// What it stands for.
    pub name: &'static str,
    /// What it looks like.
    pub kind: Kind,
    /// The word before it.
    pub token: Option<&'static str>,
    /// It may be left out.
    pub optional: bool,
    /// It may stand several times.
    pub many: bool,
}

/// What an argument looks like.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the kinds are named like what they match")]
pub enum Kind {
    Key,
    String,
    Integer,
    UnixTime,
    Pattern,
    /// An entry ID.
    Id,
    /// A bound of an interval of IDs.
    Bound,
    /// How many of the `many` arguments beside it there are.
    Count,
    /// The word itself.
    Token,
    OneOf(&'static [Arg]),
    Block(&'static [Arg]),
}

#[allow(missing_docs, reason = "constructors named like the kinds")]
impl Arg {
    pub const fn new(name: &'static str, kind: Kind) -> Arg {
        Arg { name, kind, token: None, optional: false, many: false }
    }
    pub const fn key() -> Arg {
        Arg::new("key", Kind::Key)
    }
    pub const fn string(name: &'static str) -> Arg {
        Arg::new(name, Kind::String)
    }
    pub const fn int(name: &'static str) -> Arg {
        Arg::new(name, Kind::Integer)
    }
    pub const fn id(name: &'static str) -> Arg {
        Arg::new(name, Kind::Id)
    }
    pub const fn bound(name: &'static str) -> Arg {
        Arg::new(name, Kind::Bound)
    }
    pub const fn word(token: &'static str) -> Arg {
        Arg { token: Some(token), ..Arg::new(token, Kind::Token) }
    }
    pub const fn one_of(name: &'static str, choices: &'static [Arg]) -> Arg {
        Arg::new(name, Kind::OneOf(choices))
    }
    pub const fn block(name: &'static str, parts: &'static [Arg]) -> Arg {
        Arg::new(name, Kind::Block(parts))
    }
    pub const fn after(self, token: &'static str) -> Arg {
        Arg { token: Some(token), ..self }
    }
    pub const fn optional(self) -> Arg {
        Arg { optional: true, ..self }
    }
    pub const fn many(self) -> Arg {
        Arg { many: true, ..self }
    }
}

/// What a command does. `check` parses alone; it cannot see state.
#[derive(Clone, Copy)]
pub enum Run {
    /// Looks at state.
    Read {
        /// Parses the words and answers whether they are well formed.
        check: fn(Args<'_>) -> Result<(), Error>,
        /// Parses and answers.
        run: fn(Args<'_>, &Query<'_>) -> Outcome,
    },
    /// Emits records.
    Write {
        /// Parses the words and answers whether they are well formed.
        check: fn(Args<'_>) -> Result<(), Error>,
        /// Parses and executes.
        run: fn(Args<'_>, &mut Txn<'_>) -> Outcome,
    },
    /// Has subcommands.
    Container,
    /// Belongs to the server: connections, configuration, publish and subscribe.
    Outside,
}

/// The `run` of a command whose parsed value has `parse(Args)` and `execute(&Query)`.
#[macro_export]
macro_rules! read_command {
    ($parsed:ident) => {
        $crate::spec::Run::Read {
            check: |args| $parsed::parse(args)?.check(),
            run: |args, query| $parsed::parse(args)?.execute(query),
        }
    };
}

/// The `run` of a command whose parsed value has `parse(Args)` and `execute(&mut Txn)`.
#[macro_export]
macro_rules! write_command {
    ($parsed:ident) => {
        $crate::spec::Run::Write {
            check: |args| $parsed::parse(args)?.check(),
            run: |args, txn| $parsed::parse(args)?.execute(txn),
        }
    };
}

/// What every parsed command can say: whether the parts that it reads only after looking at state are well formed.
pub trait Check: Sized {
    /// The first error among the parts whose turn comes after a look at the key.
    fn check(&self) -> Result<(), Error> {
        Ok(())
    }
}
