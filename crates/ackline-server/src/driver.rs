//! The driver: N threads, each an event loop over the connections pinned to it.
//!
//! ```text
//! poll ──► readable: read, feed the session
//!      ──► mail: new connections, answers of blocked reads, pushes, kills
//!      ──► the log: what gathered is written, if it need not be synced
//!      ──► sockets: write what may leave; the rest once the log advances
//! ```
//!
//! Replies leave at the end of a turn, not one by one: whoever has many connections here then gets many replies with one
//! look, asks for more at once, and the next turn has more to do with one look, too.

use crate::clients::ClientInfo;
use crate::handle::Who;
use crate::mail::Msg;
use crate::net::{Listener, Stream};
use crate::session::Session;
use crate::shared::Shared;
use crate::stats;
use crate::tls::Channel;
use mio::{Events, Interest, Poll, Token};
use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The token of a thread's waker.
pub(crate) const WAKER: Token = Token(0);
/// Listeners have the tokens from here on.
const LISTENERS: usize = 1;
/// Connections have the tokens from here on: this much plus the client's ID.
const CLIENTS: usize = 1024;

/// Bytes read at once.
const READ: usize = 64 * 1024;
/// A connection gets so many reads before the others have their turn.
const READS_MAX: usize = 4;
/// How long after a failure connections are accepted again, in ms.
const STARVED: i64 = 100;
/// A handshake that takes longer ends the connection, in ms.
const HANDSHAKE_MAX: i64 = 10_000;
/// How often idle clients are looked for, in ms.
const SWEEP: i64 = 500;
/// The loop looks around at least this often.
const IDLE_MAX: Duration = Duration::from_millis(500);

pub(crate) struct Connection {
    stream: Stream,
    /// What is between the stream and the session, if it is encrypted.
    tls: Option<Box<Channel>>,
    session: Session,
    wants_write: bool,
    /// It is in [`Driver::fed`].
    is_fed: bool,
    /// It is in [`Driver::held`].
    is_held: bool,
    /// Unix ms since which the output is above its soft limit.
    over_soft_since: Option<i64>,
    /// How many bytes had gone in and out at the last look for idle clients, and the Unix ms since which it is so many.
    traffic: (u64, i64),
}

/// One I/O thread.
pub(crate) struct Driver {
    index: usize,
    shared: Arc<Shared>,
    poll: Poll,
    listeners: Vec<Listener>,
    connections: HashMap<u64, Box<Connection>, foldhash::fast::RandomState>,
    /// Clients that may have something to be sent since this turn.
    fed: Vec<u64>,
    /// Clients whose replies wait for the log.
    held: Vec<u64>,
    /// Clients that had their share of reads and have more to be read, which no event will tell again.
    unread: Vec<u64>,
    /// Clients that wait for something outside the engine.
    waiting: Vec<u64>,
    /// Unix ms of when there were no descriptors for connections that wait to be accepted. No event will tell again.
    starved_at: Option<i64>,
    /// Clients whose handshake has begun, and when it has to be over, Unix ms. It may be over, and they may be gone.
    shaking: VecDeque<(i64, u64)>,
    /// Unix ms of the last look for idle clients.
    swept_at: i64,
    next_thread: usize,
    /// What a read fills: one for all connections of the thread.
    scratch: Vec<u8>,
}

impl Driver {
    pub(crate) fn new(index: usize, shared: Arc<Shared>, poll: Poll, listeners: Vec<Listener>) -> Driver {
        let connections = HashMap::default();
        Driver {
            index,
            shared,
            poll,
            listeners,
            connections,
            fed: Vec::new(),
            held: Vec::new(),
            unread: Vec::new(),
            waiting: Vec::new(),
            starved_at: None,
            shaking: VecDeque::new(),
            swept_at: 0,
            next_thread: 0,
            scratch: vec![0; READ],
        }
    }

