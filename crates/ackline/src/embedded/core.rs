//! What all clones share: the broker, its gate, and the answers of reads that parked.

use super::answers::Answers;
use super::pending::{Held, Parked, Pending};
use super::words::Words;
use crate::broker::{Broker, Called, OpenError, Options};
use crate::gate::{self, Gate};
use crate::sync::atomic::{AtomicBool, Ordering::SeqCst};
use crate::sync::thread;
use ackline_engine::args::is;
use ackline_engine::spec::{Flags, Run};
use ackline_engine::{Args, Context, Error, Outcome, ShardSet, Spec, Ticket, Txn};
use ackline_log::{LogError, Lsn};
use std::cell::Cell;
use std::sync::Arc;

/// Nothing runs any more.
pub(crate) const CLOSED: Error = Error::from_static("ERR the broker is closed");
const FAILED: Error =
    Error::from_static("ERR the log has failed; whether the command took effect is unknown");
const CUT_OFF: Error =
    Error::from_static("ERR the broker was closed meanwhile; whether the command took effect is unknown");

pub(crate) struct Core {
    pub(crate) broker: Arc<Broker>,
    pub(crate) gate: Gate,
    pub(crate) answers: Arc<Answers>,
    closed: AtomicBool,
}

/// Closes the broker when the last of those who share it goes.
pub(crate) struct Owner(pub(crate) Arc<Core>);

/// What a command led to.
pub(crate) enum Executed {
    Done(Outcome, Lsn),
    Parked(Ticket),
}

impl Core {
    pub(crate) fn open(options: Options) -> Result<Arc<Core>, OpenError> {
        // Every call has its own batch written: nobody comes after it who would.
        let options = Options { flushes: false, ..options };
        let answers = Arc::<Answers>::default();
        let sink = Arc::clone(&answers);
        let broker = Arc::new(Broker::open(options, Box::new(move |all, lsn| sink.deliver(all, lsn)))?);
        let gate = Gate::of(broker.log().durable());
        Broker::start_timer(&broker);
        Broker::start_reaper(&broker);
        if broker.keeps_log() {
            Broker::start_checkpoints(&broker);
        }
        Ok(Arc::new(Core { broker, gate, answers, closed: AtomicBool::new(false) }))
    }

    /// Runs a command, now.
    pub(crate) fn execute(&self, args: Args<'_>) -> Executed {
        let spec = match self.resolve(args) {
            Ok(spec) => spec,
            Err(error) => return Executed::Done(Err(error), 0),
        };
        let ctx = self.context();
        // Only a word can make a read wait: without it there is no need for a ticket.
        if !spec.flags.has(Flags::BLOCKING) || !args.iter().any(|word| is(word, "BLOCK")) {
            return match self.broker.call(spec, args, ctx) {
                Called::Done(outcome, lsn) => Executed::Done(outcome, lsn),
                Called::Parked => unreachable!("the context forbids it"),
            };
        }
        let ticket = self.broker.ticket();
        match self.broker.call(spec, args, Context { ticket, may_block: true, ..ctx }) {
            Called::Done(outcome, lsn) => Executed::Done(outcome, lsn),
            Called::Parked => {
                self.answers.expect(ticket);
                // Whoever closes answers those who wait; this one may have come too late to be among them.
                if self.closed.load(SeqCst) {
                    self.broker.unpark(ticket, Err(CLOSED));
                }
                Executed::Parked(ticket)
            }
        }
    }

    /// Runs a command, now; its reply waits for the log.
    pub(crate) fn submit(self: &Arc<Core>, args: Args<'_>) -> Pending {
        match self.execute(args) {
            Executed::Done(outcome, lsn) => Pending::held(Held::new(self, outcome, lsn)),
            Executed::Parked(ticket) => Pending::parked(Parked::new(self, ticket)),
        }
    }

    /// Runs a command and waits for its reply.
    pub(crate) fn call(self: &Arc<Core>, args: Args<'_>) -> Outcome {
        match self.execute(args) {
            Executed::Done(outcome, lsn) => self.pass(lsn).and(outcome),
            Executed::Parked(ticket) => Pending::parked(Parked::new(self, ticket)).wait(),
        }
    }

    /// Waits until what `lsn` stands for is safe.
    pub(crate) fn pass(&self, lsn: Lsn) -> Result<(), Error> {
        let durable = self.broker.log().durable();
        let reached = durable.reached(lsn).unwrap_or_else(|| durable.wait(lsn, None));
        if reached { Ok(()) } else { Err(self.lost()) }
    }

    /// Why what was waited for will never be safe.
    pub(crate) fn lost(&self) -> Error {
        if self.broker.log().durable().poisoned() { FAILED } else { CUT_OFF }
    }

    /// Runs commands as one batch of the log, under the locks of all their shards.
    pub(crate) fn batch(&self, all: &[Words]) -> (Vec<Outcome>, Lsn) {
        let specs: Vec<Result<&'static Spec, Error>> =
            all.iter().map(|words| self.resolve(words.as_args())).collect();
        let writes = specs.iter().flatten().any(|spec| matches!(spec.run, Run::Write { .. }));
        if let Some(error) = self.broker.refuses_writes().filter(|_| writes) {
            return (vec![Err(error); all.len()], 0);
        }
        let calls = || specs.iter().zip(all).map(|(spec, words)| (spec, words.as_args()));
        let shards = calls().flat_map(|(spec, args)| Some(self.broker.shards_of(spec.as_ref().ok()?, args)));
        let shards = shards.fold(ShardSet::EMPTY, ShardSet::union);
        let run = |txn: &mut Txn<'_>| {
            let one =
                |(spec, args): (&Result<&'static Spec, Error>, Args<'_>)| txn.execute(spec.clone()?, args);
            calls().map(one).collect()
        };
        self.broker.with(shards, self.context(), run)
    }

    fn resolve(&self, args: Args<'_>) -> Result<&'static Spec, Error> {
        if self.closed.load(SeqCst) {
            return Err(CLOSED);
        }
        match args.is_empty() {
            true => Err(Error::from_static("ERR unknown command ''")),
            false => self.broker.table().resolve(args),
        }
    }

    fn context(&self) -> Context {
        Context { random: chance(), ..self.broker.context() }
    }

    /// A read that parked is to end now. Whatever it was given before is in the history of its consumer.
    pub(crate) fn abandon(&self, ticket: Ticket) {
        if self.answers.abandon(ticket) {
            self.broker.unpark(ticket, Err(CLOSED));
        }
    }

    /// Ends what waits, writes and syncs everything, and lets go of the directory.
    pub(crate) fn close(&self) -> Result<(), LogError> {
        self.closed.store(true, SeqCst);
        for ticket in self.answers.waiting() {
            self.broker.unpark(ticket, Err(CLOSED));
        }
        self.broker.end_checkpoints();
        self.broker.close()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let core = Arc::clone(&self.0);
        let close = move || {
            if let Err(error) = core.close() {
                tracing::error!("the broker did not close cleanly: {error}");
            }
        };
        // The last owner may go with a task that the log's own thread wakes, which cannot wait for its own end.
        match gate::wakes() {
            true => drop(thread::spawn(close)),
            false => close(),
        }
    }
}

/// Chance for commands that need some: nothing secret depends on it.
fn chance() -> u64 {
    thread_local!(static STATE: Cell<u64> = const { Cell::new(0) });
    let next = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(next);
    next ^ (next >> 29)
}
