//! The directives as a table for the manual.

use super::Config;
use super::table::TABLE;
use std::fmt::Write;

impl Config {
    /// Every directive that has an effect, as a Markdown table: its name, its default, whether CONFIG SET may change
    /// it, and what it does.
    pub fn reference() -> String {
        let mut text = String::from("| Directive | Default | At run time | Meaning |\n|---|---|---|---|\n");
        for parameter in TABLE.iter().filter(|parameter| !parameter.doc.is_empty()) {
            let default = match parameter.default {
                "" => String::new(),
                default => format!("`{default}`"),
            };
            let mutable = if parameter.mutable { "yes" } else { "" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "| `{}` | {default} | {mutable} | {} |", parameter.name, parameter.doc);
        }
        text
    }

    /// The names of the directives of Redis that are accepted without effect, in alphabetical order.
    pub fn idle_directives() -> Vec<&'static str> {
        TABLE.iter().filter(|parameter| parameter.doc.is_empty()).map(|parameter| parameter.name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");

    /// The text with what stands between two comments replaced.
    fn with(text: &str, name: &str, new: &str) -> String {
        let (head, rest) = text.split_once(&format!("<!-- {name}: ")).expect("the beginning is marked");
        let (comment, rest) = rest.split_once("-->\n").expect("the comment ends");
        let end = format!("<!-- end of {name} -->");
        let (_, tail) = rest.split_once(&end).expect("the end is marked");
        format!("{head}<!-- {name}: {comment}-->\n\n{new}\n{end}{tail}")
    }

    #[test]
    fn the_manual_has_every_directive() {
        let idle: Vec<String> = Config::idle_directives().iter().map(|name| format!("`{name}`")).collect();
        let old = std::fs::read_to_string(PATH).expect("the manual is there");
        let new = with(&old, "directives", &Config::reference());
        let new = with(&new, "without effect", &format!("{}.\n", idle.join(", ")));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(PATH, &new).expect("the manual can be written");
        } else {
            assert!(
                old == new,
                "docs/configuration.md is out of date: UPDATE_DOCS=1 cargo test -p ackline-server writes it"
            );
        }
    }
}
