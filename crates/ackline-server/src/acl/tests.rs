//! Rules as a whole: what is shown makes the same user, whatever was given; and what is allowed.

use super::*;
use ackline_engine::OwnedArgs;
use proptest::prelude::*;

fn user(rules: &str) -> User {
    let mut user = User::new(b"u", 1, false);
    let rules = merge_selectors(rules.split(' ').map(str::as_bytes)).expect("balanced");
    rules.iter().for_each(|rule| user.apply(rule, false).expect("a rule"));
    user
}

fn described(user: &User) -> String {
    String::from_utf8(user.describe()).expect("text")
}

/// What happens to a call: `ok`, or what is refused.
fn verdict(user: &User, line: &str) -> String {
    let owned = OwnedArgs::collect(line.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    let args = owned.as_args();
    let joined = line.split(' ').take(2).collect::<Vec<_>>().join("|");
    let catalog = &catalog::CATALOG;
    let found = catalog.find(joined.as_bytes()).or_else(|| catalog.find(args.at(0)));
    let (_, spec) = found.expect("a command");
    match user.check(Call::new(spec, args)) {
        Ok(()) => "ok".to_owned(),
        Err(Denied::Command) => "command".to_owned(),
        Err(Denied::Key(_, name) | Denied::Channel(_, name)) => String::from_utf8_lossy(name).into_owned(),
    }
}

#[test]
fn rules_are_shown_as_redis_shows_them() {
    let cases = [
        ("", "off sanitize-payload resetchannels -@all"),
        (
            "on nopass allkeys +@read +xinfo|stream -xinfo +xinfo +config|get -config|set +CLIENT|ID (+get ~x) (%W~q \
             +@write)",
            "on nopass sanitize-payload ~* resetchannels -@all +@read +xinfo +config|get -config|set +client|id (~x \
             resetchannels -@all +get) (%W~q resetchannels -@all +@write)",
        ),
        (
            "+@all -set ~x* %R~y* %W~z* %RW~w &c* +@stream -@stream -xadd",
            "off sanitize-payload ~x* %R~y* %W~z* ~w resetchannels &c* +@all -set -@stream -xadd",
        ),
        ("%R~a %w~a %rw~*", "off sanitize-payload ~a ~* resetchannels -@all"),
        ("+get +@ALL -@READ +GET", "off sanitize-payload resetchannels +@all -@read +get"),
        (
            "+select|0 +SELECT|0 +debug|Object",
            "off sanitize-payload resetchannels -@all +select|0 +debug|object",
        ),
        ("allchannels ~a resetkeys nocommands", "off sanitize-payload &* -@all"),
        (">p ~a reset", "off sanitize-payload resetchannels -@all"),
        (
            "() (+get \"x)",
            "off sanitize-payload resetchannels -@all (resetchannels -@all) (resetchannels -@all)",
        ),
        ("skip-sanitize-payload (+get) clearselectors", "off skip-sanitize-payload resetchannels -@all"),
    ];
    for (rules, shown) in cases {
        assert_eq!(described(&user(rules)), shown, "{rules}");
    }
}

#[test]
fn wrong_rules_are_refused_with_the_right_reason() {
    use RuleError::*;
    let cases: [(&str, &[u8], RuleError); 25] = [
        ("", b"foo", Syntax),
        ("", b"+nosuch", UnknownCommand),
        ("", b"+", UnknownCommand),
        ("", b"+@", UnknownCommand),
        ("", b"+@nosuch", UnknownCommand),
        ("", b"+select|", Syntax),
        ("", b"+select|a b", Syntax),
        ("", b"-select|0", UnknownCommand),
        ("", b"+config|get|x", FirstArgOfSubcommand),
        ("", b"+config|nosuch", UnknownCommand),
        ("", b"-config|nosuch", UnknownCommand),
        ("", b"~a b", Syntax),
        ("", b"%RR~x", Syntax),
        ("", b"%~x", Syntax),
        ("", b"%X~x", Syntax),
        ("~*", b"~x", KeysAfterAll),
        ("~*", b"%R~x", KeysAfterAll),
        ("&*", b"&x", ChannelsAfterAll),
        ("", b"<nopw", NoSuchPassword),
        ("", b"!abc", BadHash),
        ("", b"#E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", BadHash),
        ("", b"(on)", Syntax),
        ("", b"((+get))", Syntax),
        ("", b"(+nosuch)", UnknownCommand),
        ("", b")", Syntax),
    ];
    for (before, rule, error) in cases {
        let shown = String::from_utf8_lossy(rule).into_owned();
        assert_eq!(user(before).apply(rule, false), Err(error), "{before} {shown}");
    }
}

#[test]
fn dangerous_commands_can_be_taken_away() {
    let all = user("on nopass ~* &* +@all -@dangerous");
    for line in
        ["FLUSHALL", "FLUSHDB", "DEBUG SLEEP 0", "CONFIG SET a b", "ACL SETUSER x", "KEYS *", "SHUTDOWN"]
    {
        assert_eq!(verdict(&all, line), "command", "{line}");
    }
    assert_eq!(verdict(&all, "XADD s * f v"), "ok");
    let some = user("on nopass ~* &* +@all -flushall -debug -config|set");
    for (line, expected) in [
        ("FLUSHALL", "command"),
        ("DEBUG SLEEP 0", "command"),
        ("CONFIG SET a b", "command"),
        ("CONFIG GET a", "ok"),
        ("FLUSHDB", "ok"),
    ] {
        assert_eq!(verdict(&some, line), expected, "{line}");
    }
}

#[test]
fn keys_are_those_that_the_command_reads() {
    let limited = user("on nopass ~a* %R~r* %W~w* +@all &*");
    let cases = [
        ("XADD a * f v", "ok"),
        ("XADD w * f v", "ok"),
        ("XADD r * f v", "r"),
        ("XRANGE r - +", "ok"),
        ("XRANGE w - +", "w"),
        ("XLEN w", "ok"),
        ("XREAD STREAMS a r 0 0", "ok"),
        ("XREAD STREAMS a x 0 0", "x"),
        ("XREAD COUNT 1 BLOCK 0 STREAMS STREAMS 0", "STREAMS"),
        ("XREAD STREAMS STREAMS a 0 0", "STREAMS"),
        ("XREADGROUP GROUP g c STREAMS r >", "ok"),
        ("XREADGROUP GROUP STREAMS STREAMS STREAMS x >", "x"),
        ("XREADGROUP GROUP STREAMS a STREAMS a >", "ok"),
        ("XREADGROUP GROUP g STREAMS COUNT 1 STREAMS STREAMS >", "STREAMS"),
        ("XGROUP CREATE x g $", "x"),
        ("XGROUP CREATE w g $", "ok"),
        ("XINFO STREAM w", "w"),
        ("XACK r g 1-1", "r"),
        ("COPY r w", "ok"),
        ("COPY w a", "w"),
        ("COPY a r", "r"),
        ("RENAME a w", "ok"),
        ("RENAME w a", "w"),
        ("RENAME r a", "r"),
        ("SET w v", "ok"),
        ("SET w v GET", "w"),
        ("SET a v GET", "ok"),
        ("GETDEL w", "w"),
        ("INCR w", "w"),
        ("SETNX w 1", "ok"),
        ("MSET a 1 w 2 a 3", "ok"),
        ("MSET a 1 r 2", "r"),
        ("DEL a x w", "x"),
        ("EXISTS a r w", "ok"),
        ("WATCH x", "x"),
        ("KEYS *", "ok"),
        ("FLUSHALL", "ok"),
    ];
    for (line, expected) in cases {
        assert_eq!(verdict(&limited, line), expected, "{line}");
    }
}

#[test]
fn channels_are_checked_where_they_are_used() {
    let limited = user("on nopass +@all ~* &c* &d");
    let cases = [
        ("SUBSCRIBE c1 d", "ok"),
        ("SUBSCRIBE c1 e", "e"),
        ("PSUBSCRIBE c*", "ok"),
        ("PSUBSCRIBE c1", "c1"),
        ("SSUBSCRIBE e", "e"),
        ("PUBLISH c1 e", "ok"),
        ("PUBLISH e c1", "e"),
        ("SPUBLISH e x", "e"),
        ("UNSUBSCRIBE e", "ok"),
        ("PUBSUB NUMSUB e", "ok"),
    ];
    for (line, expected) in cases {
        assert_eq!(verdict(&limited, line), expected, "{line}");
    }
}

#[test]
fn one_selector_must_allow_all_of_a_call() {
    let two = user("on nopass +xadd ~a (+xlen ~b) (+xadd ~c &*)");
    let cases = [
        ("XADD a * f v", "ok"),
        ("XADD b * f v", "b"),
        ("XADD c * f v", "ok"),
        ("XLEN b", "ok"),
        ("XLEN a", "a"),
        ("XDEL a 1-1", "command"),
        ("PUBLISH x y", "command"),
        ("AUTH x", "ok"),
    ];
    for (line, expected) in cases {
        assert_eq!(verdict(&two, line), expected, "{line}");
    }
    let first = user("on nopass +select|0 +client|id");
    assert_eq!([verdict(&first, "SELECT 0"), verdict(&first, "SELECT 1")], ["ok", "command"]);
    assert_eq!([verdict(&first, "CLIENT ID"), verdict(&first, "CLIENT LIST")], ["ok", "command"]);
}

#[test]
fn who_may_do_everything_is_known_at_once() {
    for (rules, unlimited) in [
        ("+@all ~* &*", true),
        ("+@all ~* &* -get", false),
        ("+@all -get +get ~* &*", true),
        ("+@all ~* &* resetkeys ~*", true),
        ("+@all %RW~* &*", false),
        ("(+@all ~* &*)", true),
        ("+@all ~*", false),
    ] {
        assert_eq!(user(rules).unlimited, unlimited, "{rules}");
    }
}

#[test]
fn passwords() {
    let mut who = user("on >old >new");
    let accepts = |who: &User, password: &str| who.accepts(&user::hash(password.as_bytes()));
    assert!(accepts(&who, "old") && accepts(&who, "new") && !accepts(&who, "other") && !accepts(&who, ""));
    who.apply(b"<old", false).expect("there");
    assert!(!accepts(&who, "old") && accepts(&who, "new"));
    who.apply(b"off", false).expect("a rule");
    assert!(!accepts(&who, "new"), "who is off cannot log in");
    assert!(accepts(&user("on nopass"), "anything"));
    assert!(!accepts(&user("on nopass resetpass"), "anything"), "no password is right then");
    assert!(!accepts(&user("off nopass"), "anything"));
}

#[test]
fn the_built_in_users() {
    let users = Users::new();
    let (operator, reader) = (users.admit(&Who::Operator), users.admit(&Who::Reader));
    let (operator, reader) = (operator.expect("built in"), reader.expect("built in"));
    assert!(operator.unlimited && !reader.unlimited);
    for line in [
        "XRANGE any - +",
        "XINFO STREAM any",
        "XREAD STREAMS any 0",
        "KEYS *",
        "INFO",
        "CLIENT LIST",
        "CLIENT SETNAME x",
        "SLOWLOG GET",
        "CONFIG GET *",
        "COMMAND",
        "PING",
        "HELLO 3",
        "SELECT 0",
        "ACL WHOAMI",
        "ACL DRYRUN default get x",
        "MEMORY USAGE any",
        "SCAN 0",
    ] {
        assert_eq!(verdict(&reader, line), "ok", "{line}");
    }
    for line in [
        "XADD any * f v",
        "XREADGROUP GROUP g c STREAMS any >",
        "XACK any g 1-1",
        "SET any v",
        "DEL any",
        "FLUSHALL",
        "CONFIG SET maxmemory 0",
        "CONFIG REWRITE",
        "ACL SETUSER x",
        "ACL LIST",
        "ACL LOG",
        "CLIENT KILL a:1",
        "CLIENT PAUSE 10",
        "CLIENT NO-EVICT on",
        "MONITOR",
        "DEBUG SLEEP 1",
        "SHUTDOWN",
        "BGSAVE",
        "SLOWLOG RESET",
        "LATENCY RESET",
        "SUBSCRIBE c",
        "PUBLISH c m",
        "MULTI",
        "WAIT 0 0",
        "BGREWRITEAOF",
    ] {
        assert_eq!(verdict(&reader, line), "command", "{line}");
    }
    assert!(users.find(b"(reader)").is_none() && users.authenticate(b"(operator)", b"").is_none());
}

#[test]
fn a_user_of_the_same_name_is_another() {
    let (users, config) = (Users::new(), Config::new());
    let set = |rules: &[&[u8]]| {
        let rules: Vec<Vec<u8>> = rules.iter().map(|rule| rule.to_vec()).collect();
        users.set(b"u", &rules, &config).map_err(|(_, error)| error)
    };
    set(&[b"on", b"+get"]).expect("rules");
    let before = users.find(b"u").expect("made");
    set(&[b"+set"]).expect("rules");
    assert_eq!(
        described(&users.renewed(&before).expect("there")),
        "on sanitize-payload resetchannels -@all +get +set"
    );
    assert_eq!(set(&[b"+del", b"wrong"]), Err(RuleError::Syntax));
    assert_eq!(
        users.find(b"u").map(|user| verdict(&user, "DEL a")),
        Some("command".to_owned()),
        "all or nothing"
    );
    assert_eq!(users.remove([&b"u"[..], b"v"].into_iter()), 1);
    assert!(users.renewed(&before).is_none());
    set(&[b"on", b"nopass"]).expect("rules");
    assert!(users.renewed(&before).is_none());
}

#[test]
fn lines_of_the_configuration_file() {
    let config = |lines: &[&str]| {
        let words = lines.iter().flat_map(|line| ["--user"].into_iter().chain(line.split(' ')));
        Config::from_args(&words.map(str::to_owned).collect::<Vec<_>>()).expect("right")
    };
    let users = Users::new();
    let right = config(&["a on >p (+get ~x)", "default on >q ~k +@all"]);
    users.open(&right).expect("right");
    assert_eq!(described(&users.default_user()).split(' ').next_back(), Some("+@all"));
    assert!(!users.default_user().nopass && users.authenticate(b"a", b"p").is_some());
    let lines = users.lines(&right).expect("no file of their own");
    assert!(lines[0].starts_with("a on ") && lines[1].starts_with("default on "), "{lines:?}");
    let error = |text: &[&str]| Users::new().open(&config(text)).expect_err("refused");
    assert!(error(&["u on nope"]).ends_with("\nError in user declaration 'u': Syntax error"));
    assert!(!error(&["u on >pa55 nope"]).contains("pa55"));
    assert!(error(&["u on (+get"]).ends_with("\nError in user declaration 'u': Wrong format"));
    let twice = "Error in user declaration 'u': Duplicate user found. A user can only be defined once in config files";
    assert!(error(&["u on", "u off"]).ends_with(twice));
    let both = error(&["u on --aclfile x"]);
    assert!(both.starts_with(
        "Configuring Redis with users defined in redis.conf and at the same setting an ACL file"
    ));
}

#[test]
fn who_has_a_password_alone_needs_no_line() {
    let config = Config::from_args(&["--requirepass".to_owned(), "p".to_owned()]).expect("right");
    let users = Users::new();
    users.open(&config).expect("right");
    assert_eq!(users.lines(&config), Some(Vec::new()));
}

/// Rules, right ones and nearly right ones.
fn rule() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "on",
        "off",
        "nopass",
        "resetpass",
        "reset",
        "allkeys",
        "resetkeys",
        "allchannels",
        "resetchannels",
        "+@all",
        "-@all",
        "+@stream",
        "-@read",
        "+@WRITE",
        "+get",
        "-get",
        "+config",
        "+config|get",
        "-config|set",
        "+select|1",
        "+xinfo|stream",
        "-xinfo",
        "~*",
        "&*",
        "%R~r*",
        "%W~r*",
        "%RW~b",
        "clearselectors",
        "sanitize-payload",
        "skip-sanitize-payload",
        ">p",
        "<p",
        "()",
        "(+get ~x)",
        "(-@all",
        "%R",
        "+debug|x",
    ]);
    let made = ("[~&+<>!#%(-]|[+-]@", "[a-z|*\"' ()R~]{0,6}").prop_map(|(sign, rest)| sign + &rest);
    prop_oneof![4 => fixed.prop_map(str::to_owned), 1 => made, 1 => any::<String>()]
}

