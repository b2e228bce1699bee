//! Listeners and streams, over TCP and Unix sockets.

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::Path;

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream, String),
}

/// A socket that is listened on.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, String),
}

impl Listener {
    /// Listens on an address.
    pub(crate) fn tcp(addr: SocketAddr, backlog: i32) -> io::Result<Listener> {
        let domain = socket2::Domain::for_address(addr);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
        if addr.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(backlog)?;
        Ok(Listener::Tcp(TcpListener::from_std(socket.into())))
    }

    /// Listens on a socket file, which only its owner can open from the first moment on.
    pub(crate) fn unix(path: &str) -> io::Result<Listener> {
        let _ = std::fs::remove_file(path);
        let temporary = format!("{path}.{}", std::process::id());
        let listener = UnixListener::bind(Path::new(&temporary))?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&temporary, mode)?;
        std::fs::rename(&temporary, path)?;
        Ok(Listener::Unix(listener, path.to_owned()))
    }

    pub(crate) fn accept(&self) -> io::Result<Stream> {
        match self {
            Listener::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
            Listener::Unix(listener, path) => Ok(Stream::Unix(listener.accept()?.0, path.clone())),
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) => listener.register(registry, token, Interest::READABLE),
            Listener::Unix(listener, _) => listener.register(registry, token, Interest::READABLE),
        }
    }
}

impl Stream {
    /// The peer's address as CLIENT LIST prints it.
    pub(crate) fn peer(&self) -> String {
        match self {
            Stream::Tcp(stream) => stream.peer_addr().map_or_else(|_| "?:0".into(), |addr| addr.to_string()),
            Stream::Unix(_, path) => format!("{path}:0"),
        }
    }

    /// Our own address as CLIENT LIST prints it.
    pub(crate) fn local(&self) -> String {
        match self {
            Stream::Tcp(stream) => stream.local_addr().map_or_else(|_| "?:0".into(), |addr| addr.to_string()),
            Stream::Unix(_, path) => format!("{path}:0"),
        }
    }

    /// Whether the peer is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Stream::Tcp(stream) => {
                stream.peer_addr().is_ok_and(|addr| addr.ip().to_canonical().is_loopback())
            }
            Stream::Unix(..) => true,
        }
    }

    pub(crate) fn fd(&self) -> i32 {
        match self {
            Stream::Tcp(stream) => stream.as_raw_fd(),
            Stream::Unix(stream, _) => stream.as_raw_fd(),
        }
    }

    pub(crate) fn source(&mut self) -> &mut dyn Source {
        match self {
            Stream::Tcp(stream) => stream,
            Stream::Unix(stream, _) => stream,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buf),
            Stream::Unix(stream, _) => stream.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(buf),
            Stream::Unix(stream, _) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
