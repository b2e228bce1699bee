//! Checking what is kept: every byte of snapshots and log, that they continue each other, and that they agree.
//!
//! ```text
//! every snapshot, part by part ─┐
//! every segment, frame by frame ├─► faults
//! what continues what ──────────┘
//! no fault in the log: each snapshot + the log behind it, and the log alone if it is complete ─► the same digest
//! ```

mod repair;
mod totals;

pub use repair::{Lost, Plan, name, plan, repair};
pub use totals::Totals;

use crate::broker::OpenError;
use crate::recovery::{Fold, META, Meta};
use ackline_engine::codec::Reader;
use ackline_engine::record::{Change, Record};
use ackline_engine::state::{Reach, Shard, digest};
use ackline_log::inspect::{self, Ending, Segment};
use ackline_log::snapshot;
use ackline_log::storage::Storage;
use ackline_log::{LogError, Lsn};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Into how many parts state is folded; the digest does not depend on it.
const SHARDS: usize = 16;
/// More databases than a server can have.
const DATABASES_MAX: u32 = 1024;
/// How often the end of a log that is written to is read again until it is whole.
const LOOKS: usize = 20;
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file and the byte, where it is in one.
    pub place: Option<(String, u64)>,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, at)) = &self.place {
            write!(f, "{file} at byte {at}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// A snapshot as it was found.
#[derive(Clone, Debug, Default)]
pub struct SnapshotReport {
    /// Its file.
    pub name: String,
    /// The log is needed behind this position.
    pub after: Lsn,
    /// The log must reach this position.
    pub reach: Lsn,
    /// Bytes of the file.
    pub size: u64,
    /// Parts that are whole.
    pub parts: u64,
    /// The records in them.
    pub records: u64,
    /// What is wrong with it.
    pub fault: Option<Fault>,
}

/// A segment as it was found.
#[derive(Clone, Debug)]
pub struct SegmentReport {
    /// What it holds.
    pub segment: Segment,
    /// The records in its batches.
    pub records: u64,
    /// What is wrong with it; a torn end is not.
    pub fault: Option<Fault>,
    /// Whether its fault is that it does not continue the one before it.
    pub apart: bool,
}

/// State that was put together in one of the possible ways.
#[derive(Clone, Debug)]
pub struct Folded {
    /// The snapshot that it began with; `None`: the log alone.
    pub snapshot: Option<Lsn>,
    /// Its digest.
    pub digest: String,
}

/// All that a check finds.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Newest first.
    pub snapshots: Vec<SnapshotReport>,
    /// Oldest first.
    pub segments: Vec<SegmentReport>,
    /// Faults that are not those of one file.
    pub faults: Vec<Fault>,
    /// The ways that lead to the state, the shortest first; all digests are equal unless `faults` says otherwise.
    pub folded: Vec<Folded>,
    /// What the state holds.
    pub totals: Option<Totals>,
    /// The highest number of a database that a record names.
    pub database_max: u32,
}

impl Report {
    /// The position before the log's first batch.
    pub fn first(&self) -> Lsn {
        self.segments.first().map_or(0, |first| first.segment.before.lsn)
    }

    /// The position of the log's last batch.
    pub fn last(&self) -> Lsn {
        self.segments.last().map_or(0, |last| last.segment.after.lsn)
    }

    /// Everything that is wrong.
    pub fn all_faults(&self) -> impl Iterator<Item = &Fault> {
        let snapshots = self.snapshots.iter().filter_map(|snapshot| snapshot.fault.as_ref());
        let segments = self.segments.iter().filter_map(|segment| segment.fault.as_ref());
        segments.chain(snapshots).chain(&self.faults)
    }

    fn log_is_whole(&self) -> bool {
        self.segments.iter().all(|segment| segment.fault.is_none())
    }

    fn see(&mut self, bytes: &[u8]) -> Option<u64> {
        let mut count = 0;
        records(bytes, &mut |record, _| {
            count += 1;
            let other = match record.change {
                Change::Move { db, .. } | Change::Copy { db, .. } | Change::Swap { with: db } => db,
                _ => 0,
            };
            self.database_max = self.database_max.max(record.db).max(other);
        })?;
        Some(count)
    }
}

/// Calls `visit` with each record and its bytes; `None` if there is anything else.
pub fn records<'a>(bytes: &'a [u8], visit: &mut dyn FnMut(Record<'a>, &'a [u8])) -> Option<()> {
    let mut reader = Reader::new(bytes);
    while !reader.is_empty() {
        let before = reader.rest();
        let record = Record::decode(&mut reader)?;
        visit(record, &before[..before.len() - reader.rest().len()]);
    }
    Some(())
}

