//! XADD: append an entry.

use super::idempotence::Producer;
use super::trim::TrimOptions;
use crate::args::{Args, is};
use crate::error::Error;
use crate::id::StreamId;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::state::{Stream, put_fields};
use crate::txn::Txn;
use crate::write_command;

/// `XADD key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] [IDMPAUTO pid|IDMP pid iid] [MAXLEN|MINID [=|~] threshold [LIMIT n]] *|id field value ...`
pub(crate) const SPEC: Spec = Spec {
    name: "xadd",
    summary: "Appends an entry to a stream, which is created if there is none.",
    since: "5.0.0",
    complexity: "O(1) when appending, O(N) when trimming N entries.",
    group: "stream",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    acl: &["stream"],
    tips: &["nondeterministic_output"],
    keys: Keys::ONE,
    key_flags: &["RW", "update"],
    grammar: &[
        Arg::key(),
        Arg::word("NOMKSTREAM").optional(),
        Arg::one_of("condition", POLICY).optional(),
        Arg::one_of("idempotency", IDEMPOTENCY).optional(),
        Arg::block("trim", super::xtrim::TRIM).optional(),
        Arg::one_of("id-selector", &[Arg::word("*"), Arg::id("id")]),
        Arg::block("data", &[Arg::string("field"), Arg::string("value")]).many(),
    ],
    run: write_command!(XAdd),
    ..Spec::BLANK
};

/// KEEPREF, DELREF or ACKED.
pub(crate) const POLICY: &[Arg] = &[Arg::word("KEEPREF"), Arg::word("DELREF"), Arg::word("ACKED")];
const IDEMPOTENCY: &[Arg] = &[
    Arg::string("pid").after("IDMPAUTO"),
    Arg::block("idmp", &[Arg::string("pid"), Arg::string("iid")]).after("IDMP"),
];

/// The largest sum of field and value lengths of one entry.
const ENTRY_MAX: usize = 1 << 30;
/// The largest block, whatever the settings: entries are found in it by 32 bits.
const BLOCK_MAX: usize = 1 << 30;

struct XAdd<'a> {
    key: &'a [u8],
    no_create: bool,
    producer: Option<Producer<'a>>,
    trim: TrimOptions,
    id: IdChoice,
    fields: Args<'a>,
}

/// What the ID argument asks for.
enum IdChoice {
    Auto,
    AutoSeq(u64),
    Exact(StreamId),
}

