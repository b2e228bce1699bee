//! `ackline import` and `ackline export` between two servers.

use crate::process::Server;
use redis::{Connection, FromRedisValue, ToRedisArgs, Value, cmd};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// Facts about a stream that a copy does not share: how it is stored, when a consumer was seen, idempotent producers.
const NOT_COPIED: &[&str] = &[
    "radix-tree-keys",
    "radix-tree-nodes",
    "seen-time",
    "active-time",
    "pids-tracked",
    "iids-tracked",
    "iids-added",
    "iids-duplicates",
];

/// Reproducible randomness.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(12)).map(|_| self.below(256) as u8).collect()
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }
}

fn ask<T: FromRedisValue>(connection: &mut Connection, words: impl ToRedisArgs) -> T {
    let mut packed = words.to_redis_args().into_iter();
    let mut command = cmd(std::str::from_utf8(&packed.next().unwrap()).unwrap());
    command.arg(packed.collect::<Vec<_>>());
    command.query(connection).unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn line<T: FromRedisValue>(connection: &mut Connection, line: &str) -> T {
    ask(connection, line.split(' ').collect::<Vec<_>>())
}

fn ackline(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn url(server: &Server) -> String {
    format!("redis://127.0.0.1:{}", server.port)
}

fn import(source: &Server, target: &Server, more: &[&str]) -> Output {
    ackline(&["import", &url(source), "--to", &url(target)]).args(more).output().unwrap()
}

/// The report of a run that went well.
fn imported(source: &Server, target: &Server, more: &[&str]) -> String {
    let output = import(source, target, more);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A number of a report.
fn told(report: &str, what: &str) -> u64 {
    let line = report.lines().rev().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {what} in {report}")).trim().parse().unwrap()
}

/// Any command that changes a stream, mostly ones that succeed.
fn change(c: &mut Connection, dice: &mut Dice, key: &str, last: &mut u64) {
    let group = dice.pick(&["g", "h", ""]);
    let consumer = dice.pick(&["ann", "bob", "", "c c"]);
    let id = format!("{}-{}", dice.below(*last + 1), dice.below(3));
    let number = dice.below(4).to_string();
    let time = (1_700_000_000_000 + dice.below(5000)).to_string();
    let words: Vec<&str> = match dice.below(16) {
        0..=5 => {
            *last += 1 + dice.below(2);
            let mut command = cmd("XADD");
            command.arg(key).arg(format!("{last}-{}", dice.below(3)));
            for _ in 0..=dice.below(3) {
                command.arg(dice.bytes()).arg(dice.bytes());
            }
            return command.exec(c).unwrap();
        }
        6..=8 => vec!["XREADGROUP", "GROUP", group, consumer, "COUNT", &number, "STREAMS", key, ">"],
        9 => vec!["XACK", key, group, &id],
        10 => vec!["XNACK", key, group, "FAIL", "IDS", "1", &id, "RETRYCOUNT", &number, "FORCE"],
        11 => vec!["XDEL", key, &id],
        12 if dice.below(4) == 0 => vec!["XTRIM", key, "MINID", &id],
        12 => vec!["XGROUP", "CREATECONSUMER", key, group, consumer],
        13 => vec!["XCLAIM", key, group, consumer, "0", &id, "TIME", &time, "RETRYCOUNT", &number, "FORCE"],
        14 if dice.below(8) == 0 => vec!["XGROUP", "SETID", key, group, &id],
        14 => vec!["XGROUP", "CREATE", key, group, &id, "ENTRIESREAD", &number],
        _ => vec!["XCFGSET", key, "IDMP-MAXSIZE", if number == "0" { "7" } else { &number }],
    };
    // A group that is not there yet, an ID that is taken: part of the game.
    let _ = cmd(words[0]).arg(&words[1..]).exec(c);
}

/// Streams of every kind, strings, times to live.
fn populate(c: &mut Connection, seed: u64) {
    let mut dice = Dice(seed);
    for n in 0..12 {
        let (key, mut last) = (format!("stream:{n}"), 0);
        for group in ["g", "h"] {
            line::<()>(c, &format!("XGROUP CREATE {key} {group} 0 MKSTREAM"));
        }
        (0..40 * n).for_each(|_| change(c, &mut dice, &key, &mut last));
    }
    line::<()>(c, "XADD trimmed 9-0 a b");
    line::<()>(c, "XADD trimmed 10-0 a b");
    line::<()>(c, "XGROUP CREATE trimmed g 0");
    line::<Value>(c, "XREADGROUP GROUP g ann STREAMS trimmed >");
    line::<()>(c, "XTRIM trimmed MAXLEN 0");
    line::<()>(c, "XADD bare MAXLEN 0 5-5 a b");
    line::<()>(c, "PEXPIREAT stream:3 7000000000001");
    for n in 0..50 {
        ask::<()>(c, &[b"SET".to_vec(), format!("text:{n}").into(), dice.bytes()]);
    }
    line::<()>(c, "PEXPIREAT text:7 7000000000002");
    line::<()>(c, "SELECT 3");
    line::<()>(c, "XADD elsewhere 1-1 a b");
    line::<()>(c, "SELECT 0");
}

/// A reply without what a copy does not share.
fn pruned(value: Value) -> Value {
    match value {
        Value::Map(pairs) => {
            let kept = pairs.into_iter().filter(|(name, _)| match name {
                Value::BulkString(name) => !NOT_COPIED.iter().any(|not| not.as_bytes() == name),
                _ => true,
            });
            Value::Map(kept.map(|(name, value)| (name, pruned(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(pruned).collect()),
        other => other,
    }
}

/// All there is to compare, by key.
fn content(server: &Server, database: u8) -> Vec<(String, Value, i64)> {
    let mut c = server.connect(3);
    line::<()>(&mut c, &format!("SELECT {database}"));
    let mut keys: Vec<String> = line(&mut c, "KEYS *");
    keys.sort();
    let fact = |key: String| {
        let value = match line::<String>(&mut c, &format!("TYPE {key}")).as_str() {
            "stream" => pruned(line(&mut c, &format!("XINFO STREAM {key} FULL COUNT 0"))),
            _ => line(&mut c, &format!("GET {key}")),
        };
        let expiry = line(&mut c, &format!("PEXPIRETIME {key}"));
        (key, value, expiry)
    };
    keys.into_iter().map(fact).collect()
}

fn assert_same(source: &Server, target: &Server) {
    for database in [0, 3] {
        let (source, target) = (content(source, database), content(target, database));
        assert_eq!(source.len(), target.len(), "{target:?}");
        source.iter().zip(&target).for_each(|(a, b)| assert_eq!(a, b));
    }
}

struct Pair {
    source: Server,
    target: Server,
    _dirs: [tempfile::TempDir; 2],
}

/// A server that has loaded its data, empty as it is: until then it refuses commands, and so does a transfer.
fn start(dir: &Path, more: &[&str]) -> Server {
    let server = Server::start(dir, more);
    while cmd("DBSIZE").exec(&mut server.connect(2)).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    server
}

fn pair() -> Pair {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [source, target] = [&dirs[0], &dirs[1]].map(|dir| start(dir.path(), &["--appendfsync", "no"]));
    Pair { source, target, _dirs: dirs }
}

#[test]
fn a_copy_is_the_same_and_stays_so() {
    for (seed, batch) in [(1, "1000"), (2, "7"), (3, "1")] {
        let Pair { source, target, _dirs } = pair();
        populate(&mut source.connect(2), seed);
        let planned = imported(&source, &target, &["--dry-run"]);
        assert_eq!(content(&target, 0), [], "a dry run changes nothing");
        let report = imported(&source, &target, &["--batch", batch]);
        assert_eq!(told(&planned, "keys to copy"), told(&report, "keys copied"));
        assert_eq!(told(&planned, "entries"), told(&report, "entries"));
        assert_eq!(told(&planned, "pending entries"), told(&report, "pending entries"));
        assert_same(&source, &target);

        let again = imported(&source, &target, &["--replace"]);
        assert_eq!(told(&again, "keys copied"), 0);
        assert_eq!(told(&again, "already there"), told(&report, "keys copied"));
        assert_same(&source, &target);
    }
}

#[test]
fn an_export_is_an_import_from_the_other_end() {
    let Pair { source, target, _dirs } = pair();
    populate(&mut source.connect(2), 4);
    let output = ackline(&["export", &url(&target), "--from", &url(&source)]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_same(&source, &target);
}

#[test]
fn what_differs_is_an_error_unless_it_may_be_replaced() {
    let Pair { source, target, _dirs } = pair();
    populate(&mut source.connect(2), 5);
    imported(&source, &target, &[]);
    let mut c = target.connect(2);
    line::<()>(&mut c, "XADD stream:5 * more 1");
    line::<()>(&mut c, "XGROUP CREATECONSUMER stream:6 g newcomer");
    line::<()>(&mut c, "SET text:1 other");
    line::<()>(&mut c, "DEL stream:7");
    line::<()>(&mut c, "SET stream:7 other");
    let output = import(&source, &target, &[]);
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success());
    assert_eq!(told(&report, "failed"), 4, "{report}");
    for key in ["stream:5", "stream:6", "stream:7", "text:1"] {
        assert!(report.contains(&format!("failed: db0 \"{key}\"")), "{report}");
    }
    assert_eq!(told(&imported(&source, &target, &["--replace"]), "keys copied"), 4);
    assert_same(&source, &target);
}

#[test]
fn only_what_was_asked_for() {
    let Pair { source, target, _dirs } = pair();
    populate(&mut source.connect(2), 6);
    imported(&source, &target, &["--match", "text:1*", "--db", "0"]);
    let keys = |database| content(&target, database).len();
    assert_eq!((keys(0), keys(3)), (11, 0));
    imported(&source, &target, &["--db", "3"]);
    assert_eq!((keys(0), keys(3)), (11, 1));
    let (from, to) = (format!("{}/3", url(&source)), format!("{}/5", url(&target)));
    assert!(ackline(&["import", &from, "--to", &to]).status().unwrap().success());
    assert_eq!(keys(5), 1);
}

/// The keys of the target while a copy is on its way.
fn building(c: &mut Connection) -> Vec<String> {
    line(c, "KEYS *.ackline-import-*")
}

#[test]
fn an_interrupted_copy_leaves_nothing_under_a_real_name() {
    let Pair { source, target, _dirs } = pair();
    let (mut from, mut to) = (source.connect(2), target.connect(2));
    let mut adding = redis::pipe();
    for n in 1..=8000 {
        adding.cmd("XADD").arg("long").arg(format!("{n}-0")).arg(&["a", "b"]);
    }
    adding.exec(&mut from).unwrap();
    let mut child: Child =
        ackline(&["import", &url(&source), "--to", &url(&target), "--batch", "1"]).spawn().unwrap();
    while building(&mut to).is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "the copy is too fast to be interrupted");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(line::<i64>(&mut to, "EXISTS long"), 0);
    assert_eq!(building(&mut to).len(), 1);
    imported(&source, &target, &[]);
    assert_same(&source, &target);
}

/// Runs an import that fails before it begins; returns the one line that it says.
fn complaint(args: &[&str]) -> String {
    let output = ackline(&[&["import"], args].concat()).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.starts_with("ackline: ") && text.lines().count() == 1, "{text}");
    text
}

#[test]
fn bad_input_is_one_clear_line() {
    let dir = tempfile::tempdir().unwrap();
    let server = start(dir.path(), &[]);
    line::<()>(&mut server.connect(2), "CONFIG SET requirepass secret");
    let locked = format!("127.0.0.1:{}", server.port);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (source, says) in [
        ("nonsense".to_owned(), "nonsense: not an address"),
        ("redis://127.0.0.1/x".to_owned(), "not an address"),
        ("rediss://127.0.0.1".to_owned(), "TLS is not supported"),
        (format!("redis://{nobody}"), "Connection refused"),
        ("unix:///nowhere/socket".to_owned(), "cannot connect to /nowhere/socket"),
        (format!("redis://{locked}"), "NOAUTH"),
        (format!("redis://:wrong@{locked}"), "wrong user or password"),
    ] {
        let text = complaint(&[&source]);
        assert!(text.contains(says) && !text.contains("wrong@"), "{source}: {text}");
    }
    let source = format!("redis://:secret@{locked}/99");
    let output =
        ackline(&["import", &source, "--to", &format!("redis://:secret@{locked}")]).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("no database 99"));
}

#[test]
fn a_source_that_is_loading_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            while let Ok(1..) = socket.read(&mut buffer) {
                let commands = buffer.iter().filter(|byte| **byte == b'*').count();
                buffer.fill(0);
                let reply = "-LOADING The dataset is being loaded\r\n".repeat(commands);
                socket.write_all(reply.as_bytes()).unwrap();
            }
        }
    });
    let text = complaint(&[&format!("redis://{address}")]);
    assert!(text.contains("LOADING"), "{text}");
}
