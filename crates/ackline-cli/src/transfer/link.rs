//! A connection to one end of a transfer.

use super::value::{bytes, int, into_items, items};
use redis::{
    Cmd, ConnectionAddr, ConnectionInfo, ConnectionLike, ErrorKind, IntoConnectionInfo, ProtocolVersion,
    RedisError, Value, cmd,
};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A key that nobody has. What a server says of it tells which commands and options it knows.
const PROBE: &str = "ackline-import-probe";
/// Errors that the next key would meet as well.
const LASTING: &[&str] =
    &["LOADING", "NOAUTH", "WRONGPASS", "NOPERM", "READONLY", "OOM", "MISCONF", "CLUSTERDOWN"];

/// What stops a transfer.
#[derive(Debug)]
pub(super) enum Error {
    /// All of it.
    Run(String),
    /// One key of it.
    Key(String),
}

impl Error {
    /// What is wrong.
    pub(super) fn text(self) -> String {
        match self {
            Error::Run(text) | Error::Key(text) => text,
        }
    }
}

/// Commands that travel together.
#[derive(Default)]
pub(super) struct Batch {
    packed: Vec<u8>,
    count: usize,
}

impl Batch {
    /// Adds a command.
    pub(super) fn add(&mut self, command: &Cmd) {
        command.write_packed_command(&mut self.packed);
        self.count += 1;
    }
}

/// What not every server has.
#[derive(Clone, Copy)]
pub(super) struct Features {
    /// XNACK: pending entries without an owner.
    pub(super) release: bool,
    /// XSETID .. ENTRIESADDED .. MAXDELETEDID.
    pub(super) counters: bool,
    /// XGROUP SETID .. ENTRIESREAD.
    pub(super) entries_read: bool,
    /// XCFGSET.
    pub(super) idempotence: bool,
    /// XREADGROUP .. CLAIM, and so a list of pending entries by time. Ackline has an index instead.
    pub(super) time_list: bool,
    /// PEXPIRETIME.
    expire_time: bool,
}

/// A connection to one end of a transfer.
pub(super) struct Link {
    connection: redis::Connection,
    /// Address for messages, without a password.
    pub(super) name: String,
    /// The database that its URL names, unless it is 0.
    pub(super) database: Option<i64>,
    /// What the server knows.
    pub(super) has: Features,
}

impl Link {
    /// Connects, authenticates, and finds out what the server knows.
    pub(super) fn open(url: &str) -> Result<Link, Error> {
        let info = parse(url)?;
        let (name, redis) = (info.addr().to_string(), info.redis_settings().clone());
        let database = Some(redis.db()).filter(|database| *database != 0);
        let client = redis::Client::open(
            info.set_redis_settings(redis.set_db(0).set_protocol(ProtocolVersion::RESP2)),
        );
        let connection = client.and_then(|client| client.get_connection_with_timeout(CONNECT_TIMEOUT));
        let connection =
            connection.map_err(|error| Error::Run(format!("cannot connect to {name}: {}", told(&error))))?;
        let has = Features {
            release: false,
            counters: false,
            entries_read: false,
            idempotence: false,
            time_list: false,
            expire_time: false,
        };
        let mut link = Link { connection, name, database, has };
        link.ask(&cmd("PING"))?;
        link.has = link.features()?;
        Ok(link)
    }

    fn features(&mut self) -> Result<Features, Error> {
        let mut batch = Batch::default();
        batch.add(cmd("XNACK").arg(PROBE).arg(&["g", "FAIL", "IDS", "1", "0-1"]));
        batch.add(cmd("XSETID").arg(PROBE).arg(&["0-0", "ENTRIESADDED", "0", "MAXDELETEDID", "0-0"]));
        batch.add(cmd("XGROUP").arg("SETID").arg(PROBE).arg(&["g", "0", "ENTRIESREAD", "0"]));
        batch.add(cmd("XCFGSET").arg(PROBE).arg(&["IDMP-DURATION", "100"]));
        batch.add(cmd("XREADGROUP").arg(&["GROUP", "g", "c", "CLAIM", "0", "STREAMS", PROBE, ">"]));
        batch.add(cmd("PEXPIRETIME").arg(PROBE));
        let known: Vec<bool> = self.ask_all(batch)?.iter().map(knows).collect();
        let [release, counters, entries_read, idempotence, claim, expire_time] = known[..] else {
            return Err(Error::Run(format!("{}: a reply is missing", self.name)));
        };
        let time_list = claim && !self.info("server")?.contains("server_name:ackline");
        Ok(Features { release, counters, entries_read, idempotence, time_list, expire_time })
    }

