//! One blocking connection to a server that speaks the Redis protocol.

mod address;
mod scan;
mod tls;

pub use address::{Address, Place, Tls};

use ackline_resp::decode_reply::{ReplyError, Value, decode_value};
use ackline_resp::encode;
use scan::Scan;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Bytes that one read asks for at least.
const READ: usize = 64 * 1024;

/// Why a command has no answer.
#[derive(Debug)]
pub enum Error {
    /// The way to the server: an address, a certificate, a socket. The text names the place, never a password.
    Connect(String),
    /// The connection broke.
    Io(io::Error),
    /// What came is no reply.
    Reply(ReplyError),
    /// The server refused: its own words.
    Server(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Connect(text) | Error::Server(text) => f.write_str(text),
            Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                f.write_str("the server closed the connection")
            }
            Error::Io(error) => error.fmt(f),
            Error::Reply(error) => write!(f, "the server does not speak the Redis protocol: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Io(error)
    }
}

/// The bytes below a connection.
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<rustls::StreamOwned<rustls::ClientConnection, TcpStream>>),
}

/// A connection. Not to be used any further after [`Error::Io`] or [`Error::Reply`].
pub struct Client {
    stream: Stream,
    input: Vec<u8>,
    /// Where the next reply begins in `input`.
    at: usize,
    /// How much of it is there.
    scan: Scan,
}

impl Client {
    /// Connects, authenticates, and selects the database of the address. RESP2 until HELLO 3 is sent.
    pub fn connect(address: &Address, timeout: Duration) -> Result<Client, Error> {
        let mut client = Client::dial(address, timeout)?;
        client.sign_in(address)?;
        Ok(client)
    }

    /// Connects, and says nothing yet.
    pub fn dial(address: &Address, timeout: Duration) -> Result<Client, Error> {
        Ok(Client::over_stream(dial(address, timeout)?))
    }

    /// Authenticates, and selects the database of the address.
    pub fn sign_in(&mut self, address: &Address) -> Result<(), Error> {
        if let Some(password) = &address.password {
            let user = address.user.as_deref();
            let words: Vec<&str> = ["AUTH"].into_iter().chain(user).chain([password.as_str()]).collect();
            self.call(&words)?;
        }
        if address.database != 0 {
            self.call(&["SELECT", &address.database.to_string()])?;
        }
        Ok(())
    }

    /// Over a socket that is connected already, such as one into the server of this process.
    pub fn over(stream: UnixStream) -> Client {
        Client::over_stream(Stream::Unix(stream))
    }

    fn over_stream(stream: Stream) -> Client {
        Client { stream, input: Vec::new(), at: 0, scan: Scan::default() }
    }

    /// How long [`Client::receive`] waits; `None` = for ever. A wait that is over is [`Error::Io`] of kind `WouldBlock`,
    /// after which one may wait again.
    pub fn set_patience(&mut self, patience: Option<Duration>) -> Result<(), Error> {
        match &self.stream {
            Stream::Tcp(stream) => stream.set_read_timeout(patience)?,
            Stream::Unix(stream) => stream.set_read_timeout(patience)?,
            Stream::Tls(stream) => stream.sock.set_read_timeout(patience)?,
        }
        Ok(())
    }

    /// One command and its reply. An error reply is [`Error::Server`].
    pub fn call<T: AsRef<[u8]>>(&mut self, words: &[T]) -> Result<Value, Error> {
        self.send(words)?;
        match self.reply()? {
            Value::Error(text) => Err(Error::Server(String::from_utf8_lossy(&text).into_owned())),
            value => Ok(value),
        }
    }

    /// Commands sent together, and their replies in order, errors in their places.
    pub fn call_all<T: AsRef<[u8]>>(&mut self, commands: &[Vec<T>]) -> Result<Vec<Value>, Error> {
        let mut out = Vec::new();
        commands.iter().for_each(|words| encode::request(&mut out, words));
        self.send_bytes(&out)?;
        commands.iter().map(|_| self.reply()).collect()
    }

    /// Sends a command.
    pub fn send<T: AsRef<[u8]>>(&mut self, words: &[T]) -> Result<(), Error> {
        let mut out = Vec::new();
        encode::request(&mut out, words);
        self.send_bytes(&out)
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.stream.write_all(bytes)?;
        Ok(self.stream.flush()?)
    }

    /// The next reply; what is pushed meanwhile is passed over.
    fn reply(&mut self) -> Result<Value, Error> {
        loop {
            match self.receive()? {
                Value::Push(_) => {}
                value => return Ok(value),
            }
        }
    }

