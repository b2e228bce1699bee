//! A session: who is connected, as a state machine without a socket. Bytes go in, bytes come out.
//!
//! ```text
//! input ── decoder ──► words ── dispatch ──► reply ──► output, sealed with the log position that it saw
//!            ▲                      │
//!            └── stays unread while ┴─► blocked (a read, WAIT, a pause)
//! ```

use crate::acl::Identity;
use crate::batch;
use crate::clients::ClientInfo;
use crate::dispatch;
use crate::encode;
use crate::mail::Push;
use crate::output::Output;
use crate::pubsub::Kind;
use crate::shared::Shared;
use ackline::{Lsn, Watch};
use ackline_engine::{Args, Error, Outcome, OwnedArgs, Spec, Ticket};
use ackline_resp::encode::Writer;
use ackline_resp::{Decoder, Limits, Protocol, ProtocolError, Request};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A transaction that is being queued.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) calls: Vec<(&'static Spec, OwnedArgs)>,
    /// A command was refused, so that EXEC will be.
    pub(crate) doomed: bool,
    /// Bytes of memory of the calls.
    memory: usize,
}

impl Queue {
    pub(crate) fn push(&mut self, spec: &'static Spec, args: OwnedArgs) {
        self.memory += args.memory() + size_of::<(&Spec, OwnedArgs)>();
        self.calls.push((spec, args));
    }
}

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// A blocked read of the engine.
    Read(Ticket),
    /// WAIT for replicas, which there are none of; Unix ms, `None` = for ever.
    Replicas(Option<i64>),
    /// WAITAOF for the disk, and for replicas too if `replicas`.
    Synced { lsn: Lsn, replicas: bool, until: Option<i64> },
    /// CLIENT PAUSE.
    Pause,
}

/// CLIENT REPLY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum ReplyMode {
    #[default]
    On,
    Off,
    /// Silent for the command that said SKIP and the next.
    Skip,
    SkipNext,
}

/// An input buffer larger than this is given back once it is empty.
const INPUT_KEEP_MAX: usize = 64 * 1024;

/// So many bytes may wait for a client that has not said who it is.
const UNAUTHENTICATED_OUTPUT: usize = 64 * 1024;

thread_local! {
    /// What a session without unread input reads into: nearly always everything is run at once, so that one is enough
    /// for all of a thread, and an idle connection has none.
    static SPARE: Cell<Option<Box<Wire>>> = const { Cell::new(None) };
}

/// What was read and not yet run.
#[derive(Default)]
pub(crate) struct Wire {
    decoder: Decoder,
    input: Vec<u8>,
    consumed: usize,
    /// The next request is decoded already.
    decoded: bool,
}

impl Wire {
    /// Completes the next request; false if more has to come.
    pub(crate) fn decode(&mut self, limits: &Limits) -> Result<bool, ProtocolError> {
        if !self.decoded {
            self.decoded = self.decoder.decode(&self.input[self.consumed..], limits)?.is_some();
        }
        Ok(self.decoded)
    }

    /// The next request, which is decoded.
    pub(crate) fn request(&self) -> Request<'_> {
        self.decoder.last(&self.input[self.consumed..])
    }

    /// Whether nothing is left to be decoded.
    pub(crate) fn is_empty(&self) -> bool {
        self.consumed == self.input.len()
    }

    /// Whether nothing comes behind the next request.
    pub(crate) fn ends_with(&self, next: &Request<'_>) -> bool {
        self.consumed + next.consumed() == self.input.len()
    }

    /// Goes on behind the next request.
    pub(crate) fn advance(&mut self) {
        self.consumed += self.request().consumed();
        self.decoded = false;
    }

    /// Forgets what was run. `None` if nothing is left.
    fn compact(mut self: Box<Wire>) -> Option<Box<Wire>> {
        if !self.is_empty() {
            self.input.drain(..self.consumed);
            self.consumed = 0;
            return Some(self);
        }
        self.input.clear();
        self.input.shrink_to(INPUT_KEEP_MAX);
        self.consumed = 0;
        SPARE.set(Some(self));
        None
    }
}

