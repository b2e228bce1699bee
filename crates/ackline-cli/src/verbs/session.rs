//! A connection that looks and changes, and remembers what it ran.

use super::options::Shared;
use super::output::{Cell, Output, Row};
use super::trouble::Trouble;
use ackline_admin::words::Command;
use ackline_admin::{Client, Value};
use std::io::{self, BufRead, IsTerminal, Write};

/// Options of verbs that change something.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Care {
    /// Changes nothing: prints the commands that would be run, and how many entries they concern.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Does not ask.
    #[arg(short, long)]
    pub(super) yes: bool,
}

/// A connection, where results go, and how careful we are.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) out: Output,
    show: bool,
    care: Care,
    ran: Vec<Command>,
    count: i64,
}

impl Session {
    /// For looking.
    pub(super) fn open(shared: &Shared) -> Result<Session, Trouble> {
        Session::careful(shared, Care { dry_run: false, yes: true })
    }

    /// For changing.
    pub(super) fn careful(shared: &Shared, care: Care) -> Result<Session, Trouble> {
        Ok(Session {
            client: shared.connect()?,
            out: Output::new(shared),
            show: shared.show,
            care,
            ran: Vec::new(),
            count: 0,
        })
    }

    pub(super) fn is_dry(&self) -> bool {
        self.care.dry_run
    }

    /// A command that only looks.
    pub(super) fn ask(&mut self, command: &Command) -> Result<Value, Trouble> {
        Ok(self.client.call(&command.0)?)
    }

    /// A command that changes something; `None` if nothing is to be changed.
    pub(super) fn change(&mut self, command: Command) -> Result<Option<Value>, Trouble> {
        self.note(&command);
        let answer = if self.care.dry_run { None } else { Some(self.client.call(&command.0)?) };
        self.ran.push(command);
        Ok(answer)
    }

    /// Commands in one transaction, and their answers; `None` if nothing is to be changed.
    pub(super) fn change_together(&mut self, commands: Vec<Command>) -> Result<Option<Vec<Value>>, Trouble> {
        let framed: Vec<Command> = [Command::new("MULTI", [""; 0])]
            .into_iter()
            .chain(commands)
            .chain([Command::new("EXEC", [""; 0])])
            .collect();
        framed.iter().for_each(|command| self.note(command));
        let words: Vec<_> = framed.iter().map(|command| command.0.clone()).collect();
        self.ran.extend(framed);
        if self.care.dry_run {
            return Ok(None);
        }
        let answers = self.client.call_all(&words)?;
        // What was refused when it was queued says why; EXEC then only says that something was.
        let refused = answers.iter().chain(answers.last().map_or(&[][..], ackline_admin::reply::items));
        if let Some(Value::Error(text)) = refused.into_iter().find(|answer| matches!(answer, Value::Error(_)))
        {
            return Err(Trouble::Refused(String::from_utf8_lossy(text).into_owned()));
        }
        Ok(answers.last().map(|done| ackline_admin::reply::items(done).to_vec()))
    }

    /// Commands that have nothing to do with each other, in one round trip; how many the server took. The first error ends it.
    pub(super) fn change_all(&mut self, commands: Vec<Command>) -> Result<i64, Trouble> {
        commands.iter().for_each(|command| self.note(command));
        let words: Vec<_> = commands.iter().map(|command| command.0.clone()).collect();
        self.count += words.len() as i64;
        // What is not shown need not be remembered: a file may be long.
        if self.care.dry_run || self.show {
            self.ran.extend(commands);
        }
        let answers = if self.care.dry_run { Vec::new() } else { self.client.call_all(&words)? };
        match answers.iter().find(|answer| matches!(answer, Value::Error(_))) {
            Some(Value::Error(text)) => Err(Trouble::Refused(String::from_utf8_lossy(text).into_owned())),
            _ => Ok(answers.len() as i64),
        }
    }

    /// How many commands [`Session::change_all`] has run, or would have.
    pub(super) fn ran(&self) -> i64 {
        self.count
    }

    fn note(&self, command: &Command) {
        if self.show && !self.care.dry_run {
            eprintln!("> {command}");
        }
    }

    /// Asks at a terminal whether so much is to be changed. `Err` if not.
    pub(super) fn confirm(&mut self, question: &str) -> Result<(), Trouble> {
        if self.care.yes || self.care.dry_run || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return Ok(());
        }
        self.out.flush()?;
        eprint!("{question} [y/N] ");
        let _ = io::stderr().flush();
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Trouble::Refused("nothing was changed".to_owned())),
        }
    }

    /// The end of a change: what was done to how many of how many.
    pub(super) fn done(&mut self, what: &str, matched: i64, affected: i64) -> Result<(), Trouble> {
        self.done_with(what, matched, affected, Vec::new())
    }

    /// The same with more to tell in JSON.
    pub(super) fn done_with(
        &mut self,
        what: &str,
        matched: i64,
        affected: i64,
        more: Row,
    ) -> Result<(), Trouble> {
        let dry = self.care.dry_run;
        let commands: Vec<String> = self.ran.iter().map(Command::to_string).collect();
        if !self.out.is_table() {
            let mut row: Row = vec![
                ("matched", Cell::Int(matched)),
                ("affected", Cell::Int(affected)),
                ("dry_run", Cell::Flag(dry)),
            ];
            if dry || self.show {
                row.push(("commands", Cell::List(commands.into_iter().map(Cell::Text).collect())));
            }
            row.extend(more);
            return self.out.row(&row);
        }
        if dry {
            commands.iter().try_for_each(|command| self.out.line(command))?;
            return self.out.line(&format!("dry run: {matched} would be {what}, nothing was changed"));
        }
        let of = if matched == affected { String::new() } else { format!(" of {matched}") };
        self.out.line(&format!("{affected}{of} {what}"))
    }
}
