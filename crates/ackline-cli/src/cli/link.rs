//! The connection, what the session on it has become, and how it is made again.

use super::options::Options;
use ackline_admin::client::{Address, Client, Error};
use ackline_resp::decode_reply::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// To wait for a connection, where nothing else was asked for.
const CONNECT: Duration = Duration::from_secs(30);
/// How long an interruption may go unnoticed.
const LOOK: Duration = Duration::from_millis(50);

/// A connection that may be gone.
pub(super) struct Link {
    pub(super) address: Address,
    timeout: Duration,
    /// What HELLO is sent with; `None` = it is not sent.
    protocol: Option<u8>,
    name: Option<String>,
    client: Option<Client>,
    /// Of the session, not yet of the next connection.
    pub(super) state: State,
}

/// What the commands of a session have done to it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) database: u32,
    pub(super) transaction: bool,
    pub(super) monitor: bool,
    /// Channels and patterns, and channels of shards.
    subscribed: [i64; 2],
}

impl State {
    pub(super) fn is_subscribed(&self) -> bool {
        self.subscribed.iter().any(|count| *count > 0)
    }

    /// Whether messages come without being asked for.
    pub(super) fn is_listening(&self) -> bool {
        self.monitor || self.is_subscribed()
    }

    /// A confirmation tells how many subscriptions there are.
    fn note(&mut self, value: &Value) {
        let (Value::Array(items) | Value::Push(items)) = value else { return };
        let [Value::Bulk(kind), _, Value::Int(count)] = items.as_slice() else { return };
        match kind.as_slice() {
            b"subscribe" | b"unsubscribe" | b"psubscribe" | b"punsubscribe" => self.subscribed[0] = *count,
            b"ssubscribe" | b"sunsubscribe" => self.subscribed[1] = *count,
            _ => {}
        }
    }
}

/// How waiting for a reply ended.
pub(super) enum Heard {
    Value(Value),
    Interrupted,
}

impl Link {
    pub(super) fn new(options: &Options) -> Link {
        let wants_maps =
            matches!(options.format.output, super::format::Output::Json | super::format::Output::QuotedJson);
        Link {
            address: options.address.clone(),
            timeout: options.timeout.unwrap_or(CONNECT),
            protocol: options.protocol.or(wants_maps.then_some(3)).filter(|protocol| *protocol != 2),
            name: options.name.clone(),
            client: None,
            state: State { database: options.address.database, ..State::default() },
        }
    }

    /// Connects. What the server refuses of name, password and database is only warned of: as redis-cli does.
    pub(super) fn connect(&mut self) -> Result<(), String> {
        self.state = State { database: self.state.database, ..State::default() };
        self.client = None;
        let client = Client::dial(&self.address, self.timeout).map_err(|error| self.cannot(&error))?;
        self.client = Some(client);
        self.greet().map_err(|error| self.cannot(&error))
    }

    fn greet(&mut self) -> Result<(), Error> {
        if let Some(password) = self.address.password.clone() {
            let user = self.address.user.clone();
            let words = ["AUTH".to_owned()].into_iter().chain(user).chain([password]).collect::<Vec<_>>();
            self.try_call("AUTH", &words)?;
        }
        if self.state.database != 0 {
            let number = self.state.database.to_string();
            self.try_call(&format!("SELECT {number}"), &["SELECT", &number])?;
        }
        if let Some(protocol) = self.protocol {
            self.try_call(&format!("HELLO {protocol}"), &["HELLO", &protocol.to_string()])?;
        }
        if let Some(name) = self.name.clone() {
            self.try_call("CLIENT SETNAME", &["CLIENT", "SETNAME", &name])?;
        }
        Ok(())
    }

