//! `ackline`: the one binary.

mod bench;
mod check;
mod inspect;
mod transfer;

use ackline_server::config::Config;
use clap::{Parser, Subcommand};
use std::fs::OpenOptions;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Mutex;
use tracing_subscriber::filter::LevelFilter;

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
    /// FILE has the format of redis.conf; any of its directives may also be given as `--name value`, and wins over the
    /// file. Often used: --port 6379, --bind 127.0.0.1, --dir ./ackline-data, --appendfsync always|everysec|no,
    /// --unixsocket PATH, --requirepass WORD, --maxclients 10000, --databases 16, --io-threads 1,
    /// --loglevel debug|verbose|notice|warning|nothing, --logfile PATH, --enable-debug-command no|yes|local,
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
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve { args } => serve(&args),
        Command::Import(args) => transfer::import(&args),
        Command::Export(args) => transfer::export(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Check(args) => return check::check(&args),
        Command::Inspect(args) => return inspect::inspect(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("ackline: {message}");
            ExitCode::FAILURE
        }
    }
}

fn serve(args: &[String]) -> Result<(), String> {
    let config = Config::from_args(args).map_err(|error| error.to_string())?;
    start_log(&config)?;
    if config.string("logfile").is_empty() {
        // Nobody may be reading.
        let _ = std::io::stdout().write_all(banner(&config).as_bytes());
    }
    ackline_server::run(config, allocated, ackline_admin::http::serve).map_err(|error| error.to_string())
}

/// Bytes that the allocator has given out.
fn allocated() -> u64 {
    // Its numbers stand still until the epoch advances.
    let _ = tikv_jemalloc_ctl::epoch::advance();
    tikv_jemalloc_ctl::stats::allocated::read().map_or(0, |bytes| bytes as u64)
}

fn start_log(config: &Config) -> Result<(), String> {
    let level = match config.string("loglevel").as_str() {
        "debug" => LevelFilter::TRACE,
        "verbose" => LevelFilter::DEBUG,
        "warning" => LevelFilter::WARN,
        "nothing" => LevelFilter::OFF,
        _ => LevelFilter::INFO,
    };
    let builder = tracing_subscriber::fmt().with_max_level(level).with_target(false);
    let path = config.string("logfile");
    if path.is_empty() {
        builder.init();
        return Ok(());
    }
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let file = file.map_err(|error| format!("cannot write the log file {path}: {error}"))?;
    builder.with_ansi(false).with_writer(Mutex::new(file)).init();
    Ok(())
}

fn banner(config: &Config) -> String {
    let kept = match config.flag("appendonly") {
        true => format!("{}, appendfsync {}", config.string("dir"), config.string("appendfsync")),
        false => "nothing is kept on disk (appendonly no)".to_owned(),
    };
    let (bind, port) = (config.string("bind"), config.int("port"));
    format!(
        "\n  Ackline {} · streams with acknowledgement · Redis protocol\n  {bind}:{port} · {kept}\n\n  Try:\n    \
         redis-cli -p {port} XADD orders '*' item tea\n    \
         redis-cli -p {port} XGROUP CREATE orders shop 0\n    \
         redis-cli -p {port} XREADGROUP GROUP shop ann STREAMS orders '>'     then XACK, or XNACK\n\n",
        env!("CARGO_PKG_VERSION"),
    )
}
