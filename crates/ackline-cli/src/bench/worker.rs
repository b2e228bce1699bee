//! One thread's connections and the event loop that drives them.
//!
//! What it costs is measured against what a server costs, so: a batch is one write, what comes is read into one buffer that
//! stays in the cache, replies are scanned where they lie, and the clock is read once a batch and once a read.

use super::control::Control;
use super::plan::Plan;
use super::reply::{Reply, Scanner};
use super::socket::EventSocket;
use super::tally::Tally;
use super::workload::Workload;
use mio::{Events, Poll, Token};
use std::io;
use std::mem;
use std::time::{Duration, Instant};

/// Room for what one read may bring.
const INPUT: usize = 256 << 10;
/// How long a server may say nothing at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
struct Link {
    socket: EventSocket,
    scanner: Scanner,
    /// The beginning of a reply.
    partial: Vec<u8>,
    /// What the system did not take yet.
    unsent: Vec<u8>,
    /// Replies to come.
    waiting: usize,
    /// When the batch was sent that they answer.
    since: Instant,
}

/// One thread's work.
pub(super) struct Worker<'a> {
    name: String,
    poll: Poll,
    links: Vec<Link>,
    workload: Box<dyn Workload + 'a>,
    /// Connections that send next, the last first.
    wake: Vec<usize>,
    /// Connections that have replies to come.
    busy: usize,
    input: Vec<u8>,
    output: Vec<u8>,
    tally: Tally,
}

