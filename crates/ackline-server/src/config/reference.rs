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
