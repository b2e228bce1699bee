//! What the doctor looks at.

use crate::client::{Client, Error};
use crate::reply::{bytes, int, items};
use crate::view::{self, Consumer, Group, Pending, Stream, id_parts};
use ackline_resp::decode_reply::Value;

/// Consumers that are looked at.
const MAX_CONSUMERS: usize = 10_000;

/// Pending entries that are looked at in each place of the list, the first of which is its head.
const PAGE: usize = 200;

/// Places in the list of pending entries that are looked at beside its head.
const PLACES: u64 = 4;

/// Entries that are asked for by their ID, to see whether they are still there.
const LOOKED_UP: usize = 50;

/// A group of a stream at one moment. All of it can be made by hand, for tests and for what the console simulates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupFacts {
    /// The server's clock, unix ms.
    pub now: i64,
    /// XINFO STREAM.
    pub stream: Stream,
    /// XINFO GROUPS: this group.
    pub group: Group,
    /// How many other groups the stream has.
    pub other_groups: usize,
    /// XINFO CONSUMERS, at most 10,000.
    pub consumers: Vec<Consumer>,
    /// Pending entries that belong to nobody (XNACK).
    pub released: i64,
    /// Pending entries by ID: all of them, or the first and some from the middle.
    pub sample: Vec<Pending>,
    /// IDs out of the sample whose entries are not in the stream any more.
    pub gone: Vec<String>,
    /// Whether the server knows XNACK.
    pub can_release: bool,
    /// How it moves, if it was looked at twice.
    pub rates: Option<Rates>,
}

/// What happens in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Entries added to the stream.
    pub added: f64,
    /// Entries delivered to the group for the first time.
    pub delivered: f64,
    /// Entries acknowledged by the group.
    pub acked: f64,
}

impl GroupFacts {
    /// Whether the sample is all that is pending.
    pub fn sample_is_whole(&self) -> bool {
        self.sample.len() as i64 >= self.group.pending
    }

    /// The same with rates, by what was seen before. Without them if no time has passed, or the server does not count.
    pub fn since(mut self, before: &GroupFacts) -> GroupFacts {
        let seconds = self.now.saturating_sub(before.now) as f64 / 1000.0;
        let (Some(read), Some(read_before)) = (self.group.entries_read, before.group.entries_read) else {
            return self;
        };
        if seconds <= 0.0 {
            return self;
        }
        let delivered = read.saturating_sub(read_before);
        let acked = delivered.saturating_sub(self.group.pending.saturating_sub(before.group.pending));
        let a_second = |count: i64| count.max(0) as f64 / seconds;
        self.rates = Some(Rates {
            added: a_second(self.stream.entries_added.saturating_sub(before.stream.entries_added)),
            delivered: a_second(delivered),
            acked: a_second(acked),
        });
        self
    }
}

/// Groups whose consumers and pending entries one round trip of [`gather_all`] asks for.
const TOGETHER: usize = 16;

/// Looks at a group, in four round trips, and at about 1,000 of its pending entries, however many there are.
///
/// [`Error::Server`] in the server's words if there is no such stream or group. What a server does not tell is left out.
pub fn gather(client: &mut Client, key: &[u8], group: &[u8]) -> Result<GroupFacts, Error> {
    let found = gather_all(client, key, |name| name == group)?;
    found.into_iter().next().ok_or_else(|| no_group(key, group))
}

/// Looks at those groups of a stream that are wanted, in the server's order. What all have in common is asked for once:
/// each of 10,000 groups would otherwise list the 10,000. A group that is deleted meanwhile is left out.
///
/// [`Error::Server`] in the server's words if there is no such stream.
pub fn gather_all(
    client: &mut Client,
    key: &[u8],
    wanted: impl Fn(&[u8]) -> bool,
) -> Result<Vec<GroupFacts>, Error> {
    let (common, mut groups) = common(client, key)?;
    groups.retain(|group| wanted(&group.name));
    let mut all = Vec::with_capacity(groups.len());
    for some in groups.chunks(TOGETHER) {
        let questions = |group: &Group| {
            let (consumers, pending) = ([&b"XINFO"[..], b"CONSUMERS", key], [&b"XPENDING"[..], key]);
            [&consumers[..], &pending[..]].map(|words| {
                words.iter().copied().chain([&group.name[..]]).map(<[u8]>::to_vec).collect::<Vec<_>>()
            })
        };
        let replies = client.call_all(&some.iter().flat_map(questions).collect::<Vec<_>>())?;
        for (group, replies) in some.iter().zip(replies.chunks_exact(2)) {
            let [consumers, summary] = replies else { unreachable!("as many replies as commands") };
            if matches!(summary, Value::Error(_)) {
                continue;
            }
            let mut facts = GroupFacts {
                group: group.clone(),
                consumers: view::consumers_of(consumers),
                ..common.clone()
            };
            facts.consumers.truncate(MAX_CONSUMERS);
            sample(client, key, summary, &mut facts)?;
            look_up(client, key, &mut facts)?;
            all.push(facts);
        }
    }
    Ok(all)
}

