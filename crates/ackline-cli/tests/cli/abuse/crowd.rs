//! More connections than anybody needs.

use super::{Raw, Target, wait_for};
use std::process::Command;

/// Raises the number of descriptors that a process may have, if the system allows it; answers what it is then.
fn raise_descriptors(process: u32) -> usize {
    let limits = || std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let line = |text: &str| text.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
    let numbers: Vec<String> = line(&limits()).split_whitespace().skip(3).map(str::to_owned).collect();
    // Where there is no prlimit, what there is must do.
    let _ = Command::new("prlimit")
        .args(["--pid", &process.to_string(), &format!("--nofile={0}:{0}", numbers[1])])
        .status();
    line(&limits()).split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX)
}

/// Descriptors that the other tests of this process may need meanwhile.
const OTHERS: usize = 6000;

#[test]
fn thousands_who_say_nothing() {
    let room = raise_descriptors(std::process::id());
    let target = Target::start();
    let room = room.min(raise_descriptors(target.id()));
    let count = room.saturating_sub(OTHERS).clamp(200, 10_000);
    println!("{count} idle connections, with {room} descriptors");
    let mut owner = target.client();
    assert_eq!(owner.ask(&format!("CONFIG SET maxclients {}", count + 100)), "+OK");
    let before = target.peak();
    let mut crowd: Vec<Raw> = (0..count).map(|_| target.stranger()).collect();
    wait_for(&mut owner, "clients", &format!("connected_clients:{}\r", count + 1));
    target.serves_others();
    let grown = target.peak() - before;
    assert!(grown < 200, "{grown} MiB for {count} idle connections");
    crowd.iter_mut().step_by(97).for_each(Raw::is_in_sync);
    drop(crowd);
    wait_for(&mut owner, "clients", "connected_clients:1\r");
    target.finish();
}

#[test]
fn who_is_refused_can_come_back() {
    let target = Target::with(&["--maxclients", "20"]);
    // Whoever waits for the others to be gone stays: a connection that has just been dropped may still count.
    let mut crowd = vec![target.client()];
    wait_for(&mut crowd[0], "clients", "connected_clients:1\r");
    crowd.extend((0..19).map(|_| target.client()));
    crowd.iter_mut().for_each(Raw::is_in_sync);
    for _ in 0..100 {
        assert_eq!(target.stranger().rest(), "-ERR max number of clients reached\r\n");
    }
    crowd.truncate(5);
    crowd[0].is_in_sync();
    wait_for(&mut crowd[0], "clients", "connected_clients:5\r");
    assert!(crowd[0].ask("INFO stats").contains("rejected_connections:100\r"));
    target.serves_others();
    drop(crowd);
    target.finish();
}
