//! The server's own commands: connections, configuration, publish and subscribe, statistics.
//!
//! Each file declares its commands and a list of them with their handlers.

pub(crate) mod connection;
pub(crate) mod transaction;

use crate::session::Session;
use crate::shared::{Row, Shared};
use crate::stats::CommandStats;
use ackline_engine::table::Table;
use ackline_engine::{Args, Error, Reply, Spec, Txn};
use std::collections::HashMap;

/// What a handler works with.
pub(crate) struct Env<'a, 't> {
    pub(crate) session: &'a mut Session,
    pub(crate) shared: &'a Shared,
    /// The held shards, inside EXEC; then no other shard may be locked.
    pub(crate) txn: Option<&'a mut Txn<'t>>,
}

/// What a handler answers.
pub(crate) enum Answer {
    Reply(Reply),
    /// It wrote to the session's output itself, or the answer comes later.
    Written,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        Answer::Reply(reply)
    }
}

/// Runs one of the server's commands, whose arity was checked.
pub(crate) type Handler = fn(&mut Env<'_, '_>, Args<'_>) -> Result<Answer, Error>;

/// A command and what runs it; a container has none.
pub(crate) type Entry = (&'static Spec, Option<Handler>);

/// All entries: containers, subcommands and plain commands.
fn entries() -> impl Iterator<Item = &'static Entry> {
    [connection::ALL, transaction::ALL].into_iter().flatten()
}

/// The server's commands for the table; subcommands are within their containers.
pub(crate) fn specs() -> Vec<&'static Spec> {
    entries().map(|(spec, _)| *spec).filter(|spec| !spec.name.contains('|')).collect()
}

/// A row for every command and subcommand, the engine's too.
pub(crate) fn rows() -> HashMap<&'static str, Row, foldhash::fast::RandomState> {
    let row = |handler| Row { handler, stats: CommandStats::default() };
    let table = Table::new(&[]);
    let engine = table.iter().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands.iter().copied()));
    let mut rows: HashMap<_, _, _> = engine.map(|spec| (spec.name, row(None))).collect();
    rows.extend(entries().map(|(spec, handler)| (spec.name, row(*handler))));
    rows
}

impl Env<'_, '_> {
    /// Whether this runs inside EXEC.
    pub(crate) fn in_exec(&self) -> bool {
        self.txn.is_some()
    }

    /// Looks at state: through the held shards inside EXEC, else by taking all of them.
    pub(crate) fn look<R>(&mut self, look: impl FnOnce(&mut Txn<'_>) -> R) -> R {
        match &mut self.txn {
            Some(txn) => look(txn),
            None => {
                let broker = self.shared.broker();
                let ctx = crate::dispatch::context(self.session, self.shared, ackline::now_ms());
                broker.with(broker.all(), ctx, look).0
            }
        }
    }
}