    /// Runs until the server stops.
    pub(crate) fn run(mut self) -> std::io::Result<()> {
        stats::set_thread(self.index);
        for (i, listener) in self.listeners.iter_mut().enumerate() {
            listener.register(self.poll.registry(), Token(LISTENERS + i))?;
        }
        let mut events = Events::with_capacity(1024);
        while !self.shared.is_stopping() {
            self.shared.turns.own().fetch_add(1, Relaxed);
            let timeout = self.timeout();
            match self.poll.poll(&mut events, Some(timeout)) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &events {
                match event.token() {
                    WAKER => {}
                    Token(token) if token < CLIENTS => self.accept(token - LISTENERS),
                    Token(token) => {
                        let id = (token - CLIENTS) as u64;
                        let closed = event.is_read_closed();
                        self.turn(
                            id,
                            if closed { Reading::ToTheEnd } else { Reading::of(event.is_readable()) },
                        );
                    }
                }
            }
            self.read_on();
            self.accept_again();
            self.read_mail();
            self.expire();
            self.shared.broker().flush();
            self.write_fed();
            self.follow_log();
        }
        let ids: Vec<u64> = self.connections.keys().copied().collect();
        ids.into_iter().for_each(|id| self.flush_last(id));
        Ok(())
    }

    /// Tries again what there were no descriptors for.
    fn accept_again(&mut self) {
        if self.starved_at.is_some_and(|at| ackline::now_ms() - at >= STARVED) {
            (0..self.listeners.len()).for_each(|listener| self.accept(listener));
        }
    }

    /// Goes on with those that had more than their share.
    fn read_on(&mut self) {
        for id in std::mem::take(&mut self.unread) {
            self.turn(id, Reading::ToTheEnd);
        }
    }

    fn timeout(&self) -> Duration {
        if !self.unread.is_empty() || !self.shared.mailboxes()[self.index].may_sleep() {
            return Duration::ZERO;
        }
        let now = ackline::now_ms();
        let due =
            self.waiting.iter().filter_map(|id| self.connections.get(id)?.session.poll_at(&self.shared));
        let left =
            due.min().map_or(IDLE_MAX, |at| Duration::from_millis(at.saturating_sub(now).max(0) as u64));
        left.min(IDLE_MAX)
    }

    fn accept(&mut self, listener: usize) {
        loop {
            let keepalive = self.shared.config.live().tcp_keepalive.load(Relaxed);
            match self.listeners[listener].accept(keepalive) {
                Ok(stream) => self.place(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.starved_at = None;
                    return;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    // Out of descriptors, or the peer is gone already: the others must go on.
                    if self.starved_at.is_none() {
                        tracing::warn!("a connection could not be accepted: {error}");
                    }
                    self.starved_at = Some(ackline::now_ms());
                    return;
                }
            }
        }
    }

    /// Connections go to the threads in turn.
    fn place(&mut self, stream: Stream) {
        let threads = self.shared.mailboxes().len();
        let thread = self.next_thread % threads;
        self.next_thread += 1;
        match thread == self.index {
            true => self.admit(stream),
            false => self.shared.mail(thread, Msg::Accepted(stream)),
        }
    }

    /// Welcomes who comes from outside, if there is room and no reason against it.
    fn admit(&mut self, mut stream: Stream) {
        let (full, denied) = (is_full(&self.shared), is_denied(&self.shared, &stream));
        if full || denied {
            self.shared.stats.rejected_connections.fetch_add(1, Relaxed);
        }
        match (full || denied, stream.is_encrypted()) {
            (false, _) => self.welcome(stream, Who::Nobody, None),
            // Those would understand it only after a handshake, for which there is room or not.
            (true, true) if full => {}
            (true, true) => self.welcome(stream, Who::Nobody, Some(DENIED)),
            (true, false) => {
                // The peer learns why if it still listens.
                let _ = stream.write(if full { FULL } else { DENIED }.as_bytes());
            }
        }
    }

