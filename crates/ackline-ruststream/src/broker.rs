//! The broker: as it is configured, connected, and shut down.

use crate::connected::ConnectedAckline;
use crate::error::{AcklineError, Result};
use crate::world::World;
use ackline_consumer::Client;
use ruststream::{Broker, DescribeServer, ServerSpec};
use std::time::Duration;

/// How long a broker that shuts down waits for deliveries that nobody has settled.
const DRAIN: Duration = Duration::from_secs(5);

/// A place where streams live, as ruststream wants a broker: configured here, connected when the app starts.
///
/// | URL | what it opens |
/// |---|---|
/// | `memory:` | an engine in this process that keeps nothing; clones of this value share it |
/// | `ackline:///var/lib/app`, `ackline:./data` | an engine in this process, kept in that directory |
/// | `redis://user:password@host:6379/0`, `rediss://…` | a server (feature `redis`) |
/// | `redis+sentinel://…`, `redis+cluster://…` | a master that sentinels know, a cluster (feature `redis`) |
///
/// ```
/// use ackline_ruststream::prelude::*;
///
/// let broker = AcklineBroker::new("memory:").group("billing");
/// # let _ = broker;
/// ```
#[derive(Clone, Debug)]
pub struct AcklineBroker {
    url: String,
    pub(crate) group: Option<String>,
    pub(crate) drain: Duration,
    world: World,
}

impl AcklineBroker {
    /// A broker at a URL. Nothing is opened yet.
    pub fn new(url: impl Into<String>) -> AcklineBroker {
        AcklineBroker { url: url.into(), group: None, drain: DRAIN, world: World::default() }
    }

    /// An engine that this program has opened itself: to ask it other things as well, or to share it with a server.
    #[cfg(feature = "embedded")]
    pub fn embedded(engine: ackline::Ackline) -> AcklineBroker {
        AcklineBroker { world: World::of(engine), ..AcklineBroker::new("memory:") }
    }

    /// The group of every subscription that names none, so that `#[subscriber("orders")]` suffices. Without it such a
    /// subscription fails to open.
    pub fn group(mut self, group: impl Into<String>) -> AcklineBroker {
        self.group = Some(group.into());
        self
    }

    /// How long a shutdown waits for deliveries that nobody has settled, 5 seconds if not said; then they are given back.
    /// ruststream shuts brokers down after its handlers have ended, so it is seldom waited at all.
    pub fn drain(mut self, wait: Duration) -> AcklineBroker {
        self.drain = wait;
        self
    }

    /// A client of the same place, for what is no handler's business: programs that only produce, health checks, other
    /// consumers. For `memory:` it is the same engine.
    pub async fn client(&self) -> Result<Client> {
        match self.world.engine_of(&self.url) {
            Some(client) => Ok(client),
            None => Ok(Client::open(&self.url).await?),
        }
    }

    /// The in-process form: `memory:`, whatever the URL says.
    #[cfg(feature = "testing")]
    pub(crate) fn in_process(self) -> ConnectedAckline {
        let client = Client::embedded(self.world.engine());
        self.connected(client)
    }

    fn connected(self, client: Client) -> ConnectedAckline {
        ConnectedAckline::new(client, &self, self.world.clone())
    }
}

/// `memory:`.
impl Default for AcklineBroker {
    fn default() -> AcklineBroker {
        AcklineBroker::new("memory:")
    }
}

impl Broker for AcklineBroker {
    type Error = AcklineError;
    type Connected = ConnectedAckline;

    async fn connect(self) -> Result<ConnectedAckline> {
        let client = self.client().await?;
        Ok(self.connected(client))
    }
}

/// What AsyncAPI documents say about the server: host and port, never a password.
impl DescribeServer for AcklineBroker {
    fn describe_server(&self) -> ServerSpec {
        let scheme = self.url.split_once(':').map_or("", |(scheme, _)| scheme);
        let protocol = if scheme.starts_with("rediss") { "rediss" } else { "redis" };
        match scheme {
            "memory" | "ackline" => ServerSpec::in_process("ackline"),
            _ => ServerSpec::new(hosts(&self.url), protocol),
        }
    }
}

/// The hosts of a URL, of which sentinels and clusters have several.
fn hosts(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    let one = |host: &str| ServerSpec::host_from_url(&format!("redis://{host}"));
    hosts.split(',').map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_hosts_and_no_password() {
        for (url, host, protocol) in [
            ("redis://svc:s3cret@db:6379/2", Some("db:6379"), "redis"),
            ("rediss://:s3cret@db", Some("db"), "rediss"),
            ("redis+cluster://svc:s3@cret@a:7000,b:7001/", Some("a:7000,b:7001"), "redis"),
            ("memory:", None, "ackline"),
            ("ackline:///var/lib/app", None, "ackline"),
        ] {
            let server = AcklineBroker::new(url).describe_server();
            assert_eq!((server.host.as_deref(), &*server.protocol), (host, protocol), "{url}");
        }
    }
}
