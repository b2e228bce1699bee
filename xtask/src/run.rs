//! Running other programs. Everything fails with a line that names the command.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a step gives: nothing, or a message for whoever ran it.
pub(crate) type Step = Result<(), String>;

/// The repository. Cargo sets the variable for a program that it runs, wherever the checkout has moved to.
pub(crate) fn root() -> PathBuf {
    let own = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&own).parent().expect("xtask is a directory of the workspace").to_owned()
}

/// Where cargo puts what it builds.
pub(crate) fn target_dir() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

pub(crate) fn cargo_command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs cargo with its output passed through.
pub(crate) fn cargo(args: &[&str]) -> Step {
    println!("== cargo {}", args.join(" "));
    status(cargo_command().args(args))
}

/// Runs a command with its output passed through.
pub(crate) fn status(command: &mut Command) -> Step {
    let name = describe(command);
    match command.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{name}` failed: {status}")),
        Err(error) => Err(format!("`{name}` did not start: {error}")),
    }
}

/// Runs a command and gives what it prints.
pub(crate) fn stdout(command: &mut Command) -> Result<String, String> {
    let name = describe(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("`{name}` did not start: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("`{name}` failed: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    listener.and_then(|listener| listener.local_addr()).map(|at| at.port()).map_err(|error| error.to_string())
}
