//! A connection that asks and waits: what fills servers, and what the load generator has no workload for.

use ackline_resp::decode_reply::{Value, decode_value};
use ackline_resp::encode::request;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Longer than anything that a server does here at once.
const PATIENCE: Duration = Duration::from_secs(120);
const INPUT: usize = 256 << 10;

/// A connection to a server on this machine.
pub(super) struct Client {
    socket: TcpStream,
    input: Vec<u8>,
    /// What of the input is read.
    read: usize,
}

impl Client {
    pub(super) fn connect(port: u16) -> Result<Client, String> {
        let lost = |error: std::io::Error| format!("port {port}: {error}");
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(lost)?;
        socket.set_nodelay(true).map_err(lost)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(lost)?;
        Ok(Client { socket, input: Vec::new(), read: 0 })
    }

    /// One command; an error reply is an error.
    pub(super) fn ask(&mut self, words: &[&str]) -> Result<Value, String> {
        let mut out = Vec::new();
        request(&mut out, words);
        self.send(&out)?;
        match self.reply()? {
            Value::Error(text) => Err(format!("{}: {}", words[0], String::from_utf8_lossy(&text))),
            value => Ok(value),
        }
    }

    /// The same, for an integer.
    pub(super) fn number(&mut self, words: &[&str]) -> Result<i64, String> {
        match self.ask(words)? {
            Value::Int(number) => Ok(number),
            other => Err(format!("{}: {other:?} is no number", words[0])),
        }
    }

    /// Requests and their replies; the first that is an error is the error of all.
    pub(super) fn batch(&mut self, requests: &[u8], replies: usize) -> Result<(), String> {
        self.send(requests)?;
        let mut outcome = Ok(());
        for _ in 0..replies {
            if let Value::Error(text) = self.reply()?
                && outcome.is_ok()
            {
                outcome = Err(String::from_utf8_lossy(&text).into_owned());
            }
        }
        outcome
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.socket.write_all(bytes).map_err(|error| format!("a connection was lost: {error}"))
    }

    fn reply(&mut self) -> Result<Value, String> {
        loop {
            let found = decode_value(&self.input[self.read..]).map_err(|error| error.to_string())?;
            if let Some((value, used)) = found {
                self.read += used;
                return Ok(value);
            }
            self.input.drain(..self.read);
            self.read = 0;
            self.more()?;
        }
    }

    fn more(&mut self) -> Result<(), String> {
        let had = self.input.len();
        self.input.resize(had + INPUT, 0);
        let come = self.socket.read(&mut self.input[had..]);
        self.input.truncate(had + *come.as_ref().unwrap_or(&0));
        match come {
            Ok(0) => Err("the server closed the connection".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("no reply: {error}")),
        }
    }

    /// A line of INFO.
    pub(super) fn info(&mut self, section: &str, name: &str) -> Result<u64, String> {
        let Value::Bulk(text) = self.ask(&["INFO", section])? else {
            return Err("INFO is no text".to_owned());
        };
        field(&String::from_utf8_lossy(&text), name).ok_or_else(|| format!("INFO {section} has no {name}"))
    }
}

fn field(info: &str, name: &str) -> Option<u64> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_info() {
        let info = "# Memory\r\nused_memory:123\r\nused_memory_rss:456\r\n";
        assert_eq!(field(info, "used_memory"), Some(123));
        assert_eq!(field(info, "used_memory_rss"), Some(456));
        assert_eq!(field(info, "used"), None);
    }
}
