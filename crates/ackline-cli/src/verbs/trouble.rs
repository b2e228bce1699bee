//! Why a verb failed, what may be done, and the exit code.

use ackline_admin::Error;
use ackline_admin::doctor::count;
use ackline_admin::words::harmless;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// Why a verb failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server said no, in its words, or there is no such thing: exit code 1.
    Refused(String),
    /// What was asked for makes no sense: exit code 2, as for every other wrong use.
    Usage(String),
    /// There is no connection, or no longer one: exit code 3.
    Unreachable(String),
    /// Nobody reads our output any more, which is no failure.
    Deaf,
}

impl Trouble {
    /// The same, and what was done before it.
    pub(super) fn after(self, done: i64, what: &str) -> Trouble {
        match self {
            Trouble::Refused(text) if done > 0 => {
                Trouble::Refused(format!("{text} (before that: {} {what})", count(done, "entry")))
            }
            Trouble::Unreachable(text) if done > 0 => {
                Trouble::Unreachable(format!("{text} (before that: {} {what})", count(done, "entry")))
            }
            other => other,
        }
    }

    /// The exit code, after a word on stderr.
    pub(super) fn report(&self) -> ExitCode {
        let code = match self {
            Trouble::Refused(_) => 1,
            Trouble::Usage(_) => 2,
            Trouble::Unreachable(_) => 3,
            Trouble::Deaf => return ExitCode::SUCCESS,
        };
        eprintln!("ackline: {self}");
        ExitCode::from(code)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Names of keys and groups are in it as they are.
            Trouble::Refused(text) => match (harmless(text), hint(text)) {
                (text, Some(hint)) => write!(f, "{text}\n  {hint}"),
                (text, None) => f.write_str(&text),
            },
            Trouble::Usage(text) | Trouble::Unreachable(text) => f.write_str(&harmless(text)),
            Trouble::Deaf => f.write_str("the output was closed"),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        match error {
            Error::Server(text) => Trouble::Refused(text),
            Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Trouble::Unreachable("the server does not answer (--timeout)".to_owned())
            }
            other => Trouble::Unreachable(other.to_string()),
        }
    }
}

/// Of the output.
impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Trouble::Deaf,
            _ => Trouble::Unreachable(format!("the output: {error}")),
        }
    }
}

/// What may be done about an error of the server.
fn hint(text: &str) -> Option<&'static str> {
    let hints = [
        ("NOAUTH", "The server wants a password: REDISCLI_AUTH in the environment, -a, or a URL with one."),
        ("WRONGPASS", "User (--user) or password (-a, REDISCLI_AUTH) are not those that the server knows."),
        ("NOPERM", "The user may not do this; `ACL WHOAMI` and `ACL GETUSER` tell what it may."),
        ("NOGROUP", "`ackline groups ls KEY` shows the groups, `ackline groups create KEY GROUP` makes one."),
        ("BUSYGROUP", "`ackline groups reset KEY GROUP --to ID` moves a group that is there."),
        ("WRONGTYPE", "`ackline streams ls` shows the keys that are streams."),
        ("LOADING", "The server is reading its data; try again."),
        ("READONLY", "This server is a replica: speak to its master."),
        (
            "OOM",
            "The server is at its memory limit: trim streams (`ackline streams trim`) or raise maxmemory.",
        ),
    ];
    let by_code = hints.into_iter().find(|(code, _)| text.starts_with(code)).map(|(_, hint)| hint);
    by_code.or_else(|| {
        let lower = text.to_lowercase();
        match () {
            () if lower.contains("no such key") => {
                Some("`ackline streams ls` shows the streams of this database (-n).")
            }
            () if lower.contains("unknown command") || lower.contains("unknown subcommand") => {
                Some("This server, or its version, does not have the command.")
            }
            () => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_comes_with_a_hint() {
        let text = Trouble::Refused("NOAUTH Authentication required.".to_owned()).to_string();
        assert!(text.starts_with("NOAUTH Authentication required.\n  ") && text.contains("REDISCLI_AUTH"));
        assert_eq!(Trouble::Refused("ERR strange".to_owned()).to_string(), "ERR strange");
        let hostile = Trouble::Refused("NOGROUP No such key '\u{1b}[31m'".to_owned()).to_string();
        assert_eq!(hostile.lines().next(), Some("NOGROUP No such key '\\x1b[31m'"));
        let late = Trouble::Refused("ERR strange".to_owned()).after(2, "added");
        assert_eq!(late.to_string(), "ERR strange (before that: 2 entries added)");
        assert!(hint("ERR no such key").is_some() && hint("ERR unknown command 'XNACK'").is_some());
    }
}
