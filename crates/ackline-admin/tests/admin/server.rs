//! A server in this process, and requests to its admin port.

use ackline_admin::{Address, Client, Value};
use ackline_server::config::Config;
use ackline_server::{Handle, StartError};
use serde_json::Value as Json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long something may take that happens sooner or later.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that runs until the test ends.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) admin: u16,
    thread: Option<JoinHandle<Result<(), StartError>>>,
    _dir: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The error's code.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap().to_owned()
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

/// A port that nobody listens on just now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs a server with these directives until it ends.
pub(crate) fn run(
    args: &[String],
    beside: impl FnOnce(Handle) -> Result<(), String>,
) -> Result<(), StartError> {
    let args: Vec<String> = args.to_vec();
    ackline_server::run(Config::from_args(&args).unwrap(), || 0, beside)
}

/// Directives of a server for tests.
pub(crate) fn args(port: u16, admin: u16, dir: &TempDir, more: &[&str]) -> Vec<String> {
    let dir = dir.path().display().to_string();
    let (port, admin) = (port.to_string(), admin.to_string());
    let fixed = ["--port", &port, "--admin-port", &admin, "--dir", &dir, "--appendfsync", "no"];
    fixed.iter().chain(more).map(|word| (*word).to_owned()).collect()
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::start_with(&[])
    }

    pub(crate) fn start_with(more: &[&str]) -> Server {
        Server::start_beside(more, |_| {})
    }

    /// `loading` is called while the server is still loading, and answers its requests so.
    pub(crate) fn start_beside(more: &[&str], loading: impl FnOnce(u16) + Send + 'static) -> Server {
        let (port, admin, dir) = (free_port(), free_port(), TempDir::new().unwrap());
        let args = args(port, admin, &dir, more);
        let beside = move |handle| {
            ackline_admin::http::serve(handle)?;
            loading(admin);
            Ok(())
        };
        let thread = std::thread::spawn(move || run(&args, beside));
        let server = Server { port, admin, thread: Some(thread), _dir: dir };
        server.until("ready", || connects(admin) && server.send("GET", "/readyz", &[], "").status == 200);
        server
    }

    /// Waits until something is so.
    pub(crate) fn until(&self, what: &str, mut is: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !is() {
            assert!(begin.elapsed() < PATIENCE, "not in time: {what}");
            assert!(!self.thread.as_ref().unwrap().is_finished(), "the server ended");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A connection of the Redis protocol.
    pub(crate) fn client(&self) -> Client {
        Client::connect(&Address::plain("127.0.0.1", self.port), PATIENCE).unwrap()
    }

    /// A command, as words.
    pub(crate) fn call(&self, line: &str) -> Value {
        self.client().call(&line.split(' ').collect::<Vec<_>>()).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", &format!("/api/v1{path}"), &[], "")
    }

    /// What a GET answers that has to succeed.
    pub(crate) fn json(&self, path: &str) -> Json {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.json()
    }

    pub(crate) fn post(&self, path: &str, body: &Json) -> Answer {
        self.send("POST", &format!("/api/v1{path}"), &["Content-Type: application/json"], &body.to_string())
    }

    /// What an action answers that has to succeed.
    pub(crate) fn act(&self, action: &Json) -> Json {
        let answer = self.post("/actions", action);
        assert_eq!(answer.status, 200, "{action}: {answer:?}");
        answer.json()
    }

    /// A request with these lines in its head.
    pub(crate) fn send(&self, method: &str, path: &str, head: &[&str], body: &str) -> Answer {
        send(self.admin, method, path, head, body)
    }

    /// Opens a stream of events.
    pub(crate) fn events(&self, path: &str, head: &[&str]) -> Events {
        let mut stream = connect(self.admin);
        let head: String = head.iter().map(|line| format!("{line}\r\n")).collect();
        write!(stream, "GET /api/v1{path} HTTP/1.1\r\nHost: localhost:{}\r\n{head}\r\n", self.admin).unwrap();
        Events(BufReader::new(stream))
    }
}

fn connects(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// A connection to an admin port.
pub(crate) fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A request to an admin port.
pub(crate) fn send(port: u16, method: &str, path: &str, head: &[&str], body: &str) -> Answer {
    let mut stream = connect(port);
    let host = head.iter().any(|line| line.to_ascii_lowercase().starts_with("host:"));
    let host = if host { String::new() } else { format!("Host: localhost:{port}\r\n") };
    let head: String = head.iter().map(|line| format!("{line}\r\n")).collect();
    let length = format!("Content-Length: {}\r\n", body.len());
    let request = format!("{method} {path} HTTP/1.1\r\n{host}{head}{length}Connection: close\r\n\r\n{body}");
    // It may refuse before it has read everything.
    let _ = stream.write_all(request.as_bytes());
    read(stream)
}

/// Reads an answer that ends with the connection.
pub(crate) fn read(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A reset after the answer is none of our business.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

impl Drop for Server {
    fn drop(&mut self) {
        let handle = self.thread.take().unwrap();
        // Without a reply: the server ends.
        let operator =
            Address { password: Some("sesame".to_owned()), ..Address::plain("127.0.0.1", self.port) };
        let plain = Address::plain("127.0.0.1", self.port);
        for address in [plain, operator] {
            let _ = Client::connect(&address, PATIENCE)
                .and_then(|mut client| client.call(&["SHUTDOWN", "NOSAVE"]));
        }
        let ended = handle.join();
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// Events as they come.
pub(crate) struct Events(BufReader<TcpStream>);

/// One event.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

impl Events {
    /// The next event. Sizes of chunks stand between the lines, and are passed over.
    pub(crate) fn next(&mut self) -> Event {
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the events ended");
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("id", id)) => event.id = id.to_owned(),
                Some(("data", data)) => event.data = data.to_owned(),
                _ if line.is_empty() && !event.data.is_empty() => return event,
                _ => {}
            }
        }
    }

    /// The number in an entry's field `n`.
    pub(crate) fn next_number(&mut self) -> u64 {
        let event = self.next();
        assert_eq!(event.name, "entry");
        let entry: Json = serde_json::from_str(&event.data).unwrap();
        assert_eq!(entry["id"], event.id.as_str());
        entry["fields"][0][1].as_str().unwrap().parse().unwrap()
    }

    /// Whether the other side has ended it.
    pub(crate) fn ends(mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).is_ok()
    }
}
