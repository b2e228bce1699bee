//! What the rules need to know about a source file. It relies on rustfmt: an item that opens at some
//! indentation is closed by a brace at the same one.

use super::mask::mask;

/// A function outside tests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    /// Counted from 1.
    pub(crate) line: usize,
    /// Signature, body and closing brace.
    pub(crate) lines: usize,
}

/// A source file, as far as the rules look at it.
pub(crate) struct Scan {
    /// Code without comments and literals.
    pub(crate) code: Vec<String>,
    /// For each line, whether it is compiled only for tests.
    pub(crate) is_test: Vec<bool>,
    pub(crate) functions: Vec<Function>,
    /// Modules in files of their own that are compiled only for tests.
    pub(crate) test_modules: Vec<String>,
}

/// Scans a file. `all_test` says that the whole file belongs to tests.
pub(crate) fn scan(source: &str, all_test: bool) -> Scan {
    let code: Vec<String> = mask(source).lines().map(str::to_owned).collect();
    let all_test = all_test || code.iter().any(|line| line.starts_with("#![cfg(test)]"));
    let (mut is_test, test_modules) = test_lines(&code);
    if all_test {
        is_test.fill(true);
    }
    let starts = (0..code.len()).filter(|&at| !is_test[at]);
    let functions = starts.filter_map(|at| function_at(&code, at)).collect();
    Scan { code, is_test, functions, test_modules }
}

/// Marks what follows each `#[cfg(test)]`, and collects the modules declared that way.
fn test_lines(code: &[String]) -> (Vec<bool>, Vec<String>) {
    let mut is_test = vec![false; code.len()];
    let mut modules = Vec::new();
    for at in 0..code.len() {
        if !is_test_attribute(code[at].trim()) {
            continue;
        }
        let item =
            (at + 1..code.len()).find(|&next| !code[next].trim_start().starts_with("#[")).unwrap_or(at);
        modules.extend(declared_module(&code[item]));
        let end = item_end(code, item).unwrap_or(item);
        is_test[at..=end].fill(true);
    }
    (is_test, modules)
}

fn is_test_attribute(line: &str) -> bool {
    line == "#[cfg(test)]" || line.starts_with("#[cfg(all(test,") || line == "#[test]"
}

fn declared_module(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [.., "mod", name] => name.strip_suffix(';').map(str::to_owned),
        _ => None,
    }
}

/// The last line of the item that begins here; `None` if it has no body.
fn item_end(code: &[String], start: usize) -> Option<usize> {
    let indent = indentation(&code[start]);
    for (at, line) in code.iter().enumerate().skip(start) {
        let text = line.trim();
        if text.is_empty() || indentation(line) != indent {
            continue;
        }
        let opens_here = at == start;
        if text.ends_with(';') {
            return None;
        }
        if text.ends_with('}') && (opens_here || text.starts_with('}')) {
            return Some(at);
        }
    }
    None
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn function_at(code: &[String], start: usize) -> Option<Function> {
    let name = function_name(code[start].trim_start())?;
    let end = item_end(code, start)?;
    Some(Function { name, line: start + 1, lines: end - start + 1 })
}

/// The name, if the line begins a function.
fn function_name(line: &str) -> Option<String> {
    let mut rest = line;
    loop {
        if let Some(signature) = rest.strip_prefix("fn ") {
            let name: String =
                signature.chars().take_while(|&c| super::mask::is_word(c) || c == '#').collect();
            return (!name.is_empty()).then_some(name);
        }
        let word = rest.split(' ').next()?;
        let is_qualifier = matches!(word, "pub" | "const" | "async" | "unsafe" | "extern" | "default" | "")
            || word.starts_with("pub(");
        if !is_qualifier {
            return None;
        }
        rest = rest.get(word.len() + 1..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(source: &str) -> Vec<(String, usize, usize)> {
        scan(source, false).functions.into_iter().map(|f| (f.name, f.line, f.lines)).collect()
    }

    fn check(source: &str, want: &[(&str, usize, usize)]) {
        let want: Vec<_> = want.iter().map(|&(name, line, lines)| (name.to_owned(), line, lines)).collect();
        assert_eq!(functions(source), want, "{source}");
    }

    #[test]
    fn a_function_goes_to_the_brace_at_its_indentation() {
        check("fn a() {\n    if x {\n    }\n}\n", &[("a", 1, 4)]);
        check("impl A {\n    pub(crate) async fn b(&self) {\n        c();\n    }\n}\n", &[("b", 2, 3)]);
        check("const fn one() -> u8 { 1 }\nfn two() {}\n", &[("one", 1, 1), ("two", 2, 1)]);
    }

    #[test]
    fn long_signatures_count() {
        check("fn a(\n    b: u8,\n) -> u8\nwhere\n    T: X,\n{\n    b\n}\n", &[("a", 1, 8)]);
        check("pub unsafe extern \"C\" fn a() {\n}\n", &[("a", 1, 2)]);
    }

    #[test]
    fn declarations_have_no_length() {
        check("trait T {\n    fn a(&self);\n    fn b(\n        x: u8,\n    ) -> u8;\n}\n", &[]);
        check("type F = fn (u8);\nlet fn_name = 1;\n", &[]);
    }

    #[test]
    fn braces_in_strings_do_not_count() {
        check("fn a() {\n    b(\"\n}\n\");\n}\n", &[("a", 1, 5)]);
    }

    #[test]
    fn nested_functions_count_for_both() {
        check("fn a() {\n    fn b() {\n    }\n}\n", &[("a", 1, 4), ("b", 2, 2)]);
    }

    #[test]
    fn test_modules_are_left_out() {
        let source = "fn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {\n}\n";
        check(source, &[("a", 1, 2), ("c", 8, 2)]);
        let marked = scan(source, false).is_test;
        assert_eq!(marked, [false, false, true, true, true, true, true, false, false]);
    }

    #[test]
    fn test_modules_in_files_are_named() {
        let scanned = scan("#[cfg(test)]\n#[path = \"x\"]\nmod tests;\nfn a() {}\n", false);
        assert_eq!(scanned.test_modules, ["tests"]);
        assert_eq!(scanned.functions.len(), 1);
        assert!(scan("fn a() {}\n", true).functions.is_empty());
        assert!(scan("#![cfg(test)]\nfn a() {}\n", false).functions.is_empty());
    }
}
