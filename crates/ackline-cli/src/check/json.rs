//! The report for programs.

use super::Outcome;
use ackline::check::{Lost, Plan, SegmentReport, SnapshotReport, Totals};
use ackline_log::inspect::Ending;
use std::fmt::{Display, Write};

/// A JSON object in the making.
struct Object(String);

impl Object {
    fn new() -> Object {
        Object(String::new())
    }

    fn put(mut self, name: &str, value: impl Display) -> Object {
        let comma = if self.0.is_empty() { "" } else { "," };
        // Writing to a string does not fail.
        let _ = write!(self.0, "{comma}{}:{value}", text(name));
        self
    }

    fn text(self, name: &str, value: &str) -> Object {
        self.put(name, text(value))
    }

    fn maybe(self, name: &str, value: Option<impl Display>) -> Object {
        match value {
            Some(value) => self.put(name, value),
            None => self.put(name, "null"),
        }
    }

    fn end(self) -> String {
        format!("{{{}}}", self.0)
    }
}

fn text(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out + "\""
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// One line.
pub(super) fn report(outcome: &Outcome<'_>) -> String {
    let report = &outcome.report;
    let faults = list(report.all_faults().map(|fault| text(&fault.to_string())));
    let folded = report
        .folded
        .iter()
        .map(|folded| Object::new().maybe("snapshot", folded.snapshot).text("digest", &folded.digest).end());
    let object = Object::new()
        .text("directory", &outcome.dir.to_string_lossy())
        .put("in_use", outcome.live)
        .put("ok", outcome.is_whole())
        .put("damage", faults)
        .put("snapshots", list(report.snapshots.iter().map(snapshot)))
        .put("segments", list(report.segments.iter().map(segment)))
        .put("position", report.last())
        .maybe("state", report.totals.as_ref().map(totals))
        .maybe("digest", report.folded.first().map(|folded| text(&folded.digest)))
        .put("folded", list(folded))
        .maybe("repair", outcome.plan.as_ref().ok().and_then(Option::as_ref).map(|p| plan(p, &outcome.lost)))
        .put("repaired", list(outcome.done.iter().map(|line| text(line))))
        .put("seconds", format!("{:.3}", outcome.seconds));
    object.end() + "\n"
}

fn snapshot(found: &SnapshotReport) -> String {
    Object::new()
        .text("name", &found.name)
        .put("position", found.after)
        .put("reach", found.reach)
        .put("bytes", found.size)
        .put("parts", found.parts)
        .put("records", found.records)
        .maybe("damage", found.fault.as_ref().map(|fault| text(&fault.to_string())))
        .end()
}

fn segment(found: &SegmentReport) -> String {
    let segment = &found.segment;
    let torn = if let Ending::Torn(bytes) = segment.ending { bytes } else { 0 };
    Object::new()
        .text("name", &segment.name)
        .put("after", segment.before.lsn)
        .put("to", segment.after.lsn)
        .put("frames", segment.after.frame - segment.before.frame)
        .put("batches", segment.after.lsn - segment.before.lsn)
        .put("records", found.records)
        .put("fences", segment.fences)
        .put("epochs", format!("[{},{}]", segment.before.epoch, segment.after.epoch))
        .put("used", segment.end)
        .put("size", segment.size)
        .put("torn", torn)
        .maybe("damage", found.fault.as_ref().map(|fault| text(&fault.to_string())))
        .end()
}

fn totals(totals: &Totals) -> String {
    let keys = totals.keys.iter().fold(Object::new(), |keys, (db, count)| keys.put(&db.to_string(), count));
    Object::new()
        .put("keys", keys.end())
        .put("streams", totals.streams)
        .put("strings", totals.strings)
        .put("entries", totals.entries)
        .put("groups", totals.groups)
        .put("consumers", totals.consumers)
        .put("pending", totals.pending)
        .end()
}

fn plan(plan: &Plan, lost: &Lost) -> String {
    let changes = lost.changes.iter().fold(Object::new(), |all, (name, count)| all.put(name, count));
    let lost = Object::new()
        .put("from", plan.keeps + 1)
        .maybe("to", lost.to)
        .put("frames_readable", lost.frames)
        .put("batches_readable", lost.batches)
        .put("records_readable", changes.end())
        .put("keys_readable", lost.keys.len());
    let cut = plan.cut.as_ref().map(|(name, at)| Object::new().text("name", name).put("byte", at).end());
    Object::new()
        .put("aside", list(plan.aside.iter().map(|name| text(name))))
        .maybe("cut", cut)
        .maybe("begin_after", plan.begin.map(|begin| begin.lsn))
        .put("keeps", plan.keeps)
        .maybe("lost", plan.loses.then(|| lost.end()))
        .end()
}
