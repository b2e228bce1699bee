//! XREADGROUP: read for a consumer group: new entries, one's own pending ones, or those that idled too long.

use super::read_options::{BLOCK, Budget, COUNT, MAXCOUNT, MAXSIZE, ReadOptions, STREAMS};
use crate::args::Args;
use crate::error::{Error, c_str};
use crate::id::StreamId;
use crate::record::{Change, Count};
use crate::reply::{Outcome, Reply};
use crate::spec::{Arg, Check, Flags, Keys, Spec};
use crate::state::{EntryRef, Group, Stream, advance, idle_since};
use crate::txn::{Park, Txn};
use crate::waiter;
use crate::write_command;
use smallvec::SmallVec;

/// `XREADGROUP GROUP group consumer [COUNT n] [MAXCOUNT n] [MAXSIZE bytes] [BLOCK ms] [CLAIM min-idle] [NOACK] STREAMS key [key ...] id [id ...]`
pub(crate) const SPEC: Spec = Spec {
    name: "xreadgroup",
    summary: "Reads entries for a consumer of a group, which has to acknowledge them.",
    since: "5.0.0",
    complexity: "O(N log M), N being the number of entries returned and M that of pending entries.",
    group: "stream",
    arity: -7,
    flags: Flags::WRITE.and(Flags::BLOCKING).and(Flags::MOVABLEKEYS),
    acl: &["stream"],
    keys: Keys::Streams,
    key_flags: &["RO", "access"],
    grammar: &[
        Arg::block("group-block", &[Arg::string("group"), Arg::string("consumer")]).after("GROUP"),
        COUNT,
        MAXCOUNT,
        MAXSIZE,
        BLOCK,
        Arg::int("min-idle-time").after("CLAIM").optional(),
        Arg::word("NOACK").optional(),
        STREAMS,
    ],
    run: write_command!(XReadGroup),
    ..Spec::BLANK
};

/// How often an empty pending list is looked at again by a blocked read with CLAIM, at least; milliseconds.
const EMPTY_RECHECK: i64 = 100;

struct XReadGroup<'a> {
    options: ReadOptions<'a>,
    group: &'a [u8],
    consumer: &'a [u8],
}

/// What one stream is asked for.
#[derive(Clone, Copy)]
enum From {
    New,
    History(StreamId),
}

/// What one stream gives.
struct Delivered {
    /// The claimed entries, and behind them the new ones.
    entries: Vec<Reply>,
    claimed: Vec<StreamId>,
    new: SmallVec<[StreamId; 8]>,
    entries_read: Option<i64>,
}

impl<'a> XReadGroup<'a> {
    fn parse(args: Args<'a>) -> Result<XReadGroup<'a>, Error> {
        let options = ReadOptions::parse(args, true)?;
        let (group, consumer) = options.group.ok_or(Error::SYNTAX)?;
        Ok(XReadGroup { options, group, consumer })
    }

    fn execute(self, txn: &mut Txn<'_>) -> Outcome {
        let deadline = self.options.deadline(txn.now())?;
        let mut from = SmallVec::<[From; 2]>::new();
        for (key, word) in self.options.pairs() {
            let group = txn.group(key, self.group)?;
            group.ok_or_else(|| missing(key, self.group))?;
            from.push(From::parse(word)?);
        }
        let mut budget = self.options.budget(txn.context().resp3);
        let mut claim = self.options.claim;
        let mut streams = Vec::new();
        for (key, from) in self.options.keys.iter().zip(from) {
            if budget.is_spent() {
                break;
            }
            self.meet_consumer(txn, key);
            let entries = match from {
                From::New => self.read_new(txn, key, claim, &mut budget),
                From::History(after) => {
                    claim = None;
                    Some(self.read_history(txn, key, after, &mut budget))
                }
            };
            if let Some(entries) = entries {
                streams.push((Reply::bulk(key), Reply::Array(entries)));
            }
        }
        if streams.is_empty() && self.options.block.is_some() {
            txn.park(self.park(txn, deadline));
        }
        Ok(if streams.is_empty() { Reply::NullArray } else { Reply::Pairs(streams) })
    }

    /// The consumer exists from its first read on, whatever the read gives.
    fn meet_consumer(&self, txn: &mut Txn<'_>, key: &[u8]) {
        let (group, consumer, at) = (self.group, self.consumer, txn.now());
        let known = self.state(txn, key).and_then(|(_, group)| group.consumer(consumer));
        match known.map(|consumer| consumer.seen_at) {
            Some(seen_at) if seen_at == at => {}
            Some(_) => txn.observe_consumer(key, group, consumer),
            None => txn.emit(key, Change::CreateConsumer { group, consumer, at }),
        }
    }

    /// The stream and group, which were found to exist.
    fn state<'t>(&self, txn: &'t Txn<'_>, key: &[u8]) -> Option<(&'t Stream, &'t Group)> {
        txn.group(key, self.group).ok().flatten()
    }

