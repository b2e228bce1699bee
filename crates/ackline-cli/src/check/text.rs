//! The report for people.

use super::Outcome;
use crate::inspect::show::quoted;
use ackline::check::{Lost, Plan, Report, SegmentReport, SnapshotReport, Totals};
use ackline_log::inspect::Ending;
use std::fmt::Write;

/// Columns of a line of running text.
const WIDTH: usize = 80;
/// Keys that are named.
const KEYS: usize = 5;

/// Everything, from the head to the last line.
pub(super) fn report(outcome: &Outcome<'_>) -> String {
    let report = &outcome.report;
    let mut out = format!("{}{}\n", outcome.dir.display(), if outcome.live { ", in use" } else { "" });
    out.push_str(&snapshots(&report.snapshots));
    out.push_str(&segments(report));
    out.push_str(&state(report));
    out.push_str(&repaired(outcome));
    if outcome.done.is_empty() {
        out.push_str(&advice(outcome));
    }
    let _ = write!(out, "\n{:.2} seconds\n{}\n", outcome.seconds, verdict(report));
    out
}

/// What was wrong before a repair.
pub(super) fn damage(outcome: &Outcome<'_>) -> String {
    let faults = outcome.report.all_faults().map(|fault| wrapped("  ", &fault.to_string()));
    format!("Found\n{}\n", faults.collect::<String>())
}

fn verdict(report: &Report) -> String {
    let faults: Vec<String> = report.all_faults().map(ToString::to_string).collect();
    match &faults[..] {
        [] => "ok".to_owned(),
        faults => format!("DAMAGED: {}", faults.join("; ")),
    }
}

