//! The rules that look at one file.

use super::mask::is_word;
use super::{File, Finding};

const FILE_LINES_MAX: usize = 800;

/// Words that no code may have, tests included.
const NEVER: &[&str] = &["#[ignore", "todo!(", "unimplemented!(", "dbg!("];

/// Words that would make the engine impure.
const NEVER_IN_ENGINE: &[&str] =
    &["SystemTime", "Instant::now", "std::thread", "std::net", "std::fs", "rand"];

/// Everything that one file has against it.
pub(crate) fn check(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(file_lines(file));
    findings.extend(crate_docs(file));
    findings.extend(trailing_whitespace(file));
    findings.extend(words(file, "never", NEVER, |_| true));
    findings.extend(words(file, "unwrap", &[".unwrap()"], |line| !file.scan.is_test[line]));
    if file.path.starts_with("crates/ackline-engine/") {
        findings.extend(words(file, "engine-purity", NEVER_IN_ENGINE, |line| !file.scan.is_test[line]));
    }
    findings
}

fn finding(file: &File, line: usize, rule: &'static str, what: String) -> Finding {
    Finding { path: file.path.clone(), line, rule, what, amount: 1 }
}

fn file_lines(file: &File) -> Option<Finding> {
    let lines = file.text.lines().count();
    let what = format!("{lines} lines, the limit is {FILE_LINES_MAX}");
    (lines > FILE_LINES_MAX).then(|| Finding { amount: lines, ..finding(file, 0, "file-lines", what) })
}

fn crate_docs(file: &File) -> Option<Finding> {
    let is_root = file.path.ends_with("/src/lib.rs");
    let what = "a crate begins with `//!`, saying what it is for".to_owned();
    (is_root && !file.text.starts_with("//!")).then(|| finding(file, 1, "crate-docs", what))
}

fn trailing_whitespace(file: &File) -> impl Iterator<Item = Finding> {
    let lines = file.text.split('\n').enumerate();
    let ends_blank = |line: &str| line.ends_with(char::is_whitespace);
    let bad = lines.filter(move |(_, line)| ends_blank(line));
    bad.map(|(at, _)| finding(file, at + 1, "whitespace", "trailing whitespace".to_owned()))
}

fn words(file: &File, rule: &'static str, words: &[&str], applies: impl Fn(usize) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in file.scan.code.iter().enumerate().filter(|(at, _)| applies(*at)) {
        let found = words.iter().filter(|word| has_word(line, word));
        findings
            .extend(found.map(|word| finding(file, at + 1, rule, format!("`{word}` is not allowed here"))));
    }
    findings
}

/// Whether the text occurs and is not a part of a longer identifier.
fn has_word(line: &str, word: &str) -> bool {
    let mut occurrences = line.match_indices(word);
    occurrences.any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(is_word);
        let after = line[at + word.len()..].chars().next().is_some_and(is_word);
        !(before && word.starts_with(is_word) || after && word.ends_with(is_word))
    })
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    fn check_file(path: &str, text: &str, want: &[(usize, &str)]) {
        let file = File { path: path.to_owned(), text: text.to_owned(), scan: scan(text, false) };
        let got: Vec<(usize, &str)> =
            check(&file).iter().map(|finding| (finding.line, finding.rule)).collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn unwrap_is_for_tests() {
        check_file("crates/a/src/b.rs", "fn a() {\n    b.unwrap();\n}\n", &[(2, "unwrap")]);
        check_file("crates/a/src/b.rs", "// b.unwrap()\nlet c = \".unwrap()\";\nd.unwrap_or(1);\n", &[]);
        check_file(
            "crates/a/src/b.rs",
            "#[cfg(test)]\nmod tests {\n    fn a() {\n        b.unwrap();\n    }\n}\n",
            &[],
        );
    }

    #[test]
    fn unfinished_code_is_found_in_tests_too() {
        let text = "#[cfg(test)]\nmod tests {\n    #[test]\n    #[ignore = \"slow\"]\n    fn a() {\n        todo!()\n    }\n}\n";
        check_file("crates/a/src/b.rs", text, &[(4, "never"), (6, "never")]);
        check_file("crates/a/src/b.rs", "fn a() {\n    my_dbg!(1);\n}\n", &[]);
    }

    #[test]
    fn the_engine_is_pure() {
        let text = "use std::time::SystemTime;\nlet operand = brand(strand);\nlet r = rand::random();\n";
        check_file("crates/ackline-engine/src/b.rs", text, &[(1, "engine-purity"), (3, "engine-purity")]);
        check_file("crates/ackline-log/src/b.rs", text, &[]);
    }

    #[test]
    fn crates_say_what_they_are() {
        check_file("crates/a/src/lib.rs", "mod b;\n", &[(1, "crate-docs")]);
        check_file("crates/a/src/lib.rs", "//! A crate.\n", &[]);
    }

    #[test]
    fn whitespace_and_length() {
        check_file("crates/a/src/b.rs", "mod a; \n\t\n", &[(1, "whitespace"), (2, "whitespace")]);
        check_file("crates/a/src/b.rs", &"mod a;\n".repeat(800), &[]);
        check_file("crates/a/src/b.rs", &"mod a;\n".repeat(801), &[(0, "file-lines")]);
    }
}
