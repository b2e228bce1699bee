//! The verbs, as scripts and people call them.

use super::process::Server;
use redis::Connection;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A server with a stream of five entries, 1-1 to 5-1, and a group whose consumer ann has the first three.
struct Stage {
    server: Server,
    port: u16,
    dir: TempDir,
}

impl Stage {
    fn new() -> Stage {
        let dir = TempDir::new().unwrap();
        let server = Server::start(dir.path(), &[]);
        let stage = Stage { port: server.port, server, dir };
        for n in 1..=5 {
            stage.redis(&["XADD", "orders", &format!("{n}-1"), "item", "tea", "n", &n.to_string()]);
        }
        stage.redis(&["XGROUP", "CREATE", "orders", "shop", "0"]);
        stage.redis(&["XREADGROUP", "GROUP", "shop", "ann", "COUNT", "3", "STREAMS", "orders", ">"]);
        stage
    }

    fn redis(&self, words: &[&str]) -> redis::Value {
        let mut connection: Connection = self.server.connect(2);
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).unwrap()
    }

    fn run(&self, words: &[&str]) -> Output {
        output(self.command(words).stdin(Stdio::null()))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = ackline(words);
        command.env("ACKLINE_URL", format!("redis://127.0.0.1:{}", self.port));
        command
    }

    /// What is printed if it goes well.
    fn text(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.text(&[words, &["-o", "json"]].concat())).unwrap()
    }

    /// The exit code, and what is said on stderr.
    fn fails(&self, words: &[&str]) -> (i32, String) {
        let output = self.run(words);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    }

    /// IDs and owners of what is pending; nobody is null.
    fn pending(&self) -> Vec<(String, Value)> {
        let found = self.json(&["pending", "ls", "orders", "shop"]);
        let one = |one: &Value| (one["id"].as_str().unwrap().to_owned(), one["consumer"].clone());
        found.as_array().unwrap().iter().map(one).collect()
    }
}

fn ackline(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
    command.args(words).env_remove("REDIS_URL").env_remove("REDISCLI_AUTH").env_remove("ACKLINE_URL");
    command
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn owned(all: &[(&str, &str)]) -> Vec<(String, Value)> {
    let one = |(id, consumer): &(&str, &str)| match *consumer {
        "" => ((*id).to_owned(), Value::Null),
        name => ((*id).to_owned(), name.into()),
    };
    all.iter().map(one).collect()
}

#[test]
fn streams_are_listed_and_described() {
    let stage = Stage::new();
    let table = stage.text(&["streams", "ls"]);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_ascii_whitespace().collect()).collect();
    assert_eq!(lines[0][..3], ["NAME", "LENGTH", "MEMORY"]);
    assert_eq!(lines[1][..2], ["orders", "5"]);
    let rows = stage.json(&["streams", "ls", "ord*"]);
    let row = &rows[0];
    assert_eq!(
        (&row["name"], &row["length"], &row["pending"], &row["lag"]),
        (&"orders".into(), &5.into(), &3.into(), &2.into())
    );
    assert_eq!(stage.json(&["streams", "ls", "no*"]), serde_json::json!([]));
    assert_eq!(stage.text(&["streams", "ls", "no*"]), "There are no streams here.\n");
    let info = stage.json(&["streams", "info", "orders"]);
    assert_eq!((&info["first_id"], &info["last_id"]), (&"1-1".into(), &"5-1".into()));
    assert_eq!(info["group_list"][0]["name"], "shop");
    let (code, words) = stage.fails(&["streams", "info", "nothing"]);
    assert_eq!(code, 1);
    assert!(words.starts_with("ackline: ERR no such key\n  `ackline streams ls`"), "{words}");
}

