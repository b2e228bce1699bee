//! Where a server is, and how one gets in.

use percent_encoding::percent_decode_str;
use std::path::PathBuf;

/// A server, a database, and who asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Address {
    /// The way there.
    pub place: Place,
    /// User for AUTH, if it is not `default`.
    pub user: Option<String>,
    /// Password for AUTH, which is not sent without one.
    pub password: Option<String>,
    /// For SELECT, which is not sent for 0.
    pub database: u32,
    /// Encrypted, and how; TCP only.
    pub tls: Option<Tls>,
}

/// The way to a server.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Host and port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// Whom to trust, and what to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tls {
    /// PEM file with the authorities that are trusted, instead of the machine's; or a directory of such files under the
    /// names that `openssl rehash` gives them.
    pub ca: Option<PathBuf>,
    /// PEM files with our own certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// The name that the server's certificate has to have, if not the host's.
    pub server_name: Option<String>,
    /// Whoever answers is trusted.
    pub insecure: bool,
}

const EXPECTED: &str = "expected redis[s]://[user:password@]host[:port][/db] or unix:///path";

impl Address {
    /// A host and a port, database 0, without a password and encryption.
    pub fn plain(host: &str, port: u16) -> Address {
        let place = Place::Tcp(host.to_owned(), port);
        Address { place, user: None, password: None, database: 0, tls: None }
    }

    /// Reads `redis://`, `rediss://` (TLS), the same with `valkey`, or `unix://` and `redis+unix://`. The URL is not
    /// repeated in errors: it may hold a password.
    pub fn parse(url: &str) -> Result<Address, String> {
        let url = url::Url::parse(url).map_err(|_| EXPECTED.to_owned())?;
        let text = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let (unix, tls) = match url.scheme() {
            "redis" | "valkey" => (false, None),
            "rediss" | "valkeys" => (false, Some(Tls::default())),
            "unix" | "redis+unix" => (true, None),
            _ => return Err(EXPECTED.to_owned()),
        };
        let query =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let path = text(url.path());
        let database = if unix { query("db") } else { Some(path.trim_start_matches('/').to_owned()) };
        let database = database.filter(|word| !word.is_empty()).map_or(Ok(0), |word| word.parse());
        let place = match (unix, url.host_str()) {
            (true, _) if !path.is_empty() && path != "/" => Place::Unix(path.into()),
            (false, Some(host)) if !host.is_empty() => {
                Place::Tcp(host.trim_matches(['[', ']']).to_owned(), url.port().unwrap_or(6379))
            }
            _ => return Err(EXPECTED.to_owned()),
        };
        Ok(Address {
            place,
            user: Some(text(url.username())).filter(|user| !user.is_empty()),
            password: url.password().map(text).or_else(|| query("password")),
            database: database.map_err(|_| EXPECTED.to_owned())?,
            tls,
        })
    }

    /// The address as it may be shown: without user and password.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Tcp(host, port) => format!("{host}:{port}"),
            Place::Unix(path) => path.display().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let address = Address::parse("redis://ann:se%40cret@host:7/3").unwrap();
        assert_eq!(address.place, Place::Tcp("host".to_owned(), 7));
        assert_eq!((address.user.as_deref(), address.password.as_deref()), (Some("ann"), Some("se@cret")));
        assert_eq!((address.database, address.name()), (3, "host:7".to_owned()));
        assert_eq!(Address::parse("unix:///tmp/s").unwrap().place, Place::Unix("/tmp/s".into()));
        assert_eq!(Address::parse("redis+unix:///tmp/s?db=2").unwrap().database, 2);
        assert_eq!(Address::parse("valkey://host").unwrap(), Address::plain("host", 6379));
        assert_eq!(Address::parse("redis://[::1]:7").unwrap().place, Place::Tcp("::1".to_owned(), 7));
        assert_eq!(Address::parse("rediss://host").unwrap().tls, Some(Tls::default()));
    }

    #[test]
    fn other_urls_are_refused_and_not_repeated() {
        for url in ["", "host:1", "http://:secret@host", "redis://:secret@host/x", "unix://", "redis:///0"] {
            let error = Address::parse(url).unwrap_err();
            assert!(error.starts_with("expected ") && !error.contains("secret"), "{url}: {error}");
        }
    }
}
