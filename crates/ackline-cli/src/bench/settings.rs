//! What is asked for on the command line.

use ackline_admin::Address;
use clap::value_parser;

/// Bytes of requests that one batch may have: more would measure the memory of the client.
const BATCH_BYTES_MAX: u64 = 1 << 30;

/// Options of every workload.
#[derive(clap::Args)]
pub(crate) struct Settings {
    /// The server: redis://[user:password@]host[:port][/db] or unix:///path.
    #[arg(long, global = true, value_name = "URL", conflicts_with_all = ["host", "port"])]
    pub(super) url: Option<String>,
    /// The server's host.
    #[arg(long, global = true, default_value = "127.0.0.1")]
    pub(super) host: String,
    /// The server's port.
    #[arg(long, global = true, default_value_t = 6379)]
    pub(super) port: u16,
    /// Connections, all threads together.
    #[arg(long, global = true, value_name = "N", default_value_t = 50, value_parser = value_parser!(u64).range(1..=10_000))]
    pub(super) connections: u64,
    /// Operations that a connection sends together; the next batch follows when all are answered.
    #[arg(long, global = true, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..=10_000))]
    pub(super) pipeline: u64,
    /// Bytes of each field's value.
    #[arg(long, global = true, value_name = "BYTES", default_value_t = 100, value_parser = value_parser!(u64).range(0..=64 << 20))]
    pub(super) payload: u64,
    /// Fields of an entry.
    #[arg(long, global = true, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..=1000))]
    pub(super) fields: u64,
    /// Streams, used in turn.
    #[arg(long, global = true, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..=1_000_000))]
    pub(super) streams: u64,
    /// Consumer groups of each stream.
    #[arg(long, global = true, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..=1000))]
    pub(super) groups: u64,
    /// Threads of the client.
    #[arg(long, global = true, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..=256))]
    pub(super) threads: u64,
    /// Seconds to measure; 5 unless --requests is given.
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds)]
    pub(super) duration: Option<f64>,
    /// Operations to measure. With --duration: whichever ends first.
    #[arg(long, global = true, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(super) requests: Option<u64>,
    /// Seconds of the same work before it is measured; 0 for none.
    #[arg(long, global = true, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(super) warmup: f64,
    /// The server's process, if it runs here: its processor time and memory are measured.
    #[arg(long, global = true, value_parser = value_parser!(u32).range(1..))]
    pub(super) pid: Option<u32>,
    /// Where random numbers begin: the same seed asks for the same places.
    #[arg(long, global = true, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Prints the report as one JSON object.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Keys are PREFIX:WORKLOAD:NUMBER. Those that are there already are deleted.
    #[arg(long, global = true, value_name = "PREFIX", default_value = "ackline-bench")]
    pub(super) key_prefix: String,
    /// Does not delete the keys at the end.
    #[arg(long, global = true)]
    pub(super) keep: bool,
}

impl Settings {
    /// Where the server is.
    pub(super) fn address(&self) -> Result<Address, String> {
        match &self.url {
            Some(url) => match Address::parse(url).map_err(|why| format!("--url: {why}"))? {
                Address { tls: Some(_), .. } => Err("--url: TLS is not supported".to_owned()),
                address => Ok(address),
            },
            None => Ok(Address::plain(&self.host, self.port)),
        }
    }

    /// What no single option can tell.
    pub(super) fn check(&self) -> Result<(), String> {
        let bytes = self.pipeline.saturating_mul(self.fields).saturating_mul(self.payload);
        if bytes > BATCH_BYTES_MAX {
            return Err(format!(
                "--pipeline x --fields x --payload is {bytes} bytes; at most {BATCH_BYTES_MAX}"
            ));
        }
        if self.threads > self.connections {
            return Err(format!("{} threads for {} connections", self.threads, self.connections));
        }
        if self.duration == Some(0.0) {
            return Err("--duration 0 measures nothing".to_owned());
        }
        Ok(())
    }

    /// Seconds to measure at most.
    pub(super) fn seconds(&self) -> f64 {
        self.duration.unwrap_or(if self.requests.is_some() { f64::INFINITY } else { 5.0 })
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds from 0 to 86400".to_owned()),
    }
}