    /// `refusal`: what the peer is told instead of being served.
    fn welcome(&mut self, mut stream: Stream, who: Who, refusal: Option<&str>) {
        let shared = Arc::clone(&self.shared);
        // The user may be gone since the connection was asked for.
        let Some(identity) = shared.identify(&who) else { return };
        shared.stats.connections.fetch_add(1, Relaxed);
        let tls = match stream.is_encrypted().then(|| shared.tls.current().map(Channel::new)) {
            None => None,
            Some(Some(Ok(channel))) => Some(Box::new(channel)),
            // Nothing but the parameters could make it fail, and those were tried.
            Some(_) => return tracing::error!("there is nothing to encrypt a connection with"),
        };
        let (id, ends) = (shared.clients.next_id(), (stream.peer(), stream.local()));
        let is_within = stream.is_within();
        let info = Arc::new(ClientInfo { is_within, ..ClientInfo::new(id, ends, stream.fd(), self.index) });
        let token = Token(CLIENTS + id as usize);
        if let Err(error) = self.poll.registry().register(stream.source(), token, Interest::READABLE) {
            tracing::warn!("a connection could not be watched: {error}");
            return;
        }
        shared.clients.add(Arc::clone(&info));
        let mut session = Session::new(info, stream.is_local(), identity);
        if let Some(text) = refusal {
            session.turn_away(text);
        }
        if tls.is_some() {
            self.shaking.push_back((ackline::now_ms() + HANDSHAKE_MAX, id));
        }
        let connection = Connection {
            stream,
            tls,
            session,
            wants_write: false,
            is_fed: false,
            is_held: false,
            over_soft_since: None,
            traffic: (0, 0),
        };
        self.connections.insert(id, Box::new(connection));
        self.turn(id, Reading::Some);
    }

