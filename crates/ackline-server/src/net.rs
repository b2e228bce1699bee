//! Listeners and streams, over TCP and Unix sockets.

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::{SockRef, TcpKeepalive};
use std::fs::Permissions;
use std::io::{self, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// A connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    /// One over which nothing goes that is not encrypted.
    Tls(TcpStream),
    Unix(UnixStream, String),
    /// From within this process.
    Within(UnixStream),
}

/// A socket that is listened on.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Tls(TcpListener),
    Unix(UnixListener, String),
}

impl Listener {
    /// Listens on an address.
    pub(crate) fn tcp(addr: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
        let domain = socket2::Domain::for_address(addr);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
        if addr.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&addr.into())?;
        socket.listen(backlog)?;
        Ok(TcpListener::from_std(socket.into()))
    }

    /// Listens on a socket file, which has its permissions before anybody can connect; 0 = those that the system gives.
    pub(crate) fn unix(path: &str, mode: u32, backlog: i32) -> io::Result<Listener> {
        let _ = std::fs::remove_file(path);
        let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&socket2::SockAddr::unix(path)?)?;
        if mode != 0 {
            std::fs::set_permissions(path, Permissions::from_mode(mode))?;
        }
        socket.listen(backlog)?;
        Ok(Listener::Unix(UnixListener::from_std(socket.into()), path.to_owned()))
    }

    /// The next connection. `keepalive`: seconds after which a silent peer is asked whether it is there; 0 = never.
    pub(crate) fn accept(&self, keepalive: u64) -> io::Result<Stream> {
        match self {
            Listener::Tcp(listener) => Ok(Stream::Tcp(prepare(listener.accept()?.0, keepalive)?)),
            Listener::Tls(listener) => Ok(Stream::Tls(prepare(listener.accept()?.0, keepalive)?)),
            Listener::Unix(listener, path) => Ok(Stream::Unix(listener.accept()?.0, path.clone())),
        }
    }

    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Listener::Tcp(listener) | Listener::Tls(listener) => {
                listener.register(registry, token, Interest::READABLE)
            }
            Listener::Unix(listener, _) => listener.register(registry, token, Interest::READABLE),
        }
    }
}

/// So many questions without an answer end a connection.
const QUESTIONS: u64 = 3;

fn prepare(stream: TcpStream, keepalive: u64) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    if keepalive > 0 {
        let between = Duration::from_secs((keepalive / QUESTIONS).clamp(1, SECONDS_MAX));
        let settings = TcpKeepalive::new()
            .with_time(Duration::from_secs(keepalive.min(SECONDS_MAX)))
            .with_interval(between)
            .with_retries(QUESTIONS as u32);
        SockRef::from(&stream).set_tcp_keepalive(&settings)?;
    }
    Ok(stream)
}

/// The longest time that Linux takes for keepalive, in seconds.
const SECONDS_MAX: u64 = 32767;

impl Stream {
    /// The peer's address as CLIENT LIST prints it.
    pub(crate) fn peer(&self) -> String {
        match self {
            Stream::Tcp(stream) | Stream::Tls(stream) => name(stream.peer_addr()),
            Stream::Unix(_, path) => format!("{path}:0"),
            Stream::Within(_) => "admin:0".to_owned(),
        }
    }

    /// Our own address as CLIENT LIST prints it.
    pub(crate) fn local(&self) -> String {
        match self {
            Stream::Tcp(stream) | Stream::Tls(stream) => name(stream.local_addr()),
            Stream::Unix(..) | Stream::Within(_) => self.peer(),
        }
    }

    /// Whether the peer is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Stream::Tcp(stream) | Stream::Tls(stream) => {
                stream.peer_addr().is_ok_and(|addr| addr.ip().to_canonical().is_loopback())
            }
            Stream::Unix(..) | Stream::Within(_) => true,
        }
    }

    /// Whether the peer is in this process.
    pub(crate) fn is_within(&self) -> bool {
        matches!(self, Stream::Within(_))
    }

    /// Whether nothing may go over it that is not encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(self, Stream::Tls(_))
    }

    pub(crate) fn fd(&self) -> i32 {
        match self {
            Stream::Tcp(stream) | Stream::Tls(stream) => stream.as_raw_fd(),
            Stream::Unix(stream, _) | Stream::Within(stream) => stream.as_raw_fd(),
        }
    }

    pub(crate) fn source(&mut self) -> &mut dyn Source {
        match self {
            Stream::Tcp(stream) | Stream::Tls(stream) => stream,
            Stream::Unix(stream, _) | Stream::Within(stream) => stream,
        }
    }
}

fn name(addr: io::Result<SocketAddr>) -> String {
    addr.map_or_else(|_| "?:0".into(), |addr| addr.to_string())
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) | Stream::Tls(stream) => stream.read(buf),
            Stream::Unix(stream, _) | Stream::Within(stream) => stream.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) | Stream::Tls(stream) => stream.write(buf),
            Stream::Unix(stream, _) | Stream::Within(stream) => stream.write(buf),
        }
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) | Stream::Tls(stream) => stream.write_vectored(bufs),
            Stream::Unix(stream, _) | Stream::Within(stream) => stream.write_vectored(bufs),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
