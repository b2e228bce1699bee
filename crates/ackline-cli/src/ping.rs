//! Whether a server is there, for whoever watches over it.

use ackline_admin::client::{Address, Client, Place, Tls};
use clap::{ArgAction, Args};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Asks a server whether it is there: exit status 0 if it answers PONG, 1 if not. The password is that of the URL, or
/// REDISCLI_AUTH in the environment.
#[derive(Args)]
pub(crate) struct Ping {
    /// Host [127.0.0.1].
    #[arg(short = 'h', long)]
    host: Option<String>,
    /// Port [6379].
    #[arg(short, long)]
    port: Option<u16>,
    /// Socket in the file system, instead of host and port.
    #[arg(short, long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// redis[s]://[user:password@]host[:port] or unix:///path, instead of all that; else ACKLINE_URL, else REDIS_URL.
    #[arg(short, long)]
    url: Option<String>,
    /// Seconds to wait for the connection, and for the answer.
    #[arg(short, long, default_value_t = 3.0)]
    timeout: f64,
    /// Encrypted.
    #[arg(long)]
    tls: bool,
    /// PEM file with the authorities that are trusted, instead of the machine's.
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Whoever answers is trusted.
    #[arg(long)]
    insecure: bool,
    /// Prints this.
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}

/// Asks, and says why not.
pub(crate) fn ping(args: &Ping) -> ExitCode {
    match asked(args) {
        Ok(()) => {
            println!("PONG");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("ackline: {why}");
            ExitCode::FAILURE
        }
    }
}

fn asked(args: &Ping) -> Result<(), String> {
    let timeout = Duration::try_from_secs_f64(args.timeout).ok().filter(|timeout| !timeout.is_zero());
    let timeout = timeout.ok_or("--timeout wants seconds above 0")?;
    let address = address(args)?;
    let mut client = Client::dial(&address, timeout).map_err(|error| error.to_string())?;
    client.set_patience(Some(timeout)).map_err(|error| error.to_string())?;
    let no_answer =
        |error: ackline_admin::client::Error| format!("{} does not answer: {error}", address.name());
    client.sign_in(&address).map_err(no_answer)?;
    match client.call(&["PING"]).map_err(no_answer)? {
        ackline_admin::Value::Simple(text) if text == b"PONG" => Ok(()),
        other => Err(format!("{} answers something else than PONG: {other:?}", address.name())),
    }
}

fn address(args: &Ping) -> Result<Address, String> {
    let given = args.host.is_some() || args.port.is_some() || args.socket.is_some();
    let from_env = || ["ACKLINE_URL", "REDIS_URL"].into_iter().find_map(filled).filter(|_| !given);
    let mut address = match args.url.clone().or_else(from_env) {
        Some(url) => Address::parse(&url)?,
        None => Address::plain(args.host.as_deref().unwrap_or("127.0.0.1"), args.port.unwrap_or(6379)),
    };
    if let Some(path) = &args.socket {
        address.place = Place::Unix(path.clone());
    }
    if args.tls || address.tls.is_some() {
        address.tls = Some(Tls { ca: args.cacert.clone(), insecure: args.insecure, ..Tls::default() });
    }
    if address.password.is_none() {
        address.password = filled("REDISCLI_AUTH");
    }
    Ok(address)
}

fn filled(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|word| !word.is_empty())
}
