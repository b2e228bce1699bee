//! What is run, on streams and pending entries lists of any length.

use super::{Bed, Script, id, scattered, time};
use ackline_engine::Reply;
use std::fmt::Write;

/// What a server takes from one connection before it lets others have the shard.
const PIPELINED: usize = 64;

/// Commands of one kind, and what they run on.
pub(crate) struct Case {
    bed: Bed,
    len: u64,
    line: Box<dyn Fn(u64) -> String>,
    is_right: fn(&Reply) -> bool,
    /// Commands in a sample, such that all samples leave most of the entries alone.
    sample: u64,
    /// Commands that count as one.
    cycle: u64,
    /// Commands in a transaction.
    together: usize,
    next: u64,
}

impl Case {
    fn new(bed: Bed, len: u64, is_right: fn(&Reply) -> bool, line: impl Fn(u64) -> String + 'static) -> Case {
        let sample = if len == 0 { 1000 } else { (len / 250).min(1000) };
        Case { bed, len, line: Box::new(line), is_right, sample, cycle: 1, together: 1, next: 0 }
    }

    /// How many items a script has.
    pub(crate) fn items(&self) -> u64 {
        self.sample / self.cycle
    }

    /// The next commands. They come after everything that filled the stream.
    pub(crate) fn script(&mut self) -> Script {
        let mut script = Script::default();
        for n in self.next..self.next + self.sample {
            script.push(time(2 * self.len + n / self.cycle), &(self.line)(n));
        }
        self.next += self.sample;
        script
    }

    /// Answers how many bytes of records the commands made.
    pub(crate) fn run(&mut self, script: &Script) -> usize {
        self.bed.run(script, self.together, self.is_right)
    }

    fn pipelined(self) -> Case {
        Case { together: PIPELINED, sample: self.sample.next_multiple_of(PIPELINED as u64), ..self }
    }
}

fn is_one(reply: &Reply) -> bool {
    matches!(reply, Reply::Int(1))
}

fn is_id(reply: &Reply) -> bool {
    matches!(reply, Reply::Id(_))
}

/// One stream with that many entries.
fn gives<const COUNT: usize>(reply: &Reply) -> bool {
    let Reply::Pairs(streams) = reply else { return false };
    matches!(&streams[..], [(_, Reply::Array(entries))] if entries.len() == COUNT)
}

fn lists<const COUNT: usize>(reply: &Reply) -> bool {
    matches!(reply, Reply::Array(entries) if entries.len() == COUNT)
}

fn ids(numbers: impl Iterator<Item = u64>) -> String {
    numbers.fold(String::new(), |mut line, n| {
        write!(line, " {}", id(n)).expect("a string takes everything");
        line
    })
}

pub(crate) fn xadd_line() -> String {
    format!("XADD s * data {:x<100}", "")
}

pub(crate) fn xadd(len: u64) -> Case {
    Case::new(Bed::filled(len), len, is_id, |_| xadd_line())
}

pub(crate) fn xadd_pipelined(len: u64) -> Case {
    xadd(len).pipelined()
}

pub(crate) fn xreadgroup_1(len: u64) -> Case {
    let line = |n| format!("XREADGROUP GROUP g c{} COUNT 1 STREAMS s >", n % 10);
    Case::new(Bed::filled(len), len, gives::<1>, line)
}

pub(crate) fn xreadgroup_100(len: u64) -> Case {
    let line = |n| format!("XREADGROUP GROUP g c{} COUNT 100 STREAMS s >", n % 10);
    Case { sample: 50, ..Case::new(Bed::filled(len), len, gives::<100>, line) }
}

/// A consumer that polls without waiting.
pub(crate) fn xreadgroup_nothing(len: u64) -> Case {
    let line = |n| format!("XREADGROUP GROUP g c{} COUNT 1 STREAMS s >", n % 10);
    Case::new(Bed::delivered(len), len, |reply| matches!(reply, Reply::NullArray), line)
}

pub(crate) fn xack_in_order(len: u64) -> Case {
    Case::new(Bed::delivered(len), len, is_one, |n| format!("XACK s g {}", id(n)))
}

pub(crate) fn xack_scattered(len: u64) -> Case {
    Case::new(Bed::delivered(len), len, is_one, move |n| format!("XACK s g {}", id(scattered(n, len))))
}

pub(crate) fn xack_pipelined(len: u64) -> Case {
    xack_scattered(len).pipelined()
}

pub(crate) fn xack_100_in_order(len: u64) -> Case {
    let line = |n: u64| format!("XACK s g{}", ids(n * 100..n * 100 + 100));
    let case = Case::new(Bed::delivered(len), len, |reply| matches!(reply, Reply::Int(100)), line);
    Case { sample: 40, ..case }
}

pub(crate) fn xack_100_scattered(len: u64) -> Case {
    let line = move |n: u64| format!("XACK s g{}", ids((n * 100..n * 100 + 100).map(|n| scattered(n, len))));
    let case = Case::new(Bed::delivered(len), len, |reply| matches!(reply, Reply::Int(100)), line);
    Case { sample: 40, ..case }
}

pub(crate) fn xnack_scattered(len: u64) -> Case {
    let line = move |n| format!("XNACK s g FAIL IDS 1 {}", id(scattered(n, len)));
    Case::new(Bed::delivered(len), len, is_one, line)
}

pub(crate) fn xclaim_scattered(len: u64) -> Case {
    let line = move |n| format!("XCLAIM s g c{} 0 {}", n % 10, id(scattered(n, len)));
    Case::new(Bed::delivered(len), len, lists::<1>, line)
}

pub(crate) fn xrange_100(len: u64) -> Case {
    let line = move |n| format!("XRANGE s {} + COUNT 100", id(scattered(n, len - 100)));
    Case { sample: 50, ..Case::new(Bed::filled(len), len, lists::<100>, line) }
}

pub(crate) fn xautoclaim_nothing_idle(len: u64) -> Case {
    let line = |n| format!("XAUTOCLAIM s g c{} 3600000 0-0", n % 10);
    let nothing = |reply: &Reply| matches!(reply, Reply::Array(parts) if lists::<0>(&parts[1]));
    Case { sample: 10, ..Case::new(Bed::delivered(len), len, nothing, line) }
}

pub(crate) fn xpending_none_idle(len: u64) -> Case {
    let line = |_| "XPENDING s g IDLE 3600000 - + 10".to_owned();
    Case { sample: 10, ..Case::new(Bed::delivered(len), len, lists::<0>, line) }
}

/// A message's way: added, delivered, acknowledged, while `len` others are pending.
pub(crate) fn message(len: u64) -> Case {
    let line = move |n: u64| match n % 3 {
        0 => xadd_line(),
        1 => "XREADGROUP GROUP g c1 COUNT 1 STREAMS s >".to_owned(),
        _ => format!("XACK s g {}", id(2 * len + n / 3)),
    };
    let is_right = |reply: &Reply| is_id(reply) || gives::<1>(reply) || is_one(reply);
    Case { sample: 999, cycle: 3, ..Case::new(Bed::delivered(len), len, is_right, line) }
}
