//! `docs/benchmarks.svg`: bars, with Ackline as the measure.

use super::cases::Metric;
use super::lab::Kind;
use super::store::Store;
use super::verdict::{cost_ratio, number};
use std::fmt::Write;

/// What is shown: a part of the rows, one of each kind, whoever wins.
#[rustfmt::skip]
const ROWS: &[(&str, &str, Metric)] = &[
    ("none/xadd-8x64", "XADD, pipelined 64 deep", Metric::Cpu),
    ("single/xadd-64x1", "XADD, 64 clients, one at a time", Metric::Cpu),
    ("none/cycle-8x16", "XADD, XREADGROUP, XACK", Metric::Cpu),
    ("everysec/cycle-8x16", "the same, synced every second", Metric::Cpu),
    ("always/xadd-64x1", "XADD, 64 clients, synced: p50", Metric::P50),
    ("none/ack-random", "XACK at random, 1M pending", Metric::Cpu),
    ("pending/1e6/xclaim", "XCLAIM at random, 1M pending", Metric::Cpu),
    ("pending/1e6/xautoclaim-idle", "XAUTOCLAIM finds nothing", Metric::Cpu),
    ("none/range-100", "XRANGE, 100 entries", Metric::Cpu),
    ("fanout/xread", "XADD to 1,000 blocked readers", Metric::Cpu),
    ("memory/entry", "memory of an entry, 100 bytes", Metric::Bytes),
    ("memory/pending", "memory of a pending entry", Metric::Bytes),
    ("log/16", "log of a message, 16 deep", Metric::Bytes),
    ("stall/del", "PING during DEL of 1M entries", Metric::Milliseconds),
    ("restart/log", "restart from a log, 1M entries", Metric::Seconds),
];
const SERVERS: [(Kind, &str); 3] =
    [(Kind::Ackline, "Ackline"), (Kind::Redis, "Redis"), (Kind::Valkey, "Valkey")];

const WIDTH: f64 = 960.0;
/// Where bars begin.
const LEFT: f64 = 270.0;
/// The width of a bar as long as Ackline's.
const ONE: f64 = 90.0;
/// Longer ones are cut, with a sign.
const MOST: f64 = 5.5;
const TOP: f64 = 96.0;
const BAR: f64 = 13.0;
const STEP: f64 = 16.0;
const GAP: f64 = 16.0;

/// Its own background, because nobody knows what is behind it.
const STYLE: &str = "\
text{font:14px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:#1f2328}\
.card{fill:#fff;stroke:#d0d7de}.title{font-size:20px;font-weight:600}.soft{fill:#59636e;font-size:13px}\
.value{font-size:12px}.own{font-weight:600}\
.cut{stroke:#fff;stroke-width:3}\
.ackline{fill:#0f766e}.redis{fill:#c2564b}.valkey{fill:#7c83c9}.one{stroke:#59636e;stroke-dasharray:3 3}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.card{fill:#161b22;stroke:#30363d}.soft{fill:#9da7b3}\
.ackline{fill:#2dd4bf}.redis{fill:#e07a6e}.valkey{fill:#9aa2f0}.one{stroke:#9da7b3}\
.cut{stroke:#161b22}}";

/// The whole picture.
pub(super) fn render(store: &Store) -> String {
    let rows: Vec<_> =
        ROWS.iter().filter(|(row, _, metric)| store.figure(row, Kind::Ackline, *metric).is_some()).collect();
    let mut y = TOP;
    let mut body = String::new();
    for (row, label, metric) in &rows {
        body += &group(store, row, label, *metric, &mut y);
    }
    let height = y + 14.0;
    let (inner_width, inner_height) = (WIDTH - 1.0, height - 1.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"Costs of Redis and Valkey in relation to those of Ackline\">\n<style>{STYLE}</style>\n\
         <rect class=\"card\" x=\".5\" y=\".5\" width=\"{inner_width}\" height=\"{inner_height}\" rx=\"8\"/>\n"
    );
    out += &head(height);
    out + &body + "</svg>\n"
}

