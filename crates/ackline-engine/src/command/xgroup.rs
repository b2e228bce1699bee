//! XGROUP: groups and their consumers.

use super::help::help_command;
use super::xadd::create_stream;
use crate::args::{Args, int, is};
use crate::error::{Error, c_str};
use crate::id::StreamId;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Run, Spec};
use crate::state::Stream;
use crate::txn::{Query, Txn};
use crate::write_command;

const BLANK: Spec = Spec {
    since: "5.0.0",
    group: "stream",
    flags: Flags::WRITE,
    acl: &["stream"],
    keys: Keys::SECOND,
    ..Spec::BLANK
};
const ID: Arg = Arg::one_of("id-selector", &[Arg::id("id"), Arg::word("$")]);
const ENTRIES_READ: Arg = Arg::int("entries-read").after("ENTRIESREAD").optional();

const CREATE: Spec = Spec {
    name: "xgroup|create",
    summary: "Creates a group.",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    key_flags: &["RW", "insert"],
    grammar: &[Arg::key(), Arg::string("group"), ID, Arg::word("MKSTREAM").optional(), ENTRIES_READ],
    run: write_command!(Create),
    ..BLANK
};
const SETID: Spec = Spec {
    name: "xgroup|setid",
    summary: "Sets the last delivered ID of a group.",
    arity: -5,
    key_flags: &["RW", "update"],
    grammar: &[Arg::key(), Arg::string("group"), ID, ENTRIES_READ],
    run: write_command!(SetId),
    ..BLANK
};
const DESTROY: Spec = Spec {
    name: "xgroup|destroy",
    summary: "Removes a group with its consumers and pending entries.",
    complexity: "O(N), N being the number of pending entries.",
    arity: 4,
    key_flags: &["RW", "delete"],
    grammar: &[Arg::key(), Arg::string("group")],
    run: write_command!(Destroy),
    ..BLANK
};
const CREATECONSUMER: Spec = Spec {
    name: "xgroup|createconsumer",
    summary: "Creates a consumer.",
    since: "6.2.0",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    key_flags: &["RW", "insert"],
    grammar: &[Arg::key(), Arg::string("group"), Arg::string("consumer")],
    run: write_command!(CreateConsumer),
    ..BLANK
};
const DELCONSUMER: Spec = Spec {
    name: "xgroup|delconsumer",
    summary: "Removes a consumer with the pending entries that it owns.",
    complexity: "O(N), N being the number of pending entries of the consumer.",
    arity: 5,
    key_flags: &["RW", "delete"],
    grammar: &[Arg::key(), Arg::string("group"), Arg::string("consumer")],
    run: write_command!(DelConsumer),
    ..BLANK
};
const HELP: Spec = Spec {
    name: "xgroup|help",
    summary: "Lists the subcommands.",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    keys: Keys::None,
    run: help_command!("XGROUP", HELP_LINES),
    ..BLANK
};

/// `XGROUP subcommand ..`
pub(crate) const SPEC: Spec = Spec {
    name: "xgroup",
    summary: "Commands about groups and consumers.",
    complexity: "Depends on the subcommand.",
    arity: -2,
    flags: Flags::NONE,
    acl: &[],
    keys: Keys::None,
    subcommands: &[&CREATE, &CREATECONSUMER, &DELCONSUMER, &DESTROY, &HELP, &SETID],
    run: Run::Container,
    ..BLANK
};

/// Words of CREATE, at most.
const CREATE_WORDS_MAX: usize = 8;
/// Words of SETID, at most.
const SETID_WORDS_MAX: usize = 7;

fn wrong_tail(args: Args<'_>) -> Error {
    Error::concat(&[
        b"ERR unknown subcommand or wrong number of arguments for '",
        args.at(1),
        b"'. Try XGROUP HELP.",
    ])
}

/// The stream of every subcommand, which must exist.
fn existing_stream<'q>(query: &'q Query<'_>, key: &[u8]) -> Result<&'q Stream, Error> {
    query.stream(key)?.ok_or(Error::from_static(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM \
         option to create an empty stream automatically.",
    ))
}

/// The stream and the group of a subcommand, which must exist.
fn existing_group<'q>(query: &'q Query<'_>, key: &[u8], group: &[u8]) -> Result<&'q Stream, Error> {
    let stream = existing_stream(query, key)?;
    match stream.group(group) {
        Some(_) => Ok(stream),
        None => Err(no_such_group(key, group)),
    }
}

