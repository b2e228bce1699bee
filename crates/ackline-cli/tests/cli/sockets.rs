//! What the parameters of sockets do: timeout, tcp-keepalive, unixsocketperm.

use crate::abuse::{Raw, Target};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, Instant};

/// Who does nothing is closed; who waits for something, and who is told something, is not.
#[test]
fn idle_clients_are_closed() {
    let target = Target::start();
    let [mut idle, mut blocked, mut subscriber, mut monitor] = [(); 4].map(|()| target.client());
    assert_eq!(idle.ask("PING"), "+PONG");
    blocked.send(&crate::abuse::request("XREAD BLOCK 0 STREAMS s $"));
    assert_eq!(subscriber.ask("SUBSCRIBE news"), "[subscribe news :1]");
    assert_eq!(monitor.ask("MONITOR"), "+OK");
    let mut busy = target.client();
    let begun = Instant::now();
    assert_eq!(busy.ask("CONFIG SET timeout 1"), "+OK");
    wait_until_closed(&mut busy, 4);
    assert!(begun.elapsed() >= Duration::from_millis(500), "nobody is closed at once");
    assert_eq!(idle.rest(), "");
    assert_eq!(busy.ask("XADD s 1-1 a b"), "1-1");
    assert_eq!(busy.ask("PUBLISH news x"), ":1");
    assert_eq!(blocked.reply(), "[[s [[1-1 [a b]]]]]");
    assert_eq!(subscriber.reply(), "[message news x]");
    assert_eq!(busy.ask("CONFIG SET timeout 0"), "+OK");
    target.finish();
}

/// Asks, and so is not idle, until so many clients are left.
fn wait_until_closed(busy: &mut Raw, left: usize) {
    crate::abuse::wait_for(busy, "clients", &format!("connected_clients:{left}\r"));
}

/// The kernel's timer of the server's end of a connection: 2 is that of keepalive.
fn timer(client: &mut Raw, port: u16) -> u32 {
    let about = client.ask("CLIENT INFO");
    let peer = about.split(' ').find_map(|word| word.strip_prefix("addr=127.0.0.1:")).unwrap();
    let ends = format!("0100007F:{port:04X} 0100007F:{:04X}", peer.parse::<u16>().unwrap());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let line = table.lines().find(|line| line.contains(&ends)).unwrap();
    line.split_whitespace().nth(5).unwrap().split_once(':').unwrap().0.parse().unwrap()
}

#[test]
fn silent_peers_are_asked_whether_they_are_there() {
    let target = Target::start();
    let mut first = target.client();
    // An answer that is on its way has a timer of its own.
    let deadline = Instant::now() + Duration::from_secs(30);
    while timer(&mut first, target.port()) != 2 {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(first.ask("CONFIG SET tcp-keepalive 0"), "+OK");
    let mut second = target.client();
    assert_ne!(timer(&mut second, target.port()), 2);
    target.finish();
}

#[test]
fn the_socket_file_has_the_permissions_that_are_asked_for() {
    for (mode, expected) in [("700", 0o700), ("770", 0o770), ("0777", 0o777)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let target = Target::with(&["--unixsocket", path.to_str().unwrap(), "--unixsocketperm", mode]);
        let about = std::fs::metadata(&path).unwrap();
        assert_eq!((about.permissions().mode() & 0o7777, about.nlink()), (expected, 1));
        std::os::unix::net::UnixStream::connect(&path).unwrap();
        target.finish();
    }
}