proptest! {
    #[test]
    fn what_is_shown_makes_the_same_user(rules in prop::collection::vec(rule(), 0..12), all_channels: bool) {
        let mut user = User::new(b"u", 1, all_channels);
        for rule in merge_selectors(rules.iter().map(String::as_bytes)).unwrap_or_default() {
            // A wrong rule changes nothing, and is no reason to stop.
            let before = user.describe();
            if user.apply(&rule, all_channels).is_err() {
                prop_assert_eq!(&before, &user.describe());
            }
        }
        let line = user.line();
        let loaded = file::parse("f", &line, all_channels).map_err(TestCaseError::fail)?;
        prop_assert_eq!(&loaded[&b"u"[..]].line(), &line);
        let text = String::from_utf8_lossy(&line).into_owned();
        for call in ["GET r1", "SET b 1", "CONFIG GET x", "SELECT 1", "XINFO STREAM r", "XADD x * f v", "PUBLISH c m"] {
            prop_assert_eq!(verdict(&user, call), verdict(&loaded[&b"u"[..]], call), "{} {}", text, call);
        }
    }

    #[test]
    fn no_line_brings_a_panic(line in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = file::parse("f", &[b"user x ", &*line].concat(), false);
        let words = || line.split(|byte| *byte == b' ');
        if let Ok(rules) = merge_selectors(words()) {
            let mut user = User::new(b"u", 1, false);
            rules.iter().for_each(|rule| _ = user.apply(rule, false));
        }
        let _ = Selector::parse(&line, false);
    }
}
