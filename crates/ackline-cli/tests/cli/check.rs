//! `ackline check` and `ackline inspect` on directories that a real server left behind.

use crate::process::Server;
use redis::{Connection, cmd};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const LOG: &str = "0000000000000000.log";
const DEBUG: [&str; 4] = ["--enable-debug-command", "yes", "--appendfsync", "no"];

fn ask(connection: &mut Connection, line: &str) -> String {
    let mut words = line.split(' ');
    let mut command = cmd(words.next().unwrap());
    for word in words {
        command.arg(word);
    }
    let value: redis::Value = command.query(connection).unwrap_or_else(|error| panic!("{line}: {error}"));
    match value {
        redis::Value::SimpleString(text) => text,
        redis::Value::Int(n) => n.to_string(),
        other => format!("{other:?}"),
    }
}

fn start(dir: &Path) -> (Server, Connection) {
    let server = Server::start(dir, &DEBUG);
    let connection = server.connect(2);
    (server, connection)
}

/// Exit code, output, errors.
fn ackline(words: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_ackline")).args(words).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn run(what: &str, dir: &Path, more: &[&str]) -> (i32, String) {
    let (code, out, errors) = ackline(&[&[what, dir.to_str().unwrap()], more].concat());
    assert_eq!(errors, "", "{out}");
    (code, out)
}

fn last_line(out: &str) -> &str {
    out.lines().last().unwrap()
}

/// The number behind a name in JSON, the last one of that name.
fn number(json: &str, name: &str) -> u64 {
    let (_, rest) = json.rsplit_once(&format!("\"{name}\":")).unwrap();
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

fn flip(file: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x55], at).unwrap();
}

/// Names and contents.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn traffic(connection: &mut Connection, from: u32) {
    for n in from..from + 50 {
        ask(connection, &format!("XADD s {n}-0 n {n}"));
    }
    ask(connection, "XREADGROUP GROUP g ann COUNT 20 STREAMS s >");
    ask(connection, &format!("XACK s g {from}-0 {}-0", from + 1));
    ask(connection, &format!("SET string{from} {from}"));
}

/// A directory with two snapshots and more behind them, left by a SIGKILL; and the digest of its state.
fn sample(dir: &Path) -> String {
    let (mut server, mut c) = start(dir);
    ask(&mut c, "XGROUP CREATE s g 0 MKSTREAM");
    for from in [1, 101, 201] {
        traffic(&mut c, from);
        if from < 201 {
            ask(&mut c, "SAVE");
        }
    }
    let digest = ask(&mut c, "DEBUG DIGEST");
    server.kill();
    digest
}

fn digest_of_server(dir: &Path) -> String {
    let (_server, mut c) = start(dir);
    ask(&mut c, "DEBUG DIGEST")
}

fn newest_snapshot(dir: &Path) -> PathBuf {
    contents(dir).into_keys().filter(|path| path.extension().is_some_and(|end| end == "snap")).max().unwrap()
}

#[test]
fn a_sound_directory_is_told_so_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let digest = sample(dir.path());
    fs::remove_file(dir.path().join("LOCK")).unwrap();
    let before = contents(dir.path());
    let (code, out) = run("check", dir.path(), &[]);
    assert_eq!((code, last_line(&out)), (0, "ok"), "{out}");
    assert!(out.contains(&format!("  digest {digest}\n")), "{out}");
    assert_eq!(out.matches("the same from the snapshot of position").count(), 2, "{out}");
    assert!(out.contains("the same from the log alone"), "{out}");
    let totals = "1 stream, 3 strings, 150 entries, 1 group, 1 consumer, 58 pending entries";
    assert!(out.contains(totals), "{out}");
    let (code, json) = run("check", dir.path(), &["--json"]);
    assert!(code == 0 && json.contains("\"ok\":true"), "{json}");
    assert!(json.contains(&format!("\"digest\":\"{digest}\"")), "{json}");
    assert_eq!(contents(dir.path()), before, "a check changes nothing, and creates no lock");
    assert!(before.keys().all(|path| path.file_name().unwrap() != "LOCK"));
}

