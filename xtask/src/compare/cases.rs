//! What the load generator measures: the table of scenarios.

use super::server::Durability;
use super::server::Durability::{Always, EverySec, None as Nothing};

/// A run of the load generator.
pub(super) struct Case {
    /// Group and name; never changed, because results are kept by it.
    pub(super) name: &'static str,
    /// For readers.
    pub(super) what: &'static str,
    /// Words of `ackline bench`. Numbers such as 1e6 become less where it has to be quick.
    pub(super) bench: &'static str,
    pub(super) durability: Durability,
    /// `--io-threads` of Ackline. The peers have the better of 1 and as many.
    pub(super) threads: usize,
    /// What is compared first of all.
    pub(super) judged: Metric,
    /// What Ackline may take at most of what the better peer takes.
    pub(super) goal: Option<f64>,
    /// Whether the server that does nothing is measured, too.
    pub(super) ceiling: bool,
}

/// A figure of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Metric {
    /// Microseconds of the server's processor time an operation.
    Cpu,
    /// Operations a second.
    Rate,
    /// Microseconds, half of all operations are faster.
    P50,
    P99,
    /// Bytes of memory or disk.
    Bytes,
    Milliseconds,
    Seconds,
}

impl Metric {
    /// As in the results.
    pub(super) fn name(self) -> &'static str {
        match self {
            Metric::Cpu => "cpu_us",
            Metric::Rate => "rate",
            Metric::P50 => "p50_us",
            Metric::P99 => "p99_us",
            Metric::Bytes => "bytes",
            Metric::Milliseconds => "ms",
            Metric::Seconds => "s",
        }
    }

    /// Behind a number.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Metric::Cpu | Metric::P50 | Metric::P99 => "µs",
            Metric::Rate => "/s",
            Metric::Bytes => "B",
            Metric::Milliseconds => "ms",
            Metric::Seconds => "s",
        }
    }
}

const fn case(
    name: &'static str,
    what: &'static str,
    bench: &'static str,
    durability: Durability,
    threads: usize,
    judged: Metric,
) -> Case {
    Case { name, what, bench, durability, threads, judged, goal: None, ceiling: false }
}

/// So many times better than the better peer.
const fn times(goal: f64, case: Case) -> Case {
    Case { goal: Some(1.0 / goal), ..case }
}

const fn with_ceiling(case: Case) -> Case {
    Case { ceiling: true, ..case }
}

const MANY_STREAMS: &str = "xadd --connections 8 --pipeline 16 --streams 64 --threads 2";
const ONE_STREAM: &str = "xadd --connections 8 --pipeline 16 --threads 2";
const ALONE: &str = "xadd --connections 1";
const CROWD: &str = "xadd --connections 64 --threads 2";
const DEEP: &str = "xadd --connections 16 --pipeline 16";
const CYCLE: &str = "cycle --connections 8 --pipeline 16";

