//! Many streams at once.

use super::{Group, Pending, Stream, groups_of, pending_of, stream_of};
use crate::client::{Client, Error};
use crate::reply::items;
use ackline_resp::decode_reply::Value;

/// Streams that one round trip asks for.
const TOGETHER: usize = 100;

/// A stream with its groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// The stream.
    pub stream: Stream,
    /// Its groups.
    pub groups: Vec<Group>,
    /// For each group its first pending entry by ID, which is nearly always the oldest.
    pub oldest: Vec<Option<Pending>>,
}

impl Overview {
    /// Pending entries of all groups.
    pub fn pending(&self) -> i64 {
        self.groups.iter().fold(0, |sum, group| sum.saturating_add(group.pending))
    }

    /// The greatest lag of a group; `None` if one is unknown, and for a stream without groups.
    pub fn lag(&self) -> Option<i64> {
        self.groups.iter().map(|group| group.lag).collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Consumers of all groups.
    pub fn consumers(&self) -> i64 {
        self.groups.iter().fold(0, |sum, group| sum.saturating_add(group.consumers))
    }

    /// Ms for which the oldest pending entry has been pending; released ones do not count.
    pub fn oldest_pending(&self) -> Option<i64> {
        self.oldest.iter().flatten().map(|one| one.idle).filter(|idle| *idle >= 0).max()
    }
}

/// These streams, in their order, two round trips for every hundred. What is no stream, or no longer there, is left out.
pub fn overviews(client: &mut Client, keys: &[Vec<u8>]) -> Result<Vec<Overview>, Error> {
    let mut all = Vec::with_capacity(keys.len());
    for some in keys.chunks(TOGETHER) {
        all.extend(together(client, some)?);
    }
    Ok(all)
}

fn together(client: &mut Client, keys: &[Vec<u8>]) -> Result<Vec<Overview>, Error> {
    let questions = |key: &Vec<u8>| {
        [[&b"XINFO"[..], b"STREAM", key], [b"XINFO", b"GROUPS", key], [b"MEMORY", b"USAGE", key]]
            .map(|words| words.map(<[u8]>::to_vec).to_vec())
    };
    let replies = client.call_all(&keys.iter().flat_map(questions).collect::<Vec<_>>())?;
    let of = |(key, replies): (&Vec<u8>, &[Value])| match replies {
        [Value::Error(_), ..] | [_, Value::Error(_), _] => None,
        [stream, groups, memory] => Some(Overview {
            stream: stream_of(key, stream, Some(memory)),
            groups: groups_of(groups),
            oldest: Vec::new(),
        }),
        _ => None,
    };
    let mut found: Vec<Overview> = keys.iter().zip(replies.chunks_exact(3)).filter_map(of).collect();
    oldest(client, &mut found)?;
    Ok(found)
}

fn oldest(client: &mut Client, all: &mut [Overview]) -> Result<(), Error> {
    let holders = all.iter().flat_map(|one| one.groups.iter().map(|group| (&one.stream.name, group)));
    let question = |(key, group): (&Vec<u8>, &Group)| {
        [&b"XPENDING"[..], key, &group.name, b"-", b"+", b"1"].map(<[u8]>::to_vec).to_vec()
    };
    let asked: Vec<_> = holders.filter(|(_, group)| group.pending > 0).map(question).collect();
    let mut answers = client.call_all(&asked)?.into_iter();
    for one in all {
        let first = |group: &Group| match group.pending {
            0 => None,
            _ => answers.next().and_then(|answer| items(&answer).first().and_then(pending_of)),
        };
        one.oldest = one.groups.iter().map(first).collect();
    }
    Ok(())
}
