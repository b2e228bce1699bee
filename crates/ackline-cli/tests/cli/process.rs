//! A server process of one's own.

use redis::Connection;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// A port that nothing listens on and that no other test of this run gets. The system's own choice comes from the ports
/// that thousands of outgoing connections use at the same time.
pub(crate) fn free_port() -> u16 {
    /// More than all tests ask for: a server that starts again must find its port free.
    const PORTS: u32 = 1000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 10_000 + (std::process::id() % (22_000 / PORTS)) as u16 * PORTS as u16;
    loop {
        let port = start + NEXT.fetch_add(1, Ordering::Relaxed) % PORTS as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A running server; it is killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    /// Starts a server on a free port and waits until it answers.
    pub(crate) fn start(dir: &Path, more: &[&str]) -> Server {
        Server::start_at(free_port(), dir, more)
    }

    /// Starts one where this one was, which has ended.
    pub(crate) fn start_again(&mut self, dir: &Path) {
        *self = Server::start_at(self.port, dir, &[]);
    }

    fn start_at(port: u16, dir: &Path, more: &[&str]) -> Server {
        let child = Command::new(env!("CARGO_BIN_EXE_ackline"))
            .args(["serve", "--port", &port.to_string(), "--dir"])
            .arg(dir)
            .args(more)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Server { child, port };
        let deadline = Instant::now() + Duration::from_secs(30);
        while !server.answers() {
            assert!(server.child.try_wait().unwrap().is_none(), "the server ended");
            assert!(Instant::now() < deadline, "the server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Whether it is done with loading.
    fn answers(&self) -> bool {
        let pong = |mut connection: Connection| redis::cmd("PING").query::<String>(&mut connection).ok();
        self.try_connect(2).and_then(pong).is_some()
    }

    pub(crate) fn try_connect(&self, protocol: u8) -> Option<Connection> {
        let url = format!(
            "redis://127.0.0.1:{}/?protocol={}",
            self.port,
            if protocol == 3 { "resp3" } else { "resp2" }
        );
        redis::Client::open(url).unwrap().get_connection_with_timeout(Duration::from_secs(5)).ok()
    }

    pub(crate) fn connect(&self, protocol: u8) -> Connection {
        self.try_connect(protocol).expect("the server accepts connections")
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
