//! XCFGSET: a stream's idempotency settings.

use crate::args::{Args, int, is};
use crate::error::Error;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::Txn;
use crate::write_command;

/// `XCFGSET key [IDMP-DURATION seconds] [IDMP-MAXSIZE n]`
pub(crate) const SPEC: Spec = Spec {
    name: "xcfgset",
    summary: "Sets for how long, and of how many messages, a stream remembers its idempotent producers.",
    since: "8.6.0",
    complexity: "O(N), N being the number of messages remembered.",
    group: "stream",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    acl: &["stream"],
    keys: Keys::ONE,
    key_flags: &["RW", "update"],
    grammar: &[
        Arg::key(),
        Arg::int("duration").after("IDMP-DURATION"),
        Arg::int("maxsize").after("IDMP-MAXSIZE").optional(),
    ],
    run: write_command!(XCfgSet),
    ..Spec::BLANK
};

struct XCfgSet<'a> {
    key: &'a [u8],
    options: Result<Options, Error>,
}

#[derive(Default)]
struct Options {
    duration: Option<u64>,
    maxsize: Option<u64>,
}

impl<'a> XCfgSet<'a> {
    fn parse(args: Args<'a>) -> Result<XCfgSet<'a>, Error> {
        Ok(XCfgSet { key: args.at(1), options: Options::parse(args) })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let stream = txn.stream(self.key)?.ok_or(Error::NO_SUCH_KEY)?;
        let options = self.options?;
        let before = (stream.idempotence().duration, stream.idempotence().maxsize);
        let (duration, maxsize) = (options.duration.unwrap_or(before.0), options.maxsize.unwrap_or(before.1));
        if (duration, maxsize) != before {
            txn.emit(self.key, Change::Configure { duration, maxsize });
        }
        Ok(Reply::Ok)
    }
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Options, Error> {
        let mut options = Options::default();
        for at in (2..args.len()).step_by(2) {
            let value = args.get(at + 1);
            let (place, name, max, unit) = match (args.at(at), value) {
                (word, Some(_)) if is(word, "IDMP-DURATION") => {
                    (&mut options.duration, "IDMP-DURATION", 86400, "seconds")
                }
                (word, Some(_)) if is(word, "IDMP-MAXSIZE") => {
                    (&mut options.maxsize, "IDMP-MAXSIZE", 10000, "entries")
                }
                _ => return Err(Error::SYNTAX),
            };
            if place.is_some() {
                return Err(Error::from(format!("ERR {name} specified multiple times")));
            }
            let n = int(value.unwrap_or_default())?;
            if !(1..=max).contains(&n) {
                return Err(Error::from(format!("ERR {name} must be between 1 and {max} {unit}")));
            }
            *place = Some(n as u64);
        }
        match options.duration.or(options.maxsize) {
            None => Err(Error::from_static("ERR At least one parameter must be specified")),
            Some(_) => Ok(options),
        }
    }
}

impl Check for XCfgSet<'_> {
    fn check(&self) -> Result<(), Error> {
        self.options.as_ref().map(drop).map_err(Error::clone)
    }
}
