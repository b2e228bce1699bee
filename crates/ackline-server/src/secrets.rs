//! Which words of a command are secrets, which neither MONITOR nor the slow log shows.

use crate::config;
use ackline_engine::{Args, Spec};

/// What is shown in the place of a secret.
pub(crate) const REDACTED: &str = "(redacted)";

/// Whether the word at this place is a secret.
pub(crate) fn is_secret(spec: &Spec, args: Args<'_>, at: usize) -> bool {
    match spec.name {
        "auth" | "hello" => at > 0,
        "config|set" if at > 2 && at % 2 == 1 => std::str::from_utf8(args.at(at - 1))
            .is_ok_and(|name| config::is_secret(&name.to_ascii_lowercase())),
        _ => false,
    }
}