/// Lines of at most so many columns, each behind a margin.
fn wrapped(margin: &str, text: &str) -> String {
    let mut out = String::new();
    let mut line = margin.to_owned();
    for word in text.split(' ') {
        if line.len() + 1 + word.len() > WIDTH && line.len() > margin.len() {
            let _ = writeln!(out, "{line}");
            margin.clone_into(&mut line);
        }
        if line.len() > margin.len() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
    out
}

/// Columns two blanks apart, as wide as they must be; those whose title begins with a blank are numbers.
fn table(titles: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.chain([titles[column].trim().len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    let line = |cells: &[&str]| {
        let padded = cells.iter().zip(&widths).zip(titles).map(|((cell, width), title)| {
            match title.starts_with(' ') {
                true => format!("{cell:>width$}"),
                false => format!("{cell:width$}"),
            }
        });
        format!(" {}", padded.collect::<Vec<_>>().join("  ")).trim_end().to_owned() + "\n"
    };
    let head: Vec<&str> = titles.iter().map(|title| title.trim()).collect();
    let body = rows.iter().map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    line(&head) + &body.collect::<String>()
}

/// Bytes in at most five columns.
fn short(bytes: u64) -> String {
    let units = [("G", 1u64 << 30), ("M", 1 << 20), ("K", 1 << 10)];
    match units.into_iter().find(|(_, unit)| bytes >= *unit) {
        None => bytes.to_string(),
        Some((name, unit)) if bytes < 10 * unit => format!("{:.1}{name}", bytes as f64 / unit as f64),
        Some((name, unit)) => format!("{}{name}", bytes / unit),
    }
}

fn snapshots(snapshots: &[SnapshotReport]) -> String {
    if snapshots.is_empty() {
        return "\nSnapshots\n  none\n".to_owned();
    }
    let rows: Vec<Vec<String>> = snapshots
        .iter()
        .map(|s| {
            let state = if s.fault.is_none() { "ok" } else { "DAMAGED" };
            let reach = if s.fault.is_none() { s.reach.to_string() } else { "?".to_owned() };
            let numbers = [s.after.to_string(), reach, s.size.to_string()];
            let counts = [s.parts.to_string(), s.records.to_string(), state.to_owned()];
            numbers.into_iter().chain(counts).collect()
        })
        .collect();
    let mut out = "\nSnapshots\n".to_owned();
    out += &table(&[" position", " reach", " bytes", " parts", " records", "state"], &rows);
    let faults = snapshots.iter().filter_map(|s| s.fault.as_ref());
    out.extend(faults.map(|fault| wrapped("    ", &fault.to_string())));
    out
}

fn segments(report: &Report) -> String {
    if report.segments.is_empty() {
        return "\nSegments\n  none\n".to_owned();
    }
    let mut out = "\nSegments\n".to_owned();
    let titles =
        ["name (.log)", " positions", " frames", " batches", " fences", " epoch", " used/size", "state"];
    out += &table(&titles, &report.segments.iter().map(row).collect::<Vec<_>>());
    for SegmentReport { segment, fault, .. } in &report.segments {
        if let Some(fault) = fault {
            out += &wrapped("    ", &fault.to_string());
        } else if let Ending::Torn(bytes) = segment.ending {
            let text = format!(
                "{} is torn: {bytes} bytes behind byte {} are of a write that was interrupted. Nothing that was \
                 synced is missing; the next start of a server cuts it.",
                segment.name, segment.end
            );
            out += &wrapped("    ", &text);
        }
    }
    out
}

fn row(SegmentReport { segment, fault, .. }: &SegmentReport) -> Vec<String> {
    let (before, after) = (segment.before, segment.after);
    let range = |from: u64, to: u64| if from >= to { to.to_string() } else { format!("{from}-{to}") };
    let positions = match after.lsn == before.lsn {
        true => "none".to_owned(),
        false => range(before.lsn + 1, after.lsn),
    };
    let state = match (&segment.ending, fault) {
        (_, Some(_)) => "DAMAGED",
        (Ending::Torn(_), None) => "torn",
        _ => "ok",
    };
    vec![
        segment.name.trim_end_matches(".log").to_owned(),
        positions,
        (after.frame - before.frame).to_string(),
        (after.lsn - before.lsn).to_string(),
        segment.fences.to_string(),
        range(before.epoch, after.epoch),
        format!("{}/{}", short(segment.end), short(segment.size)),
        state.to_owned(),
    ]
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn state(report: &Report) -> String {
    let Some(totals) = &report.totals else { return String::new() };
    let mut out = format!("\nState at position {}\n", report.last());
    out += &wrapped("  ", &keys(totals));
    let counts = [
        plural(totals.streams, "stream", "streams"),
        plural(totals.strings, "string", "strings"),
        plural(totals.entries, "entry", "entries"),
        plural(totals.groups, "group", "groups"),
        plural(totals.consumers, "consumer", "consumers"),
        plural(totals.pending, "pending entry", "pending entries"),
    ];
    out += &wrapped("  ", &counts.join(", "));
    if let Some(first) = report.folded.first() {
        let _ = writeln!(out, "  digest {}", first.digest);
        for folded in &report.folded {
            let same = if folded.digest == first.digest { "the same" } else { "ANOTHER" };
            out += &match report.folded.len() {
                1 => wrapped("  ", &format!("from {}", folded.way())),
                _ => wrapped("  ", &format!("{same} from {}", folded.way())),
            };
        }
    }
    if report.database_max > 15 {
        let wanted = report.database_max + 1;
        out += &wrapped("  ", &format!("a server needs --databases {wanted} or more here"));
    }
    out
}

fn keys(totals: &Totals) -> String {
    let each = |(db, count): (&u32, &u64)| format!("database {db}: {}", plural(*count, "key", "keys"));
    match totals.keys.is_empty() {
        true => "no keys".to_owned(),
        false => totals.keys.iter().map(each).collect::<Vec<_>>().join(", "),
    }
}

fn repaired(outcome: &Outcome<'_>) -> String {
    let (false, Ok(Some(plan))) = (outcome.done.is_empty(), &outcome.plan) else { return String::new() };
    let done = outcome.done.iter().map(|line| wrapped("  ", line));
    format!("\nRepaired\n{}{}", done.collect::<String>(), losses(plan, &outcome.lost))
}

/// What a repair would do.
fn advice(outcome: &Outcome<'_>) -> String {
    let plan = match &outcome.plan {
        Ok(None) => return String::new(),
        Err(reason) => return format!("\nRepair\n{}", wrapped("  ", reason)),
        Ok(Some(plan)) => plan,
    };
    let starts = plan.cut.is_none() && plan.begin.is_none() && !outcome.report.folded.is_empty();
    let text = match starts {
        true => "A server starts all the same: an older snapshot and the log have everything. ",
        false => "A server does not start on this. ",
    };
    let command = format!("`ackline check {} --cut` would", outcome.dir.display());
    let mut out = format!("\nRepair\n{}", wrapped("  ", &format!("{text}{command}")));
    if let Some((name, at)) = &plan.cut {
        out += &wrapped("    ", &format!("copy {name} to {name}.damaged, and end it at byte {at}"));
    }
    for name in &plan.aside {
        out += &wrapped("    ", &format!("rename {name} to {name}.damaged"));
    }
    if let Some(begin) = plan.begin {
        out += &wrapped("    ", &format!("begin an empty log behind position {}", begin.lsn));
    }
    out + &losses(plan, &outcome.lost)
}

fn losses(plan: &Plan, lost: &Lost) -> String {
    if !plan.loses {
        return wrapped("  ", &format!("Nothing is lost: everything up to position {} stays.", plan.keeps));
    }
    let from = plan.keeps + 1;
    let mut text = match lost.to {
        Some(to) if to <= plan.keeps => "Nothing behind the cut is known to be lost.".to_owned(),
        Some(to) => {
            format!("Lost: positions {from} to {to}, {}.", plural(to - plan.keeps, "batch", "batches"))
        }
        None => format!("Lost: every position from {from} on; how many is not known."),
    };
    if lost.batches == 0 {
        text += " Nothing behind the damage can be read.";
        return wrapped("  ", &text);
    }
    let changes: Vec<String> = lost.changes.iter().map(|(name, count)| format!("{count} {name}")).collect();
    let named: Vec<String> =
        lost.keys.iter().take(KEYS).map(|(db, key)| format!("{db} {}", quoted(key))).collect();
    let more = if lost.keys.len() > KEYS { ", .." } else { "" };
    let _ = write!(
        text,
        " Behind the damage {} in {} can still be read: {}; about {} ({}{more}).",
        plural(lost.batches, "batch", "batches"),
        plural(lost.frames, "frame", "frames"),
        changes.join(", "),
        plural(lost.keys.len() as u64, "key", "keys"),
        named.join(", "),
    );
    if plan.begin.is_some() {
        let _ = write!(text, " The snapshot has those of them that belong before position {from}.");
    }
    wrapped("  ", &text)
}