/// The wording for a group that is missing where the key is known to exist.
pub(crate) fn no_such_group(key: &[u8], group: &[u8]) -> Error {
    Error::concat(&[b"NOGROUP No such consumer group '", c_str(group), b"' for key name '", c_str(key), b"'"])
}

/// ENTRIESREAD: -1 is unknown.
fn entries_read(value: &[u8]) -> Result<Option<i64>, Error> {
    match int(value)? {
        -1 => Ok(None),
        n if n >= 0 => Ok(Some(n)),
        _ => Err(Error::from_static("ERR value for ENTRIESREAD must be positive or -1")),
    }
}

/// A group cannot have read more than was ever added.
fn clamped(read: Option<i64>, entries_added: u64) -> Option<i64> {
    read.map(|n| n.min(entries_added as i64))
}

/// What may follow the ID of CREATE and SETID.
struct Options {
    make_stream: bool,
    entries_read: Option<i64>,
    /// Too many words, each of them right: Redis says so only after it looked at the key.
    tail: Result<(), Error>,
}

impl Options {
    fn parse(args: Args<'_>, may_make: bool, words_max: usize) -> Result<Options, Error> {
        let tail = if args.len() > words_max { Err(wrong_tail(args)) } else { Ok(()) };
        let mut options = Options { make_stream: false, entries_read: None, tail };
        let mut at = 5;
        while let Some(word) = args.get(at) {
            match args.get(at + 1) {
                _ if may_make && is(word, "MKSTREAM") => {
                    options.make_stream = true;
                    at += 1;
                }
                Some(value) if is(word, "ENTRIESREAD") => {
                    options.entries_read = entries_read(value)?;
                    at += 2;
                }
                _ => return Err(wrong_tail(args)),
            }
        }
        Ok(options)
    }
}

struct Create<'a> {
    key: &'a [u8],
    group: &'a [u8],
    id: &'a [u8],
    options: Options,
}

impl<'a> Create<'a> {
    fn parse(args: Args<'a>) -> Result<Create<'a>, Error> {
        let options = Options::parse(args, true, CREATE_WORDS_MAX)?;
        Ok(Create { key: args.at(2), group: args.at(3), id: args.at(4), options })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let stream = match self.options.make_stream {
            true => txn.stream(self.key)?,
            false => Some(existing_stream(txn, self.key)?),
        };
        self.options.tail?;
        let last_id = match self.id {
            b"$" => stream.map_or(StreamId::MIN, |stream| stream.last_id),
            word => StreamId::parse(word, 0)?,
        };
        if stream.is_some_and(|stream| stream.group(self.group).is_some()) {
            return Err(Error::from_static("BUSYGROUP Consumer Group name already exists"));
        }
        let entries_read =
            clamped(self.options.entries_read, stream.map_or(0, |stream| stream.entries_added));
        if stream.is_none() {
            create_stream(txn, self.key);
        }
        txn.emit(self.key, Change::CreateGroup { group: self.group, last_id, entries_read });
        Ok(Reply::Ok)
    }
}

impl Check for Create<'_> {
    fn check(&self) -> Result<(), Error> {
        self.options.tail.clone()?;
        if self.id == b"$" { Ok(()) } else { StreamId::parse(self.id, 0).map(drop) }
    }
}

struct SetId<'a> {
    key: &'a [u8],
    group: &'a [u8],
    id: &'a [u8],
    options: Options,
}

impl<'a> SetId<'a> {
    fn parse(args: Args<'a>) -> Result<SetId<'a>, Error> {
        let options = Options::parse(args, false, SETID_WORDS_MAX)?;
        Ok(SetId { key: args.at(2), group: args.at(3), id: args.at(4), options })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let stream = existing_group(txn, self.key, self.group)?;
        self.options.tail?;
        let last_id = match self.id {
            b"$" => stream.last_id,
            word => StreamId::parse_lenient(word, 0)?,
        };
        let entries_read = clamped(self.options.entries_read, stream.entries_added);
        txn.emit(self.key, Change::Seek { group: self.group, last_id, entries_read });
        Ok(Reply::Ok)
    }
}

impl Check for SetId<'_> {
    fn check(&self) -> Result<(), Error> {
        self.options.tail.clone()?;
        if self.id == b"$" { Ok(()) } else { StreamId::parse_lenient(self.id, 0).map(drop) }
    }
}

