//! DEL, UNLINK, EXISTS, TOUCH, TYPE.

use super::{BLANK, peek};
use crate::args::Args;
use crate::error::Error;
use crate::record::Change;
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::txn::{Query, Txn};
use crate::{read_command, write_command};

const MANY: &[Arg] = &[Arg::key().many()];

pub(crate) const DEL: Spec = Spec {
    name: "del",
    summary: "Deletes keys.",
    arity: -2,
    flags: Flags::WRITE,
    keys: Keys::ALL,
    key_flags: &["RM", "delete"],
    grammar: MANY,
    run: write_command!(Delete),
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    ..BLANK
};
pub(crate) const UNLINK: Spec =
    Spec { name: "unlink", since: "4.0.0", flags: Flags::WRITE.and(Flags::FAST), ..DEL };
pub(crate) const EXISTS: Spec = Spec {
    name: "exists",
    summary: "Counts those of some keys that exist.",
    arity: -2,
    flags: Flags::READONLY.and(Flags::FAST),
    keys: Keys::ALL,
    key_flags: &["RO"],
    grammar: MANY,
    run: read_command!(Exists),
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    ..BLANK
};
pub(crate) const TOUCH: Spec = Spec {
    name: "touch",
    summary: "Looks at keys, which counts as use of them.",
    since: "3.2.1",
    run: read_command!(Touch),
    ..EXISTS
};
pub(crate) const TYPE: Spec = Spec {
    name: "type",
    summary: "The type of a key's value.",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    key_flags: &["RO"],
    grammar: &[Arg::key()],
    run: read_command!(Type),
    ..BLANK
};

struct Delete<'a>(Args<'a>);

impl<'a> Delete<'a> {
    fn parse(args: Args<'a>) -> Result<Delete<'a>, Error> {
        Ok(Delete(args.from(1)))
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let mut count = 0;
        for key in self.0.iter() {
            if txn.slot(key).is_some() {
                txn.emit(key, Change::Remove);
                count += 1;
            }
        }
        Ok(Reply::Int(count))
    }
}

impl Check for Delete<'_> {}

struct Exists<'a>(Args<'a>);

impl<'a> Exists<'a> {
    fn parse(args: Args<'a>) -> Result<Exists<'a>, Error> {
        Ok(Exists(args.from(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        Ok(Reply::count(self.0.iter().filter(|key| peek(query, key).is_some()).count()))
    }
}

impl Check for Exists<'_> {}

struct Touch<'a>(Args<'a>);

impl<'a> Touch<'a> {
    fn parse(args: Args<'a>) -> Result<Touch<'a>, Error> {
        Ok(Touch(args.from(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        Ok(Reply::count(self.0.iter().filter(|key| query.slot(key).is_some()).count()))
    }
}

impl Check for Touch<'_> {}

struct Type<'a>(&'a [u8]);

impl<'a> Type<'a> {
    fn parse(args: Args<'a>) -> Result<Type<'a>, Error> {
        Ok(Type(args.at(1)))
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        Ok(Reply::Simple(peek(query, self.0).map_or("none", |slot| slot.value.type_name())))
    }
}

impl Check for Type<'_> {}