/// Calls `visit` with each part of a snapshot: the position at which it was taken, and records. Answers how far the
/// log must reach.
pub fn read_snapshot(
    storage: &dyn Storage,
    after: Lsn,
    visit: &mut dyn FnMut(Lsn, &[u8]),
) -> Result<Lsn, LogError> {
    let mut reader = snapshot::Reader::new(storage, after)?;
    let mut meta = None;
    loop {
        let at = reader.position();
        let corrupt = |reason: &str| LogError::Corrupt {
            file: storage.path(&snapshot::name(after)),
            offset: at,
            reason: reason.to_owned(),
        };
        match (reader.next()?, &meta) {
            (None, None) => return Err(corrupt("the snapshot does not say where it was taken")),
            (None, Some(_)) => return Ok(reader.reach),
            (Some((META, part)), _) => {
                meta = Some(
                    Meta::decode(part).ok_or_else(|| corrupt("the shards' positions are not readable"))?,
                );
            }
            (Some((shard, part)), meta) => {
                let lsn = meta.as_ref().and_then(|meta| meta.lsns.get(shard as usize));
                visit(*lsn.ok_or_else(|| corrupt("the part belongs to no shard"))?, part);
            }
        }
    }
}

/// Checks a storage, of which nothing is changed. `live` says that a server may be writing to it.
pub fn check(storage: &dyn Storage, live: bool) -> Result<Report, LogError> {
    let mut report = Report::default();
    for after in snapshot::list(storage)? {
        let found = look_at_snapshot(storage, after, &mut report)?;
        report.snapshots.push(found);
    }
    let names = inspect::segments(storage)?;
    for (position, name) in names.iter().enumerate() {
        let last = position + 1 == names.len();
        let found = look_at_segment(storage, name, last, live, &mut report)?;
        report.segments.push(found);
    }
    coverage(&mut report);
    if report.log_is_whole() {
        fold_all(storage, &mut report)?;
    }
    Ok(report)
}

fn look_at_snapshot(
    storage: &dyn Storage,
    after: Lsn,
    report: &mut Report,
) -> Result<SnapshotReport, LogError> {
    let name = snapshot::name(after);
    let size = storage.size(&name).map_err(|error| LogError::Io(storage.path(&name), error))?;
    let mut found = SnapshotReport { name: name.clone(), after, size, ..SnapshotReport::default() };
    let mut strange = None;
    let read = read_snapshot(storage, after, &mut |_, part| {
        found.parts += 1;
        match report.see(part) {
            Some(records) => found.records += records,
            None => strange = strange.or(Some(found.parts)),
        }
    });
    let fault = |at, reason| Some(Fault { place: Some((name.clone(), at)), reason });
    match read {
        Ok(reach) => found.reach = reach,
        Err(LogError::Corrupt { offset, reason, .. }) => found.fault = fault(offset, reason),
        Err(error) => return Err(error),
    }
    if let (None, Some(part)) = (&found.fault, strange) {
        found.fault = fault(0, format!("part {part} holds something that is no record"));
    }
    Ok(found)
}

fn look_at_segment(
    storage: &dyn Storage,
    name: &str,
    last: bool,
    live: bool,
    report: &mut Report,
) -> Result<SegmentReport, LogError> {
    let mut looks = if live && last { LOOKS } else { 1 };
    let (mut found, strange) = loop {
        let (mut records, mut strange) = (0, None);
        let bytes = storage.read(name).map_err(|error| LogError::Io(storage.path(name), error))?;
        let segment = inspect::segment(name, &bytes, last, &mut |lsn, batch| match report.see(batch) {
            Some(count) => records += count,
            None => strange = strange.or(Some(lsn)),
        });
        looks -= 1;
        if segment.ending == Ending::Whole || looks == 0 {
            break (SegmentReport { segment, records, fault: None, apart: false }, strange);
        }
        std::thread::sleep(LOOK_AGAIN);
    };
    if let Ending::Damaged(reason) = &found.segment.ending {
        let place = Some((name.to_owned(), found.segment.end));
        found.fault = Some(Fault { place, reason: reason.clone() });
    } else if let Some(before) = report.segments.last() {
        found.fault = breach(&before.segment, &found.segment);
        found.apart = found.fault.is_some();
    }
    if let Some(lsn) = strange {
        report.faults.push(Fault { place: None, reason: OpenError::Record(lsn).to_string() });
    }
    Ok(found)
}