#[test]
fn a_directory_in_use_is_checked_only_if_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (_server, mut c) = start(dir.path());
    ask(&mut c, "XGROUP CREATE s g 0 MKSTREAM");
    traffic(&mut c, 1);
    ask(&mut c, "SAVE");
    traffic(&mut c, 101);
    let path = dir.path().to_str().unwrap();
    for more in [[].as_slice(), &["--cut"]] {
        let (code, out, errors) = ackline(&[&["check", path], more].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{errors}");
        assert!(errors.starts_with(&format!("ackline: {path} is in use by a server: stop it")), "{errors}");
    }
    let (code, out) = run("check", dir.path(), &["--anyway"]);
    assert_eq!((code, last_line(&out)), (0, "ok"), "{out}");
    assert!(out.contains(&ask(&mut c, "DEBUG DIGEST")), "{out}");
    assert!(
        run("inspect", dir.path(), &[]).1.contains(" 0 \"string101\" Set value=\"101\" expire_at=none\n")
    );
}

#[test]
fn a_damaged_log_is_refused_and_cut_only_when_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let digest = sample(dir.path());
    let log = dir.path().join(LOG);
    let json = run("check", dir.path(), &["--json"]).1;
    let (used, position) = (number(&json, "used"), number(&json, "position"));
    flip(&log, used - 3);
    let before = contents(dir.path());
    let (code, out) = run("check", dir.path(), &[]);
    assert_eq!(code, 1, "{out}");
    let json = run("check", dir.path(), &["--json"]).1;
    let at = number(&json, "used");
    assert!(at < used - 3 && at > used - 64, "the beginning of the last frame: {at} of {used}");
    assert_eq!(last_line(&out), format!("DAMAGED: {LOG} at byte {at}: the frame's checksum is wrong"));
    assert_eq!(contents(dir.path()), before, "nothing is repaired unasked");

    let (code, out) = run("check", dir.path(), &["--cut"]);
    assert_eq!((code, last_line(&out)), (0, "ok"), "{out}");
    assert!(
        out.contains(&format!("Lost: every position from {position} on; how many is not known.")),
        "{out}"
    );
    assert_eq!(contents(dir.path())[&dir.path().join(format!("{LOG}.damaged"))], before[&log]);
    let cut = digest_of_server(dir.path());
    assert!(cut != digest && out.contains(&cut), "{out}");
}

#[test]
fn what_damage_hides_is_taken_from_a_newer_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    flip(&dir.path().join(LOG), 200);
    let (code, out) = run("check", dir.path(), &["--cut"]);
    assert_eq!((code, last_line(&out)), (0, "ok"), "{out}");
    assert!(out.contains("1 stream, 2 strings, 100 entries"), "{out}");
    assert!(out.contains("begins behind position"), "{out}");
    assert!(out.contains(&digest_of_server(dir.path())), "{out}");
}

#[test]
fn a_damaged_snapshot_may_go_when_an_older_one_and_the_log_have_everything() {
    let dir = tempfile::tempdir().unwrap();
    let digest = sample(dir.path());
    let snapshot = newest_snapshot(dir.path());
    flip(&snapshot, 100);
    let (code, out) = run("check", dir.path(), &[]);
    let name = snapshot.file_name().unwrap().to_str().unwrap();
    assert_eq!(code, 1, "{out}");
    assert!(last_line(&out).starts_with(&format!("DAMAGED: {name} at byte ")), "{out}");
    assert!(last_line(&out).ends_with(": the part's checksum is wrong"), "{out}");
    assert!(out.contains("A server starts all the same"), "{out}");
    let (code, out) = run("check", dir.path(), &["--cut"]);
    assert!(code == 0 && out.contains("Nothing is lost") && out.contains(&digest), "{out}");
    assert!(!snapshot.exists() && dir.path().join(format!("{name}.damaged")).exists());
    assert_eq!(digest_of_server(dir.path()), digest);
}

