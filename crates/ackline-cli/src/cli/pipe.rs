//! Mass insertion: standard input goes to the server as it is, and the replies are counted.

use super::command::say;
use super::link::Link;
use super::options::Options;
use ackline_admin::client::Client;
use ackline_resp::decode_reply::Value;
use ackline_resp::encode;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Bytes that are on their way at most. Replies are read in between, so that neither side waits for the other.
const CHUNK: usize = 64 * 1024;

/// What has come back.
#[derive(Default)]
struct Tally {
    replies: u64,
    errors: u64,
    /// The reply to what was sent last has come.
    done: bool,
}

/// Sends, counts, reports.
pub(super) fn pipe(options: &Options, link: &mut Link) -> ExitCode {
    if let Err(why) = link.connect() {
        eprintln!("{why}");
        return ExitCode::FAILURE;
    }
    let mut tally = Tally::default();
    let sent = link.client().and_then(|client| transfer(client, options.pipe_timeout, &mut tally));
    match sent {
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
        Ok(()) => {
            let told = say(&format!("errors: {}, replies: {}\n", tally.errors, tally.replies));
            if tally.errors == 0 && told.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

fn transfer(client: &mut Client, timeout: u64, tally: &mut Tally) -> Result<(), String> {
    // Nobody else's reply is this one.
    let mark: Vec<u8> = (0..20).map(|_| fastrand::u8(..)).collect();
    let mut wire = Wire::new(client).map_err(|error| error.to_string())?;
    let mut chunk = vec![0; CHUNK];
    let mut input = io::stdin().lock();
    loop {
        let read = match input.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.map_err(|error| format!("Error reading from stdin: {error}"))?,
        };
        if read == 0 {
            break;
        }
        wire.send(&chunk[..read], &mark, tally)?;
    }
    // The line end closes an inline command that has none.
    let mut last = b"\r\n".to_vec();
    encode::request(&mut last, &[&b"ECHO"[..], &mark]);
    wire.send(&last, &mark, tally)?;
    say("All data transferred. Waiting for the last reply...\n")?;
    wire.wait_for_last(&mark, timeout, tally)
}

/// A connection on which nothing waits, and where to wait for it.
struct Wire<'c> {
    client: &'c mut Client,
    poll: Poll,
    events: Events,
}

impl<'c> Wire<'c> {
    fn new(client: &'c mut Client) -> io::Result<Wire<'c>> {
        client.set_nonblocking(true).map_err(|error| io::Error::other(error.to_string()))?;
        let poll = Poll::new()?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut SourceFd(&client.socket()), Token(0), interest)?;
        Ok(Wire { client, poll, events: Events::with_capacity(4) })
    }

    fn send(&mut self, mut bytes: &[u8], mark: &[u8], tally: &mut Tally) -> Result<(), String> {
        while !bytes.is_empty() {
            let written = self.client.write_some(bytes).map_err(|error| lost(&error.to_string()))?;
            bytes = &bytes[written..];
            let heard = self.count(mark, tally)?;
            if written == 0 && !heard {
                self.wait(None)?;
            }
        }
        while !self.client.flush_some().map_err(|error| lost(&error.to_string()))? {
            if !self.count(mark, tally)? {
                self.wait(None)?;
            }
        }
        Ok(())
    }

    /// Counts what has come; whether there was anything.
    fn count(&mut self, mark: &[u8], tally: &mut Tally) -> Result<bool, String> {
        let read = self.client.read_some();
        while let Some(reply) = self.client.received().map_err(|error| error.to_string())? {
            tally.count(&reply, mark);
        }
        // What came before the end was counted first.
        read.map_err(|error| lost(&error.to_string()))
    }

    fn wait_for_last(&mut self, mark: &[u8], timeout: u64, tally: &mut Tally) -> Result<(), String> {
        let mut heard = Instant::now();
        while !tally.done {
            if self.count(mark, tally)? {
                heard = Instant::now();
                continue;
            }
            let quiet = heard.elapsed();
            if timeout > 0 && quiet >= Duration::from_secs(timeout) {
                eprintln!("No replies for {timeout} seconds: exiting.");
                tally.errors += 1;
                return Ok(());
            }
            self.wait((timeout > 0).then(|| Duration::from_secs(timeout) - quiet))?;
        }
        say("Last reply received from server.\n")
    }

    fn wait(&mut self, most: Option<Duration>) -> Result<(), String> {
        match self.poll.poll(&mut self.events, most) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error.to_string()),
            _ => Ok(()),
        }
    }
}

fn lost(why: &str) -> String {
    format!("Error: {why}")
}

impl Tally {
    fn count(&mut self, reply: &Value, mark: &[u8]) {
        match reply {
            Value::Push(_) => {}
            Value::Bulk(text) if text == mark => self.done = true,
            Value::Error(text) => {
                eprintln!("{}", super::format::harmless(&String::from_utf8_lossy(text)));
                self.replies += 1;
                self.errors += 1;
            }
            _ => self.replies += 1,
        }
    }
}
