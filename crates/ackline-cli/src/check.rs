//! `ackline check`: whether what a directory holds is what was written, and the repair of what is not.

mod json;
mod text;

use crate::inspect::open;
use ackline::LogError;
use ackline::check::{Lost, Plan, Report, check as check_all, plan, repair};
use ackline_log::Directory;
use ackline_log::inspect::{ReadOnly, quiet};
use ackline_log::storage::Storage;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// A server that makes checkpoints meanwhile removes files that were just listed.
const TRIES: usize = 5;

/// What to check.
#[derive(clap::Args)]
pub(crate) struct Check {
    /// The data directory: what the server calls `--dir`.
    dir: PathBuf,
    /// Checks even while a server uses the directory. What it writes meanwhile is left out.
    #[arg(long)]
    anyway: bool,
    /// Repairs a damaged log: what is damaged, and what can only be reached through it, gets another name, and the log
    /// ends before it.
    #[arg(long, conflicts_with = "anyway")]
    cut: bool,
    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,
}

/// What a check leads to.
struct Outcome<'a> {
    dir: &'a Path,
    live: bool,
    report: Report,
    /// What a repair would do, or did; an error if none is possible.
    plan: Result<Option<Plan>, String>,
    lost: Lost,
    /// What a repair did; empty if there was none.
    done: Vec<String>,
    seconds: f64,
}

impl Outcome<'_> {
    fn is_whole(&self) -> bool {
        self.report.all_faults().next().is_none()
    }
}

/// `ackline check`: 0 if all is well, 1 if something is damaged, 2 if it cannot be told.
pub(crate) fn check(args: &Check) -> ExitCode {
    let done = match args.cut {
        true => cut(args),
        false => look(args).map(|outcome| print(args, &outcome)),
    };
    done.unwrap_or_else(|message| {
        eprintln!("ackline: {message}");
        ExitCode::from(2)
    })
}

fn print(args: &Check, outcome: &Outcome<'_>) -> ExitCode {
    let report = if args.json { json::report(outcome) } else { text::report(outcome) };
    // Whoever stopped reading knows enough; the exit code says the rest.
    let _ = io::stdout().write_all(report.as_bytes());
    if outcome.is_whole() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn look(args: &Check) -> Result<Outcome<'_>, String> {
    open::data_directory(&args.dir)?;
    let lock = quiet(&args.dir).map_err(open::message)?;
    if lock.is_none() && !args.anyway {
        let dir = args.dir.display();
        return Err(format!("{dir} is in use by a server: stop it, or check it --anyway"));
    }
    look_at(&args.dir, &ReadOnly::directory(&args.dir), lock.is_none())
}

fn look_at<'a>(dir: &'a Path, storage: &dyn Storage, live: bool) -> Result<Outcome<'a>, String> {
    let start = Instant::now();
    let mut tries = if live { TRIES } else { 1 };
    let report = loop {
        tries -= 1;
        match check_all(storage, live) {
            Err(LogError::Io(_, error)) if error.kind() == io::ErrorKind::NotFound && tries > 0 => {}
            done => break done.map_err(open::message)?,
        }
    };
    let plan = plan(&report);
    let lost = match &plan {
        Ok(Some(plan)) => Lost::by(plan, &report, storage).map_err(open::message)?,
        _ => Lost::default(),
    };
    let seconds = start.elapsed().as_secs_f64();
    Ok(Outcome { dir, live, report, plan, lost, done: Vec::new(), seconds })
}

/// Repairs, and checks again.
fn cut(args: &Check) -> Result<ExitCode, String> {
    open::data_directory(&args.dir)?;
    let directory = Directory::open(&args.dir).map_err(open::message)?;
    let storage: &Arc<dyn Storage> = directory.storage();
    let before = look_at(&args.dir, &**storage, false)?;
    let Ok(Some(plan)) = &before.plan else { return Ok(print(args, &before)) };
    let done = repair(&**storage, plan).map_err(|error| format!("the repair did not end: {error}"))?;
    let after = look_at(&args.dir, &**storage, false)?;
    if !args.json {
        let _ = io::stdout().write_all(text::damage(&before).as_bytes());
    }
    Ok(print(args, &Outcome { done, lost: before.lost, plan: before.plan, ..after }))
}
