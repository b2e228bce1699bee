//! Trimming, shared by XADD and XTRIM: which entries go.
//!
//! ```text
//! blocks  [ oldest | .. | .. | tail ]      walked from the left
//!         a block that fits goes whole; the first that does not is looked at entry by entry, or left alone (`~`)
//! ```

use crate::args::{Args, int, is};
use crate::error::Error;
use crate::id::StreamId;
use crate::record::Change;
use crate::state::Stream;
use crate::txn::Settings;

/// What trimming (or deletion) does about pending references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Policy {
    /// Pending entries stay, as ghosts.
    #[default]
    KeepRef,
    /// Pending entries go too.
    DelRef,
    /// Only entries go that no group may still need.
    Acked,
}

impl Policy {
    /// The policy that a word names.
    pub(crate) fn parse(word: &[u8]) -> Option<Policy> {
        [("KEEPREF", Policy::KeepRef), ("DELREF", Policy::DelRef), ("ACKED", Policy::Acked)]
            .into_iter()
            .find_map(|(name, policy)| is(word, name).then_some(policy))
    }
}

/// Which entries are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// Those beyond this number, oldest first.
    MaxLen(u64),
    /// Those below this ID.
    MinId(StreamId),
}

/// The trimming options of one command while its words are read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TrimOptions {
    pub(crate) strategy: Option<Strategy>,
    pub(crate) policy: Option<Policy>,
    approximate: bool,
    limit: Option<i64>,
}

impl TrimOptions {
    /// Reads the option at word `at`, if it is one: the position behind it. The last `reserved` words belong to
    /// the command and cannot be arguments of an option.
    pub(crate) fn read(&mut self, args: Args<'_>, at: usize) -> Result<Option<usize>, Error> {
        let word = args.at(at);
        let left = args.len() - at - 1;
        if (is(word, "MAXLEN") || is(word, "MINID")) && left >= 1 {
            return self.read_strategy(args, at).map(Some);
        }
        if is(word, "LIMIT") && left >= 1 {
            let limit = int(args.at(at + 1))?;
            if limit < 0 {
                return Err(Error::from_static("ERR The LIMIT argument must be >= 0."));
            }
            self.limit = Some(limit);
            return Ok(Some(at + 2));
        }
        if self.policy.is_none()
            && let Some(policy) = Policy::parse(word)
        {
            self.policy = Some(policy);
            return Ok(Some(at + 1));
        }
        Ok(None)
    }

    fn read_strategy(&mut self, args: Args<'_>, at: usize) -> Result<usize, Error> {
        if self.strategy.is_some() {
            return Err(Error::from_static(
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        let mut next = at + 1;
        self.approximate = false;
        if args.len() - at > 2 && matches!(args.at(next), b"~" | b"=") {
            self.approximate = args.at(next) == b"~";
            next += 1;
        }
        self.strategy = Some(if is(args.at(at), "MAXLEN") {
            let max = u64::try_from(int(args.at(next))?);
            Strategy::MaxLen(max.map_err(|_| Error::from_static("ERR The MAXLEN argument must be >= 0."))?)
        } else {
            Strategy::MinId(StreamId::parse(args.at(next), 0)?)
        });
        Ok(next + 1)
    }

    /// The rules about LIMIT, once all options are read.
    pub(crate) fn check_limit(&self) -> Result<(), Error> {
        if self.strategy.is_none() && self.limit.is_some_and(|n| n > 0) {
            return Err(Error::from_static(
                "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            ));
        }
        Ok(())
    }

    /// LIMIT needs `~`.
    pub(crate) fn check_approximate(&self) -> Result<(), Error> {
        if self.limit.is_some() && !self.approximate {
            return Err(Error::from_static(
                "ERR syntax error, LIMIT cannot be used without the special ~ option",
            ));
        }
        Ok(())
    }

    /// What is to be done to a stream: how many entries go, and the change that removes them.
    pub(crate) fn decide(&self, stream: &Stream, settings: &Settings) -> Option<(u64, Change<'static>)> {
        let strategy = self.strategy?;
        let plan = Plan {
            strategy,
            policy: self.policy.unwrap_or_default(),
            approximate: self.approximate,
            limit: self.limit(settings),
        };
        plan.decide(stream)
    }

    /// The most entries that go; `None` = no limit.
    fn limit(&self, settings: &Settings) -> Option<u64> {
        match (self.approximate, self.limit) {
            (false, _) | (true, Some(0)) => None,
            (true, Some(limit)) => Some(limit as u64),
            (true, None) => Some(match settings.node_max_entries.saturating_mul(100) {
                0 => 10_000,
                n => n.min(1_000_000),
            }),
        }
    }
}

struct Plan {
    strategy: Strategy,
    policy: Policy,
    approximate: bool,
    limit: Option<u64>,
}

impl Plan {
    fn decide(&self, stream: &Stream) -> Option<(u64, Change<'static>)> {
        let mut last = None;
        let mut count = 0;
        let mut singles = Vec::new();
        for block in stream.blocks().iter() {
            let left = stream.len() - count;
            let over_limit = self.limit.is_some_and(|limit| count + block.live() > limit);
            if matches!(self.strategy, Strategy::MaxLen(max) if left <= max) || over_limit {
                break;
            }
            let fits = match self.strategy {
                Strategy::MaxLen(max) => left - block.live() >= max,
                Strategy::MinId(min) => block.slots().last().is_none_or(|slot| slot.id < min),
            };
            if fits && self.policy == Policy::KeepRef {
                count += block.live();
                last = Some(block.last());
                continue;
            }
            if !fits && self.approximate && self.policy == Policy::KeepRef {
                break;
            }
            for slot in block.slots() {
                let enough = match self.strategy {
                    Strategy::MaxLen(max) => stream.len() - count <= max,
                    Strategy::MinId(min) => slot.id >= min,
                };
                if enough {
                    break;
                }
                if self.policy == Policy::Acked {
                    if stream.is_referenced(slot.id) {
                        continue;
                    }
                    singles.push(slot.id);
                }
                count += 1;
                last = Some(slot.id);
            }
            if !fits {
                break;
            }
        }
        if count == 0 {
            return None;
        }
        let remove = |unreference, ids| Change::Delete { remember: false, unreference, ids };
        let unreference = self.policy == Policy::DelRef;
        let change = match (self.policy, last?.next()) {
            (Policy::Acked, _) => remove(false, singles.into()),
            (_, Some(below)) => Change::Trim { below, unreference },
            // No ID is above the last possible one: everything goes, one by one.
            (_, None) => remove(unreference, stream.ids(StreamId::MIN, StreamId::MAX).collect()),
        };
        Some((count, change))
    }
}
