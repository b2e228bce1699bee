//! The commands as rules see them: numbered, with their categories and with what they do to their keys.

use crate::commands;
use ackline_engine::args::is;
use ackline_engine::table::Table;
use ackline_engine::{Args, Spec};
use std::collections::HashMap;
use std::sync::LazyLock;

/// All categories, in the order of ACL CAT. Some are empty here, so that files from elsewhere can name them.
pub(crate) const CATEGORIES: [&str; 21] = [
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];

/// The categories of a command, those that follow from its flags and its own, in the order of [`CATEGORIES`].
pub(crate) fn categories(spec: &'static Spec) -> impl Iterator<Item = &'static str> {
    CATEGORIES.into_iter().filter(move |category| own_categories(spec).any(|own| own == *category))
}

fn own_categories(spec: &'static Spec) -> impl Iterator<Item = &'static str> {
    spec.flags.categories().chain(spec.acl.iter().copied())
}

/// Every command of this program.
pub(crate) static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::new);

/// Words of a set of commands.
const WORDS: usize = 6;

/// A set of commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commands([u64; WORDS]);

impl Commands {
    pub(super) const NONE: Commands = Commands([0; WORDS]);
    /// Those, too, that there are no numbers for.
    pub(super) const ALL: Commands = Commands([u64::MAX; WORDS]);

    pub(super) fn has(&self, number: u16) -> bool {
        let number = usize::from(number);
        self.0[number / 64] >> (number % 64) & 1 == 1
    }

    pub(super) fn set(&mut self, number: u16, on: bool) {
        let number = usize::from(number);
        let (word, bit) = (&mut self.0[number / 64], 1 << (number % 64));
        if on { *word |= bit } else { *word &= !bit }
    }
}

/// What a command does to a key. Neither: it only looks whether there is one, for which any pattern is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) read: bool,
    pub(super) write: bool,
}

impl Access {
    pub(super) const READ: Access = Access { read: true, write: false };
    pub(super) const WRITE: Access = Access { read: false, write: true };
    pub(super) const BOTH: Access = Access { read: true, write: true };

    /// What the flags of a key specification say.
    fn of(flags: &[&str]) -> Access {
        let any = |names: &[&str]| flags.iter().any(|flag| names.contains(flag));
        Access { read: any(&["access"]), write: any(&["insert", "update", "delete"]) }
    }
}

/// A command or subcommand.
struct Item {
    spec: &'static Spec,
    access: Access,
}

/// The commands by number and by name.
pub(crate) struct Catalog {
    items: Vec<Item>,
    numbers: HashMap<&'static str, u16, foldhash::fast::RandomState>,
}

impl Catalog {
    fn new() -> Catalog {
        let table = Table::new(&commands::specs());
        let specs =
            table.iter().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands.iter().copied()));
        let items: Vec<Item> = specs.map(|spec| Item { spec, access: Access::of(spec.key_flags) }).collect();
        assert!(items.len() <= WORDS * 64, "a set has a bit for every command");
        let numbers = items.iter().enumerate().map(|(at, item)| (item.spec.name, at as u16)).collect();
        Catalog { items, numbers }
    }

    /// A command by its name, a subcommand as `container|name`, in any case.
    pub(super) fn find(&self, name: &[u8]) -> Option<(u16, &'static Spec)> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        let number = *self.numbers.get(name.as_str())?;
        Some((number, self.items[usize::from(number)].spec))
    }

    /// The number of a command.
    pub(crate) fn number(&self, spec: &Spec) -> u16 {
        self.numbers[spec.name]
    }

    /// A command and its subcommands, if it has any.
    pub(super) fn family(&self, spec: &'static Spec) -> impl Iterator<Item = u16> + use<'_> {
        std::iter::once(spec).chain(spec.subcommands.iter().copied()).map(|spec| self.number(spec))
    }

    /// Those of a category.
    pub(crate) fn of_category(&self, category: &str) -> impl Iterator<Item = &'static Spec> {
        let has = move |spec: &&'static Spec| categories(spec).any(|name| name == category);
        self.items.iter().map(|item| item.spec).filter(has)
    }

    /// What a call does to its key `at`.
    pub(super) fn access(&self, number: u16, args: Args<'_>, at: usize) -> Access {
        let item = &self.items[usize::from(number)];
        match (item.spec.name, at) {
            ("copy", 0) => Access::READ,
            ("rename" | "renamenx", 0) => Access::BOTH,
            ("copy" | "rename" | "renamenx", _) => Access::WRITE,
            // Only with GET it tells what was there.
            ("set", _) if !args.from(3).iter().any(|word| is(word, "GET")) => Access::WRITE,
            _ => item.access,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_of_a_command_is_listed() {
        for item in &CATALOG.items {
            for category in own_categories(item.spec) {
                assert!(CATEGORIES.contains(&category), "{}: {category}", item.spec.name);
            }
        }
    }

    #[test]
    fn names_are_found_in_any_case() {
        let name = |word: &str| CATALOG.find(word.as_bytes()).map(|(_, spec)| spec.name);
        assert_eq!(name("XADD"), Some("xadd"));
        assert_eq!(name("Config|GET"), Some("config|get"));
        assert_eq!([name("config|"), name("nosuch"), name("")], [None; 3]);
    }
}
