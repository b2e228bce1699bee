//! What a URL says about where the streams are.

mod parse;
#[cfg(test)]
mod tests;

use crate::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where streams live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `memory:`: an engine in this process, which keeps nothing.
    Memory,
    /// `ackline:///path`: an engine in this process, kept in a directory.
    Directory(PathBuf),
    /// `redis://` and its kin: servers.
    Remote(Box<Remote>),
}

/// Servers, and how to introduce oneself to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) place: Place,
    pub(crate) login: Login,
    pub(crate) database: u32,
    pub(crate) tls: Option<Tls>,
}

/// Which servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `redis://host:6379`.
    Server(Host),
    /// `redis+unix:///path`.
    Socket(PathBuf),
    /// `redis+sentinel://host:26379,../service`: whoever the sentinels say is the master.
    Sentinel { sentinels: Vec<Host>, service: String, login: Login },
    /// `redis+cluster://host:6379,..`: some nodes of a cluster, which tell of the others.
    Cluster(Vec<Host>),
}

/// A name or address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    /// An IPv6 address stands here without brackets.
    pub(crate) name: String,
    pub(crate) port: u16,
}

/// User and password, if the server wants them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
}

/// What is not to be shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

/// How TLS is spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// The certificates to trust; without it those of the web.
    pub(crate) ca: Option<PathBuf>,
    /// Our certificate and its key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// Whether any certificate will do.
    pub(crate) insecure: bool,
}

impl FromStr for Target {
    type Err = Error;

    fn from_str(url: &str) -> Result<Target, Error> {
        parse::target(url).map_err(|reason| Error::Url { url: parse::masked(url), reason })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.user, &self.password) {
            (None, None) => Ok(()),
            (user, None) => write!(f, "{}@", user.as_deref().unwrap_or_default()),
            (user, Some(_)) => write!(f, "{}:***@", user.as_deref().unwrap_or_default()),
        }
    }
}

/// As the URL was, without what is secret and what does not say who is spoken to.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Memory => f.write_str("memory:"),
            Target::Directory(path) if path.is_absolute() => write!(f, "ackline://{}", path.display()),
            Target::Directory(path) => write!(f, "ackline:{}", path.display()),
            Target::Remote(remote) => remote.fmt(f),
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "rediss" } else { "redis" };
        let Remote { login, database, .. } = self;
        match &self.place {
            Place::Server(host) => write!(f, "{scheme}://{login}{host}/{database}"),
            Place::Socket(path) => write!(f, "{scheme}+unix://{login}{}?db={database}", path.display()),
            Place::Sentinel { sentinels, service, .. } => {
                write!(f, "{scheme}+sentinel://{login}{}/{service}/{database}", list(sentinels))
            }
            Place::Cluster(hosts) => write!(f, "{scheme}+cluster://{login}{}/{database}", list(hosts)),
        }
    }
}

fn list(hosts: &[Host]) -> String {
    hosts.iter().map(Host::to_string).collect::<Vec<_>>().join(",")
}
