//! HELP of containers.

use crate::reply::Reply;

/// The lines of a HELP reply: subcommands with their explanation in turn.
pub(crate) fn help(container: &str, lines: &'static [&'static str]) -> Reply {
    let first = format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    let middle = lines.iter().map(|line| Reply::Simple(line));
    let last = ["HELP", "    Print this help."].map(Reply::Simple);
    Reply::Array(std::iter::once(Reply::Line(first)).chain(middle).chain(last).collect())
}
