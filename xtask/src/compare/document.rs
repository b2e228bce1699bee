//! `docs/benchmarks.md`, from what was measured.

use super::cases::{CASES, Metric};
use super::lab::Kind;
use super::load;
use super::server::{self, Durability};
use super::store::Store;
use super::table::{self, COMMANDS, Line, Section};
use super::verdict::{digits, is_loss, is_win, number, plain, ratio, shown};
use std::fmt::Write;

/// The columns.
const ALL: [Kind; 3] = [Kind::Ackline, Kind::Redis, Kind::Valkey];
/// Rows of the list of leads.
const LEADS: usize = 10;

/// The whole text.
pub(super) fn render(store: &Store) -> String {
    let mut out = head(store);
    out += &summary(store);
    for section in table::sections() {
        out += &part(store, &section);
    }
    out += &costs(store);
    out += &floor(store);
    out += &machine(store);
    out += &repeat();
    out
}

fn head(store: &Store) -> String {
    let version = |kind: Kind| store.about.get(kind.name()).map_or("unknown", String::as_str);
    let (there, missing): (Vec<_>, Vec<_>) = [(Kind::Redis, "Redis"), (Kind::Valkey, "Valkey")]
        .into_iter()
        .partition(|(kind, _)| store.knows(*kind));
    let peers = there.into_iter().map(|(kind, name)| format!("{name} {}", version(kind)));
    let mut out = format!(
        "# Benchmarks\n\nAckline {} beside {}: the same machine, load, durability and number of threads.\n\
         This file is written by `cargo xtask compare --write`.\n\n",
        version(Kind::Ackline),
        peers.collect::<Vec<_>>().join(" and ")
    );
    for (_, name) in missing {
        out += &format!("**{name} was not there when this was measured.**\n\n");
    }
    if store.about.contains_key("quick") {
        out += "**These are short runs on a tenth of the data (`--quick`), which say little.**\n\n";
    }
    out + "![Ackline, Redis and Valkey side by side](benchmarks.svg)\n\n\
           The **ratio** is what Ackline takes, divided by what the better peer takes. Below 1 Ackline is better, for every kind \
           of\nfigure; within 5 % nobody is. Figures are medians. (≤ 0.20) is a goal.\n"
}

/// A comparison that has a winner, or not.
struct Duel {
    line: Line,
    metric: Metric,
    ratio: f64,
}

/// Every figure that can be compared, the best for Ackline first.
fn duels(store: &Store) -> Vec<Duel> {
    let lines = table::sections().into_iter().flat_map(|section| section.lines).chain(table::costs());
    let mut duels = Vec::new();
    for line in lines {
        let metrics = [Metric::Cpu, Metric::Rate, Metric::P50];
        let (load, own) = (metrics.contains(&line.judged), [line.judged]);
        for &metric in if load { &metrics[..] } else { &own } {
            let duel = |ratio| Duel { line: table::line(&line.name), metric, ratio };
            duels.extend(ratio(store, &line.name, metric).map(duel));
        }
    }
    duels.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
    duels
}

/// Wins and losses, counted and listed alike: losses all of them.
fn summary(store: &Store) -> String {
    let duels = duels(store);
    let wins = duels.iter().filter(|duel| is_win(duel.ratio)).count();
    let losses = duels.iter().filter(|duel| is_loss(duel.ratio)).count();
    let mut out = format!(
        "\n## In short\n\nOf {} figures Ackline is ahead in {wins}, level in {} and behind in {losses}.\n",
        duels.len(),
        duels.len() - wins - losses
    );
    out += "\n### Where Ackline is behind\n\n";
    out += &ranking(store, duels.iter().rev().filter(|duel| is_loss(duel.ratio)));
    out += "\n### Where Ackline is ahead most\n\n";
    let longest = lengths(store).last().map(|zeros| format!("pending/1e{zeros}/"));
    let once = |name: &str| {
        !name.starts_with("pending/") || longest.as_ref().is_some_and(|longest| name.starts_with(longest))
    };
    let wins = duels.iter().filter(|duel| is_win(duel.ratio) && duel.metric == duel.line.judged);
    out + &ranking(store, wins.filter(|duel| once(&duel.line.name)).take(LEADS))
}