    fn read_new(
        &self,
        txn: &mut Txn<'_>,
        key: &[u8],
        claim: Option<i64>,
        budget: &mut Budget,
    ) -> Option<Vec<Reply>> {
        let (stream, group) = self.state(txn, key)?;
        let delivered = self.choose(txn.now(), key, (stream, group), claim, budget)?;
        let (after, at) = (group.last_id, txn.now());
        let Delivered { entries, claimed, new, entries_read } = delivered;
        self.emit_claim(txn, key, claimed, true);
        if let Some(&to) = new.last() {
            let (group, consumer, noack) = (self.group, self.consumer, self.options.noack);
            let ids = &new[..];
            txn.emit(key, Change::Deliver { group, consumer, at, noack, after, to, entries_read, ids });
        }
        Some(entries)
    }

    /// Which entries the reader gets; `None` if the stream has nothing for it. Looks, changes nothing.
    fn choose(
        &self,
        now: i64,
        key: &[u8],
        (stream, group): (&Stream, &Group),
        claim: Option<i64>,
        budget: &mut Budget,
    ) -> Option<Delivered> {
        let max = self.options.count.unwrap_or(u64::MAX) as usize;
        let (mut entries, mut claimed) = (Vec::new(), Vec::new());
        budget.begin_stream(key);
        for (entry, idle, count) in claim.into_iter().flat_map(|min| claimable(now, stream, group, min)) {
            if entries.len() >= max || budget.is_spent() {
                break;
            }
            budget.take_delivered(&entry, idle, count);
            claimed.push(entry.id);
            entries.push(Reply::Delivered(entry, idle, count));
        }
        let first_id = stream.first_id();
        let (mut new, mut position) = (SmallVec::new(), (group.last_id, group.entries_read()));
        for entry in group.last_id.next().into_iter().flat_map(|from| stream.range(from, StreamId::MAX)) {
            if entries.len() >= max || budget.is_spent() {
                break;
            }
            position = (entry.id, advance(stream, first_id, position, entry.id));
            new.push(entry.id);
            entries.push(match claim {
                Some(_) => {
                    budget.take_delivered(&entry, 0, 0);
                    Reply::Delivered(entry, 0, 0)
                }
                None => {
                    budget.take_entry(&entry);
                    Reply::Entry(entry)
                }
            });
        }
        match entries.len() {
            0 => budget.forget_stream(key),
            len => budget.end_stream(len),
        }
        (!entries.is_empty()).then_some(Delivered { entries, claimed, new, entries_read: position.1 })
    }

    fn emit_claim(&self, txn: &mut Txn<'_>, key: &[u8], ids: Vec<StreamId>, active: bool) {
        if ids.is_empty() {
            return;
        }
        let (group, consumer, at) = (self.group, self.consumer, txn.now());
        let ids = ids.into();
        let count = Count::Add;
        txn.emit(key, Change::Claim { group, consumer, at, active, delivered_at: at, count, ids });
    }

