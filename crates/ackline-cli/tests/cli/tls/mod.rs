//! Encrypted connections to the real binary.
//!
//! [`Secured`] is a server with certificates of its own, [`Authority`] who signs them.

mod abuse;
mod certificates;
mod handshake;
mod traffic;

use crate::process::free_port;
use ackline_admin::client::{Address, Client, Error, Place, Tls};
use ackline_resp::decode_reply::Value;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// So long a test waits before it calls something lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Writes `{file}.pem` with the authority's own certificate.
    fn write(&self, dir: &Path, file: &str) -> PathBuf {
        let path = dir.join(format!("{file}.pem"));
        std::fs::write(&path, self.0.pem()).unwrap();
        path
    }

    /// Writes `{file}.pem` and `{file}.key` for whoever is called `name` and listens on this machine.
    fn sign(&self, name: &str, dir: &Path, file: &str) -> (PathBuf, PathBuf) {
        let hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        let paths = (dir.join(format!("{file}.pem")), dir.join(format!("{file}.key")));
        std::fs::write(&paths.0, certificate.pem()).unwrap();
        std::fs::write(&paths.1, key.serialize_pem()).unwrap();
        paths
    }
}

/// A running server with a port for plain and one for encrypted connections, and files for `alice`, whom it trusts.
struct Secured {
    child: Child,
    dir: tempfile::TempDir,
    authority: Authority,
    port: u16,
    tls_port: u16,
}

impl Secured {
    /// Certificates are asked of clients unless `settings` say otherwise.
    fn start(settings: &[&str]) -> Secured {
        let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new("test authority"));
        authority.write(dir.path(), "ca");
        authority.sign("alice", dir.path(), "alice");
        authority.sign("server", dir.path(), "server");
        let (port, tls_port) = (free_port(), free_port());
        let child = spawn(dir.path(), port, tls_port, settings);
        let mut server = Secured { child, dir, authority, port, tls_port };
        server.wait_for("it is ready", |server| {
            assert!(server.child.try_wait().unwrap().is_none(), "the server ended: {}", server.output());
            server.output().contains("Ready to accept connections tls")
        });
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Trusts the server's authority, shows nothing.
    fn as_nobody(&self) -> Tls {
        Tls { ca: Some(self.path("ca.pem")), ..Tls::default() }
    }

    fn as_alice(&self) -> Tls {
        Tls { identity: Some((self.path("alice.pem"), self.path("alice.key"))), ..self.as_nobody() }
    }

    fn connect(&self, tls: &Tls) -> Result<Client, Error> {
        let place = Place::Tcp("127.0.0.1".to_owned(), self.tls_port);
        let tls = Some(tls.clone());
        let address = Address { place, user: None, password: None, database: 0, tls };
        let mut client = Client::connect(&address, PATIENCE)?;
        client.set_patience(Some(PATIENCE))?;
        Ok(client)
    }

    /// An encrypted connection with a certificate.
    fn client(&self) -> Client {
        self.connect(&self.as_alice()).unwrap()
    }

    /// A connection that is not encrypted.
    fn plain(&self) -> Client {
        let mut client = Client::connect(&Address::plain("127.0.0.1", self.port), PATIENCE).unwrap();
        client.set_patience(Some(PATIENCE)).unwrap();
        client
    }

    /// Why a client is not served.
    fn refusal(&self, tls: &Tls) -> String {
        let outcome = self.connect(tls).and_then(|mut client| client.call(&["PING"]));
        outcome.expect_err("refused").to_string()
    }

    /// What the server said.
    fn output(&self) -> String {
        std::fs::read_to_string(self.path("output")).unwrap()
    }

    /// Waits until something is so.
    fn wait_for(&mut self, what: &str, mut is_so: impl FnMut(&mut Secured) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "never so: {what}; {}", self.output());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The server lives, never panicked, and serves others.
    fn finish(mut self) {
        let mut client = self.client();
        assert_eq!(ask(&mut client, "PING"), "PONG");
        assert!(self.child.try_wait().unwrap().is_none(), "the server lives");
        assert!(!self.output().contains("panicked"), "{}", self.output());
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(dir: &Path, port: u16, tls_port: u16, settings: &[&str]) -> Child {
    let output = std::fs::File::create(dir.join("output")).unwrap();
    let (port, tls_port) = (port.to_string(), tls_port.to_string());
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
    command.args(["serve", "--appendfsync", "no", "--admin-port", "0", "--loglevel", "debug"]);
    command.args(["--port", &port, "--tls-port", &tls_port, "--dir"]).arg(dir.join("data"));
    let files = [("cert-file", "server.pem"), ("key-file", "server.key"), ("ca-cert-file", "ca.pem")];
    for (name, file) in files {
        command.arg(format!("--tls-{name}")).arg(dir.join(file));
    }
    command.args(settings).stdout(output.try_clone().unwrap()).stderr(Stdio::from(output)).spawn().unwrap()
}

/// The reply to a line of words.
fn ask(client: &mut Client, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    match client.call(&words) {
        Ok(value) => text(&value),
        Err(Error::Server(error)) => error,
        Err(error) => panic!("{line}: {error}"),
    }
}

/// A reply as text; of lists the parts, separated by blanks.
fn text(value: &Value) -> String {
    match value {
        Value::Simple(bytes) | Value::Bulk(bytes) | Value::Error(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        Value::Int(number) => number.to_string(),
        Value::Array(parts) | Value::Push(parts) => parts.iter().map(text).collect::<Vec<_>>().join(" "),
        other => format!("{other:?}"),
    }
}

/// A number of INFO.
fn count(client: &mut Client, name: &str) -> u64 {
    let info = ask(client, "INFO everything");
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name} in {info}")).parse().unwrap()
}
