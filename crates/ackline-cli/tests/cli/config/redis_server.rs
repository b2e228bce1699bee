//! The binary under the name of another.

use super::{Place, called, refusal};
use std::process::Command;

#[test]
fn the_words_that_suites_pass() {
    let place = Place::new();
    let (program, log) = (called(&place, "redis-server"), place.path("log"));
    let mut command = place.command(&program);
    command.env_remove("ACKLINE_PORT");
    command.args(["--save", "", "--logfile", &log, "--enable-debug-command", "yes", "--port"]);
    command.args([&place.port.to_string(), "--bind", "127.0.0.1"]);
    let mut server = place.start(command);
    assert_eq!(
        (server.parameter("enable-debug-command"), server.parameter("save")),
        ("yes".into(), String::new())
    );
    server.stop();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("Ready to accept connections tcp\n") && !log.contains('\u{1b}'), "{log}");
}

#[test]
fn a_file_then_words() {
    let place = Place::new();
    let program = called(&place, "valkey-server");
    let file = place.file("valkey.conf", "port 1\nappendonly no\nsave 60 1\nio-threads 2\n");
    let mut command = place.command(&program);
    command.args([&file, "--port", &place.port.to_string(), "--save", "--appendonly", "yes"]);
    let server = place.start(command);
    assert_eq!((server.parameter("save"), server.parameter("appendonly")), (String::new(), "yes".into()));
}

#[test]
fn words_that_start_no_server() {
    let place = Place::new();
    let program = called(&place, "redis-server");
    let said = |word: &str| {
        let output = Command::new(&program).arg(word).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let version = said("--version");
    assert!(
        version.starts_with("Redis server v=") && version.contains(" bits=64 build=ackline-"),
        "{version}"
    );
    assert_eq!(said("-v"), version);
    assert!(said("-h").starts_with("Usage: redis-server [/path/to/redis.conf] [options] [-]\n"));
    for (words, reason) in [
        (&["s.conf", "--sentinel"][..], "has no sentinel"),
        (&["--test-memory", "5"], "does not test memory"),
        (&["--check-system"], "depends on none of the settings"),
        (&["--nosuch"], "Bad directive or wrong number of arguments"),
    ] {
        let mut command = Command::new(&program);
        command.args(words);
        let text = refusal(command);
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn in_the_background() {
    let place = Place::new();
    let (program, pid) = (called(&place, "redis-server"), place.path("pid"));
    let mut command = place.command(&program);
    command.args(["--daemonize", "yes", "--pidfile", &pid, "--logfile", &place.path("log")]);
    assert!(command.status().unwrap().success(), "the command returns");
    let read = || std::fs::read_to_string(&pid).ok().and_then(|text| text.trim().parse::<u32>().ok());
    let mut process = None;
    super::wait_until("there is a process ID", || {
        process = read();
        process.is_some()
    });
    let process = process.unwrap().to_string();
    assert!(Command::new("kill").arg(&process).status().unwrap().success());
    super::wait_until("the file goes with the server", || !std::path::Path::new(&pid).exists());
    let log = std::fs::read_to_string(place.path("log")).unwrap();
    assert!(log.contains(&format!("process {process}")), "{log}");
}
