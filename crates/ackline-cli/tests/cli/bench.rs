//! `ackline bench` against a server of one's own, and against ones that misbehave.

use crate::process::{Server, free_port};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};

/// A run of so many operations.
fn bench(port: u16, requests: u64, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
    command.arg("bench").args(args);
    command.args(["--port", &port.to_string(), "--requests", &requests.to_string(), "--json"]);
    if !args.contains(&"--warmup") {
        command.args(["--warmup", "0"]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The report of a run that went well.
fn measured(server: &Server, requests: u64, args: &[&str]) -> Value {
    let output = bench(server.port, requests, args).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{args:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {output:?}"))
}

fn start(more: &[&str]) -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &[&["--appendonly", "no"], more].concat());
    (dir, server)
}

/// Exactly what was asked for was done and timed, and this many entries were touched by it.
fn exactly(server: &Server, requests: u64, entries: u64, args: &[&str]) -> Value {
    let report = measured(server, requests, args);
    assert_eq!(report["operations"], requests, "{args:?}: {report}");
    assert_eq!(report["entries"], entries, "{args:?}: {report}");
    assert_eq!((&report["errors"], &report["first_error"]), (&Value::from(0), &Value::Null), "{args:?}");
    assert_eq!(report["server"]["name"], "ackline");
    let latency = |name: &str| report["latency_us"][name].as_f64().unwrap();
    assert!(latency("min") > 0.0 && latency("min") <= latency("p50") && latency("p50") <= latency("max"));
    report
}

fn keys(server: &Server) -> u64 {
    redis::cmd("DBSIZE").query(&mut server.connect(2)).unwrap()
}

fn ask<T: redis::FromRedisValue>(server: &Server, line: &str) -> T {
    let mut words = line.split(' ');
    let mut command = redis::cmd(words.next().unwrap());
    for word in words {
        command.arg(word);
    }
    command.query(&mut server.connect(2)).unwrap()
}

const SHAPES: &[&[&str]] = &[
    &["--connections", "1"],
    &["--connections", "3", "--pipeline", "7"],
    &["--connections", "5", "--pipeline", "16", "--threads", "2", "--streams", "3", "--groups", "2"],
];

#[test]
fn producers_and_cycles_do_exactly_what_was_asked_for() {
    let (_dir, server) = start(&[]);
    for shape in SHAPES {
        let with = |args: &[&'static str]| [args, shape].concat();
        exactly(&server, 101, 101, &with(&["xadd", "--fields", "2", "--maxlen", "10"]));
        let groups = if shape.contains(&"--groups") { 2 } else { 1 };
        exactly(&server, 101, 101 * groups, &with(&["cycle"]));
        exactly(&server, 101, 101 * groups, &with(&["cycle", "--count", "5"]));
    }
    assert_eq!(keys(&server), 0);
}

#[test]
fn pending_entries_are_settled_once_and_prepared_again() {
    let (_dir, server) = start(&[]);
    for shape in SHAPES {
        for order in ["sequential", "random"] {
            for work in ["ack", "nack"] {
                let args = [&[work, "--order", order, "--pending", "40"], *shape].concat();
                exactly(&server, 101, 101, &args);
            }
        }
    }
    // 40 in commands of 6: the seventh has four.
    exactly(&server, 14, 80, &["ack", "--pending", "40", "--ids", "6", "--pipeline", "3"]);
    exactly(&server, 14, 80, &["nack", "--pending", "40", "--ids", "6", "--pipeline", "3"]);
}

#[test]
fn claims_touch_what_they_say() {
    let (_dir, server) = start(&[]);
    let all = ["--pending", "40", "--count", "8", "--connections", "2"];
    let claim = |requests: u64, entries: u64, more: &[&str]| {
        exactly(&server, requests, entries, &[&["claim", "--kind"], more, &all].concat());
    };
    claim(10, 80, &["readgroup", "--pipeline", "3"]);
    claim(30, 30, &["xclaim"]);
    claim(30, 30, &["xclaim", "--justid", "--pipeline", "4"]);
    claim(30, 0, &["xclaim-idle", "--ids", "3"]);
    claim(30, 0, &["autoclaim-idle", "--pipeline", "4"]);
    // From the start to the end and on from the start, eight at a time.
    exactly(
        &server,
        10,
        80,
        &["claim", "--kind", "autoclaim-sweep", "--pending", "40", "--count", "8", "--connections", "1"],
    );
}

#[test]
fn readers_get_whole_pages() {
    let (_dir, server) = start(&[]);
    for shape in SHAPES {
        let with = |args: &[&'static str]| [args, shape].concat();
        exactly(&server, 50, 500, &with(&["range", "--entries", "40", "--count", "10"]));
        exactly(&server, 50, 500, &with(&["pending", "--kind", "range", "--entries", "40", "--count", "10"]));
        exactly(&server, 50, 0, &with(&["pending", "--kind", "idle", "--entries", "40"]));
        exactly(&server, 50, 0, &with(&["pending", "--kind", "summary", "--entries", "40"]));
    }
    // Replies that come in many reads.
    let long = [
        "range",
        "--entries",
        "40",
        "--count",
        "40",
        "--payload",
        "100000",
        "--connections",
        "2",
        "--pipeline",
        "3",
    ];
    exactly(&server, 12, 480, &long);
}

#[test]
fn every_reader_or_one_of_them_gets_an_entry() {
    let (_dir, server) = start(&["--io-threads", "2"]);
    exactly(&server, 50, 450, &["fanout", "--readers", "9"]);
    exactly(&server, 50, 50, &["fanout", "--readers", "9", "--mode", "group"]);
    // The readers are blocked when the measured time begins.
    exactly(&server, 20, 60, &["fanout", "--readers", "3", "--warmup", "0.05"]);
}

#[test]
fn a_warm_up_is_not_counted() {
    let (_dir, server) = start(&[]);
    exactly(&server, 20, 20, &["xadd", "--warmup", "0.05"]);
    // It uses up what was prepared.
    exactly(&server, 20, 20, &["ack", "--entries", "10", "--warmup", "0.05"]);
}

#[test]
fn keys_can_be_kept_and_others_are_left_alone() {
    let (_dir, server) = start(&[]);
    let _: () = redis::cmd("CONFIG")
        .arg(&["SET", "requirepass", "secret word"])
        .query(&mut server.connect(2))
        .unwrap();
    let url = format!("redis://:secret%20word@127.0.0.1:{}/1", server.port);
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
        command.args(["bench", "xadd", "--requests", "10", "--warmup", "0", "--url", &url]).args(args);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run(&["--keep", "--key-prefix", "mine"]);
    assert!(text.contains("xadd on ackline") && text.contains("operations   10 in"), "{text}");
    run(&[]);
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_connection().unwrap();
    let left: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
    assert_eq!(left, ["mine:xadd:0"]);
    assert_eq!(redis::cmd("XLEN").arg("mine:xadd:0").query(&mut connection), Ok(10));
}

#[test]
fn what_the_process_of_the_server_used_is_told() {
    let (_dir, server) = start(&[]);
    let info: String = ask(&server, "INFO server");
    let pid = info.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap();
    let report = exactly(&server, 1000, 1000, &["xadd", "--pid", pid, "--pipeline", "10"]);
    assert_eq!(report["server_cpu"]["pid"].to_string(), pid);
    assert!(report["server_cpu"]["us_per_operation"].is_number());
    assert!(report["server_memory"]["after_bytes"].as_u64() > Some(0));
    // Larger than any process ID that Linux gives.
    let output = bench(server.port, 1, &["xadd", "--pid", "4194305"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && error.contains("--pid 4194305: cannot read /proc/4194305/stat"),
        "{error}"
    );
}

#[test]
fn errors_are_counted_shown_and_no_success() {
    // Enough for what begins, not for what follows.
    let (_dir, server) = start(&[]);
    let used: u64 = ask::<String>(&server, "INFO memory")
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok())
        .unwrap();
    let _: () = ask(&server, &format!("CONFIG SET maxmemory {}", used + (20 << 20)));
    let output = bench(server.port, 1000, &["xadd", "--payload", "1000000"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (done, errors) = (report["operations"].as_u64().unwrap(), report["errors"].as_u64().unwrap());
    assert!(done > 0 && errors > 0 && done + errors == 1000, "{report}");
    assert!(report["first_error"].as_str().unwrap().starts_with("OOM"), "{report}");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("OOM"));
}

/// A server that answers INFO, and the rest as it is told: with a reply, or by hanging up.
fn impostor(answer: fn(&str) -> Option<&'static str>) -> u16 {
    let port = free_port();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.unwrap(), answer));
        }
    });
    port
}

