//! Directives in the environment: `ACKLINE_PORT=6380` is `port 6380`.

use super::place::{Directive, Place};
use super::{FOREIGN, names};

const PREFIX: &str = "ACKLINE_";
/// Names the configuration file.
pub(super) const FILE: &str = "ACKLINE_CONFIG";
/// Tells the command line where the server is, so a server may well see it.
const URL: &str = "ACKLINE_URL";

/// The variable of a directive.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// What the environment says.
#[derive(Default)]
pub(super) struct Environment {
    pub(super) file: Option<String>,
    pub(super) directives: Vec<Directive>,
    /// Variables that look like ours and are none.
    pub(super) unknown: Vec<String>,
}

/// Sorts variables; those of others are passed over.
pub(super) fn read(variables: impl Iterator<Item = (String, String)>) -> Environment {
    let mut environment = Environment::default();
    let ours = variables.filter(|(name, _)| name.starts_with(PREFIX) && name != URL);
    let mut ours: Vec<_> = ours.collect();
    ours.sort();
    for (variable, value) in ours {
        if variable == FILE {
            environment.file = Some(value);
            continue;
        }
        match directive(&variable) {
            Some(name) if !is_link(name, &value) => {
                let directive =
                    Directive { place: Place::Environment, name: name.to_owned(), values: vec![value] };
                environment.directives.push(directive);
            }
            _ => environment.unknown.push(variable),
        }
    }
    environment
}

/// The directive that a variable stands for.
fn directive(name: &str) -> Option<&'static str> {
    names().chain(FOREIGN.iter().copied()).find(|directive| variable(directive) == name)
}

/// Kubernetes tells every pod where the service of the name `ackline` is, in a variable that would be our port.
fn is_link(name: &str, value: &str) -> bool {
    name == "port" && value.contains("://")
}
