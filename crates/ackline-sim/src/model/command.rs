//! Commands as values: the model executes them, the engine gets their words.

use std::fmt::Display;

/// An entry ID; `ms-seq`.
pub type Id = (u64, u64);

/// The text of an ID.
pub fn show(id: Id) -> String {
    format!("{}-{}", id.0, id.1)
}

/// The ID argument of XADD.
#[derive(Clone, Copy, Debug)]
pub enum NewId {
    /// `*`
    Auto,
    /// `ms-*`
    AutoSeq(u64),
    /// `ms-seq`
    Exact(Id),
}

/// What happens to references of entries that go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named like the words")]
pub enum Policy {
    KeepRef,
    DelRef,
    Acked,
}

/// MAXLEN or MINID.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "named like the words")]
pub enum Threshold {
    MaxLen(u64),
    MinId(Id),
}

/// How to trim.
#[derive(Clone, Copy, Debug)]
pub struct Trim {
    /// What is too much.
    pub threshold: Threshold,
    /// `~`
    pub approximate: bool,
    /// LIMIT; only with `~`.
    pub limit: Option<u64>,
}

/// What XNACK does to the delivery count.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "named like the words")]
pub enum Mode {
    Silent,
    Fail,
    Fatal,
}

/// The delivery time that XCLAIM sets.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "named like the words")]
pub enum When {
    Now,
    Idle(i64),
    Time(i64),
}

/// A command. Fields are named like the arguments.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "named like the commands and their arguments")]
pub enum Command {
    Add {
        key: String,
        nomkstream: bool,
        policy: Option<Policy>,
        trim: Option<Trim>,
        id: NewId,
        fields: Vec<String>,
    },
    Trim {
        key: String,
        trim: Trim,
        policy: Option<Policy>,
    },
    Del {
        key: String,
        ids: Vec<Id>,
    },
    DelEx {
        key: String,
        policy: Option<Policy>,
        ids: Vec<Id>,
    },
    Len {
        key: String,
    },
    Range {
        key: String,
        start: Id,
        end: Id,
        count: Option<i64>,
        reverse: bool,
    },
    SetId {
        key: String,
        id: Id,
        added: Option<u64>,
        deleted: Option<Id>,
    },
    Create {
        key: String,
        group: String,
        id: Option<Id>,
        mkstream: bool,
        read: Option<i64>,
    },
    Seek {
        key: String,
        group: String,
        id: Option<Id>,
        read: Option<i64>,
    },
    Destroy {
        key: String,
        group: String,
    },
    CreateConsumer {
        key: String,
        group: String,
        consumer: String,
    },
    DelConsumer {
        key: String,
        group: String,
        consumer: String,
    },
    Read {
        group: String,
        consumer: String,
        options: ReadOptions,
        streams: Vec<(String, Option<Id>)>,
    },
    Ack {
        key: String,
        group: String,
        ids: Vec<Id>,
    },
    AckDel {
        key: String,
        group: String,
        policy: Option<Policy>,
        ids: Vec<Id>,
    },
    Nack {
        key: String,
        group: String,
        mode: Mode,
        ids: Vec<Id>,
        retry: Option<i64>,
        force: bool,
    },
    Claim {
        key: String,
        group: String,
        consumer: String,
        min_idle: i64,
        ids: Vec<Id>,
        options: ClaimOptions,
    },
    AutoClaim {
        key: String,
        group: String,
        consumer: String,
        min_idle: i64,
        start: Id,
        count: Option<u64>,
        justid: bool,
    },
    Pending {
        key: String,
        group: String,
    },
    PendingRange {
        key: String,
        group: String,
        idle: Option<i64>,
        start: Id,
        end: Id,
        count: i64,
        consumer: Option<String>,
    },
}

/// The options of XREADGROUP.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "named like the words")]
pub struct ReadOptions {
    pub count: Option<i64>,
    pub maxcount: Option<u64>,
    pub claim: Option<i64>,
    pub noack: bool,
}

/// The options of XCLAIM.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "named like the words")]
pub struct ClaimOptions {
    pub when: When,
    pub retry: Option<i64>,
    pub force: bool,
    pub justid: bool,
    pub lastid: Option<Id>,
}

/// Words being collected.
struct Words(Vec<String>);

