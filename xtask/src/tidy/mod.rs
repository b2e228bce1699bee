//! `cargo xtask tidy`: the budgets and rules that the compiler does not know, also run by `cargo test`.

mod mask;
mod ratchet;
mod rules;
mod scan;
mod stats;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::run::Step;
use scan::{Scan, scan};

/// Something a rule does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Relative to the repository; `*` for what is measured over all files.
    pub(crate) path: String,
    /// 0 if it is about the file as a whole.
    pub(crate) line: usize,
    pub(crate) rule: &'static str,
    pub(crate) what: String,
    /// What a known exception is measured in: occurrences, or lines where the rule is about lines.
    pub(crate) amount: usize,
}

/// A Rust file of the workspace.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) scan: Scan,
}

/// Checks the repository: one line for each finding, or nothing.
pub(crate) fn check(root: &Path) -> Step {
    println!("== tidy");
    let files = read(root)?;
    let mut findings: Vec<Finding> = files.iter().flat_map(rules::check).collect();
    findings.extend(stats::check(&files));
    let exceptions = fs::read_to_string(root.join(ratchet::PATH)).unwrap_or_default();
    let left = ratchet::apply(findings, &exceptions);
    println!("{}", stats::summary(&files));
    if left.is_empty() { Ok(()) } else { Err(left.iter().map(show).collect::<Vec<_>>().join("\n")) }
}

fn show(finding: &Finding) -> String {
    let Finding { path, line, rule, what, .. } = finding;
    format!("{path}:{line}: {rule}: {what}")
}

fn read(root: &Path) -> Result<Vec<File>, String> {
    let mut paths = Vec::new();
    for top in ["crates", "xtask"] {
        walk(&root.join(top), &mut paths).map_err(|error| format!("{top}: {error}"))?;
    }
    paths.sort();
    let sources = paths.into_iter().map(|path| read_one(root, path)).collect::<Result<Vec<_>, _>>()?;
    Ok(scan_all(sources))
}

fn read_one(root: &Path, path: PathBuf) -> Result<(String, String), String> {
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let relative = path.strip_prefix(root).unwrap_or(&path);
    Ok((relative.to_string_lossy().replace('\\', "/"), text))
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                walk(&path, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// Scans the files, the second time knowing which modules their parents declare for tests only.
fn scan_all(sources: Vec<(String, String)>) -> Vec<File> {
    let mut test_files = BTreeSet::new();
    for (path, text) in &sources {
        test_files
            .extend(scan(text, false).test_modules.iter().flat_map(|module| module_files(path, module)));
    }
    let file = |(path, text): (String, String)| {
        let all_test = is_test_path(&path) || test_files.iter().any(|test| belongs_to(&path, test));
        File { scan: scan(&text, all_test), path, text }
    };
    sources.into_iter().map(file).collect()
}

fn is_test_path(path: &str) -> bool {
    path.contains("/tests/") || path.contains("/benches/")
}

/// Where a module declared in a file may live.
fn module_files(parent: &str, module: &str) -> [String; 2] {
    let (dir, file) = parent.rsplit_once('/').unwrap_or(("", parent));
    let stem = file.trim_end_matches(".rs");
    let base = if matches!(stem, "lib" | "main" | "mod") { dir.to_owned() } else { format!("{dir}/{stem}") };
    [format!("{base}/{module}.rs"), format!("{base}/{module}/mod.rs")]
}

/// The module's file itself, or one of a module below it.
fn belongs_to(path: &str, test_file: &str) -> bool {
    let below = test_file.strip_suffix("/mod.rs").unwrap_or(test_file.trim_end_matches(".rs"));
    path == test_file || path.strip_prefix(below).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        check(&crate::run::root()).unwrap();
    }

    #[test]
    fn files_of_test_modules_are_tests() {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let files = scan_all(vec![
            file("a/src/lib.rs", "#[cfg(test)]\nmod tests;\nmod b;\n"),
            file("a/src/b.rs", "#[cfg(test)]\nmod model;\n"),
            file("a/src/b/model.rs", "fn f() {}\n"),
            file("a/src/tests/mod.rs", "fn f() {}\n"),
            file("a/src/tests/deep.rs", "fn f() {}\n"),
            file("a/tests/all.rs", "fn f() {}\n"),
            file("a/src/testsuite.rs", "fn f() {}\n"),
        ]);
        let functions: Vec<usize> = files.iter().map(|file| file.scan.functions.len()).collect();
        assert_eq!(functions, [0, 0, 0, 0, 0, 0, 1]);
    }
}
