//! Where streams live: a server, a cluster, or an engine in this process. Commands are words and answers are values whoever
//! is spoken to, so that there is one consumer.
//!
//! ```text
//! verbs ──► Store ──┬─► Embedded    the engine in this process
//!                   └─► Redis       one connection for short commands, shared; one for each reader that blocks
//! ```

pub(crate) mod command;
#[cfg(feature = "embedded")]
pub(crate) mod embedded;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub(crate) mod value;

pub(crate) use command::Command;
pub(crate) use value::{Received, Value, expect};

use crate::error::{Error, Result};
use crate::target::Target;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// A place where streams live. Cheap to clone.
#[derive(Clone)]
pub(crate) enum Store {
    #[cfg(feature = "embedded")]
    Embedded(embedded::Embedded),
    #[cfg(feature = "redis")]
    Redis(redis::Redis),
}

impl Store {
    pub(crate) async fn open(target: Target) -> Result<Store> {
        match target {
            #[cfg(feature = "embedded")]
            Target::Memory => embedded::Embedded::memory().map(Store::Embedded),
            #[cfg(feature = "embedded")]
            Target::Directory(dir) => embedded::Embedded::directory(&dir).map(Store::Embedded),
            #[cfg(feature = "redis")]
            Target::Remote(_) => redis::Redis::open(target).map(Store::Redis),
            #[cfg(not(all(feature = "embedded", feature = "redis")))]
            other => Err(Error::Url { url: other.to_string(), reason: "not compiled in".to_owned() }),
        }
    }

    /// Who is spoken to, for messages.
    pub(crate) fn peer(&self) -> &str {
        match self {
            #[cfg(feature = "embedded")]
            Store::Embedded(store) => store.peer(),
            #[cfg(feature = "redis")]
            Store::Redis(store) => store.peer(),
        }
    }

    /// Runs a command that does not block. An error reply is an error. Connects if there is no connection; tries once.
    pub(crate) async fn call(&self, command: Command) -> Result<Value> {
        let mut values = self.pipeline(vec![command]).await?;
        values.pop().ok_or(Error::Closed)?.into_result()
    }

    /// Runs commands in one round trip, an answer each; error replies are values. They may be about several keys, but of one
    /// node of a cluster.
    pub(crate) async fn pipeline(&self, commands: Vec<Command>) -> Result<Vec<Value>> {
        match self {
            #[cfg(feature = "embedded")]
            Store::Embedded(store) => store.pipeline(&commands).await,
            #[cfg(feature = "redis")]
            Store::Redis(store) => store.pipeline(&commands).await,
        }
    }

    /// Runs commands as one atomic step (MULTI, EXEC), an answer each.
    pub(crate) async fn transaction(&self, commands: Vec<Command>) -> Result<Vec<Value>> {
        match self {
            #[cfg(feature = "embedded")]
            Store::Embedded(store) => store.transaction(&commands).await,
            #[cfg(feature = "redis")]
            Store::Redis(store) => store.transaction(&commands).await,
        }
    }

    /// Someone who may block without being in anybody's way.
    pub(crate) fn reader(&self) -> Reader {
        match self {
            #[cfg(feature = "embedded")]
            Store::Embedded(store) => Reader::Embedded(store.clone()),
            #[cfg(feature = "redis")]
            Store::Redis(store) => Reader::Redis(store.reader()),
        }
    }

    /// Whether keys that are used together have to lie in one slot.
    pub(crate) fn is_cluster(&self) -> bool {
        match self {
            #[cfg(feature = "embedded")]
            Store::Embedded(_) => false,
            #[cfg(feature = "redis")]
            Store::Redis(store) => store.is_cluster(),
        }
    }
}

/// Someone who blocks.
pub(crate) enum Reader {
    #[cfg(feature = "embedded")]
    Embedded(embedded::Embedded),
    #[cfg(feature = "redis")]
    Redis(redis::Reader),
}

impl Reader {
    /// Runs one command that may block for `block` on the server; `stop` ends the wait early, and the answer is what had
    /// been handed out until then. Connects if there is no connection. After an error of the connection the next call connects
    /// anew: what the server handed out meanwhile is in the consumer's history.
    pub(crate) async fn call(
        &mut self,
        command: Command,
        #[cfg_attr(
            not(feature = "redis"),
            expect(unused_variables, reason = "the engine knows when to end")
        )]
        block: Duration,
        stop: &CancellationToken,
    ) -> Result<Value> {
        match self {
            #[cfg(feature = "embedded")]
            Reader::Embedded(store) => store.blocking(command, stop).await,
            #[cfg(feature = "redis")]
            Reader::Redis(reader) => reader.call(command, block, stop).await,
        }
    }
}
