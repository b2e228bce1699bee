//! Access control over the wire: what users may do, what follows when they change, and what is told about it.

use crate::abuse::{Raw, Target, encode, request, wait_for};
use crate::process::free_port;
use std::process::{Command, Stdio};

const NO_KEY: &str = "-NOPERM No permissions to access a key";
const NO_CHANNEL: &str = "-NOPERM No permissions to access a channel";
const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.";
const NOAUTH: &str = "-NOAUTH Authentication required.";

fn no_command(user: &str, command: &str) -> String {
    format!("-NOPERM User {user} has no permissions to run the '{command}' command")
}

/// A connection of a user who needs no password.
fn as_user(target: &Target, user: &str) -> Raw {
    let mut client = target.client();
    assert_eq!(client.ask(&format!("AUTH {user} any")), "+OK");
    client
}

fn set(admin: &mut Raw, rules: &str) {
    assert_eq!(admin.ask(&format!("ACL SETUSER {rules}")), "+OK");
}

#[test]
fn a_user_may_do_what_its_rules_say() {
    let target = Target::start();
    let mut admin = target.client();
    set(&mut admin, "u on nopass ~a* &c* -@all +get +set +xadd +publish +multi +exec +discard");
    let mut user = as_user(&target, "u");
    let cases = [
        ("SET a 1", "+OK"),
        ("GET b", NO_KEY),
        ("PUBLISH c1 m", ":0"),
        ("PUBLISH d m", NO_CHANNEL),
        ("DEL a", &no_command("u", "del")),
        ("ACL WHOAMI", &no_command("u", "acl|whoami")),
        ("NOSUCH", "-ERR unknown command 'NOSUCH'"),
        ("DEL", "-ERR wrong number of arguments for 'del' command"),
        ("HELLO 2 SETNAME x y", "-ERR Syntax error in HELLO option 'y'"),
    ];
    for (line, reply) in cases {
        assert_eq!(user.ask(line), reply, "{line}");
    }
    let queue = user.ask_each("MULTI | GET b | EXEC | MULTI | SET a 2 | PUBLISH c m");
    assert_eq!(queue[1..3], [NO_KEY, "-EXECABORT Transaction discarded because of previous errors."]);
    set(&mut admin, "u resetkeys ~b* -publish");
    let changed = "-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This \
                   command is no longer allowed for the following reason: no permission to";
    let expected =
        format!("[{changed} touch the specified keys {changed} execute the command or subcommand]");
    assert_eq!(user.ask("EXEC"), expected);
    assert_eq!(user.ask_each("MULTI | SET b 1"), ["+OK", "+QUEUED"]);
    set(&mut admin, "u -exec");
    let refused = no_command("u", "exec").replacen('-', "-EXECABORT Transaction discarded because of: ", 1);
    assert_eq!(user.ask_each("EXEC | MULTI"), [refused.as_str(), "+OK"]);
    assert_eq!(admin.ask_each("GET a | GET b"), ["1", "nil"]);
    set(&mut admin, "v on nopass ~* +@all");
    let mut own = as_user(&target, "v");
    own.ask_each("MULTI | SET b 1 | ACL SETUSER v -set | SET b 2");
    assert_eq!(own.ask("EXEC"), format!("[+OK +OK {changed} execute the command or subcommand]"));
    target.finish();
}

#[test]
fn commands_in_a_row_are_checked_one_by_one() {
    let target = Target::start();
    set(&mut target.client(), "u on nopass ~s -@all +xadd +xlen (~t +xlen)");
    let mut user = as_user(&target, "u");
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    for n in 1..=600 {
        bytes.extend(request(&format!("XADD s {n}-0 f v")));
        expected.push(format!("{n}-0"));
        let (line, reply) = match n % 5 {
            0 => ("XADD t 1-1 f v", NO_KEY.to_owned()),
            1 => ("XLEN t", ":0".to_owned()),
            2 => ("XDEL s 1-0", no_command("u", "xdel")),
            3 => ("XLEN s", format!(":{n}")),
            _ => continue,
        };
        bytes.extend(request(line));
        expected.push(reply);
    }
    user.send(&bytes);
    assert_eq!(user.replies(expected.len()), expected);
    target.finish();
}

