//! The engine in one hand: shards, a clock, clients, and the log of everything that happened.

use crate::plain::Plain;
use ackline_engine::args::OwnedArgs;
use ackline_engine::state::{Reach, digest};
use ackline_engine::table::Table;
use ackline_engine::{
    Called, Context, Keyspace, Outcome, Served, Settings, Shard, ShardSet, Spec, Ticket, Txn, Unserved,
    replay,
};
use std::collections::BTreeMap;

/// Databases of every driver.
const DATABASES: usize = 16;
/// Goes into the hash tables.
const SEED: u64 = 7;

/// What a call led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A reply.
    Now(Plain),
    /// It waits; see [`Driver::take_answer`].
    Blocked,
}

/// A client: what a connection knows of itself.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// The selected database.
    pub db: u32,
    /// Whether it speaks RESP3.
    pub resp3: bool,
    waiting: Option<Ticket>,
    answer: Option<Plain>,
}

/// The engine without server, log and clock of its own.
pub struct Driver {
    shards: Vec<Shard>,
    table: Table,
    clients: BTreeMap<String, Client>,
    log: Vec<Vec<u8>>,
    now: i64,
    tickets: Ticket,
    /// Settings that commands read.
    pub settings: Settings,
}

impl Driver {
    /// An empty keyspace of so many shards at a time in Unix ms.
    pub fn new(shards: usize, now: i64) -> Driver {
        Driver {
            shards: Keyspace::new(shards, DATABASES, SEED).into_shards(),
            table: Table::new(&[]),
            clients: BTreeMap::new(),
            log: Vec::new(),
            now,
            tickets: 0,
            settings: Settings::default(),
        }
    }

    /// The time.
    pub fn now(&self) -> i64 {
        self.now
    }

    /// The commands.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The batches so far.
    pub fn log(&self) -> &[Vec<u8>] {
        &self.log
    }

    /// A client by name, which is created on first sight.
    pub fn client(&mut self, name: &str) -> &mut Client {
        self.clients.entry(name.to_owned()).or_default()
    }

    /// Clients whose late answers nobody took.
    pub fn unread(&self) -> impl Iterator<Item = &str> {
        self.clients.iter().filter(|(_, client)| client.answer.is_some()).map(|(name, _)| name.as_str())
    }

    /// Whether a client waits for the answer of a read.
    pub fn is_blocked(&self, name: &str) -> bool {
        self.clients.get(name).is_some_and(|client| client.waiting.is_some())
    }

    /// The answer of a read that was blocked.
    pub fn take_answer(&mut self, name: &str) -> Option<Plain> {
        self.client(name).answer.take()
    }

    /// Runs a command for a client, and serves the reads that it unblocks.
    ///
    /// # Panics
    /// If the client is blocked, if a command that failed emitted records, or if a blocked read is answered twice.
    pub fn call<W: AsRef<[u8]>>(&mut self, name: &str, words: &[W]) -> Answer {
        let client = self.client(name).clone();
        assert!(client.waiting.is_none(), "client {name} is blocked and cannot call");
        let owned = OwnedArgs::collect(words.iter().map(AsRef::as_ref));
        let args = owned.as_args();
        let spec = match self.table.resolve(args) {
            Ok(spec) => spec,
            Err(error) => return Answer::Now(Plain::of(&Err(error), client.resp3)),
        };
        match self.run(spec, &owned, &client) {
            Called::Done(outcome) => Answer::Now(Plain::of(&outcome, client.resp3)),
            Called::Parked(_) => {
                self.client(name).waiting = Some(self.tickets);
                Answer::Blocked
            }
        }
    }

    fn run(&mut self, spec: &'static Spec, owned: &OwnedArgs, client: &Client) -> Called {
        self.tickets += 1;
        let args = owned.as_args();
        let ctx = Context { db: client.db, resp3: client.resp3, may_block: true, ..self.context() };
        self.hold(spec.shards(args, self.shards.len()), ctx, |txn| {
            txn.expire_due();
            let before = txn.batch().len();
            let called = txn.call(spec, args);
            let failed = matches!(called, Called::Done(Err(_)));
            assert!(
                !failed || txn.batch().len() == before,
                "{} failed after it had emitted records",
                spec.name
            );
            (called, txn.serve())
        })
    }