/// What is measured. An operation is a command, unless something else is said.
#[derive(clap::Subcommand)]
pub(crate) enum Work {
    /// XADD key * field value.
    Xadd(Adding),
    /// XADD, XREADGROUP, XACK: an operation is a message that went through all three, in every group.
    ///
    /// Each connection adds a batch of messages, reads as many, and acknowledges what it got. The latency of a message
    /// is that of the whole way.
    Cycle {
        /// Messages that an XREADGROUP asks for, and so that an XACK names.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..=10_000))]
        count: u64,
        #[command(flatten)]
        adding: Adding,
    },
    /// XACK of pending entries. When all are acknowledged they are prepared again, outside of the measured time.
    Ack(Settling),
    /// XNACK of pending entries (Redis from 8.8 on, Ackline), prepared again like those of `ack`.
    Nack(Settling),
    /// XCLAIM, XAUTOCLAIM or XREADGROUP CLAIM among pending entries.
    Claim {
        /// What to claim with.
        #[arg(long, value_enum)]
        kind: ClaimKind,
        /// Entries that a command asks for.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u64).range(1..=10_000))]
        count: u64,
        /// IDs in an XCLAIM.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..=10_000))]
        ids: u64,
        /// XCLAIM and XAUTOCLAIM with JUSTID.
        #[arg(long)]
        justid: bool,
        #[command(flatten)]
        list: List,
    },
    /// XRANGE key START + COUNT N at random places.
    Range {
        /// Entries that a command asks for.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u64).range(1..=100_000))]
        count: u64,
        #[command(flatten)]
        list: List,
    },
    /// One producer and blocked readers: an operation is an XADD that was delivered, and its latency the time from there to
    /// the last reader's reply. Then the readers block again, and the next XADD follows.
    Fanout {
        /// Blocked readers; --connections is not used.
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u64).range(1..=9_999))]
        readers: u64,
        /// Who gets an entry.
        #[arg(long, value_enum, default_value_t = FanMode::Xread)]
        mode: FanMode,
        #[command(flatten)]
        adding: Adding,
    },
    /// XPENDING.
    Pending {
        /// What to ask for.
        #[arg(long, value_enum)]
        kind: PendingKind,
        /// Entries that a command asks for.
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = value_parser!(u64).range(1..=100_000))]
        count: u64,
        #[command(flatten)]
        list: List,
    },
}

/// How entries are added.
#[derive(clap::Args)]
pub(crate) struct Adding {
    /// XADD with MAXLEN ~ N; without it the streams grow as long as it takes.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(super) maxlen: Option<u64>,
}

/// What is prepared before it is measured.
#[derive(clap::Args)]
pub(crate) struct List {
    /// Entries of each stream, pending in each group where that matters.
    #[arg(long, visible_alias = "pending", value_name = "N", default_value_t = 100_000, value_parser = value_parser!(u64).range(1..=100_000_000))]
    pub(super) entries: u64,
}

/// How pending entries are settled.
#[derive(clap::Args)]
pub(crate) struct Settling {
    #[command(flatten)]
    pub(super) list: List,
    /// IDs in a command.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = value_parser!(u64).range(1..=10_000))]
    pub(super) ids: u64,
    /// In which order.
    #[arg(long, value_enum, default_value_t = Order::Sequential)]
    pub(super) order: Order,
}

/// The order of IDs.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub(crate) enum Order {
    /// The oldest first.
    Sequential,
    /// Shuffled.
    Random,
}

/// A way to claim.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub(crate) enum ClaimKind {
    /// XAUTOCLAIM with min-idle-time 0, each from the cursor that the one before returned.
    AutoclaimSweep,
    /// The same with a min-idle-time that no entry has.
    AutoclaimIdle,
    /// XREADGROUP CLAIM 0 (Redis from 8.4 on, Ackline).
    Readgroup,
    /// XCLAIM of random IDs with min-idle-time 0.
    Xclaim,
    /// The same with a min-idle-time that no entry has.
    XclaimIdle,
}

/// Who gets an entry.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub(crate) enum FanMode {
    /// Every reader: XREAD BLOCK.
    Xread,
    /// One of them: XREADGROUP BLOCK, and XACK with the next reading.
    Group,
}

/// A question to XPENDING.
#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub(crate) enum PendingKind {
    /// XPENDING key group IDLE .. with a time that no entry has.
    Idle,
    /// XPENDING key group.
    Summary,
    /// XPENDING key group START + N at random places.
    Range,
}