#[test]
fn a_torn_end_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    let json = run("check", dir.path(), &["--json"]).1;
    let log = dir.path().join(LOG);
    OpenOptions::new().write(true).open(&log).unwrap().set_len(number(&json, "used") - 2).unwrap();
    let before = contents(dir.path());
    for more in [[].as_slice(), &["--cut"]] {
        let (code, out) = run("check", dir.path(), more);
        assert_eq!((code, last_line(&out)), (0, "ok"), "{out}");
        assert!(out.contains(&format!("{LOG} is torn: ")), "{out}");
        assert_eq!(contents(dir.path()), before, "that is for a server to cut");
    }
    let out = run("check", dir.path(), &[]).1;
    assert!(out.contains(&digest_of_server(dir.path())), "{out}");
}

/// A snapshot, then enough for a second segment.
fn two_segments(dir: &Path) -> Server {
    let (server, mut c) = start(dir);
    ask(&mut c, "XADD s 1-0 n 1");
    ask(&mut c, "SAVE");
    let value = "v".repeat(100_000);
    for n in 2..16 {
        ask(&mut c, &format!("XADD s {n}-0 n {value}"));
    }
    server
}

#[test]
fn damage_before_what_the_newest_snapshot_needs_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = two_segments(dir.path());
    let mut c = server.connect(2);
    ask(&mut c, "SAVE");
    ask(&mut c, "XADD s 100-0 n 100");
    let digest = ask(&mut c, "DEBUG DIGEST");
    server.kill();
    flip(&dir.path().join(LOG), 150_000);
    assert_eq!(run("check", dir.path(), &[]).0, 1);
    let (code, out) = run("check", dir.path(), &["--cut"]);
    assert_eq!((code, last_line(&out)), (0, "ok"), "{out}");
    assert!(out.contains("Nothing is lost: everything up to position 16 stays."), "{out}");
    assert_eq!(digest_of_server(dir.path()), digest);
}

#[test]
fn a_cut_tells_what_whole_segments_behind_it_held() {
    let dir = tempfile::tempdir().unwrap();
    two_segments(dir.path()).kill();
    flip(&dir.path().join(LOG), 150_000);
    let (code, out) = run("check", dir.path(), &["--cut"]);
    assert_eq!((code, last_line(&out)), (0, "ok"), "{out}");
    assert!(out.contains("Lost: positions 3 to 15, 13 batches."), "{out}");
    assert!(out.contains("about 1 key (0 \"s\")") && out.contains("12 Append"), "{out}");
    assert!(out.contains("0000000000000001.log is now 0000000000000001.log.damaged"), "{out}");
    let (_server, mut c) = start(dir.path());
    assert_eq!(ask(&mut c, "XLEN s"), "2");
}

#[test]
fn what_no_cut_can_bring_back_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    contents(dir.path()).keys().filter(|path| path.to_string_lossy().ends_with(".snap")).for_each(|path| {
        fs::remove_file(path).unwrap();
    });
    flip(&dir.path().join(LOG), 20);
    let before = contents(dir.path());
    let (code, out) = run("check", dir.path(), &["--cut"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("no whole snapshot and no whole part of the log make up a state"), "{out}");
    assert_eq!(last_line(&out), format!("DAMAGED: {LOG} at byte 0: the segment's header is not readable"));
    assert_eq!(contents(dir.path()), before);
}

/// Times are as they come.
fn without_times(out: &str) -> String {
    let mut words = out.split_inclusive([' ', '\n']).map(str::to_owned).collect::<Vec<_>>();
    for word in &mut words {
        for name in ["at=", "seen_at=", "active_at="] {
            if word.starts_with(name) {
                let end = word.trim_end_matches([' ', '\n', ';', ']']).len();
                *word = format!("{name}T{}", &word[end..]);
            }
        }
    }
    words.concat()
}

const RECORDS: &str = r#"1 0 "s" CreateStream duration=100 maxsize=100
1 0 "s" Append new_block=yes id=1-1 fields=["n" "1" "\xc3\xa4" "\"x\\"]
2 0 "s" Append new_block=no id=2-0 fields=["n" "2"]
3 0 "s" CreateGroup group="g" last_id=0-0 entries_read=none
4 0 "s" CreateConsumer group="g" consumer="ann" at=T
4 0 "s" Deliver group="g" consumer="ann" at=T noack=no after=0-0 to=2-0 entries_read=2
5 0 "s" Ack group="g" ids=[1-1]
6 0 "s" Release group="g" count=same ids=[2-0]
7 0 "s" Delete remember=yes unreference=no ids=[1-1]
8 0 "long" Set value="vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"...(100 bytes) expire_at=4102444800000
9 3 "long" Set value="3" expire_at=none
10 0 "long" Move db=0 to="short"
11 3 "" Flush
12 0 "s" DestroyGroup group="g"
13 0 "short" Remove
"#;

