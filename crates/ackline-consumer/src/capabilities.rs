//! What a server can do, found by asking it.

use crate::error::{Result, ServerError};
use crate::store::{Command, Store, Value};
use std::fmt;

/// A group that nobody has: what is asked about it changes nothing.
const NO_GROUP: &str = "ackline-consumer:no-such-group";
/// An entry that nobody has.
const NO_ENTRY: &str = "0-0";

/// What the server of a stream can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Entries can be handed back: XNACK.
    pub(crate) xnack: bool,
    /// Reading claims what others left: XREADGROUP with CLAIM.
    pub(crate) claim: bool,
    /// Acknowledging and deleting are one step: XACKDEL.
    pub(crate) xackdel: bool,
    /// Entries can be added once only: XADD with IDMP.
    pub(crate) idmp: bool,
    pub(crate) server: Server,
}

/// Who a server says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) version: String,
}

/// What kind of server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    Ackline,
    Redis,
    Valkey,
    /// Another one, or one that does not say.
    #[default]
    Other,
}

impl Capabilities {
    /// Asks in one round trip. Nothing is changed, whether the stream is there or not.
    pub(crate) async fn of(store: &Store, stream: &str) -> Result<Capabilities> {
        let answers = store.pipeline(questions(stream)).await?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or(Value::Nil);
        let (xnack, claim, xackdel, idmp, info) = (next(), next(), next(), next(), next());
        Ok(Capabilities {
            xnack: is_known(xnack)?,
            claim: is_known(claim)?,
            xackdel: is_known(xackdel)?,
            idmp: knows_idmp(idmp)?,
            server: info.text().map(Server::of_info).unwrap_or_default(),
        })
    }
}

/// Commands that are not used even where they are known, so that what stands in for them can be tested on a server that has
/// everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[doc(hidden)]
pub struct Without {
    pub xnack: bool,
    pub claim: bool,
    pub xackdel: bool,
}

impl Without {
    /// What is left of what a server can do.
    pub(crate) fn of(self, all: Capabilities) -> Capabilities {
        Capabilities {
            xnack: all.xnack && !self.xnack,
            claim: all.claim && !self.claim,
            xackdel: all.xackdel && !self.xackdel,
            ..all
        }
    }
}

fn questions(stream: &str) -> Vec<Command> {
    let ids = |command: Command| command.arg("IDS").int(1).arg(NO_ENTRY);
    let read = Command::new("XREADGROUP").arg("GROUP").arg(NO_GROUP).arg("nobody");
    vec![
        ids(Command::new("XNACK").key(stream).arg(NO_GROUP).arg("SILENT")),
        read.arg("COUNT").int(1).arg("CLAIM").int(1).arg("STREAMS").key(stream).arg(">"),
        ids(Command::new("XACKDEL").key(stream).arg(NO_GROUP).arg("KEEPREF")),
        // The ID 0-0 is refused by everybody; those who know IDMP complain of something else first.
        Command::new("XADD")
            .key(stream)
            .arg("NOMKSTREAM")
            .arg("IDMP")
            .arg("p")
            .arg("i")
            .arg(NO_ENTRY)
            .arg("f")
            .arg("v"),
        Command::new("INFO").arg("server"),
    ]
}

/// Whether the server got as far as looking for the group. A server that is not ready tells nothing about what it can do,
/// nor does one where the key is no stream.
fn is_known(answer: Value) -> Result<bool> {
    let Value::Error(error) = answer else { return Ok(true) };
    match error.code() {
        "NOGROUP" => Ok(true),
        _ => is_unknown(error),
    }
}

fn knows_idmp(answer: Value) -> Result<bool> {
    match answer {
        Value::Error(error) if error.text().contains("IDMP") => Ok(!error.is_unknown_command()),
        Value::Error(error) => is_unknown(error),
        _ => Ok(false),
    }
}

/// That something is not known: a command, a word of its syntax, or that it is not allowed, which comes to the same.
fn is_unknown(error: ServerError) -> Result<bool> {
    match error.code() {
        "ERR" | "NOPERM" => Ok(false),
        _ => Err(error.into()),
    }
}

impl Server {
    /// What INFO says. Those who are compatible give the version of what they are compatible with, and their own.
    fn of_info(info: &str) -> Server {
        let value = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kinds = [
            ("ackline_version", Kind::Ackline),
            ("valkey_version", Kind::Valkey),
            ("redis_version", Kind::Redis),
        ];
        let found = kinds.into_iter().find_map(|(name, kind)| Some((value(name)?, kind)));
        let Some((version, kind)) = found else { return Server::default() };
        let known = ["ackline", "valkey", "redis"];
        match value("server_name") {
            Some(name) if !known.contains(&name) => Server { kind: Kind::Other, version: String::new() },
            _ => Server { kind, version: version.trim().to_owned() },
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            Kind::Ackline => "Ackline",
            Kind::Redis => "Redis",
            Kind::Valkey => "Valkey",
            Kind::Other => return f.write_str("another server"),
        };
        write!(f, "{name} {}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_it_is() {
        for (info, want) in [
            ("# Server\r\nredis_version:8.6.3\r\nos:Linux\r\n", "Redis 8.6.3"),
            ("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n", "Valkey 9.1.2"),
            ("redis_version:8.10.0\r\nserver_name:ackline\r\nackline_version:0.1.0\r\n", "Ackline 0.1.0"),
            (
                "redis_version:7.4.0\r\ndragonfly_version:df-1.2\r\nserver_name:dragonfly\r\n",
                "another server",
            ),
            ("", "another server"),
        ] {
            assert_eq!(Server::of_info(info).to_string(), want);
        }
    }

    #[test]
    fn what_errors_mean() {
        let error = |text: &str| Value::Error(ServerError::new(text));
        assert!(is_known(error("NOGROUP No such key")).unwrap());
        assert!(is_known(Value::Array(vec![Value::Int(-1)])).unwrap());
        for text in ["ERR unknown command 'XNACK'", "ERR syntax error", "NOPERM no permission"] {
            assert!(!is_known(error(text)).unwrap(), "{text}");
            assert!(!knows_idmp(error(text)).unwrap(), "{text}");
        }
        assert!(is_known(error("LOADING in memory")).unwrap_err().is_transient());
        assert!(!is_known(error("WRONGTYPE no stream")).unwrap_err().is_transient());
        assert!(knows_idmp(error("ERR syntax error, IDMP/IDMPAUTO can be used only with ..")).unwrap());
        assert!(!knows_idmp(error("ERR unknown command 'XADD', with args: 'IDMP'")).unwrap());
    }
}