fn ranking<'a>(store: &Store, duels: impl Iterator<Item = &'a Duel>) -> String {
    let sections = table::sections();
    let title = |name: &str| {
        let holds = |section: &&Section| section.lines.iter().any(|line| line.name == name);
        sections.iter().find(holds).map_or(String::new(), |section| format!("{}: ", section.title))
    };
    let mut out = String::new();
    for Duel { line, metric, ratio } in duels {
        let (title, values) = (title(&line.name), cells(store, &line.name, *metric));
        // Writing to a string does not fail, here and below.
        let _ =
            writeln!(out, "| {title}{} | {} | {values} | {} |", line.what, caption(*metric), plain(*ratio));
    }
    match out.is_empty() {
        true => "Nowhere.\n".to_owned(),
        false => format!("| | | Ackline | Redis | Valkey | ratio |\n|---|---|--:|--:|--:|--:|\n{out}"),
    }
}

fn caption(metric: Metric) -> &'static str {
    match metric {
        Metric::Cpu => "CPU µs",
        Metric::Rate => "operations/s",
        Metric::P50 => "p50 µs",
        Metric::P99 => "p99 µs",
        Metric::Bytes => "bytes",
        Metric::Milliseconds => "ms",
        Metric::Seconds => "s",
    }
}

/// A figure of all servers, as cells of a table.
fn cells(store: &Store, row: &str, metric: Metric) -> String {
    ALL.map(|kind| cell(store, row, kind, metric)).join(" | ")
}

fn cell(store: &Store, row: &str, kind: Kind, metric: Metric) -> String {
    let Some(value) = store.figure(row, kind, metric) else { return "–".to_owned() };
    let threads = table::threads(row);
    let fewer = kind.is_peer() && threads > 1 && store.threads(row, kind) == Some(1);
    format!("{}{}", number(value, metric), if fewer { " (1)" } else { "" })
}

/// A section with its tables: one for the runs of other programs, two for those of the load generator.
fn part(store: &Store, section: &Section) -> String {
    let known = |line: &&Line| ALL.iter().any(|kind| store.figure(&line.name, *kind, line.judged).is_some());
    let lines: Vec<&Line> = section.lines.iter().filter(known).collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut out = format!("\n## {}\n\n{}\n\n", section.title, section.prose);
    if lines.iter().all(|line| store.figure(&line.name, Kind::Ackline, Metric::Rate).is_some()) {
        out += &costs_of_load(store, &lines);
        out += "\n";
        out += &speed_of_load(store, &lines);
        return out;
    }
    let _ = writeln!(
        out,
        "| {} | Ackline | Redis | Valkey | ratio |\n|---|--:|--:|--:|--:|",
        caption(lines[0].judged)
    );
    for line in lines {
        let values = cells(store, &line.name, line.judged);
        let _ = writeln!(out, "| {} | {values} | {} |", line.what, compared(store, line, line.judged));
    }
    out
}

/// The ratio, with the goal if it is this figure that has one.
fn compared(store: &Store, line: &Line, metric: Metric) -> String {
    let ratio = ratio(store, &line.name, metric);
    match line.goal.filter(|_| metric == line.judged && ratio.is_some()) {
        Some(goal) => format!("{} (≤ {})", shown(ratio), plain(goal)),
        None => shown(ratio),
    }
}

fn costs_of_load(store: &Store, lines: &[&Line]) -> String {
    let ceiling = |line: &Line| store.figure(&line.name, Kind::Ceiling, Metric::Cpu);
    let any = lines.iter().any(|line| ceiling(line).is_some());
    let (title, rule) = if any { (" ceiling |", "--:|") } else { ("", "") };
    let mut out = format!(
        "| server CPU, µs an operation | Ackline | Redis | Valkey | ratio |{title}\n|---|--:|--:|--:|--:|{rule}\n"
    );
    for line in lines {
        let (values, ratio) = (cells(store, &line.name, Metric::Cpu), compared(store, line, Metric::Cpu));
        let floor = ceiling(line).map_or("–".to_owned(), digits);
        let floor = if any { format!(" {floor} |") } else { String::new() };
        let _ = writeln!(out, "| {} | {values} | {ratio} |{floor}", line.what);
    }
    out
}