    /// One command.
    pub(super) fn ask(&mut self, command: &Cmd) -> Result<Value, Error> {
        let reply = self.connection.req_command(command).and_then(Value::extract_error);
        reply.map_err(|error| self.failure(&error))
    }

    /// A batch, with an error in the place of a reply for each command that failed.
    pub(super) fn ask_all(&mut self, batch: Batch) -> Result<Vec<Value>, Error> {
        if batch.count == 0 {
            return Ok(Vec::new());
        }
        let replies = self.connection.req_packed_commands(&batch.packed, 0, batch.count);
        replies.map_err(|error| self.failure(&error))
    }

    /// A batch that has to succeed as a whole.
    pub(super) fn tell(&mut self, batch: Batch) -> Result<(), Error> {
        let replies = self.ask_all(batch)?;
        self.check(replies).map(drop)
    }

    /// A batch under MULTI and EXEC: one state, one moment.
    pub(super) fn ask_at_once(&mut self, batch: Batch) -> Result<Vec<Value>, Error> {
        let mut packed = cmd("MULTI").get_packed_command();
        packed.extend(batch.packed);
        cmd("EXEC").write_packed_command(&mut packed);
        let reply = self.connection.req_packed_commands(&packed, batch.count + 1, 1);
        let mut reply = reply.map_err(|error| self.failure(&error))?;
        let replies = self.check(into_items(reply.pop().unwrap_or(Value::Nil)))?;
        match replies.len() == batch.count {
            true => Ok(replies),
            false => Err(Error::Run(format!("{}: EXEC answered with too little", self.name))),
        }
    }

    fn check(&self, replies: Vec<Value>) -> Result<Vec<Value>, Error> {
        let replies = replies.into_iter().map(Value::extract_error).collect::<Result<_, _>>();
        replies.map_err(|error| self.failure(&error))
    }

    /// What a failed command means for the transfer.
    fn failure(&self, error: &RedisError) -> Error {
        let text = told(error);
        match error.code() {
            None => Error::Run(format!("{}: {text}", self.name)),
            Some(_) if LASTING.iter().any(|code| text.starts_with(code)) => {
                Error::Run(format!("{}: {text}", self.name))
            }
            Some(_) => Error::Key(text),
        }
    }

    /// Chooses a database.
    pub(super) fn select(&mut self, database: i64) -> Result<(), Error> {
        let selected = self.ask(cmd("SELECT").arg(database)).map(drop);
        selected.map_err(|error| match error {
            Error::Key(text) => Error::Run(format!("{}: no database {database}: {text}", self.name)),
            run => run,
        })
    }

    fn info(&mut self, section: &str) -> Result<String, Error> {
        let info = self.ask(cmd("INFO").arg(section))?;
        Ok(String::from_utf8_lossy(bytes(&info)).into_owned())
    }

    /// The databases that have keys, and how many keys they have.
    pub(super) fn databases(&mut self) -> Result<Vec<(i64, u64)>, Error> {
        let info = self.info("keyspace")?;
        let found = info.lines().filter_map(|line| {
            let (name, facts) = line.strip_prefix("db")?.split_once(':')?;
            let keys = facts.split(',').find_map(|fact| fact.strip_prefix("keys="))?;
            Some((name.parse().ok()?, keys.parse().ok()?))
        });
        Ok(found.collect())
    }

