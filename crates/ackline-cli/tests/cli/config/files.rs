//! Files, the environment, the command line, and CONFIG REWRITE.

use super::{Place, ask, refusal};
use std::io::Write;
use std::process::Stdio;

#[test]
fn the_later_place_wins() {
    let place = Place::new();
    place.file("10.inc", "hz 11\ntimeout 100\n");
    place.file("20.inc", "hz 12\n");
    let file =
        place.file("main.conf", "include *.inc\ninclude none-*.inc\nslowlog-max-len 5\nmaxclients 50\n");
    let mut command = place.serve(&["--maxclients", "52"]);
    command.env("ACKLINE_CONFIG", &file).env("ACKLINE_SLOWLOG_MAX_LEN", "6").env("ACKLINE_MAXCLIENTS", "51");
    let server = place.start(command);
    let expected = [("hz", "12"), ("timeout", "100"), ("slowlog-max-len", "6"), ("maxclients", "52")];
    for (name, value) in expected {
        assert_eq!(server.parameter(name), value, "{name}");
    }
    assert!(server.text(&["INFO", "server"]).contains(&format!("config_file:{file}\r\n")));
}

#[test]
fn variables_that_nobody_reads_are_named() {
    let place = Place::new();
    let log = place.path("log");
    let mut command = place.serve(&["--appendonly", "no", "--logfile", &log]);
    command.env("ACKLINE_PROT", "1").env("ACKLINE_URL", "redis://here");
    let mut server = place.start(command);
    server.run(&["SET", "k", "v"]).unwrap();
    let info = server.text(&["INFO", "persistence"]);
    let lsn = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    assert_eq!(lsn("log_synced_lsn:"), lsn("log_last_lsn:"));
    server.stop();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("variables that are no directives: ACKLINE_PROT\n"), "{log}");
    // Without a log the last words promise nothing.
    assert!(log.ends_with("nothing was to be kept, bye\n"), "{log}");
}

