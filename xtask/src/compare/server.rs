//! A server that is measured: started on a free port, stopped by its own process.

use super::client::Client;
use super::lab::{Kind, Lab};
use crate::run::free_port;
use std::fs::{File, read_dir, read_to_string};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a start may take, what is read back included.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a reply means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Durability {
    /// Nothing on disk.
    None,
    /// Synced once a second.
    EverySec,
    /// Synced before each reply.
    Always,
}

impl Durability {
    pub(super) fn name(self) -> &'static str {
        match self {
            Durability::None => "none",
            Durability::EverySec => "everysec",
            Durability::Always => "always",
        }
    }
}

/// A server process. It goes with the value.
pub(super) struct Server {
    child: Child,
    pub(super) kind: Kind,
    pub(super) port: u16,
}

impl Server {
    /// Starts it, with what is in the directory, and waits until it answers.
    pub(super) fn start(
        lab: &Lab,
        kind: Kind,
        threads: usize,
        durability: Durability,
        dir: &Path,
    ) -> Result<Server, String> {
        let program = lab.program(kind).ok_or("there is no such program")?;
        let port = free_port()?;
        let text = |error: std::io::Error| format!("{}: {error}", program.display());
        let log = File::create(dir.join("output")).map_err(text)?;
        let mut command = Command::new(program);
        command.args(words(kind, threads, durability)).args(["--port", &port.to_string()]);
        if kind != Kind::Ceiling {
            command.args(["--bind", "127.0.0.1", "--dir"]).arg(dir);
        }
        command.current_dir(dir).stdin(Stdio::null());
        let errors = log.try_clone().map_err(text)?;
        let child = command.stdout(log).stderr(errors).spawn().map_err(text)?;
        let mut server = Server { child, kind, port };
        server.wait(dir)?;
        Ok(server)
    }

    /// Until it answers a PING with something else than that it is loading.
    fn wait(&mut self, dir: &Path) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        while !Client::connect(self.port).is_ok_and(|mut client| client.ask(&["PING"]).is_ok()) {
            let ended = self.child.try_wait().ok().flatten();
            if ended.is_some() || Instant::now() > end {
                let output = read_to_string(dir.join("output")).unwrap_or_default();
                return Err(format!("{} did not start: {}", self.kind.name(), output.trim()));
            }
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    pub(super) fn client(&self) -> Result<Client, String> {
        Client::connect(self.port)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Nanoseconds of processor time that its threads have used, those that are gone aside. It is read with the
    /// server at rest, when the scheduler has counted everything.
    pub(super) fn cpu(&self) -> Result<u64, String> {
        let tasks = format!("/proc/{}/task", self.pid());
        let entries = read_dir(&tasks).map_err(|error| format!("{tasks}: {error}"))?;
        let threads = entries.filter_map(|entry| read_to_string(entry.ok()?.path().join("schedstat")).ok());
        Ok(threads.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok()).sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself. Killed, so that none writes a snapshot that nobody asked for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Its command line apart from port and directory. No rewriting in between: it is measured by itself.
pub(super) fn words(kind: Kind, threads: usize, durability: Durability) -> Vec<String> {
    if kind == Kind::Ceiling {
        return vec!["ceiling".to_owned()];
    }
    let mut line = if kind.is_peer() { String::new() } else { "serve ".to_owned() };
    line += match durability {
        Durability::None => "--appendonly no",
        Durability::EverySec => "--appendonly yes --appendfsync everysec --auto-aof-rewrite-percentage 0",
        Durability::Always => "--appendonly yes --appendfsync always --auto-aof-rewrite-percentage 0",
    };
    line += &format!(" --io-threads {threads} --loglevel warning");
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    if kind.is_peer() {
        words.extend(["--save".to_owned(), String::new()]);
    }
    words
}
