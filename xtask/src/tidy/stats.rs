//! The budgets that are measured over all files: what is usual, and how long the tail may be.

use super::scan::Function;
use super::{File, Finding};

const FILE_MEDIAN_MAX: usize = 200;

/// Rule, percentile, most lines.
const FUNCTION_BUDGETS: &[(&str, usize, usize)] =
    &[("function-median", 50, 10), ("function-p90", 90, 35), ("function-p99", 99, 70)];

/// How many of the longest functions a finding names.
const NAMED: usize = 5;

/// The budgets that are exceeded.
pub(crate) fn check(files: &[File]) -> Vec<Finding> {
    let median = percentile(&file_lines(files), 50);
    let what = format!("the median file has {median} lines, the budget is {FILE_MEDIAN_MAX}");
    let file_finding = (median > FILE_MEDIAN_MAX).then(|| overall("file-median", median, what));
    let functions = function_lines(files);
    let over = FUNCTION_BUDGETS.iter().filter_map(|&(rule, rank, max)| {
        let lines = percentile(&functions, rank);
        let what = || format!("{lines} lines, the budget is {max}; the longest: {}", longest(files));
        (lines > max).then(|| overall(rule, lines, what()))
    });
    file_finding.into_iter().chain(over).collect()
}

/// What was measured, in one line.
pub(crate) fn summary(files: &[File]) -> String {
    let (files, functions) = (file_lines(files), function_lines(files));
    let of = |lines: &[usize], rank| percentile(lines, rank);
    format!(
        "{} files: median {} lines, longest {}; {} functions: median {} lines, p90 {}, p99 {}, longest {}",
        files.len(),
        of(&files, 50),
        of(&files, 100),
        functions.len(),
        of(&functions, 50),
        of(&functions, 90),
        of(&functions, 99),
        of(&functions, 100),
    )
}

fn overall(rule: &'static str, amount: usize, what: String) -> Finding {
    Finding { path: "*".to_owned(), line: 0, rule, what, amount }
}

fn file_lines(files: &[File]) -> Vec<usize> {
    sorted(files.iter().map(|file| file.text.lines().count()))
}

fn function_lines(files: &[File]) -> Vec<usize> {
    sorted(files.iter().flat_map(|file| file.scan.functions.iter().map(|function| function.lines)))
}

fn sorted(lines: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut lines: Vec<usize> = lines.collect();
    lines.sort_unstable();
    lines
}

/// The smallest value that at least this share of the sorted values does not exceed; 0 if there are none.
fn percentile(sorted: &[usize], rank: usize) -> usize {
    let at = (sorted.len() * rank).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or(0)
}

fn longest(files: &[File]) -> String {
    let all = files.iter().flat_map(|file| file.scan.functions.iter().map(move |function| (file, function)));
    let mut all: Vec<(&File, &Function)> = all.collect();
    all.sort_by_key(|(_, function)| std::cmp::Reverse(function.lines));
    let name = |(file, f): &(&File, &Function)| format!("{}:{} {} ({})", file.path, f.line, f.name, f.lines);
    all.iter().take(NAMED).map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::scan::scan;
    use super::*;

    #[test]
    fn percentiles() {
        let hundred: Vec<usize> = (1..=100).collect();
        let ranks = [50, 90, 99, 100].map(|rank| percentile(&hundred, rank));
        assert_eq!(ranks, [50, 90, 99, 100]);
        assert_eq!(percentile(&[7], 50), 7);
        assert_eq!(percentile(&[], 50), 0);
    }

    #[test]
    fn a_tail_is_a_finding() {
        let text = format!("fn a() {{\n{}}}\n", "    b();\n".repeat(40));
        let file = File { path: "crates/a/src/b.rs".to_owned(), scan: scan(&text, false), text };
        let findings = check(&[file]);
        let rules: Vec<_> = findings.iter().map(|finding| (finding.rule, finding.amount)).collect();
        assert_eq!(rules, [("function-median", 42), ("function-p90", 42)]);
        assert!(findings[0].what.ends_with("the longest: crates/a/src/b.rs:1 a (42)"));
    }
}