fn speed_of_load(store: &Store, lines: &[&Line]) -> String {
    let mut out = "| operations a second; p50 / p99 in µs | Ackline | Redis | Valkey | ratio \
        | Ackline | Redis | Valkey | ratio of p50 |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    for line in lines {
        let (rates, rate) = (cells(store, &line.name, Metric::Rate), compared(store, line, Metric::Rate));
        let times = ALL.map(|kind| {
            let [p50, p99] = [Metric::P50, Metric::P99]
                .map(|metric| store.figure(&line.name, kind, metric).map_or("–".to_owned(), digits));
            format!("{p50} / {p99}")
        });
        let median = compared(store, line, Metric::P50);
        let _ = writeln!(out, "| {} | {rates} | {rate} | {} | {median} |", line.what, times.join(" | "));
    }
    out
}

/// How costs grow with the list: a command a row, a length a column.
fn costs(store: &Store) -> String {
    let known =
        |zeros: &u32| store.figure(&format!("pending/1e{zeros}/xadd"), Kind::Ackline, Metric::Cpu).is_some();
    let lengths: Vec<u32> = (4..=7).filter(known).collect();
    let Some(longest) = lengths.last() else { return String::new() };
    let mut out = "\n## Beside pending entries\n\n\
        Server CPU in µs a command, beside a list of 10⁴, 10⁵ and so on pending entries. The ratio is that of the longest list.\n\
        XNACK is a command of Redis 8.8, and XREADGROUP CLAIM of Redis 8.4. An XAUTOCLAIM of the peers looks at 1,000 entries.\n\n| |"
        .to_owned();
    for name in ["Ackline", "Redis", "Valkey"] {
        lengths.iter().for_each(|zeros| out += &format!(" {name} 10{} |", superscript(*zeros)));
    }
    out += &format!(" ratio |\n|---|{}--:|\n", "--:|".repeat(3 * lengths.len()));
    for (command, what) in COMMANDS {
        let _ = write!(out, "| {what} |");
        for (kind, zeros) in ALL.iter().flat_map(|kind| lengths.iter().map(move |zeros| (kind, zeros))) {
            let value = store.figure(&format!("pending/1e{zeros}/{command}"), *kind, Metric::Cpu);
            let _ = write!(out, " {} |", value.map_or("–".to_owned(), digits));
        }
        let _ = writeln!(
            out,
            " {} |",
            shown(ratio(store, &format!("pending/1e{longest}/{command}"), Metric::Cpu))
        );
    }
    out
}

/// The lengths that were measured, in zeros.
fn lengths(store: &Store) -> Vec<u32> {
    let known =
        |zeros: &u32| store.figure(&format!("pending/1e{zeros}/xadd"), Kind::Ackline, Metric::Cpu).is_some();
    (4..=7).filter(known).collect()
}

fn superscript(digit: u32) -> char {
    char::from_u32(u32::from('⁰') + digit).unwrap_or('?')
}

/// What no server can be better than.
fn floor(store: &Store) -> String {
    let time = |metric| store.figure("disk/fdatasync", Kind::Disk, metric).map_or("–".to_owned(), digits);
    format!(
        "\n## Floor\n\n`ceiling` above is a server that reads the same requests with Ackline's decoder and answers a constant \
         (`cargo xtask\nceiling`): no broker can take less that way. The disk makes 150 bytes in a zeroed file durable \
         (fdatasync) in {} µs (p50),\n{} µs (p99): what `appendfsync always` cannot be faster than.\n",
        time(Metric::P50),
        time(Metric::P99)
    )
}

fn machine(store: &Store) -> String {
    let names = [
        "cpu",
        "cores",
        "memory",
        "kernel",
        "filesystem",
        "ackline",
        "redis",
        "valkey",
        "date",
        "load",
        "rounds",
    ];
    let mut out = "\n## Machine\n\n| | |\n|---|---|\n".to_owned();
    for name in names {
        let value = store.about.get(name).map_or("unknown", String::as_str);
        let what = match name {
            "load" => "cores that other programs kept busy at the start",
            "filesystem" => "filesystem of the data",
            name => name,
        };
        let _ = writeln!(out, "| {what} | {value} |");
    }
    out
}

