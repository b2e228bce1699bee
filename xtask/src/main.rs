//! The project's own commands: `cargo xtask <command>`.

mod ceiling;
mod compare;
mod demo;
mod deps;
mod e2e;
mod package;
mod pgo;
mod run;
mod tidy;

use std::process::ExitCode;

use run::{Step, cargo, cargo_command, root, status};

const USAGE: &str = "\
usage: cargo xtask <command>

  test         cargo test of the workspace and of the threads, end-to-end scripts with real clients
  ci           fmt, clippy, deps, tidy, then test
  tidy         the budgets and rules that the compiler does not know
  deps         which crate may reach which
  demo ...     a minute of orders, crashes and poison to be seen in the console: [--seconds N] [--keep]
  docs         writes the pages that are made from the tables: docs/commands
  e2e [NAME]   only the end-to-end scripts, or only those named
  sim SEED [N] the simulation from one seed, or from N seeds on
  compare ...  Redis and Valkey beside Ackline, see `cargo xtask compare --help`
  package ...  archive and Debian package of a release: [--target TRIPLE]
  pgo          a release binary, made faster by what a counting one saw under load; needs llvm-profdata
  ceiling ...  the server that `compare` measures as the least that is possible";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((command, rest)) => dispatch(command, rest),
        None => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: &str, rest: &[String]) -> Step {
    match (command, rest) {
        ("test", []) => test(),
        ("ci", []) => ci(),
        ("tidy", []) => tidy::check(&root()),
        ("deps", []) => deps::check(),
        ("demo", options) => demo::run(options),
        ("docs", []) => docs(),
        ("sim", seeds) if !seeds.is_empty() => {
            let soak = ["run", "--quiet", "--release", "-p", "ackline-sim", "--bin", "soak", "--"];
            cargo(&soak.into_iter().chain(seeds.iter().map(String::as_str)).collect::<Vec<_>>())
        }
        ("package", options) => package::run(options),
        ("pgo", []) => pgo::run(),
        ("compare", options) => compare::run(options),
        ("ceiling", options) => ceiling::run(options),
        ("--version", []) => Ok(()),
        ("e2e", names) => build_binary().and_then(|()| e2e::run(names)),
        _ => Err(USAGE.to_owned()),
    }
}

fn ci() -> Step {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    deps::check()?;
    tidy::check(&root())?;
    test()
}

fn test() -> Step {
    build_binary()?;
    cargo(&["test", "--workspace"])?;
    // What a feature adds that nothing has by default.
    cargo(&["test", "-p", "ackline-consumer", "--features", "otel", "--test", "consumer", "observe::"])?;
    models()?;
    e2e::run(&[])
}

/// The tests of what happens between threads: a run of their own, because the locks of the feature work nowhere else.
fn models() -> Step {
    let packages = ["-p", "ackline-log", "-p", "ackline", "-p", "ackline-server"];
    cargo(&[&["test"], &packages[..], &["--features", "model", "--lib", "--test", "model"]].concat())
}

/// The tests that compare the pages with the tables write them if they are told to.
fn docs() -> Step {
    let mut tests = cargo_command();
    tests.args(["test", "-p", "ackline-server", "--lib", "up_to_date"]).env("ACKLINE_UPDATE_DOCS", "1");
    status(&mut tests)
}

/// What the end-to-end scripts drive: with the checks of a debug build, and without the minutes that a release build takes.
fn build_binary() -> Step {
    cargo(&["build", "-p", "ackline-cli"])
}
