//! `cargo xtask ceiling --port P`: a server that reads requests as Ackline does and answers the same to all of them. What it
//! takes is what sockets, system and decoder take, and no broker can take less that way.

use crate::run::Step;
use ackline_resp::{Decoder, Limits};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

/// What an XADD gets.
const REPLY: &[u8] = b"$15\r\n1526919030474-0\r\n";
const LISTENER: Token = Token(usize::MAX);
/// Room for what one read may bring.
const INPUT: usize = 64 << 10;

/// A connection.
struct Link {
    socket: TcpStream,
    decoder: Decoder,
    /// The beginning of a request.
    partial: Vec<u8>,
    /// What the system did not take yet.
    unsent: Vec<u8>,
}

/// The command, with its options. It ends when it is killed.
pub(crate) fn run(words: &[String]) -> Step {
    let port = match words {
        [option, port] if option == "--port" => port.parse().ok(),
        _ => None,
    };
    let port = port.ok_or("usage: cargo xtask ceiling --port PORT")?;
    serve(port).map_err(|error| format!("the ceiling: {error}"))
}

fn serve(port: u16) -> io::Result<()> {
    let (mut poll, mut events) = (Poll::new()?, Events::with_capacity(1024));
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let (mut links, mut input) = (Vec::new(), vec![0; INPUT]);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            let at = event.token().0;
            if event.token() == LISTENER {
                accept(&listener, &poll, &mut links)?;
            } else if links[at].as_mut().is_some_and(|link: &mut Link| link.serve(&mut input).is_err()) {
                links[at] = None;
            }
        }
    }
}

fn accept(listener: &TcpListener, poll: &Poll, links: &mut Vec<Option<Link>>) -> io::Result<()> {
    loop {
        let mut socket = match listener.accept() {
            Ok((socket, _)) => socket,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        socket.set_nodelay(true)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut socket, Token(links.len()), both)?;
        let (partial, unsent) = (Vec::new(), Vec::new());
        links.push(Some(Link { socket, decoder: Decoder::new(), partial, unsent }));
    }
}

impl Link {
    /// One read, every request that is whole, one write. An error is the end of the connection.
    fn serve(&mut self, input: &mut [u8]) -> io::Result<()> {
        self.flush()?;
        loop {
            let come = match self.socket.read(input) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(come) => come,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            self.answer(&input[..come])?;
            self.flush()?;
            // Less than there is room for was all that there is.
            if come < input.len() {
                return Ok(());
            }
        }
    }

    fn answer(&mut self, come: &[u8]) -> io::Result<()> {
        if self.partial.is_empty() {
            let used = self.decode(come)?;
            self.partial.extend_from_slice(&come[used..]);
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(come);
        let used = self.decode(&all)?;
        all.drain(..used);
        self.partial = all;
        Ok(())
    }

    /// Bytes of the requests that are whole.
    fn decode(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (mut used, limits) = (0, Limits::default());
        while let Ok(Some(request)) = self.decoder.decode(&bytes[used..], &limits) {
            used += request.consumed();
            self.unsent.extend_from_slice(REPLY);
        }
        Ok(used)
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.socket.write(&self.unsent) {
                Ok(sent) => drop(self.unsent.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