#[test]
fn keys_named_like_options_are_keys() {
    let target = Target::start();
    set(&mut target.client(), "u on nopass ~mine +@all");
    let mut user = as_user(&target, "u");
    for line in [
        "XREAD STREAMS STREAMS 0",
        "XREAD COUNT 1 STREAMS mine STREAMS 0 0",
        "XREAD STREAMS STREAMS mine 0 0",
        "XREADGROUP GROUP g STREAMS STREAMS other >",
        "XREADGROUP GROUP STREAMS STREAMS STREAMS other >",
        "XREADGROUP GROUP STREAMS mine STREAMS other >",
        "XREADGROUP GROUP g c COUNT 1 NOACK STREAMS mine STREAMS > >",
        "XGROUP CREATE STREAMS mine $ MKSTREAM",
        "COPY mine other",
        "COPY other mine",
        "RENAME mine other",
        "MSET mine 1 STREAMS 2",
    ] {
        assert_eq!(user.ask(line), NO_KEY, "{line}");
    }
    // Here STREAMS is the name of a consumer and of a group.
    assert_eq!(user.ask("XGROUP CREATE mine STREAMS $ MKSTREAM"), "+OK");
    assert_eq!(user.ask("XREADGROUP GROUP STREAMS STREAMS STREAMS mine >"), "nil");
    target.finish();
}

#[test]
fn the_log_tells_what_was_refused() {
    let target = Target::start();
    let mut admin = target.client();
    set(&mut admin, "u on >secret ~a &c +get +publish +multi +client");
    let mut user = target.client();
    assert_eq!(user.ask_each("AUTH u wrong | AUTH none x | AuTh u wrong"), [WRONG, WRONG, WRONG]);
    assert_eq!(user.ask_each("AUTH u secret | CLIENT SETNAME me"), ["+OK", "+OK"]);
    user.ask_each("GET b | CONFIG GET x | PUBLISH d m | GET b | MULTI | GET b");
    assert_eq!(admin.ask("ACL LOG").matches("count").count(), 7);
    let newest = admin.ask("ACL LOG 1");
    let parts = [
        "[[count :1 reason key context multi object b username u age-seconds 0",
        " client-info id=",
        " name=me ",
        " cmd=get user=u ",
        " entry-id :6 timestamp-created :",
        " timestamp-last-updated :",
    ];
    parts.iter().for_each(|part| assert!(newest.contains(part), "{part}: {newest}"));
    let all = admin.ask("ACL LOG 99");
    for part in [
        "[count :2 reason key context toplevel object b username u ",
        "[count :1 reason channel context toplevel object d username u ",
        "[count :1 reason command context toplevel object config|get username u ",
        "[count :1 reason auth context toplevel object AuTh username u ",
        "[count :1 reason auth context toplevel object AUTH username none ",
    ] {
        assert!(all.contains(part), "{part}: {all}");
    }
    let stats = admin.ask("INFO stats");
    for line in ["auth:3", "cmd:1", "key:3", "channel:1"] {
        assert!(stats.contains(&format!("acl_access_denied_{line}\r\n")), "{line}: {stats}");
    }
    assert_eq!(admin.ask_each("ACL LOG 0 | ACL LOG -1 | ACL LOG RESET | ACL LOG"), ["[]", "[]", "+OK", "[]"]);
    assert_eq!(admin.ask("ACL LOG x"), "-ERR value is not an integer or out of range");
    admin.ask("HELLO 3");
    user.ask("GET c");
    assert!(
        admin
            .ask("ACL LOG")
            .contains("[{count :1 reason key context multi object c username u age-seconds ,0")
    );
    target.finish();
}