/// A connected client.
pub(crate) struct Session {
    pub(crate) info: Arc<ClientInfo>,
    /// Unread input, if there is any.
    wire: Option<Box<Wire>>,
    pub(crate) out: Output,
    pub(crate) protocol: Protocol,
    pub(crate) db: u32,
    pub(crate) identity: Identity,
    pub(crate) local: bool,
    pub(crate) multi: Option<Queue>,
    pub(crate) watches: Vec<Watch>,
    pub(crate) subscriptions: [BTreeSet<Vec<u8>>; 3],
    pub(crate) reply_mode: ReplyMode,
    pub(crate) blocked: Option<Blocked>,
    pub(crate) monitor: bool,
    /// Nothing more is read; the connection ends once what may leave has left.
    pub(crate) closing: bool,
    /// The position of the last own write, for WAITAOF.
    pub(crate) last_lsn: Lsn,
}

impl Session {
    pub(crate) fn new(info: Arc<ClientInfo>, local: bool, identity: Identity) -> Session {
        info.details.lock().user = Some(Arc::clone(&identity.user));
        Session {
            info,
            wire: None,
            out: Output::default(),
            protocol: Protocol::Resp2,
            db: 0,
            identity,
            local,
            multi: None,
            watches: Vec::new(),
            subscriptions: Default::default(),
            reply_mode: ReplyMode::On,
            blocked: None,
            monitor: false,
            closing: false,
            last_lsn: 0,
        }
    }

    /// The client is told why it is not served.
    pub(crate) fn turn_away(&mut self, why: &str) {
        self.out.bytes().extend_from_slice(why.as_bytes());
        self.seal(0);
        self.closing = true;
    }

    /// The client showed a certificate that names it. A name that is no user's changes nothing.
    pub(crate) fn certified(&mut self, shared: &Shared, name: &str) {
        match shared.users.admit(&crate::handle::Who::User(name.to_owned())) {
            Some(user) => self.log_in(user),
            None => {
                shared.stats.tls_cert_failures.fetch_add(1, Relaxed);
            }
        }
    }

    /// Where the driver reads into: unread input.
    pub(crate) fn input(&mut self) -> &mut Vec<u8> {
        &mut self.wire.get_or_insert_with(|| SPARE.take().unwrap_or_default()).input
    }

    /// Bytes of input that wait to be run.
    pub(crate) fn unread(&self) -> usize {
        self.wire.as_ref().map_or(0, |wire| wire.input.len())
    }

    /// Runs every complete command of the input.
    pub(crate) fn feed(&mut self, shared: &Shared) {
        let Some(mut wire) = self.wire.take() else { return };
        while !self.closing && self.blocked.is_none() && !wire.is_empty() {
            if self.is_outdated(shared) && !self.renew_user(shared) {
                self.closing = true;
                break;
            }
            let limits = Limits {
                bulk_max: shared.config.live().proto_max_bulk_len.load(Relaxed) as usize,
                authenticated: self.identity.admitted,
                ..Limits::default()
            };
            self.out.set_limit(self.output_limit(shared));
            match wire.decode(&limits) {
                Ok(true) => self.run_next(shared, &mut wire, &limits),
                Ok(false) => break,
                Err(error) => self.refuse(&error),
            }
        }
        self.wire = wire.compact();
        let (unread, room) =
            self.wire.as_ref().map_or((0, 0), |wire| (wire.input.len(), wire.input.capacity()));
        self.info.query_buffer.store(unread, Relaxed);
        self.info.query_room.store(room, Relaxed);
    }

    /// Runs the next request, together with those behind it that can run with it.
    fn run_next(&mut self, shared: &Shared, wire: &mut Wire, limits: &Limits) {
        let request = wire.request();
        if let Some(first) = batch::first(self, shared, &request) {
            return batch::run(self, shared, wire, limits, first);
        }
        if request.is_empty() || self.run(shared, Args::new(request.bytes(), request.words())) {
            wire.advance();
        }
    }

