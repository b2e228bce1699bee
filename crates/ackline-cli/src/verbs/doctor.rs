//! `ackline doctor`

use super::moment;
use super::options::{Name, Shared};
use super::output::{Cell, Ink, Output, Row};
use super::session::Session;
use super::streams;
use super::trouble::Trouble;
use crate::cli::columns;
use ackline_admin::doctor::{
    Finding, GroupFacts, Severity, Thresholds, diagnose_with, gather, gather_all, health,
};
use ackline_admin::words::quoted;
use ackline_admin::{Error, view};
use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Duration;

pub(super) const EXAMPLES: &str = "\
Examples:
  ackline doctor                                      all groups of all streams
  ackline doctor orders shop --over 5s                with rates, by looking twice
  ackline doctor --lease 30m -o json
  ackline doctor || notify-send 'a group is stuck'

Exit codes: 0 healthy; 1 something to look at; 2 a group is stuck, or wrong use; 3 no answer.";

/// Streams that one visit looks at.
const STREAMS: usize = 10_000;

/// `ackline doctor`
#[derive(clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    shared: Shared,
    /// A stream; without it all of the database.
    key: Option<Name>,
    /// A group; without it all of the stream.
    group: Option<Name>,
    /// Looks twice, so long apart, so that rates are known.
    #[arg(long, value_name = "TIME", value_parser = moment::duration)]
    over: Option<Duration>,
    /// Shows also what is only good to know.
    #[arg(long)]
    all: bool,
    /// From then on a pending entry counts as left.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = moment::duration)]
    lease: Duration,
    /// From then on a consumer that asks for nothing does not read.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = moment::duration)]
    silent: Duration,
    /// So many deliveries make an entry suspect.
    #[arg(long, value_name = "N", default_value_t = 5)]
    deliveries: i64,
    /// From then on a consumer without entries is a leftover.
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = moment::duration)]
    leaked: Duration,
    /// From then on a stream to which nothing is added has lost its producers.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = moment::duration)]
    quiet: Duration,
}

/// A group, and what there is to say about it.
struct Diagnosis {
    key: Vec<u8>,
    group: Vec<u8>,
    findings: Vec<Finding>,
}

impl Doctor {
    /// 0, 1 or 2 by the worst that was found; 3 if that could not be told.
    pub(super) fn run(&self) -> ExitCode {
        match self.visit() {
            Ok(Some(Severity::Critical)) => ExitCode::from(2),
            Ok(Some(Severity::Warn)) => ExitCode::from(1),
            Ok(_) => ExitCode::SUCCESS,
            Err(trouble @ (Trouble::Usage(_) | Trouble::Deaf)) => trouble.report(),
            Err(trouble) => {
                trouble.report();
                ExitCode::from(3)
            }
        }
    }

    fn visit(&self) -> Result<Option<Severity>, Trouble> {
        let mut session = Session::open(&self.shared)?;
        let all = self.examine(&mut session)?;
        let worst = all.iter().flat_map(|one| &one.findings).map(|finding| finding.severity).max();
        match session.out.is_table() {
            true => self.print(&mut session.out, &all)?,
            false => session.out.rows(&all.iter().map(row).collect::<Vec<_>>(), "")?,
        }
        session.out.flush()?;
        Ok(worst)
    }

