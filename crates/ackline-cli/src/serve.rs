//! `ackline serve`, and being started as `redis-server`.

use crate::log;
use ackline_server::config::Config;
use std::io::{IsTerminal, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Says to a process that it is the one in the background.
const BACKGROUND: &str = "_ACKLINE_IN_BACKGROUND";

/// Runs a server until it is told to end. The words are those behind `serve`.
pub(crate) fn serve(args: &[String]) -> Result<(), String> {
    let variables = std::env::vars_os();
    let variables =
        variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let config = Config::from_args_and_environment(args, variables);
    let config = config.map_err(|error| format!("cannot start\n\n{error}"))?;
    if config.flag("daemonize") && std::env::var_os(BACKGROUND).is_none() {
        return go_to_background(args);
    }
    log::start(&config)?;
    let (to_file, text) = (!config.string("logfile").is_empty(), config.string("log-format") == "text");
    if !to_file && text && std::io::stdout().is_terminal() {
        // Nobody may be reading.
        let _ = std::io::stdout().write_all(banner(&config).as_bytes());
    }
    ackline_server::run(config, allocated, ackline_admin::http::serve).map_err(|error| {
        if to_file {
            tracing::error!("{error}");
        }
        error.to_string()
    })
}

/// Starts the same once more, away from the terminal. Its configuration was accepted; further errors are in its log.
fn go_to_background(args: &[String]) -> Result<(), String> {
    if args.iter().any(|word| word == "-") {
        return Err("daemonize yes: the configuration cannot come from the standard input".to_owned());
    }
    let fail = |error| format!("daemonize yes: {error}");
    let mut words = std::env::args_os();
    let mut command = Command::new(std::env::current_exe().map_err(fail)?);
    // The name decides which words the rest is.
    if let Some(name) = words.next() {
        command.arg0(name);
    }
    command.args(words).env(BACKGROUND, "1").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop).map_err(fail)
}

/// What `redis-server` does with these words, by Ackline. `name` is how the binary was called.
pub(crate) fn as_redis(name: &str, args: &[String]) -> Result<(), String> {
    let decline = |why: &str| Err(format!("{name} is Ackline here, and {why}"));
    match args.first().map(String::as_str) {
        Some("-v" | "--version") => say(&version()),
        Some("-h" | "--help") => say(&help(name)),
        Some("--test-memory") => decline("does not test memory: use memtest86 or memtester"),
        Some("--check-system") => decline("depends on none of the settings that --check-system looks at"),
        _ if args.iter().any(|word| word == "--sentinel") => decline("has no sentinel: it runs alone"),
        _ => serve(args),
    }
}

fn say(text: &str) -> Result<(), String> {
    // Nobody may be reading.
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

/// The form that scripts take apart, with the version of Redis whose commands these are.
fn version() -> String {
    format!(
        "Redis server v={} sha=00000000:0 malloc=jemalloc bits={} build=ackline-{}",
        ackline_server::REDIS_VERSION,
        usize::BITS,
        env!("CARGO_PKG_VERSION"),
    )
}

fn help(name: &str) -> String {
    format!(
        "Usage: {name} [/path/to/redis.conf] [options] [-]\n       {name} - (read config from stdin)\n       \
         {name} -v or --version\n       {name} -h or --help\n\nExamples:\n       {name} --port 7777\n       \
         {name} /etc/redis/redis.conf --loglevel verbose\n       echo 'maxmemory 128mb' | {name} -\n\n\
         This is Ackline {}: a durable message broker that speaks the Redis protocol. Every directive of redis.conf\n\
         may be an option. Data is kept on disk unless `appendonly no` is said. See also: ackline --help",
        env!("CARGO_PKG_VERSION")
    )
}

/// Bytes that the allocator has given out.
fn allocated() -> u64 {
    // Its numbers stand still until the epoch advances.
    let _ = tikv_jemalloc_ctl::epoch::advance();
    tikv_jemalloc_ctl::stats::allocated::read().map_or(0, |bytes| bytes as u64)
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