    /// How many bytes may wait for the client; 0 = any.
    fn output_limit(&self, shared: &Shared) -> usize {
        match self.identity.admitted {
            true => shared.config.live().output_limits(self.subscribed() > 0 || self.monitor).hard as usize,
            false => UNAUTHENTICATED_OUTPUT,
        }
    }

    /// What was written waits until the log is durable up to `lsn`; too much of it ends the connection.
    pub(crate) fn seal(&mut self, lsn: Lsn) {
        self.out.seal(lsn);
        if self.out.is_overflown() && !self.closing {
            tracing::warn!("client {} is closed: its output is over the limit", self.info.id);
            self.closing = true;
        }
    }

    pub(crate) fn refuse(&mut self, error: &ProtocolError) {
        if !matches!(error, ProtocolError::HttpGuard) {
            self.writer().protocol_error(error);
            self.seal(0);
        }
        self.closing = true;
    }

    /// Runs one command. False if it has to be read again later.
    fn run(&mut self, shared: &Shared, args: Args<'_>) -> bool {
        let before = self.out.end();
        let mode = self.reply_mode;
        let done = dispatch::run(self, shared, args);
        if done {
            self.silence(mode, before);
        }
        done
    }

    /// CLIENT REPLY OFF and SKIP take replies back before anybody sees them.
    fn silence(&mut self, mode: ReplyMode, before: usize) {
        let silent = match (mode, self.reply_mode) {
            (_, ReplyMode::Off) => true,
            (ReplyMode::SkipNext, ReplyMode::SkipNext) => {
                self.reply_mode = ReplyMode::On;
                true
            }
            (_, ReplyMode::Skip) => {
                self.reply_mode = ReplyMode::SkipNext;
                true
            }
            _ => false,
        };
        if silent {
            self.out.truncate(before);
        }
        self.seal(self.last_lsn);
    }

