//! Repairing what a check found, by leaving out as little as possible. Nothing is destroyed: what is left out stays
//! beside the log under another name.
//!
//! ```text
//! the damage lies before what a whole snapshot needs     drop the log up to there        nothing is lost
//! a snapshot has all that the damage hides               go on from the snapshot alone   what came behind it is
//! otherwise                                              cut at the last good frame      what came behind it is
//! ```

use super::{Report, SegmentReport, SnapshotReport, records};
use ackline_engine::record::{Change, Record};
use ackline_log::inspect::{self, Ending, Joint};
use ackline_log::storage::Storage;
use ackline_log::{LogError, Lsn};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// What a repair does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files that get another name.
    pub aside: Vec<String>,
    /// The segment that ends at a byte from then on; it is copied before.
    pub cut: Option<(String, u64)>,
    /// Where an empty log begins anew.
    pub begin: Option<Joint>,
    /// The last position that is kept.
    pub keeps: Lsn,
    /// Whether anything that was written behind may be lost.
    pub loses: bool,
}

/// What a repair leaves out.
#[derive(Clone, Debug, Default)]
pub struct Lost {
    /// The last position that was lost, where it is known.
    pub to: Option<Lsn>,
    /// Whole frames behind the damage.
    pub frames: u64,
    /// The batches in them.
    pub batches: u64,
    /// How many records of each kind are in them.
    pub changes: BTreeMap<&'static str, u64>,
    /// The databases and keys that they are about.
    pub keys: BTreeSet<(u32, Vec<u8>)>,
}

/// How to repair what was found; `Ok(None)` if there is nothing to repair, an error if it is beyond repair.
pub fn plan(report: &Report) -> Result<Option<Plan>, String> {
    let usable: Vec<&SnapshotReport> = report.snapshots.iter().filter(|s| s.fault.is_none()).collect();
    let mut plan = match report.segments.iter().position(|segment| segment.fault.is_some()) {
        Some(damaged) => without_head(report, &usable, damaged)
            .or_else(|| without_tail(report, &usable, damaged))
            .ok_or("no whole snapshot and no whole part of the log make up a state: bring back a copy")?,
        None if report.all_faults().next().is_none() => return Ok(None),
        None => without_damage(report, &usable)
            .ok_or("files are missing, which no cut can bring back: bring back a copy of them")?,
    };
    let damaged = report.snapshots.iter().filter(|s| s.fault.is_some());
    plan.aside.extend(damaged.map(|s| s.name.clone()));
    match plan == (Plan { keeps: plan.keeps, ..Plan::default() }) {
        true => Err("the records themselves do not fit, which no cut can change".to_owned()),
        false => Ok(Some(plan)),
    }
}

/// The log is whole: only snapshots may have to go.
fn without_damage(report: &Report, usable: &[&SnapshotReport]) -> Option<Plan> {
    let (first, last) = (report.first(), report.last());
    let newest = usable.first();
    if report.segments.is_empty() {
        let snapshot = newest.filter(|s| s.after == s.reach)?;
        return Some(fresh(report, snapshot));
    }
    match newest {
        Some(newest) if newest.after == newest.reach && last < newest.after => Some(fresh(report, newest)),
        Some(newest) if first > newest.after || last < newest.reach => None,
        None if first > 0 => None,
        _ => Some(Plan { keeps: last, ..Plan::default() }),
    }
}

/// Everything before a whole run of segments that a snapshot reaches goes.
fn without_head(report: &Report, usable: &[&SnapshotReport], damaged: usize) -> Option<Plan> {
    let later = damaged + usize::from(!report.segments[damaged].apart);
    let from = (later..report.segments.len()).find(|from| {
        let run = &report.segments[*from..];
        let whole = run.iter().skip(1).all(|s| s.fault.is_none()) && (run[0].fault.is_none() || run[0].apart);
        let (first, last) = (run[0].segment.before.lsn, report.last());
        whole && usable.iter().any(|s| first <= s.after && s.reach <= last)
    })?;
    let first = report.segments[from].segment.before.lsn;
    let uncovered = usable.iter().filter(|s| s.after < first).map(|s| s.name.clone());
    let segments = report.segments[..from].iter().map(|s| s.segment.name.clone());
    Some(Plan { aside: uncovered.chain(segments).collect(), keeps: report.last(), ..Plan::default() })
}

/// The log ends before the damage, or at a snapshot that is newer.
fn without_tail(report: &Report, usable: &[&SnapshotReport], damaged: usize) -> Option<Plan> {
    let SegmentReport { segment, apart, .. } = &report.segments[damaged];
    let before = damaged.checked_sub(1).map(|before| report.segments[before].segment.after.lsn);
    let (end, cut) = match segment.end > 0 && !apart {
        true => (Some(segment.after.lsn), Some((segment.name.clone(), segment.end))),
        false => (before, None),
    };
    let newer = usable.iter().find(|s| s.after == s.reach && end.is_none_or(|end| s.after > end));
    if let Some(snapshot) = newer {
        return Some(fresh(report, snapshot));
    }
    let (first, keeps) = (report.first(), end?);
    let (fit, unfit): (Vec<&SnapshotReport>, Vec<&SnapshotReport>) =
        usable.iter().partition(|s| first <= s.after && s.reach <= keeps);
    if fit.is_empty() && first > 0 {
        return None;
    }
    let kept = damaged + usize::from(cut.is_some());
    let later = report.segments[kept..].iter().rev().map(|s| s.segment.name.clone());
    let aside = unfit.into_iter().map(|s| s.name.clone()).chain(later).collect();
    Some(Plan { aside, cut, begin: None, keeps, loses: true })
}

