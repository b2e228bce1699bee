//! What was measured, kept as JSON: scenarios that run apart come together there.

use super::cases::Metric;
use super::lab::Kind;
use super::unit::{Results, Unit};
use serde_json::{Value, from_value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file of results.
pub(super) struct Store {
    path: PathBuf,
    /// The machine, versions, date.
    pub(super) about: BTreeMap<String, String>,
    results: Results,
}

impl Store {
    /// Empty if there is no file.
    pub(super) fn open(path: &Path) -> Result<Store, String> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => "{}".to_owned(),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        Store::parse(path, &text).map_err(|error| format!("{}: {error}", path.display()))
    }

    pub(super) fn parse(path: &Path, text: &str) -> serde_json::Result<Store> {
        let mut all: Value = serde_json::from_str(text)?;
        let mut part = |name| match all[name].take() {
            Value::Null => json!({}),
            value => value,
        };
        let about = from_value(part("about"))?;
        Ok(Store { path: path.to_owned(), about, results: from_value(part("results"))? })
    }

    pub(super) fn save(&self) -> Result<(), String> {
        let text = format!("{:#}\n", json!({"about": self.about, "results": self.results}));
        std::fs::write(&self.path, text).map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// Where and when it was measured last.
    pub(super) fn describe(&mut self, about: BTreeMap<String, String>) {
        self.about = about;
    }

    /// Rows that were measured anew; what was known of them before goes.
    pub(super) fn replace(&mut self, results: Results) {
        self.results.extend(results);
    }

    /// The rows of a unit that there are.
    pub(super) fn names(&self, unit: &Unit) -> Vec<String> {
        let below = format!("{}/", unit.name);
        let own = self.results.keys().filter(|row| **row == unit.name || row.starts_with(&below));
        own.cloned().collect()
    }

    /// Whether there is any figure of a server.
    pub(super) fn knows(&self, kind: Kind) -> bool {
        let of_kind = |server: &String| server.split('@').next() == Some(kind.name());
        self.results.values().any(|row| row.keys().any(of_kind))
    }

    /// The median of a figure, of the number of threads with which the server was fastest.
    pub(super) fn figure(&self, row: &str, kind: Kind, metric: Metric) -> Option<f64> {
        median(self.best(row, kind)?.1.get(metric.name())?)
    }

    /// That number of threads.
    pub(super) fn threads(&self, row: &str, kind: Kind) -> Option<usize> {
        Some(self.best(row, kind)?.0)
    }

    fn best(&self, row: &str, kind: Kind) -> Option<(usize, &BTreeMap<String, Vec<f64>>)> {
        let of_kind = |(server, samples)| {
            let (name, threads) = <str>::split_once(server, '@')?;
            (name == kind.name()).then_some((threads.parse().ok()?, samples))
        };
        let rate = |samples: &BTreeMap<String, Vec<f64>>| {
            samples.get(Metric::Rate.name()).and_then(|rates| median(rates)).unwrap_or(0.0)
        };
        let servers = self.results.get(row)?.iter().map(|(server, samples)| (server.as_str(), samples));
        servers.filter_map(of_kind).max_by(|a, b| rate(a.1).total_cmp(&rate(b.1)))
    }
}

/// The middle one; of an even number the mean of those in the middle.
pub(super) fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let all = [vec![], vec![3.0], vec![9.0, 1.0, 2.0], vec![4.0, 1.0, 2.0, 100.0]];
        assert_eq!(all.map(|numbers| median(&numbers)), [None, Some(3.0), Some(2.0), Some(3.0)]);
    }

    #[test]
    fn the_faster_number_of_threads_counts() {
        let text = r#"{"results": {"row": {
            "redis@1": {"rate": [10, 30, 20], "cpu_us": [1]},
            "redis@2": {"rate": [40, 5, 6], "cpu_us": [2]},
            "ackline@2": {"cpu_us": [7, 5, 6]}
        }}}"#;
        let store = Store::parse(Path::new("x"), text).unwrap();
        assert_eq!(store.threads("row", Kind::Redis), Some(1));
        assert_eq!(store.figure("row", Kind::Redis, Metric::Cpu), Some(1.0));
        assert_eq!(store.figure("row", Kind::Ackline, Metric::Cpu), Some(6.0));
        assert_eq!(store.figure("row", Kind::Valkey, Metric::Cpu), None);
        assert_eq!(store.figure("other", Kind::Redis, Metric::Cpu), None);
        assert!(store.knows(Kind::Redis) && !store.knows(Kind::Valkey));
    }

    #[test]
    fn what_is_measured_again_takes_the_place_of_what_was() {
        let results = |text: &str| Store::parse(Path::new("x"), text).unwrap().results;
        let mut store =
            Store::parse(Path::new("x"), r#"{"results": {"a": {"redis@1": {"s": [1]}}, "b": {}}}"#).unwrap();
        store.replace(results(r#"{"results": {"a": {"valkey@1": {"s": [2]}}}}"#));
        assert_eq!(store.results, results(r#"{"results": {"a": {"valkey@1": {"s": [2]}}, "b": {}}}"#));
    }
}
