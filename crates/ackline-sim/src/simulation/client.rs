//! A client: what it sends, and what it makes of the answers.

use super::oracle::{GroupFacts, Kept, Moment, Row, StreamFacts, Violation, promise};
use crate::Rng;
use ackline_engine::StreamId;
use ackline_resp::decode_reply::{Value, decode_value};
use std::collections::{BTreeMap, VecDeque};

/// The streams that everybody writes to. The last one is trimmed.
pub(crate) const STREAMS: [&str; 3] = ["orders", "jobs", "trimmed"];
/// The groups of each.
pub(crate) const GROUPS: [&str; 2] = ["g", "h"];

/// What is known of every stream, and how many replies have arrived.
pub(crate) struct Facts {
    pub(crate) streams: BTreeMap<&'static str, StreamFacts>,
    pub(crate) now: Moment,
    pub(crate) refused: u64,
}

impl Facts {
    pub(crate) fn new() -> Facts {
        let mut streams: BTreeMap<&'static str, StreamFacts> = BTreeMap::new();
        for name in STREAMS {
            let facts = streams.entry(name).or_default();
            facts.groups = GROUPS.iter().map(|group| ((*group).to_owned(), GroupFacts::default())).collect();
        }
        Facts { streams, now: 0, refused: 0 }
    }

    fn stream(&mut self, name: &'static str) -> &mut StreamFacts {
        self.streams.entry(name).or_default()
    }

    fn group(&mut self, stream: &'static str, group: &str) -> &mut GroupFacts {
        self.stream(stream).groups.entry(group.to_owned()).or_default()
    }
}

/// A request under way: what its answer will be about.
enum Op {
    Add(&'static str, String),
    Read(&'static str, &'static str),
    Claim(&'static str, &'static str),
    AutoClaim(&'static str, &'static str),
    Ack(&'static str, &'static str, Vec<StreamId>),
    /// MULTI, XACK, XADD, EXEC: the last of four answers counts.
    Hand(&'static str, &'static str, StreamId, String),
    Pending(&'static str, &'static str),
    Other,
}

/// A client and its connection.
pub(crate) struct Client {
    pub(crate) name: String,
    pub(crate) connection: u64,
    waiting: VecDeque<(Op, Moment)>,
    received: Vec<u8>,
    /// What it holds, so that it has something to acknowledge.
    held: Vec<(&'static str, &'static str, StreamId)>,
    count: u64,
}

impl Client {
    pub(crate) fn new(name: String, connection: u64) -> Client {
        Client {
            name,
            connection,
            waiting: VecDeque::new(),
            received: Vec::new(),
            held: Vec::new(),
            count: 0,
        }
    }

    /// A new connection: nothing is under way any more.
    pub(crate) fn reconnect(&mut self, connection: u64) {
        self.connection = connection;
        self.waiting.clear();
        self.received.clear();
    }

    /// What it held may have been taken back.
    pub(crate) fn forget(&mut self) {
        self.held.clear();
    }

    /// Requests that have no answer yet.
    pub(crate) fn waits_for(&self) -> usize {
        self.waiting.len()
    }

    /// Invents a request. Answers its bytes.
    pub(crate) fn act(&mut self, rng: &mut Rng, facts: &mut Facts) -> Vec<u8> {
        let stream = *rng.pick(&STREAMS);
        let group = *rng.pick(&GROUPS);
        match rng.below(20) {
            0..=5 => self.add(stream, rng, facts),
            6..=9 => self.read(stream, group, rng, facts.now),
            10..=12 => self.acknowledge(rng, facts),
            13 => self.release(rng, facts),
            14 => self.claim(stream, group, rng, facts),
            15 => {
                let idle = rng.below(2000).to_string();
                let words = ["XAUTOCLAIM", stream, group, &self.name, &idle, "0", "COUNT", "5"];
                let bytes = command(&words);
                self.expect(Op::AutoClaim(stream, group), facts.now, bytes)
            }
            16 => {
                let bytes = command(&["XPENDING", stream, group, "-", "+", "1000"]);
                self.expect(Op::Pending(stream, group), facts.now, bytes)
            }
            17 => self.hand_on(rng, facts),
            18 => self.trim(rng, facts),
            _ => {
                let words = ["XREADGROUP", "GROUP", group, &self.name, "COUNT", "3", "STREAMS", stream, "0"];
                let bytes = command(&words);
                self.expect(Op::Claim(stream, group), facts.now, bytes)
            }
        }
    }

    fn expect(&mut self, op: Op, now: Moment, bytes: Vec<u8>) -> Vec<u8> {
        self.waiting.push_back((op, now));
        bytes
    }

    fn payload(&mut self, rng: &mut Rng) -> String {
        self.count += 1;
        let most = if rng.one_in(20) { 3000 } else { 60 };
        let filler = "x".repeat(rng.below(most) as usize);
        format!("{}-{}-{}-{filler}", self.name, self.connection, self.count)
    }

