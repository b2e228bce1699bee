//! XTRIM: remove the oldest entries.

use super::trim::TrimOptions;
use super::xadd::POLICY;
use crate::args::Args;
use crate::error::Error;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::Txn;
use crate::write_command;

/// `MAXLEN|MINID [=|~] threshold [LIMIT n]`, where only `~` takes a LIMIT. A number is an ID, too.
pub(crate) const TRIM: &[Arg] = &[
    Arg::one_of("strategy", &[Arg::word("MAXLEN"), Arg::word("MINID")]),
    Arg::one_of(
        "bound",
        &[
            Arg::block("exact", &[Arg::word("=").optional(), Arg::int("threshold")]),
            Arg::block(
                "approximate",
                &[Arg::word("~"), Arg::int("threshold"), Arg::int("count").after("LIMIT").optional()],
            ),
        ],
    ),
];

/// `XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT n] [KEEPREF|DELREF|ACKED]`
pub(crate) const SPEC: Spec = Spec {
    name: "xtrim",
    summary: "Removes the oldest entries of a stream.",
    since: "5.0.0",
    complexity: "O(N), N being the number of entries removed.",
    group: "stream",
    arity: -4,
    flags: Flags::WRITE,
    acl: &["stream"],
    tips: &["nondeterministic_output"],
    keys: Keys::ONE,
    key_flags: &["RW", "delete"],
    grammar: &[Arg::key(), Arg::block("trim", TRIM), Arg::one_of("condition", POLICY).optional()],
    run: write_command!(XTrim),
    ..Spec::BLANK
};

struct XTrim<'a> {
    key: &'a [u8],
    trim: TrimOptions,
}

impl<'a> XTrim<'a> {
    fn parse(args: Args<'a>) -> Result<XTrim<'a>, Error> {
        let mut trim = TrimOptions::default();
        let mut at = 2;
        while at < args.len() {
            at = trim.read(args, at)?.ok_or(Error::SYNTAX)?;
        }
        trim.check_limit()?;
        if trim.strategy.is_none() {
            return Err(Error::from_static(
                "ERR syntax error, XTRIM must be called with a trimming strategy",
            ));
        }
        trim.check_approximate()?;
        Ok(XTrim { key: args.at(1), trim })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let Some(stream) = txn.stream(self.key)? else { return Ok(Reply::Int(0)) };
        let Some((count, change)) = self.trim.decide(stream, &txn.context().settings) else {
            return Ok(Reply::Int(0));
        };
        txn.emit(self.key, change);
        Ok(Reply::Int(count as i64))
    }
}

impl Check for XTrim<'_> {}
