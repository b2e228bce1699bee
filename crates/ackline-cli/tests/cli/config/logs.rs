//! Lines of the log.

use super::{Place, wait_until};

#[test]
fn json_is_an_object_a_line() {
    let place = Place::new();
    let log = place.path("log");
    let mut server =
        place.start(place.serve(&["--log-format", "json", "--logfile", &log, "--appendfsync", "no"]));
    server.stop();
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said = |text: &str| lines.iter().find(|line| line["msg"].as_str().unwrap().contains(text)).unwrap();
    let line = said("Ready to accept connections tcp");
    assert_eq!((&line["level"], &line["thread"]), (&"info".into(), &"main".into()));
    let time = line["time"].as_str().unwrap();
    assert!(time.len() == 24 && time.ends_with('Z') && time.as_bytes()[10] == b'T', "{time}");
    said("appendfsync no");
}

#[test]
fn the_level_changes_and_the_file_may_move() {
    let place = Place::new();
    let (log, moved) = (place.path("log"), place.path("log.1"));
    let words =
        ["--log-format", "logfmt", "--logfile", &log, "--activedefrag", "yes", "--hll-sparse-max-bytes", "1"];
    let server = place.start(place.serve(&words));
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let warning =
        "level=warn msg=\"accepted without effect: activedefrag, hll-sparse-max-bytes\" thread=main\n";
    assert!(read(&log).contains(warning), "{}", read(&log));
    std::fs::rename(&log, &moved).unwrap();
    server.run(&["CONFIG", "SET", "loglevel", "nothing", "maxmemory-policy", "allkeys-lru"]).unwrap();
    server.run(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]).unwrap();
    server.run(&["CONFIG", "SET", "loglevel", "notice"]).unwrap();
    server.run(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"]).unwrap();
    wait_until("a new file has the line", || read(&log).contains("allkeys-lfu: nothing is evicted"));
    assert!(!read(&log).contains("volatile-lru"), "{}", read(&log));
    assert!(read(&moved).contains("Ready to accept connections tcp"));
}