impl Words {
    fn of(words: &[&str]) -> Words {
        Words(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn then(mut self, word: impl Display) -> Words {
        self.0.push(word.to_string());
        self
    }

    fn flag(self, word: &str, on: bool) -> Words {
        if on { self.then(word) } else { self }
    }

    fn option(self, word: &str, value: Option<impl Display>) -> Words {
        match value {
            Some(value) => self.then(word).then(value),
            None => self,
        }
    }

    fn ids(self, ids: &[Id]) -> Words {
        ids.iter().fold(self, |words, id| words.then(show(*id)))
    }

    fn policy(self, policy: Option<Policy>) -> Words {
        match policy {
            Some(Policy::KeepRef) => self.then("KEEPREF"),
            Some(Policy::DelRef) => self.then("DELREF"),
            Some(Policy::Acked) => self.then("ACKED"),
            None => self,
        }
    }

    fn trim(self, trim: Option<Trim>) -> Words {
        let Some(Trim { threshold, approximate, limit }) = trim else { return self };
        let sign = if approximate { "~" } else { "=" };
        let words = match threshold {
            Threshold::MaxLen(n) => self.then("MAXLEN").then(sign).then(n),
            Threshold::MinId(id) => self.then("MINID").then(sign).then(show(id)),
        };
        words.option("LIMIT", limit)
    }
}

impl Command {
    /// The words of the command.
    pub fn words(&self) -> Vec<String> {
        use Command::*;
        let words = match self {
            Add { key, nomkstream, policy, trim, id, fields } => {
                let words =
                    Words::of(&["XADD", key]).flag("NOMKSTREAM", *nomkstream).policy(*policy).trim(*trim);
                let words = match id {
                    NewId::Auto => words.then("*"),
                    NewId::AutoSeq(ms) => words.then(format!("{ms}-*")),
                    NewId::Exact(id) => words.then(show(*id)),
                };
                fields.iter().fold(words, Words::then)
            }
            Trim { key, trim, policy } => Words::of(&["XTRIM", key]).trim(Some(*trim)).policy(*policy),
            Del { key, ids } => Words::of(&["XDEL", key]).ids(ids),
            DelEx { key, policy, ids } => {
                Words::of(&["XDELEX", key]).policy(*policy).then("IDS").then(ids.len()).ids(ids)
            }
            Len { key } => Words::of(&["XLEN", key]),
            Range { key, start, end, count, reverse } => {
                let (name, bounds) = match reverse {
                    true => ("XREVRANGE", [*end, *start]),
                    false => ("XRANGE", [*start, *end]),
                };
                Words::of(&[name, key]).ids(&bounds).option("COUNT", *count)
            }
            SetId { key, id, added, deleted } => Words::of(&["XSETID", key])
                .then(show(*id))
                .option("ENTRIESADDED", *added)
                .option("MAXDELETEDID", deleted.map(show)),
            _ => self.group_words(),
        };
        words.0
    }

    fn group_words(&self) -> Words {
        use Command::*;
        let or_last = |id: &Option<Id>| id.map_or("$".to_owned(), show);
        match self {
            Create { key, group, id, mkstream, read } => Words::of(&["XGROUP", "CREATE", key, group])
                .then(or_last(id))
                .flag("MKSTREAM", *mkstream)
                .option("ENTRIESREAD", *read),
            Seek { key, group, id, read } => {
                Words::of(&["XGROUP", "SETID", key, group]).then(or_last(id)).option("ENTRIESREAD", *read)
            }
            Destroy { key, group } => Words::of(&["XGROUP", "DESTROY", key, group]),
            CreateConsumer { key, group, consumer } => {
                Words::of(&["XGROUP", "CREATECONSUMER", key, group, consumer])
            }
            DelConsumer { key, group, consumer } => {
                Words::of(&["XGROUP", "DELCONSUMER", key, group, consumer])
            }
            Read { group, consumer, options, streams } => {
                let words = Words::of(&["XREADGROUP", "GROUP", group, consumer])
                    .option("COUNT", options.count)
                    .option("MAXCOUNT", options.maxcount)
                    .option("CLAIM", options.claim)
                    .flag("NOACK", options.noack)
                    .then("STREAMS");
                let words = streams.iter().fold(words, |words, (key, _)| words.then(key));
                streams.iter().fold(words, |words, (_, id)| words.then(id.map_or(">".to_owned(), show)))
            }
            _ => self.pending_words(),
        }
    }

    fn pending_words(&self) -> Words {
        use Command::*;
        match self {
            Ack { key, group, ids } => Words::of(&["XACK", key, group]).ids(ids),
            AckDel { key, group, policy, ids } => {
                Words::of(&["XACKDEL", key, group]).policy(*policy).then("IDS").then(ids.len()).ids(ids)
            }
            Nack { key, group, mode, ids, retry, force } => {
                let mode = match mode {
                    Mode::Silent => "SILENT",
                    Mode::Fail => "FAIL",
                    Mode::Fatal => "FATAL",
                };
                let words = Words::of(&["XNACK", key, group, mode, "IDS"]).then(ids.len()).ids(ids);
                words.option("RETRYCOUNT", *retry).flag("FORCE", *force)
            }
            Claim { key, group, consumer, min_idle, ids, options } => {
                let words = Words::of(&["XCLAIM", key, group, consumer]).then(min_idle).ids(ids);
                let words = match options.when {
                    When::Now => words,
                    When::Idle(ms) => words.then("IDLE").then(ms),
                    When::Time(ms) => words.then("TIME").then(ms),
                };
                words
                    .option("RETRYCOUNT", options.retry)
                    .flag("FORCE", options.force)
                    .flag("JUSTID", options.justid)
                    .option("LASTID", options.lastid.map(show))
            }
            AutoClaim { key, group, consumer, min_idle, start, count, justid } => {
                Words::of(&["XAUTOCLAIM", key, group, consumer])
                    .then(min_idle)
                    .then(show(*start))
                    .option("COUNT", *count)
                    .flag("JUSTID", *justid)
            }
            PendingRange { key, group, idle, start, end, count, consumer } => {
                let words = Words::of(&["XPENDING", key, group]).option("IDLE", *idle).ids(&[*start, *end]);
                consumer.iter().fold(words.then(count), Words::then)
            }
            Pending { key, group } => Words::of(&["XPENDING", key, group]),
            _ => Words::of(&[]),
        }
    }
}
