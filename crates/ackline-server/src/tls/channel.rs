//! One encrypted connection, without its socket.

use super::name;
use rustls::{Error, ServerConfig, ServerConnection};
use std::io::{self, BufRead, ErrorKind, Write};
use std::sync::Arc;

/// Between the bytes of a session and those of a socket.
pub(crate) struct Channel {
    tls: ServerConnection,
    /// The handshake is over, and the session knows of it.
    is_known: bool,
    /// The peer said that it sends nothing more.
    is_ended: bool,
}

impl Channel {
    pub(crate) fn new(config: Arc<ServerConfig>) -> Result<Channel, Error> {
        Ok(Channel { tls: ServerConnection::new(config)?, is_known: false, is_ended: false })
    }

    /// Whether nobody knows yet who the peer is.
    pub(crate) fn is_shaking(&self) -> bool {
        self.tls.is_handshaking()
    }

    /// True once: as soon as the handshake is over.
    pub(crate) fn has_just_shaken(&mut self) -> bool {
        !self.is_shaking() && !std::mem::replace(&mut self.is_known, true)
    }

    /// Whether the peer said that it sends nothing more.
    pub(crate) fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// The name in the certificate of the peer, if it showed one and it has exactly one.
    pub(crate) fn peer_name(&self) -> Option<String> {
        name::common_name(self.tls.peer_certificates()?.first()?)
    }

    /// Appends what the bytes of the socket say. After an error there is an alert to be flushed, and nothing else to do.
    pub(crate) fn decrypt(&mut self, mut read: &[u8], input: &mut Vec<u8>) -> Result<(), Error> {
        while !read.is_empty() && !self.is_ended {
            // It takes a few kilobytes at once, and refuses only what is no record.
            self.tls.read_tls(&mut read).map_err(|error| Error::General(error.to_string()))?;
            self.is_ended = self.tls.process_new_packets()?.peer_has_closed();
            let mut reader = self.tls.reader();
            while let Ok(chunk) = reader.fill_buf()
                && !chunk.is_empty()
            {
                let taken = chunk.len();
                input.extend_from_slice(chunk);
                reader.consume(taken);
            }
        }
        Ok(())
    }

    /// Encrypts and writes; answers how many of the bytes were taken, which are as many as fit between here and the
    /// socket: so much ciphertext waits at most. `WouldBlock` if none.
    pub(crate) fn write(&mut self, bytes: &[u8], socket: &mut impl Write) -> io::Result<usize> {
        self.flush(socket)?;
        let taken = self.tls.writer().write(bytes)?;
        match self.flush(socket) {
            _ if taken == 0 => Err(ErrorKind::WouldBlock.into()),
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    /// Writes ciphertext until there is none; `WouldBlock` if some is left.
    pub(crate) fn flush(&mut self, socket: &mut impl Write) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Tells the peer that nothing follows, if the socket takes it.
    pub(crate) fn end(&mut self, socket: &mut impl Write) {
        self.tls.send_close_notify();
        // Who does not read is not waited for.
        let _ = self.flush(socket);
    }
}