const TITLE: &str = "\
<text class=\"title\" x=\"24\" y=\"36\">What it costs: shorter is better</text>
<text class=\"soft\" x=\"24\" y=\"58\">Bars are in relation to Ackline, which is 1. \
µs is the server’s processor time an operation, or a p50.</text>
";

fn head(height: f64) -> String {
    let mut out = TITLE.to_owned();
    for (nth, (kind, name)) in SERVERS.iter().enumerate() {
        let x = 690.0 + 92.0 * nth as f64;
        let (class, word) = (kind.name(), x + 19.0);
        let _ =
            write!(out, "<rect class=\"{class}\" x=\"{x}\" y=\"24\" width=\"13\" height=\"13\" rx=\"2\"/>");
        let _ = writeln!(out, "<text x=\"{word}\" y=\"36\">{name}</text>");
    }
    for times in 1..=5 {
        let (x, y) = (LEFT + ONE * f64::from(times), TOP - 12.0);
        let _ =
            writeln!(out, "<text class=\"soft\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{times}×</text>");
    }
    let (x, top, end) = (LEFT + ONE, TOP - 6.0, height - 14.0);
    out + &format!("<line class=\"one\" x1=\"{x}\" x2=\"{x}\" y1=\"{top}\" y2=\"{end}\"/>\n")
}

/// A row: its name and a bar a server.
fn group(store: &Store, row: &str, label: &str, metric: Metric, y: &mut f64) -> String {
    let Some(own) = store.figure(row, Kind::Ackline, metric) else { return String::new() };
    let known: Vec<_> =
        SERVERS.iter().filter_map(|(kind, _)| Some((*kind, store.figure(row, *kind, metric)?))).collect();
    let middle = *y + STEP * known.len() as f64 / 2.0 + 3.0;
    let mut out = format!("<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{label}</text>\n", LEFT - 14.0);
    for (kind, value) in known {
        out += &bar(kind, value, cost_ratio(value, own, metric), metric, *y);
        *y += STEP;
    }
    *y += GAP;
    out
}

fn bar(kind: Kind, value: f64, times: f64, metric: Metric, y: f64) -> String {
    let width = (ONE * times.min(MOST)).max(1.5);
    let own = kind == Kind::Ackline;
    let relation = if own { String::new() } else { format!("  ({}×)", relation(times)) };
    let text = format!("{} {}{relation}", number(value, metric), metric.unit());
    let (name, end, class) = (kind.name(), LEFT + width, if own { "value own" } else { "value" });
    let mut out = format!(
        "<rect class=\"{name}\" x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"/>"
    );
    if times > MOST {
        let _ = write!(out, "<path class=\"cut\" d=\"M{} {}l-5 {}\"/>", end - 16.0, y - 1.0, BAR + 2.0);
    }
    // Behind the line at 1, which would run through the numbers of shorter bars.
    let (x, y) = (LEFT + width.max(ONE) + 7.0, y + 11.0);
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y}\">{text}</text>");
    out
}

fn relation(times: f64) -> String {
    match times {
        times if times < 0.1 => format!("{times:.2}"),
        times if times < 9.95 => format!("{times:.1}"),
        times if times < 100.0 => format!("{times:.0}"),
        times => super::verdict::digits(times),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;
    use std::path::Path;

    #[test]
    fn bars_are_in_relation_to_ackline() {
        let text = r#"{"results": {"memory/pending": {
            "ackline@1": {"bytes": [10]}, "redis@1": {"bytes": [25]}, "valkey@1": {"bytes": [300]}
        }}}"#;
        let picture = render(&Store::parse(Path::new("x"), text).unwrap());
        assert!(picture.contains("class=\"ackline\" x=\"270\" y=\"96\" width=\"90.0\""));
        assert!(picture.contains("class=\"redis\" x=\"270\" y=\"112\" width=\"225.0\""));
        assert!(picture.contains("25.0 B  (2.5×)") && picture.contains("300 B  (30×)"), "{picture}");
        assert_eq!((picture.matches("<rect").count(), picture.matches("<path").count()), (7, 1));
    }

    #[test]
    fn every_row_is_one_of_the_document() {
        assert!(ROWS.iter().all(|(row, ..)| table::line(row).what != *row));
    }
}
