//! What the server says of its commands (COMMAND DOCS): for help, hints and completion.

use super::format::harmless;
use ackline_admin::reply::{self, field, items, pairs};
use ackline_resp::decode_reply::Value;

/// How deep arguments may lie within arguments.
const DEPTH: usize = 16;

/// All commands, by name.
#[derive(Debug, Default)]
pub(super) struct Docs {
    pub(super) commands: Vec<Doc>,
}

/// A command, or a subcommand.
#[derive(Debug, PartialEq)]
pub(super) struct Doc {
    /// In capitals: `XGROUP CREATE`.
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) since: String,
    pub(super) group: String,
    pub(super) arguments: Vec<Argument>,
}

/// One argument, or several that belong together.
#[derive(Debug, PartialEq)]
pub(super) struct Argument {
    /// What a user reads.
    pub(super) display: String,
    pub(super) kind: Kind,
    /// A word that stands before it.
    pub(super) token: Option<String>,
    pub(super) optional: bool,
    pub(super) multiple: bool,
    /// The token is repeated with it.
    pub(super) multiple_token: bool,
}

/// What an argument is.
#[derive(Debug, PartialEq)]
pub(super) enum Kind {
    Key,
    Number,
    /// Anything.
    Word,
    /// Only its token.
    Token,
    OneOf(Vec<Argument>),
    Block(Vec<Argument>),
}

impl Docs {
    /// Reads the reply to COMMAND DOCS; what it does not say is left out.
    pub(super) fn read(reply: &Value) -> Docs {
        let mut commands = Vec::new();
        for (name, doc) in pairs(reply) {
            commands.push(Doc::read(&text(name), doc));
            let inner = field(doc, "subcommands").map(pairs).unwrap_or_default();
            commands.extend(inner.into_iter().map(|(name, doc)| Doc::read(&text(name), doc)));
        }
        commands.sort_by(|a, b| a.name.cmp(&b.name));
        Docs { commands }
    }

    /// The command that a line begins with, and how many words its name has.
    pub(super) fn find(&self, words: &[String]) -> Option<(&Doc, usize)> {
        let two =
            words.get(..2).map(|two| two.join(" ")).and_then(|name| self.named(&name)).map(|doc| (doc, 2));
        two.or_else(|| Some((self.named(words.first()?)?, 1)))
    }

    fn named(&self, name: &str) -> Option<&Doc> {
        self.commands.iter().find(|doc| doc.name.eq_ignore_ascii_case(name))
    }

    /// The words that go behind a command to name its subcommands.
    pub(super) fn subcommands(&self, command: &str) -> Vec<&str> {
        let inner = |doc: &'_ Doc| {
            let (outer, _) = doc.name.split_once(' ')?;
            outer.eq_ignore_ascii_case(command).then_some(outer.len() + 1)
        };
        self.commands.iter().filter_map(|doc| inner(doc).map(|from| &doc.name[from..])).collect()
    }

    /// The groups of commands, each once.
    pub(super) fn groups(&self) -> Vec<&str> {
        let mut groups: Vec<&str> = self.commands.iter().map(|doc| doc.group.as_str()).collect();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Help on a command with its subcommands, or on all of a group (`@stream`).
    pub(super) fn help(&self, words: &[String]) -> String {
        let topic = words.join(" ").to_uppercase();
        let concerns = |doc: &&Doc| match topic.strip_prefix('@') {
            Some(group) => doc.group.eq_ignore_ascii_case(group),
            None => doc.name == topic || doc.name.starts_with(&format!("{topic} ")),
        };
        let with_group = !topic.starts_with('@');
        let found: String = self.commands.iter().filter(concerns).map(|doc| doc.help(with_group)).collect();
        match found.is_empty() {
            true => format!("Nothing is known about {topic}.\n"),
            false => format!("{found}\n"),
        }
    }
}

impl Doc {
    fn read(name: &str, doc: &Value) -> Doc {
        Doc {
            name: name.replace('|', " ").to_uppercase(),
            summary: field_text(doc, "summary"),
            since: field_text(doc, "since"),
            group: field_text(doc, "group"),
            arguments: field(doc, "arguments").map(|all| Argument::read_all(all, DEPTH)).unwrap_or_default(),
        }
    }

    /// The arguments as they are written in manuals.
    pub(super) fn syntax(&self) -> String {
        super::syntax::joined(self.arguments.iter().map(Argument::syntax))
    }

    fn help(&self, with_group: bool) -> String {
        let fact = |name: &str, text: &str| format!("  \x1b[33m{name}:\x1b[0m {text}\n");
        let mut text = format!("\n  \x1b[1m{}\x1b[0m \x1b[90m{}\x1b[0m\n", self.name, self.syntax());
        text += &fact("summary", &self.summary);
        text += &fact("since", &self.since);
        if with_group {
            text += &fact("group", &self.group);
        }
        text
    }
}

impl Argument {
    fn read_all(all: &Value, depth: usize) -> Vec<Argument> {
        match depth.checked_sub(1) {
            Some(depth) => items(all).iter().map(|one| Argument::read(one, depth)).collect(),
            None => Vec::new(),
        }
    }

    fn read(value: &Value, depth: usize) -> Argument {
        let flags = field(value, "flags");
        let flag = |name: &str| flags.is_some_and(|flags| items(flags).iter().any(|flag| text(flag) == name));
        let inner =
            || field(value, "arguments").map(|all| Argument::read_all(all, depth)).unwrap_or_default();
        let shown = Some(field_text(value, "display_text")).filter(|text| !text.is_empty());
        Argument {
            display: shown.unwrap_or_else(|| field_text(value, "name")),
            kind: match field_text(value, "type").as_str() {
                "key" => Kind::Key,
                "integer" | "double" | "unix-time" => Kind::Number,
                "pure-token" => Kind::Token,
                "oneof" => Kind::OneOf(inner()),
                "block" => Kind::Block(inner()),
                _ => Kind::Word,
            },
            token: Some(field_text(value, "token")).filter(|token| !token.is_empty()),
            optional: flag("optional"),
            multiple: flag("multiple"),
            multiple_token: flag("multiple_token"),
        }
    }
}

/// What a server says of itself is shown while somebody types: it must not move the cursor.
fn text(value: &Value) -> String {
    harmless(&reply::text(value))
}

fn field_text(value: &Value, name: &str) -> String {
    field(value, name).map(text).unwrap_or_default()
}