#[test]
fn the_password_of_the_default_user() {
    let target = Target::start();
    let mut old = target.client();
    let no_password = "-ERR AUTH <password> called without any password configured for the default user. Are you sure \
                       your configuration is correct?";
    assert_eq!(old.ask_each("AUTH x | AUTH default x"), [no_password, "+OK"]);
    assert_eq!(old.ask_each("CONFIG SET requirepass abc | PING"), ["+OK", "+PONG"]);
    let mut new = target.stranger();
    assert_eq!(new.ask_each("PING | AUTH wrong | AUTH abc | PING"), [NOAUTH, WRONG, "+OK", "+PONG"]);
    let mut third = target.stranger();
    set(&mut old, "default nopass");
    assert_eq!(third.ask("PING"), "+PONG");
    set(&mut old, "default >second >third");
    assert_eq!(third.ask_each("PING | AUTH third | PING"), [NOAUTH, "+OK", "+PONG"]);
    assert_eq!(third.ask_each("RESET | PING"), ["+RESET", NOAUTH]);
    assert!(third.ask("HELLO 3 AUTH default second").starts_with("{server redis "));
    assert_eq!(old.ask("CONFIG GET requirepass"), "[requirepass abc]");
    set(&mut old, "default off");
    assert_eq!(old.ask("PING"), "+PONG");
    assert_eq!(target.stranger().ask_each("PING | AUTH third"), [NOAUTH, WRONG]);
    set(&mut old, "default on nopass");
    assert_eq!(old.ask("CONFIG SET requirepass "), "+OK");
    target.finish();
}

#[test]
fn a_blocked_reader_that_may_not_read_any_more_gets_nothing() {
    let target = Target::start();
    let mut admin = target.client();
    set(&mut admin, "u on nopass ~s ~t +@all");
    assert_eq!(admin.ask("XGROUP CREATE s g $ MKSTREAM"), "+OK");
    let mut reader = as_user(&target, "u");
    reader.send(&request("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"));
    let mut other = as_user(&target, "u");
    other.send(&request("XREAD BLOCK 0 STREAMS t $"));
    wait_for(&mut admin, "clients", "blocked_clients:2\r");
    set(&mut admin, "u resetkeys ~t");
    assert_eq!(admin.ask("XADD s 1-1 f v"), "1-1");
    assert_eq!(reader.reply(), NO_KEY);
    reader.is_in_sync();
    assert_eq!(admin.ask("XPENDING s g"), "[:0 nil nil nil]");
    assert_eq!(admin.ask("XADD t 1-1 f v"), "1-1");
    assert_eq!(other.reply(), "[[t [[1-1 [f v]]]]]");
    // Who is removed while it waits is gone, and takes nothing with it.
    set(&mut admin, "u allkeys");
    reader.send(&request("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"));
    assert_eq!(reader.reply(), "[[s [[1-1 [f v]]]]]");
    reader.send(&request("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"));
    wait_for(&mut admin, "clients", "blocked_clients:1\r");
    assert_eq!(admin.ask_each("ACL DELUSER u | XADD s 2-2 f v"), [":1", "2-2"]);
    assert_eq!(reader.rest(), "");
    assert!(admin.ask("XPENDING s g").starts_with("[:1 1-1 1-1"));
    target.finish();
}

#[test]
fn connections_end_with_their_users() {
    let target = Target::with(&["--io-threads", "2"]);
    let mut admin = target.client();
    set(&mut admin, "u on nopass ~* &* +@all");
    let (mut first, mut second) = (as_user(&target, "u"), as_user(&target, "u"));
    assert!(admin.ask("CLIENT LIST").contains(" user=u "));
    assert_eq!(first.ask("ACL WHOAMI"), "u");
    // Who removes itself still gets its reply, but nothing that it asked behind it.
    first.send(&[request("ACL DELUSER u none"), request("PING")].concat());
    assert_eq!(first.rest(), ":1\r\n");
    assert_eq!(second.rest(), "");
    assert_eq!(admin.ask("ACL DELUSER u default"), "-ERR The 'default' user cannot be removed");
    set(&mut admin, "v on nopass ~* +@all");
    let mut third = as_user(&target, "v");
    set(&mut admin, "v off");
    assert_eq!(third.ask("PING"), "+PONG");
    assert_eq!(target.client().ask("AUTH v any"), WRONG);
    assert_eq!(admin.ask_each("CLIENT KILL USER w | CLIENT KILL USER v"), ["-ERR No such user 'w'", ":1"]);
    assert_eq!(third.rest(), "");
    target.finish();
}

