//! What XINFO STREAM FULL tells of a stream, entries and pending entries aside.

use super::link::{Error, Features, Link};
use super::value::{bytes, field, id, int, items, shown};
use ackline_engine::StreamId;
use redis::{Value, cmd};

/// A stream's counters and groups. What a server does not tell is `None`.
#[derive(Clone, PartialEq)]
pub(super) struct Header {
    /// Live entries.
    pub(super) length: i64,
    /// The last ID that was given out.
    pub(super) last_id: StreamId,
    /// Entries ever added, and the last ID that was deleted.
    pub(super) counters: Option<(i64, StreamId)>,
    /// Duration and size of the memory for idempotent producers.
    pub(super) idempotence: Option<(i64, i64)>,
    /// By name.
    pub(super) groups: Vec<Group>,
}

/// A consumer group.
#[derive(Clone, PartialEq)]
pub(super) struct Group {
    pub(super) name: Vec<u8>,
    pub(super) last_id: StreamId,
    /// The inner `None`: the server does not know.
    pub(super) entries_read: Option<Option<i64>>,
    pub(super) pending: i64,
    pub(super) released: i64,
    /// Name and number of pending entries, by name.
    pub(super) consumers: Vec<(Vec<u8>, i64)>,
    /// A pending entry and when it was delivered.
    pub(super) anchor: Option<(StreamId, i64)>,
}

impl Header {
    /// Asks for it.
    pub(super) fn read(link: &mut Link, key: &[u8]) -> Result<Header, Error> {
        let reply = link.ask(cmd("XINFO").arg("STREAM").arg(key).arg(&["FULL", "COUNT", "1"]))?;
        Header::parse(&reply)
            .ok_or_else(|| Error::Key("XINFO STREAM FULL answered with something else".to_owned()))
    }

    fn parse(reply: &Value) -> Option<Header> {
        let number = |name| field(reply, name).and_then(int);
        let counters = number("entries-added").zip(field(reply, "max-deleted-entry-id").and_then(id));
        let mut groups: Vec<Group> =
            items(field(reply, "groups")?).iter().map(Group::parse).collect::<Option<_>>()?;
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        Some(Header {
            length: number("length")?,
            last_id: id(field(reply, "last-generated-id")?)?,
            counters,
            idempotence: number("idmp-duration").zip(number("idmp-maxsize")),
            groups,
        })
    }

    /// What a faithful copy looks like on a server that has only these features.
    pub(super) fn copied_to(&self, has: &Features, released_to: &[u8]) -> Header {
        let mut copy = self.clone();
        let added = copy.counters.map_or(i64::MAX, |(added, _)| added);
        for group in &mut copy.groups {
            // Some servers keep a number that is too large; others do not take it.
            group.entries_read = group.entries_read.map(|known| known.map(|read| read.min(added)));
            if !has.release && group.released > 0 {
                group.give_released_to(released_to);
            }
        }
        copy
    }

    /// How another stream differs from this one.
    pub(super) fn difference(&self, other: &Header) -> Option<String> {
        let differ = |what: &str| Some(format!("{what} differs"));
        if self.length != other.length {
            return Some(format!("{} entries, not {}", other.length, self.length));
        }
        if self.last_id != other.last_id {
            return differ("last-generated-id");
        }
        if let (Some((added, deleted)), Some((other_added, other_deleted))) = (self.counters, other.counters)
        {
            // XSETID cannot set 0-0, which a removed placeholder may have raised.
            if added != other_added || deleted != other_deleted && deleted != StreamId::MIN {
                return differ("entries-added or max-deleted-entry-id");
            }
        }
        if self.idempotence.is_some() && other.idempotence.is_some() && self.idempotence != other.idempotence
        {
            return differ("idmp-duration or idmp-maxsize");
        }
        let names =
            |header: &Header| header.groups.iter().map(|group| group.name.clone()).collect::<Vec<_>>();
        if names(self) != names(other) {
            return differ("the list of groups");
        }
        let mut pairs = self.groups.iter().zip(&other.groups);
        pairs.find_map(|(group, other)| {
            let what = group.difference(other)?;
            Some(format!("group {}: {what} differs", shown(&group.name)))
        })
    }
}

