//! The server's own commands: connections, configuration, publish and subscribe, statistics.
//!
//! Each file declares its commands and a list of them with their handlers.

pub(crate) mod acl;
pub(crate) mod client;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod debug;
pub(crate) mod diagnostics;
pub(crate) mod docs;
pub(crate) mod info;
pub(crate) mod persistence;
pub(crate) mod pubsub;
#[cfg(test)]
mod reference;
pub(crate) mod transaction;

use crate::acl::catalog::CATALOG;
use crate::session::Session;
use crate::shared::{Row, Shared};
use crate::stats::PerThread;
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
    [
        acl::ALL,
        client::ALL,
        command::ALL,
        config::ALL,
        connection::ALL,
        debug::ALL,
        diagnostics::ALL,
        info::ALL,
        persistence::ALL,
        pubsub::ALL,
        transaction::ALL,
    ]
    .into_iter()
    .flatten()
}

/// The server's commands for the table; subcommands are within their containers.
pub(crate) fn specs() -> Vec<&'static Spec> {
    entries().map(|(spec, _)| *spec).filter(|spec| !spec.name.contains('|')).collect()
}

/// The table of a server whose commands were given other names.
pub(crate) fn table(renames: &[(String, String)]) -> Table {
    Table::renamed(&specs(), renames)
}

/// A row for every command and subcommand, the engine's too.
pub(crate) fn rows(threads: usize) -> HashMap<&'static str, Row, foldhash::fast::RandomState> {
    let row = |spec: &Spec, handler| {
        let number = CATALOG.number(spec);
        Row { handler, number, stats: PerThread::new(threads) }
    };
    let table = Table::new(&[]);
    let engine = table.iter().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands.iter().copied()));
    let mut rows: HashMap<_, _, _> = engine.map(|spec| (spec.name, row(spec, None))).collect();
    rows.extend(entries().map(|(spec, handler)| (spec.name, row(spec, *handler))));
    rows
}

/// The answer of a container's HELP: its subcommands, made from their declarations.
pub(crate) fn help(container: &Spec) -> Answer {
    let name = container.name.to_ascii_uppercase();
    let mut lines = vec![format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")];
    for spec in container.subcommands.iter().filter(|spec| !spec.name.ends_with("|help")) {
        let word = spec.name.split('|').nth(1).unwrap_or_default().to_ascii_uppercase();
        lines.push(docs::usage(&word, spec.grammar));
        lines.push(format!("    {}", spec.summary));
    }
    lines.extend(["HELP".to_owned(), "    Print this help.".to_owned()]);
    Reply::Array(lines.into_iter().map(Reply::Line).collect()).into()
}

/// The error for a subcommand's wrong tail.
pub(crate) fn wrong_tail(container: &Spec, args: Args<'_>) -> Error {
    let name = container.name.to_ascii_uppercase();
    let word = args.get(1).unwrap_or_default();
    let parts: [&[u8]; 5] = [
        b"ERR unknown subcommand or wrong number of arguments for '",
        word,
        b"'. Try ",
        name.as_bytes(),
        b" HELP.",
    ];
    Error::concat(&parts)
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
