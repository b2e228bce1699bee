//! Batches: pipelined commands on keys of one shard run under one hold of its lock, as one batch of the log.
//!
//! ```text
//! XADD s ..  XADD s ..  XACK s ..     │  GET k ..  k lies in another shard: the next batch
//! └──── lock, run, run, run, append, unlock ───┘
//! └──── one stretch: one look at the time, at the settings, at what is allowed ── ..
//! ```
//!
//! What a command costs beside itself (the lock, the log, counters, the clock) is paid once for all of them. Each is served
//! as if it were alone: a stretch ends as soon as a blocked read is to be answered, and every reply waits for the log.

use crate::dispatch::{self, context, note_slow};
use crate::encode;
use crate::session::{ReplyMode, Session, Wire};
use crate::shared::Shared;
use ackline_engine::args::{is, strict_int};
use ackline_engine::run::Called;
use ackline_engine::spec::{Flags, Keys, Run};
use ackline_engine::{Args, ShardSet, Spec, Txn};
use ackline_resp::{Limits, Protocol, ProtocolError, Request};
use smallvec::SmallVec;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Commands in a batch, so that others get the shard, too.
const COMMANDS_MAX: u64 = 64;
/// Commands in a stretch, so that what is allowed is asked for again.
const STRETCH_MAX: u64 = 256;
/// Entries of a read in a batch: they are written to the reply while the shard is held.
const ENTRIES_MAX: i64 = 32;
/// Bytes of records in a batch.
const BYTES_MAX: usize = 64 * 1024;

/// The first command of a batch.
pub(crate) struct First {
    spec: &'static Spec,
    place: Place,
    now: i64,
}

/// Where a batch runs.
struct Place {
    shards: ShardSet,
    /// The key of the last command: mostly the next one has the same, whose shard is known then.
    key: SmallVec<[u8; 64]>,
}

impl Place {
    fn of(shared: &Shared, key: &[u8]) -> Place {
        Place { shards: shared.broker().shard_of(key), key: SmallVec::from_slice(key) }
    }

    /// Goes on to a key. False if it lies in another shard.
    fn follow(&mut self, shared: &Shared, key: &[u8]) -> bool {
        if *self.key == *key {
            return true;
        }
        let before = self.shards;
        *self = Place::of(shared, key);
        self.shards == before
    }
}

/// Whether a request can begin a batch.
pub(crate) fn first(session: &Session, shared: &Shared, request: &Request<'_>) -> Option<First> {
    let plain = session.multi.is_none()
        && session.identity.admitted
        && session.reply_mode == ReplyMode::On
        && !shared.has_monitors.load(Relaxed)
        && !(session.protocol == Protocol::Resp2 && session.subscribed() > 0);
    if !plain || request.is_empty() {
        return None;
    }
    let args = Args::new(request.bytes(), request.words());
    let spec = shared.broker().table().find(args.at(0))?;
    let key = only_key(spec, args)?;
    let now = ackline::now_ms();
    let free = !shared.is_loading()
        && shared.pause_until.load(Relaxed) <= now
        && dispatch::no_room(session, shared, spec).is_none()
        && may(session, shared, spec, args);
    free.then(|| First { spec, place: Place::of(shared, key), now })
}

/// Whether the user may make a call. Who may do everything is known by one look.
#[inline]
fn may(session: &Session, shared: &Shared, spec: &'static Spec, args: Args<'_>) -> bool {
    !session.identity.limited || session.may(shared.row(spec).number, spec, args)
}

/// The key of a command that may share a hold of its shard with others: it cannot block, answers little, and has one key;
/// or it reads a few entries for a group without waiting for them.
fn only_key<'a>(spec: &Spec, args: Args<'a>) -> Option<&'a [u8]> {
    let short = match spec.run {
        Run::Write { .. } => true,
        Run::Read { .. } => spec.flags.has(Flags::FAST),
        Run::Outside | Run::Container => false,
    };
    if !short || !spec.accepts(args.len()) {
        return None;
    }
    match spec.keys {
        Keys::Range { first: 1, last: 1, .. } if !spec.flags.has(Flags::BLOCKING) => args.get(1),
        Keys::Streams => key_of_few(args),
        _ => None,
    }
}

/// The key of a read of one stream that says that it wants a few entries and does not say that it waits.
fn key_of_few(args: Args<'_>) -> Option<&[u8]> {
    let mut few = false;
    let (options, stream) = (args.first(args.len().checked_sub(3)?), args.from(args.len() - 3));
    let mut before: &[u8] = b"";
    for word in options.iter() {
        if is(word, "BLOCK") || is(word, "STREAMS") {
            return None;
        }
        few |=
            is(before, "COUNT") && strict_int(word).is_some_and(|count| (1..=ENTRIES_MAX).contains(&count));
        before = word;
    }
    (few && is(stream.at(0), "STREAMS")).then(|| stream.at(1))
}

/// Looks at the clock. Commands that cannot take long are timed several at once: to look costs a tenth of what they do.
struct Watch {
    at: Instant,
    /// Commands since then.
    unread: u32,
    /// The slow log is asked for what is fast.
    exact: bool,
}

/// So many short commands are timed at once.
const AT_ONCE: u32 = 16;
/// From this threshold of the slow log on, in microseconds, what is fast need not be timed by itself.
const COARSE: i64 = 1000;
/// A command with more words may do more than one thing.
const SHORT_MAX: usize = 6;

impl Watch {
    fn new(shared: &Shared) -> Watch {
        let threshold = shared.config.live().slowlog_log_slower_than.load(Relaxed);
        Watch { at: Instant::now(), unread: 0, exact: (0..COARSE).contains(&threshold) }
    }

