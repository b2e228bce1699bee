//! Users in files: lines of `aclfile`, and `user` lines of the configuration file.

use super::selector::{RuleError, has_blanks};
use super::user::{User, merge_selectors};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// The users of a file by name; `default` is there if the file names it.
pub(super) type Loaded = BTreeMap<Vec<u8>, User>;

/// Reads all lines of a file, or tells what is wrong with each of them.
pub(super) fn parse(path: &str, text: &[u8], all_channels: bool) -> Result<Loaded, String> {
    let (mut users, mut errors) = (Loaded::new(), String::new());
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let (Some(b"user"), Some(name)) = (words.first().copied(), words.get(1)) else {
            errors += &format!("{path}:{number} should start with user keyword followed by the username. ");
            continue;
        };
        let shown = String::from_utf8_lossy(name);
        if has_blanks(name) {
            errors += &format!("{path}:{number}: username '{shown}' contains invalid characters. ");
        } else if users.contains_key(*name) {
            errors += &format!("WARNING: Duplicate user '{shown}' found on line {number}. ");
        } else {
            let mut user = User::new(name, 0, all_channels);
            errors += &apply(&mut user, &words[2..], all_channels, &format!("{path}:{number}"));
            users.insert(name.to_vec(), user);
        }
    }
    match errors.is_empty() {
        true => Ok(users),
        false => Err(errors
            + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"),
    }
}

/// What is wrong with a user's rules: every unknown command, and the first of the other errors, which may bring more.
fn apply(user: &mut User, words: &[&[u8]], all_channels: bool, place: &str) -> String {
    let Ok(rules) = merge_selectors(words.iter().copied()) else {
        return format!("{place}: Unmatched parenthesis in selector definition. ");
    };
    let (mut errors, mut others) = (String::new(), 0);
    for rule in rules {
        match user.apply(&rule, all_channels) {
            Ok(()) => {}
            Err(error @ RuleError::UnknownCommand) => {
                let rule = String::from_utf8_lossy(&rule);
                errors += &format!("{place}: Error in applying operation '{rule}': {}. ", error.text());
            }
            Err(error) => {
                others += 1;
                if others == 1 {
                    errors += &format!("{place}: {}. ", error.text());
                }
            }
        }
    }
    errors
}

/// The user that a `user` line of the configuration file makes, from the words behind `user`.
pub(super) fn user_of_line(words: &[String], all_channels: bool) -> Result<User, String> {
    let (name, rules) = words.split_first().ok_or("wrong number of arguments")?;
    let fail = |reason: &str| format!("Error in user declaration '{name}': {reason}");
    if has_blanks(name.as_bytes()) {
        return Err(fail("Usernames can't contain spaces or null characters"));
    }
    let mut user = User::new(name.as_bytes(), 0, all_channels);
    let rules = merge_selectors(rules.iter().map(String::as_bytes)).map_err(|_| fail("Wrong format"))?;
    for rule in rules {
        user.apply(&rule, all_channels).map_err(|error| fail(error.text()))?;
    }
    Ok(user)
}

/// Replaces a file as a whole: whoever reads it sees the old text or the new one, also after a crash. A new file can be
/// read by its owner only, as hashes of passwords are in it; an old one keeps its permissions.
pub(crate) fn save(path: &Path, text: &[u8]) -> io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".tmp-{}", std::process::id()));
    let temporary = Path::new(&temporary);
    let written = write_new(temporary, path, text).and_then(|()| fs::rename(temporary, path));
    if written.is_err() {
        // It may not have come into being.
        let _ = fs::remove_file(temporary);
    }
    written?;
    File::open(dir)?.sync_all()
}

fn write_new(temporary: &Path, old: &Path, text: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    // What an earlier process of the same number left behind.
    let _ = fs::remove_file(temporary);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary)?;
    if let Ok(metadata) = fs::metadata(old) {
        file.set_permissions(metadata.permissions())?;
    }
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> String {
        parse("f", text.as_bytes(), false).expect_err("refused")
    }

    const TAIL: &str =
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

    #[test]
    fn all_errors_of_a_file_are_told() {
        let cases = [
            ("user", "f:1 should start with user keyword followed by the username. "),
            ("# comment", "f:1 should start with user keyword followed by the username. "),
            ("USER a", "f:1 should start with user keyword followed by the username. "),
            ("user a b on nope", "f:1: Syntax error. "),
            (
                "user a +nosuch",
                "f:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. ",
            ),
            ("user a on\n\nuser a off", "WARNING: Duplicate user 'a' found on line 3. "),
            ("user a (+get", "f:1: Unmatched parenthesis in selector definition. "),
            ("user a\t on", "f:1: username 'a\t' contains invalid characters. "),
            ("user a on \"(+get ~x)\"", "f:1: Syntax error. "),
            (
                "user k foo bar +nosuch\nzork",
                "f:1: Syntax error. f:1: Error in applying operation '+nosuch': Unknown command or category name in \
                 ACL. f:2 should start with user keyword followed by the username. ",
            ),
        ];
        for (text, error) in cases {
            assert_eq!(errors(text), format!("{error}{TAIL}"), "{text}");
        }
    }

    #[test]
    fn blank_lines_and_blanks_do_not_matter() {
        let users = parse("f", b"  user a on  ~x\r\n\n \t\nuser b (+get   ~x)", false).expect("right");
        let lines: Vec<_> =
            users.values().map(|user| String::from_utf8_lossy(&user.line()).into_owned()).collect();
        assert_eq!(
            lines,
            [
                "user a on sanitize-payload ~x resetchannels -@all",
                "user b off sanitize-payload resetchannels -@all (~x resetchannels -@all +get)"
            ]
        );
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("users.acl");
        let mode = || fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        save(&path, b"one").expect("written");
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changed");
        save(&path, b"two").expect("written");
        assert_eq!((fs::read(&path).expect("read"), mode()), (b"two".to_vec(), 0o640));
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("made");
        assert!(save(&path, b"three").is_err());
        assert_eq!(fs::read_dir(dir.path()).expect("read").count(), 1, "nothing is left behind");
    }
}
