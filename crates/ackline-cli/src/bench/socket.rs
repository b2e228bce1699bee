//! A stream socket of either kind, blocking at first and then in an event loop.

use ackline_admin::client::{Address, Place};
use mio::event::Source;
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may take for one step of the preparation: deleting a long stream is one.
const ANSWER: Duration = Duration::from_secs(120);

/// A blocking socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Connects to a server.
    pub(super) fn connect(address: &Address) -> io::Result<Socket> {
        match &address.place {
            Place::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(ANSWER))?;
                stream.set_write_timeout(Some(ANSWER))?;
                Ok(Socket::Unix(stream))
            }
            Place::Tcp(host, port) => {
                let stream = tcp(host, *port)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(ANSWER))?;
                stream.set_write_timeout(Some(ANSWER))?;
                Ok(Socket::Tcp(stream))
            }
        }
    }

    /// The same socket for an event loop.
    pub(super) fn into_event(self) -> io::Result<EventSocket> {
        match self {
            Socket::Tcp(stream) => {
                stream.set_nonblocking(true)?;
                Ok(EventSocket::Tcp(mio::net::TcpStream::from_std(stream)))
            }
            Socket::Unix(stream) => {
                stream.set_nonblocking(true)?;
                Ok(EventSocket::Unix(mio::net::UnixStream::from_std(stream)))
            }
        }
    }
}

fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.read(into),
            Socket::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.write(bytes),
            Socket::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A socket that never blocks.
pub(super) enum EventSocket {
    Tcp(mio::net::TcpStream),
    Unix(mio::net::UnixStream),
}

impl EventSocket {
    fn source(&mut self) -> &mut dyn Source {
        match self {
            EventSocket::Tcp(stream) => stream,
            EventSocket::Unix(stream) => stream,
        }
    }

    /// Begins to watch for what can be read.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source().register(registry, token, Interest::READABLE)
    }

    /// Watches for room to write as well, or no longer.
    pub(super) fn watch_room(&mut self, registry: &Registry, token: Token, room: bool) -> io::Result<()> {
        let interest = if room { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.source().reregister(registry, token, interest)
    }

    /// What has come; `None` if there is nothing.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        unless_blocked(|| match self {
            EventSocket::Tcp(stream) => stream.read(into),
            EventSocket::Unix(stream) => stream.read(into),
        })
    }

    /// Gives the system as much as it takes; `None` if it takes nothing.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        unless_blocked(|| match self {
            EventSocket::Tcp(stream) => stream.write(bytes),
            EventSocket::Unix(stream) => stream.write(bytes),
        })
    }
}

fn unless_blocked(mut attempt: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match attempt() {
            Ok(done) => return Ok(Some(done)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
