//! What clients get unasked: events of the keyspace and invalidations, in files of `tests/unasked`.
//!
//! ```text
//! # a comment
//! a: HELLO 3               client a sends this; it connects with its first line
//! = OK                     what it gets
//! b< invalidate [k]        what b gets beside that, in its order
//! sleep 20                 so many ms pass
//! gone b                   b's connection ends
//! ```
//!
//! The files say what Redis 8.6.3 does, to which the same lines were given.

use ackline::LocalOptions;
use ackline_log::faulty::FaultyDisk;
use ackline_resp::decode_reply::{Value, decode_value};
use ackline_server::offline::Offline;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const START: i64 = 1_700_000_000_000;

/// A server and its clients by name.
struct Room {
    server: Offline,
    clients: BTreeMap<String, u64>,
    now: i64,
}

impl Room {
    fn new(directives: &[&str]) -> Room {
        ackline::simulate(Some(START));
        let directives: Vec<String> = directives.iter().map(|word| (*word).to_owned()).collect();
        let disk = Arc::new(FaultyDisk::new());
        let server = Offline::open(disk, LocalOptions::default(), 7, &directives).unwrap();
        Room { server, clients: BTreeMap::new(), now: START }
    }

    fn client(&mut self, name: &str) -> u64 {
        *self.clients.entry(name.to_owned()).or_insert_with(|| self.server.connect())
    }

    /// What a client gets for a line; who has said HELLO 3 gets pushes apart from replies.
    fn send(&mut self, name: &str, line: &str) {
        let id = self.client(name);
        // `$name` is the number of a client.
        let numbers: Vec<(String, u64)> =
            self.clients.iter().map(|(name, id)| (format!("${name}"), *id)).collect();
        let word = |word: &str| match numbers.iter().find(|(name, _)| name == word) {
            Some((_, id)) => id.to_string(),
            None => word.to_owned(),
        };
        let words: Vec<String> = line.split(' ').map(word).collect();
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        words.iter().for_each(|word| bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes()));
        self.server.feed(id, &bytes);
    }

    /// Everything that may leave, as lines of a file.
    fn hear(&mut self) -> Vec<String> {
        self.server.turn();
        let mut lines = Vec::new();
        for (name, id) in &self.clients {
            let bytes = self.server.receive(*id).unwrap_or_default();
            let mut at = 0;
            while let Some((value, length)) = decode_value(&bytes[at..]).unwrap() {
                at += length;
                match value {
                    Value::Push(parts) => lines.push(format!("{name}< {}", join(&parts))),
                    value => lines.insert(0, format!("= {}", shown(&value))),
                }
            }
        }
        lines
    }

    /// A line with `$name` where a client's number is.
    fn with_names(&self, line: &str) -> String {
        let number = |line: String, (name, id): (&String, &u64)| {
            let put = |line: String, word: &str| match line.strip_suffix(&format!("{word}{id}")) {
                Some(before) => format!("{before}{word}${name}"),
                None => line.replace(&format!("{word}{id} "), &format!("{word}${name} ")),
            };
            let line = put(put(line, "redirect="), "redirect ");
            put(line, "tracking-redir-broken ")
        };
        self.clients.iter().fold(line.to_owned(), number)
    }

    /// Runs a file; answers it as it should be.
    fn run(&mut self, text: &str) -> String {
        let mut corrected = String::new();
        for line in text.lines() {
            if line.starts_with("= ") || line.split_once("< ").is_some_and(|(name, _)| name.len() == 1) {
                continue;
            }
            corrected.push_str(&format!("{line}\n"));
            if let Some(ms) = line.strip_prefix("sleep ") {
                self.now += ms.parse::<i64>().unwrap();
                ackline::simulate(Some(self.now));
                self.server.broker().tick();
            } else if let Some((name, line)) = line.split_once(": ").filter(|(name, _)| name.len() == 1) {
                self.send(name, line);
            } else if let Some(name) = line.strip_prefix("gone ") {
                self.server.disconnect(self.clients[name]);
            }
            let heard = self.hear().into_iter().map(|line| self.with_names(&line));
            // Who we are is another matter.
            heard
                .filter(|line| !line.starts_with("= {server="))
                .for_each(|line| corrected.push_str(&format!("{line}\n")));
        }
        corrected
    }
}

fn join(values: &[Value]) -> String {
    values.iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn shown(value: &Value) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match value {
        Value::Simple(bytes) | Value::Error(bytes) | Value::Bulk(bytes) => text(bytes),
        Value::Int(n) => n.to_string(),
        Value::Null | Value::NullArray => "nil".to_owned(),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => format!("[{}]", join(items)),
        Value::Map(pairs) => {
            let pair = |(name, value): &(Value, Value)| format!("{}={}", shown(name), shown(value));
            format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(" "))
        }
        other => format!("{other:?}"),
    }
}

/// `UPDATE_SESSIONS=1` writes what was found into the file instead of failing. Look at the difference.
fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/unasked").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let corrected = Room::new(&["--appendonly", "no"]).run(&text);
    ackline::simulate(None);
    if std::env::var_os("UPDATE_SESSIONS").is_some() {
        std::fs::write(&path, corrected).unwrap();
        return;
    }
    for (at, (is, should)) in corrected.lines().zip(text.lines()).enumerate() {
        assert_eq!(is, should, "{name}, line {}", at + 1);
    }
    assert_eq!(corrected.lines().count(), text.lines().count(), "{name}");
}

#[test]
fn events() {
    check("events.txt");
}

#[test]
fn tracking() {
    check("tracking.txt");
}

/// Neither an event nor an invalidation leaves before what it tells of is safe.
#[test]
fn what_a_crash_would_take_back_is_not_told() {
    let mut room = Room::new(&[]);
    for line in ["HELLO 3", "CONFIG SET notify-keyspace-events KEA", "CLIENT TRACKING ON BCAST"] {
        room.send("a", line);
    }
    room.send("a", "PSUBSCRIBE __key*");
    room.hear();
    room.send("b", "SET k v");
    assert_eq!(room.hear(), [] as [String; 0]);
    room.server.broker().log().step(true);
    let heard = [
        "= OK",
        "a< pmessage __key* __keyspace@0__:k set",
        "a< pmessage __key* __keyevent@0__:set k",
        "a< invalidate [k]",
    ];
    assert_eq!(room.hear(), heard);
    ackline::simulate(None);
}

/// Commands that run as one batch tell of the same, in the same order, as commands that come one by one.
#[test]
fn pipelined_commands_tell_as_others_do() {
    let commands =
        ["SET k v", "XADD s 1-0 f v", "SET k w", "DEL k", "XADD s MAXLEN 1 2-0 f v", "GET no", "INCR k"];
    let heard = |at_once: bool| {
        let mut room = Room::new(&["--appendonly", "no"]);
        for line in ["HELLO 3", "CONFIG SET notify-keyspace-events KEAmnoc", "PSUBSCRIBE __key*"] {
            room.send("a", line);
        }
        room.send("b", "PING");
        room.hear();
        let mut lines = Vec::new();
        match at_once {
            true => {
                let id = room.client("b");
                let one = |line: &&str| format!("{line}\r\n");
                room.server.feed(id, commands.iter().map(one).collect::<String>().as_bytes());
                lines.extend(room.hear());
            }
            false => commands.iter().for_each(|line| {
                room.send("b", line);
                lines.extend(room.hear());
            }),
        }
        ackline::simulate(None);
        lines.retain(|line| line.starts_with("a<"));
        lines
    };
    let alone = heard(false);
    assert_eq!(alone.len(), 24);
    assert_eq!(heard(true), alone);
}
