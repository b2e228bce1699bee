//! The reference manual: what the table declares of every command, as Markdown. Only its own test needs it: that the pages
//! in `docs/commands` are up to date, or, asked to, that they become so.

use super::docs;
use ackline_engine::spec::Spec;
use ackline_engine::table::Table;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Groups in the order of the manual, each with its title and what it is about.
const GROUPS: &[(&str, &str, &str)] = &[
    ("stream", "Streams", "Entries, consumer groups, pending entries, acknowledgement."),
    ("generic", "Keys", "What there is for keys of every type."),
    ("string", "Strings", "The small type beside streams: flags, counters, health checks."),
    ("transactions", "Transactions", "Several commands as one step, and one batch of the log."),
    ("connection", "Connections", "Who is connected, in which protocol, as which user."),
    ("pubsub", "Publish and subscribe", "Messages to whoever listens; nothing is kept."),
    ("cluster", "Cluster", "There is one server: these answer so, because clients ask."),
    ("scripting", "Scripts", "There is no interpreter: these answer so, because suites and clients ask."),
    ("server", "Server", "Configuration, persistence, statistics, access control."),
];

/// A page of the manual.
struct Page {
    /// Its file's name.
    file: String,
    /// Markdown.
    text: String,
}

/// The manual: an index, and a page for each group of commands. `sessions` are texts of commands and replies that are
/// also tests; examples come from there.
fn manual(sessions: &[String]) -> Vec<Page> {
    let (specs, examples) = (super::specs(), examples(sessions));
    let table = Table::new(&specs);
    let mut groups: BTreeMap<&str, Vec<&Spec>> = BTreeMap::new();
    for spec in table.iter() {
        groups.entry(spec.group).or_default().push(spec);
    }
    groups.values_mut().for_each(|group| group.sort_by_key(|spec| spec.name));
    let named = |group: &str| groups.get(group).map_or(&[][..], Vec::as_slice);
    let mut pages = vec![index(&named)];
    for (group, title, about) in GROUPS {
        let mut text = format!("# {title}\n\n{about} All commands: [index](README.md).\n");
        named(group).iter().for_each(|spec| describe(&mut text, spec, &examples));
        pages.push(Page { file: format!("{group}.md"), text });
    }
    pages
}

fn index<'s>(named: &dyn Fn(&str) -> &'s [&'s Spec]) -> Page {
    let mut text = "# Commands\n\nGenerated from the table that the server itself runs by (`cargo xtask docs`). The same facts \
        come from `COMMAND DOCS`, `COMMAND INFO`, and the `HELP` of each container.\n"
        .to_owned();
    for (group, title, about) in GROUPS {
        push(
            &mut text,
            format_args!(
                "\n## [{title}]({group}.md)\n\n{about}\n\n| command | what it does | since |\n|---|---|---|\n"
            ),
        );
        for spec in named(group) {
            let name = spec.name.to_ascii_uppercase();
            let row = format_args!(
                "| [`{name}`]({group}.md#{}) | {} | {} |\n",
                spec.name, spec.summary, spec.since
            );
            push(&mut text, row);
        }
    }
    Page { file: "README.md".to_owned(), text }
}

fn describe(text: &mut String, spec: &Spec, examples: &BTreeMap<String, String>) {
    let name = spec.name.to_ascii_uppercase();
    push(text, format_args!("\n## {name}\n\n{}\n", spec.summary));
    if spec.subcommands.is_empty() {
        syntax(text, &name, spec);
        facts(text, spec);
    }
    for sub in spec.subcommands {
        let full = sub.name.replace('|', " ").to_ascii_uppercase();
        push(text, format_args!("\n### {full}\n\n{}\n", sub.summary));
        syntax(text, &full, sub);
        facts(text, sub);
    }
    if let Some(example) = examples.get(&name) {
        push(text, format_args!("\nExample:\n\n```text\n{example}\n```\n"));
    }
}

fn syntax(text: &mut String, name: &str, spec: &Spec) {
    push(text, format_args!("\n```text\n{}\n```\n\n", docs::usage(name, spec.grammar)));
}

fn facts(text: &mut String, spec: &Spec) {
    let words = |words: Vec<&str>, mark: &str| {
        words.iter().map(|word| format!("{mark}{word}")).collect::<Vec<_>>().join(" ")
    };
    let categories = spec.flags.categories().chain(spec.acl.iter().copied()).collect();
    let flags: Vec<&str> = spec.flags.names().collect();
    push(text, format_args!("- since Redis {}; {}\n", spec.since, cost(spec.complexity)));
    push(text, format_args!("- access: {}", words(categories, "@")));
    if !flags.is_empty() {
        push(text, format_args!("; flags: {}", words(flags, "")));
    }
    text.push('\n');
}

fn cost(complexity: &str) -> String {
    format!("cost {}", complexity.trim_end_matches('.'))
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(part);
}

/// Lines that an example may have.
const LINES_MAX: usize = 30;

/// For each command the shortest explained passage of a session that is mostly about it.
fn examples(sessions: &[String]) -> BTreeMap<String, String> {
    let mut best: BTreeMap<String, String> = BTreeMap::new();
    for passage in sessions.iter().flat_map(|text| text.split("\n\n")) {
        let passage = passage.trim();
        let commands: Vec<&str> =
            passage.lines().filter_map(|line| line.strip_prefix("> ")?.split(' ').next()).collect();
        let explained = passage.starts_with("# ") && commands.len() >= 2;
        if !explained || passage.lines().count() > LINES_MAX {
            continue;
        }
        for name in &commands {
            let share = commands.iter().filter(|other| *other == name).count();
            let shorter = best.get(*name).is_none_or(|known| known.len() > passage.len());
            if share * 3 >= commands.len() && shorter {
                best.insert((*name).to_owned(), passage.to_owned());
            }
        }
    }
    best
}

mod tests {
    use super::*;
    use std::path::Path;

    /// With `ACKLINE_UPDATE_DOCS` set, the pages are written instead.
    #[test]
    fn the_manual_is_up_to_date() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut files: Vec<_> = std::fs::read_dir(root.join("tests/sessions"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        let sessions: Vec<String> = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        for page in manual(&sessions) {
            let path = root.join("docs/commands").join(&page.file);
            if std::env::var_os("ACKLINE_UPDATE_DOCS").is_some() {
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(&path, &page.text).unwrap();
            }
            let there = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(there == page.text, "docs/commands/{} is stale: run `cargo xtask docs`", page.file);
        }
    }

    #[test]
    fn every_command_is_on_a_page() {
        let pages = manual(&[]);
        for spec in Table::new(&super::super::specs()).iter() {
            let heading = format!("\n## {}\n", spec.name.to_ascii_uppercase());
            assert!(
                pages.iter().any(|page| page.text.contains(&heading)),
                "{} (group {})",
                spec.name,
                spec.group
            );
        }
    }
}
