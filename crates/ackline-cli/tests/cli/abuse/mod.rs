//! Clients that misbehave. Whatever they do: an error of Redis's wording or the end of their connection, no more memory
//! than a share of what they sent, other clients served, the data as it was, and no panic.
//!
//! [`Target`] is a server to be abused, [`Raw`] a connection to it. Every test ends with [`Target::finish`].

mod blocked;
mod crowd;
mod long;
mod malformed;
mod names;
mod slow;
mod transactions;

use crate::process::free_port;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// So long a test waits before it calls something lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server with a directory of its own.
pub(crate) struct Target {
    child: Child,
    dir: tempfile::TempDir,
    port: u16,
    password: bool,
}

impl Target {
    pub(crate) fn start() -> Target {
        Target::with(&[])
    }

    /// With more settings.
    pub(crate) fn with(settings: &[&str]) -> Target {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = spawn(&dir, port, settings);
        let mut target = Target { child, dir, port, password: settings.contains(&"--requirepass") };
        target.wait_until_it_answers();
        target
    }

    fn wait_until_it_answers(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.answers() {
            assert!(self.child.try_wait().unwrap().is_none(), "the server ended: {}", self.output());
            assert!(Instant::now() < deadline, "the server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// It listens, and has loaded what there is.
    fn answers(&self) -> bool {
        let asked = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let login = if self.password { "AUTH secret\r\n" } else { "" };
            stream.write_all(format!("{login}PING\r\nQUIT\r\n").as_bytes())?;
            let mut said = String::new();
            stream.read_to_string(&mut said)?;
            std::io::Result::Ok(said)
        };
        asked().is_ok_and(|said| said.ends_with("+PONG\r\n+OK\r\n"))
    }

    /// A connection, authenticated if the server wants that (the password is `secret`).
    pub(crate) fn client(&self) -> Raw {
        let mut raw = self.stranger();
        if self.password {
            assert_eq!(raw.ask("AUTH secret"), "+OK");
        }
        raw
    }

    /// A connection and nothing more.
    pub(crate) fn stranger(&self) -> Raw {
        Raw::over(TcpStream::connect(("127.0.0.1", self.port)).unwrap())
    }

    /// The most that the server ever held, MiB.
    pub(crate) fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the server said, panics included.
    fn output(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.dir.path().join("output")).unwrap()).into_owned()
    }

    pub(crate) fn digest(&self) -> String {
        self.client().ask("DEBUG DIGEST")
    }

    /// Somebody else is served: a PING and a write, which is taken back.
    pub(crate) fn serves_others(&self) {
        let mut other = self.client();
        assert_eq!(other.ask("PING"), "+PONG");
        assert_eq!(other.ask("XADD witness 1-1 a b"), "1-1");
        assert_eq!(other.ask("DEL witness"), ":1");
    }

    /// Waits until one connection alone is left, or as many as given.
    pub(crate) fn wait_for_clients(&self, count: usize) {
        wait_for(&mut self.client(), "clients", &format!("connected_clients:{count}\r"));
    }

    /// The server lives, never panicked, and has the same data after SIGKILL.
    pub(crate) fn finish(mut self) {
        self.serves_others();
        let digest = self.digest();
        assert!(self.child.try_wait().unwrap().is_none(), "the server lives");
        self.kill();
        assert!(!self.output().contains("panicked"), "{}", self.output());
        let settings: &[&str] = if self.password { &["--requirepass", "secret"] } else { &[] };
        self.child = spawn(&self.dir, self.port, settings);
        self.wait_until_it_answers();
        assert_eq!(self.digest(), digest, "what was there before SIGKILL is there after it");
        assert!(!self.output().contains("panicked"), "{}", self.output());
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(dir: &tempfile::TempDir, port: u16, settings: &[&str]) -> Child {
    let output = std::fs::File::create(dir.path().join("output")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_ackline"))
        .args(["serve", "--enable-debug-command", "yes", "--appendfsync", "no", "--port", &port.to_string()])
        .arg("--dir")
        .arg(dir.path().join("data"))
        .args(settings)
        .stdout(Stdio::from(output.try_clone().unwrap()))
        .stderr(Stdio::from(output))
        .spawn()
        .unwrap()
}

/// Waits until a section of INFO has a line.
pub(crate) fn wait_for(client: &mut Raw, section: &str, line: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let info = client.ask(&format!("INFO {section}"));
        if info.contains(line) {
            return;
        }
        assert!(Instant::now() < deadline, "no {line} in {info}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A connection over which any bytes can be sent.
pub(crate) struct Raw {
    stream: BufReader<TcpStream>,
}

impl Raw {
    fn over(stream: TcpStream) -> Raw {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Raw { stream: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_ref().write_all(bytes).unwrap();
    }

    /// Has nothing more to say.
    pub(crate) fn hang_up(&mut self) {
        self.stream.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// Sends what the server may refuse to take; false if it closed meanwhile.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        self.stream.get_ref().write_all(bytes).is_ok()
    }

    /// The reply to a line of words.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(&request(line));
        self.reply()
    }

    /// The replies to commands separated by `|`.
    pub(crate) fn ask_each(&mut self, lines: &str) -> Vec<String> {
        lines.split('|').map(|line| self.ask(line.trim())).collect()
    }

    /// The replies stand where they should: what is asked now is what is answered now.
    pub(crate) fn is_in_sync(&mut self) {
        assert_eq!(self.ask("ECHO marker-7f3a"), "marker-7f3a");
    }

    /// One reply as text: `+OK`, `-ERR ..`, `:1`, a bulk as it is, `nil`, `[a b]`, `{a b}`.
    pub(crate) fn reply(&mut self) -> String {
        let line = self.line();
        let number = || line[1..].parse::<i64>().unwrap();
        match line.as_bytes()[0] {
            b'+' | b'-' | b':' | b',' | b'#' => line,
            b'_' => "nil".into(),
            b'$' | b'=' | b'*' | b'~' | b'>' | b'%' if number() < 0 => "nil".into(),
            b'$' | b'=' => self.bulk(number() as usize),
            b'*' | b'~' | b'>' => format!("[{}]", self.replies(number() as usize).join(" ")),
            b'%' => format!("{{{}}}", self.replies(number() as usize * 2).join(" ")),
            _ => panic!("no reply begins like {line:?}"),
        }
    }

    /// So many replies.
    pub(crate) fn replies(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.reply()).collect()
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).unwrap();
        assert!(line.ends_with(b"\r\n"), "the connection ended within {:?}", String::from_utf8_lossy(&line));
        line.truncate(line.len() - 2);
        String::from_utf8_lossy(&line).into_owned()
    }

    fn bulk(&mut self, len: usize) -> String {
        let mut bytes = vec![0; len + 2];
        self.stream.read_exact(&mut bytes).unwrap();
        assert!(bytes.ends_with(b"\r\n"), "a bulk has the length that it says");
        bytes.truncate(len);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => {
                panic!("the server did not close: {error}, after {}", String::from_utf8_lossy(&bytes))
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// A line of words as a request.
pub(crate) fn request(line: &str) -> Vec<u8> {
    encode(&line.split(' ').map(str::as_bytes).collect::<Vec<_>>())
}

/// Words as a request.
pub(crate) fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