    /// One connection's turn: read if there may be something, and run. What it writes leaves later.
    fn turn(&mut self, id: u64, reading: Reading) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match connection.read(&self.shared, &mut self.scratch, reading) {
            WasRead::All => {}
            WasRead::More => self.unread.push(id),
            WasRead::Gone => return self.close(id),
        }
        if !std::mem::replace(&mut connection.is_fed, true) {
            self.fed.push(id);
        }
    }

    /// Ends the turns of those that ran.
    fn write_fed(&mut self) {
        let mut fed = std::mem::take(&mut self.fed);
        fed.drain(..).for_each(|id| self.write(id));
        self.fed = fed;
    }

    /// Writes what may leave, and notes what a connection waits for.
    fn write(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.is_fed = false;
        let alive = connection.write(&self.shared, self.poll.registry(), id);
        if !alive || connection.is_over() || self.shared.broker().log().durable().poisoned() {
            return self.close(id);
        }
        let session = &connection.session;
        if session.out.is_held() && !std::mem::replace(&mut connection.is_held, true) {
            self.held.push(id);
        }
        if session.waits_outside() && !self.waiting.contains(&id) {
            self.waiting.push(id);
        }
    }

    fn close(&mut self, id: u64) {
        if let Some(mut connection) = self.connections.remove(&id) {
            // The descriptor closes with the stream; deregistering can only fail if it is gone already.
            let _ = self.poll.registry().deregister(connection.stream.source());
            if let Some(tls) = &mut connection.tls {
                tls.end(&mut connection.stream);
            }
            connection.session.end(&self.shared);
            // After a crowd its room is given back, before the next one is half as large.
            if self.connections.len() < self.connections.capacity() / 4 {
                self.connections.shrink_to(self.connections.len() * 2);
            }
        }
    }

    /// Ends handshakes that take too long, and connections that were idle for too long.
    fn expire(&mut self) {
        let idle_max = self.shared.config.live().timeout.load(Relaxed) as i64 * 1000;
        if idle_max == 0 && self.shaking.is_empty() {
            return;
        }
        let now = ackline::now_ms();
        while let Some((_, id)) = self.shaking.front().copied().filter(|(until, _)| *until <= now) {
            self.shaking.pop_front();
            if let Some(connection) = self.connections.get(&id)
                && connection.is_shaking()
            {
                connection.handshake_failed(&self.shared, "it takes too long");
                self.close(id);
            }
        }
        if idle_max > 0 && now - self.swept_at >= SWEEP {
            self.swept_at = now;
            let idle = |connection: &mut Connection| connection.idle_for(now) > idle_max;
            let idle =
                self.connections.iter_mut().filter_map(|(id, connection)| idle(connection).then_some(*id));
            let idle: Vec<u64> = idle.collect();
            for id in idle {
                tracing::debug!("client {id} is closed: it was idle for longer than timeout");
                self.close(id);
            }
        }
    }

    fn read_mail(&mut self) {
        let shared = Arc::clone(&self.shared);
        for msg in shared.mailboxes()[self.index].take() {
            match msg {
                Msg::Accepted(stream) => self.admit(stream),
                Msg::Invited(stream, who) => self.welcome(stream, who, None),
                Msg::Kill(id) => self.close(id),
                Msg::Served { client, ticket, outcome, lsn } => self.with(client, |session| {
                    session.serve(&shared, ticket, &outcome, lsn);
                    session.feed(&shared);
                }),
                Msg::Push(client, push, lsn) => self.with(client, |session| session.push(&push, lsn)),
                Msg::Unblock(client, with_error) => self.with(client, |session| {
                    session.give_up(with_error);
                    session.feed(&shared);
                }),
                Msg::UsersChanged { by } => self.renew_users(by),
                Msg::Resume => {}
            }
        }
    }

    /// Every connection takes over what its user has become. Those that may not stay go at once; the one that is the
    /// cause gets its reply first.
    fn renew_users(&mut self, by: u64) {
        let shared = Arc::clone(&self.shared);
        let outdated = |(id, connection): (&u64, &mut Box<Connection>)| {
            (!connection.session.renew_user(&shared)).then_some(*id)
        };
        let leaving: Vec<u64> = self.connections.iter_mut().filter_map(outdated).collect();
        for id in leaving {
            match id == by {
                true => self.with(id, |session| session.closing = true),
                false => self.close(id),
            }
        }
    }

    fn with(&mut self, id: u64, run: impl FnOnce(&mut Session)) {
        if let Some(connection) = self.connections.get_mut(&id) {
            run(&mut connection.session);
            self.turn(id, Reading::None);
        }
    }

    /// Sessions that wait for something outside the engine.
    fn poll_waiting(&mut self) {
        let now = ackline::now_ms();
        for id in std::mem::take(&mut self.waiting) {
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            let session = &mut connection.session;
            if session.poll(&self.shared, now) || !session.waits_outside() {
                session.feed(&self.shared);
                self.turn(id, Reading::None);
            } else {
                self.waiting.push(id);
            }
        }
    }

    /// Goes on with what the log released meanwhile, and asks to be woken for the rest.
    fn follow_log(&mut self) {
        if self.held.is_empty() && self.waiting.is_empty() {
            return;
        }
        let shared = Arc::clone(&self.shared);
        shared.mailboxes()[self.index].look_at_log(|| {
            self.poll_waiting();
            self.write_fed();
            for id in std::mem::take(&mut self.held) {
                self.release(id);
            }
            !self.held.is_empty() || !self.waiting.is_empty()
        });
    }

    /// Tries again to write what waited for the log.
    fn release(&mut self, id: u64) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.is_held = false;
            self.write(id);
        }
    }

    /// A last attempt to hand over what is due when the server stops.
    fn flush_last(&mut self, id: u64) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let session = &mut connection.session;
        let durable = self.shared.broker().log().durable();
        durable.wait(session.last_lsn, Some(Duration::from_secs(5)));
        // The peer may be gone; nobody is left to be told.
        let _ = send(&mut connection.stream, &mut connection.tls, session.out.ready(durable.lsn()));
        self.close(id);
    }
}

/// What a turn shall read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    None,
    /// Until a read is not filled: what comes later is another event.
    Some,
    /// Until there is nothing: the end of the stream is no event of its own if it came with data.
    ToTheEnd,
}

impl Reading {
    fn of(readable: bool) -> Reading {
        if readable { Reading::Some } else { Reading::None }
    }
}