    /// The consumer's own pending entries behind `after`. Those whose message is gone come with null for their fields.
    fn read_history(
        &self,
        txn: &mut Txn<'_>,
        key: &[u8],
        after: StreamId,
        budget: &mut Budget,
    ) -> Vec<Reply> {
        let Some((stream, group)) = self.state(txn, key) else { return Vec::new() };
        let behind =
            after.next().map(|from| group.owned(self.consumer, group.pending.range(from..=StreamId::MAX)));
        let max = self.options.count.unwrap_or(u64::MAX) as usize;
        let (mut entries, mut ids) = (Vec::new(), Vec::new());
        budget.begin_stream(key);
        for (id, _) in behind.into_iter().flatten().take(max) {
            if budget.is_spent() {
                break;
            }
            entries.push(match stream.entry(id) {
                Some(entry) => {
                    budget.take_entry(&entry);
                    ids.push(id);
                    Reply::Entry(entry)
                }
                None => {
                    budget.take_ghost(id);
                    Reply::Array(vec![Reply::Id(id), Reply::NullArray])
                }
            });
        }
        budget.end_stream(entries.len());
        self.emit_claim(txn, key, ids, false);
        entries
    }

    fn park(&self, txn: &Txn<'_>, deadline: Option<i64>) -> Park {
        let args = self.options.with_ids(self.options.ids.iter());
        let keys = self.options.keys.iter().map(Into::into).collect();
        let wake_at = self.options.claim.map(|min_idle| {
            let times = self.options.keys.iter().map(|key| self.claimable_at(txn, key, min_idle));
            times.min().unwrap_or(i64::MAX).max(txn.now() + 1)
        });
        let group = waiter::Group { name: self.group.into(), claim: self.options.claim };
        Park { args, keys, deadline, wake_at, group: Some(group) }
    }

    /// When the oldest pending entry will have idled long enough.
    fn claimable_at(&self, txn: &Txn<'_>, key: &[u8], min_idle: i64) -> i64 {
        let oldest = self
            .state(txn, key)
            .and_then(|(stream, group)| group.pending.claim_order().find(|(id, _)| stream.contains(*id)));
        match oldest {
            Some((_, delivery)) => delivery.delivered_at.saturating_add(min_idle),
            None => txn.now().saturating_add(min_idle.max(EMPTY_RECHECK)),
        }
    }
}

impl Check for XReadGroup<'_> {
    fn check(&self) -> Result<(), Error> {
        self.options.check_ids(&[b">"])
    }
}

impl From {
    fn parse(word: &[u8]) -> Result<From, Error> {
        match word {
            b">" => Ok(From::New),
            b"$" | b"+" => Err(Error::from(format!(
                "ERR The {0} ID is meaningless in the context of XREADGROUP: you want to read the history of this \
                 consumer by specifying a proper ID, or use the > ID to get new messages. The {0} ID would just \
                 return an empty result set.",
                char::from(word[0])
            ))),
            _ => StreamId::parse(word, 0).map(From::History),
        }
    }
}

/// The pending entries that idled for `min_idle` ms, in claim order, with their idle time and delivery count. Those
/// whose message is gone stay where they are.
fn claimable<'s>(
    now: i64,
    stream: &'s Stream,
    group: &'s Group,
    min_idle: i64,
) -> impl Iterator<Item = (EntryRef, i64, i64)> + 's {
    let oldest = group.pending.claim_order_by(idle_since(now, min_idle));
    let idle = oldest.map(move |(id, delivery)| (id, delivery, delivery.idle(now)));
    idle.take_while(move |(.., idle)| *idle >= min_idle)
        .filter_map(|(id, delivery, idle)| Some((stream.entry(id)?, idle, delivery.delivery_count)))
}

fn missing(key: &[u8], group: &[u8]) -> Error {
    Error::concat(&[
        b"NOGROUP No such key '",
        c_str(key),
        b"' or consumer group '",
        c_str(group),
        b"' in XREADGROUP with GROUP option",
    ])
}
