//! The engine in this process.

use super::value::{BUFFER_MAX, ENTRY};
use super::{Command, Received, Value};
use crate::error::{Error, Result, ServerError};
use crate::fields::FieldsBuilder;
use crate::id::EntryId;
use ackline::{Ackline, EntryRef, Reply};
use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Weak};
use tokio_util::sync::CancellationToken;

/// An engine in this process. Whoever opens the same directory gets the same engine, for as long as somebody has it.
#[derive(Clone)]
pub(crate) struct Embedded(Arc<Inner>);

struct Inner {
    engine: Ackline,
    peer: String,
    /// Sets the engine's clock before each command.
    #[cfg(feature = "harness")]
    tick: Option<Box<dyn Fn() + Send + Sync>>,
}

/// The engines of this process, by directory.
static OPEN: LazyLock<Mutex<HashMap<PathBuf, Weak<Inner>>>> = LazyLock::new(Mutex::default);

impl Embedded {
    /// An engine that somebody made.
    pub(crate) fn new(engine: Ackline) -> Embedded {
        Embedded::named(engine, "the engine in this process".to_owned())
    }

    fn named(engine: Ackline, peer: String) -> Embedded {
        Embedded(Arc::new(Inner {
            engine,
            peer,
            #[cfg(feature = "harness")]
            tick: None,
        }))
    }

    /// An engine whose clock is set before each command.
    #[cfg(feature = "harness")]
    pub(crate) fn ticking(engine: Ackline, tick: impl Fn() + Send + Sync + 'static) -> Embedded {
        let peer = "the engine of a harness".to_owned();
        Embedded(Arc::new(Inner { engine, peer, tick: Some(Box::new(tick)) }))
    }

    pub(crate) fn memory() -> Result<Embedded> {
        Ok(Embedded::new(Ackline::memory()))
    }

    pub(crate) fn directory(dir: &Path) -> Result<Embedded> {
        std::fs::create_dir_all(dir).map_err(|error| cannot_open(dir.display(), error))?;
        let dir = dir.canonicalize().map_err(|error| cannot_open(dir.display(), error))?;
        let mut open = OPEN.lock();
        if let Some(inner) = open.get(&dir).and_then(Weak::upgrade) {
            return Ok(Embedded(inner));
        }
        let engine = Ackline::open(&dir).map_err(|error| cannot_open(dir.display(), error))?;
        let embedded = Embedded::named(engine, format!("the engine in {}", dir.display()));
        open.retain(|_, inner| inner.strong_count() > 0);
        open.insert(dir, Arc::downgrade(&embedded.0));
        Ok(embedded)
    }

    pub(crate) fn peer(&self) -> &str {
        &self.0.peer
    }

    pub(crate) async fn pipeline(&self, commands: &[Command]) -> Result<Vec<Value>> {
        // All are under way before the first is waited for: they share a sync.
        let pending: Vec<_> = commands.iter().map(|command| self.submit(command)).collect();
        let mut values = Vec::with_capacity(pending.len());
        for answer in pending {
            values.push(value(answer.await));
        }
        Ok(values)
    }

    pub(crate) async fn transaction(&self, commands: &[Command]) -> Result<Vec<Value>> {
        self.tick();
        let commands: Vec<Vec<&[u8]>> = commands.iter().map(|command| command.words().collect()).collect();
        let outcomes = self.0.engine.submit_all(&commands).await;
        Ok(outcomes.into_iter().map(value).collect())
    }

    pub(crate) async fn blocking(&self, command: Command, stop: &CancellationToken) -> Result<Value> {
        tokio::select! {
            // What was handed out in the last moment is not dropped.
            biased;
            outcome = self.submit(&command) => value(outcome).into_result(),
            () = stop.cancelled() => Ok(Value::Nil),
        }
    }

    fn tick(&self) {
        #[cfg(feature = "harness")]
        if let Some(tick) = &self.0.tick {
            tick();
        }
    }

    fn submit(&self, command: &Command) -> ackline::Pending {
        self.tick();
        let words: SmallVec<[&[u8]; 16]> = command.words().collect();
        self.0.engine.submit(&words)
    }
}

fn value(outcome: Result<Reply, ackline::Error>) -> Value {
    outcome.map_or_else(error, |reply| from_reply(reply, &mut FieldsBuilder::new()))
}

fn error(error: ackline::Error) -> Value {
    Value::Error(ServerError::new(String::from_utf8_lossy(error.as_bytes())))
}

/// `fields` makes those of all entries of a reply, which share its buffers.
fn from_reply(reply: Reply, fields: &mut FieldsBuilder) -> Value {
    let list = |all: Vec<Reply>, fields: &mut FieldsBuilder| {
        if let [Reply::Entry(_) | Reply::Delivered(..), _, ..] = &all[..] {
            *fields = FieldsBuilder::with_capacity((all.len() * ENTRY).min(BUFFER_MAX));
        }
        Value::Array(all.into_iter().map(|one| from_reply(one, fields)).collect())
    };
    let pairs = |all: Vec<(Reply, Reply)>, fields: &mut FieldsBuilder| {
        let pair = |(name, value)| [from_reply(name, fields), from_reply(value, fields)];
        Value::Array(all.into_iter().flat_map(pair).collect())
    };
    let text = |text: String| Value::Bytes(text.into());
    match reply {
        Reply::Ok => Value::Bytes(Bytes::from_static(b"OK")),
        Reply::Simple(text) => Value::Bytes(Bytes::from_static(text.as_bytes())),
        Reply::Line(line) | Reply::Text(line) | Reply::Verbatim(line) => text(line),
        Reply::Int(n) | Reply::Decimal(n) => Value::Int(n),
        Reply::Bulk(bytes) => Value::Bytes(bytes),
        Reply::Name(name) => Value::Bytes(Bytes::copy_from_slice(&name)),
        Reply::Id(id) => text(id.to_string()),
        Reply::Null | Reply::NullArray => Value::Nil,
        Reply::Array(all) | Reply::Set(all) => list(all, fields),
        Reply::Map(all) | Reply::Pairs(all) => pairs(all, fields),
        Reply::Double(number) => text(number.to_string()),
        Reply::Entry(entry) => Value::Entry(received(&entry, None, fields)),
        Reply::Delivered(entry, idle, deliveries) => {
            Value::Entry(received(&entry, Some((idle, deliveries)), fields))
        }
        Reply::Error(text) => error(text),
    }
}

fn received(entry: &EntryRef, before: Option<(i64, i64)>, fields: &mut FieldsBuilder) -> Received {
    let id = EntryId::new(entry.id.ms, entry.id.seq);
    Received { id, fields: fields.words(entry.words()), before }
}

fn cannot_open(dir: impl Display, reason: impl Display) -> Error {
    Error::Open { dir: dir.to_string(), reason: reason.to_string() }
}
