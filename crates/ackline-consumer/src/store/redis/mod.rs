//! Servers that speak the protocol of Redis: one, the master that sentinels name, or a cluster.
//!
//! ```text
//! Redis ─┬─► Link ──────────► Live      one connection, shared by all short commands, made when it is needed
//!        └─► Cluster ─► Link ─► Live    the same for each node; a map of slots says which
//! Reader ─► Live                        a connection of its own, as a blocked read blocks everything behind it
//! ```
//!
//! RESP2 is spoken, which every server and proxy understands without being asked. RESP3 would give nothing: maps are made flat
//! anyway, and nothing is subscribed to.

mod cluster;
mod convert;
mod dial;
mod lazy;
mod link;
mod reader;
mod sentinel;
mod slots;
#[cfg(test)]
mod tests;

pub(crate) use reader::Reader;

use super::{Command, Value};
use crate::error::{Error, Result};
use crate::target::{Place, Remote, Target};
use cluster::Cluster;
use dial::{Address, Dialer};
use link::{Link, Way};
use sentinel::Sentinels;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take to be made, and how long an answer may be waited for beyond the time the command blocks.
/// Without it a connection that was dropped silently would hang its callers for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client. Cheap to clone; clones share connections.
#[derive(Clone)]
pub(crate) struct Redis(Arc<Inner>);

struct Inner {
    peer: String,
    backend: Backend,
}

enum Backend {
    Single(Arc<Link>),
    Cluster(Cluster),
}

impl Redis {
    /// Reads certificates, but connects to nobody: that is done when there is something to say.
    pub(crate) fn open(target: Target) -> Result<Redis> {
        Redis::patient(target, PATIENCE)
    }

    fn patient(target: Target, patience: Duration) -> Result<Redis> {
        let peer = target.to_string();
        let Target::Remote(remote) = target else {
            return Err(Error::Url { url: peer, reason: "that is no server".to_owned() });
        };
        let Remote { place, login, database, tls } = *remote;
        let dialer = Arc::new(Dialer::new(login, database, tls, patience));
        dialer.check().map_err(|reason| Error::Url { url: peer.clone(), reason })?;
        let single = |way| Backend::Single(Arc::new(Link::new(dialer.clone(), way)));
        let backend =
            match place {
                Place::Server(host) => single(Way::Direct(Address::Host(host))),
                Place::Socket(path) => single(Way::Direct(Address::Socket(path))),
                Place::Sentinel { sentinels, service, login } => single(Way::Sentinel(Arc::new(
                    Sentinels::new(sentinels, service, dialer.of_sentinels(login)),
                ))),
                Place::Cluster(seeds) => Backend::Cluster(Cluster::new(dialer.clone(), seeds)),
            };
        Ok(Redis(Arc::new(Inner { peer, backend })))
    }

    pub(crate) fn peer(&self) -> &str {
        &self.0.peer
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.0.backend, Backend::Cluster(_))
    }

    /// Runs commands, an answer each. Nothing is tried twice: what became of commands whose connection broke is unknown.
    pub(crate) async fn pipeline(&self, commands: &[Command]) -> Result<Vec<Value>> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        match &self.0.backend {
            Backend::Single(link) => link.pipeline(commands).await,
            Backend::Cluster(cluster) => cluster.pipeline(commands).await,
        }
    }

    /// Runs commands as one step. They are refused together or run together; each may still fail when it is run.
    pub(crate) async fn transaction(&self, commands: &[Command]) -> Result<Vec<Value>> {
        let Some(first) = commands.first() else { return Ok(Vec::new()) };
        let mut all = Vec::with_capacity(commands.len() + 2);
        all.push(Command::new("MULTI"));
        all.extend_from_slice(commands);
        all.push(Command::new("EXEC"));
        let answers = match &self.0.backend {
            Backend::Single(link) => link.pipeline(&all).await?,
            Backend::Cluster(cluster) => cluster.transaction(&all, first).await?,
        };
        convert::executed(answers, commands.len(), self.peer())
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::new(self.clone())
    }

    /// The server whose connection a reader of this command needs.
    async fn link(&self, command: &Command) -> Result<Arc<Link>> {
        match &self.0.backend {
            Backend::Single(link) => Ok(link.clone()),
            Backend::Cluster(cluster) => Ok(cluster.link(&cluster.node(command).await?)),
        }
    }

    fn cluster(&self) -> Option<&Cluster> {
        match &self.0.backend {
            Backend::Single(_) => None,
            Backend::Cluster(cluster) => Some(cluster),
        }
    }
}