/// All of them, in the order of the document.
#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    times(5.0, with_ceiling(case("none/xadd-8x64", "XADD, 8 connections × 64 deep", "xadd --connections 8 --pipeline 64", Nothing, 1, Metric::Cpu))),
    times(3.0, with_ceiling(case("none/xadd-8x16", "XADD, 8 × 16 deep", "xadd --connections 8 --pipeline 16", Nothing, 1, Metric::Cpu))),
    times(4.0, case("none/cycle-8x16", "XADD, XREADGROUP, XACK: a message, 8 × 16 deep", CYCLE, Nothing, 1, Metric::Cpu)),
    times(4.0, case("none/cycle-8x64", "XADD, XREADGROUP, XACK: a message, 8 × 64 deep", "cycle --connections 8 --pipeline 64", Nothing, 1, Metric::Cpu)),
    case("none/cycle-batch", "XADD, XREADGROUP, XACK: a message, 64 a read", "cycle --connections 8 --pipeline 64 --count 64", Nothing, 1, Metric::Cpu),
    times(4.0, case("none/ack-order", "XACK, one ID, in order, 1,000,000 pending", "ack --connections 8 --pipeline 64 --entries 1e6 --requests 9e5 --warmup 0", Nothing, 1, Metric::Cpu)),
    times(4.0, case("none/ack-random", "XACK, one ID, at random, 1,000,000 pending", "ack --connections 8 --pipeline 64 --entries 1e6 --requests 9e5 --warmup 0 --order random", Nothing, 1, Metric::Cpu)),
    times(5.0, case("none/ack-100", "XACK, 100 IDs, 1,000,000 pending", "ack --connections 8 --pipeline 4 --entries 1e6 --ids 100 --requests 9e3 --warmup 0", Nothing, 1, Metric::Cpu)),
    times(3.0, case("none/range-100", "XRANGE, 100 entries", "range --connections 8 --pipeline 4 --entries 1e5 --count 100", Nothing, 1, Metric::Cpu)),
    case("scale/streams-1", "XADD, 64 streams, 1 thread", MANY_STREAMS, Nothing, 1, Metric::Rate),
    case("scale/streams-2", "XADD, 64 streams, 2 threads", MANY_STREAMS, Nothing, 2, Metric::Rate),
    case("scale/streams-3", "XADD, 64 streams, 3 threads", MANY_STREAMS, Nothing, 3, Metric::Rate),
    case("scale/hot-1", "XADD, one stream, 1 thread", ONE_STREAM, Nothing, 1, Metric::Rate),
    case("scale/hot-2", "XADD, one stream, 2 threads", ONE_STREAM, Nothing, 2, Metric::Rate),
    case("scale/hot-3", "XADD, one stream, 3 threads", ONE_STREAM, Nothing, 3, Metric::Rate),
    times(1.3, with_ceiling(case("single/xadd-64x1", "XADD, 64 connections × 1", CROWD, Nothing, 1, Metric::Cpu))),
    times(1.0, with_ceiling(case("single/xadd-1x1", "XADD, 1 × 1", ALONE, Nothing, 1, Metric::P50))),
    times(1.0, case("always/xadd-1x1", "XADD, 1 × 1", ALONE, Always, 1, Metric::P50)),
    times(1.15, case("always/xadd-64x1", "XADD, 64 × 1", CROWD, Always, 1, Metric::Rate)),
    times(1.5, case("always/xadd-64x1-2", "XADD, 64 × 1, 2 threads", CROWD, Always, 2, Metric::Rate)),
    times(2.5, case("always/xadd-16x16", "XADD, 16 × 16 deep", DEEP, Always, 1, Metric::Rate)),
    times(2.0, case("always/cycle-8x16", "XADD, XREADGROUP, XACK: a message, 8 × 16 deep", CYCLE, Always, 1, Metric::Rate)),
    times(1.0, case("everysec/xadd-1x1", "XADD, 1 × 1", ALONE, EverySec, 1, Metric::P50)),
    times(2.0, case("everysec/xadd-64x1", "XADD, 64 × 1", CROWD, EverySec, 1, Metric::Cpu)),
    case("everysec/xadd-64x1-2", "XADD, 64 × 1, 2 threads", CROWD, EverySec, 2, Metric::Rate),
    times(2.0, case("everysec/xadd-16x16", "XADD, 16 × 16 deep", DEEP, EverySec, 1, Metric::Cpu)),
    times(2.0, case("everysec/cycle-8x16", "XADD, XREADGROUP, XACK: a message, 8 × 16 deep", CYCLE, EverySec, 1, Metric::Cpu)),
    case("fanout/group", "XADD to 1,000 blocked XREADGROUP of one group", "fanout --readers 1000 --mode group", Nothing, 1, Metric::Cpu),
    times(2.0, case("fanout/xread", "XADD to 1,000 blocked XREAD, all of which get it", "fanout --readers 1000 --mode xread", Nothing, 1, Metric::Cpu)),
];

/// The case of a name.
pub(super) fn find(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}