    /// Whatever comes next: a reply, an error, or a push.
    pub fn receive(&mut self) -> Result<Value, Error> {
        loop {
            if let Some(value) = self.received()? {
                return Ok(value);
            }
            self.read()?;
        }
    }

    /// What has come already, without waiting or asking the system.
    pub fn received(&mut self) -> Result<Option<Value>, Error> {
        if !self.scan.is_whole(&self.input[self.at..]) {
            return Ok(None);
        }
        let Some((value, taken)) = decode_value(&self.input[self.at..]).map_err(Error::Reply)? else {
            return Ok(None);
        };
        self.scan = Scan::default();
        self.at += taken;
        if self.at == self.input.len() {
            self.input.clear();
            self.at = 0;
        }
        Ok(Some(value))
    }

    /// Whether nothing waits: [`Client::write_some`] and [`Client::read_some`] then do what they can at once.
    pub fn set_nonblocking(&mut self, yes: bool) -> Result<(), Error> {
        match &self.stream {
            Stream::Tcp(stream) => stream.set_nonblocking(yes)?,
            Stream::Unix(stream) => stream.set_nonblocking(yes)?,
            Stream::Tls(stream) => stream.sock.set_nonblocking(yes)?,
        }
        Ok(())
    }

    /// Sends the beginning of `bytes` and says how much of it; 0 = not now.
    pub fn write_some(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        unless_later(self.stream.write(bytes)).map(|written| written.unwrap_or(0))
    }

    /// Sends what encryption holds back; whether all of it is gone.
    pub fn flush_some(&mut self) -> Result<bool, Error> {
        unless_later(self.stream.flush()).map(|done| done.is_some())
    }

    /// Reads what has come, for [`Client::received`]; whether there was anything.
    pub fn read_some(&mut self) -> Result<bool, Error> {
        match self.read() {
            Ok(()) => Ok(true),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The socket, for waiting until it is ready.
    pub fn socket(&self) -> RawFd {
        match &self.stream {
            Stream::Tcp(stream) => stream.as_raw_fd(),
            Stream::Unix(stream) => stream.as_raw_fd(),
            Stream::Tls(stream) => stream.sock.as_raw_fd(),
        }
    }

    fn read(&mut self) -> Result<(), Error> {
        self.input.drain(..self.at);
        self.at = 0;
        let before = self.input.len();
        self.input.resize(before + READ, 0);
        let read = self.stream.read(&mut self.input[before..]);
        self.input.truncate(before + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(Error::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// `None` if it has to be tried again.
fn unless_later<T>(done: io::Result<T>) -> Result<Option<T>, Error> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn dial(address: &Address, timeout: Duration) -> Result<Stream, Error> {
    let failed = |error: io::Error| Error::Connect(format!("cannot connect to {}: {error}", address.name()));
    let (host, port) = match &address.place {
        Place::Unix(path) => return Ok(Stream::Unix(UnixStream::connect(path).map_err(failed)?)),
        Place::Tcp(host, port) => (host, *port),
    };
    let stream = connect_tcp(host, port, timeout).map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    match &address.tls {
        None => Ok(Stream::Tcp(stream)),
        Some(tls) => {
            let refused = |why| Error::Connect(format!("cannot connect to {}: {why}", address.name()));
            let session = tls::session(tls, host).map_err(refused)?;
            let stream = shake_hands(session, stream, timeout).map_err(|error| refused(error.to_string()))?;
            Ok(Stream::Tls(Box::new(stream)))
        }
    }
}

/// Agrees on keys now, so that whoever cannot be trusted is found out while connecting.
fn shake_hands(
    session: rustls::ClientConnection,
    stream: TcpStream,
    timeout: Duration,
) -> io::Result<rustls::StreamOwned<rustls::ClientConnection, TcpStream>> {
    let mut stream = rustls::StreamOwned::new(session, stream);
    stream.sock.set_read_timeout(Some(timeout))?;
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    stream.sock.set_read_timeout(None)?;
    Ok(stream)
}

/// Tries every address that the name stands for.
fn connect_tcp(host: &str, port: u16, timeout: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name stands for no address");
    for addr in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&addr, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buf),
            Stream::Unix(stream) => stream.read(buf),
            Stream::Tls(stream) => stream.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(buf),
            Stream::Unix(stream) => stream.write(buf),
            Stream::Tls(stream) => stream.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.flush(),
            Stream::Unix(stream) => stream.flush(),
            Stream::Tls(stream) => stream.flush(),
        }
    }
}
