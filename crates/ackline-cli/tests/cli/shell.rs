//! `ackline cli` and `ackline ping` as scripts use them.

use super::process::{Server, free_port};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

/// What a run printed, and how it ended.
#[derive(Debug, PartialEq)]
struct Said {
    out: String,
    err: String,
    status: i32,
}

impl Said {
    fn of(output: &Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said { out: text(&output.stdout), err: text(&output.stderr), status: output.status.code().unwrap() }
    }

    fn fine(out: &str) -> Said {
        Said { out: out.to_owned(), err: String::new(), status: 0 }
    }
}

fn ackline(args: &[&str], input: &[u8]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
    command.args(args);
    run(&mut command, input)
}

fn run(command: &mut Command, input: &[u8]) -> Said {
    for name in ["ACKLINE_URL", "REDIS_URL"] {
        if !command.get_envs().any(|(key, _)| key == name) {
            command.env_remove(name);
        }
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Whoever takes no input may have ended already.
    let _ = child.stdin.take().unwrap().write_all(input);
    Said::of(&child.wait_with_output().unwrap())
}

/// A server, and `ackline cli` on it.
struct Shell {
    server: Server,
    dir: tempfile::TempDir,
}

impl Shell {
    fn start() -> Shell {
        let dir = tempfile::tempdir().unwrap();
        Shell { server: Server::start(dir.path(), &[]), dir }
    }

    fn port(&self) -> String {
        self.server.port.to_string()
    }

    fn fed(&self, line: &str, input: &[u8]) -> Said {
        let port = self.port();
        let args: Vec<&str> = ["cli", "-p", &port].into_iter().chain(line.split_whitespace()).collect();
        ackline(&args, input)
    }

    fn run(&self, line: &str) -> Said {
        self.fed(line, b"")
    }
}

#[test]
fn one_command_is_printed_in_every_format() {
    let shell = Shell::start();
    assert_eq!(shell.run("XADD s 1-1 a 1"), Said::fine("1-1\n"));
    assert_eq!(shell.run("--no-raw XLEN s"), Said::fine("(integer) 1\n"));
    assert_eq!(
        shell.run("--no-raw XRANGE s - +"),
        Said::fine("1) 1) \"1-1\"\n   2) 1) \"a\"\n      2) \"1\"\n")
    );
    assert_eq!(shell.run("-d , XRANGE s - +"), Said::fine("1-1,a,1\n"));
    assert_eq!(shell.run("--csv XRANGE s - +"), Said::fine("\"1-1\",\"a\",\"1\"\n"));
    assert_eq!(shell.run("--json XREAD STREAMS s 0"), Said::fine("{\"s\":[[\"1-1\",[\"a\",\"1\"]]]}\n"));
    assert_eq!(shell.run("-2 --json XREAD STREAMS s 0"), Said::fine("[[\"s\",[[\"1-1\",[\"a\",\"1\"]]]]]\n"));
    let table = shell.run("--table XRANGE s - +").out;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((&rows[0], &rows[2]), (&vec!["id", "time", "a"], &vec!["1-1", "1"]));
    assert_eq!(shell.run("-r 3 PING"), Said::fine("PONG\nPONG\nPONG\n"));
    assert_eq!(shell.run("-n 1 -r 2 DBSIZE"), Said::fine("0\n0\n"));
}

#[test]
fn errors_end_as_in_redis_cli() {
    let shell = Shell::start();
    let unknown = "ERR unknown command 'nosuch'";
    assert_eq!(shell.run("nosuch"), Said::fine(&format!("{unknown}\n\n")));
    let strict = Said { out: String::new(), err: format!("{unknown}\n"), status: 1 };
    assert_eq!(shell.run("-e nosuch"), strict);
    let closed = free_port();
    let refused = format!("Could not connect to Redis at 127.0.0.1:{closed}: Connection refused\n");
    let port = closed.to_string();
    assert_eq!(
        ackline(&["cli", "-p", &port, "PING"], b""),
        Said { out: String::new(), err: refused.clone(), status: 1 }
    );
    assert_eq!(
        ackline(&["cli", "-p", &port, "--pipe"], b""),
        Said { out: String::new(), err: refused, status: 1 }
    );
    let wrong = ackline(&["cli", "--nosuch"], b"");
    assert_eq!(
        (wrong.err.lines().next(), wrong.status),
        (Some("Unrecognized option or bad number of args for: '--nosuch'"), 1)
    );
    let select = shell.run("-n 999 PING");
    assert_eq!(
        (select.out.as_str(), select.err.as_str()),
        ("PONG\n", "SELECT 999 failed: ERR DB index is out of range\n")
    );
}

#[test]
fn passwords_come_from_where_they_are_given() {
    let shell = Shell::start();
    assert_eq!(shell.run("CONFIG SET requirepass secret"), Said::fine("OK\n"));
    assert_eq!(shell.run("PING").out, "NOAUTH Authentication required.\n\n");
    let warned = shell.run("-a secret PING");
    assert_eq!((warned.out.as_str(), warned.err.lines().count()), ("PONG\n", 1));
    assert!(warned.err.starts_with("Warning: Using a password"));
    assert_eq!(shell.run("-a secret --no-auth-warning PING"), Said::fine("PONG\n"));
    let failed = shell.run("-a wrong --no-auth-warning PING");
    assert!(failed.err.starts_with("AUTH failed: WRONGPASS"), "{failed:?}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
    command.args(["cli", "-p", &shell.port(), "PING"]).env("REDISCLI_AUTH", "secret");
    assert_eq!(run(&mut command, b""), Said::fine("PONG\n"));
    let url = format!("redis://:secret@127.0.0.1:{}/3", shell.port());
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
    command.args(["cli", "SET", "k", "v"]).env("ACKLINE_URL", &url);
    assert_eq!(run(&mut command, b""), Said::fine("OK\n"));
    assert_eq!(ackline(&["cli", "--no-auth-warning", "-u", &url, "GET", "k"], b""), Said::fine("v\n"));
    assert_eq!(shell.run("-a secret --no-auth-warning GET k"), Said::fine("\n"));
    let asked = shell.fed("--askpass PING", b"secret\n");
    assert_eq!(asked.out, "PONG\n");
}

#[test]
fn lines_of_standard_input_are_commands() {
    let shell = Shell::start();
    let script = b"MULTI\nXADD jobs 1-1 a \"x y\"\nXLEN jobs\nEXEC\n\n2 PING\nnosuch\n\"open\nquit\nPING\n";
    let want =
        "OK\nQUEUED\nQUEUED\n1-1\n1\nPONG\nPONG\nERR unknown command 'nosuch'\n\nInvalid argument(s)\n";
    assert_eq!(shell.fed("", script), Said::fine(want));
    assert_eq!(shell.fed("-x SET k", b"from\0stdin"), Said::fine("OK\n"));
    assert_eq!(shell.run("--no-raw GET k"), Said::fine("\"from\\x00stdin\"\n"));
    assert_eq!(shell.fed("-X TAG SET TAG v", b"name"), Said::fine("OK\n"));
    assert_eq!(shell.run("GET name"), Said::fine("v\n"));
    assert_eq!(shell.run("--quoted-input ECHO \"a\\x41\""), Said::fine("aA\n"));
}

#[test]
fn mass_insertion_counts_replies() {
    let shell = Shell::start();
    // More than the buffers between the two hold, with replies as large as what is sent.
    let value = "v".repeat(1000);
    let mass: String = (0..20_000).map(|n| format!("ECHO {n}{value}\r\n")).collect();
    let done = shell.fed("--pipe", mass.as_bytes());
    let report = "All data transferred. Waiting for the last reply...\nLast reply received from server.\n";
    assert_eq!(done, Said::fine(&format!("{report}errors: 0, replies: 20000\n")));
    let bad = shell.fed("--pipe", b"SET a 1\r\nnosuch\r\nXADD a * b c\r\n");
    assert_eq!((bad.out.lines().last(), bad.status), (Some("errors: 2, replies: 3"), 1));
    assert_eq!(bad.err.lines().next(), Some("ERR unknown command 'nosuch'"));
    let silent = shell.fed("--pipe --pipe-timeout 1", b"BLPOP\r\nXREAD BLOCK 0 STREAMS none $\r\n");
    assert_eq!(silent.status, 1);
    assert!(silent.err.ends_with("No replies for 1 seconds: exiting.\n"), "{silent:?}");
}

#[test]
fn keys_are_walked_through() {
    let shell = Shell::start();
    for n in 0..30 {
        shell.run(&format!("SET key:{n} {n}"));
    }
    shell.run("XADD orders 1-1 a 1");
    let mut keys: Vec<String> = shell.run("--scan --count 7").out.lines().map(str::to_owned).collect();
    keys.sort();
    assert_eq!((keys.len(), keys[0].as_str(), keys[30].as_str()), (31, "key:0", "orders"));
    assert_eq!(shell.run("--scan --pattern ord*"), Said::fine("orders\n"));
    let big = shell.run("--bigkeys").out;
    assert!(big.contains("Sampled 31 keys in the keyspace!"), "{big}");
    assert!(big.contains("Biggest stream found \"orders\" has 1 entries"), "{big}");
    assert!(big.contains("30 strings with 50 bytes (96.77% of keys, avg size 1.67)"), "{big}");
    let latency = shell.run("--latency -i 0.05").out;
    assert_eq!(latency.split_whitespace().count(), 4, "{latency}");
}

#[test]
fn a_reply_of_many_megabytes_arrives() {
    let shell = Shell::start();
    let value = "x".repeat(30 << 20);
    assert_eq!(shell.fed("-x SET big", value.as_bytes()), Said::fine("OK\n"));
    assert_eq!(shell.run("GET big").out.len(), value.len() + 1);
}

#[test]
fn it_is_redis_cli_where_it_is_called_so() {
    let shell = Shell::start();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
    command.arg0("/usr/bin/redis-cli").args(["-p", &shell.port(), "--no-raw", "ECHO", "hi"]);
    assert_eq!(run(&mut command, b""), Said::fine("\"hi\"\n"));
    let version = ackline(&["cli", "--version"], b"");
    assert!(version.out.starts_with("redis-cli ") && version.status == 0, "{version:?}");
    assert!(ackline(&["cli", "--help"], b"").out.starts_with("Usage: ackline cli"));
}

#[test]
fn ping_says_whether_somebody_is_there() {
    let shell = Shell::start();
    assert_eq!(shell.run("CONFIG SET requirepass secret"), Said::fine("OK\n"));
    let port = shell.port();
    let url = format!("redis://:secret@127.0.0.1:{port}");
    assert_eq!(ackline(&["ping", "-u", &url], b""), Said::fine("PONG\n"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ackline"));
    command.arg("ping").env("ACKLINE_URL", &url);
    assert_eq!(run(&mut command, b""), Said::fine("PONG\n"));
    // A place on the command line wins, with whatever else the URL says.
    let refused = run(command.args(["-p", &port]), b"");
    assert!(refused.err.contains("does not answer: NOAUTH"), "{refused:?}");
    let refused = ackline(&["ping", "-h", "127.0.0.1", "-p", &port], b"");
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("does not answer: NOAUTH"), "{refused:?}");
    let nobody = ackline(&["ping", "-p", &free_port().to_string()], b"");
    assert!(nobody.status == 1 && nobody.err.contains("Connection refused"), "{nobody:?}");
    // Somebody who accepts, and never answers.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port().to_string();
    let silent = ackline(&["ping", "-p", &port, "-t", "0.2"], b"");
    assert!(silent.status == 1 && silent.err.contains("does not answer"), "{silent:?}");
    let socket = shell.dir.path().join("none");
    let missing = ackline(&["ping", "-s", socket.to_str().unwrap()], b"");
    assert!(missing.status == 1 && missing.err.contains("No such file"), "{missing:?}");
}
