//! All that the threads of a run share.

use super::budget::Budget;
use super::settings::{FanMode, Order, Settings, Settling, Work};
use super::wire;

/// A min-idle-time in milliseconds that no pending entry has: 30 years.
pub(super) const NEVER_IDLE: &[u8] = b"1000000000000";

/// What is done, to which keys, and how much of it.
pub(super) struct Plan<'a> {
    /// From the command line.
    pub(super) settings: &'a Settings,
    /// From the command line too.
    pub(super) work: &'a Work,
    /// Shared by all connections.
    pub(super) budget: Budget,
    /// The streams.
    pub(super) keys: Vec<String>,
    /// The groups of each.
    pub(super) groups: Vec<String>,
    /// The fields and values of an entry, as words.
    pub(super) entry: Vec<u8>,
    /// IDs in the order in which they are settled, if that is random.
    shuffled: Vec<u32>,
}

impl<'a> Plan<'a> {
    /// Everything that can be made before the server is asked.
    pub(super) fn new(settings: &'a Settings, work: &'a Work) -> Plan<'a> {
        let streams = if matches!(work, Work::Fanout { .. }) { 1 } else { settings.streams };
        let keys = (0..streams).map(|n| format!("{}:{}:{n}", settings.key_prefix, work.name()));
        Plan {
            settings,
            work,
            budget: Budget::default(),
            keys: keys.collect(),
            groups: (0..settings.groups).map(|n| format!("g{n}")).collect(),
            entry: entry(settings),
            shuffled: shuffled(settings, work),
        }
    }

    /// Pairs of stream and group.
    pub(super) fn targets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.keys.iter().flat_map(|key| self.groups.iter().map(|group| (key.as_str(), group.as_str())))
    }

    /// The ID that is settled as the nth, from 0 on; IDs begin with 1.
    pub(super) fn settled(&self, nth: u64) -> u64 {
        match self.shuffled.get(nth as usize) {
            Some(&id) => u64::from(id),
            None => nth + 1,
        }
    }

    /// Words of an entry apart from the command's own.
    pub(super) fn entry_words(&self) -> usize {
        self.settings.fields as usize * 2
    }

    /// Operations after which the prepared list is used up; `None` if it never is.
    pub(super) fn reach(&self) -> Option<u64> {
        let (Work::Ack(settling) | Work::Nack(settling)) = self.work else { return None };
        let targets = (self.keys.len() * self.groups.len()) as u64;
        Some(settling.list.entries.div_ceil(settling.ids) * targets)
    }

    /// Connections of all threads.
    pub(super) fn connections(&self) -> u64 {
        match self.work {
            Work::Fanout { readers, .. } => readers + 1,
            _ => self.settings.connections,
        }
    }

    /// What the workload demands of the common options.
    pub(super) fn check(&self) -> Result<(), String> {
        self.settings.check()?;
        let Work::Fanout { .. } = self.work else { return Ok(()) };
        let alone = [("threads", self.settings.threads), ("pipeline", self.settings.pipeline)];
        match alone.into_iter().find(|(_, value)| *value != 1) {
            Some((name, _)) => {
                Err(format!("fanout has one producer and one entry under way: --{name} has to be 1"))
            }
            None => Ok(()),
        }
    }
}

impl Work {
    /// As on the command line.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Work::Xadd(_) => "xadd",
            Work::Cycle { .. } => "cycle",
            Work::Ack(_) => "ack",
            Work::Nack(_) => "nack",
            Work::Claim { .. } => "claim",
            Work::Range { .. } => "range",
            Work::Fanout { .. } => "fanout",
            Work::Pending { .. } => "pending",
        }
    }

    /// Entries to prepare in each stream.
    pub(super) fn entries(&self) -> Option<u64> {
        match self {
            Work::Xadd(_) | Work::Cycle { .. } | Work::Fanout { .. } => None,
            Work::Ack(Settling { list, .. }) | Work::Nack(Settling { list, .. }) => Some(list.entries),
            Work::Claim { list, .. } | Work::Range { list, .. } | Work::Pending { list, .. } => {
                Some(list.entries)
            }
        }
    }

    /// Whether there are groups.
    pub(super) fn has_groups(&self) -> bool {
        !matches!(self, Work::Xadd(_) | Work::Range { .. } | Work::Fanout { mode: FanMode::Xread, .. })
    }
}

/// Letters and digits, drawn once: every entry has the same.
fn entry(settings: &Settings) -> Vec<u8> {
    let mut dice = fastrand::Rng::with_seed(settings.seed);
    let mut out = Vec::new();
    for field in 0..settings.fields {
        let value: String = (0..settings.payload).map(|_| dice.alphanumeric()).collect();
        out.extend(wire::words(&[format!("f{field}").as_bytes(), value.as_bytes()]));
    }
    out
}

fn shuffled(settings: &Settings, work: &Work) -> Vec<u32> {
    let (Work::Ack(settling) | Work::Nack(settling)) = work else { return Vec::new() };
    if settling.order == Order::Sequential {
        return Vec::new();
    }
    // Their number is limited to less than what fits.
    let mut ids: Vec<u32> = (1..=settling.list.entries as u32).collect();
    fastrand::Rng::with_seed(settings.seed).shuffle(&mut ids);
    ids
}
