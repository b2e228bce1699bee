//! What the rest of the process sees of a running server.

use crate::config::Config;
use crate::mail::Msg;
use crate::net::Stream;
use crate::shared::Shared;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// As whom a connection from within the process begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// As any client that has just connected: AUTH is still to come, if the server asks for it.
    Nobody,
    /// As this user of the access control list.
    User(String),
    /// As one who may run every command.
    Operator,
    /// As one who may run commands that only read.
    Reader,
}

/// A running server, from within its process.
#[derive(Clone)]
pub struct Handle(Arc<Shared>);

impl Handle {
    pub(crate) fn new(shared: &Arc<Shared>) -> Handle {
        Handle(Arc::clone(shared))
    }

    /// A connection to the server: what is written to the socket is run as what comes over the network is, by the same
    /// sessions and under the same access control. `maxclients` does not count it.
    ///
    /// # Errors
    ///
    /// The system has no descriptors left.
    pub fn connect(&self, who: Who) -> io::Result<UnixStream> {
        let (ours, theirs) = UnixStream::pair()?;
        theirs.set_nonblocking(true)?;
        let stream = Stream::Within(mio::net::UnixStream::from_std(theirs));
        let thread = self.0.clients.next_id() as usize % self.0.mailboxes().len();
        self.0.mail(thread, Msg::Invited(stream, who));
        Ok(ours)
    }

    /// How the server encrypts, for others who listen on behalf of it; `None` if neither `tls-port` nor `tls-cert-file` is
    /// set. Ask for every connection: certificates are replaced while the server runs. Clients have to show certificates
    /// if `tls-auth-clients` says so.
    pub fn tls(&self) -> Option<Arc<rustls::ServerConfig>> {
        self.0.tls.current()
    }

    /// The server's parameters.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Whether the data is still being loaded.
    pub fn is_loading(&self) -> bool {
        self.0.is_loading()
    }

    /// Whether the server is about to end.
    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping()
    }
}