impl<'a> XAdd<'a> {
    fn parse(args: Args<'a>) -> Result<XAdd<'a>, Error> {
        let mut add = XAdd {
            key: args.at(1),
            no_create: false,
            producer: None,
            trim: TrimOptions::default(),
            id: IdChoice::Auto,
            fields: args,
        };
        let mut at = 2;
        while let Some(next) = add.read_option(args, at)? {
            at = next;
        }
        if at >= args.len() {
            return Err(Error::arity("xadd"));
        }
        add.id = IdChoice::parse(args.at(at))?;
        if add.producer.is_some() && !matches!(add.id, IdChoice::Auto) {
            return Err(Error::from_static(
                "ERR syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs",
            ));
        }
        add.trim.check_limit()?;
        add.trim.check_approximate()?;
        add.fields = args.from(at + 1);
        if add.fields.len() < 2 || add.fields.len() % 2 == 1 {
            return Err(Error::arity("xadd"));
        }
        match add.id {
            IdChoice::Exact(StreamId::MIN) => {
                Err(Error::from_static("ERR The ID specified in XADD must be greater than 0-0"))
            }
            _ => Ok(add),
        }
    }

    /// Reads the option at word `at`; `None` where the ID begins.
    fn read_option(&mut self, args: Args<'a>, at: usize) -> Result<Option<usize>, Error> {
        // Options begin with a letter, IDs do not.
        let Some(word) = args.get(at).filter(|word| word.first().is_some_and(u8::is_ascii_alphabetic)) else {
            return Ok(None);
        };
        if is(word, "NOMKSTREAM") {
            self.no_create = true;
            return Ok(Some(at + 1));
        }
        if let Some((producer, next)) = Producer::read(args, at)? {
            if self.producer.replace(producer).is_some() {
                return Err(Error::from_static("ERR syntax error, IDMP/IDMPAUTO specified multiple times"));
            }
            return Ok(Some(next));
        }
        self.trim.read(args, at)
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        // Whoever fails on the way leaves it to the next to make another.
        let mut fields = txn.take_scratch();
        let stream = txn.stream(self.key)?;
        if stream.is_none() && self.no_create {
            return Ok(Reply::Null);
        }
        let iid = self.producer.as_ref().map(|producer| (producer.pid, producer.iid(self.fields)));
        if let Some(known) = iid.as_ref().and_then(|(pid, iid)| stream?.idempotence().find(pid, iid)) {
            txn.emit(self.key, Change::Recognise);
            return Ok(Reply::Id(known));
        }
        let id = self.id.resolve(stream.map_or(StreamId::MIN, |stream| stream.last_id), txn.now())?;
        let size: usize = self.fields.iter().map(<[u8]>::len).sum();
        if size >= ENTRY_MAX {
            return Err(Error::from_static("ERR Elements are too large to be stored"));
        }
        put_fields(&mut fields, self.fields.iter());
        let new_block = stream.is_none_or(|stream| starts_block(stream, txn, id, &fields));
        if stream.is_none() {
            create_stream(txn, self.key);
        }
        txn.emit(self.key, Change::Append { new_block, id, fields: &fields });
        txn.give_scratch(fields);
        if let Some((producer, iid)) = iid {
            txn.emit(self.key, Change::Remember { producer, iid: &iid, id });
        }
        if let Some((_, change)) = self.trim_plan(txn) {
            txn.emit(self.key, change);
        }
        Ok(Reply::Id(id))
    }

    fn trim_plan(&self, txn: &Txn<'_>) -> Option<(u64, Change<'static>)> {
        self.trim.strategy?;
        let stream = txn.stream(self.key).ok()??;
        self.trim.decide(stream, &txn.context().settings)
    }
}

impl Check for XAdd<'_> {}

/// Creates an empty stream with the settings of the moment.
pub(crate) fn create_stream(txn: &mut Txn<'_>, key: &[u8]) {
    let settings = txn.context().settings;
    let (duration, maxsize) = (settings.idmp_duration, settings.idmp_maxsize);
    txn.emit(key, Change::CreateStream { duration, maxsize });
}

/// Whether the next entry begins a block: the last one holds its share of entries or bytes.
fn starts_block(stream: &Stream, txn: &Txn<'_>, id: StreamId, fields: &[u8]) -> bool {
    let settings = &txn.context().settings;
    stream.blocks().back().is_none_or(|tail| {
        let most = if settings.node_max_bytes > 0 { settings.node_max_bytes as usize } else { BLOCK_MAX };
        tail.would_exceed(most.min(BLOCK_MAX), id, fields)
            || (settings.node_max_entries > 0 && tail.total() >= settings.node_max_entries)
    })
}

impl IdChoice {
    fn parse(word: &[u8]) -> Result<IdChoice, Error> {
        match word {
            b"*" => Ok(IdChoice::Auto),
            _ => match word.strip_suffix(b"-*") {
                Some(ms) => crate::id::unsigned(ms).map(IdChoice::AutoSeq).ok_or(Error::INVALID_ID),
                None => StreamId::parse(word, 0).map(IdChoice::Exact),
            },
        }
    }

    /// The ID of the next entry of a stream whose last ID is `last`. It never goes back, whatever the clock does.
    fn resolve(&self, last: StreamId, now: i64) -> Result<StreamId, Error> {
        let next = last.next().ok_or(Error::from_static(
            "ERR The stream has exhausted the last possible ID, unable to add more items",
        ))?;
        let id = match *self {
            IdChoice::Auto => return Ok(next.max(StreamId::new(now.max(0) as u64, 0))),
            IdChoice::AutoSeq(ms) if ms == last.ms => next,
            IdChoice::AutoSeq(ms) => StreamId::new(ms, 0),
            IdChoice::Exact(id) => id,
        };
        let stays = !matches!(self, IdChoice::AutoSeq(ms) if *ms != id.ms);
        match id > last && stays {
            true => Ok(id),
            false => Err(Error::from_static(
                "ERR The ID specified in XADD is equal or smaller than the target stream top item",
            )),
        }
    }
}
