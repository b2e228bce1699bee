//! DUMP, RESTORE: a value as one string of bytes.
//!
//! ```text
//! payload = "ACK1" image checksum       the checksum is the XXH3 of what is before it, 8 bytes little-endian
//! ```
//!
//! The payload is Ackline's own. Servers of another kind have theirs, and neither reads the other's.

use super::BLANK;
use crate::args::{Args, int, is};
use crate::error::Error;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Spec};
use crate::state::{Image, parts};
use crate::txn::{Query, Txn};
use crate::{read_command, write_command};
use xxhash_rust::xxh3::xxh3_64;

pub(crate) const DUMP: Spec = Spec {
    name: "dump",
    summary: "A value as one string of bytes, for RESTORE.",
    since: "2.6.0",
    complexity: "O(N), N being the size of the value.",
    arity: 2,
    flags: Flags::READONLY,
    key_flags: &["RO", "access"],
    grammar: &[Arg::key()],
    run: read_command!(Dump),
    ..BLANK
};
pub(crate) const RESTORE: Spec = Spec {
    name: "restore",
    summary: "Puts a value from DUMP under a key.",
    since: "2.6.0",
    complexity: "O(N), N being the size of the value.",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    acl: &["keyspace", "dangerous"],
    key_flags: &["OW", "update"],
    grammar: &[
        Arg::key(),
        Arg::int("ttl"),
        Arg::string("serialized-value"),
        Arg::word("REPLACE").optional(),
        Arg::word("ABSTTL").optional(),
        Arg::one_of("use", &[Arg::int("seconds").after("IDLETIME"), Arg::int("frequency").after("FREQ")])
            .optional(),
    ],
    run: write_command!(Restore),
    ..BLANK
};

const MAGIC: &[u8] = b"ACK1";
const BUSY: Error = Error::from_static("BUSYKEY Target key name already exists.");
const WRONG_SUM: Error = Error::from_static("ERR DUMP payload version or checksum are wrong");
const BAD_FORMAT: Error = Error::from_static("ERR Bad data format");

struct Dump<'a>(&'a [u8]);

impl<'a> Dump<'a> {
    fn parse(args: Args<'a>) -> Result<Dump<'a>, Error> {
        Ok(Dump(args.at(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let Some(slot) = query.slot(self.0) else { return Ok(Reply::Null) };
        let mut payload = MAGIC.to_vec();
        parts(&slot.value, &mut |part| payload.extend_from_slice(part));
        let sum = xxh3_64(&payload);
        payload.extend_from_slice(&sum.to_le_bytes());
        Ok(Reply::Bulk(payload.into()))
    }
}

impl Check for Dump<'_> {}

/// The image in a payload.
fn image(payload: &[u8]) -> Result<&[u8], Error> {
    let (body, sum) = payload.split_last_chunk::<8>().ok_or(WRONG_SUM)?;
    let image = body.strip_prefix(MAGIC).ok_or(BAD_FORMAT)?;
    if u64::from_le_bytes(*sum) != xxh3_64(body) {
        return Err(WRONG_SUM);
    }
    Image::read(image).ok_or(BAD_FORMAT)?;
    Ok(image)
}

struct Restore<'a> {
    key: &'a [u8],
    ttl: Result<i64, Error>,
    payload: &'a [u8],
    options: Options,
}

#[derive(Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle_seconds: Option<i64>,
    frequency: Option<i64>,
}

impl Options {
    fn parse(words: Args<'_>) -> Result<Options, Error> {
        let mut options = Options::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match () {
                () if is(word, "REPLACE") => options.replace = true,
                () if is(word, "ABSTTL") => options.absolute = true,
                () if is(word, "IDLETIME") && options.frequency.is_none() => {
                    let idle = int(words.next().ok_or(Error::SYNTAX)?)?;
                    let text = "ERR Invalid IDLETIME value, must be >= 0";
                    options.idle_seconds = Some(within(idle, i64::MAX, text)?);
                }
                () if is(word, "FREQ") && options.idle_seconds.is_none() => {
                    let frequency = int(words.next().ok_or(Error::SYNTAX)?)?;
                    let text = "ERR Invalid FREQ value, must be >= 0 and <= 255";
                    options.frequency = Some(within(frequency, 255, text)?);
                }
                () => return Err(Error::SYNTAX),
            }
        }
        Ok(options)
    }
}

fn within(n: i64, max: i64, text: &'static str) -> Result<i64, Error> {
    if (0..=max).contains(&n) { Ok(n) } else { Err(Error::from_static(text)) }
}

impl<'a> Restore<'a> {
    fn parse(args: Args<'a>) -> Result<Restore<'a>, Error> {
        let options = Options::parse(args.from(4))?;
        let ttl =
            int(args.at(2)).and_then(|ttl| within(ttl, i64::MAX, "ERR Invalid TTL value, must be >= 0"));
        Ok(Restore { key: args.at(1), ttl, payload: args.at(3), options })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let exists = txn.slot(self.key).is_some();
        if exists && !self.options.replace {
            return Err(BUSY);
        }
        let (now, ttl) = (txn.now(), self.ttl?);
        let parts = image(self.payload)?;
        let expire_at = match (ttl, self.options.absolute) {
            (0, _) => None,
            (at, true) => Some(at),
            (ttl, false) => Some(now.saturating_add(ttl)),
        };
        if expire_at.is_some_and(|at| at <= now) {
            if exists {
                txn.emit(self.key, Change::Remove);
            }
            return Ok(Reply::Ok);
        }
        txn.emit(self.key, Change::Load { parts });
        if expire_at.is_some() {
            txn.emit(self.key, Change::Expire { at: expire_at });
        }
        if let Some(slot) = txn.slot(self.key) {
            let idle = self.options.idle_seconds.unwrap_or(0).saturating_mul(1000);
            slot.accessed_at.set(now.saturating_sub(idle));
        }
        Ok(Reply::Ok)
    }
}

impl Check for Restore<'_> {
    fn check(&self) -> Result<(), Error> {
        self.ttl.as_ref().map(drop).map_err(Error::clone)
    }
}
