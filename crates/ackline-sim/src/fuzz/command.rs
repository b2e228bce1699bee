//! Commands: the real sessions, log and recovery, with the bytes as traffic.

use super::bytes::Bytes;
use super::spell::{request, spell};
use super::{INPUT_MAX, START};
use ackline::LocalOptions;
use ackline_engine::Spec;
use ackline_log::faulty::FaultyDisk;
use ackline_resp::decode_reply::decode_value;
use ackline_server::offline::Offline;
use std::sync::Arc;

const CLIENTS: usize = 3;
/// Things that happen in a run at most.
const STEPS_MAX: usize = 500;
/// How far the clock is set.
const LEAPS: [i64; 16] = [
    0,
    1,
    2,
    5,
    10,
    50,
    100,
    1_000,
    5_000,
    60_000,
    3_600_000,
    86_400_000,
    100_000_000_000,
    -1,
    -100,
    -3_600_000,
];

/// The first byte chooses: the others are what a client sends, in pieces, or spell commands of several clients.
pub fn command(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(INPUT_MAX)];
    let Some((mode, rest)) = bytes.split_first() else { return };
    let mut run = Run::new();
    match mode & 1 {
        0 => run.raw(rest, usize::from(mode >> 1) + 1),
        _ => run.spelled(&mut Bytes::new(rest)),
    }
    run.finish();
    ackline::simulate(None);
}

struct Client {
    connection: u64,
    /// What it got and could not yet read.
    heard: Vec<u8>,
}

struct Run {
    disk: FaultyDisk,
    server: Offline,
    clients: Vec<Client>,
    now: i64,
}

fn open(disk: &FaultyDisk, now: i64) -> Offline {
    ackline::simulate(Some(now));
    let local = LocalOptions { segment_bytes: 16 * 1024, ..LocalOptions::default() };
    let server = Offline::open(Arc::new(disk.clone()), local, 1, &[]);
    server.unwrap_or_else(|error| panic!("it does not start: {error}"))
}

impl Run {
    fn new() -> Run {
        let disk = FaultyDisk::new();
        let mut server = open(&disk, START);
        let client = |_| Client { connection: server.connect(), heard: Vec::new() };
        let clients = (0..CLIENTS).map(client).collect();
        Run { disk, server, clients, now: START }
    }

    fn raw(&mut self, bytes: &[u8], piece: usize) {
        for (n, piece) in bytes.chunks(piece).enumerate() {
            self.server.feed(self.clients[0].connection, piece);
            if n % 16 == 15 {
                self.listen();
            }
        }
    }

    fn spelled(&mut self, bytes: &mut Bytes<'_>) {
        let all: Vec<&'static Spec> = self.server.broker().table().iter().flat_map(with_parts).collect();
        let streams: Vec<&'static Spec> = all.iter().copied().filter(|spec| spec.group == "stream").collect();
        let mut current = 0;
        for step in 0..STEPS_MAX {
            if bytes.is_empty() || self.server.is_stopping() {
                break;
            }
            match bytes.byte() {
                n @ ..150 => self.send(current, spell(streams[usize::from(n) % streams.len()], bytes)),
                150..200 => {
                    let spec: &Spec = bytes.pick::<&Spec>(&all);
                    self.send(current, spell(spec, bytes));
                }
                n @ 200..220 => current = usize::from(n) % CLIENTS,
                n @ 220..236 => self.leap(LEAPS[usize::from(n - 220)]),
                236..244 => self.listen(),
                244..248 => self.checkpoint(),
                248..252 => self.reconnect(current),
                _ => {
                    let len = bytes.byte();
                    self.server.feed(self.clients[current].connection, bytes.take(usize::from(len)));
                }
            }
            if step % 8 == 7 {
                self.listen();
            }
        }
    }

    fn send(&mut self, client: usize, words: Vec<Vec<u8>>) {
        self.server.feed(self.clients[client].connection, &request(&words));
    }

    fn leap(&mut self, ms: i64) {
        self.now = self.now.saturating_add(ms);
        ackline::simulate(Some(self.now));
        self.server.broker().tick();
        self.server.turn();
    }

    fn checkpoint(&self) {
        let done = self.server.broker().checkpoint();
        done.unwrap_or_else(|error| panic!("a checkpoint failed: {error}"));
    }

    fn reconnect(&mut self, client: usize) {
        self.server.disconnect(self.clients[client].connection);
        self.clients[client] = Client { connection: self.server.connect(), heard: Vec::new() };
    }

    /// Everybody gets what the log lets through, and can read it.
    fn listen(&mut self) {
        self.server.turn();
        self.server.broker().log().step(true);
        for n in 0..CLIENTS {
            match self.server.receive(self.clients[n].connection) {
                Some(bytes) => self.clients[n].read(&bytes),
                None => self.reconnect(n),
            }
        }
    }

    /// What is on disk is what is in memory: from the log, and from a snapshot.
    fn finish(mut self) {
        self.listen();
        self.listen();
        for client in &self.clients {
            assert!(client.heard.is_empty(), "half a reply: {}", client.heard.escape_ascii());
        }
        let digest = self.server.broker().digest();
        self.server.broker().log().step(true);
        assert!(!self.server.broker().log().durable().poisoned(), "the log failed");
        let replayed = open(&self.disk.copy(), self.now).broker().digest();
        assert_eq!(replayed, digest, "the log brings back another state");
        self.checkpoint();
        let loaded = open(&self.disk.copy(), self.now).broker().digest();
        assert_eq!(loaded, digest, "a snapshot brings back another state");
    }
}

/// A command, or the subcommands that it consists of.
fn with_parts(spec: &'static Spec) -> Vec<&'static Spec> {
    if spec.subcommands.is_empty() { vec![spec] } else { spec.subcommands.to_vec() }
}

impl Client {
    fn read(&mut self, bytes: &[u8]) {
        self.heard.extend_from_slice(bytes);
        let mut used = 0;
        loop {
            match decode_value(&self.heard[used..]) {
                Ok(Some((_, size))) => used += size,
                Ok(None) => break,
                Err(error) => panic!("{error}: {}", self.heard[used..].escape_ascii()),
            }
        }
        self.heard.drain(..used);
    }
}