    fn add(&mut self, stream: &'static str, rng: &mut Rng, facts: &mut Facts) -> Vec<u8> {
        let payload = self.payload(rng);
        facts.stream(stream).send(self.connection, payload.clone());
        let bytes = command(&["XADD", stream, "*", "p", &payload]);
        self.expect(Op::Add(stream, payload), facts.now, bytes)
    }

    fn read(&mut self, stream: &'static str, group: &'static str, rng: &mut Rng, now: Moment) -> Vec<u8> {
        let (count, wait) = (rng.between(1, 8).to_string(), rng.between(1, 400).to_string());
        let mut words = vec!["XREADGROUP", "GROUP", group, &self.name, "COUNT", &count];
        if rng.one_in(3) {
            words.extend(["BLOCK", &wait]);
        }
        words.extend(["STREAMS", stream, ">"]);
        let bytes = command(&words);
        self.expect(Op::Read(stream, group), now, bytes)
    }

    /// One to four entries of one group.
    fn acknowledge(&mut self, rng: &mut Rng, facts: &mut Facts) -> Vec<u8> {
        let Some(&(stream, group, _)) = self.held.last() else { return Vec::new() };
        let mut ids = Vec::new();
        let most = rng.between(1, 4) as usize;
        self.held.retain(|(s, g, id)| {
            let taken = ids.len() < most && (*s, *g) == (stream, group);
            if taken {
                ids.push(*id);
            }
            !taken
        });
        facts.group(stream, group).send_ack(&ids);
        let texts: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let words: Vec<&str> =
            ["XACK", stream, group].into_iter().chain(texts.iter().map(String::as_str)).collect();
        let bytes = command(&words);
        self.expect(Op::Ack(stream, group, ids), facts.now, bytes)
    }

    fn release(&mut self, rng: &mut Rng, facts: &mut Facts) -> Vec<u8> {
        let Some((stream, group, id)) = self.held.pop() else { return Vec::new() };
        let mode = if rng.one_in(3) { "FATAL" } else { "FAIL" };
        let bytes = command(&["XNACK", stream, group, mode, "IDS", "1", &id.to_string()]);
        self.expect(Op::Other, facts.now, bytes)
    }

    fn claim(
        &mut self,
        stream: &'static str,
        group: &'static str,
        rng: &mut Rng,
        facts: &mut Facts,
    ) -> Vec<u8> {
        let Some(id) = facts.stream(stream).some_id(rng.bits()) else { return Vec::new() };
        let id = id.to_string();
        let idle = rng.below(500).to_string();
        let mut words = vec!["XCLAIM", stream, group, &self.name, &idle, &id];
        if rng.one_in(3) {
            words.push("JUSTID");
        }
        let bytes = command(&words);
        self.expect(Op::Claim(stream, group), facts.now, bytes)
    }

    /// Acknowledges an entry and adds another to the next stream, both or neither.
    fn hand_on(&mut self, rng: &mut Rng, facts: &mut Facts) -> Vec<u8> {
        let Some((stream, group, id)) = self.held.pop() else { return Vec::new() };
        let payload = self.payload(rng);
        facts.stream(STREAMS[1]).send(self.connection, payload.clone());
        facts.group(stream, group).send_ack(&[id]);
        let mut bytes = command(&["MULTI"]);
        bytes.extend(command(&["XACK", stream, group, &id.to_string()]));
        bytes.extend(command(&["XADD", STREAMS[1], "*", "p", &payload]));
        bytes.extend(command(&["EXEC"]));
        for _ in 0..3 {
            self.waiting.push_back((Op::Other, facts.now));
        }
        self.expect(Op::Hand(stream, group, id, payload), facts.now, bytes)
    }

    fn trim(&mut self, rng: &mut Rng, facts: &mut Facts) -> Vec<u8> {
        let stream = STREAMS[2];
        let Some(id) = facts.stream(stream).some_id(rng.bits() % 4) else { return Vec::new() };
        facts.stream(stream).trim(id);
        let bytes = command(&["XTRIM", stream, "MINID", &id.to_string()]);
        self.expect(Op::Other, facts.now, bytes)
    }

    /// Takes bytes from the server and makes of each answer what it means.
    pub(crate) fn receive(&mut self, bytes: &[u8], facts: &mut Facts) -> Kept {
        self.received.extend_from_slice(bytes);
        let mut used = 0;
        while let Some((value, len)) = decode_value(&self.received[used..])
            .map_err(|error| Violation(format!("{}: an answer that is none: {error}", self.name)))?
        {
            used += len;
            facts.now += 1;
            let op = self.waiting.pop_front();
            let (op, sent) = op.ok_or_else(|| Violation(format!("an answer to nothing: {value:?}")))?;
            self.learn(op, &value, (sent, facts.now), facts)?;
        }
        self.received.drain(..used);
        Ok(())
    }

