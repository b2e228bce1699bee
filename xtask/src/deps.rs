//! Which crate may reach which. The layers hold only as long as the arrows point one way.

use std::collections::BTreeSet;

use crate::run::{Step, cargo_command, stdout};

const BINARY: &str = "ackline-cli";
const BINARY_DEPENDENCIES_MAX: usize = 250;

struct Rule {
    package: &'static str,
    /// What it must not reach. A name that ends in `*` stands for all that begin so, the package itself aside.
    never: &'static [&'static str],
}

const RULES: &[Rule] = &[
    Rule {
        package: "ackline-engine",
        never: &["tokio", "mio", "ackline-resp", "ackline-log", "ackline-server"],
    },
    Rule { package: "ackline-resp", never: &["ackline*"] },
    Rule { package: "ackline-log", never: &["ackline*", "tokio"] },
    Rule { package: "ackline", never: &["ackline-resp", "ackline-server", "tokio", "mio"] },
    Rule { package: "ackline-server", never: &["tokio"] },
    Rule { package: "ackline-admin", never: &["ackline-consumer", "ackline-cli"] },
    Rule { package: "ackline-ruststream", never: &["ackline-server", "ackline-resp"] },
];

pub(crate) fn check() -> Step {
    println!("== deps");
    let mut broken = Vec::new();
    for rule in RULES {
        broken.extend(violations(rule, &reached(rule.package, "normal")?));
    }
    // Every line of the tree is "name vX.Y.Z": two versions of one package count twice.
    let count = reached(BINARY, "normal,build")?.len() - 1;
    println!("{BINARY}: {count} dependencies (below {BINARY_DEPENDENCIES_MAX})");
    if count >= BINARY_DEPENDENCIES_MAX {
        broken.push(format!("{BINARY}: {count} dependencies, the budget is below {BINARY_DEPENDENCIES_MAX}"));
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

/// The packages below one, itself included, each as name and version.
fn reached(package: &str, edges: &str) -> Result<BTreeSet<(String, String)>, String> {
    let tree = stdout(cargo_command().args(["tree", "-p", package, "-e", edges, "--prefix", "none"]))?;
    Ok(tree.lines().filter_map(name_and_version).collect())
}

fn name_and_version(line: &str) -> Option<(String, String)> {
    let mut words = line.split(' ');
    Some((words.next()?.to_owned(), words.next()?.to_owned()))
}

fn violations(rule: &Rule, reached: &BTreeSet<(String, String)>) -> Vec<String> {
    let below = reached.iter().map(|(name, _)| name).filter(|name| *name != rule.package);
    below
        .filter(|name| rule.never.iter().any(|pattern| matches(pattern, name)))
        .map(|name| {
            format!("{}: must not reach {name} (see: cargo tree -p {} -i {name})", rule.package, rule.package)
        })
        .collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(lines: &str) -> BTreeSet<(String, String)> {
        lines.lines().filter_map(name_and_version).collect()
    }

    #[test]
    fn a_forbidden_package_is_named() {
        let rule = Rule { package: "ackline-log", never: &["ackline*", "tokio"] };
        let found = tree(
            "ackline-log v0.1.0 (/x)\ntokio v1.0.0\ntokio-util v0.7.0\nackline v0.1.0 (/y)\ntokio v1.0.0 (*)",
        );
        let messages = violations(&rule, &found);
        assert_eq!(messages.len(), 2);
        assert!(messages[0].starts_with("ackline-log: must not reach ackline "));
        assert!(messages[1].starts_with("ackline-log: must not reach tokio "));
    }

    #[test]
    fn a_package_reaches_itself() {
        let rule = Rule { package: "ackline-resp", never: &["ackline*"] };
        assert!(violations(&rule, &tree("ackline-resp v0.1.0 (/x)\nmemchr v2.7.0")).is_empty());
    }
}
