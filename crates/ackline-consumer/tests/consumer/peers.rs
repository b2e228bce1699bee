//! Servers to test against, each a process on a free port of the loopback device with a directory of its own.
//!
//! Ackline is what `ACKLINE_BIN` names, or what was built last into the target directory. `redis-server` and `valkey-server` are
//! looked for in `ACKLINE_PEERS`, `~/.cache/stream-peers/bin` and `PATH`. A test whose server is not there says so and passes,
//! unless `ACKLINE_PEERS_REQUIRED` is set.

#![allow(dead_code, unused_imports, reason = "each test binary uses a part")]

// Paths, because unit tests take this file from elsewhere.
#[path = "peers/cluster.rs"]
mod cluster;
#[path = "peers/raw.rs"]
mod raw;
#[path = "peers/sentinel.rs"]
mod sentinel;
#[path = "peers/tls.rs"]
mod tls;

pub(crate) use cluster::Cluster;
pub(crate) use raw::ask;
pub(crate) use sentinel::{SERVICE, Watched};
pub(crate) use tls::Secured;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take that surely happens.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ackline,
    Redis,
    Valkey,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::Ackline, Kind::Redis, Kind::Valkey];

    /// Where the program is. If it is nowhere, that is said.
    pub(crate) fn program(self) -> Option<PathBuf> {
        let found = match self {
            Kind::Ackline => ackline(),
            Kind::Redis => peer("redis-server"),
            Kind::Valkey => peer("valkey-server"),
        };
        if found.is_none() {
            let what = format!("there is no {self:?} to test against");
            assert!(std::env::var_os("ACKLINE_PEERS_REQUIRED").is_none(), "{what}");
            println!("{what}");
        }
        found
    }
}

fn ackline() -> Option<PathBuf> {
    if let Some(binary) = std::env::var_os("ACKLINE_BIN") {
        return Some(binary.into());
    }
    // This program is target/<profile>/deps/<name>.
    let own = std::env::current_exe().ok()?;
    let target = own.ancestors().nth(3)?;
    let built = ["release", "debug"].map(|profile| target.join(profile).join("ackline"));
    let age = |binary: &PathBuf| binary.metadata().and_then(|meta| meta.modified()).ok();
    built.into_iter().filter(|binary| binary.is_file()).max_by_key(age)
}

fn peer(name: &str) -> Option<PathBuf> {
    let named = std::env::var_os("ACKLINE_PEERS").map(PathBuf::from);
    let cached = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/stream-peers/bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = named.into_iter().chain(cached).chain(std::env::split_paths(&path));
    dirs.map(|dir| dir.join(name)).find(|binary| binary.is_file())
}

/// A port that nothing listens on and that no other test of this run gets.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 12_000 + (std::process::id() % 90) as u16 * 200;
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed) % 200;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Waits until something is so, which it surely will be.
pub(crate) fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is() {
        assert!(Instant::now() < deadline, "still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A running server. It is killed when dropped.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) port: u16,
    dir: TempDir,
    command: Vec<String>,
    running: Option<Running>,
}

/// A shell that runs the server, and kills it as soon as its input ends: however this process ends, the server does too.
struct Running {
    shell: Child,
    pid: u32,
}

const SHELL: &str = r#""$0" "$@" >output 2>&1 & echo $!; read -r _; kill -9 $!; wait"#;

impl Server {
    /// Starts a server, and waits until it answers. Nothing if there is no such program.
    pub(crate) fn start(kind: Kind) -> Option<Server> {
        Server::start_with(kind, &[])
    }

    /// With more arguments. They say where it listens if they begin with `--port`.
    pub(crate) fn start_with(kind: Kind, more: &[&str]) -> Option<Server> {
        Server::start_at(free_port(), kind, more)
    }

    /// At a port where another one was.
    pub(crate) fn start_at(port: u16, kind: Kind, more: &[&str]) -> Option<Server> {
        let program = kind.program()?;
        let dir = tempfile::tempdir().unwrap();
        let mut command = vec![program.to_str().unwrap().to_owned()];
        let number = port.to_string();
        match kind {
            Kind::Ackline => command.extend(["serve", "--dir", "data"].map(str::to_owned)),
            _ => command
                .extend(["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"].map(str::to_owned)),
        }
        let place: &[&str] = if more.first() == Some(&"--port") { &[] } else { &["--port", &number] };
        command.extend(place.iter().chain(more).map(|&word| word.to_owned()));
        Some(Server::run(kind, port, dir, command).ready())
    }

    fn run(kind: Kind, port: u16, dir: TempDir, command: Vec<String>) -> Server {
        let mut server = Server { kind, port, dir, command, running: None };
        server.spawn();
        server
    }

    fn spawn(&mut self) {
        let mut shell = Command::new("sh")
            .args(["-c", SHELL])
            .args(&self.command)
            .current_dir(self.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.running = Some(Running { shell, pid: line.trim().parse().unwrap() });
    }

    /// Waits until it answers.
    fn ready(self) -> Server {
        self.wait();
        self
    }

    fn wait(&self) {
        let deadline = Instant::now() + DEADLINE;
        while !self.answers() {
            assert!(Instant::now() < deadline, "{:?} does not answer:\n{}", self.kind, self.output());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        ask(self.port, &["PING"]).is_ok_and(|answer| answer == "PONG" || answer.starts_with("-NOAUTH"))
    }

    /// What it has printed.
    pub(crate) fn output(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("output")).unwrap_or_default()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs a command over a connection of its own. Arrays are lines.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        ask(self.port, words).unwrap()
    }

    /// SIGKILL.
    pub(crate) fn kill9(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.shell.stdin.take());
            running.shell.wait().unwrap();
        }
    }

    /// Starts it again, at the same port and in the same directory.
    pub(crate) fn restart(&mut self) {
        self.kill9();
        self.spawn();
        self.wait();
    }

    /// Stops it without closing its connections, as if the network had gone.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.running.as_ref().expect("it is running").pid.to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
    }
}