    fn try_call<T: AsRef<[u8]>>(&mut self, what: &str, words: &[T]) -> Result<(), Error> {
        let Some(client) = &mut self.client else { return Ok(()) };
        match client.call(words) {
            Err(Error::Server(text)) => {
                eprintln!("{what} failed: {}", super::format::harmless(&text));
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    /// Why there is no connection, in the words that scripts look for.
    fn cannot(&mut self, error: &Error) -> String {
        self.client = None;
        let text = error.to_string();
        let name = self.address.name();
        let why = text.strip_prefix(&format!("cannot connect to {name}: ")).unwrap_or(&text);
        let why = why.strip_prefix("failed to lookup address information: ").unwrap_or(why);
        let why = why.rsplit_once(" (os error").map_or(why, |(why, _)| why);
        format!("Could not connect to Redis at {name}: {why}")
    }

    pub(super) fn is_connected(&self) -> bool {
        self.client.is_some()
    }

    /// The connection is not to be used any more.
    pub(super) fn drop_connection(&mut self) {
        self.client = None;
        self.state = State { database: self.state.database, ..State::default() };
    }

    pub(super) fn client(&mut self) -> Result<&mut Client, String> {
        self.client.as_mut().ok_or_else(|| "not connected".to_owned())
    }

    /// Looks whether the server has closed, and takes what it said meanwhile.
    pub(super) fn catch_up(&mut self) -> Vec<Value> {
        let Some(client) = &mut self.client else { return Vec::new() };
        let mut said = Vec::new();
        let mut look = || -> Result<(), Error> {
            client.set_nonblocking(true)?;
            while client.read_some()? {}
            client.set_nonblocking(false)?;
            while let Some(value) = client.received()? {
                said.push(value);
            }
            Ok(())
        };
        if look().is_err() {
            self.drop_connection();
        }
        said.iter().for_each(|value| self.state.note(value));
        said
    }

    pub(super) fn send(&mut self, words: &[Vec<u8>]) -> Result<(), String> {
        let sent = self.client()?.send(words);
        sent.map_err(|error| self.lost(&error))
    }

    /// What comes next, a push included.
    pub(super) fn receive(&mut self) -> Result<Value, String> {
        let value = self.client()?.receive().map_err(|error| self.lost(&error))?;
        self.state.note(&value);
        Ok(value)
    }

    /// The same, unless `interrupted` becomes true first.
    pub(super) fn receive_unless(&mut self, interrupted: &AtomicBool) -> Result<Heard, String> {
        self.be_patient(Some(LOOK))?;
        let heard = loop {
            if interrupted.load(Ordering::Relaxed) {
                break Heard::Interrupted;
            }
            if let Some(value) = self.receive_soon()? {
                break Heard::Value(value);
            }
        };
        self.be_patient(None)?;
        Ok(heard)
    }

    /// What comes within the patience that was set.
    pub(super) fn receive_soon(&mut self) -> Result<Option<Value>, String> {
        match self.client()?.receive() {
            Ok(value) => {
                self.state.note(&value);
                Ok(Some(value))
            }
            Err(Error::Io(error)) if is_over(&error) => Ok(None),
            Err(error) => Err(self.lost(&error)),
        }
    }

    pub(super) fn be_patient(&mut self, patience: Option<Duration>) -> Result<(), String> {
        self.client()?.set_patience(patience).map_err(|error| error.to_string())
    }

    /// The reply to a command of the program's own, pushes passed over.
    pub(super) fn ask<T: AsRef<[u8]>>(&mut self, words: &[T]) -> Result<Value, String> {
        let reply = self.client()?.call(words);
        match reply {
            Err(error @ Error::Server(_)) => Err(error.to_string()),
            Err(error) => Err(self.lost(&error)),
            Ok(value) => Ok(value),
        }
    }

    fn lost(&mut self, error: &Error) -> String {
        self.drop_connection();
        match error {
            Error::Io(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
                "Error: Server closed the connection".to_owned()
            }
            Error::Reply(why) => format!("Error: Protocol error, {why}"),
            other => format!("Error: {other}"),
        }
    }

    /// What a command that was answered has changed.
    pub(super) fn follow(&mut self, words: &[Vec<u8>], reply: &Value) {
        if matches!(reply, Value::Error(_)) {
            // EXEC that is refused has ended the transaction all the same.
            if is(words, "EXEC") {
                self.state.transaction = false;
            }
            return;
        }
        let text = |at: usize| words.get(at).map(|word| String::from_utf8_lossy(word).into_owned());
        // Queued commands have done nothing yet.
        let queued = matches!(reply, Value::Simple(text) if text == b"QUEUED");
        match words.first().map(|word| word.to_ascii_uppercase()).as_deref() {
            Some(b"MULTI") => self.state.transaction = true,
            Some(b"EXEC" | b"DISCARD") => self.state.transaction = false,
            Some(b"MONITOR") if !queued => self.state.monitor = true,
            Some(b"SELECT") if !queued => {
                self.state.database =
                    text(1).and_then(|word| word.parse().ok()).unwrap_or(self.state.database);
            }
            Some(b"AUTH") if words.len() == 2 => self.authenticated(None, text(1)),
            Some(b"AUTH") => self.authenticated(text(1), text(2)),
            Some(b"HELLO") => {
                self.protocol = text(1).and_then(|word| word.parse().ok()).or(self.protocol);
                if let Some(at) = words.iter().position(|word| word.eq_ignore_ascii_case(b"AUTH")) {
                    self.authenticated(text(at + 1), text(at + 2));
                }
            }
            Some(b"RESET") => {
                self.state = State::default();
                self.protocol = None;
            }
            _ => {}
        }
    }

    /// The next connection is theirs too.
    fn authenticated(&mut self, user: Option<String>, password: Option<String>) {
        (self.address.user, self.address.password) = (user, password);
    }
}

/// Whether it is only patience that is over.
fn is_over(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// Whether a command has this name.
pub(super) fn is(words: &[Vec<u8>], name: &str) -> bool {
    words.first().is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ackline_resp::decode_reply::decode_value;

    fn link() -> Link {
        let options = super::super::options::read(vec!["-n".into(), "3".into()], |_| None).unwrap();
        Link::new(&options)
    }

    fn follow(link: &mut Link, line: &str, reply: &[u8]) {
        let words = ackline_resp::words(line.as_bytes()).unwrap();
        link.follow(&words, &decode_value(reply).unwrap().unwrap().0);
    }

    #[test]
    fn the_session_follows_what_was_answered() {
        let mut link = link();
        follow(&mut link, "select 99", b"-ERR DB index is out of range\r\n");
        assert_eq!(link.state.database, 3);
        follow(&mut link, "multi", b"+OK\r\n");
        follow(&mut link, "select 5", b"+QUEUED\r\n");
        assert_eq!((link.state.transaction, link.state.database), (true, 3));
        follow(&mut link, "exec", b"-EXECABORT\r\n");
        follow(&mut link, "select 5", b"+OK\r\n");
        assert_eq!((link.state.transaction, link.state.database), (false, 5));
        follow(&mut link, "auth ann secret", b"+OK\r\n");
        assert_eq!(
            (link.address.user.as_deref(), link.address.password.as_deref()),
            (Some("ann"), Some("secret"))
        );
        follow(&mut link, "hello 3 auth bob other", b"%0\r\n");
        assert_eq!((link.protocol, link.address.user.as_deref()), (Some(3), Some("bob")));
        follow(&mut link, "monitor", b"+OK\r\n");
        assert!(link.state.is_listening() && !link.state.is_subscribed());
        follow(&mut link, "reset", b"+RESET\r\n");
        assert_eq!(link.state, State::default());
    }

    #[test]
    fn subscriptions_are_counted_by_their_confirmations() {
        let mut state = State::default();
        let mut note = |reply: &[u8]| {
            state.note(&decode_value(reply).unwrap().unwrap().0);
            state.is_subscribed()
        };
        assert!(note(b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"));
        assert!(note(b">3\r\n$10\r\nssubscribe\r\n$1\r\nb\r\n:1\r\n"));
        assert!(note(b"*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"));
        assert!(note(b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:0\r\n"));
        assert!(!note(b">3\r\n$12\r\nsunsubscribe\r\n$1\r\nb\r\n:0\r\n"));
    }
}
