//! A run of `ackline bench`, and what of its report is kept.

use super::cases::{Case, Metric};
use super::lab::{Kind, Lab};
use super::server::Server;
use super::unit::{Figure, Row};
use serde_json::Value;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Seconds of the measured time and before it.
const LENGTH: (f64, f64) = (1.5, 0.5);
const LENGTH_QUICK: (f64, f64) = (0.3, 0.1);
/// A run that takes longer than that hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// Starts a server, drives it, stops it.
pub(super) fn run(lab: &Lab, case: &Case, kind: Kind, threads: usize) -> Result<Vec<Row>, String> {
    let place = lab.place()?;
    let server = Server::start(lab, kind, threads, case.durability, &place.0)?;
    let mut command = Command::new(&lab.generator);
    command.arg("bench").args(words(case.bench, lab.quick)).args(["--json", "--port"]);
    command.arg(server.port.to_string()).args(["--pid", &server.pid().to_string()]);
    let report = output(&mut command)?;
    Ok(vec![(case.name.to_owned(), figures(&report)?)])
}

/// The words of a case, with the lengths and sizes of this run.
fn words(bench: &str, quick: bool) -> Vec<String> {
    let (seconds, warmup) = if quick { LENGTH_QUICK } else { LENGTH };
    let mut words: Vec<String> = bench.split(' ').map(|word| sized(word, quick)).collect();
    for (option, value) in [("--duration", seconds), ("--warmup", warmup)] {
        let counted = option == "--duration" && bench.contains("--requests");
        if !bench.contains(option) && !counted {
            words.extend([option.to_owned(), value.to_string()]);
        }
    }
    words
}

/// The same for readers, who have to run it by themselves.
pub(super) fn line(case: &Case) -> String {
    words(case.bench, false).join(" ")
}

/// 1e6 as a number.
fn sized(word: &str, quick: bool) -> String {
    let digits = word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('e');
    match word.parse::<f64>() {
        Ok(size) if digits => (size / if quick { 10.0 } else { 1.0 }).to_string(),
        _ => word.to_owned(),
    }
}

/// What it prints, unless it fails or takes too long.
fn output(command: &mut Command) -> Result<String, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("ackline bench did not start: {error}"))?;
    let end = Instant::now() + PATIENCE;
    // A report is a line: it fits into the pipe, so that waiting for the end before reading is no deadlock.
    let ended = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break status.success(),
            None if Instant::now() > end => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("ackline bench took longer than {} s", PATIENCE.as_secs()));
            }
            None => sleep(Duration::from_millis(5)),
        }
    };
    let (report, errors) = said(&mut child)?;
    if ended { Ok(report) } else { Err(errors) }
}

fn said(child: &mut Child) -> Result<(String, String), String> {
    let (mut report, mut errors) = (String::new(), String::new());
    let text = |error: std::io::Error| format!("what ackline bench said: {error}");
    child.stdout.take().map_or(Ok(0), |mut out| out.read_to_string(&mut report)).map_err(text)?;
    child.stderr.take().map_or(Ok(0), |mut out| out.read_to_string(&mut errors)).map_err(text)?;
    Ok((report, errors.trim().to_owned()))
}

fn figures(report: &str) -> Result<Vec<Figure>, String> {
    let report: Value = serde_json::from_str(report).map_err(|error| format!("ackline bench: {error}"))?;
    let places = [
        (Metric::Cpu, "/server_cpu/us_per_operation"),
        (Metric::Rate, "/operations_per_second"),
        (Metric::P50, "/latency_us/p50"),
        (Metric::P99, "/latency_us/p99"),
    ];
    let figure = |(metric, place)| match report.pointer(place).and_then(Value::as_f64) {
        Some(number) => Ok((metric, number)),
        None => Err(format!("the report has no {place}")),
    };
    places.into_iter().map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_sizes_depend_on_the_hurry() {
        let ack = "ack --entries 1e6 --requests 5e5 --warmup 0";
        assert_eq!(words(ack, true).join(" "), "ack --entries 100000 --requests 50000 --warmup 0");
        assert_eq!(words(ack, false).join(" "), "ack --entries 1000000 --requests 500000 --warmup 0");
        assert_eq!(words("xadd", false).join(" "), "xadd --duration 1.5 --warmup 0.5");
    }

    #[test]
    fn a_report_is_read() {
        let report = r#"{"operations_per_second": 5.5, "latency_us": {"p50": 1, "p99": 2.5},
            "server_cpu": {"us_per_operation": 0.75}}"#;
        let want = [(Metric::Cpu, 0.75), (Metric::Rate, 5.5), (Metric::P50, 1.0), (Metric::P99, 2.5)];
        assert_eq!(figures(report).unwrap(), want);
        assert!(figures("{}").unwrap_err().contains("/server_cpu"));
    }
}