impl<'a> Worker<'a> {
    /// Connects; `first` is the number of the first of `count` connections among those of all threads.
    pub(super) fn connect(plan: &'a Plan<'a>, first: u64, count: u64) -> Result<Worker<'a>, String> {
        let address = plan.settings.address()?;
        let poll = Poll::new().map_err(|error| format!("no event loop: {error}"))?;
        let mut links = Vec::new();
        for token in 0..count as usize {
            let mut socket = Control::open(&address)?.into_event()?;
            let registered = socket.register(poll.registry(), Token(token));
            registered.map_err(|error| format!("no event loop: {error}"))?;
            links.push(Link::new(socket));
        }
        Ok(Worker {
            name: address.name(),
            poll,
            links,
            workload: super::workload::make(plan, first, count as usize),
            wake: Vec::new(),
            busy: 0,
            input: vec![0; INPUT],
            output: Vec::new(),
            tally: Tally::new(),
        })
    }

    /// Works until the budget is used up and everything sent is answered.
    pub(super) fn round(&mut self) -> Result<Tally, String> {
        self.tally = Tally::new();
        self.wake = (0..self.links.len()).collect();
        let mut events = Events::with_capacity(1024);
        loop {
            self.send_all()?;
            if self.workload.finished(self.busy) {
                return Ok(mem::replace(&mut self.tally, Tally::new()));
            }
            self.wait(&mut events)?;
            for event in &events {
                let Token(link) = event.token();
                if event.is_writable() {
                    self.flush(link)?;
                }
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.receive(link, event.is_read_closed())?;
                }
                // At once, so that the server has work while the other replies are read.
                self.send_all()?;
            }
        }
    }

    fn wait(&mut self, events: &mut Events) -> Result<(), String> {
        match self.poll.poll(events, Some(PATIENCE)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(format!("no event loop: {error}")),
            Ok(()) if events.is_empty() => {
                Err(format!("{} has not answered for {} seconds", self.name, PATIENCE.as_secs()))
            }
            Ok(()) => Ok(()),
        }
    }

    fn send_all(&mut self) -> Result<(), String> {
        while let Some(link) = self.wake.pop() {
            self.send(link)?;
        }
        Ok(())
    }

    fn send(&mut self, at: usize) -> Result<(), String> {
        self.output.clear();
        let replies = self.workload.fill(at, &mut self.output);
        if replies == 0 {
            return Ok(());
        }
        let link = &mut self.links[at];
        link.waiting = replies;
        link.since = Instant::now();
        self.busy += 1;
        let mut sent = 0;
        while sent < self.output.len() {
            match link.socket.write(&self.output[sent..]) {
                Ok(Some(taken)) => sent += taken,
                Ok(None) => {
                    link.unsent.extend_from_slice(&self.output[sent..]);
                    return self.watch_room(at, true);
                }
                Err(error) => return Err(self.lost(&error)),
            }
        }
        Ok(())
    }

    /// There is room again for what was not taken.
    fn flush(&mut self, at: usize) -> Result<(), String> {
        let link = &mut self.links[at];
        if link.unsent.is_empty() {
            return Ok(());
        }
        let mut sent = 0;
        while sent < link.unsent.len() {
            match link.socket.write(&link.unsent[sent..]) {
                Ok(Some(taken)) => sent += taken,
                Ok(None) => {
                    link.unsent.drain(..sent);
                    return Ok(());
                }
                Err(error) => return Err(self.lost(&error)),
            }
        }
        link.unsent.clear();
        self.watch_room(at, false)
    }

    fn watch_room(&mut self, at: usize, room: bool) -> Result<(), String> {
        let watched = self.links[at].socket.watch_room(self.poll.registry(), Token(at), room);
        watched.map_err(|error| self.lost(&error))
    }

    /// Reads what there is. A read that does not fill the buffer took all: more than that is another event.
    fn receive(&mut self, at: usize, closed: bool) -> Result<(), String> {
        loop {
            let come = match self.links[at].socket.read(&mut self.input) {
                Ok(Some(0)) => return Err(self.lost(&io::Error::other("the server closed it"))),
                Ok(Some(come)) => come,
                Ok(None) => return Ok(()),
                Err(error) => return Err(self.lost(&error)),
            };
            let input = mem::take(&mut self.input);
            let done = self.take(at, &input[..come]);
            self.input = input;
            done?;
            if come < INPUT && !closed {
                return Ok(());
            }
        }
    }

    /// Scans what has come, together with what came before.
    fn take(&mut self, at: usize, come: &[u8]) -> Result<(), String> {
        if self.links[at].partial.is_empty() {
            let used = self.scan(at, come)?;
            self.links[at].partial.extend_from_slice(&come[used..]);
            return Ok(());
        }
        let mut all = mem::take(&mut self.links[at].partial);
        all.extend_from_slice(come);
        let used = self.scan(at, &all)?;
        all.drain(..used);
        self.links[at].partial = all;
        Ok(())
    }

    /// Takes the replies that are whole: how many bytes they are.
    fn scan(&mut self, at: usize, bytes: &[u8]) -> Result<usize, String> {
        let now = Instant::now();
        let (mut used, mut operations) = (0, 0);
        while used < bytes.len() {
            let end = self.links[at].scanner.end(&bytes[used..]).map_err(|error| error.to_string())?;
            let Some(end) = end else { break };
            operations += self.reply(at, Reply(&bytes[used..used + end]))?;
            used += end;
        }
        if operations > 0 {
            let since = self.workload.since(at).unwrap_or(self.links[at].since);
            self.tally.record(now.saturating_duration_since(since).as_nanos(), operations);
        }
        if used > 0 && self.links[at].waiting == 0 {
            self.busy -= 1;
            self.workload.done(at, &mut self.wake);
        }
        Ok(used)
    }

    /// Operations that the reply completes.
    fn reply(&mut self, at: usize, reply: Reply<'_>) -> Result<u64, String> {
        let link = &mut self.links[at];
        link.waiting = link.waiting.checked_sub(1).ok_or("the server sent a reply that nobody asked for")?;
        let done = self.workload.reply(at, reply);
        self.tally.replies += 1;
        let Some(error) = reply.error() else {
            self.tally.entries += done.entries;
            return Ok(done.operations);
        };
        if self.tally.replies == 1 {
            return Err(refused(error));
        }
        self.tally.error(error);
        Ok(0)
    }

    fn lost(&self, error: &io::Error) -> String {
        format!("the connection to {} was lost: {error}", self.name)
    }
}

impl Link {
    fn new(socket: EventSocket) -> Link {
        let (partial, unsent) = (Vec::new(), Vec::new());
        Link { socket, scanner: Scanner::new(), partial, unsent, waiting: 0, since: Instant::now() }
    }
}

/// What begins with an error would be a measurement of errors.
fn refused(error: &[u8]) -> String {
    let text = String::from_utf8_lossy(error);
    match text.to_ascii_lowercase().contains("unknown command") {
        true => format!("the server does not know a command of this workload: {text}"),
        false => format!("the first reply is an error, so that nothing can be measured: {text}"),
    }
}
