//! XNACK (Redis 8.8): give pending entries back, for whoever claims next.

use super::ids::{Ids, ids_block};
use crate::args::{Args, int, is};
use crate::error::{Error, c_str};
use crate::id::StreamId;
use crate::record::{Change, Count};
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Kind, Spec};
use crate::txn::Txn;
use crate::write_command;

/// `XNACK key group SILENT|FAIL|FATAL IDS numids id [id ...] [RETRYCOUNT count] [FORCE]`
pub(crate) const SPEC: Spec = Spec {
    name: "xnack",
    summary: "Releases pending entries: nobody owns them, and they are the first to be claimed.",
    since: "8.8.0",
    complexity: "O(log N) for each ID, N being the number of pending entries.",
    group: "stream",
    arity: -7,
    flags: Flags::WRITE.and(Flags::FAST),
    acl: &["stream"],
    keys: Keys::ONE,
    key_flags: &["RW", "update"],
    grammar: &[
        Arg::key(),
        Arg::string("group"),
        Arg::one_of("mode", &[Arg::word("SILENT"), Arg::word("FAIL"), Arg::word("FATAL")]),
        Arg::block("ids", &[Arg::new("numids", Kind::Count), Arg::id("id").many()]).after("IDS"),
        Arg::int("count").after("RETRYCOUNT").optional(),
        Arg::word("FORCE").optional(),
    ],
    run: write_command!(XNack),
    ..Spec::BLANK
};

struct XNack<'a> {
    key: &'a [u8],
    group: &'a [u8],
    options: Result<Options, Error>,
}

struct Options {
    count: Count,
    force: bool,
    ids: Ids,
}

impl<'a> XNack<'a> {
    fn parse(args: Args<'a>) -> Result<XNack<'a>, Error> {
        Ok(XNack { key: args.at(1), group: args.at(2), options: Options::parse(args) })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let (stream, group) = txn.existing_group(self.key, self.group)?;
        let Options { count, force, ids } = self.options?;
        let wanted = |id: &StreamId| group.pending.contains(*id) || (force && stream.contains(*id));
        let released: Ids = ids.iter().copied().filter(wanted).collect();
        if !released.is_empty() {
            let ids = released.as_slice().into();
            txn.emit(self.key, Change::Release { group: self.group, count, ids });
        }
        Ok(Reply::count(released.len()))
    }
}

impl Check for XNack<'_> {
    fn check(&self) -> Result<(), Error> {
        self.options.as_ref().map(drop).map_err(Error::clone)
    }
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Options, Error> {
        let mut count = mode(args.at(3))?;
        let (mut force, mut words) = (false, None);
        let mut at = 4;
        while let Some(word) = args.get(at) {
            let value = args.get(at + 1);
            match value {
                Some(_) if is(word, "IDS") => {
                    let (ids, next) = ids_block(
                        args,
                        at,
                        i64::from(i32::MAX),
                        Error::from_static("ERR numids must be a positive integer"),
                        Error::from_static("ERR number of IDs doesn't match numids"),
                    )?;
                    words = Some(ids);
                    at = next;
                }
                Some(value) if is(word, "RETRYCOUNT") => {
                    count = Count::Set(retry_count(value)?);
                    at += 2;
                }
                _ if is(word, "FORCE") => {
                    force = true;
                    at += 1;
                }
                _ => return Err(Error::concat(&[b"ERR Unrecognized XNACK option '", c_str(word), b"'"])),
            }
        }
        let words = words.ok_or(Error::from_static("ERR syntax error, expected IDS keyword"))?;
        Ok(Options { count, force, ids: Ids::parse(words)? })
    }
}

/// What a mode does to the delivery count.
fn mode(word: &[u8]) -> Result<Count, Error> {
    match () {
        () if is(word, "SILENT") => Ok(Count::Subtract),
        () if is(word, "FAIL") => Ok(Count::Keep),
        () if is(word, "FATAL") => Ok(Count::Set(i64::MAX)),
        () => Err(Error::from_static("ERR mode must be SILENT, FAIL, or FATAL")),
    }
}

fn retry_count(value: &[u8]) -> Result<i64, Error> {
    match int(value)? {
        n if n >= 0 => Ok(n),
        _ => Err(Error::from_static("ERR Invalid RETRYCOUNT value, must be >= 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Reader;
    use crate::record::Record;
    use crate::table::Table;
    use crate::{Context, Keyspace, OwnedArgs};

    #[test]
    fn a_repeated_id_counts_and_is_released_each_time() {
        let mut keyspace = Keyspace::new(1, 16, 0);
        let mut run = |words: &str| {
            let mut txn = Txn::new(keyspace.reach(), Context::at(1000), Vec::new());
            let words = OwnedArgs::collect(words.split(' ').map(str::as_bytes));
            let spec = Table::new(&[]).resolve(words.as_args()).unwrap();
            (format!("{:?}", txn.execute(spec, words.as_args())), txn.batch().to_vec())
        };
        run("xadd s 1-0 n 1");
        run("xadd s 2-0 n 2");
        run("xgroup create s g 0");
        run("xreadgroup group g c count 1 streams s >");
        let (reply, batch) = run("xnack s g SILENT FORCE IDS 5 1-0 2-0 1-0 9-0 2-0");
        assert_eq!(reply, "Ok(Int(4))");
        let ids = [1, 2, 1, 2].map(|ms| StreamId::new(ms, 0)).to_vec().into();
        let release = Change::Release { group: b"g", count: Count::Subtract, ids };
        assert_eq!(Record::decode(&mut Reader::new(&batch)).map(|record| record.change), Some(release));
        assert_eq!(run("xnack s g FAIL IDS 1 9-0"), ("Ok(Int(0))".into(), Vec::new()));
    }
}
