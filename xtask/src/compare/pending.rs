//! What commands cost beside a long list of pending entries: processor time of the server, command by command.

use super::cases::Metric;
use super::client::Client;
use super::fill::{self, GROUP, HOLDER, KEY, PAYLOAD, id};
use super::lab::{Kind, Lab};
use super::server::{Durability, Server};
use super::unit::Row;
use ackline_resp::encode::request;
use std::time::{Duration, Instant};

/// A min-idle-time in milliseconds that no pending entry has.
const NEVER: &str = "1000000000000";
/// Commands that travel together.
const DEPTH: u64 = 64;
/// Time for a command.
const SPAN: Duration = Duration::from_millis(300);
const SPAN_QUICK: Duration = Duration::from_millis(50);

struct Bed<'a> {
    server: &'a Server,
    client: Client,
    /// Entries, all of them pending at first.
    count: u64,
    span: Duration,
    name: &'a str,
    rows: Vec<Row>,
}

/// All commands on one server.
pub(super) fn run(lab: &Lab, kind: Kind, name: &str, count: u64) -> Result<Vec<Row>, String> {
    let place = lab.place()?;
    let server = Server::start(lab, kind, 1, Durability::None, &place.0)?;
    let mut client = server.client()?;
    fill::all(&mut client, count)?;
    let span = if lab.quick { SPAN_QUICK } else { SPAN };
    let mut bed = Bed { server: &server, client, count, span, name, rows: Vec::new() };
    bed.cycle()?;
    bed.misses()?;
    bed.hits()?;
    Ok(bed.rows)
}

impl Bed<'_> {
    fn keep(&mut self, command: &str, nanos: u64, operations: u64) {
        let cost = nanos as f64 / 1000.0 / operations.max(1) as f64;
        self.rows.push((format!("{}/{command}", self.name), vec![(Metric::Cpu, cost)]));
    }

    /// So many commands at once: nanoseconds.
    fn batch(&mut self, count: u64, words: impl Fn(u64) -> Vec<String>) -> Result<u64, String> {
        let mut out = Vec::new();
        (0..count).for_each(|n| request(&mut out, &words(n)));
        let before = self.server.cpu()?;
        self.client.batch(&out, count as usize)?;
        Ok(self.server.cpu()?.saturating_sub(before))
    }

    /// Adding, delivering and acknowledging what is new: the list keeps its length.
    fn cycle(&mut self) -> Result<(), String> {
        let (mut next, mut spent) = (self.count, [0; 3]);
        let end = Instant::now() + self.span * 3;
        while Instant::now() < end {
            let entry = |n: u64| words(&["XADD", KEY, &id(next + 1 + n), "f", PAYLOAD]);
            spent[0] += self.batch(DEPTH, entry)?;
            let read = ["XREADGROUP", "GROUP", GROUP, HOLDER, "COUNT", "1", "STREAMS", KEY, ">"];
            spent[1] += self.batch(DEPTH, |_| words(&read))?;
            spent[2] += self.batch(DEPTH, |n| words(&["XACK", KEY, GROUP, &id(next + 1 + n)]))?;
            next += DEPTH;
        }
        for (command, nanos) in ["xadd", "xreadgroup", "xack"].into_iter().zip(spent) {
            self.keep(command, nanos, next - self.count);
        }
        Ok(())
    }

    /// Questions whose answer is nothing.
    fn misses(&mut self) -> Result<(), String> {
        let sweep = ["XAUTOCLAIM", KEY, GROUP, "other", NEVER, "0-0", "COUNT", "100"];
        self.repeat("xautoclaim-idle", u64::MAX, |_| words(&sweep))?;
        let list = ["XPENDING", KEY, GROUP, "IDLE", NEVER, "-", "+", "10"];
        self.repeat("xpending-idle", u64::MAX, |_| words(&list))?;
        let count = self.count;
        let one = |n| words(&["XCLAIM", KEY, GROUP, "other", NEVER, &id(scattered(n, count))]);
        self.repeat("xclaim-idle", u64::MAX, one)?;
        let read =
            ["XREADGROUP", "GROUP", GROUP, "other", "COUNT", "10", "CLAIM", NEVER, "STREAMS", KEY, ">"];
        self.repeat("xreadgroup-claim-idle", u64::MAX, |_| words(&read))
    }

    /// Those that change something, what shortens the list last.
    fn hits(&mut self) -> Result<(), String> {
        let count = self.count;
        let claim = |n| words(&["XCLAIM", KEY, GROUP, "other", "0", &id(scattered(n, count))]);
        self.repeat("xclaim", u64::MAX, claim)?;
        let nack = |n| words(&["XNACK", KEY, GROUP, "FAIL", "IDS", "1", &id(scattered(n, count))]);
        self.repeat("xnack", u64::MAX, nack)?;
        let ack = |n| words(&["XACK", KEY, GROUP, &id(scattered(n, count))]);
        self.repeat("xack-random", (count / 10).max(DEPTH), ack)
    }

    /// The same command until the time is up. What a server does not know is left out.
    fn repeat(&mut self, command: &str, most: u64, words: impl Fn(u64) -> Vec<String>) -> Result<(), String> {
        if self.batch(1, &words).is_err() {
            return Ok(());
        }
        let (mut done, mut spent, mut depth) = (1, 0, 1);
        let end = Instant::now() + self.span;
        while Instant::now() < end && done < most {
            spent += self.batch(depth, |n| words(done + n))?;
            done += depth;
            // Slow ones are not sent many at a time, or the last of them would take minutes.
            depth = if spent / done < 1_000_000 { DEPTH } else { 1 };
        }
        self.keep(command, spent, done - 1);
        Ok(())
    }
}

/// The nth of all entries in an order without a pattern, each once as long as n is below their number. The step has no
/// divisor in common with a power of ten.
fn scattered(n: u64, count: u64) -> u64 {
    n.wrapping_mul(7_368_787) % count + 1
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_entry_comes_once() {
        let all: std::collections::BTreeSet<u64> = (0..1000).map(|n| scattered(n, 1000)).collect();
        assert_eq!((all.len(), all.first(), all.last()), (1000, Some(&1), Some(&1000)));
    }
}
