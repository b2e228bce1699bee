//! Completions and man pages, made of the command line itself.

use super::trouble::Trouble;
use clap_complete::Shell;
use std::io::{self, Write};
use std::path::PathBuf;

/// `ackline completions`
#[derive(clap::Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

/// `ackline man`
#[derive(clap::Args)]
pub(crate) struct Man {
    /// Where to, made if it is not there; without it the page of `ackline` is printed.
    directory: Option<PathBuf>,
}

impl Completions {
    pub(super) fn print(&self, mut cli: clap::Command) -> Result<(), Trouble> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut cli, "ackline", &mut script);
        Ok(io::stdout().write_all(&script)?)
    }
}

impl Man {
    pub(super) fn write(&self, cli: clap::Command) -> Result<(), Trouble> {
        // Nobody looks for `ackline-streams-help-ls`.
        let cli = cli.disable_help_subcommand(true);
        match &self.directory {
            None => Ok(clap_mangen::Man::new(cli).render(&mut io::stdout())?),
            Some(directory) => std::fs::create_dir_all(directory)
                .and_then(|()| clap_mangen::generate_to(cli, directory))
                .map_err(|error| Trouble::Refused(format!("{}: {error}", directory.display()))),
        }
    }
}