/// The snapshot alone, with an empty log behind it.
fn fresh(report: &Report, snapshot: &SnapshotReport) -> Plan {
    // The newest first: should this be interrupted, what is left can be told from a log that is whole.
    let segments = report.segments.iter().rev().map(|s| s.segment.name.clone());
    let others = report.snapshots.iter().filter(|s| s.fault.is_none() && s.after != snapshot.after);
    let frame = report.segments.iter().map(|s| s.segment.after.frame).max().unwrap_or(0) + 1;
    let begin = Joint { lsn: snapshot.after, frame, epoch: frame, sum: 0 };
    let aside = others.map(|s| s.name.clone()).chain(segments).collect();
    Plan { aside, cut: None, begin: Some(begin), keeps: snapshot.after, loses: true }
}

impl Lost {
    /// What the plan leaves out of the log, as far as it can still be read.
    pub fn by(plan: &Plan, report: &Report, storage: &dyn Storage) -> Result<Lost, LogError> {
        let mut lost = Lost::default();
        if !plan.loses {
            return Ok(lost);
        }
        let last = report.segments.last().map(|last| &last.segment);
        let ends = last.filter(|last| last.end > 0 && !matches!(last.ending, Ending::Damaged(_)));
        lost.to = ends.map(|last| last.after.lsn);
        for SegmentReport { segment, .. } in &report.segments {
            let bytes = storage.read(&segment.name);
            let bytes = bytes.map_err(|error| LogError::Io(storage.path(&segment.name), error))?;
            inspect::segment(&segment.name, &bytes, true, &mut |lsn, batch| {
                if lsn > plan.keeps {
                    lost.see(batch);
                }
            });
            if segment.before.lsn >= plan.keeps {
                lost.frames += segment.after.frame - segment.before.frame;
            }
            if matches!(segment.ending, Ending::Damaged(_)) {
                lost.frames += inspect::salvage(&bytes, segment.end + 1, &mut |batch| lost.see(batch)).frames;
            }
        }
        Ok(lost)
    }

    fn see(&mut self, batch: &[u8]) {
        self.batches += 1;
        // What does not parse to its end is counted as far as it does.
        let _ = records(batch, &mut |record, _| {
            *self.changes.entry(name(&record)).or_default() += 1;
            self.keys.insert((record.db, record.key.to_vec()));
        });
    }
}

/// Carries a plan out. The caller holds the lock. Answers, line by line, what was done.
pub fn repair(storage: &dyn Storage, plan: &Plan) -> io::Result<Vec<String>> {
    let mut done = Vec::new();
    if let Some((name, _)) = &plan.cut {
        done.push(format!("{name} was copied to {}", inspect::copy_aside(storage, name)?));
    }
    for name in &plan.aside {
        done.push(format!("{name} is now {}", inspect::set_aside(storage, name)?));
    }
    if let Some((name, at)) = &plan.cut {
        inspect::cut(storage, name, *at)?;
        done.push(format!("{name} ends at byte {at} now"));
    }
    if let Some(begin) = plan.begin {
        let name = inspect::begin(storage, begin)?;
        done.push(format!("{name} begins behind position {}", begin.lsn));
    }
    Ok(done)
}

/// The name of what happened, as documentation has it.
pub fn name(record: &Record<'_>) -> &'static str {
    match record.change {
        Change::CreateStream { .. } => "CreateStream",
        Change::Append { .. } => "Append",
        Change::Trim { .. } => "Trim",
        Change::Delete { .. } => "Delete",
        Change::SetStream { .. } => "SetStream",
        Change::CreateGroup { .. } => "CreateGroup",
        Change::DestroyGroup { .. } => "DestroyGroup",
        Change::Seek { .. } => "Seek",
        Change::CreateConsumer { .. } => "CreateConsumer",
        Change::DeleteConsumer { .. } => "DeleteConsumer",
        Change::Deliver { .. } => "Deliver",
        Change::Claim { .. } => "Claim",
        Change::Release { .. } => "Release",
        Change::Ack { .. } => "Ack",
        Change::Remember { .. } => "Remember",
        Change::Recognise => "Recognise",
        Change::Configure { .. } => "Configure",
        Change::Forget { .. } => "Forget",
        Change::Set { .. } => "Set",
        Change::Extend { .. } => "Extend",
        Change::Remove => "Remove",
        Change::Expire { .. } => "Expire",
        Change::Move { .. } => "Move",
        Change::Copy { .. } => "Copy",
        Change::Flush => "Flush",
        Change::Swap { .. } => "Swap",
        Change::Load { .. } => "Load",
    }
}