/// How reading ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WasRead {
    All,
    /// There may be more.
    More,
    /// The peer is gone.
    Gone,
}

impl Connection {
    /// Reads and runs until the peer has nothing more, or has had its share.
    fn read(&mut self, shared: &Shared, scratch: &mut [u8], reading: Reading) -> WasRead {
        if reading == Reading::None {
            return WasRead::All;
        }
        for _ in 0..READS_MAX {
            if self.session.closing && !self.is_shaking() {
                return WasRead::All;
            }
            let read = self.stream.read(scratch);
            match read {
                Ok(0) => return self.hung_up(),
                Ok(n) => {
                    shared.stats.traffic.own().reads.fetch_add(1, Relaxed);
                    if !self.take(shared, &scratch[..n]) || self.over_query_limit(shared) {
                        return WasRead::Gone;
                    }
                    if self.tls.as_ref().is_some_and(|tls| tls.is_ended()) {
                        return self.hung_up();
                    }
                    if n < scratch.len() && reading == Reading::Some {
                        return WasRead::All;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return WasRead::All,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return WasRead::Gone,
            }
        }
        WasRead::More
    }

    /// Whether its TLS handshake is under way.
    fn is_shaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_shaking())
    }

    /// Whether everything was said to one that is to be closed.
    fn is_over(&self) -> bool {
        let session = &self.session;
        let said = !session.out.is_held() && session.out.len() == 0 && !self.wants_write;
        session.closing && said && !self.is_shaking()
    }

    /// Runs what was read. False if the connection is to be closed.
    fn take(&mut self, shared: &Shared, read: &[u8]) -> bool {
        let taken = match &mut self.tls {
            None => {
                self.session.input().extend_from_slice(read);
                read.len()
            }
            Some(tls) => {
                let input = self.session.input();
                let before = input.len();
                let outcome = tls.decrypt(read, input);
                let taken = input.len() - before;
                if let Err(error) = outcome {
                    self.refuse(shared, &error);
                    return false;
                }
                if tls.has_just_shaken() {
                    self.identify(shared);
                }
                taken
            }
        };
        self.session.info.bytes_in.fetch_add(taken as u64, Relaxed);
        shared.stats.traffic.own().bytes_in.fetch_add(taken as u64, Relaxed);
        self.session.feed(shared);
        true
    }

    /// What was read is not encrypted, or not as it should be.
    fn refuse(&mut self, shared: &Shared, error: &rustls::Error) {
        match self.is_shaking() {
            true => self.handshake_failed(shared, error),
            false => tracing::debug!("client {} is closed: {error}", self.session.info.id),
        }
    }

    fn handshake_failed(&self, shared: &Shared, why: impl std::fmt::Display) {
        shared.stats.tls_handshake_failures.fetch_add(1, Relaxed);
        let info = &self.session.info;
        tracing::debug!("client {} at {} is closed during its TLS handshake: {why}", info.id, info.addr);
    }

    /// Who showed a certificate comes in as the user whom it names, if it is to be so.
    fn identify(&mut self, shared: &Shared) {
        let name = self.tls.as_ref().and_then(|tls| tls.peer_name());
        if let Some(name) = name.filter(|_| shared.config.string("tls-auth-clients-user") == "CN") {
            self.session.certified(shared, name);
        }
    }

    /// For how many ms nothing went in or out; 0 for those that may be silent.
    fn idle_for(&mut self, now: i64) -> i64 {
        let info = &self.session.info;
        let bytes = info.bytes_in.load(Relaxed) + info.bytes_out.load(Relaxed);
        if self.traffic.0 != bytes || self.traffic.1 == 0 {
            // At the first look it may have been silent for long.
            let since = if self.traffic.1 == 0 { info.active_at.load(Relaxed) } else { now };
            self.traffic = (bytes, since);
        }
        let session = &self.session;
        let waits = session.blocked.is_some() || session.out.is_held();
        let may_be_silent = waits || session.monitor || session.subscribed() > 0;
        if may_be_silent || self.stream.is_within() { 0 } else { now - self.traffic.1 }
    }

