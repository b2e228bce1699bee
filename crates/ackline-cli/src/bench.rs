//! `ackline bench`: load on any server that speaks the Redis protocol, and what it costs.

mod budget;
mod control;
mod plan;
mod progress;
mod reply;
mod report;
mod run;
mod settings;
mod setup;
mod socket;
mod tally;
mod usage;
mod wire;
mod worker;
mod workload;

use plan::Plan;
use std::io::{self, Write};

const LONG: &str = "\
Measures a server: Ackline, Redis, Valkey or another that speaks the Redis protocol.

A connection sends a batch of --pipeline operations, waits for all replies and sends the next; --connections do so at the
same time. The measured time begins with the first request and ends with the last reply. An operation is a command, if the
workload does not say otherwise; entries are what the commands added, delivered, claimed, acknowledged or listed. The
latency of an operation is the time from the sending of its batch to the read that brought its reply.

What a workload needs is prepared first, in keys PREFIX:WORKLOAD:NUMBER, which are deleted at the start and at the end.
Prepared entries have the IDs 1-1, 2-1, 3-1 and so on. Nothing else in the database is touched.

With --pid the server's processor time in the measured time is read from /proc, to 10 ms.";

const EXAMPLES: &str = "\
Examples:
  ackline bench xadd --pipeline 64 --pid $(pidof redis-server)
  ackline bench cycle --connections 200 --pipeline 16 --count 16 --streams 8 --maxlen 100000
  ackline bench ack --entries 1000000 --order random --requests 500000 --json
  ackline bench claim --kind autoclaim-sweep --entries 1000000 --url redis://:secret@host:6379/1
  ackline bench fanout --readers 1000 --mode xread

The exit code is 0 if every reply was as it should be, and 1 after errors.

The JSON object of --json:
  workload, server {name, version}, settings {..}, operations, entries, seconds, operations_per_second,
  entries_per_second, latency_us {min, p50, p90, p99, p999, max, mean}, client_cpu_us_per_operation,
  client_cpu {user_seconds, system_seconds},
  server_cpu {pid, user_seconds, system_seconds, us_per_operation} or null,
  server_memory {before_bytes, after_bytes} or null, errors, first_error or null";

/// Measures a server that speaks the Redis protocol: Ackline, Redis, Valkey.
#[derive(clap::Args)]
#[command(long_about = LONG, after_long_help = EXAMPLES)]
pub(crate) struct Bench {
    #[command(subcommand)]
    work: settings::Work,
    #[command(flatten)]
    settings: settings::Settings,
}

/// `ackline bench`
pub(crate) fn bench(args: &Bench) -> Result<(), String> {
    let plan = Plan::new(&args.settings, &args.work);
    let outcome = run::run(&plan)?;
    let report =
        if args.settings.json { report::json(&plan, &outcome) } else { report::text(&plan, &outcome) };
    // Whoever stopped reading knows enough; the exit code says the rest.
    let _ = io::stdout().write_all(report.as_bytes());
    match &outcome.tally.first_error {
        None => Ok(()),
        Some(error) => Err(format!("{} replies were errors, the first: {error}", outcome.tally.errors)),
    }
}
