//! The commands of streams and groups, typed. What each takes and answers is Redis's; see there.

use crate::error::Result;
use crate::id::EntryId;
use crate::store::{Command, Received, Store, Value, expect};
use std::time::Duration;

/// A group of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) stream: String,
    pub(crate) group: String,
}

/// How a released entry's deliveries are counted (XNACK, Redis 8.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Release {
    /// The delivery did not count.
    Silent,
    /// It counts.
    Fail,
    /// Nobody shall try again.
    Fatal,
}

/// An entry that somebody has not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    pub(crate) id: EntryId,
    pub(crate) owner: String,
    pub(crate) idle_ms: i64,
    pub(crate) deliveries: i64,
}

/// A consumer of a group, as XINFO CONSUMERS tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConsumerInfo {
    pub(crate) name: String,
    pub(crate) pending: i64,
    pub(crate) idle_ms: i64,
}

/// A group, as XINFO GROUPS tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupInfo {
    pub(crate) pending: i64,
    /// `None` if the server does not know: entries before it were deleted.
    pub(crate) lag: Option<i64>,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Release {
    fn word(self) -> &'static str {
        match self {
            Release::Silent => "SILENT",
            Release::Fail => "FAIL",
            Release::Fatal => "FATAL",
        }
    }
}

impl Place {
    /// XREADGROUP of new entries; with `claim` also of those that are released or idle for so long.
    pub(crate) fn read(
        &self,
        consumer: &str,
        count: usize,
        block: Duration,
        claim: Option<Duration>,
        noack: bool,
    ) -> Command {
        let mut command = Command::new("XREADGROUP").arg("GROUP").arg(&self.group).arg(consumer);
        command = command.arg("COUNT").int(count).arg("BLOCK").int(millis(block).max(1));
        command = command.flag(noack, "NOACK");
        if let Some(idle) = claim {
            command = command.arg("CLAIM").int(millis(idle));
        }
        command.arg("STREAMS").key(&self.stream).arg(">")
    }

    /// XREADGROUP of what the consumer has not acknowledged, after an ID.
    pub(crate) fn history(&self, consumer: &str, count: usize, after: EntryId) -> Command {
        let command = Command::new("XREADGROUP").arg("GROUP").arg(&self.group).arg(consumer);
        command.arg("COUNT").int(count).arg("STREAMS").key(&self.stream).id(after)
    }

    pub(crate) fn ack(&self, ids: impl IntoIterator<Item = EntryId>) -> Command {
        self.command("XACK").ids(ids)
    }

    /// XACKDEL: acknowledged, and deleted once no group needs it any more.
    pub(crate) fn ack_delete(&self, ids: &[EntryId]) -> Command {
        self.command("XACKDEL").arg("ACKED").arg("IDS").int(ids.len()).ids(ids.iter().copied())
    }

    pub(crate) fn delete(&self, ids: &[EntryId]) -> Command {
        Command::new("XDEL").arg(&self.stream).ids(ids.iter().copied())
    }

    /// XDELEX: deleted unless a group still needs it.
    pub(crate) fn delete_acked(&self, ids: &[EntryId]) -> Command {
        let command = Command::new("XDELEX").arg(&self.stream).arg("ACKED");
        command.arg("IDS").int(ids.len()).ids(ids.iter().copied())
    }

    pub(crate) fn nack(&self, mode: Release, ids: &[EntryId]) -> Command {
        self.command("XNACK").arg(mode.word()).arg("IDS").int(ids.len()).ids(ids.iter().copied())
    }

    /// XCLAIM with JUSTID: counts nothing unless `deliveries` says what it shall be.
    pub(crate) fn claim(
        &self,
        consumer: &str,
        ids: &[EntryId],
        idle: Duration,
        deliveries: Option<i64>,
    ) -> Command {
        let command = self.command("XCLAIM").arg(consumer).int(0_u64).ids(ids.iter().copied());
        let command = command.arg("IDLE").int(millis(idle));
        let command = match deliveries {
            Some(count) => command.arg("RETRYCOUNT").int(count),
            None => command,
        };
        command.arg("JUSTID")
    }

    pub(crate) fn auto_claim(&self, consumer: &str, idle: Duration, from: EntryId, count: usize) -> Command {
        self.command("XAUTOCLAIM").arg(consumer).int(millis(idle)).id(from).arg("COUNT").int(count)
    }

    /// XPENDING of a range, at most `count`.
    pub(crate) fn pending(&self, range: (EntryId, EntryId), count: usize, consumer: Option<&str>) -> Command {
        let command = self.command("XPENDING").id(range.0).id(range.1).int(count);
        match consumer {
            Some(name) => command.arg(name),
            None => command,
        }
    }

    /// XPENDING of what is idle for so long, at most `count`.
    pub(crate) fn pending_idle(&self, idle: Duration, count: usize) -> Command {
        self.command("XPENDING").arg("IDLE").int(millis(idle)).arg("-").arg("+").int(count)
    }

