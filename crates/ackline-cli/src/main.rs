//! `ackline`: the one binary.

mod bench;
mod check;
mod cli;
mod inspect;
mod log;
mod ping;
mod serve;
mod transfer;
mod verbs;

use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
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
    /// Runs commands on a server that speaks the Redis protocol: a redis-cli. `ackline cli --help` says how.
    #[command(disable_help_flag = true)]
    Cli {
        /// Options of redis-cli, then a command; without one it is interactive.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Asks a server whether it is there: exit status 0 if it answers PONG.
    #[command(disable_help_flag = true)]
    Ping(ping::Ping),
    /// Prints the records of a data directory, or of one of its files, one a line.
    Inspect(inspect::Inspect),
    #[command(flatten)]
    Verb(Box<verbs::Verb>),
}

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let path = words.next().map(PathBuf::from).unwrap_or_default();
    match path.file_name().and_then(OsStr::to_str) {
        Some(name @ ("redis-server" | "valkey-server")) => {
            let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
            end(serve::as_redis(name, &words))
        }
        Some("redis-cli" | "valkey-cli") => cli::cli(words.collect()),
        _ => run(Cli::parse()),
    }
}

fn run(cli: Cli) -> ExitCode {
    end(match cli.command {
        Command::Serve { args } => serve::serve(&args),
        Command::Cli { args } => return cli::cli(args),
        Command::Ping(args) => return ping::ping(&args),
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