    /// Microseconds since the last look.
    fn look(&mut self) -> u64 {
        if self.unread == 0 {
            return 0;
        }
        let before = std::mem::replace(&mut self.at, Instant::now());
        self.unread = 0;
        self.at.duration_since(before).as_micros() as u64
    }
}

/// Whether a command does one small thing.
fn is_short(spec: &Spec, args: Args<'_>) -> bool {
    spec.keys == Keys::Streams || (spec.flags.has(Flags::FAST) && args.len() <= SHORT_MAX)
}

/// Calls of one command in a row, counted once.
struct Row {
    spec: &'static Spec,
    calls: u64,
    failed: u64,
    since: Instant,
}

impl Row {
    fn new(spec: &'static Spec, since: Instant) -> Row {
        Row { spec, calls: 0, failed: 0, since }
    }

    fn settle(&self, shared: &Shared, until: Instant) {
        let usec = until.duration_since(self.since).as_micros() as u64;
        shared.row(self.spec).stats.own().count_many(self.calls, usec, self.failed);
    }
}

/// Batches under way, one after the other.
struct Stretch<'a> {
    shared: &'a Shared,
    limits: &'a Limits,
    watch: Watch,
    /// Of the command that comes next.
    row: Row,
    place: Place,
    calls: u64,
}

/// What comes behind a batch.
enum End {
    /// A command that belongs to the next one.
    Another,
    Nothing,
    Broken(ProtocolError),
}

/// Runs batches, the first of which begins with the next request.
pub(crate) fn run(session: &mut Session, shared: &Shared, wire: &mut Wire, limits: &Limits, first: First) {
    let ctx = context(session, shared, first.now);
    let watch = Watch::new(shared);
    let row = Row::new(first.spec, watch.at);
    let mut stretch = Stretch { shared, limits, watch, row, place: first.place, calls: 0 };
    let end = loop {
        let shards = stretch.place.shards;
        let (end, lsn) = shared.broker().with(shards, ctx, |txn| stretch.batch(session, wire, txn));
        session.last_lsn = session.last_lsn.max(lsn);
        if !matches!(end, End::Another) || stretch.calls >= STRETCH_MAX {
            break end;
        }
    };
    stretch.settle();
    shared.stats.traffic.own().commands.fetch_add(stretch.calls, Relaxed);
    session.info.commands.fetch_add(stretch.calls, Relaxed);
    session.info.active_at.store(first.now, Relaxed);
    *session.info.last.lock() = stretch.row.spec.name;
    session.seal(session.last_lsn);
    if let End::Broken(error) = end {
        session.refuse(&error);
    }
}

impl Stretch<'_> {
    /// Runs one batch.
    fn batch(&mut self, session: &mut Session, wire: &mut Wire, txn: &mut Txn<'_>) -> End {
        let end = self.calls + COMMANDS_MAX;
        loop {
            let failed = call(session, self.shared, txn, self.row.spec, wire, &mut self.watch);
            self.row.failed += u64::from(failed);
            self.row.calls += 1;
            self.calls += 1;
            wire.advance();
            if self.calls == end || txn.batch().len() >= BYTES_MAX || txn.has_ready() {
                return End::Nothing;
            }
            match self.next(session, wire) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return End::Another,
                Ok(None) => return End::Nothing,
                Err(error) => return End::Broken(error),
            }
        }
    }

    /// Goes on to the next request, if it is complete and can be in a batch. Answers whether it can be in this one.
    fn next(&mut self, session: &Session, wire: &mut Wire) -> Result<Option<bool>, ProtocolError> {
        if wire.is_empty() || !wire.decode(self.limits)? {
            return Ok(None);
        }
        let request = wire.request();
        if request.is_empty() {
            return Ok(None);
        }
        let (args, before) = (Args::new(request.bytes(), request.words()), self.row.spec);
        let same = args.at(0).eq_ignore_ascii_case(before.name.as_bytes());
        let spec = if same { Some(before) } else { self.shared.broker().table().find(args.at(0)) };
        let Some((spec, key)) = spec.and_then(|spec| Some((spec, only_key(spec, args)?))) else {
            return Ok(None);
        };
        if !may(session, self.shared, spec, args) {
            return Ok(None);
        }
        if !same {
            self.settle();
            self.row = Row::new(spec, self.watch.at);
        }
        Ok(Some(self.place.follow(self.shared, key)))
    }

    /// Counts the calls of a row.
    fn settle(&mut self) {
        self.watch.look();
        self.row.settle(self.shared, self.watch.at);
    }
}

/// Runs the next request. True if it failed.
fn call(
    session: &mut Session,
    shared: &Shared,
    txn: &mut Txn<'_>,
    spec: &'static Spec,
    wire: &Wire,
    watch: &mut Watch,
) -> bool {
    let request = wire.request();
    let args = Args::new(request.bytes(), request.words());
    let short = is_short(spec, args);
    if !short {
        watch.look();
    }
    let outcome = match txn.call(spec, args) {
        Called::Done(outcome) => outcome,
        // Nothing that can block is in a batch.
        Called::Parked(_) => return true,
    };
    encode::outcome(&mut session.writer(), &outcome);
    watch.unread += 1;
    if !short || watch.exact || watch.unread == AT_ONCE || wire.ends_with(&request) {
        let usec = watch.look();
        note_slow(session, shared, spec, args, usec, txn.now());
    }
    if let Err(error) = &outcome {
        shared.stats.count_error(error.as_bytes());
    }
    outcome.is_err()
}