#[test]
fn listeners_that_lose_their_channels_are_closed() {
    let target = Target::with(&["--io-threads", "2"]);
    let mut admin = target.client();
    set(&mut admin, "u on nopass ~* +@all &a &b*");
    let listen = |line: &str| {
        let mut client = as_user(&target, "u");
        let reply = client.ask(line);
        (client, reply)
    };
    for (line, reply) in [
        ("PSUBSCRIBE a*", NO_CHANNEL),
        ("SSUBSCRIBE c", NO_CHANNEL),
        ("SUBSCRIBE a c", NO_CHANNEL),
        ("SSUBSCRIBE bb", "[ssubscribe bb :1]"),
    ] {
        assert_eq!(listen(line).1, reply, "{line}");
    }
    let (mut a, mut b) = (listen("SUBSCRIBE a").0, listen("PSUBSCRIBE b*").0);
    set(&mut admin, "u &c");
    set(&mut admin, "u resetchannels &a");
    assert_eq!(b.rest(), "");
    assert_eq!(a.ask("PING"), "[pong ]");
    set(&mut admin, "u allchannels");
    assert_eq!(a.ask("PING"), "[pong ]");
    set(&mut admin, "u resetchannels &b");
    assert_eq!(a.rest(), "");
    target.finish();
}

#[test]
fn secrets_are_shown_to_nobody() {
    let target = Target::with(&["--slowlog-log-slower-than", "0"]);
    let (mut admin, mut monitor) = (target.client(), target.client());
    assert_eq!(monitor.ask("MONITOR"), "+OK");
    let lines = "AUTH hush-1 | AUTH u hush-2 | HELLO 2 AUTH u hush-3 SETNAME n | ACL SETUSER u >hush-4 | ACL GETUSER u | \
                 CONFIG SET requirepass hush-5 maxmemory 0";
    admin.ask_each(lines);
    assert_eq!(admin.ask("CONFIG SET requirepass "), "+OK");
    admin.ask("ECHO the-end");
    let mut seen = String::new();
    while !seen.contains("the-end") {
        seen += &monitor.reply();
    }
    assert!(seen.contains(r#""HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "n""#), "{seen}");
    let slow = admin.ask("SLOWLOG GET 100");
    for part in [
        "[AUTH (redacted)]",
        "[AUTH (redacted) (redacted)]",
        "[HELLO 2 AUTH (redacted) (redacted) SETNAME n]",
        "[ACL SETUSER (redacted) (redacted)]",
        "[ACL GETUSER (redacted)]",
        "[CONFIG SET requirepass (redacted) maxmemory 0]",
    ] {
        assert!(slow.contains(part), "{part}: {slow}");
    }
    let info = admin.ask("INFO everything") + &admin.ask("CLIENT LIST") + &admin.ask("ACL LOG");
    assert!(!(seen + &slow + &info).contains("hush"), "no secret");
    target.finish();
}

#[test]
fn users_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("users.acl");
    let put = |text: &str| std::fs::write(&path, text).unwrap();
    let file = path.to_str().unwrap();
    put("user x on nopass ~a +@all\nuser z on nopass &a &b +@all\nuser gone on nopass +@all\n");
    let target = Target::with(&["--aclfile", file]);
    let mut admin = target.client();
    let open = "user default on nopass sanitize-payload ~* &* +@all";
    let users = |admin: &mut Raw| admin.ask("ACL USERS");
    assert_eq!(users(&mut admin), "[default gone x z]");
    let (mut x, mut z, mut gone) = (as_user(&target, "x"), as_user(&target, "z"), as_user(&target, "gone"));
    assert_eq!(z.ask("SUBSCRIBE b"), "[subscribe b :1]");
    put("user x on nopass ~c +@all\nuser z on nopass &a +@all\n");
    assert_eq!(admin.ask("ACL LOAD"), "+OK");
    // Who is still a user goes on under the new rules, unless it listens to what it may not hear any more.
    assert_eq!(x.ask_each("GET a | GET c"), [NO_KEY, "nil"]);
    assert_eq!([z.rest(), gone.rest()], ["", ""]);
    put("user x on nopass ~d +@all\nuser k foo bar +nosuch\nzork\n");
    let errors = format!(
        "-ERR {file}:2: Syntax error. {file}:2: Error in applying operation '+nosuch': Unknown command or category name \
         in ACL. {file}:3 should start with user keyword followed by the username. WARNING: ACL errors detected, no \
         change to the previously active ACL rules was performed"
    );
    assert_eq!(admin.ask("ACL LOAD"), errors);
    assert_eq!(x.ask("GET c"), "nil");
    set(&mut admin, "x >secret (+get ~q)");
    assert_eq!(admin.ask("ACL SAVE"), "+OK");
    let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let saved = format!(
        "{open}\nuser x on sanitize-payload #{hash} ~c resetchannels +@all (~q resetchannels -@all +get)\nuser z on nopass \
         sanitize-payload resetchannels &a +@all\n"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), saved);
    assert_eq!(admin.ask("ACL LOAD"), "+OK");
    assert_eq!(x.ask("GET c"), "nil");
    std::fs::remove_file(&path).unwrap();
    let missing = format!("-ERR Error loading ACLs, opening file '{file}': No such file or directory");
    assert_eq!(admin.ask("ACL LOAD"), missing);
    std::fs::create_dir(&path).unwrap();
    let unsaved =
        "-ERR There was an error trying to save the ACLs. Please check the server logs for more information";
    assert_eq!(admin.ask("ACL SAVE"), unsaved);
}