    /// One step of SCAN: the keys, and the cursor of the next step.
    pub(super) fn scan(
        &mut self,
        cursor: &[u8],
        pattern: Option<&[u8]>,
    ) -> Result<(Vec<u8>, Vec<Value>), Error> {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("COUNT").arg(500);
        if let Some(pattern) = pattern {
            scan.arg("MATCH").arg(pattern);
        }
        let mut reply = into_items(self.ask(&scan)?).into_iter();
        let next = reply.next().map(|next| bytes(&next).to_vec());
        match (next, reply.next()) {
            (Some(next), Some(keys)) => Ok((next, into_items(keys))),
            _ => Err(Error::Run(format!("{}: SCAN answered with something else", self.name))),
        }
    }

    /// When each key expires, in Unix milliseconds; `None` for never.
    pub(super) fn expiries(&mut self, keys: &[&[u8]]) -> Result<Vec<Option<i64>>, Error> {
        let mut batch = Batch::default();
        batch.add(&cmd("TIME"));
        let ask = if self.has.expire_time { "PEXPIRETIME" } else { "PTTL" };
        keys.iter().for_each(|key| batch.add(cmd(ask).arg(*key)));
        let replies = self.ask_all(batch)?;
        let replies = self.check(replies)?;
        let base = if self.has.expire_time { 0 } else { replies.first().map_or(0, millis) };
        let at = |reply: &Value| int(reply).filter(|ms| *ms >= 0).map(|ms| ms + base);
        Ok(replies.iter().skip(1).map(at).collect())
    }

    /// The server's clock, in Unix milliseconds.
    pub(super) fn now(&mut self) -> Result<i64, Error> {
        Ok(millis(&self.ask(&cmd("TIME"))?))
    }

    /// Whether there is such a key.
    pub(super) fn exists(&mut self, key: &[u8]) -> Result<bool, Error> {
        Ok(int(&self.ask(cmd("EXISTS").arg(key))?) == Some(1))
    }
}

/// A reply of TIME in milliseconds.
pub(super) fn millis(time: &Value) -> i64 {
    match items(time) {
        [seconds, micros] => int(seconds).unwrap_or(0) * 1000 + int(micros).unwrap_or(0) / 1000,
        _ => 0,
    }
}

/// Whether a reply is not a complaint about the command or its options.
fn knows(reply: &Value) -> bool {
    let Value::ServerError(error) = reply else { return true };
    let text = error.details().unwrap_or_default().to_ascii_lowercase();
    !["unknown", "syntax", "wrong number of arguments"].iter().any(|word| text.contains(word))
}

fn parse(url: &str) -> Result<ConnectionInfo, Error> {
    let bad = |why: &str| Error::Run(format!("{}: {why}", without_password(url)));
    if url.starts_with("rediss:") || url.starts_with("valkeys:") {
        return Err(bad("TLS is not supported; use redis:// on a trusted network or through a tunnel"));
    }
    let info = url.into_connection_info();
    let info = info.map_err(|_| {
        bad("not an address; expected redis://[user:password@]host[:port][/db] or unix:///path")
    })?;
    match info.addr() {
        ConnectionAddr::Unix(path) if path.as_os_str().is_empty() => Err(bad("no path")),
        _ => Ok(info),
    }
}

/// A URL as it may be shown.
fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => format!("{}{}", &url[..scheme + 3], &url[at + 1..]),
        (None, Some(at)) => url[at + 1..].to_owned(),
        _ => url.split("?").next().unwrap_or_default().to_owned(),
    }
}

/// An error in the server's or the system's words.
fn told(error: &RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ if error.kind() == ErrorKind::AuthenticationFailed => "wrong user or password".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(without_password("redis://u:secret@host:1/2"), "redis://host:1/2");
        assert_eq!(without_password("u:secret@host"), "host");
        assert_eq!(without_password("unix:///s?pass=secret"), "unix:///s");
        assert_eq!(without_password("host:1"), "host:1");
    }

    #[test]
    fn bad_addresses_are_refused() {
        for url in ["", "host:1", "http://host", "redis://host/x", "rediss://host", "redis://"] {
            assert!(matches!(parse(url), Err(Error::Run(_))), "{url}");
        }
        assert!(parse("redis://user:pass@[::1]:7/3").is_ok());
        assert!(parse("unix:///tmp/socket").is_ok());
    }
}
