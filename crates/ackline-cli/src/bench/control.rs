//! The connection that prepares and asks, outside of the measured time.

use super::reply::{Reply, Scanner};
use super::socket::{EventSocket, Socket};
use super::wire;
use ackline_admin::Address;
use std::io::{self, Read, Write};

/// Room for what one read may bring.
const INPUT: usize = 64 << 10;

/// A connection that waits for its replies.
pub(super) struct Control {
    socket: Socket,
    name: String,
    input: Vec<u8>,
}

/// Which server it is.
pub(super) struct Server {
    /// In lower case.
    pub(super) name: String,
    /// Its own, not that of the Redis it is compatible with.
    pub(super) version: String,
}

impl Control {
    /// Connects, authenticates and chooses the database.
    pub(super) fn open(address: &Address) -> Result<Control, String> {
        let name = address.name();
        let socket =
            Socket::connect(address).map_err(|error| format!("cannot connect to {name}: {error}"))?;
        let mut control = Control { socket, name, input: Vec::new() };
        if let Some(password) = &address.password {
            let user = address.user.iter().map(|user| user.as_bytes());
            let words: Vec<&[u8]> =
                [b"AUTH".as_slice()].into_iter().chain(user).chain([password.as_bytes()]).collect();
            control.ask(&words)?;
        }
        if address.database != 0 {
            control.ask(&[b"SELECT", address.database.to_string().as_bytes()])?;
        }
        Ok(control)
    }

    /// One command; an error reply is an error. Gives the reply as it came.
    pub(super) fn ask(&mut self, words: &[&[u8]]) -> Result<Vec<u8>, String> {
        let mut last = Vec::new();
        self.exchange(&wire::request(words), 1, |reply| last = reply.0.to_vec())?;
        Ok(last)
    }

    /// Sends requests and waits for so many replies. The first that is an error is the error of all.
    pub(super) fn exchange(
        &mut self,
        requests: &[u8],
        replies: usize,
        mut each: impl FnMut(Reply<'_>),
    ) -> Result<(), String> {
        self.socket.write_all(requests).map_err(|error| self.lost(&error))?;
        let mut scanner = Scanner::new();
        let mut failed = None;
        for _ in 0..replies {
            let end = loop {
                match scanner.end(&self.input).map_err(|error| format!("{}: {error}", self.name))? {
                    Some(end) => break end,
                    None => self.more()?,
                }
            };
            let reply = Reply(&self.input[..end]);
            failed = failed.or_else(|| reply.error().map(|text| String::from_utf8_lossy(text).into_owned()));
            each(reply);
            self.input.drain(..end);
        }
        failed.map_or(Ok(()), |text| Err(format!("{}: {text}", self.name)))
    }

    fn more(&mut self) -> Result<(), String> {
        let had = self.input.len();
        self.input.resize(had + INPUT, 0);
        let come = self.socket.read(&mut self.input[had..]);
        self.input.truncate(had + *come.as_ref().unwrap_or(&0));
        match come {
            Ok(0) => Err(self.lost(&io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(error) => Err(self.lost(&error)),
        }
    }

    fn lost(&self, error: &io::Error) -> String {
        format!("the connection to {} was lost: {error}", self.name)
    }

    /// Finds out who answers.
    pub(super) fn server(&mut self) -> Result<Server, String> {
        let info = self.ask(&[b"INFO", b"server"])?;
        Ok(server(&String::from_utf8_lossy(&info)))
    }

    /// The connection for an event loop, with nothing unanswered.
    pub(super) fn into_event(self) -> Result<EventSocket, String> {
        self.socket.into_event().map_err(|error| format!("{}: {error}", self.name))
    }
}

fn server(info: &str) -> Server {
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let of_its_own = ["ackline", "valkey", "dragonfly"]
        .into_iter()
        .find_map(|name| Some((name, field(&format!("{name}_version"))?)));
    let (name, version) = of_its_own.unwrap_or(("redis", field("redis_version").unwrap_or("unknown")));
    Server { name: name.to_owned(), version: version.trim_start_matches("df-v").to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_apart() {
        let told = |info| {
            let server = server(info);
            format!("{} {}", server.name, server.version)
        };
        assert_eq!(told("$9\r\n# Server\r\nredis_version:8.6.3\r\n"), "redis 8.6.3");
        assert_eq!(
            told("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n"),
            "valkey 9.1.2"
        );
        assert_eq!(
            told("redis_version:8.10.0\r\nserver_name:ackline\r\nackline_version:0.1.0\r\n"),
            "ackline 0.1.0"
        );
        assert_eq!(told(""), "redis unknown");
    }
}
