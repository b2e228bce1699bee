//! Where a directive stands, and why a configuration is refused.

use super::table::is_secret;
use super::words::join;
use std::fmt;
use std::sync::Arc;

/// Where a directive stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A line of a file, counted from 1.
    Line(Arc<str>, usize),
    /// A variable of the environment.
    Environment,
    /// A word of the command line.
    CommandLine,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(path, number) => {
                write!(f, "Reading the configuration file, at line {number} of {path}")
            }
            Place::Environment => f.write_str("Reading the environment"),
            Place::CommandLine => f.write_str("Reading the command line"),
        }
    }
}

/// A name with its values, and where it was given.
#[derive(Clone, Debug)]
pub(super) struct Directive {
    pub(super) place: Place,
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

impl Directive {
    /// The directive as messages show it: what may be a secret is left out.
    fn shown(&self) -> String {
        let (name, near) = (self.name.to_ascii_lowercase(), super::near(&self.name));
        let secret = is_secret(&name) || near.is_some_and(is_secret);
        let value = match (secret, &self.values[..]) {
            (_, []) => String::new(),
            (true, _) => " (redacted)".to_owned(),
            (false, values) => format!(" {}", join(values)),
        };
        match self.place {
            Place::Line(..) => format!("{}{value}", self.name),
            Place::CommandLine => format!("--{}{value}", self.name),
            Place::Environment => format!("{}={}", super::environment::variable(&name), value.trim_start()),
        }
    }

    pub(super) fn refuse(&self, reason: impl Into<String>) -> ConfigError {
        ConfigError(Why::Directive(self.place.clone(), self.shown(), reason.into()))
    }
}

/// Why a configuration is refused. Shown as Redis shows it; secrets do not appear.
#[derive(Debug)]
pub struct ConfigError(Why);

#[derive(Debug)]
enum Why {
    /// The place, the directive and the reason.
    Directive(Place, String, String),
    /// A file that cannot be read.
    File(String, std::io::Error),
}

impl ConfigError {
    pub(super) fn file(path: &str, error: std::io::Error) -> ConfigError {
        ConfigError(Why::File(path.to_owned(), error))
    }

    pub(super) fn line(place: Place, line: &str, reason: &str) -> ConfigError {
        ConfigError(Why::Directive(place, line.to_owned(), reason.to_owned()))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Why::File(path, error) => {
                write!(f, "Fatal error, can't open config file '{path}': {}", system_text(error))
            }
            Why::Directive(place, shown, reason) => {
                let version = env!("CARGO_PKG_VERSION");
                write!(
                    f,
                    "*** FATAL CONFIG FILE ERROR (Ackline {version}) ***\n{place}\n>>> '{shown}'\n{reason}"
                )
            }
        }
    }
}

/// What the system says of an error, without its number.
pub(crate) fn system_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

impl std::error::Error for ConfigError {}

/// A `user` line of a configuration file.
#[derive(Clone, Debug)]
pub struct UserLine(pub(super) Directive);

impl UserLine {
    /// The words behind `user`: the name, then the rules.
    pub fn words(&self) -> &[String] {
        &self.0.values
    }

    /// The error that this line is refused with, which names its place and not its rules: they may hold a password.
    pub fn refuse(&self, reason: &str) -> ConfigError {
        self.0.refuse(reason)
    }
}
