//! Lists of entry IDs as arguments.

use crate::args::{Args, is, strict_int};
use crate::error::Error;
use crate::id::StreamId;
use crate::state::Group;
use crate::txn::Txn;
use smallvec::SmallVec;
use std::ops::Deref;

/// Entry IDs in the order given. Up to eight need no allocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ids(SmallVec<[StreamId; 8]>);

impl Ids {
    /// Every word as a strict ID; a missing sequence is 0.
    pub(crate) fn parse(words: Args<'_>) -> Result<Ids, Error> {
        let mut ids = SmallVec::with_capacity(words.len());
        for word in words.iter() {
            ids.push(StreamId::parse(word, 0)?);
        }
        Ok(Ids(ids))
    }

    /// Those that `wanted` accepts, repeated ones only once.
    pub(crate) fn keep_once(mut self, mut wanted: impl FnMut(StreamId) -> bool) -> Ids {
        self.0.retain(|id| wanted(*id));
        self.drop_repeated();
        self
    }

    /// Those that are pending in a group, each once. How long they were under way is noted.
    pub(crate) fn pending(self, txn: &Txn<'_>, key: &[u8], group: &Group) -> Ids {
        let (now, tally, mut finger) = (txn.now(), txn.tally(key), group.pending.finger());
        if tally.is_first(now) {
            return self
                .keep_once(|id| finger.find(id).inspect(|delivery| tally.look(now, delivery)).is_some());
        }
        let ids = self.keep_once(|id| finger.finds(id));
        tally.pass_over(ids.len());
        ids
    }

    fn drop_repeated(&mut self) {
        let ascending = self.0.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending {
            let mut seen = std::collections::BTreeSet::new();
            self.0.retain(|id| seen.insert(*id));
        }
    }

    pub(crate) fn as_slice(&self) -> &[StreamId] {
        &self.0
    }
}

impl Deref for Ids {
    type Target = [StreamId];

    fn deref(&self) -> &[StreamId] {
        &self.0
    }
}

impl FromIterator<StreamId> for Ids {
    fn from_iter<I: IntoIterator<Item = StreamId>>(ids: I) -> Ids {
        Ids(ids.into_iter().collect())
    }
}

/// The block `IDS numids id [id ...]` that begins at word `at` of `args` (the word IDS): the words of the IDs, and
/// the position behind them. `count_max` bounds numids, `count_error` and `match_error` are the command's own texts.
pub(crate) fn ids_block<'a>(
    args: Args<'a>,
    at: usize,
    count_max: i64,
    count_error: Error,
    match_error: Error,
) -> Result<(Args<'a>, usize), Error> {
    debug_assert!(is(args.at(at), "IDS"));
    let count = args.get(at + 1).and_then(strict_int).filter(|n| (1..=count_max).contains(n));
    let count = usize::try_from(count.ok_or(count_error)?).unwrap_or(usize::MAX);
    let ids = args.from(at + 2).first(count);
    match ids.len() == count {
        true => Ok((ids, at + 2 + ids.len())),
        false => Err(match_error),
    }
}
