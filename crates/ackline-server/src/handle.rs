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
    /// As this user of the access control list. Like the two below, the connection cannot log in as somebody else.
    User(String),
    /// As one who may run every command. It is in no list of users, and nobody can log in as it.
    Operator,
    /// As one who may run commands that read data or look at the server. It is in no list of users, and nobody can log
    /// in as it.
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
    /// There is no such user, or it is off; the system has no descriptors left.
    pub fn connect(&self, who: Who) -> io::Result<UnixStream> {
        if self.0.users.admit(&who).is_none() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "no such user, or it is disabled"));
        }
        let (ours, theirs) = UnixStream::pair()?;
        theirs.set_nonblocking(true)?;
        let stream = Stream::Unix(mio::net::UnixStream::from_std(theirs), "admin".to_owned());
        let thread = self.0.clients.next_id() as usize % self.0.mailboxes().len();
        self.0.mail(thread, Msg::Invited(stream, who));
        Ok(ours)
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
