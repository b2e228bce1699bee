//! Making connections.

use super::convert;
use crate::error::{Error, Result, ServerError};
use crate::store::{Command, Value};
use crate::target::{Host, Login, Tls};
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{AsyncConnectionConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long a connection is silent before the system asks whether the other side is still there, and between questions.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_EACH: Duration = Duration::from_secs(5);

/// Where one server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Host(Host),
    Socket(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Host(host) => host.fmt(f),
            Address::Socket(path) => path.display().fmt(f),
        }
    }
}

/// A connection that is ready for commands.
pub(super) struct Live {
    connection: MultiplexedConnection,
    pub(super) address: Address,
    /// Our number over there, if it tells.
    pub(super) client_id: Option<i64>,
    /// When the server said something last.
    heard: Mutex<Instant>,
}

impl Live {
    /// Sends commands and gives their answers. After an error the connection is good for nothing.
    pub(super) async fn run(&self, commands: &[Command], patience: Duration) -> Result<Vec<Value>> {
        let mut connection = self.connection.clone();
        let sent = async {
            if let [one] = commands {
                return Ok(vec![connection.send_packed_command(&convert::command(one)).await?]);
            }
            connection.send_packed_commands(&convert::pipeline(commands), 0, commands.len()).await
        };
        match tokio::time::timeout(patience, sent).await {
            Ok(Ok(values)) => {
                *self.heard.lock() = Instant::now();
                let answer = |(command, value)| convert::answer(command, value);
                Ok(commands.iter().zip(values).map(answer).collect())
            }
            Ok(Err(error)) => Err(self.broken(error)),
            Err(_) => Err(self.broken(format_args!("no answer within {patience:?}"))),
        }
    }

    /// Whether the other side is still there. Servers, proxies and networks drop connections that are idle, some without a
    /// word: to notice before a command is sent spares its sender not to know what became of it.
    pub(super) async fn is_sound(&self, patience: Duration) -> bool {
        let idle = self.heard.lock().elapsed();
        idle < patience || self.run(&[Command::new("PING")], patience).await.is_ok()
    }

    pub(super) fn broken(&self, reason: impl fmt::Display) -> Error {
        broken(&self.address, reason)
    }
}

fn broken(peer: &Address, reason: impl fmt::Display) -> Error {
    Error::Connection { peer: peer.to_string(), reason: reason.to_string() }
}

/// Makes connections to servers that want the same login.
pub(super) struct Dialer {
    login: Login,
    database: u32,
    tls: Option<Tls>,
    pub(super) patience: Duration,
}

impl Dialer {
    pub(super) fn new(login: Login, database: u32, tls: Option<Tls>, patience: Duration) -> Dialer {
        Dialer { login, database, tls, patience }
    }

    /// The same for sentinels, which have a login of their own and no databases.
    pub(super) fn of_sentinels(&self, login: Login) -> Dialer {
        Dialer { login, database: 0, tls: self.tls.clone(), patience: self.patience }
    }

    /// Whether the certificates can be read.
    pub(super) fn check(&self) -> Result<(), String> {
        let host = Host { name: "localhost".to_owned(), port: 1 };
        self.info(&Address::Host(host)).map(drop)
    }

    /// Connects and introduces us: login, database, our name. Also asks for what `last` says, and gives the answer.
    pub(super) async fn dial(&self, address: &Address, last: Command) -> Result<(Live, Value)> {
        let info = self.info(address).map_err(|reason| broken(address, reason))?;
        let client = redis::Client::open(info).map_err(|error| broken(address, error))?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            // Each call knows how long it may take.
            .set_response_timeout(None);
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        let connection = connection.map_err(|error| broken(address, error))?;
        let heard = Mutex::new(Instant::now());
        let mut live = Live { connection, address: address.clone(), client_id: None, heard };
        let greeting = self.greeting(last);
        let answers = live.run(&greeting, self.patience).await?;
        let last = self.greeted(&mut live, &greeting, answers)?;
        Ok((live, last))
    }

    fn greeting(&self, last: Command) -> Vec<Command> {
        let mut all = Vec::with_capacity(7);
        if let Some(password) = &self.login.password {
            let auth = Command::new("AUTH");
            let auth = self.login.user.iter().fold(auth, Command::arg);
            all.push(auth.arg(&password.0));
        }
        if self.database != 0 {
            all.push(Command::new("SELECT").int(self.database));
        }
        let client = |what| Command::new("CLIENT").arg(what);
        all.push(client("SETNAME").arg(NAME));
        all.push(client("SETINFO").arg("LIB-NAME").arg(NAME));
        all.push(client("SETINFO").arg("LIB-VER").arg(VERSION));
        all.push(client("ID"));
        all.push(last);
        all
    }

    /// Without login and database there is no going on. The other things a server may not know, or not allow.
    fn greeted(&self, live: &mut Live, greeting: &[Command], mut answers: Vec<Value>) -> Result<Value> {
        let last = answers.pop().unwrap_or(Value::Nil);
        for (command, answer) in greeting.iter().zip(&answers) {
            if let Value::Error(error) = answer
                && (["AUTH", "SELECT"].contains(&command.name()) || is_turned_away(error))
            {
                return Err(if is_turned_away(error) { live.broken(error) } else { error.clone().into() });
            }
        }
        live.client_id = answers.last().and_then(Value::int);
        Ok(last)
    }

    /// What redis-rs wants to know. It is told of no login: its messages would say less than the server does.
    fn info(&self, address: &Address) -> Result<ConnectionInfo, String> {
        let addr = match (address, &self.tls) {
            (Address::Socket(path), _) => ConnectionAddr::Unix(path.clone()),
            (Address::Host(host), None) => ConnectionAddr::Tcp(host.name.clone(), host.port),
            (Address::Host(host), Some(tls)) => secured(host, tls)?,
        };
        let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_EACH);
        let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
        let info = addr.into_connection_info().map_err(|error| error.to_string())?;
        Ok(info
            .set_tcp_settings(tcp)
            .set_redis_settings(RedisConnectionInfo::default().set_skip_set_lib_name()))
    }
}

/// A server with too many clients says so to the first command, whatever that is, and hangs up.
fn is_turned_away(error: &ServerError) -> bool {
    error.text().starts_with("ERR max number of clients")
}

/// Certificates are read each time, as they may be renewed while the program runs.
fn secured(host: &Host, tls: &Tls) -> Result<ConnectionAddr, String> {
    // rustls is to be told once whose cryptography it uses; a program that has told it already is left alone.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let client_tls = match &tls.identity {
        None => None,
        Some((cert, key)) => {
            Some(redis::ClientTlsConfig { client_cert: read(cert)?, client_key: read(key)? })
        }
    };
    let root_cert = tls.ca.as_deref().map(read).transpose()?;
    let addr = ConnectionAddr::TcpTls {
        host: host.name.clone(),
        port: host.port,
        insecure: tls.insecure,
        tls_params: None,
    };
    let client = redis::Client::build_with_tls(addr, redis::TlsCertificates { client_tls, root_cert });
    Ok(client.map_err(|error| format!("certificates: {error}"))?.get_connection_info().addr().clone())
}
