//! What goes over a connection is what would go over a plain one.

use super::{Secured, ask, count, text};
use ackline_admin::client::Error;
use ackline_resp::encode;
use std::io::ErrorKind;
use std::time::Duration;

#[test]
fn commands_and_their_replies() {
    let server = Secured::start(&[]);
    let mut client = server.client();
    assert_eq!(ask(&mut client, "XADD s 1-1 item tea"), "1-1");
    assert_eq!(ask(&mut server.plain(), "XRANGE s - +"), "1-1 item tea");
    let about = ask(&mut client, "CLIENT INFO");
    assert!(about.contains(&format!("laddr=127.0.0.1:{} ", server.tls_port)), "{about}");
    assert!(about.contains(" addr=127.0.0.1:"), "{about}");
    assert!(!about.contains("tot-net-in=0 "), "{about}");
    assert!(server.output().contains("Ready to accept connections tcp"));
    assert!(server.output().contains("Ready to accept connections tls"));
    server.finish();
}

/// Megabytes of commands in one go, answered in order; and a reply of many records.
#[test]
fn long_pipelines_and_large_replies() {
    let server = Secured::start(&[]);
    let mut client = server.client();
    let value = "x".repeat(1000);
    let ids: Vec<String> = (1..=2000).map(|n| format!("{n}-0")).collect();
    let adds: Vec<Vec<&str>> = ids.iter().map(|id| vec!["XADD", "s", id, "f", &value]).collect();
    let replies = client.call_all(&adds).unwrap();
    assert_eq!(replies.iter().map(text).collect::<Vec<_>>(), ids);
    let all = ask(&mut client, "XRANGE s - +");
    assert_eq!((all.len(), all.matches(&value).count()), (2000 * (1000 + 4) - 1 + id_lengths(&ids), 2000));
    // One word of 4 MiB, there and back.
    let large = "y".repeat(4 << 20);
    assert_eq!(text(&client.call(&["ECHO", &large]).unwrap()), large);
    server.finish();
}

fn id_lengths(ids: &[String]) -> usize {
    ids.iter().map(String::len).sum()
}

#[test]
fn blocked_reads_are_served() {
    let server = Secured::start(&["--io-threads", "3"]);
    let (mut reader, mut writer) = (server.client(), server.client());
    let mut watcher = server.plain();
    for round in 0..50 {
        reader.send(&["XREAD", "BLOCK", "0", "STREAMS", "s", "$"]).unwrap();
        while count(&mut watcher, "blocked_clients") == 0 {}
        let id = ask(&mut writer, &format!("XADD s * n {round}"));
        assert_eq!(text(&reader.receive().unwrap()), format!("s {id} n {round}"));
    }
    reader.send(&["SUBSCRIBE", "news"]).unwrap();
    assert_eq!(text(&reader.receive().unwrap()), "subscribe news 1");
    assert_eq!(ask(&mut writer, "PUBLISH news hello"), "1");
    assert_eq!(text(&reader.receive().unwrap()), "message news hello");
    server.finish();
}

/// Others are served while somebody takes their time with megabytes, and the megabytes are whole.
#[test]
fn a_slow_reader_gets_everything() {
    let server = Secured::start(&["--client-output-buffer-limit", "normal", "0", "0", "0"]);
    let (mut slow, mut other) = (server.client(), server.client());
    let large = "z".repeat(1 << 20);
    slow.call(&["XADD", "s", "1-1", "f", &large]).unwrap();
    // One request, so that the server has written what it can before it is read from.
    let mut requests = Vec::new();
    (0..20).for_each(|_| encode::request(&mut requests, &["XRANGE", "s", "-", "+"]));
    slow.send_bytes(&requests).unwrap();
    for n in 0..100 {
        assert_eq!(ask(&mut other, &format!("ECHO {n}")), n.to_string());
    }
    for _ in 0..20 {
        assert_eq!(text(&slow.receive().unwrap()), format!("1-1 f {large}"));
    }
    assert_eq!(ask(&mut slow, "PING"), "PONG");
    server.finish();
}

#[test]
fn who_leaves_too_much_unread_is_closed() {
    let server = Secured::start(&["--client-output-buffer-limit", "normal", "2mb", "0", "0"]);
    let mut greedy = server.client();
    let large = "z".repeat(1 << 20);
    greedy.call(&["XADD", "s", "1-1", "f", &large]).unwrap();
    let mut requests = Vec::new();
    (0..100).for_each(|_| encode::request(&mut requests, &["XRANGE", "s", "-", "+"]));
    greedy.send_bytes(&requests).unwrap();
    let mut watcher = server.plain();
    while count(&mut watcher, "connected_clients") > 1 {}
    let end = loop {
        match greedy.receive() {
            Ok(value) => assert_eq!(text(&value).len(), large.len() + 6),
            Err(error) => break error,
        }
    };
    assert!(matches!(end, Error::Io(_)), "{end}");
    server.finish();
}

/// A connection that is killed while its replies are on the way, by itself and by others.
#[test]
fn killed_in_the_middle_of_a_reply() {
    let server = Secured::start(&[]);
    let mut other = server.client();
    let large = "z".repeat(1 << 20);
    other.call(&["XADD", "s", "1-1", "f", &large]).unwrap();
    for by_itself in [true, false] {
        for _ in 0..2 {
            let mut victim = server.client();
            let id = ask(&mut victim, "CLIENT ID");
            let kill = ["CLIENT", "KILL", "ID", &id, "SKIPME", "no"];
            let mut requests = Vec::new();
            (0..20).for_each(|_| encode::request(&mut requests, &["XRANGE", "s", "-", "+"]));
            if by_itself {
                encode::request(&mut requests, &kill);
                (0..20).for_each(|_| encode::request(&mut requests, &["XRANGE", "s", "-", "+"]));
            }
            victim.send_bytes(&requests).unwrap();
            if !by_itself {
                victim.receive().unwrap();
                assert_eq!(text(&other.call(&kill).unwrap()), "1");
            }
            victim.set_patience(Some(Duration::from_secs(30))).unwrap();
            let end = loop {
                if let Err(error) = victim.receive() {
                    break error;
                }
            };
            let Error::Io(end) = end else { panic!("{end}") };
            assert_ne!(end.kind(), ErrorKind::WouldBlock, "closed in time");
            assert_eq!(ask(&mut other, "PING"), "PONG");
        }
    }
    server.finish();
}

#[test]
fn encrypted_connections_only() {
    let server = Secured::start(&["--port", "0"]);
    assert!(std::net::TcpStream::connect(("127.0.0.1", server.port)).is_err());
    assert!(!server.output().contains("connections tcp"));
    assert_eq!(ask(&mut server.client(), "PING"), "PONG");
    server.finish();
}
