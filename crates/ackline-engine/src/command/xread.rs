//! XREAD: read entries of several streams, waiting for them if asked to.

use super::read_options::{BLOCK, COUNT, MAXCOUNT, MAXSIZE, ReadOptions, STREAMS};
use crate::args::Args;
use crate::error::Error;
use crate::id::StreamId;
use crate::read_command;
use crate::reply::{Outcome, Reply};
use crate::spec::{Check, Flags, Keys, Spec};
use crate::state::Stream;
use crate::txn::{Park, Query};

/// `XREAD [COUNT n] [MAXCOUNT n] [MAXSIZE bytes] [BLOCK ms] STREAMS key [key ...] id [id ...]`
pub(crate) const SPEC: Spec = Spec {
    name: "xread",
    summary: "Reads entries of several streams with IDs greater than those given.",
    since: "5.0.0",
    complexity: "O(N), N being the number of entries returned.",
    group: "stream",
    arity: -4,
    flags: Flags::READONLY.and(Flags::BLOCKING).and(Flags::MOVABLEKEYS),
    acl: &["stream"],
    keys: Keys::Streams,
    key_flags: &["RO", "access"],
    grammar: &[COUNT, MAXCOUNT, MAXSIZE, BLOCK, STREAMS],
    run: read_command!(XRead),
    ..Spec::BLANK
};

struct XRead<'a>(ReadOptions<'a>);

impl<'a> XRead<'a> {
    fn parse(args: Args<'a>) -> Result<XRead<'a>, Error> {
        ReadOptions::parse(args, false).map(XRead)
    }

    fn execute(self, query: &Query<'_>) -> Outcome {
        let options = self.0;
        let deadline = options.deadline(query.now())?;
        let mut after = Vec::new();
        for (key, id) in options.pairs() {
            after.push(position(query.stream(key)?, id)?);
        }
        let mut budget = options.budget(query.context().resp3);
        let mut streams = Vec::new();
        for (key, from) in options.keys.iter().zip(&after) {
            if budget.is_spent() {
                break;
            }
            let (Some(stream), Some(from)) = (query.stream(key)?, from.next()) else { continue };
            let mut entries = stream.range(from, StreamId::MAX).peekable();
            if entries.peek().is_none() {
                continue;
            }
            budget.begin_stream(key);
            let mut list = Vec::new();
            for entry in entries.take(options.count.map_or(usize::MAX, |n| n as usize)) {
                if budget.is_spent() {
                    break;
                }
                budget.take_entry(&entry);
                list.push(Reply::Entry(entry));
            }
            budget.end_stream(list.len());
            streams.push((Reply::bulk(key), Reply::Array(list)));
        }
        if streams.is_empty() && options.block.is_some() {
            query.park(park(&options, &after, deadline));
        }
        Ok(if streams.is_empty() { Reply::NullArray } else { Reply::Pairs(streams) })
    }
}

impl Check for XRead<'_> {
    fn check(&self) -> Result<(), Error> {
        self.0.check_ids(&[b"$", b"+"])
    }
}

/// The ID behind which to read.
fn position(stream: Option<&Stream>, word: &[u8]) -> Result<StreamId, Error> {
    match word {
        b"$" => Ok(stream.map_or(StreamId::MIN, |stream| stream.last_id)),
        b"+" => {
            let last = stream.and_then(Stream::last_entry_id).and_then(StreamId::previous);
            Ok(last.unwrap_or(StreamId::MIN))
        }
        b">" => Err(Error::from_static(
            "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
        )),
        _ => StreamId::parse(word, 0),
    }
}

/// `$` means the position of this moment, whatever comes later.
fn park(options: &ReadOptions<'_>, after: &[StreamId], deadline: Option<i64>) -> Park {
    let frozen: Vec<String> = after.iter().map(StreamId::to_string).collect();
    let ids = options.ids.iter().zip(&frozen);
    let args = options.with_ids(ids.map(|(word, id)| if word == b"$" { id.as_bytes() } else { word }));
    let keys = options.keys.iter().map(Into::into).collect();
    Park { args, keys, deadline, wake_at: None, group: None }
}
