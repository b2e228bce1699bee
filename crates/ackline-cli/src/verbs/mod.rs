//! The verbs: looking after streams, groups, consumers and pending entries, on any server with Redis Streams.
//!
//! ```text
//! options   where the server is, how to print          trouble   errors, hints, exit codes
//! session   a connection that looks and changes        moment    times
//! output    tables and JSON
//! streams, groups, consumers, pending, dead, doctor, top     one verb each
//! pages     completions and man pages of the whole command line
//! ```

mod consumers;
mod dead;
mod doctor;
mod groups;
mod moment;
mod options;
mod output;
mod pages;
mod pending;
mod select;
mod session;
mod settle;
mod streams;
mod top;
mod trouble;

use std::process::ExitCode;
use trouble::Trouble;

const CODES: &str = "\
Exit codes: 0 done; 1 the server refused, or there is no such thing; 2 wrong use; 3 no connection.";

/// Subcommands of `ackline` that are a client's.
#[derive(clap::Subcommand)]
pub(crate) enum Verb {
    /// Looks at streams, follows them, adds to them, and trims them.
    #[command(disable_help_flag = true, after_help = CODES)]
    Streams(streams::Streams),
    /// Looks at consumer groups, creates them, and puts them elsewhere.
    #[command(disable_help_flag = true, after_help = CODES)]
    Groups(groups::Groups),
    /// Looks at consumers, takes back what they hold, and removes them.
    #[command(disable_help_flag = true, after_help = CODES)]
    Consumers(consumers::Consumers),
    /// Looks at pending entries, and acknowledges them, gives them back, or gives them to somebody else.
    #[command(disable_help_flag = true, after_help = CODES)]
    Pending(pending::Pending),
    /// Looks at dead letters, sends them back, or drops them.
    #[command(disable_help_flag = true, after_help = CODES)]
    Dead(dead::Dead),
    /// Says why a group is stuck, and which commands mend it.
    #[command(disable_help_flag = true, after_help = doctor::EXAMPLES)]
    Doctor(doctor::Doctor),
    /// Streams, groups, lag and rates, live.
    #[command(disable_help_flag = true, after_help = CODES)]
    Top(top::Top),
    /// Prints the completions of a shell: `ackline completions bash > /etc/bash_completion.d/ackline`.
    Completions(pages::Completions),
    /// Writes the man pages into a directory, or prints that of `ackline`.
    Man(pages::Man),
}

/// Runs a verb. `cli` is the whole command line, for its pages.
pub(crate) fn run(verb: &Verb, cli: clap::Command) -> ExitCode {
    let done: Result<ExitCode, Trouble> = match verb {
        Verb::Streams(streams) => ended(streams.run()),
        Verb::Groups(groups) => ended(groups.run()),
        Verb::Consumers(consumers) => ended(consumers.run()),
        Verb::Pending(pending) => ended(pending.run()),
        Verb::Dead(dead) => ended(dead.run()),
        Verb::Doctor(doctor) => return doctor.run(),
        Verb::Top(top) => ended(top.run()),
        Verb::Completions(completions) => ended(completions.print(cli)),
        Verb::Man(man) => ended(man.write(cli)),
    };
    done.unwrap_or_else(|trouble| trouble.report())
}

fn ended(done: Result<(), Trouble>) -> Result<ExitCode, Trouble> {
    done.map(|()| ExitCode::SUCCESS)
}