#[test]
fn every_record_is_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, mut c) = start(dir.path());
    ask(&mut c, "XADD s 1-1 n 1 ä \"x\\");
    for line in
        ["XADD s 2-0 n 2", "XGROUP CREATE s g 0", "XREADGROUP GROUP g ann STREAMS s >", "XACK s g 1-1"]
    {
        ask(&mut c, line);
    }
    ask(&mut c, "XNACK s g FAIL IDS 1 2-0");
    ask(&mut c, "XDEL s 1-1");
    ask(&mut c, &format!("SET long {} PXAT 4102444800000", "v".repeat(100)));
    for line in ["SELECT 3", "SET long 3", "SELECT 0", "RENAME long short", "SELECT 3", "FLUSHDB", "SELECT 0"]
    {
        ask(&mut c, line);
    }
    ask(&mut c, "SAVE");
    ask(&mut c, "XGROUP DESTROY s g");
    ask(&mut c, "DEL short");
    server.kill();
    let inspect = |more: &[&str]| without_times(&run("inspect", dir.path(), more).1);
    let lines = |wanted: &dyn Fn(&str) -> bool| -> String {
        RECORDS.lines().filter(|line| wanted(line)).map(|line| format!("{line}\n")).collect()
    };
    assert_eq!(inspect(&[]), RECORDS);
    assert_eq!(without_times(&run("inspect", &dir.path().join(LOG), &[]).1), RECORDS);
    assert_eq!(
        inspect(&["--from", "11", "--to", "12"]),
        lines(&|l| l.starts_with("11 ") || l.starts_with("12 "))
    );
    assert_eq!(inspect(&["--key", "short"]), lines(&|l| l.contains("\"short\"") || l.contains("Flush")));
    assert_eq!(inspect(&["--count", "1", "--from", "5"]), lines(&|l| l.starts_with("5 ")));
    assert_eq!(inspect(&["--raw", "--from", "13"]), "13 0 \"short\" Remove raw=950573686f7274\n");
    assert_eq!(
        inspect(&["--snapshot", "11", "--key", "s"]),
        "11 0 \"s\" Load parts=[stream last_id=2-0 max_deleted_id=1-1 entries_added=2 duration=100 maxsize=100 \
         added=0 duplicates=0; block first_id=1-1 entries=1 deleted=1; group name=\"g\" last_id=2-0 entries_read=2 \
         next_order=3; consumer group=\"g\" name=\"ann\" seen_at=T active_at=T; pending group=\"g\" count=1]\n"
    );
    let snapshot = newest_snapshot(dir.path());
    assert_eq!(run("inspect", &snapshot, &[]), run("inspect", dir.path(), &["--snapshot", "11"]));
}