struct Destroy<'a> {
    key: &'a [u8],
    group: &'a [u8],
}

impl<'a> Destroy<'a> {
    fn parse(args: Args<'a>) -> Result<Destroy<'a>, Error> {
        Ok(Destroy { key: args.at(2), group: args.at(3) })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let exists = existing_stream(txn, self.key)?.group(self.group).is_some();
        if exists {
            txn.emit(self.key, Change::DestroyGroup { group: self.group });
        }
        Ok(Reply::Int(i64::from(exists)))
    }
}

impl Check for Destroy<'_> {}

/// The words of CREATECONSUMER and DELCONSUMER.
struct OneConsumer<'a> {
    key: &'a [u8],
    group: &'a [u8],
    consumer: &'a [u8],
}

impl<'a> OneConsumer<'a> {
    fn parse(args: Args<'a>) -> OneConsumer<'a> {
        OneConsumer { key: args.at(2), group: args.at(3), consumer: args.at(4) }
    }

    /// How many entries the consumer owns, if there is such a consumer.
    fn owned(&self, txn: &Txn<'_>) -> Result<Option<u64>, Error> {
        let stream = existing_group(txn, self.key, self.group)?;
        let consumer = stream.group(self.group).and_then(|group| group.consumer(self.consumer));
        Ok(consumer.map(|consumer| consumer.pending))
    }
}

struct CreateConsumer<'a>(OneConsumer<'a>);

impl<'a> CreateConsumer<'a> {
    fn parse(args: Args<'a>) -> Result<CreateConsumer<'a>, Error> {
        Ok(CreateConsumer(OneConsumer::parse(args)))
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        if self.0.owned(txn)?.is_some() {
            return Ok(Reply::Int(0));
        }
        let OneConsumer { key, group, consumer } = self.0;
        let at = txn.now();
        txn.emit(key, Change::CreateConsumer { group, consumer, at });
        Ok(Reply::Int(1))
    }
}

impl Check for CreateConsumer<'_> {}

struct DelConsumer<'a>(OneConsumer<'a>);

impl<'a> DelConsumer<'a> {
    fn parse(args: Args<'a>) -> Result<DelConsumer<'a>, Error> {
        Ok(DelConsumer(OneConsumer::parse(args)))
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let Some(owned) = self.0.owned(txn)? else { return Ok(Reply::Int(0)) };
        let OneConsumer { key, group, consumer } = self.0;
        txn.emit(key, Change::DeleteConsumer { group, consumer });
        Ok(Reply::Int(owned as i64))
    }
}

impl Check for DelConsumer<'_> {}

/// On the wire byte for byte what Redis 8.6 answers, like error texts.
const HELP_LINES: &[&str] = &[
    "CREATE <key> <groupname> <id|$> [option]",
    "    Create a new consumer group. Options are:",
    "    * MKSTREAM",
    "      Create the empty stream if it does not exist.",
    "    * ENTRIESREAD entries_read",
    "      Set the group's entries_read counter (internal use).",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Create a new consumer in the specified group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove the specified consumer.",
    "DESTROY <key> <groupname>",
    "    Remove the specified group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set the current group ID and entries_read counter.",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::OwnedArgs;
    use crate::state::Keyspace;
    use crate::txn::Context;

    #[test]
    fn too_many_words_are_noticed_behind_wrong_values_and_the_missing_key() {
        let answer = |options: &str| {
            let line = format!("XGROUP CREATE jobs workers 0 {options}");
            let args = OwnedArgs::collect(line.split(' ').map(str::as_bytes));
            let mut keyspace = Keyspace::new(1, 16, 0);
            let mut txn = Txn::new(keyspace.reach(), Context::at(1000), Vec::new());
            let outcome = Create::parse(args.as_args()).and_then(|create| create.execute(&mut txn));
            assert!(txn.batch().is_empty(), "{options}");
            outcome.map(drop)
        };
        let tail = Err(wrong_tail(OwnedArgs::collect([&b"XGROUP"[..], b"CREATE"]).as_args()));
        assert_eq!(answer("MKSTREAM ENTRIESREAD 1 ENTRIESREAD x"), Err(Error::NOT_AN_INTEGER));
        assert_eq!(answer("MKSTREAM MKSTREAM MKSTREAM MKSTREAM"), tail);
        assert!(answer("ENTRIESREAD 1 ENTRIESREAD 2").is_err_and(|e| Err(e) != tail));
    }
}