/// That a segment does not continue the one before it, as far as that one can be read.
fn breach(before: &Segment, segment: &Segment) -> Option<Fault> {
    if before.after == segment.before || matches!(before.ending, Ending::Damaged(_)) {
        return None;
    }
    let (left, right) = (before.after, segment.before);
    let reason = format!(
        "the segment does not continue the one before it: position {}, frame {} follow on position {}, frame {}",
        right.lsn, right.frame, left.lsn, left.frame
    );
    Some(Fault { place: Some((segment.name.clone(), 0)), reason })
}

/// Whether snapshots and log meet.
fn coverage(report: &mut Report) {
    let whole: Vec<&SnapshotReport> =
        report.snapshots.iter().filter(|snapshot| snapshot.fault.is_none()).collect();
    let (first, last) = (report.first(), report.last());
    let mut reasons = Vec::new();
    if report.log_is_whole() {
        if whole.is_empty() && first > 0 {
            reasons.push(LogError::Missing { from: first, to: 0 }.to_string());
        }
        for snapshot in whole {
            if first > snapshot.after {
                reasons.push(format!(
                    "the log begins at position {first}: what the snapshot of position {} needs is gone",
                    snapshot.after
                ));
            }
            if last < snapshot.reach {
                reasons.push(LogError::Behind { log: last, snapshot: snapshot.reach }.to_string());
            }
        }
    }
    report.faults.extend(reasons.into_iter().map(|reason| Fault { place: None, reason }));
}

/// Puts the state together in every possible way.
fn fold_all(storage: &dyn Storage, report: &mut Report) -> Result<(), LogError> {
    let (first, last) = (report.first(), report.last());
    let fits = |s: &SnapshotReport| s.fault.is_none() && first <= s.after && s.reach <= last;
    let mut ways: Vec<Option<Lsn>> =
        report.snapshots.iter().filter(|s| fits(s)).map(|s| Some(s.after)).collect();
    if first == 0 && !report.segments.is_empty() {
        ways.push(None);
    }
    for snapshot in ways {
        match fold(storage, snapshot, report) {
            Ok(mut shards) => {
                let digest = digest(&Reach::new(shards.len(), shards.iter_mut().enumerate()));
                report.totals.get_or_insert_with(|| Totals::of(&shards));
                report.folded.push(Folded { snapshot, digest });
            }
            Err(OpenError::Log(error @ LogError::Io(..))) => return Err(error),
            Err(error) => report.faults.push(Fault { place: None, reason: error.to_string() }),
        }
    }
    let differs = |folded: &&Folded| folded.digest != report.folded[0].digest;
    let other = report.folded.iter().find(differs);
    let reason = other.map(|other| format!("{} leads to another state: {}", other.way(), other.digest));
    report.faults.extend(reason.map(|reason| Fault { place: None, reason }));
    Ok(())
}

impl Folded {
    /// How it was put together, in words.
    pub fn way(&self) -> String {
        match self.snapshot {
            Some(after) => format!("the snapshot of position {after} with the log behind it"),
            None => "the log alone".to_owned(),
        }
    }
}

fn fold(storage: &dyn Storage, snapshot: Option<Lsn>, report: &Report) -> Result<Vec<Shard>, OpenError> {
    let databases = report.database_max.min(DATABASES_MAX - 1) as usize + 1;
    let mut fold = Fold::new(SHARDS, databases, 0, Arc::default());
    if let Some(after) = snapshot {
        fold.load(storage, after)?;
    }
    for SegmentReport { segment, .. } in &report.segments {
        if snapshot.is_some_and(|after| segment.after.lsn <= after) {
            continue;
        }
        let bytes = storage.read(&segment.name);
        let bytes = bytes.map_err(|error| LogError::Io(storage.path(&segment.name), error))?;
        // What a server appended meanwhile is not looked at.
        inspect::segment(&segment.name, &bytes, true, &mut |lsn, batch| {
            if lsn <= segment.after.lsn {
                fold.batch(lsn, batch);
            }
        });
    }
    fold.finish()
}