#[test]
fn a_closed_pipe_ends_it_silently() {
    let dir = tempfile::tempdir().unwrap();
    let (mut server, mut c) = start(dir.path());
    let mut pipe = redis::pipe();
    for n in 1..=5000 {
        pipe.cmd("XADD").arg("s").arg(format!("{n}-0")).arg("name").arg("v".repeat(60)).ignore();
    }
    let _: () = pipe.query(&mut c).unwrap();
    server.kill();
    let mut child = Command::new(env!("CARGO_BIN_EXE_ackline"))
        .arg("inspect")
        .arg(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("1 0 \"s\" CreateStream"), "{line}");
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn bad_input_gets_one_line() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    for (name, content) in [
        ("dump.rdb", b"REDIS0011\xfa\x09redis-ver".as_slice()),
        ("a.aof", b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n"),
        ("text", b"hello, world"),
        ("empty", b""),
        ("old", b"AckSeg01 and more"),
    ] {
        fs::write(at(name), content).unwrap();
    }
    fs::create_dir(at("nothing")).unwrap();
    fs::create_dir(at("redis")).unwrap();
    fs::write(at("redis/dump.rdb"), b"REDIS0011").unwrap();
    fs::create_dir(at("data")).unwrap();
    fs::write(at(&format!("data/{LOG}")), b"").unwrap();
    let table = [
        (vec!["check", "none"], "there is no such file or directory"),
        (vec!["check", "text"], "is a file"),
        (vec!["check", "nothing"], "neither a segment (*.log) nor a snapshot (*.snap)"),
        (vec!["check", "nothing", "--cut"], "neither a segment (*.log) nor a snapshot (*.snap)"),
        (vec!["check", "redis"], "dump.rdb is Redis's"),
        (vec!["inspect", "none"], "there is no such file or directory"),
        (vec!["inspect", "nothing"], "is not a data directory"),
        (vec!["inspect", "dump.rdb"], "is an RDB file"),
        (vec!["inspect", "a.aof"], "is an AOF file"),
        (vec!["inspect", "text"], "is neither a segment nor a snapshot"),
        (vec!["inspect", "empty"], "is empty"),
        (vec!["inspect", "old"], "another version of Ackline"),
        (vec!["inspect", "data", "--from", "x"], "--from x: expected a whole number"),
        (vec!["inspect", "data", "--to", "-1"], "--to -1: expected a whole number"),
        (vec!["inspect", "data", "--count", "1e3"], "--count 1e3: expected a whole number"),
        (vec!["inspect", "data", "--snapshot", "99999999999999999999"], "expected a whole number"),
        (vec!["inspect", "data", "--snapshot", "5"], "there is no snapshot"),
    ];
    for (mut words, expected) in table {
        let path = at(words[1]);
        words[1] = &path;
        let (code, out, errors) = ackline(&words);
        assert_eq!((code, out.as_str()), (2, ""), "{words:?}: {errors}");
        assert!(errors.starts_with("ackline: ") && errors.contains(expected), "{words:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{words:?}: {errors}");
    }
    assert!(!Path::new(&at("nothing/LOCK")).exists());
}

#[test]
fn what_may_not_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join(LOG);
    fs::write(&log, b"").unwrap();
    fs::set_permissions(&log, fs::Permissions::from_mode(0o000)).unwrap();
    // Root may read everything.
    if fs::read(&log).is_err() {
        for words in [["check", dir.path().to_str().unwrap()], ["inspect", log.to_str().unwrap()]] {
            let (code, _, errors) = ackline(&words);
            assert_eq!((code, errors), (2, format!("ackline: {}: permission denied\n", log.display())));
        }
    }
}

const FORMAT: &str = include_str!("../../../../docs/log-format.md");

/// The bytes of the documentation's example.
fn example() -> Vec<u8> {
    let block = FORMAT.split("## An example").nth(1).unwrap().split("```").nth(1).unwrap();
    let mut bytes = Vec::new();
    for line in block.lines().filter(|line| !line.is_empty()) {
        let (at, rest) = line.split_once("  ").unwrap();
        assert_eq!(usize::from_str_radix(at, 16).unwrap(), bytes.len(), "{line}");
        match rest.split("   ").next().unwrap().split_whitespace().collect::<Vec<_>>()[..] {
            ["00", "x", count] => bytes.resize(bytes.len() + count.parse::<usize>().unwrap(), 0),
            ["00", ".."] => bytes.resize(1 << 20, 0),
            ref digits => bytes.extend(digits.iter().map(|digit| u8::from_str_radix(digit, 16).unwrap())),
        }
    }
    bytes
}

#[test]
fn the_example_of_the_documentation_is_true() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(LOG), example()).unwrap();
    let lines = FORMAT.split("$ ackline inspect DIR\n").nth(1).unwrap().lines();
    let expected: String = lines.map(|line| format!("{}\n", line.trim_start())).collect();
    assert_eq!(run("inspect", dir.path(), &[]), (0, expected));
    let (code, out) = run("check", dir.path(), &[]);
    assert_eq!((code, last_line(&out)), (0, "ok"), "{out}");
    let (_server, mut c) = start(dir.path());
    assert_eq!(ask(&mut c, "XLEN s"), "2");
}
