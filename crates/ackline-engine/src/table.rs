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
    /// Commands by the names that they were given instead of their own; looked at when no own name is found.
    renamed: HashMap<Box<[u8]>, &'static Spec>,
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
        Table { by_name, all, renamed: HashMap::new() }
    }

    /// As [`Table::new`], with some commands renamed; what [`Table::rename`] refuses is passed over.
    pub fn renamed(more: &[&'static Spec], renames: &[(String, String)]) -> Table {
        let mut table = Table::new(more);
        for (from, to) in renames {
            // Passed over, as said.
            let _ = table.rename(from, to);
        }
        table
    }

    /// Gives a command another name; an empty one takes it away. Its own name is unknown from then on.
    ///
    /// # Errors
    ///
    /// There is no such command, or another one has the new name.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), &'static str> {
        let (from, to) = (from.to_ascii_lowercase(), to.to_ascii_lowercase());
        let spec = self.find(from.as_bytes()).ok_or("No such command in rename-command")?;
        if to != from && self.find(to.as_bytes()).is_some() {
            return Err("Target command name already exists");
        }
        self.by_name.remove(from.as_bytes());
        self.renamed.remove(from.as_bytes());
        match to.is_empty() {
            true => self.all.retain(|listed| listed.name != spec.name),
            false => drop(self.renamed.insert(to.into_bytes().into(), spec)),
        }
        Ok(())
    }

    /// All commands, by name; subcommands are within their containers.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static Spec> + '_ {
        self.all.iter().copied()
    }

    /// The command of that name, in any case; the container itself, not a subcommand.
    pub fn find(&self, name: &[u8]) -> Option<&'static Spec> {
        self.find_own(name).or_else(|| self.find_renamed(name))
    }

    fn find_own(&self, name: &[u8]) -> Option<&'static Spec> {
        let mut lower = [0; NAME_MAX];
        let lower = lower.get_mut(..name.len())?;
        lower.copy_from_slice(name);
        lower.make_ascii_lowercase();
        self.by_name.get(&*lower).copied()
    }

    #[cold]
    fn find_renamed(&self, name: &[u8]) -> Option<&'static Spec> {
        match self.renamed.is_empty() {
            true => None,
            false => self.renamed.get(&*name.to_ascii_lowercase()).copied(),
        }
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

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn renamed_commands() {
        let mut table = Table::new(&[]);
        let long = "b840fc02d524045429941cc15f59e41cb7be6c52";
        assert_eq!(table.rename("XTRIM", long), Ok(()));
        assert_eq!(table.rename("xdel", ""), Ok(()));
        assert_eq!(table.rename("nosuch", "x"), Err("No such command in rename-command"));
        assert_eq!(table.rename("xadd", "XLEN"), Err("Target command name already exists"));
        assert_eq!(table.find(long.to_uppercase().as_bytes()).map(|spec| spec.name), Some("xtrim"));
        assert!(table.find(b"xtrim").is_none() && table.find(b"xdel").is_none());
        assert_eq!(table.rename(long, "cut"), Ok(()));
        assert!(table.find(long.as_bytes()).is_none() && table.find(b"Cut").is_some());
    }
}