#[test]
fn a_file_on_the_standard_input() {
    let place = Place::new();
    let mut command = place.serve(&["-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "hz 13").unwrap();
    let mut server = super::Running { child, port: place.port };
    super::wait_until("the server answers", || server.try_connect().is_some());
    assert_eq!(server.parameter("hz"), "13");
    let error = server.run(&["CONFIG", "REWRITE"]).unwrap_err().to_string();
    assert!(error.contains("The server is running without a config file"), "{error}");
    server.stop();
}

#[test]
fn what_is_refused_says_where_and_why() {
    let place = Place::new();
    let cases = [
        ("# x\nprot 5", "at line 2 of", ">>> 'prot 5'", "Bad directive or wrong number of arguments"),
        ("appendfsnyc no", "at line 1 of", ">>> 'appendfsnyc no'", "(did you mean 'appendfsync'?)"),
        ("requirepas pa55", "at line 1 of", ">>> 'requirepas (redacted)'", "(did you mean 'requirepass'?)"),
        ("hz x", "at line 1 of", ">>> 'hz x'", "argument couldn't be parsed into an integer"),
        ("requirepass \"pa55", "at line 1 of", ">>> 'requirepass (redacted)'", "Unbalanced quotes"),
        ("loadmodule m.so", "at line 1 of", ">>> 'loadmodule m.so'", "there are no modules"),
        ("replicaof 1.2.3.4 1", "at line 1 of", ">>> 'replicaof 1.2.3.4 1'", "there are no replicas"),
        ("cluster-enabled yes", "at line 1 of", ">>> 'cluster-enabled yes'", "there is no cluster"),
        ("rename-command NOSUCH x", "at line 1 of", ">>> 'rename-command NOSUCH x'", "No such command"),
        ("include main.conf", "at line 1 of", ">>> 'include main.conf'", "files include each other"),
        ("include no.conf", "Fatal error", "can't open config file 'no.conf'", "No such file or directory\n"),
    ];
    for (line, place_of, shown, reason) in cases {
        let file = place.file("main.conf", &format!("{line}\n"));
        let text = refusal(place.serve(&[&file]));
        assert!([place_of, shown, reason].iter().all(|part| text.contains(part)), "{line}: {text}");
        assert!(!text.contains("pa55"), "{text}");
    }
    let mut command = place.serve(&[]);
    command.env("ACKLINE_HZ", "many");
    let text = refusal(command);
    assert!(text.contains("Reading the environment\n>>> 'ACKLINE_HZ=many'\n"), "{text}");
    let text = refusal(place.serve(&["--nosuch", "1"]));
    assert!(text.contains("Reading the command line\n>>> '--nosuch 1'\n"), "{text}");
}

#[test]
fn a_value_may_be_taken_back() {
    let place = Place::new();
    let file = place.file("main.conf", "replicaof 1.2.3.4 6379\ncluster-enabled yes\n");
    let server = place.start(place.serve(&[&file, "--replicaof", "no", "one", "--cluster-enabled", "no"]));
    assert_eq!(server.parameter("cluster-enabled"), "no");
}

#[test]
fn a_rewritten_file_starts_the_same_server() {
    let place = Place::new();
    place.file("more.conf", "slowlog-max-len 77\n");
    let old = "# Our broker.\ninclude more.conf\n\nmaxmemory 100mb # not a comment\n";
    let file = place.file("main.conf", old);
    let text = refusal(place.serve(&[&file]));
    assert!(text.contains("wrong number of arguments"), "as Redis: {text}");
    let old = "# Our broker.\ninclude more.conf\n\n# Memory.\nmaxmemory 100mb\nsave 900 1\nTimeout 10\n\
               client-output-buffer-limit pubsub 1mb 2mb 3\nrename-command DEBUG \"\"\n";
    place.file("main.conf", old);
    let mut server = place.start(place.serve(&[&file, "--hz", "20"]));
    let mut connection = server.try_connect().unwrap();
    ask(&mut connection, &["CONFIG", "SET", "maxmemory", "200mb", "requirepass", "a \"b'"]).unwrap();
    ask(&mut connection, &["CONFIG", "REWRITE"]).unwrap();
    let before = ask(&mut connection, &["CONFIG", "GET", "*"]).unwrap();
    drop(connection);
    server.stop();
    let new = std::fs::read_to_string(&file).unwrap();
    let expected = old.replace("100mb", "200mb") + "# Generated by CONFIG REWRITE\n";
    assert!(new.starts_with(&expected), "{new}");
    let lines: Vec<&str> = new[expected.len()..].lines().collect();
    assert!(lines.contains(&"requirepass \"a \\\"b'\"") && lines.contains(&"hz 20"), "{new}");
    let mut command = place.serve(&[&file]);
    // Everything is in the file now.
    command.env_remove("ACKLINE_PORT").env_remove("ACKLINE_ADMIN_PORT");
    let server = place.start(command);
    let mut connection = server.try_connect().unwrap();
    ask(&mut connection, &["AUTH", "a \"b'"]).unwrap();
    assert_eq!(ask(&mut connection, &["CONFIG", "GET", "*"]).unwrap(), before);
}

#[test]
fn a_change_that_cannot_be_done_changes_nothing() {
    let place = Place::new();
    let server = place.start(place.serve(&[]));
    let error =
        server.run(&["CONFIG", "SET", "timeout", "9", "maxclients", "4000000000"]).unwrap_err().to_string();
    assert!(
        error.contains("The operating system is not able to handle the specified number of clients"),
        "{error}"
    );
    assert_eq!((server.parameter("timeout"), server.parameter("maxclients")), ("0".into(), "10000".into()));
    let error = server.run(&["CONFIG", "SET", "port", "1"]).unwrap_err().to_string();
    assert!(error.contains("possibly related to argument 'port') - can't set immutable config"), "{error}");
}

#[test]
fn renamed_commands() {
    let place = Place::new();
    let secret = "b840fc02d524045429941cc15f59e41cb7be6c52";
    let file =
        place.file("main.conf", &format!("rename-command FLUSHALL \"\"\nrename-command CONFIG {secret}\n"));
    let server = place.start(place.serve(&[&file]));
    for gone in ["FLUSHALL", "CONFIG"] {
        let error = server.run(&[gone, "GET", "hz"]).unwrap_err().to_string();
        assert!(error.contains(&format!("unknown command '{gone}'")), "{error}");
    }
    let pair: Vec<String> = redis::from_redis_value(server.run(&[secret, "GET", "hz"]).unwrap()).unwrap();
    assert_eq!(pair, ["hz", "10"]);
}

#[test]
fn secrets_are_shown_by_nothing_but_config_get() {
    let place = Place::new();
    let server = place.start(place.serve(&["--slowlog-log-slower-than", "0", "--masterauth", "pa55word"]));
    server.run(&["CONFIG", "SET", "slowlog-log-slower-than", "0", "masterauth", "pa55word"]).unwrap();
    assert_eq!(server.parameter("masterauth"), "pa55word");
    let log = format!("{:?}", server.run(&["SLOWLOG", "GET", "10"]).unwrap());
    assert!(log.contains("masterauth") && log.contains("(redacted)") && !log.contains("pa55word"), "{log}");
}

#[test]
fn users_are_written_with_the_rest() {
    let place = Place::new();
    let file = place.file("main.conf", "user ann on >pw ~a* +@all\nhz 20\n");
    let mut server = place.start(place.serve(&[&file]));
    server.run(&["ACL", "SETUSER", "bob", "on", ">b", "(+get ~x\"y)"]).unwrap();
    server.run(&["ACL", "DELUSER", "ann"]).unwrap();
    server.run(&["CONFIG", "REWRITE"]).unwrap();
    let before = server.run(&["ACL", "LIST"]).unwrap();
    server.stop();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("user bob on ") && text.contains("\nuser default on nopass "), "{text}");
    let server = place.start(place.serve(&[&file]));
    assert_eq!(server.run(&["ACL", "LIST"]).unwrap(), before);
    let text = refusal(place.serve(&["--user", "eve", "on", ">pa55", "nope"]));
    assert!(
        text.contains(">>> '--user (redacted)'\nError in user declaration 'eve': Syntax error"),
        "{text}"
    );
}