#[test]
fn the_end_of_a_stream_is_shown_and_filtered() {
    let stage = Stage::new();
    assert_eq!(
        stage.text(&["streams", "tail", "orders", "-c", "2"]),
        "4-1  item=tea n=4\n5-1  item=tea n=5\n"
    );
    assert_eq!(stage.text(&["streams", "tail", "orders", "--field", "n=2"]), "2-1  item=tea n=2\n");
    assert_eq!(stage.text(&["streams", "tail", "orders", "--grep", "te", "-c", "1"]), "5-1  item=tea n=5\n");
    assert_eq!(stage.text(&["streams", "tail", "orders", "--from", "4-1"]), "5-1  item=tea n=5\n");
    let entries = stage.json(&["streams", "tail", "orders", "-c", "1"]);
    assert_eq!(entries, serde_json::json!([{"id": "5-1", "at": 5, "fields": [["item", "tea"], ["n", "5"]]}]));
    assert_eq!(stage.fails(&["streams", "tail", "orders", "--field", "n"]).0, 2);
}

#[test]
fn a_stream_is_followed() {
    let stage = Stage::new();
    let mut child = stage
        .command(&[
            "streams", "tail", "orders", "-f", "-c", "1", "--field", "n=7", "-o", "ndjson", "--from", "5-1",
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for n in [6, 7] {
        stage.redis(&["XADD", "orders", &format!("{n}-1"), "n", &n.to_string()]);
    }
    let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(line["id"], "7-1");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_stream_is_followed_over_a_restart_of_the_server() {
    let mut stage = Stage::new();
    let mut child = stage
        .command(&["streams", "tail", "orders", "-f", "-c", "1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "5-1  item=tea n=5");
    stage.server.kill();
    let mut words = BufReader::new(child.stderr.take().unwrap()).lines();
    let word = words.next().unwrap().unwrap();
    assert!(word.starts_with("ackline: ") && word.ends_with("; trying again"), "{word}");
    stage.server.start_again(stage.dir.path());
    stage.redis(&["XADD", "orders", "6-1", "n", "6"]);
    assert_eq!(lines.next().unwrap().unwrap(), "6-1  n=6");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn entries_are_added_by_words_from_others_and_from_files() {
    let stage = Stage::new();
    assert_eq!(stage.text(&["streams", "add", "orders", "a=b=c", "--id", "9-1"]), "9-1\n");
    let added =
        stage.json(&["streams", "add", "orders", "a=d", "e=f", "--from-entry", "9-1", "--maxlen", "1000"]);
    assert_eq!((&added["affected"], added["ids"].as_array().unwrap().len()), (&1.into(), 1));
    assert!(stage.text(&["streams", "tail", "orders", "-c", "1"]).ends_with("  a=d e=f\n"));
    let (code, words) = stage.fails(&["streams", "add", "orders", "word"]);
    assert_eq!((code, words.as_str()), (2, "ackline: word: expected FIELD=VALUE\n"));

    let lines = stage.text(&["streams", "tail", "orders", "--from", "0", "-o", "ndjson"]);
    let mut child = stage
        .command(&["streams", "add", "copy", "--file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(lines.as_bytes()).unwrap();
    input.write_all(b"{\"bin\":{\"base64\":\"/wA=\"}}").unwrap();
    drop(input);
    assert_eq!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap(), "8 entries added\n");
    let last = stage.json(&["streams", "tail", "copy", "-c", "1"]);
    assert_eq!(last[0]["fields"], serde_json::json!([["bin", {"base64": "/wA="}]]));
    let nothing =
        stage.command(&["streams", "add", "copy", "--file", "-"]).stdin(Stdio::null()).output().unwrap();
    assert!(nothing.status.success());
    // In a table bytes are escaped.
    assert!(stage.text(&["streams", "tail", "copy", "-c", "1"]).ends_with("  bin=\\xff\\x00\n"));
}

#[test]
fn streams_are_trimmed_and_deleted() {
    let stage = Stage::new();
    let dry = stage.text(&["streams", "trim", "orders", "--maxlen", "3", "--exact", "--dry-run"]);
    assert_eq!(dry, "XTRIM orders MAXLEN = 3\ndry run: 2 entries would be deleted, nothing was changed\n");
    assert_eq!(
        stage.text(&["streams", "trim", "orders", "--minid", "3-1", "--exact"]),
        "2 entries deleted\n"
    );
    // Ann has still got the third one.
    assert_eq!(
        stage.text(&["streams", "trim", "orders", "--maxlen", "0", "--exact", "--acked"]),
        "0 of 3 entries deleted\n"
    );
    assert_eq!(stage.fails(&["streams", "trim", "orders"]).0, 2);
    // More than the 10,000 that one command without = deletes.
    let mut connection: Connection = stage.server.connect(2);
    let mut pipe = redis::pipe();
    (0..20_500).for_each(|_| _ = pipe.cmd("XADD").arg(&["orders", "*", "a", "b"]).ignore());
    pipe.query::<()>(&mut connection).unwrap();
    let trimmed = stage.text(&["streams", "trim", "orders", "--maxlen", "100"]);
    assert!(trimmed.ends_with(" of 20,403 entries deleted\n"), "{trimmed}");
    let redis::Value::Int(left) = stage.redis(&["XLEN", "orders"]) else { panic!("a number") };
    assert!((100..200).contains(&left), "{left} are left");
    assert_eq!(stage.text(&["streams", "rm", "orders"]), "1 stream deleted\n");
    assert_eq!(stage.fails(&["streams", "rm", "orders"]).0, 1);
}

#[test]
fn groups_are_made_moved_and_deleted() {
    let stage = Stage::new();
    assert_eq!(stage.text(&["groups", "create", "orders", "audit", "--id", "0"]), "1 group created\n");
    let (code, words) = stage.fails(&["groups", "create", "orders", "audit"]);
    assert!(code == 1 && words.contains("BUSYGROUP") && words.contains("groups reset"), "{words}");
    let lag = |stage: &Stage| stage.json(&["groups", "ls", "orders"])[0]["lag"].clone();
    assert_eq!(lag(&stage), 5);
    let dry = stage.text(&["groups", "reset", "orders", "audit", "--to", "end", "--dry-run"]);
    assert_eq!(dry, "XGROUP SETID orders audit $\ndry run: 1 group would be put to $, nothing was changed\n");
    assert_eq!(stage.text(&["groups", "reset", "orders", "audit", "--to", "end"]), "1 group put to $\n");
    assert_eq!(lag(&stage), 0);
    // All entries were added in the first ms of 1970.
    let done = stage.json(&["groups", "reset", "orders", "audit", "--to", "1970-01-02"]);
    assert_eq!(done["id"], "86399999-18446744073709551615");
    assert_eq!(stage.fails(&["groups", "reset", "orders", "audit", "--to", "soon"]).0, 2);
    let info = stage.json(&["groups", "info", "orders", "shop"]);
    assert_eq!((&info["pending"], &info["consumer_list"][0]["name"]), (&3.into(), &"ann".into()));
    assert_eq!(stage.text(&["groups", "rm", "orders", "audit"]), "1 group deleted\n");
    assert_eq!(stage.fails(&["groups", "rm", "orders", "audit"]).0, 1);
}

#[test]
fn consumers_give_back_what_they_hold() {
    let stage = Stage::new();
    let row = &stage.json(&["consumers", "ls", "orders", "shop"])[0];
    assert_eq!((&row["name"], &row["pending"]), (&"ann".into(), &3.into()));
    let (code, words) = stage.fails(&["consumers", "rm", "orders", "shop", "ann"]);
    assert!(code == 1 && words.contains("holds 3 pending entries"), "{words}");
    let output = stage.run(&["consumers", "rm", "orders", "shop", "ann", "--release", "-v"]);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "> XNACK orders shop SILENT IDS 3 1-1 2-1 3-1\n> XGROUP DELCONSUMER orders shop ann\n"
    );
    assert_eq!(stage.pending(), owned(&[("1-1", ""), ("2-1", ""), ("3-1", "")]));
    stage.text(&["pending", "claim", "orders", "shop", "--all", "--to", "bob"]);
    assert_eq!(stage.text(&["consumers", "release", "orders", "shop", "bob"]), "3 entries released\n");
    stage.text(&["pending", "claim", "orders", "shop", "1-1", "--to", "bob"]);
    assert_eq!(stage.json(&["consumers", "rm", "orders", "shop", "bob", "--force"])["forgotten"], 1);
    assert_eq!(stage.pending(), owned(&[("2-1", ""), ("3-1", "")]));
    assert_eq!(stage.fails(&["consumers", "rm", "orders", "shop", "nobody"]).0, 1);
}

#[test]
fn pending_entries_are_chosen_and_settled() {
    let stage = Stage::new();
    let listed = stage.json(&["pending", "ls", "orders", "shop", "--payload", "--from", "2-1", "-c", "1"]);
    assert_eq!(listed[0]["fields"], serde_json::json!([["item", "tea"], ["n", "2"]]));
    assert_eq!(stage.json(&["pending", "ls", "orders", "shop", "--consumer", "bob"]), serde_json::json!([]));
    assert_eq!(stage.json(&["pending", "ls", "orders", "shop", "--min-idle", "1h"]), serde_json::json!([]));
    assert_eq!(
        stage.json(&["pending", "ls", "orders", "shop", "--min-deliveries", "2"]),
        serde_json::json!([])
    );

    for wrong in
        [&["pending", "ack", "orders", "shop"][..], &["pending", "ack", "orders", "shop", "1-1", "--all"]]
    {
        assert_eq!(stage.fails(wrong).0, 2);
    }
    let dry = stage.json(&["pending", "ack", "orders", "shop", "--until", "2-1", "--dry-run"]);
    assert_eq!(
        (&dry["matched"], &dry["affected"], &dry["commands"][0]),
        (&2.into(), &0.into(), &"XACK orders shop 1-1 2-1".into())
    );
    assert_eq!(stage.text(&["pending", "ack", "orders", "shop", "1-1", "4-1"]), "1 entry acknowledged\n");
    assert_eq!(
        stage.text(&["pending", "nack", "orders", "shop", "2-1", "--mode", "fatal"]),
        "1 entry given back\n"
    );
    let table = stage.text(&["pending", "ls", "orders", "shop"]);
    assert!(table.lines().nth(1).unwrap().ends_with("FATAL"), "{table}");
    assert_eq!(stage.json(&["pending", "ls", "orders", "shop"])[0]["deliveries"], i64::MAX);
    assert_eq!(
        stage.text(&["pending", "claim", "orders", "shop", "--consumer", "ann", "--to", "bob"]),
        "1 entry claimed\n"
    );
    assert_eq!(stage.pending(), owned(&[("2-1", ""), ("3-1", "bob")]));
    let (code, words) = stage.fails(&["pending", "ls", "orders", "none"]);
    assert!(code == 1 && words.contains("NOGROUP") && words.contains("groups create"), "{words}");
}

#[test]
fn what_is_buried_is_sent_back() {
    let stage = Stage::new();
    assert_eq!(stage.text(&["dead", "ls"]), "There are no dead letters.\n");
    assert_eq!(
        stage.text(&["pending", "bury", "orders", "shop", "--consumer", "ann", "--error", "no tea"]),
        "3 entries buried\n"
    );
    assert!(stage.pending().is_empty());
    let streams = stage.json(&["dead", "ls"]);
    assert_eq!(
        (&streams[0]["name"], &streams[0]["length"], &streams[0]["reasons"][0]),
        (&"orders:dead".into(), &3.into(), &"rejected:3".into())
    );
    let letters = stage.json(&["dead", "ls", "orders"]);
    let first = &letters[0];
    assert_eq!(
        (&first["error"], &first["stream"], &first["consumer"]),
        (&"no tea".into(), &"orders".into(), &"ann".into())
    );
    assert_eq!((&first["original_id"], &first["deliveries"]), (&"1-1".into(), &1.into()));
    let id = first["id"].as_str().unwrap();
    let shown = stage.json(&["dead", "show", "orders:dead", id]);
    assert_eq!(shown["fields"], serde_json::json!([["item", "tea"], ["n", "1"]]));

    let dry = stage.text(&["dead", "redrive", "orders", "--all", "--limit", "1", "--dry-run"]);
    assert!(
        dry.contains("XADD orders * item tea n 1\n")
            && dry.contains("dry run: 1 dead letter would be sent back"),
        "{dry}"
    );
    assert_eq!(
        stage.text(&["dead", "redrive", "orders", "--all", "--limit", "1"]),
        "1 dead letter sent back\n"
    );
    assert!(stage.text(&["streams", "tail", "orders", "-c", "1"]).ends_with("  item=tea n=1\n"));
    // What cannot be added there stays here.
    stage.redis(&["SET", "text", "x"]);
    assert_eq!(stage.fails(&["dead", "redrive", "orders", "--all", "--to", "text"]).0, 1);
    assert_eq!(stage.json(&["dead", "ls", "orders"]).as_array().unwrap().len(), 2);
    // Back to themselves: what comes in meanwhile is not sent back once more.
    assert_eq!(
        stage.text(&["dead", "redrive", "orders", "--all", "--to", "orders:dead"]),
        "2 dead letters sent back\n"
    );
    assert_eq!(stage.text(&["dead", "drop", "orders", "--all"]), "2 dead letters dropped\n");
}

#[test]
fn the_doctor_says_by_its_exit_code_how_bad_it_is() {
    let stage = Stage::new();
    let codes = |words: &[&str]| stage.run(words).status.code().unwrap();
    // Ann reads, and others wait.
    assert_eq!(codes(&["doctor", "orders", "shop"]), 0);
    assert_eq!(codes(&["doctor", "orders", "shop", "--deliveries", "1"]), 1);
    assert_eq!(codes(&["doctor", "orders", "shop", "--silent", "0"]), 2);
    assert_eq!(codes(&["doctor", "nothing"]), 3);
    assert_eq!(codes(&["doctor", "orders", "nobody"]), 3);
    let found = stage.run(&["doctor", "--silent", "0", "-o", "json"]);
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!((&found[0]["stream"], &found[0]["health"]), (&"orders".into(), &"stuck".into()));
    assert_eq!(found[0]["findings"][0]["kind"], "nobody_reads");
    assert_eq!(found[0]["findings"][0]["commands"][0], "XINFO CONSUMERS orders shop");

    stage.redis(&["XDEL", "orders", "1-1", "2-1", "3-1"]);
    let text = stage.run(&["doctor", "orders"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("3 entries were deleted from the stream while pending"), "{text}");
    assert!(text.contains("XACK orders shop 1-1 2-1 3-1\n"), "{text}");
}

#[test]
fn rates_are_known_if_one_looks_twice() {
    let stage = Stage::new();
    let mut child = stage
        .command(&["doctor", "orders", "shop", "--over", "200ms", "-o", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Whenever it looks: there is more each time.
    while child.try_wait().unwrap().is_none() {
        stage.redis(&["XADD", "orders", "*", "f", "v"]);
    }
    let output = child.wait_with_output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &found[0]["findings"][0]["kind"]), (Some(1), &"falls_behind".into()));
}

#[test]
fn wrong_use_and_missing_servers_have_their_codes() {
    let nowhere = output(&mut ackline(&["streams", "ls", "-h", "127.0.0.1", "-p", "1"]));
    assert_eq!(nowhere.status.code(), Some(3));
    assert!(
        String::from_utf8(nowhere.stderr).unwrap().starts_with("ackline: cannot connect to 127.0.0.1:1: ")
    );
    let secret = output(&mut ackline(&["streams", "ls", "-u", "http://:secret@x"]));
    let words = String::from_utf8(secret.stderr).unwrap();
    assert!(secret.status.code() == Some(2) && !words.contains("secret"), "{words}");
    assert_eq!(output(&mut ackline(&["streams", "fly"])).status.code(), Some(2));
    let top = output(ackline(&["top"]).stdin(Stdio::null()));
    assert!(String::from_utf8(top.stderr).unwrap().contains("needs a terminal"));
}

#[test]
fn who_stops_reading_is_no_failure() {
    let stage = Stage::new();
    for _ in 0..20 {
        stage.text(&["streams", "add", "big", &format!("f={}", "x".repeat(100_000))]);
    }
    let mut child = stage
        .command(&["streams", "tail", "big", "-c", "20"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0; 10]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn completions_and_man_pages_know_all_verbs() {
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(output(&mut ackline(&["completions", shell])).stdout).unwrap();
        for word in ["streams", "redrive", "serve", "min-idle"] {
            assert!(script.contains(word), "{shell} {word}");
        }
    }
    let dir = TempDir::new().unwrap();
    let pages = dir.path().join("share/man1");
    assert!(output(ackline(&["man"]).arg(&pages)).status.success());
    for page in ["ackline.1", "ackline-streams-tail.1", "ackline-dead-redrive.1", "ackline-bench.1"] {
        let text = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(".SH NAME"), "{page}");
    }
    assert!(String::from_utf8(output(&mut ackline(&["man"])).stdout).unwrap().contains(".SH SUBCOMMANDS"));
    let help = String::from_utf8(output(&mut ackline(&["pending", "claim", "--help"])).stdout).unwrap();
    assert!(help.contains("-h, --host <HOST>") && help.contains("--dry-run"), "{help}");
}

/// A server that does not know XNACK: ours, behind somebody who answers that for it.
fn without_xnack(port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut answers, mut back) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
            std::thread::spawn(move || forward(client, server));
        }
    });
    own
}

/// Requests come one at a time: each waits for its answer.
fn forward(mut client: TcpStream, mut server: TcpStream) {
    let mut chunk = [0; 64 * 1024];
    while let Ok(read @ 1..) = client.read(&mut chunk) {
        let (to, bytes): (&mut TcpStream, &[u8]) = match chunk[..read]
            .windows(5)
            .any(|window| window == b"XNACK")
        {
            true => (&mut client, b"-ERR unknown command 'XNACK', with args beginning with: 'orders' \r\n"),
            false => (&mut server, &chunk[..read]),
        };
        if to.write_all(bytes).is_err() {
            return;
        }
    }
}

#[test]
fn a_server_without_xnack_is_helped_by_xclaim() {
    let mut stage = Stage::new();
    stage.port = without_xnack(stage.port);
    let output = stage.run(&["pending", "nack", "orders", "shop", "1-1", "--mode", "silent", "-v"]);
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(words.contains("does not know XNACK"), "{words}");
    assert!(words.ends_with("> XCLAIM orders shop ann 0 1-1 IDLE 86400000 RETRYCOUNT 0 JUSTID\n"), "{words}");
    let one = &stage.json(&["pending", "ls", "orders", "shop"])[0];
    assert!(one["idle_ms"].as_i64().unwrap() >= 86_400_000 && one["deliveries"] == 0, "{one}");
    let dry = stage.text(&["pending", "nack", "orders", "shop", "2-1", "--dry-run"]);
    assert!(dry.starts_with("XCLAIM orders shop ann 0 2-1 IDLE 86400000 RETRYCOUNT 1 JUSTID\n"), "{dry}");

    assert_eq!(stage.fails(&["pending", "nack", "orders", "shop", "1-1", "--mode", "FATAL"]).0, 1);
    let (code, words) = stage.fails(&["consumers", "rm", "orders", "shop", "ann", "--release"]);
    assert!(code == 1 && words.contains("--to CONSUMER"), "{words}");
    assert_eq!(
        stage.text(&["consumers", "rm", "orders", "shop", "ann", "--release", "--to", "bob"]),
        "1 consumer removed\n"
    );
    assert_eq!(stage.pending(), owned(&[("1-1", "bob"), ("2-1", "bob"), ("3-1", "bob")]));
}

#[test]
fn many_groups_of_a_stream_are_not_listed_for_each_of_them() {
    let stage = Stage::new();
    for n in 0..40 {
        stage.redis(&["XGROUP", "CREATE", "orders", &format!("g{n}"), "$"]);
    }
    stage.redis(&["CONFIG", "RESETSTAT"]);
    assert_eq!(stage.json(&["doctor"]).as_array().unwrap().len(), 41);
    let text: String = redis::cmd("INFO").arg("commandstats").query(&mut stage.server.connect(2)).unwrap();
    let calls = text.lines().find_map(|line| line.strip_prefix("cmdstat_xinfo|groups:calls=")).unwrap();
    let calls: u32 = calls.split(',').next().unwrap().parse().unwrap();
    // The console of the server looks too, once a second.
    assert!(calls < 20, "{calls} times");
}