/// What is the same for all groups of a stream, and the groups.
fn common(client: &mut Client, key: &[u8]) -> Result<(GroupFacts, Vec<Group>), Error> {
    let words = |words: &[&[u8]]| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>();
    let replies = client.call_all(&[
        words(&[b"TIME"]),
        words(&[b"XINFO", b"STREAM", key]),
        words(&[b"XINFO", b"GROUPS", key]),
        // Who knows it looks for the group; nothing is changed.
        words(&[b"XNACK", key, b"ackline:no-such-group", b"SILENT", b"IDS", b"1", b"0-0"]),
    ])?;
    let [time, stream, groups, xnack] = &replies[..] else {
        unreachable!("as many replies as commands");
    };
    // The last one says NOGROUP where the others would say nothing.
    for reply in [stream, groups] {
        refused(reply)?;
    }
    let groups = view::groups_of(groups);
    let facts = GroupFacts {
        now: clock(time),
        stream: view::stream_of(key, stream, None),
        other_groups: groups.len().saturating_sub(1),
        can_release: !is_unknown(xnack),
        ..GroupFacts::default()
    };
    Ok((facts, groups))
}

fn refused(reply: &Value) -> Result<(), Error> {
    match reply {
        Value::Error(text) => Err(Error::Server(String::from_utf8_lossy(text).into_owned())),
        _ => Ok(()),
    }
}

fn no_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (String::from_utf8_lossy(key), String::from_utf8_lossy(group));
    Error::Server(format!("NOGROUP No such consumer group '{group}' for key name '{key}'"))
}

fn is_unknown(reply: &Value) -> bool {
    matches!(reply, Value::Error(text) if String::from_utf8_lossy(text).to_lowercase().contains("unknown command"))
}

/// The server's clock, or ours if it does not say.
fn clock(time: &Value) -> i64 {
    let ours = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_millis() as i64)
    };
    match items(time) {
        [seconds, micros] => int(seconds).unwrap_or(0).saturating_mul(1000) + int(micros).unwrap_or(0) / 1000,
        _ => ours(),
    }
}

fn sample(client: &mut Client, key: &[u8], summary: &Value, facts: &mut GroupFacts) -> Result<(), Error> {
    let [total, first, last, owners] = items(summary) else { return Ok(()) };
    facts.group.pending = int(total).unwrap_or(0);
    let owned = items(owners).iter().filter_map(|owner| items(owner).get(1).and_then(int));
    let owned = owned.fold(0_i64, i64::saturating_add);
    facts.released = facts.group.pending.saturating_sub(owned).max(0);
    if facts.group.pending == 0 {
        return Ok(());
    }
    let count = PAGE.to_string();
    let page = |from: String| -> Vec<Vec<u8>> {
        let words: [&[u8]; 6] =
            [b"XPENDING", key, &facts.group.name, from.as_bytes(), b"+", count.as_bytes()];
        words.iter().map(|word| word.to_vec()).collect()
    };
    let pages: Vec<_> = places(first, last).into_iter().map(page).collect();
    for reply in client.call_all(&pages)? {
        facts.sample.extend(items(&reply).iter().filter_map(view::pending_of));
    }
    facts.sample.sort_by_cached_key(|one| id_parts(&one.id));
    facts.sample.dedup_by(|a, b| a.id == b.id);
    Ok(())
}

/// Where to look into the list: at its head, and at equal distances in time behind it.
fn places(first: &Value, last: &Value) -> Vec<String> {
    let ms = |id: &Value| id_parts(&String::from_utf8_lossy(bytes(id))).map_or(0, |(ms, _)| ms);
    let (first, last) = (ms(first), ms(last));
    let step = last.saturating_sub(first) / (PLACES + 1);
    let later = (1..=PLACES).filter(|_| step > 0).map(|place| (first + step * place).to_string());
    std::iter::once("-".to_owned()).chain(later).collect()
}

/// Which entries of the sample are gone. One that was deleted has an ID up to the greatest deleted one, one that was trimmed
/// lies before the first entry; the rest need not be asked for.
fn look_up(client: &mut Client, key: &[u8], facts: &mut GroupFacts) -> Result<(), Error> {
    let first = facts.stream.first_entry_id.as_deref().and_then(id_parts);
    let deleted = id_parts(&facts.stream.max_deleted_id);
    let mut ask = Vec::new();
    for one in &facts.sample {
        let id = id_parts(&one.id);
        if first.is_none() || id < first {
            facts.gone.push(one.id.clone());
        } else if deleted.is_none_or(|deleted| id <= Some(deleted)) {
            ask.push(one.id.clone());
        }
    }
    ask.truncate(LOOKED_UP);
    let missing = view::entries_by_id(client, key, &ask)?.into_iter().filter(|entry| entry.fields.is_none());
    facts.gone.extend(missing.map(|entry| entry.id));
    Ok(())
}