    /// Where replies are written.
    pub(crate) fn writer(&mut self) -> Writer<'_> {
        Writer::new(self.out.bytes(), self.protocol)
    }

    /// The answer of a blocked read.
    pub(crate) fn serve(&mut self, shared: &Shared, ticket: Ticket, outcome: &Outcome, lsn: Lsn) {
        if self.blocked == Some(Blocked::Read(ticket)) {
            self.unblock();
            if let Err(error) = outcome {
                shared.stats.count_error(error.as_bytes());
                // The call itself was counted when it parked.
                if let Some(row) = shared.rows.get(*self.info.last.lock()) {
                    row.stats.own().failed.fetch_add(1, Relaxed);
                }
            }
            encode::outcome(&mut self.writer(), outcome);
            self.seal(lsn);
            self.last_lsn = self.last_lsn.max(lsn);
        }
    }

    pub(crate) fn block(&mut self, on: Blocked) {
        self.blocked = Some(on);
        self.info.blocked.store(!matches!(on, Blocked::Pause), Relaxed);
    }

    pub(crate) fn unblock(&mut self) {
        self.blocked = None;
        self.info.blocked.store(false, Relaxed);
    }

    /// Whether it waits for something that nobody will tell it of.
    pub(crate) fn waits_outside(&self) -> bool {
        self.blocked.is_some_and(|on| !matches!(on, Blocked::Read(_)))
    }

    /// Looks whether what the session waits for outside the engine has come. True if it goes on.
    pub(crate) fn poll(&mut self, shared: &Shared, now: i64) -> bool {
        let over = |until: Option<i64>| until.is_some_and(|at| at <= now);
        match self.blocked {
            Some(Blocked::Pause) if shared.pause_until.load(Relaxed) <= now => self.unblock(),
            Some(Blocked::Replicas(until)) if over(until) => {
                self.unblock();
                self.writer().int(0);
            }
            Some(Blocked::Synced { lsn, replicas, until }) => {
                let synced = shared.broker().log().durable().synced() >= lsn;
                if !(synced && !replicas || over(until)) {
                    return false;
                }
                self.unblock();
                let mut out = self.writer();
                out.array(2);
                out.int(i64::from(synced));
                out.int(0);
            }
            _ => return false,
        }
        self.seal(self.last_lsn);
        true
    }

    /// When [`Session::poll`] is due, Unix ms.
    pub(crate) fn poll_at(&self, shared: &Shared) -> Option<i64> {
        match self.blocked? {
            Blocked::Pause => Some(shared.pause_until.load(Relaxed)),
            Blocked::Replicas(until) | Blocked::Synced { until, .. } => until,
            Blocked::Read(_) => None,
        }
    }

    /// CLIENT UNBLOCK of something outside the engine.
    pub(crate) fn give_up(&mut self, with_error: bool) {
        match (self.blocked, with_error) {
            (Some(Blocked::Replicas(_) | Blocked::Synced { .. }), true) => {
                self.unblock();
                self.writer().error(UNBLOCKED.as_bytes());
            }
            (Some(Blocked::Replicas(_)), false) => {
                self.unblock();
                self.writer().int(0);
            }
            (Some(Blocked::Synced { .. }), false) => {
                self.unblock();
                let mut out = self.writer();
                out.array(2);
                out.int(0);
                out.int(0);
            }
            _ => {}
        }
        self.seal(self.last_lsn);
    }

    /// A published message, or a line for a monitor.
    pub(crate) fn push(&mut self, push: &Push) {
        let listens = |kind: Kind, name: &[u8]| self.subscriptions[kind as usize].contains(name);
        let parts: Vec<&[u8]> = match push {
            Push::Message { channel, payload } if listens(Kind::Channel, channel) => {
                vec![b"message", channel, payload]
            }
            Push::Pattern { pattern, channel, payload } if listens(Kind::Pattern, pattern) => {
                vec![b"pmessage", pattern, channel, payload]
            }
            Push::Shard { channel, payload } if listens(Kind::Shard, channel) => {
                vec![b"smessage", channel, payload]
            }
            Push::Monitor(line) if self.monitor => {
                self.writer().simple(line);
                return self.seal(self.last_lsn);
            }
            _ => return,
        };
        let mut out = self.writer();
        out.push(parts.len());
        parts.iter().for_each(|part| out.bulk(part));
        self.seal(self.last_lsn);
    }

    /// How many subscriptions there are.
    pub(crate) fn subscribed(&self) -> usize {
        self.subscriptions.iter().map(BTreeSet::len).sum()
    }

    /// Puts what others see of the session where they look.
    pub(crate) fn publish_details(&self) {
        let mut details = self.info.details.lock();
        details.db = self.db;
        details.resp3 = self.protocol == Protocol::Resp3;
        details.multi = self.multi.as_ref().map_or(-1, |queue| queue.calls.len() as i64);
        details.multi_memory = self.multi.as_ref().map_or(0, |queue| queue.memory);
        details.watching = self.watches.len();
        details.channels = self.subscriptions[Kind::Channel as usize].len();
        details.patterns = self.subscriptions[Kind::Pattern as usize].len();
        details.shard_channels = self.subscriptions[Kind::Shard as usize].len();
        details.monitor = self.monitor;
    }

    /// Ends everything that the session holds elsewhere.
    pub(crate) fn end(&mut self, shared: &Shared) {
        if let Some(Blocked::Read(ticket)) = self.blocked.take() {
            shared.waiting.lock().remove(&ticket);
            shared.broker().unpark(ticket, Err(Error::from_static(UNBLOCKED)));
        }
        self.leave(shared);
        shared.clients.remove(self.info.id);
    }

    /// Ends watches, subscriptions and monitoring.
    pub(crate) fn leave(&mut self, shared: &Shared) {
        shared.broker().unwatch(&std::mem::take(&mut self.watches));
        for kind in [Kind::Channel, Kind::Pattern, Kind::Shard] {
            for name in std::mem::take(&mut self.subscriptions[kind as usize]) {
                shared.pubsub.unsubscribe(kind, &name, self.info.id);
            }
        }
        if std::mem::take(&mut self.monitor) {
            let mut monitors = shared.monitors.lock();
            monitors.retain(|id| *id != self.info.id);
            shared.has_monitors.store(!monitors.is_empty(), Relaxed);
        }
    }
}

/// CLIENT UNBLOCK with ERROR.
pub(crate) const UNBLOCKED: &str = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