    /// XRANGE of one entry.
    pub(crate) fn entry(&self, id: EntryId) -> Command {
        Command::new("XRANGE").arg(&self.stream).id(id).id(id)
    }

    pub(crate) fn create_group(&self, at: &str) -> Command {
        Command::new("XGROUP").arg("CREATE").key(&self.stream).arg(&self.group).arg(at).arg("MKSTREAM")
    }

    pub(crate) fn delete_consumer(&self, consumer: &str) -> Command {
        Command::new("XGROUP").arg("DELCONSUMER").key(&self.stream).arg(&self.group).arg(consumer)
    }

    pub(crate) fn consumers(&self) -> Command {
        Command::new("XINFO").arg("CONSUMERS").key(&self.stream).arg(&self.group)
    }

    pub(crate) fn groups(&self) -> Command {
        Command::new("XINFO").arg("GROUPS").key(&self.stream)
    }

    /// XPENDING of the whole group.
    pub(crate) fn pending_summary(&self) -> Command {
        self.command("XPENDING")
    }

    fn command(&self, name: &'static str) -> Command {
        Command::new(name).arg(&self.stream).arg(&self.group)
    }

    /// The pending entries among `ids`, whoever owns them. `ids` ascend.
    pub(crate) async fn still_pending(&self, store: &Store, ids: &[EntryId]) -> Result<Vec<Pending>> {
        let commands = ids.iter().map(|&id| self.pending((id, id), 1, None)).collect();
        let mut all = Vec::new();
        for answer in store.pipeline(commands).await? {
            all.extend(pending(answer)?);
        }
        Ok(all)
    }
}

/// The answer of XREADGROUP.
pub(crate) fn delivered(value: Value) -> Result<Vec<Received>> {
    expect("XREADGROUP", value, Value::into_stream)
}

/// The answer of XAUTOCLAIM: where to go on, the entries, and the IDs that were deleted from the stream.
pub(crate) fn auto_claimed(value: Value) -> Result<(EntryId, Vec<Received>)> {
    expect("XAUTOCLAIM", value, |value| {
        let mut parts = value.into_array()?.into_iter();
        let next = parts.next()?.id()?;
        Some((next, parts.next()?.into_entries()?))
    })
}

/// The answer of XPENDING with a range.
pub(crate) fn pending(value: Value) -> Result<Vec<Pending>> {
    let one = |value: &Value| {
        let [id, owner, idle, deliveries] = value.array()? else { return None };
        Some(Pending {
            id: id.id()?,
            owner: owner.text()?.to_owned(),
            idle_ms: idle.int()?,
            deliveries: deliveries.int()?,
        })
    };
    expect("XPENDING", value, |value| value.array()?.iter().map(one).collect())
}

/// The answer of XINFO CONSUMERS.
pub(crate) fn consumers(value: Value) -> Result<Vec<ConsumerInfo>> {
    let one = |value: &Value| {
        let int = |name| value.of(name)?.int();
        let name = value.of("name")?.text()?.to_owned();
        Some(ConsumerInfo { name, pending: int("pending")?, idle_ms: int("idle")? })
    };
    expect("XINFO CONSUMERS", value, |value| value.array()?.iter().map(one).collect())
}

/// The lowest of all IDs that are pending, from the answer of XPENDING without a range.
pub(crate) fn first_pending(value: Value) -> Result<Option<EntryId>> {
    expect("XPENDING", value, |value| match value.array()? {
        [_, Value::Nil, ..] => Some(None),
        [_, first, ..] => Some(Some(first.id()?)),
        _ => None,
    })
}

/// One group of the answer of XINFO GROUPS.
pub(crate) fn group(value: Value, name: &str) -> Result<Option<GroupInfo>> {
    expect("XINFO GROUPS", value, |value| {
        let mut groups = value.array()?.iter();
        let Some(group) = groups.find(|group| group.of("name").and_then(Value::text) == Some(name)) else {
            return Some(None);
        };
        let lag = group.of("lag").and_then(Value::int);
        Some(Some(GroupInfo { pending: group.of("pending")?.int()?, lag }))
    })
}

/// An answer that is an integer.
pub(crate) fn count(name: &'static str, value: Value) -> Result<i64> {
    expect(name, value, |value| value.int())
}

/// The answer of XINFO GROUPS: names, and the greatest ID that was delivered.
pub(crate) fn groups(value: Value) -> Result<Vec<(String, EntryId)>> {
    let one =
        |value: &Value| Some((value.of("name")?.text()?.to_owned(), value.of("last-delivered-id")?.id()?));
    expect("XINFO GROUPS", value, |value| value.array()?.iter().map(one).collect())
}

/// `Ok` unless the error is that the group exists already.
pub(crate) fn created(value: Value) -> Result<()> {
    match value {
        Value::Error(error) if error.code() == "BUSYGROUP" => Ok(()),
        value => value.into_result().map(drop),
    }
}
