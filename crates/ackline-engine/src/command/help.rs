//! HELP of containers.

use crate::reply::Reply;

/// The lines of a HELP reply: subcommands with their explanation in turn.
pub(crate) fn help(container: &str, lines: &'static [&'static str]) -> Reply {
    let first = format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    let middle = lines.iter().map(|line| Reply::Simple(line));
    let last = ["HELP", "    Print this help."].map(Reply::Simple);
    Reply::Array(std::iter::once(Reply::Line(first)).chain(middle).chain(last).collect())
}

/// The `run` of a HELP: the container's name and the lines.
macro_rules! help_command {
    ($container:literal, $lines:expr) => {
        $crate::spec::Run::Read {
            check: |_| Ok(()),
            run: |_, _| Ok($crate::command::help::help($container, $lines)),
        }
    };
}
pub(crate) use help_command;