    fn learn(&mut self, op: Op, value: &Value, when: (Moment, Moment), facts: &mut Facts) -> Kept {
        if let Value::Error(text) = value {
            let text = String::from_utf8_lossy(text);
            facts.refused += u64::from(text.starts_with("MISCONF") || text.contains("MISCONF"));
            let expected = ["MISCONF", "EXECABORT", "UNBLOCKED"].iter().any(|code| text.starts_with(code));
            promise!(expected, "{}: {text}", self.name);
            return Ok(());
        }
        match op {
            Op::Add(stream, payload) => facts.stream(stream).add(id_of(value)?, &payload, when),
            Op::Read(stream, group) => {
                let entries = streams_of(value)?;
                facts.stream(stream).shown(&entries)?;
                let ids: Vec<StreamId> = entries.iter().map(|(id, _)| *id).collect();
                self.held.extend(ids.iter().map(|id| (stream, group, *id)));
                facts.group(stream, group).deliver(&ids, when)
            }
            Op::Claim(stream, group) => self.hold(stream, group, &claimed(value)?, when, facts),
            Op::AutoClaim(stream, group) => {
                let claimed = entries_of(array(value)?.get(1).unwrap_or(&Value::Null))?;
                self.hold(stream, group, &claimed, when, facts)
            }
            Op::Ack(stream, group, ids) => {
                facts.group(stream, group).ack(&ids, when.1);
                Ok(())
            }
            Op::Hand(stream, group, id, payload) => {
                let answers = array(value)?;
                facts.group(stream, group).ack(&[id], when.1);
                let added = answers.get(1).ok_or_else(|| Violation("EXEC without answers".into()))?;
                facts.stream(STREAMS[1]).add(id_of(added)?, &payload, when)
            }
            Op::Pending(stream, group) => {
                let rows = rows_of(value)?;
                let facts = facts.group(stream, group);
                rows.iter().try_for_each(|row| facts.pending(row.id, Some(row.count), when))
            }
            Op::Other => Ok(()),
        }
    }

    fn hold(
        &mut self,
        stream: &'static str,
        group: &'static str,
        entries: &[(StreamId, String)],
        when: (Moment, Moment),
        facts: &mut Facts,
    ) -> Kept {
        for (id, _) in entries {
            facts.group(stream, group).pending(*id, None, when)?;
            if !self.held.contains(&(stream, group, *id)) {
                self.held.push((stream, group, *id));
            }
        }
        Ok(())
    }
}

/// A command as clients send it.
pub(crate) fn command(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    out
}

fn odd(value: &Value) -> Violation {
    Violation(format!("an answer of the wrong shape: {value:?}"))
}

fn array(value: &Value) -> Result<&[Value], Violation> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Null | Value::NullArray => Ok(&[]),
        _ => Err(odd(value)),
    }
}

pub(crate) fn text(value: &Value) -> Result<String, Violation> {
    match value {
        Value::Bulk(bytes) | Value::Simple(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        _ => Err(odd(value)),
    }
}

pub(crate) fn int(value: &Value) -> Result<i64, Violation> {
    if let Value::Int(n) = value { Ok(*n) } else { Err(odd(value)) }
}

pub(crate) fn id_of(value: &Value) -> Result<StreamId, Violation> {
    let text = text(value)?;
    let parts = text.split_once('-').and_then(|(ms, seq)| Some((ms.parse().ok()?, seq.parse().ok()?)));
    parts.map(|(ms, seq)| StreamId::new(ms, seq)).ok_or_else(|| odd(value))
}

/// Entries with the value of their only field; one whose message is gone has none.
pub(crate) fn entries_of(value: &Value) -> Result<Vec<(StreamId, String)>, Violation> {
    let entry = |value: &Value| {
        let parts = array(value)?;
        let payload = match parts.get(1).map(array).transpose()?.and_then(|fields| fields.get(1)) {
            Some(payload) => text(payload)?,
            None => String::new(),
        };
        Ok((id_of(parts.first().unwrap_or(&Value::Null))?, payload))
    };
    array(value)?.iter().map(entry).collect()
}

/// What XREADGROUP answers, or XCLAIM, with entries or with IDs alone.
fn claimed(value: &Value) -> Result<Vec<(StreamId, String)>, Violation> {
    match array(value)? {
        [] => Ok(Vec::new()),
        items @ [Value::Bulk(_), ..] => items.iter().map(|id| Ok((id_of(id)?, String::new()))).collect(),
        [Value::Array(parts), ..] if matches!(parts.get(1), Some(Value::Array(inner)) if matches!(inner.first(), Some(Value::Array(_)) | None)) => {
            streams_of(value)
        }
        _ => entries_of(value),
    }
}

fn streams_of(value: &Value) -> Result<Vec<(StreamId, String)>, Violation> {
    let stream = array(value)?.first().map(array).transpose()?.unwrap_or(&[]);
    stream.get(1).map_or(Ok(Vec::new()), entries_of)
}

pub(crate) fn rows_of(value: &Value) -> Result<Vec<Row>, Violation> {
    let row = |value: &Value| match array(value)? {
        [id, _, _, count] => Ok(Row { id: id_of(id)?, count: int(count)? }),
        _ => Err(odd(value)),
    };
    array(value)?.iter().map(row).collect()
}
