//! The broker between threads: the real one under the schedules of a model.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

#[path = "model/checkpoint.rs"]
mod checkpoint;
#[path = "model/embedded.rs"]
mod embedded;
#[path = "model/notes.rs"]
mod notes;
#[path = "model/waiters.rs"]
mod waiters;

use ackline::{Broker, Called, Context, LocalOptions, Lsn, Options, OwnedArgs, Reply, ShardSet, Storage};
use ackline::{Ticket, Txn};
use ackline_log::faulty::FaultyDisk;
use ackline_log::sync::Mutex;
use ackline_log::sync::thread::{self, JoinHandle};
use std::sync::Arc;

/// Shards of every broker here.
const SHARDS: usize = 3;

/// What came through the sink: who, an answer or an error, at which position.
type Answers = Arc<Mutex<Vec<(Ticket, Reply, Lsn)>>>;

fn options(storage: Storage) -> Options {
    Options { databases: 1, shards: SHARDS, seed: Some(1), ..Options::new(storage) }
}

/// A broker on a disk in memory, whose log is written when somebody asks for a sync.
fn open(disk: &FaultyDisk, answers: &Answers) -> Arc<Broker> {
    let log = LocalOptions { by_hand: true, seed: Some(1), segment_bytes: 4096, ..LocalOptions::default() };
    let answers = Arc::clone(answers);
    let sink = move |all: Vec<ackline_engine::Served>, lsn| {
        for served in all {
            answers.lock().push((served.ticket, served.outcome.unwrap_or(Reply::Int(-1)), lsn));
        }
    };
    Arc::new(Broker::open(options(Storage::On(Arc::new(disk.clone()), log)), Box::new(sink)).unwrap())
}

/// The state that a restart finds.
fn reopened(disk: &FaultyDisk) -> String {
    let broker = open(&disk.copy(), &Answers::default());
    let digest = broker.digest();
    broker.close().unwrap();
    digest
}

/// A key that lies in a shard.
fn key(shard: usize) -> String {
    named("key", shard)
}

fn named(prefix: &str, shard: usize) -> String {
    let mut names = (0..).map(|n| format!("{prefix}{n}"));
    names.find(|name| ShardSet::of(name.as_bytes(), SHARDS) == ShardSet(1 << shard)).unwrap()
}

fn context(ticket: Ticket) -> Context {
    Context { ticket, may_block: true, databases: 1, ..Context::at(ackline::now_ms()) }
}

/// Runs a command; `None` if it parked.
fn call(broker: &Broker, line: &str, ticket: Ticket) -> Option<(Reply, Lsn)> {
    call_in(broker, line, context(ticket))
}

fn call_in(broker: &Broker, line: &str, ctx: Context) -> Option<(Reply, Lsn)> {
    let words = OwnedArgs::collect(line.split(' ').map(str::as_bytes));
    let spec = broker.table().resolve(words.as_args()).unwrap();
    match broker.call(spec, words.as_args(), ctx) {
        Called::Done(outcome, lsn) => Some((outcome.unwrap(), lsn)),
        Called::Parked => None,
    }
}

/// Runs commands as one batch, as a transaction does.
fn batch(broker: &Broker, lines: &[String]) -> Lsn {
    let calls: Vec<OwnedArgs> =
        lines.iter().map(|line| OwnedArgs::collect(line.split(' ').map(str::as_bytes))).collect();
    let spec = |call: &OwnedArgs| broker.table().resolve(call.as_args()).unwrap();
    let shards = calls.iter().map(|call| broker.shards_of(spec(call), call.as_args()));
    let shards = shards.fold(ShardSet::EMPTY, ShardSet::union);
    let run = |txn: &mut Txn<'_>| {
        for call in &calls {
            txn.execute(spec(call), call.as_args()).unwrap();
        }
    };
    broker.with(shards, context(0), run).1
}

fn spawn<T: Send + 'static>(
    broker: &Arc<Broker>,
    run: impl FnOnce(&Broker) -> T + Send + 'static,
) -> JoinHandle<T> {
    let broker = Arc::clone(broker);
    thread::spawn(move || run(&broker))
}

fn join<T>(threads: impl IntoIterator<Item = JoinHandle<T>>) -> Vec<T> {
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}
