//! Who is better, and by how much.

use super::cases::Metric;
use super::lab::Kind;
use super::store::Store;
use super::table::{self, Line};

/// Below that a difference is none.
const SAME: f64 = 0.05;

/// Ackline's cost to that of the better peer: below 1 Ackline is better, whatever the figure is. `None` if one is missing.
pub(super) fn ratio(store: &Store, row: &str, metric: Metric) -> Option<f64> {
    let own = store.figure(row, Kind::Ackline, metric)?;
    let peers = [Kind::Redis, Kind::Valkey].into_iter().filter_map(|kind| store.figure(row, kind, metric));
    peers.map(|peer| cost_ratio(own, peer, metric)).max_by(f64::total_cmp)
}

/// The same against one other server.
pub(super) fn cost_ratio(own: f64, other: f64, metric: Metric) -> f64 {
    let (own, other) = if metric == Metric::Rate { (other, own) } else { (own, other) };
    // Less than nobody notices is as good as nothing.
    let least = if matches!(metric, Metric::Bytes | Metric::Milliseconds) { 1.0 } else { 1e-9 };
    own.max(least) / other.max(least)
}

pub(super) fn is_loss(ratio: f64) -> bool {
    ratio > 1.0 + SAME
}

pub(super) fn is_win(ratio: f64) -> bool {
    ratio < 1.0 / (1.0 + SAME)
}

/// A ratio for readers: a loss catches the eye.
pub(super) fn shown(ratio: Option<f64>) -> String {
    match ratio {
        None => "–".to_owned(),
        Some(ratio) if is_loss(ratio) => format!("**{} loss**", plain(ratio)),
        Some(ratio) => plain(ratio),
    }
}

pub(super) fn plain(ratio: f64) -> String {
    match ratio {
        ratio if ratio >= 10.0 => format!("{ratio:.0}"),
        ratio if ratio >= 0.1 => format!("{ratio:.2}"),
        ratio if ratio >= 0.0001 => format!("{}", (ratio * 10_000.0).round() / 10_000.0),
        _ => "< 0.0001".to_owned(),
    }
}

/// A number with its unit, to three digits.
pub(super) fn number(value: f64, metric: Metric) -> String {
    match (metric, value) {
        (Metric::Rate, value) if value >= 1e6 => format!("{} M", digits(value / 1e6)),
        (Metric::Rate, value) if value >= 1e3 => format!("{} k", digits(value / 1e3)),
        (_, value) => digits(value),
    }
}

/// Three digits, or what stands before the point.
pub(super) fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => grouped(value.round() as i64),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{}", (value * 1000.0).round() / 1000.0),
    }
}

/// Thousands apart.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| str::from_utf8(part).ok()).collect();
    groups.join(",")
}

/// A row for who watches: the figure that counts, of everybody.
pub(super) fn line(store: &Store, row: &str) -> String {
    let Line { what, judged, .. } = table::line(row);
    let mut parts = Vec::new();
    for kind in [Kind::Ackline, Kind::Baseline, Kind::Redis, Kind::Valkey, Kind::Ceiling, Kind::Disk] {
        if let Some(value) = store.figure(row, kind, judged) {
            parts.push(format!("{} {} {}", kind.name(), number(value, judged), judged.unit()));
        }
    }
    let own = store.figure(row, Kind::Ackline, judged);
    if let Some((own, other)) = own.zip(store.figure(row, Kind::Baseline, judged)) {
        parts.push(format!("to baseline {}", plain(cost_ratio(own, other, judged))));
    }
    parts.push(format!("to peers {}", shown(ratio(store, row, judged))));
    format!("{what}: {}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_better_peer_is_the_measure() {
        let text = r#"{"results": {"row": {
            "ackline@1": {"rate": [100], "cpu_us": [2]},
            "redis@1": {"rate": [50], "cpu_us": [4]},
            "valkey@1": {"rate": [200], "cpu_us": [1]}
        }, "alone": {"ackline@1": {"cpu_us": [2]}}}}"#;
        let store = Store::parse(Path::new("x"), text).unwrap();
        assert_eq!(ratio(&store, "row", Metric::Cpu), Some(2.0));
        assert_eq!(ratio(&store, "row", Metric::Rate), Some(2.0));
        assert_eq!(ratio(&store, "alone", Metric::Cpu), None);
        assert!(line(&store, "row").ends_with("to peers **2.00 loss**"));
    }

    #[test]
    fn numbers_have_three_digits() {
        let all = [0.1234, 1.234, 12.34, 123.4, 1234.5, 1_234_567.0, 0.0].map(digits);
        assert_eq!(all, ["0.12", "1.23", "12.3", "123", "1,235", "1,234,567", "0"]);
        assert_eq!([1234.0, 1_234_567.0].map(|rate| number(rate, Metric::Rate)), ["1.23 k", "1.23 M"]);
        assert_eq!([12.3, 0.52, 0.01234, 0.00001].map(plain), ["12", "0.52", "0.0123", "< 0.0001"]);
    }
}
