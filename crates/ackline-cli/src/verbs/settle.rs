//! What becomes of pending entries: acknowledged, given back, given to somebody else. On servers without XNACK by other commands.

use super::options::Name;
use super::session::Session;
use super::trouble::Trouble;
use ackline_admin::reply::{int, items};
use ackline_admin::view::Pending;
use ackline_admin::words::Command;
use std::collections::BTreeMap;

/// IDs in one command.
const TOGETHER: usize = 1000;

/// How long an entry has been idle that somebody gave back on a server that does not know how to: 1 day, so that whoever claims next
/// takes it.
const FREE: &str = "86400000";

/// How an entry is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "UPPER")]
pub(super) enum Mode {
    /// It failed: the delivery counts.
    Fail,
    /// It was not tried: the delivery does not count.
    Silent,
    /// It cannot be processed: consumers that know the mark move it aside.
    Fatal,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Mode::Fail => "FAIL",
            Mode::Silent => "SILENT",
            Mode::Fatal => "FATAL",
        }
    }
}

/// Pending entries of a group.
pub(super) struct Settling<'s> {
    pub(super) session: &'s mut Session,
    pub(super) key: &'s Name,
    pub(super) group: &'s Name,
    /// Set once the server has said that it does not know XNACK.
    substitute: bool,
}

impl<'s> Settling<'s> {
    pub(super) fn new(session: &'s mut Session, key: &'s Name, group: &'s Name) -> Settling<'s> {
        Settling { session, key, group, substitute: false }
    }

    fn head(&self, name: &str) -> Command {
        Command::new(name, [&self.key.0, &self.group.0])
    }

    /// Acknowledges; how many were.
    pub(super) fn ack(&mut self, entries: &[Pending]) -> Result<i64, Trouble> {
        let mut affected = 0;
        for some in entries.chunks(TOGETHER) {
            let answer = self.session.change(self.head("XACK").with(ids(some)))?;
            affected += answer.as_ref().and_then(int).unwrap_or(0);
        }
        Ok(affected)
    }

    /// Gives them to a consumer if they have been idle for `min_idle` ms; how many it got.
    pub(super) fn claim(
        &mut self,
        entries: &[Pending],
        consumer: &Name,
        min_idle: i64,
    ) -> Result<i64, Trouble> {
        let (mut affected, min_idle) = (0, min_idle.to_string());
        for some in entries.chunks(TOGETHER) {
            let command =
                self.head("XCLAIM").with([&consumer.0, min_idle.as_bytes()]).with(ids(some)).with(["JUSTID"]);
            affected += self.session.change(command)?.map_or(0, |claimed| items(&claimed).len() as i64);
        }
        Ok(affected)
    }

    /// Gives them back to the group; how many were. `heir` gets them where the server cannot do that, instead of their owner.
    pub(super) fn nack(
        &mut self,
        entries: &[Pending],
        mode: Mode,
        heir: Option<&Name>,
    ) -> Result<i64, Trouble> {
        let mut affected = 0;
        for some in entries.chunks(TOGETHER) {
            if !self.substitute {
                match self.released(some, mode) {
                    Err(Trouble::Refused(text)) if is_unknown(&text) => self.begin_substitute(mode)?,
                    other => {
                        affected += other?;
                        continue;
                    }
                }
            }
            affected += self.aged(some, mode, heir)?;
        }
        Ok(affected)
    }

    fn released(&mut self, some: &[Pending], mode: Mode) -> Result<i64, Trouble> {
        let number = some.len().to_string();
        let command = self.head("XNACK").with([mode.word(), "IDS", &number]).with(ids(some));
        // A dry run asks as well whether the server can do that, about an entry that nobody has.
        if self.session.is_dry() {
            let probe = self.head("XNACK").with([mode.word(), "IDS", "1", "0-0"]);
            self.session.ask(&probe)?;
        }
        Ok(self.session.change(command)?.as_ref().and_then(int).unwrap_or(0))
    }

    fn begin_substitute(&mut self, mode: Mode) -> Result<(), Trouble> {
        if mode == Mode::Fatal {
            return Err(Trouble::Refused(
                "this server does not know XNACK, and nothing else marks an entry as FATAL: `ackline pending bury` moves it to the \
                 dead letters"
                    .to_owned(),
            ));
        }
        self.substitute = true;
        eprintln!(
            "ackline: this server does not know XNACK: XCLAIM makes the entries look as if they had been idle for a day, so that whoever \
             claims next (XAUTOCLAIM) takes them"
        );
        Ok(())
    }

    /// The substitute: a command for each owner and count.
    fn aged(&mut self, some: &[Pending], mode: Mode, heir: Option<&Name>) -> Result<i64, Trouble> {
        let mut affected = 0;
        let mut alike: BTreeMap<(&[u8], i64), Vec<&str>> = BTreeMap::new();
        for one in some {
            let owner = heir.map_or(&one.consumer, |name| &name.0);
            let count = if mode == Mode::Silent { (one.deliveries - 1).max(0) } else { one.deliveries };
            alike.entry((owner, count)).or_default().push(&one.id);
        }
        for ((owner, count), ids) in alike {
            let count = count.to_string();
            let command = self.head("XCLAIM").with([owner, b"0"]).with(ids);
            let command = command.with(["IDLE", FREE, "RETRYCOUNT", &count, "JUSTID"]);
            affected += self.session.change(command)?.map_or(0, |claimed| items(&claimed).len() as i64);
        }
        Ok(affected)
    }
}

fn ids(entries: &[Pending]) -> impl Iterator<Item = &str> {
    entries.iter().map(|one| one.id.as_str())
}

fn is_unknown(text: &str) -> bool {
    text.to_lowercase().contains("unknown command")
}
