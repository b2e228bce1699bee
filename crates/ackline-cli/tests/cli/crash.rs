//! SIGKILL under load: nothing that was acknowledged to a client is missing afterwards, nothing is there twice.
//!
//! `CRASH_ROUNDS` sets how often.

use crate::process::Server;
use redis::{Connection, RedisResult, cmd};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

type Entries = Vec<(String, Vec<String>)>;

/// What the server confirmed.
#[derive(Default)]
struct Confirmed {
    added: BTreeMap<String, String>,
    acknowledged: BTreeSet<String>,
}

fn produce(mut connection: Connection, name: &str) -> BTreeMap<String, String> {
    let mut added = BTreeMap::new();
    for n in 0.. {
        let value = format!("{name}-{n}");
        let id: RedisResult<String> =
            cmd("XADD").arg("s").arg("*").arg("v").arg(&value).query(&mut connection);
        match id {
            Ok(id) => drop(added.insert(id, value)),
            Err(_) => break,
        }
    }
    added
}

fn consume(mut connection: Connection, name: &str) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    loop {
        let read: RedisResult<Option<Vec<(String, Entries)>>> = cmd("XREADGROUP")
            .arg(&["GROUP", "g", name, "COUNT", "10", "BLOCK", "100", "STREAMS", "s", ">"])
            .query(&mut connection);
        let Ok(read) = read else { return acknowledged };
        for (id, _) in read.into_iter().flatten().flat_map(|(_, entries)| entries) {
            match cmd("XACK").arg("s").arg("g").arg(&id).query::<i64>(&mut connection) {
                Ok(count) => {
                    assert_eq!(count, 1, "{id} was delivered to one consumer");
                    assert!(acknowledged.insert(id));
                }
                Err(_) => return acknowledged,
            }
        }
    }
}

fn round(server: &mut Server, round: usize, confirmed: &mut Confirmed) {
    let connections: Vec<Connection> = (0..6).map(|_| server.connect(2)).collect();
    std::thread::scope(|scope| {
        let (mut writers, mut readers) = (Vec::new(), Vec::new());
        for (n, connection) in connections.into_iter().enumerate() {
            match n % 2 {
                0 => writers.push(scope.spawn(move || produce(connection, &format!("{round}-{n}")))),
                _ => readers.push(scope.spawn(move || consume(connection, &format!("c{n}")))),
            }
        }
        std::thread::sleep(Duration::from_millis(150 + 37 * (round as u64 % 7)));
        server.kill();
        writers.into_iter().for_each(|writer| confirmed.added.extend(writer.join().unwrap()));
        readers.into_iter().for_each(|reader| confirmed.acknowledged.extend(reader.join().unwrap()));
    });
}

fn check(connection: &mut Connection, confirmed: &Confirmed) {
    let entries: Entries = cmd("XRANGE").arg(&["s", "-", "+"]).query(connection).unwrap();
    let found: BTreeMap<&str, &str> = entries.iter().map(|(id, f)| (id.as_str(), f[1].as_str())).collect();
    let values: BTreeSet<&&str> = found.values().collect();
    assert_eq!(values.len(), entries.len(), "no message is there twice");
    for (id, value) in &confirmed.added {
        assert_eq!(found.get(id.as_str()), Some(&value.as_str()), "{id} was confirmed");
    }
    let pending: Vec<(String, String, i64, i64)> =
        cmd("XPENDING").arg(&["s", "g", "-", "+", "1000000"]).query(connection).unwrap();
    for (id, ..) in &pending {
        assert!(!confirmed.acknowledged.contains(id), "the acknowledgement of {id} was confirmed");
    }
}

#[test]
fn kill_under_load_loses_nothing() {
    let rounds = std::env::var("CRASH_ROUNDS").map_or(3, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    // Checkpoints all the time, so that some are killed. What the operating system has survives a kill in every mode.
    let args = |round: usize| {
        let mode = ["always", "everysec", "no"][round % 3];
        let common = ["--io-threads", "2", "--auto-aof-rewrite-min-size", "100kb"];
        [&common[..], &["--auto-aof-rewrite-percentage", "1", "--appendfsync", mode]].concat()
    };
    let mut server = Server::start(dir.path(), &args(0));
    let _: () =
        cmd("XGROUP").arg(&["CREATE", "s", "g", "0", "MKSTREAM"]).query(&mut server.connect(2)).unwrap();
    let mut confirmed = Confirmed::default();
    for n in 0..rounds {
        round(&mut server, n, &mut confirmed);
        server = Server::start(dir.path(), &args(n + 1));
        check(&mut server.connect(2), &confirmed);
    }
    assert!(!confirmed.added.is_empty() && !confirmed.acknowledged.is_empty());
    println!(
        "{rounds} rounds: {} added, {} acknowledged",
        confirmed.added.len(),
        confirmed.acknowledged.len()
    );
}

/// The newest segment of a log, and where its last byte that is not zero is.
fn tail(dir: &Path) -> (PathBuf, Vec<u8>, usize) {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let newest = files.filter(|path| path.extension().is_some_and(|ext| ext == "log")).max().unwrap();
    let bytes = std::fs::read(&newest).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    (newest, bytes, last)
}

fn written(dir: &Path) -> Entries {
    let mut server = Server::start(dir, &[]);
    let mut connection = server.connect(2);
    for n in 0..20 {
        let _: String = cmd("XADD").arg(&["s", "*", "v", &n.to_string()]).query(&mut connection).unwrap();
    }
    let entries = entries(&mut connection);
    server.kill();
    entries
}

fn entries(connection: &mut Connection) -> Entries {
    cmd("XRANGE").arg(&["s", "-", "+"]).query(connection).unwrap()
}

#[test]
fn a_cut_tail_gives_what_is_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let before = written(dir.path());
    let (newest, bytes, last) = tail(dir.path());
    std::fs::write(&newest, &bytes[..last - 2]).unwrap();
    let server = Server::start(dir.path(), &[]);
    assert_eq!(entries(&mut server.connect(2)), before[..19]);
}

#[test]
fn a_damaged_tail_is_refused_with_file_and_byte() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path());
    let (newest, mut bytes, last) = tail(dir.path());
    bytes[last - 2] ^= 1;
    std::fs::write(&newest, &bytes).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ackline"))
        .args(["serve", "--port", "0", "--unixsocket"])
        .arg(dir.path().join("socket"))
        .arg("--dir")
        .arg(dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(text.contains("is damaged at byte") && text.contains(".log"), "{text}");
}
