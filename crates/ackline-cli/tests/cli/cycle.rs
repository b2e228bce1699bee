//! A whole cycle: produce, consume, acknowledge, release, crash of a consumer, claim, clean-up, restarts in between.

use crate::process::Server;
use redis::{Connection, FromRedisValue, RedisResult, Value, cmd};

fn ask<T: FromRedisValue>(connection: &mut Connection, line: &str) -> RedisResult<T> {
    let mut words = line.split(' ');
    let mut command = cmd(words.next().unwrap());
    for word in words {
        command.arg(word);
    }
    command.query(connection)
}

fn must<T: FromRedisValue>(connection: &mut Connection, line: &str) -> T {
    ask(connection, line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// ID, consumer and delivery count of everything pending.
fn pending(connection: &mut Connection) -> Vec<(String, String, i64)> {
    let rows: Vec<(String, String, i64, i64)> = must(connection, "XPENDING s g - + 100");
    rows.into_iter().map(|(id, consumer, _, count)| (id, consumer, count)).collect()
}

fn row(id: &str, consumer: &str, count: i64) -> (String, String, i64) {
    (id.to_owned(), consumer.to_owned(), count)
}

fn cycle(protocol: u8) {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(dir.path(), &["--enable-debug-command", "yes"]);
    let mut c = server.connect(protocol);
    for n in 1..=5 {
        must::<String>(&mut c, &format!("XADD s {n}-0 n {n}"));
    }
    must::<()>(&mut c, "XGROUP CREATE s g 0");
    must::<Value>(&mut c, "XREADGROUP GROUP g dead COUNT 3 STREAMS s >");
    must::<Value>(&mut c, "XREADGROUP GROUP g alive COUNT 1 STREAMS s >");
    assert_eq!(must::<i64>(&mut c, "XACK s g 1-0"), 1);
    assert_eq!(must::<i64>(&mut c, "XNACK s g FAIL IDS 1 2-0"), 1);
    let expected = vec![row("2-0", "", 1), row("3-0", "dead", 1), row("4-0", "alive", 1)];
    assert_eq!(pending(&mut c), expected);
    let digest: String = must(&mut c, "DEBUG DIGEST");

    server.kill();
    server = Server::start(dir.path(), &["--enable-debug-command", "yes"]);
    c = server.connect(protocol);
    assert_eq!(pending(&mut c), expected);
    assert_eq!(must::<String>(&mut c, "DEBUG DIGEST"), digest);

    must::<Value>(&mut c, "XREADGROUP GROUP g alive COUNT 1 CLAIM 0 STREAMS s >");
    assert_eq!(pending(&mut c)[0], row("2-0", "alive", 2), "what was released is claimed first");
    let claimed: (String, Value, Vec<String>) = must(&mut c, "XAUTOCLAIM s g alive 0 3-0 COUNT 1");
    assert_eq!(claimed.0, "4-0");
    assert_eq!(must::<i64>(&mut c, "XGROUP DELCONSUMER s g dead"), 0);
    assert_eq!(must::<i64>(&mut c, "XACK s g 2-0 3-0 4-0"), 3);
    assert_eq!(pending(&mut c), []);
    let error = ask::<Value>(&mut c, "XREADGROUP GROUP none c STREAMS s >").unwrap_err();
    assert_eq!(error.code(), Some("NOGROUP"));
    let _: () = must(&mut c, "MULTI");
    let _: () = must(&mut c, "XADD s 6-0 n 6");
    let _: () = must(&mut c, "XLEN s");
    let (id, length): (String, i64) = must(&mut c, "EXEC");
    assert_eq!((id.as_str(), length), ("6-0", 6));
}

#[test]
fn a_whole_cycle_over_resp2() {
    cycle(2);
}

#[test]
fn a_whole_cycle_over_resp3() {
    cycle(3);
}

#[test]
fn a_blocked_reader_is_served_by_a_writer_on_another_thread() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &["--io-threads", "4"]);
    let mut writer = server.connect(2);
    must::<()>(&mut writer, "XGROUP CREATE s g $ MKSTREAM");
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..8)
            .map(|n| {
                let mut reader = server.connect(3);
                scope.spawn(move || {
                    must::<Value>(
                        &mut reader,
                        &format!("XREADGROUP GROUP g c{n} COUNT 1 BLOCK 30000 STREAMS s >"),
                    )
                })
            })
            .collect();
        while !must::<String>(&mut writer, "INFO clients").contains("blocked_clients:8") {
            std::thread::yield_now();
        }
        for n in 1..=8 {
            must::<String>(&mut writer, &format!("XADD s {n}-0 n {n}"));
        }
        readers.into_iter().for_each(|reader| assert_ne!(reader.join().unwrap(), Value::Nil));
    });
    assert_eq!(pending(&mut writer).len(), 8, "each entry went to one reader");
}
