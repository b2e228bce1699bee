//! Known exceptions. Each line of the file is `path rule amount`; the amount may only fall, and an exception
//! that is no longer needed is itself a finding, so the list ends up empty.

use super::Finding;

/// Where the exceptions are kept.
pub(crate) const PATH: &str = "xtask/tidy-ratchet.txt";

struct Exception<'a> {
    line: usize,
    path: &'a str,
    rule: &'a str,
    allowed: usize,
}

/// Takes out what is known, and adds what is wrong with the exceptions.
pub(crate) fn apply(mut findings: Vec<Finding>, text: &str) -> Vec<Finding> {
    let mut problems = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        match parse(at + 1, line) {
            Some(exception) => problems.extend(use_up(&mut findings, &exception)),
            None => problems.push(problem(at + 1, "expected: path rule amount".to_owned())),
        }
    }
    findings.extend(problems);
    findings
}

fn parse(line: usize, text: &str) -> Option<Exception<'_>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [path, rule, allowed] = words[..] else { return None };
    Some(Exception { line, path, rule, allowed: allowed.parse().ok()? })
}

fn use_up(findings: &mut Vec<Finding>, exception: &Exception<'_>) -> Option<Finding> {
    let covers = |finding: &Finding| finding.path == exception.path && finding.rule == exception.rule;
    let amount: usize = findings.iter().filter(|finding| covers(finding)).map(|finding| finding.amount).sum();
    if amount <= exception.allowed {
        findings.retain(|finding| !covers(finding));
    }
    let Exception { path, rule, allowed, .. } = exception;
    if amount == 0 {
        return Some(problem(exception.line, format!("{path} {rule} is no longer needed, remove it")));
    }
    (amount < *allowed)
        .then(|| problem(exception.line, format!("{path} {rule}: lower {allowed} to {amount}")))
}

fn problem(line: usize, what: String) -> Finding {
    Finding { path: PATH.to_owned(), line, rule: "ratchet", what, amount: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(amounts: &[usize], exceptions: &str, want: &[&str]) {
        let finding = |&amount: &usize| Finding {
            path: "a.rs".to_owned(),
            line: 1,
            rule: "unwrap",
            what: "an unwrap".to_owned(),
            amount,
        };
        let left = apply(amounts.iter().map(finding).collect(), exceptions);
        let got: Vec<&str> = left.iter().map(|finding| finding.what.as_str()).collect();
        assert_eq!(got, want, "{exceptions}");
    }

    #[test]
    fn a_known_exception_is_quiet() {
        check(&[1, 1], "# why\n\na.rs unwrap 2\n", &[]);
        check(&[900], "a.rs unwrap 900\n", &[]);
    }

    #[test]
    fn it_must_not_grow() {
        check(&[1, 1, 1], "a.rs unwrap 2\n", &["an unwrap"; 3]);
        check(&[1], "b.rs unwrap 1\n", &["an unwrap", "b.rs unwrap is no longer needed, remove it"]);
    }

    #[test]
    fn it_must_fall() {
        check(&[1], "a.rs unwrap 2\n", &["a.rs unwrap: lower 2 to 1"]);
        check(&[], "a.rs unwrap 2\n", &["a.rs unwrap is no longer needed, remove it"]);
        check(&[], "a.rs unwrap\n", &["expected: path rule amount"]);
    }
}