fn serve(mut stream: TcpStream, answer: fn(&str) -> Option<&'static str>) {
    let mut input = [0; 4096];
    while let Ok(come @ 1..) = stream.read(&mut input) {
        let request = String::from_utf8_lossy(&input[..come]).into_owned();
        let reply =
            if request.contains("INFO") { Some("$19\r\nredis_version:8.6.3\r\n") } else { answer(&request) };
        match reply {
            Some(reply) if stream.write_all(reply.as_bytes()).is_ok() => {}
            _ => return,
        }
    }
}

fn complaint(output: Output) -> String {
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_server_that_does_not_know_the_command_is_told_of() {
    let port = impostor(|request| match request {
        add if add.contains("XADD") => Some("$3\r\n1-1\r\n"),
        read if read.contains("XREADGROUP") => Some("*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*0\r\n"),
        nack if nack.contains("XNACK") => Some("-ERR unknown command 'XNACK'\r\n"),
        _ => Some(":1\r\n"),
    });
    let args = ["nack", "--entries", "1", "--connections", "1"];
    let error = complaint(bench(port, 10, &args).output().unwrap());
    assert!(
        error.contains("does not know a command of this workload: ERR unknown command 'XNACK'"),
        "{error}"
    );
}

#[test]
fn a_lost_connection_ends_the_run() {
    let port = impostor(|request| (!request.contains("XADD")).then_some(":1\r\n"));
    let error = complaint(bench(port, 10, &["xadd", "--threads", "3"]).output().unwrap());
    assert!(error.contains("was lost"), "{error}");
    let error = complaint(bench(free_port(), 10, &["xadd"]).output().unwrap());
    assert!(error.contains("cannot connect to 127.0.0.1:"), "{error}");
}

#[test]
fn a_killed_server_ends_the_run() {
    let (_dir, mut server) = start(&[]);
    let run =
        bench(server.port, u64::MAX, &["cycle", "--connections", "4", "--threads", "2"]).spawn().unwrap();
    while keys(&server) == 0 || ask::<u64>(&server, "XLEN ackline-bench:cycle:0") < 100 {
        std::thread::yield_now();
    }
    server.kill();
    let error = complaint(run.wait_with_output().unwrap());
    assert!(error.contains("was lost"), "{error}");
}

#[test]
fn what_is_no_reply_ends_the_run() {
    let port = impostor(|request| Some(if request.contains("XADD") { "HTTP/1.1 400\r\n" } else { ":1\r\n" }));
    let error = complaint(bench(port, 10, &["xadd"]).output().unwrap());
    assert!(error.contains("no reply of RESP2: unexpected 'H'"), "{error}");
}

#[test]
fn the_help_tells_what_is_measured() {
    let output = Command::new(env!("CARGO_BIN_EXE_ackline")).args(["bench", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in ["The measured time begins with", "autoclaim-sweep --entries", "The JSON object of --json:"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn everything_has_limits() {
    let refused = |args: &[&str], why: &str| {
        let output = bench(1, 1, args).output().unwrap();
        let error = complaint(output);
        assert!(error.contains(why), "{args:?}: {error}");
    };
    refused(&["xadd", "--connections", "10001"], "1..=10000");
    refused(&["xadd", "--connections", "0"], "1..=10000");
    refused(&["xadd", "--pipeline", "10001"], "1..=10000");
    refused(&["xadd", "--payload", "67108865"], "0..=67108864");
    refused(&["xadd", "--pipeline", "1000", "--payload", "67108864"], "at most 1073741824");
    refused(&["xadd", "--threads", "3", "--connections", "2"], "3 threads for 2 connections");
    refused(&["xadd", "--duration", "0"], "--duration 0 measures nothing");
    refused(&["fanout", "--pipeline", "2"], "--pipeline has to be 1");
    refused(&["claim"], "--kind");
    refused(&["dance"], "unrecognized subcommand 'dance'");
}
