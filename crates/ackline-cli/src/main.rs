//! `ackline`: the one binary.

mod bench;
mod check;
mod inspect;
mod log;
mod serve;
mod transfer;
mod verbs;

use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// A durable message broker that speaks the Redis protocol: streams, consumer groups, acknowledgement.
#[derive(Parser)]
#[command(name = "ackline", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts the broker: `ackline serve [FILE] [--name value ...]`.
    ///
    /// FILE has the format of redis.conf; `-` reads it from the standard input. Any of its directives may also be given
    /// in the environment, as ACKLINE_PORT=6379, or as `--name value`; the later of these three wins. Often used: --port 6379, --bind 127.0.0.1, --dir ./ackline-data, --appendfsync always|everysec|no,
    /// --unixsocket PATH, --requirepass WORD, --maxclients 10000, --databases 16, --io-threads 1,
    /// --loglevel debug|verbose|notice|warning|nothing, --logfile PATH, --log-format text|logfmt|json, --enable-debug-command no|yes|local,
    /// --appendonly yes|no (no: nothing is kept on disk). `--save` is accepted and has no effect.
    Serve {
        /// A configuration file, then directives.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Copies the streams and strings of a Redis, Valkey, Dragonfly or another Ackline into an Ackline.
    Import(transfer::Import),
    /// Copies the streams and strings of an Ackline into a Redis, Valkey or another Ackline.
    Export(transfer::Export),
    /// Verifies a data directory without changing it: every byte, and that snapshots and log agree.
    Check(check::Check),
    // Its help says more than a comment here, which would take its place.
    Bench(bench::Bench),
    /// Prints the records of a data directory, or of one of its files, one a line.
    Inspect(inspect::Inspect),
    #[command(flatten)]
    Verb(verbs::Verb),
}

fn main() -> ExitCode {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let path = words.next().unwrap_or_default();
    let done = match path.rsplit('/').next().unwrap_or_default() {
        name @ ("redis-server" | "valkey-server") => serve::as_redis(name, &words.collect::<Vec<_>>()),
        "redis-cli" | "valkey-cli" => {
            return run(Cli::parse_from(["ackline", "cli"].map(str::to_owned).into_iter().chain(words)));
        }
        _ => return run(Cli::parse()),
    };
    end(done)
}

fn run(cli: Cli) -> ExitCode {
    end(match cli.command {
        Command::Serve { args } => serve::serve(&args),
        Command::Import(args) => transfer::import(&args),
        Command::Export(args) => transfer::export(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Check(args) => return check::check(&args),
        Command::Inspect(args) => return inspect::inspect(&args),
        Command::Verb(verb) => return verbs::run(&verb, Cli::command()),
    })
}

fn end(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("ackline: {message}");
            ExitCode::FAILURE
        }
    }
}
