//! Session files: the reply of every step, and the log replayed afterwards.

use ackline_sim::{replayed, session};
use std::fs;
use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sessions");
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "txt"));
    files.sort();
    assert!(!files.is_empty());
    files
}

/// `UPDATE_SESSIONS=1` writes what was found into the files instead of failing. Look at the difference.
#[test]
fn every_reply_is_as_the_file_says() {
    let update = std::env::var_os("UPDATE_SESSIONS").is_some();
    let mut wrong = String::new();
    for path in files() {
        let ran = session::run(&fs::read_to_string(&path).unwrap(), 4);
        if update {
            fs::write(&path, ran.corrected).unwrap();
        } else {
            for mismatch in ran.mismatches {
                wrong.push_str(&format!("\n{}, {mismatch}", path.file_name().unwrap().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_log_of_a_session_gives_its_state_on_any_number_of_shards() {
    for path in files() {
        let mut driver = session::run(&fs::read_to_string(&path).unwrap(), 4).driver;
        let live = Some(driver.digest());
        for shards in [1, 4, 16] {
            assert_eq!(replayed(driver.log(), shards), live, "{} on {shards} shards", path.display());
            assert_eq!(driver.restored(shards), live, "{} from a snapshot", path.display());
        }
    }
}

#[test]
fn a_session_does_not_depend_on_the_number_of_shards() {
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        let one = session::run(&text, 1);
        let many = session::run(&text, 16);
        assert_eq!(one.corrected, many.corrected, "{}", path.display());
        assert_eq!(one.driver.log().concat(), many.driver.log().concat(), "{}", path.display());
    }
}
