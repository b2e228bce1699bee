//! What is measured together: rounds of each server, one server after the other, so that a slow minute of the machine is one
//! of all of them.

use super::cases::{CASES, Case, Metric};
use super::lab::{Kind, Lab};
use super::options::Options;
use super::{disk, load, logged, memory, pending, restart, stall};
use std::collections::BTreeMap;

/// A number, and what it is.
pub(super) type Figure = (Metric, f64);
/// A row of the document, and its figures from one round of one server.
pub(super) type Row = (String, Vec<Figure>);
/// Row, server and threads, metric: a number a round.
pub(super) type Results = BTreeMap<String, BTreeMap<String, BTreeMap<String, Vec<f64>>>>;

/// What a unit does.
pub(super) enum Work {
    Load(&'static Case),
    /// Commands beside so many pending entries.
    Pending(u64),
    Memory,
    Stall,
    Restart,
    Logged,
    Disk,
}

/// A scenario, or several for which a server is prepared once.
pub(super) struct Unit {
    pub(super) name: String,
    work: Work,
}

/// All that there are.
pub(super) fn units(options: &Options) -> Vec<Unit> {
    let unit = |name: &str, work| Unit { name: name.to_owned(), work };
    let mut units: Vec<Unit> = CASES.iter().map(|case| unit(case.name, Work::Load(case))).collect();
    units.push(unit("log", Work::Logged));
    let long = options.long.then_some(7);
    let lengths = (4..=6).chain(long);
    units.extend(lengths.map(|zeros| unit(&format!("pending/1e{zeros}"), Work::Pending(10u64.pow(zeros)))));
    units.push(unit("memory", Work::Memory));
    units.push(unit("stall", Work::Stall));
    units.push(unit("restart", Work::Restart));
    units.push(unit("disk", Work::Disk));
    units
}

impl Unit {
    /// All rounds, and what went wrong in them.
    pub(super) fn run(&self, lab: &Lab) -> (Results, Vec<String>) {
        let (mut results, mut failures) = (Results::new(), Vec::new());
        for _ in 0..self.rounds(lab) {
            for (kind, threads) in self.contenders(lab) {
                match self.round(lab, kind, threads) {
                    Ok(rows) => keep(&mut results, &format!("{}@{threads}", kind.name()), rows),
                    Err(error) => failures.push(format!("{} with {}: {error}", self.name, kind.name())),
                }
            }
        }
        (results, failures)
    }

    /// What does not vary is measured once.
    fn rounds(&self, lab: &Lab) -> usize {
        if matches!(self.work, Work::Memory | Work::Logged) { 1 } else { lab.rounds }
    }

    /// Servers and their threads. The peers may be faster without threads of their own for sockets.
    fn contenders(&self, lab: &Lab) -> Vec<(Kind, usize)> {
        let (threads, ceiling) = match &self.work {
            Work::Disk => return vec![(Kind::Disk, 1)],
            Work::Load(case) => (case.threads, case.ceiling),
            _ => (1, false),
        };
        let mut all = Vec::new();
        for kind in [Kind::Ackline, Kind::Baseline, Kind::Redis, Kind::Valkey] {
            all.extend((kind.is_peer() && threads > 1).then_some((kind, 1)));
            all.push((kind, threads));
        }
        all.extend(ceiling.then_some((Kind::Ceiling, 1)));
        all.retain(|(kind, _)| lab.program(*kind).is_some());
        all
    }

    fn round(&self, lab: &Lab, kind: Kind, threads: usize) -> Result<Vec<Row>, String> {
        match &self.work {
            Work::Load(case) => load::run(lab, case, kind, threads),
            Work::Pending(count) => pending::run(lab, kind, &self.name, *count),
            Work::Memory => memory::run(lab, kind),
            Work::Stall => stall::run(lab, kind),
            Work::Restart => restart::run(lab, kind),
            Work::Logged => logged::run(lab, kind),
            Work::Disk => disk::run(lab),
        }
    }
}

fn keep(results: &mut Results, server: &str, rows: Vec<Row>) {
    for (row, figures) in rows {
        let samples = results.entry(row).or_default().entry(server.to_owned()).or_default();
        for (metric, number) in figures {
            samples.entry(metric.name().to_owned()).or_default().push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_more_than_their_beginning() {
        let units = units(&Options { long: true, ..Options::default() });
        let names: Vec<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
        let unique: std::collections::BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(unique.len(), names.len());
        assert!(unique.contains("pending/1e7"));
    }

    #[test]
    fn rounds_are_kept_one_behind_the_other() {
        let mut results = Results::new();
        for number in [1.0, 2.0] {
            keep(&mut results, "redis@1", vec![("row".to_owned(), vec![(Metric::Cpu, number)])]);
        }
        assert_eq!(results["row"]["redis@1"]["cpu_us"], [1.0, 2.0]);
    }
}