impl Group {
    fn parse(reply: &Value) -> Option<Group> {
        let consumers = items(field(reply, "consumers")?);
        let mut named: Vec<(Vec<u8>, i64)> = consumers
            .iter()
            .map(|consumer| {
                Some((bytes(field(consumer, "name")?).to_vec(), int(field(consumer, "pel-count")?)?))
            })
            .collect::<Option<_>>()?;
        named.sort();
        // A consumer's own entry has a time in any case; what was released has none.
        let anchor = consumers.iter().find_map(|consumer| match items(field(consumer, "pending")?) {
            [first, ..] => id(items(first).first()?).zip(int(items(first).get(1)?)),
            [] => None,
        });
        Some(Group {
            name: bytes(field(reply, "name")?).to_vec(),
            last_id: id(field(reply, "last-delivered-id")?)?,
            entries_read: field(reply, "entries-read").map(int),
            pending: int(field(reply, "pel-count")?)?,
            released: field(reply, "nacked-count").and_then(int).unwrap_or(0),
            consumers: named,
            anchor,
        })
    }

    fn give_released_to(&mut self, name: &[u8]) {
        match self.consumers.iter_mut().find(|(known, _)| known == name) {
            Some((_, pending)) => *pending += self.released,
            None => self.consumers.push((name.to_vec(), self.released)),
        }
        self.consumers.sort();
        self.released = 0;
    }

    fn difference(&self, other: &Group) -> Option<&'static str> {
        let reads = self.entries_read.zip(other.entries_read).is_some_and(|(read, other)| read != other);
        match () {
            () if self.last_id != other.last_id => Some("last-delivered-id"),
            () if reads => Some("entries-read"),
            () if self.pending != other.pending => Some("the number of pending entries"),
            () if self.released != other.released => Some("the number of released entries"),
            () if self.consumers != other.consumers => Some("the list of consumers"),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn map(pairs: &[(&str, Value)]) -> Value {
        Value::Array(pairs.iter().flat_map(|(name, value)| [text(name), value.clone()]).collect())
    }

    /// What a Redis 6.2 answers.
    fn old() -> Header {
        let pending = Value::Array(vec![Value::Array(vec![text("5-1"), Value::Int(1000), Value::Int(2)])]);
        let consumer = map(&[
            ("name", text("ann")),
            ("seen-time", Value::Int(1)),
            ("pel-count", Value::Int(1)),
            ("pending", pending),
        ]);
        let group = map(&[
            ("name", text("g")),
            ("last-delivered-id", text("5-1")),
            ("pel-count", Value::Int(1)),
            ("consumers", Value::Array(vec![consumer])),
        ]);
        let groups = Value::Array(vec![group]);
        Header::parse(&map(&[
            ("length", Value::Int(3)),
            ("last-generated-id", text("7-0")),
            ("groups", groups),
        ]))
        .unwrap()
    }

    #[test]
    fn what_an_old_server_does_not_tell_is_not_compared() {
        let old = old();
        assert_eq!((old.counters, old.idempotence, old.groups[0].entries_read), (None, None, None));
        assert_eq!(old.groups[0].anchor, Some((StreamId::new(5, 1), 1000)));
        let mut copy = old.clone();
        copy.counters = Some((3, StreamId::MIN));
        copy.groups[0].entries_read = Some(None);
        assert_eq!(old.difference(&copy), None);
        copy.groups[0].last_id = StreamId::MIN;
        assert_eq!(old.difference(&copy).unwrap(), "group \"g\": last-delivered-id differs");
    }

    #[test]
    fn released_entries_are_given_away_where_they_have_to_be() {
        let mut header = old();
        header.groups[0].released = 2;
        header.groups[0].give_released_to(b"released");
        header.groups[0].released = 1;
        header.groups[0].give_released_to(b"ann");
        let expected = [(b"ann".to_vec(), 2), (b"released".to_vec(), 2)];
        assert_eq!((&header.groups[0].consumers[..], header.groups[0].released), (&expected[..], 0));
    }
}