#[test]
fn a_file_with_errors_keeps_the_server_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("users.acl");
    std::fs::write(&path, "user x on (+get\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ackline"))
        .args(["serve", "--port", &free_port().to_string(), "--dir"])
        .arg(dir.path().join("data"))
        .arg("--aclfile")
        .arg(&path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("users.acl:1: Unmatched parenthesis in selector definition."), "{said}");
    let target = Target::start();
    let no_file = "-ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the \
                   ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file \
                   set) in order to store users in the Redis configuration.";
    assert_eq!(target.client().ask_each("ACL LOAD | ACL SAVE"), [no_file, no_file]);
    target.finish();
}

#[test]
fn dangerous_commands_can_be_disabled() {
    let target = Target::start();
    let mut admin = target.client();
    assert_eq!(admin.ask("XADD s 1-1 f v"), "1-1");
    set(&mut admin, "app on nopass ~* &* +@all -@dangerous");
    set(&mut admin, "ops on nopass ~* &* +@all -flushall -debug -config|set");
    let mut app = as_user(&target, "app");
    for (line, command) in [
        ("FLUSHALL", "flushall"),
        ("DEBUG SLEEP 0", "debug"),
        ("CONFIG GET a", "config|get"),
        ("KEYS *", "keys"),
        ("ACL SETUSER app +@all", "acl|setuser"),
        ("SHUTDOWN NOSAVE", "shutdown"),
        ("CLIENT KILL 127.0.0.1:1", "client|kill"),
    ] {
        assert_eq!(app.ask(line), no_command("app", command));
    }
    assert_eq!(app.ask("XLEN s"), ":1");
    let mut ops = as_user(&target, "ops");
    assert_eq!(
        ops.ask_each("FLUSHALL | DEBUG SLEEP 0 | CONFIG SET hz 10"),
        [no_command("ops", "flushall"), no_command("ops", "debug"), no_command("ops", "config|set"),]
    );
    assert_eq!(ops.ask_each("CONFIG GET hz | XLEN s"), ["[hz 10]", ":1"]);
    target.finish();
}

#[test]
fn names_and_rules_with_control_characters_stay_in_their_place() {
    let target = Target::start();
    let mut admin = target.client();
    for name in [&b"a b"[..], b"a\nuser", b"a\0", b"a\tb"] {
        admin.send(&encode(&[b"ACL", b"SETUSER", name, b"on"]));
        assert_eq!(admin.reply(), "-ERR Usernames can't contain spaces or null characters");
    }
    for rule in [&b"~a\r\n+OK"[..], b"&a\nb", b"+select|a\nuser", b"(~a\r\n-ERR)", b"\r\n", b"+\0"] {
        admin.send(&encode(&[b"ACL", b"SETUSER", b"u", b"on", rule]));
        let reply = admin.reply();
        assert!(reply.starts_with("-ERR Error in ACL SETUSER modifier '"), "{reply}");
        admin.is_in_sync();
    }
    assert_eq!(admin.ask("ACL USERS"), "[default]");
    target.finish();
}