    fn examine(&self, session: &mut Session) -> Result<Vec<Diagnosis>, Trouble> {
        let mut seen = Vec::new();
        for key in self.keys(session)? {
            match self.look(session, &key) {
                Ok(facts) => seen.push((key, facts)),
                // Of all streams one may go while another is looked at.
                Err(Error::Server(_)) if self.key.is_none() => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(apart) = self.over {
            std::thread::sleep(apart);
            for (key, facts) in &mut seen {
                match self.look(session, key) {
                    Ok(again) => compare(facts, again),
                    Err(Error::Server(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let thresholds = self.thresholds();
        let diagnosis = |(key, facts): (Vec<u8>, GroupFacts)| Diagnosis {
            key,
            findings: diagnose_with(&facts, &thresholds),
            group: facts.group.name,
        };
        let pairs =
            seen.into_iter().flat_map(|(key, all)| all.into_iter().map(move |one| (key.clone(), one)));
        Ok(pairs.map(diagnosis).collect())
    }

    /// The groups of a stream that are asked about.
    fn look(&self, session: &mut Session, key: &[u8]) -> Result<Vec<GroupFacts>, Error> {
        match (&self.key, &self.group) {
            // One that is not there is an error.
            (Some(_), Some(group)) => Ok(vec![gather(&mut session.client, key, &group.0)?]),
            _ => gather_all(&mut session.client, key, |_| true),
        }
    }

    /// The streams to look at.
    fn keys(&self, session: &mut Session) -> Result<Vec<Vec<u8>>, Trouble> {
        if let Some(key) = &self.key {
            return Ok(vec![key.0.clone()]);
        }
        let keys = streams::find(session, b"*", STREAMS)?;
        let found = view::overviews(&mut session.client, &keys)?;
        let with_groups = found.into_iter().filter(|one| !one.groups.is_empty());
        Ok(with_groups.map(|one| one.stream.name).collect())
    }

    fn thresholds(&self) -> Thresholds {
        Thresholds {
            lease: moment::ms(self.lease),
            silent: moment::ms(self.silent),
            deliveries: self.deliveries,
            leaked: moment::ms(self.leaked),
            quiet: moment::ms(self.quiet),
            ..Thresholds::default()
        }
    }

    fn print(&self, out: &mut Output, all: &[Diagnosis]) -> Result<(), Trouble> {
        if all.is_empty() {
            return out.line("There are no groups.");
        }
        // Of one group one wants to know everything.
        let everything = self.all || all.len() == 1;
        for one in all {
            let name = out.ink(Ink::Bold, &format!("{} {}", quoted(&one.key), quoted(&one.group)));
            let health = match health(&one.findings) {
                "stuck" => out.ink(Ink::Red, "stuck"),
                "warn" => out.ink(Ink::Yellow, "look at it"),
                _ => out.ink(Ink::Green, "ok"),
            };
            out.line(&format!("{name}: {health}"))?;
            let shown = one.findings.iter().filter(|one| everything || one.severity > Severity::Info);
            shown.into_iter().try_for_each(|one| finding(out, one))?;
        }
        Ok(())
    }
}

/// Puts what was seen later in the place of what was seen before. A group that is gone stays as it was.
fn compare(before: &mut [GroupFacts], later: Vec<GroupFacts>) {
    let mut later: HashMap<Vec<u8>, GroupFacts> =
        later.into_iter().map(|facts| (facts.group.name.clone(), facts)).collect();
    for facts in before {
        if let Some(again) = later.remove(&facts.group.name) {
            *facts = again.since(facts);
        }
    }
}

/// Columns of the text of a finding, at most.
const WIDE: usize = 92;

fn finding(out: &mut Output, one: &Finding) -> Result<(), Trouble> {
    let terminal = columns(crossterm::terminal::size()).map_or(WIDE, usize::from);
    let width = if out.is_terminal() { WIDE.min(terminal.saturating_sub(6)) } else { WIDE };
    let (ink, sign) = match one.severity {
        Severity::Critical => (Ink::Red, "!!"),
        Severity::Warn => (Ink::Yellow, "! "),
        Severity::Info => (Ink::Dim, "- "),
    };
    let sign = out.ink(ink, sign);
    out.line(&format!("  {sign} {}", one.title))?;
    for line in wrapped(&one.detail, width) {
        out.line(&format!("     {line}"))?;
    }
    for command in &one.commands {
        let command = out.ink(Ink::Bold, &command.to_string());
        out.line(&format!("       {command}"))?;
    }
    Ok(())
}

/// Lines of a width.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_ascii_whitespace() {
        let line = lines.last_mut().expect("there is one from the start");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines
}

fn row(one: &Diagnosis) -> Row {
    let severity = |severity| match severity {
        Severity::Info => "info",
        Severity::Warn => "warn",
        Severity::Critical => "critical",
    };
    let finding = |one: &Finding| -> Row {
        let commands = one.commands.iter().map(|command| Cell::Text(command.to_string())).collect();
        vec![
            ("severity", Cell::text(severity(one.severity))),
            ("kind", Cell::text(one.kind)),
            ("title", Cell::text(&one.title)),
            ("detail", Cell::text(&one.detail)),
            ("commands", Cell::List(commands)),
        ]
    };
    vec![
        ("stream", Cell::Bytes(one.key.clone())),
        ("group", Cell::Bytes(one.group.clone())),
        ("health", Cell::text(health(&one.findings))),
        ("findings", Cell::Rows(one.findings.iter().map(finding).collect())),
    ]
}
