//! Numbers of the server, again and again.

use super::command::say;
use super::format::Output;
use super::link::Link;
use super::options::Options;
use ackline_admin::reply::text;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Lines between two headings.
const HEADING: u64 = 20;
/// Between two samples of --latency.
const PAUSE: Duration = Duration::from_millis(10);

/// A line of numbers every interval (a second), until the process ends.
pub(super) fn stat(options: &Options, link: &mut Link) -> Result<(), String> {
    let interval = if options.interval.is_zero() { Duration::from_secs(1) } else { options.interval };
    let mut before: Option<u64> = None;
    for line in 0_u64.. {
        let info = info(link)?;
        let number = |name: &str| info.get(name).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
        if line % HEADING == 0 {
            say(
                "------- data ------ --------------------- load -------------------- - child -\nkeys       mem      clients blocked requests            connections          \n",
            )?;
        }
        let requests = number("total_commands_processed");
        let more = before.map_or(0, |before| requests.saturating_sub(before));
        before = Some(requests);
        let row = [
            format!("{:<11}", keys(&info)),
            format!("{:<9}", size(number("used_memory"))),
            format!("{:<8}", number("connected_clients")),
            format!("{:<8}", number("blocked_clients")),
            format!("{:<20}", format!("{requests} (+{more})")),
            format!("{:<12}", number("total_connections_received")),
        ];
        say(&format!("{}\n", row.concat()))?;
        std::thread::sleep(interval);
    }
    Ok(())
}

fn info(link: &mut Link) -> Result<HashMap<String, String>, String> {
    let info = text(&link.ask(&["INFO"])?);
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(info.lines().filter_map(pair).collect())
}

/// Of all databases: `db0:keys=3,expires=0`.
fn keys(info: &HashMap<String, String>) -> u64 {
    let databases = info.iter().filter(|(name, _)| {
        name.strip_prefix("db")
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    });
    let keys =
        |value: &str| value.split(',').find_map(|pair| pair.strip_prefix("keys=")?.parse::<u64>().ok());
    databases.filter_map(|(_, value)| keys(value)).sum()
}

fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        ..1024.0 => format!("{bytes}B"),
        ..1_048_576.0 => format!("{:.2}K", bytes / 1024.0),
        ..1_073_741_824.0 => format!("{:.2}M", bytes / 1_048_576.0),
        _ => format!("{:.2}G", bytes / 1_073_741_824.0),
    }
}

/// Round trips in ms.
#[derive(Default)]
struct Latency {
    count: u64,
    total: u64,
    least: Option<u64>,
    most: u64,
}

impl Latency {
    fn add(&mut self, ms: u64) {
        self.count += 1;
        self.total += ms;
        self.least = Some(self.least.map_or(ms, |least| least.min(ms)));
        self.most = self.most.max(ms);
    }

    fn line(&self, output: Output) -> String {
        let (least, most, count) = (self.least.unwrap_or(0), self.most, self.count);
        let average = self.total as f64 / count.max(1) as f64;
        match output {
            Output::Standard => format!("min: {least}, max: {most}, avg: {average:.2} ({count} samples)"),
            Output::Raw => format!("{least} {most} {average:.2} {count}"),
            Output::Csv => format!("{least},{most},{average:.2},{count}"),
            _ => format!(r#"{{"min": {least}, "max": {most}, "avg": {average:.2}, "count": {count}}}"#),
        }
    }
}

/// How long PING takes: for ever at a terminal, otherwise for one interval (a second).
pub(super) fn latency(options: &Options, link: &mut Link) -> Result<(), String> {
    let output = options.format.output;
    let live = output == Output::Standard && std::io::stdout().is_terminal();
    let interval = if options.interval.is_zero() { Duration::from_secs(1) } else { options.interval };
    let began = Instant::now();
    let mut latency = Latency::default();
    loop {
        let asked = Instant::now();
        link.ask(&["PING"])?;
        latency.add(asked.elapsed().as_millis() as u64);
        if live {
            say(&format!("\x1b[0G\x1b[2K{}", latency.line(output)))?;
        } else if began.elapsed() >= interval {
            return say(&format!("{}\n", latency.line(output)));
        }
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_keys_are_read() {
        assert_eq!([10, 2048, 3 << 20, 5 << 30].map(size), ["10B", "2.00K", "3.00M", "5.00G"]);
        let info = [("db0", "keys=3,expires=0"), ("db12", "keys=4,expires=1"), ("dbsize", "keys=9")];
        let info = info.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(keys(&info), 7);
    }

    #[test]
    fn round_trips_are_summed_up() {
        let mut latency = Latency::default();
        [1, 0, 5].into_iter().for_each(|ms| latency.add(ms));
        assert_eq!(latency.line(Output::Raw), "0 5 2.00 3");
        assert_eq!(latency.line(Output::Csv), "0,5,2.00,3");
        assert_eq!(latency.line(Output::Standard), "min: 0, max: 5, avg: 2.00 (3 samples)");
    }
}
