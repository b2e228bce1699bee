//! Where the server is, and how one gets in.

use redis::{ConnectionAddr, IntoConnectionInfo};
use std::path::PathBuf;

/// A server, a database, and who asks.
#[derive(Debug, PartialEq)]
pub(super) struct Address {
    /// The way there.
    pub(super) place: Place,
    /// User name and password, either of which may be missing.
    pub(super) user: Option<String>,
    /// See `user`.
    pub(super) password: Option<String>,
    /// For SELECT.
    pub(super) database: i64,
}

/// The way to a server.
#[derive(Debug, PartialEq)]
pub(super) enum Place {
    /// Host and port.
    Tcp(String, u16),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl Address {
    /// A host and a port without a password.
    pub(super) fn plain(host: &str, port: u16) -> Address {
        let place = Place::Tcp(host.to_owned(), port);
        Address { place, user: None, password: None, database: 0 }
    }

    /// Reads `redis://[user:password@]host[:port][/db]` or `unix:///path`. The URL is not repeated in errors: it may
    /// hold a password.
    pub(super) fn parse(url: &str) -> Result<Address, String> {
        let expected = "--url: expected redis://[user:password@]host[:port][/db] or unix:///path";
        if url.starts_with("rediss:") || url.starts_with("valkeys:") {
            return Err("--url: TLS is not supported".to_owned());
        }
        let info = url.into_connection_info().map_err(|_| expected.to_owned())?;
        let place = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Place::Tcp(host.clone(), *port),
            ConnectionAddr::Unix(path) if !path.as_os_str().is_empty() => Place::Unix(path.clone()),
            _ => return Err(expected.to_owned()),
        };
        let redis = info.redis_settings();
        Ok(Address {
            place,
            user: redis.username().map(str::to_owned),
            password: redis.password().map(str::to_owned),
            database: redis.db(),
        })
    }

    /// The address as it may be shown.
    pub(super) fn name(&self) -> String {
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
        let address = Address::parse("redis://ann:secret@host:7/3").unwrap();
        assert_eq!(address.place, Place::Tcp("host".to_owned(), 7));
        assert_eq!((address.user.as_deref(), address.password.as_deref()), (Some("ann"), Some("secret")));
        assert_eq!((address.database, address.name()), (3, "host:7".to_owned()));
        assert_eq!(Address::parse("unix:///tmp/s").unwrap().place, Place::Unix("/tmp/s".into()));
        assert_eq!(Address::parse("redis://host").unwrap(), Address::plain("host", 6379));
    }

    #[test]
    fn other_urls_are_refused_and_not_repeated() {
        for url in ["", "host:1", "http://:secret@host", "rediss://:secret@host", "unix://"] {
            let error = Address::parse(url).unwrap_err();
            assert!(error.starts_with("--url: ") && !error.contains("secret"), "{url}: {error}");
        }
    }
}