    /// The peer says nothing more. What it asked before is answered, unless it waits for something that may never come.
    fn hung_up(&mut self) -> WasRead {
        let session = &mut self.session;
        if session.blocked.is_some() || !(session.out.is_held() || session.out.len() > 0) {
            return WasRead::Gone;
        }
        session.closing = true;
        WasRead::All
    }

    fn over_query_limit(&mut self, shared: &Shared) -> bool {
        let limit = shared.config.live().client_query_buffer_limit.load(Relaxed) as usize;
        let unauthenticated = if self.session.identity.admitted { usize::MAX } else { 1 << 20 };
        self.session.unread() > limit.min(unauthenticated)
    }

    /// Writes what may leave. False if the connection is to be closed.
    fn write(&mut self, shared: &Shared, registry: &mio::Registry, id: u64) -> bool {
        let durable = shared.broker().log().durable().lsn();
        loop {
            let ready = self.session.out.ready(durable);
            if ready.is_empty() {
                break;
            }
            match send(&mut self.stream, &mut self.tls, ready) {
                Ok(0) => return false,
                Ok(n) => {
                    shared.stats.traffic.own().writes.fetch_add(1, Relaxed);
                    self.session.out.advance(n);
                    self.session.info.bytes_out.fetch_add(n as u64, Relaxed);
                    shared.stats.traffic.own().bytes_out.fetch_add(n as u64, Relaxed);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return self.watch_writable(registry, id, true) && self.within_limits(shared);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        let encrypted = self.tls.as_mut().map_or(Ok(()), |tls| tls.flush(&mut self.stream));
        let is_left = encrypted.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        (encrypted.is_ok() || is_left)
            && self.watch_writable(registry, id, is_left)
            && self.within_limits(shared)
    }

    fn watch_writable(&mut self, registry: &mio::Registry, id: u64, wants: bool) -> bool {
        if self.wants_write == wants {
            return true;
        }
        self.wants_write = wants;
        let interest = if wants { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        registry.reregister(self.stream.source(), Token(CLIENTS + id as usize), interest).is_ok()
    }

    /// client-output-buffer-limit.
    fn within_limits(&mut self, shared: &Shared) -> bool {
        let waiting = self.session.out.len() as u64;
        self.session.info.output.store(waiting as usize, Relaxed);
        self.session.info.output_room.store(self.session.out.room(), Relaxed);
        let limits =
            shared.config.live().output_limits(self.session.subscribed() > 0 || self.session.monitor);
        let unauthenticated = !self.session.identity.admitted && waiting > 64 * 1024;
        if unauthenticated || (limits.hard > 0 && waiting > limits.hard) {
            tracing::warn!("client {} is closed: its output is over the limit", self.session.info.id);
            return false;
        }
        if limits.soft == 0 || waiting <= limits.soft {
            self.over_soft_since = None;
            return true;
        }
        let now = ackline::now_ms();
        let since = *self.over_soft_since.get_or_insert(now);
        now - since <= limits.soft_seconds as i64 * 1000
    }
}

/// Sends bytes of replies; answers how many were taken.
fn send(stream: &mut Stream, tls: &mut Option<Box<Channel>>, bytes: &[u8]) -> std::io::Result<usize> {
    match tls {
        None => stream.write(bytes),
        Some(tls) => tls.write(bytes, stream),
    }
}

fn is_full(shared: &Shared) -> bool {
    shared.clients.outside() as u64 >= shared.config.live().maxclients.load(Relaxed)
}

const FULL: &str = "-ERR max number of clients reached\r\n";

/// protected-mode.
fn is_denied(shared: &Shared, stream: &Stream) -> bool {
    let open = shared.config.live().protected_mode.load(Relaxed) && shared.users.default_user().nopass;
    open && !stream.is_local()
}

const DENIED: &str = "-DENIED Ackline runs in protected mode: it has no password, so only clients of this \
     machine may connect. Set a password with requirepass, or turn protected-mode off if the network can be \
     trusted.\r\n";
