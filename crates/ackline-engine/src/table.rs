//! The table: every command by its name.

use crate::args::Args;
use crate::command;
use crate::error::Error;
use crate::spec::{Run, Spec};
use std::collections::HashMap;

/// Commands by name. The engine's own, and those that the server adds.
pub struct Table {
    by_name: HashMap<&'static [u8], &'static Spec, foldhash::fast::FixedState>,
    all: Vec<&'static Spec>,
}

/// No command or subcommand has a longer name.
const NAME_MAX: usize = 24;

impl Table {
    /// The engine's commands and `more`.
    pub fn new(more: &[&'static Spec]) -> Table {
        let mut all: Vec<&'static Spec> =
            command::ALL.iter().copied().flatten().chain(more).copied().collect();
        all.sort_by_key(|spec| spec.name);
        let by_name = all.iter().map(|spec| (spec.name.as_bytes(), *spec)).collect();
        Table { by_name, all }
    }

    /// All commands, by name; subcommands are within their containers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static Spec> + '_ {
        self.all.iter().copied()
    }

    /// The command of that name, in any case; the container itself, not a subcommand.
    pub fn find(&self, name: &[u8]) -> Option<&'static Spec> {
        let mut lower = [0; NAME_MAX];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.by_name.get(&*lower).copied()
    }

    /// The command or subcommand that these words call, with its arity checked.
    pub fn resolve(&self, args: Args<'_>) -> Result<&'static Spec, Error> {
        let spec = self.find(args.at(0)).ok_or_else(|| unknown_command(args))?;
        let spec = match (spec.run, args.get(1)) {
            (Run::Container, Some(word)) => {
                subcommand(spec, word).ok_or_else(|| unknown_subcommand(spec, word))?
            }
            _ => spec,
        };
        // A container alone has too few words, except COMMAND, which says something by itself.
        match spec.accepts(args.len()) {
            true => Ok(spec),
            false => Err(Error::arity(spec.name)),
        }
    }
}

/// A subcommand of a container by its word, in any case.
pub fn subcommand(container: &Spec, word: &[u8]) -> Option<&'static Spec> {
    let is = |spec: &&Spec| {
        spec.name.split('|').nth(1).is_some_and(|name| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    container.subcommands.iter().copied().find(is)
}

fn unknown_subcommand(container: &Spec, word: &[u8]) -> Error {
    let word = crate::error::c_str(word);
    let word = &word[..word.len().min(128)];
    let name = container.name.to_ascii_uppercase();
    Error::concat(&[b"ERR unknown subcommand '", word, b"'. Try ", name.as_bytes(), b" HELP."])
}

/// The name is cut at 128 bytes, the arguments once about as many have been shown.
fn unknown_command(args: Args<'_>) -> Error {
    let cut = |word: &[u8], max: usize| {
        let word = crate::error::c_str(word);
        word[..word.len().min(max)].to_vec()
    };
    let name = cut(args.at(0), 128);
    let mut shown = Vec::new();
    for word in args.from(1).iter() {
        if shown.len() >= 128 {
            break;
        }
        let room = 128 - shown.len();
        shown.push(b'\'');
        shown.extend(cut(word, room));
        shown.extend(b"' ");
    }
    match shown.is_empty() {
        true => Error::concat(&[b"ERR unknown command '", &name, b"'"]),
        false => Error::concat(&[b"ERR unknown command '", &name, b"', with args beginning with: ", &shown]),
    }
}