const REPEAT: &str = "
## How to repeat it

    cargo xtask pgo                          # prints where the binary is that was measured
    cargo xtask compare --server IT --write  # everything, about 20 minutes
    cargo xtask compare --only none/ --quick # a part of it, in less than a minute
    cargo xtask compare --baseline OTHER     # another build of Ackline beside this one
    cargo xtask compare --render             # this file again, from target/compare.json

The peers are `redis-server` and `valkey-server` in a directory that `--peers` names. Servers and generator are on one machine
and speak over loopback. For each scenario and round each server is started anew on an empty directory, one after the other;
then comes the next round; each scenario had one to three. The binary is that of `cargo xtask pgo`: one of a plain release build takes
about a fifth more for pipelined commands. Server CPU is what the process has used in the measured time, all of its threads together.
Rewriting of logs is off, because it would fall into one run and not into the other.

### Commands

| | Ackline | Redis, Valkey |
|---|---|---|
";

fn repeat() -> String {
    let mut out = REPEAT.to_owned();
    for durability in [Durability::None, Durability::EverySec, Durability::Always] {
        let line = |kind| server::words(kind, 1, durability).join(" ");
        let (name, own, peer) = (durability.name(), line(Kind::Ackline), line(Kind::Redis));
        let _ = writeln!(out, "| {name} | `ackline {own}` | `redis-server {peer}''` |");
    }
    out += "\nWith `--port`, `--bind 127.0.0.1` and `--dir`; more threads where it is said.\n\n\
            | | threads | durability | `ackline bench` |\n|---|--:|---|---|\n";
    for case in CASES {
        let (durability, line) = (case.durability.name(), load::line(case));
        let _ = writeln!(out, "| {} | {} | {durability} | `{line}` |", case.name, case.threads);
    }
    out + "\nThe rest is in `xtask/src/compare/`: pending.rs, memory.rs, stall.rs, restart.rs, logged.rs, disk.rs.\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const RESULTS: &str = r#"{"about": {"ackline": "0.1.0", "redis": "8.6.3"}, "results": {
        "none/xadd-8x64": {
            "ackline@1": {"cpu_us": [0.5, 0.7, 0.6], "rate": [2e6], "p50_us": [300], "p99_us": [400]},
            "redis@1": {"cpu_us": [1.2], "rate": [1e6], "p50_us": [600], "p99_us": [700]}
        },
        "scale/hot-2": {
            "ackline@2": {"cpu_us": [1], "rate": [1e6], "p50_us": [300], "p99_us": [400]},
            "redis@1": {"cpu_us": [1.2], "rate": [2e6], "p50_us": [600], "p99_us": [700]},
            "redis@2": {"cpu_us": [3], "rate": [1e6], "p50_us": [600], "p99_us": [700]}
        },
        "pending/1e4/xadd": {"ackline@1": {"cpu_us": [1]}, "redis@1": {"cpu_us": [1]}}
    }}"#;

    #[test]
    fn the_document_says_what_was_measured() {
        let text = render(&Store::parse(Path::new("x"), RESULTS).unwrap());
        let has = |line: &str| assert!(text.contains(line), "{line}\n{text}");
        has("Ackline 0.1.0 beside Redis 8.6.3: the same machine");
        has("**Valkey was not there when this was measured.**");
        has("Of 7 figures Ackline is ahead in 5, level in 1 and behind in 1.");
        has("| XADD, 8 connections × 64 deep | 0.60 | 1.20 | – | 0.50 (≤ 0.20) |");
        has("| XADD, one stream, 2 threads | 1.00 M | 2.00 M (1) | – | **2.00 loss** | 300 / 400 |");
        has("| XADD | 1.00 | 1.00 | – | 1.00 |");
        assert!(!text.contains("--quick`), which"));
    }

    #[test]
    fn nothing_measured_is_a_document_all_the_same() {
        let text = render(&Store::parse(Path::new("x"), "{}").unwrap());
        assert!(text.contains("Of 0 figures"));
    }
}
