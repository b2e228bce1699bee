//! Configuration over the real binary: files, the environment, being called `redis-server`, service managers, logs.

mod files;
mod logs;
mod redis_server;
mod supervised;

use crate::process::free_port;
use redis::Connection;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);

/// A directory to run in, and a port.
struct Place {
    dir: tempfile::TempDir,
    port: u16,
}

/// A server that a test started by its own words; it is killed when dropped.
struct Running {
    child: Child,
    port: u16,
}

impl Place {
    fn new() -> Place {
        Place { dir: tempfile::tempdir().unwrap(), port: free_port() }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// The binary, to be started in the directory. Its port comes in the environment, so that a test may override it.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.dir).env("ACKLINE_PORT", self.port.to_string());
        command.env("ACKLINE_ADMIN_PORT", "0").stdin(Stdio::null());
        command
    }

    fn serve(&self, words: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_ackline"));
        command.arg("serve").args(words);
        command
    }

    /// Starts it and waits until it answers.
    fn start(&self, mut command: Command) -> Running {
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let mut running = Running { child, port: self.port };
        wait_until("the server answers", || {
            assert!(running.child.try_wait().unwrap().is_none(), "the server ended");
            running.try_connect().is_some_and(|mut connection| is_up(&ask(&mut connection, &["PING"])))
        });
        running
    }
}

impl Running {
    fn try_connect(&self) -> Option<Connection> {
        let url = format!("redis://127.0.0.1:{}/", self.port);
        redis::Client::open(url).unwrap().get_connection_with_timeout(Duration::from_secs(5)).ok()
    }

    fn run(&self, words: &[&str]) -> redis::RedisResult<redis::Value> {
        ask(&mut self.try_connect().unwrap(), words)
    }

    fn text(&self, words: &[&str]) -> String {
        redis::from_redis_value(self.run(words).unwrap()).unwrap()
    }

    /// The value of one parameter.
    fn parameter(&self, name: &str) -> String {
        let pair: Vec<String> = redis::from_redis_value(self.run(&["CONFIG", "GET", name]).unwrap()).unwrap();
        pair[1].clone()
    }

    /// Sends a signal.
    fn signal(&self, name: &str) {
        let kill = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for its end.
    fn ended(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the server ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    fn stop(&mut self) {
        self.signal("TERM");
        assert!(self.ended().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(connection: &mut Connection, words: &[&str]) -> redis::RedisResult<redis::Value> {
    redis::cmd(words[0]).arg(&words[1..]).query(connection)
}

/// A server that asks for a password is up, too.
fn is_up(answer: &redis::RedisResult<redis::Value>) -> bool {
    answer.as_ref().map_or_else(|error| error.code() == Some("NOAUTH"), |_| true)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a command that must fail says on its standard error.
fn refusal(mut command: Command) -> String {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(!child.wait().unwrap().success(), "{text}");
    text
}

/// The binary under another name.
fn called(place: &Place, name: &str) -> String {
    let path = place.path(name);
    std::os::unix::fs::symlink(Path::new(env!("CARGO_BIN_EXE_ackline")), &path).unwrap();
    path
}