    fn context(&self) -> Context {
        let random = self.tickets.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Context { ticket: self.tickets, random, settings: self.settings, ..Context::at(self.now) }
    }

    /// Lets time pass. What is due on the way happens at its own time.
    pub fn advance(&mut self, ms: i64) {
        let target = self.now + ms;
        while self.now < target {
            let due = self.next_deadline().unwrap_or(target);
            self.now = due.clamp(self.now + 1, target);
            self.tick();
        }
    }

    /// Lets time pass unnoticed: what was due on the way happens late and all at once, as after a long pause.
    pub fn oversleep(&mut self, ms: i64) {
        self.now += ms;
        self.tick();
    }

    fn tick(&mut self) {
        let all = ShardSet::all(self.shards.len());
        self.hold(all, self.context(), |txn| {
            txn.expire_idempotence();
            ((), txn.tick(true))
        });
    }

    fn next_deadline(&mut self) -> Option<i64> {
        let all = ShardSet::all(self.shards.len());
        self.hold(all, self.context(), |txn| (txn.next_deadline(), None))
    }

    /// Ends a blocked read, as CLIENT UNBLOCK does.
    pub fn unblock(&mut self, name: &str, outcome: Outcome) -> bool {
        let Some(ticket) = self.client(name).waiting else { return false };
        let all = ShardSet::all(self.shards.len());
        self.hold(all, self.context(), |txn| (txn.unpark(ticket, outcome), None))
    }

    /// Holds shards while `body` runs, then more where a waiter asks for more.
    fn hold<R>(
        &mut self,
        mut held: ShardSet,
        ctx: Context,
        body: impl FnOnce(&mut Txn<'_>) -> (R, Option<Unserved>),
    ) -> R {
        let (result, mut rest) = self.stretch(held, ctx, body);
        while let Some(unserved) = rest {
            held = held.union(unserved.shards);
            rest = self.stretch(held, ctx, |txn| ((), txn.resume(unserved))).1;
        }
        result
    }

    fn stretch<R>(
        &mut self,
        held: ShardSet,
        ctx: Context,
        body: impl FnOnce(&mut Txn<'_>) -> (R, Option<Unserved>),
    ) -> (R, Option<Unserved>) {
        let count = self.shards.len();
        let shards = self.shards.iter_mut().enumerate().filter(|(i, _)| held.0 >> i & 1 == 1);
        let mut txn = Txn::new(Reach::new(count, shards), ctx, Vec::new());
        let result = body(&mut txn);
        let (batch, served) = txn.finish();
        if !batch.is_empty() {
            self.log.push(batch);
        }
        served.into_iter().for_each(|served| self.answer(served));
        result
    }

    fn answer(&mut self, served: Served) {
        let client = self.clients.values_mut().find(|client| client.waiting == Some(served.ticket));
        let client = client.expect("an answer is for a client that waits, and comes once");
        client.waiting = None;
        client.answer = Some(Plain::of(&served.outcome, client.resp3));
    }

    /// The digest of everything.
    pub fn digest(&mut self) -> String {
        let count = self.shards.len();
        digest(&Reach::new(count, self.shards.iter_mut().enumerate()))
    }
}

impl Driver {
    /// The digest of what a snapshot of everything brings back; `None` if it does not load.
    pub fn restored(&self, shards: usize) -> Option<String> {
        let mut records = Vec::new();
        let shared = self.shards.iter().flat_map(Shard::share);
        shared.for_each(|value| value.records(&mut |record| records.push(record.to_vec())));
        replayed(&records, shards)
    }
}

/// The digest after replaying batches into an empty keyspace of so many shards; `None` if they are not records that
/// fit.
pub fn replayed(log: &[Vec<u8>], shards: usize) -> Option<String> {
    let mut keyspace = Keyspace::new(shards, DATABASES, SEED);
    let mut reach = keyspace.reach();
    log.iter().try_for_each(|batch| replay(&mut reach, batch))?;
    Some(digest(&reach))
}
