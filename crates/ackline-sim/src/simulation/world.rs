//! The world: time, disk, server and clients, and what happens to them.

use super::client::{Client, Facts, GROUPS, STREAMS, command, entries_of, id_of, int, rows_of, text};
use super::oracle::{Found, Kept, Violation, promise};
use super::{Plan, Report};
use crate::Rng;
use ackline_log::faulty::FaultyDisk;
use ackline_log::storage::Storage;
use ackline_log::{LocalOptions, SyncMode};
use ackline_resp::decode_reply::{Value, decode_value};
use ackline_server::offline::Offline;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

/// The time at which every run begins, Unix ms.
const START: i64 = 1_700_000_000_000;
const CLIENTS: usize = 6;

/// A run under way.
pub struct World {
    rng: Rng,
    plan: Plan,
    seed: u64,
    now: i64,
    mode: SyncMode,
    disk: FaultyDisk,
    server: Option<Offline>,
    clients: Vec<Client>,
    facts: Facts,
    report: Report,
    trace: foldhash::fast::FixedState,
    heard: u64,
}

impl World {
    /// A run that has not begun.
    pub fn new(seed: u64, plan: Plan) -> World {
        let mut rng = Rng::new(seed);
        let mode = *rng.pick(&[SyncMode::Always, SyncMode::Always, SyncMode::EverySec, SyncMode::No]);
        World {
            rng,
            plan,
            seed,
            now: START,
            mode,
            disk: FaultyDisk::new(),
            server: None,
            clients: Vec::new(),
            facts: Facts::new(),
            report: Report::default(),
            trace: foldhash::fast::FixedState::with_seed(0),
            heard: 0,
        }
    }

    /// Runs all lives.
    pub fn run(mut self) -> Result<Report, Violation> {
        let outcome = self.lives();
        ackline::simulate(None);
        let (seed, life, mode) = (self.seed, self.report.crashes, self.mode);
        outcome
            .map_err(|Violation(text)| Violation(format!("seed {seed}, life {life}, {mode:?}: {text}")))?;
        Ok(self.report)
    }

    fn lives(&mut self) -> Kept {
        for life in 0..self.plan.lives {
            self.start()?;
            if life == 0 {
                self.prepare()?;
            }
            let steps = self.rng.below(self.plan.steps) + 1;
            for _ in 0..steps {
                self.step()?;
                if !self.is_alive() {
                    break;
                }
            }
            match life + 1 == self.plan.lives {
                true => self.stop()?,
                false => self.crash()?,
            }
        }
        self.start()?;
        self.finish()
    }

    fn is_alive(&self) -> bool {
        self.server.as_ref().is_some_and(|server| !server.broker().log().durable().poisoned())
    }

    fn server(&mut self) -> Result<&mut Offline, Violation> {
        self.server.as_mut().ok_or_else(|| Violation("the server is down".into()))
    }

    fn hear(&mut self, bytes: &[u8]) {
        use std::hash::BuildHasher;
        self.heard = self.trace.hash_one((self.heard, bytes));
    }

    fn open(&self, disk: &FaultyDisk) -> Result<Offline, String> {
        ackline::simulate(Some(self.now));
        let mode = match self.mode {
            SyncMode::Always => "always",
            SyncMode::EverySec => "everysec",
            SyncMode::No => "no",
        };
        let local = LocalOptions { segment_bytes: 16 * 1024, ..LocalOptions::default() };
        let directives = ["--appendfsync".to_owned(), mode.to_owned()];
        Offline::open(Arc::new(disk.clone()), local, self.seed, &directives)
            .map_err(|error| error.to_string())
    }

    fn start(&mut self) -> Kept {
        let server =
            self.open(&self.disk).map_err(|error| Violation(format!("it does not start: {error}")))?;
        self.server = Some(server);
        for n in 0..CLIENTS {
            let connection = self.server()?.connect();
            match self.clients.get_mut(n) {
                Some(client) => client.reconnect(connection),
                None => self.clients.push(Client::new(format!("c{n}"), connection)),
            }
        }
        Ok(())
    }

    /// Groups are created before anything else, and synced in every mode.
    fn prepare(&mut self) -> Kept {
        for stream in STREAMS {
            for group in GROUPS {
                self.ask(&["XGROUP", "CREATE", stream, group, "0", "MKSTREAM"])?;
            }
        }
        let broker = Arc::clone(self.server()?.broker());
        broker.log().sync(broker.log().last());
        Ok(())
    }

    /// One thing happens.
    fn step(&mut self) -> Kept {
        match self.rng.below(100) {
            0..=44 => self.act(),
            45..=69 => {
                let second = self.rng.one_in(10);
                self.server()?.broker().log().step(second);
                Ok(())
            }
            70..=84 => self.receive(),
            85..=89 => {
                self.server()?.turn();
                Ok(())
            }
            90..=93 => self.pass_time(),
            94 => self.reconnect(),
            95..=96 => self.checkpoint(),
            97 => {
                self.fault();
                Ok(())
            }
            _ => {
                self.now += self.rng.between(0, 20);
                self.tick()
            }
        }
    }

    fn act(&mut self) -> Kept {
        let n = self.rng.below(CLIENTS as u64) as usize;
        let times = if self.rng.one_in(4) { self.rng.between(2, 12) } else { 1 };
        let mut bytes = Vec::new();
        for _ in 0..times {
            let client = &mut self.clients[n];
            if client.waits_for() < 40 {
                bytes.extend(client.act(&mut self.rng, &mut self.facts));
            }
        }
        let connection = self.clients[n].connection;
        // In two pieces, cut anywhere.
        let cut = self.rng.below(bytes.len() as u64 + 1) as usize;
        self.server()?.feed(connection, &bytes[..cut]);
        self.server()?.feed(connection, &bytes[cut..]);
        Ok(())
    }

    fn receive(&mut self) -> Kept {
        let n = self.rng.below(CLIENTS as u64) as usize;
        self.receive_of(n)
    }

    fn receive_of(&mut self, n: usize) -> Kept {
        let connection = self.clients[n].connection;
        let Some(bytes) = self.server()?.receive(connection) else { return Ok(()) };
        self.hear(&bytes);
        self.clients[n].receive(&bytes, &mut self.facts)
    }

    fn tick(&mut self) -> Kept {
        ackline::simulate(Some(self.now));
        let server = self.server()?;
        server.broker().tick();
        server.turn();
        Ok(())
    }

    /// Mostly a little; now and then the clock is set, forward or back.
    fn pass_time(&mut self) -> Kept {
        self.now += match self.rng.below(12) {
            0 => self.rng.between(-7_200_000, 0),
            1 => self.rng.between(0, 7_200_000),
            _ => self.rng.between(0, 500),
        };
        self.tick()
    }

    /// A connection is reset with whatever was under way.
    fn reconnect(&mut self) -> Kept {
        let n = self.rng.below(CLIENTS as u64) as usize;
        let old = self.clients[n].connection;
        let server = self.server()?;
        server.disconnect(old);
        let new = server.connect();
        self.clients[n].reconnect(new);
        Ok(())
    }

    /// A checkpoint with traffic between its two halves.
    fn checkpoint(&mut self) -> Kept {
        let broker = Arc::clone(self.server()?.broker());
        let Some(checkpoint) = broker.begin_checkpoint() else { return Ok(()) };
        for _ in 0..self.rng.below(20) {
            match self.rng.below(3) {
                0 => self.act()?,
                1 => self.receive()?,
                _ => broker.log().step(false),
            }
        }
        match checkpoint.finish() {
            Ok(_) => self.report.checkpoints.0 += 1,
            Err(_) => self.report.checkpoints.1 += 1,
        }
        Ok(())
    }

    /// The disk begins to fail, or to be full, or has room again.
    fn fault(&mut self) {
        match self.rng.below(6) {
            0 => self.disk.calls_left.store(self.rng.between(0, 40), SeqCst),
            1 | 2 => {
                let used: usize = self.files().iter().map(|(_, bytes)| bytes.len()).sum();
                self.disk.capacity.store(used as u64 + self.rng.below(20_000), SeqCst);
            }
            _ => self.disk.capacity.store(u64::MAX, SeqCst),
        }
    }

    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let names = self.disk.list().unwrap_or_default();
        names.into_iter().map(|name| (name.clone(), self.disk.read(&name).unwrap_or_default())).collect()
    }

    /// The server ends without warning; then everything that was promised is looked for.
    fn crash(&mut self) -> Kept {
        self.report.crashes += 1;
        let poisoned = !self.is_alive();
        self.server = None;
        let power = poisoned || self.rng.one_in(2);
        let rng = &mut self.rng;
        let odds = rng.between(1, 4) as u64;
        let disk = match power {
            true => self.disk.after_power_cut(&mut || rng.one_in(odds)),
            false => self.disk.copy(),
        };
        self.disk = disk;
        // Weaker modes may lose what was not synced when the power is cut; nothing may be lost otherwise.
        let all = self.mode == SyncMode::Always || !power;
        self.damage()?;
        let found = self.audit()?;
        if !all {
            self.clients.iter_mut().for_each(Client::forget);
        }
        for (name, facts) in &mut self.facts.streams {
            if all {
                facts.audit(name, &found[name])?;
            } else {
                facts.shown(&found[name].entries)?;
                facts.believe(&found[name]);
            }
        }
        Ok(())
    }

    /// Flips a byte somewhere: the server must refuse the directory, or make up for it, or not have needed it. One of two
    /// snapshots is always made up for.
    fn damage(&mut self) -> Kept {
        let whole = self.open(&self.disk.copy()).map_err(|error| Violation(format!("no start: {error}")))?;
        let digest = whole.broker().digest();
        drop(whole);
        let files = self.files();
        let (name, bytes) = self.rng.pick(&files).clone();
        if bytes.is_empty() {
            return Ok(());
        }
        let disk = self.disk.copy();
        disk.flip(&name, self.rng.below(bytes.len() as u64) as usize, 1 << self.rng.below(8));
        self.report.damage += 1;
        let snapshots = files.iter().filter(|(name, _)| name.ends_with(".snap")).count();
        match self.open(&disk) {
            Err(error) => {
                let made_up_for = name.ends_with(".snap") && snapshots > 1;
                promise!(
                    !made_up_for,
                    "a damaged snapshot, {name}, and the other one does not help: {error}"
                );
                Ok(())
            }
            Ok(server) => {
                promise!(server.broker().digest() == digest, "a flipped byte of {name} was loaded");
                Ok(())
            }
        }
    }

    /// Looks at everything with a server of its own, twice: recovery must not depend on how often it happens.
    fn audit(&mut self) -> Result<BTreeMap<&'static str, Found>, Violation> {
        let copy = self.disk.copy();
        let first = self.open(&copy).map_err(|error| Violation(format!("no start: {error}")))?;
        let digest = first.broker().digest();
        drop(first);
        let again =
            self.open(&copy.copy()).map_err(|error| Violation(format!("no second start: {error}")))?;
        promise!(again.broker().digest() == digest, "a second recovery gave another state");
        self.server = Some(again);
        let mut found = BTreeMap::new();
        for stream in STREAMS {
            found.insert(stream, self.look(stream)?);
        }
        self.server = None;
        Ok(found)
    }

    fn look(&mut self, stream: &str) -> Result<Found, Violation> {
        let entries = entries_of(&self.ask(&["XRANGE", stream, "-", "+"])?)?;
        let mut groups = BTreeMap::new();
        let Value::Array(infos) = self.ask(&["XINFO", "GROUPS", stream])? else {
            return Err(Violation(format!("{stream}: no groups")));
        };
        for info in infos {
            let Value::Array(fields) = info else { continue };
            let field = |name: &[u8]| {
                let at = fields.iter().position(|field| matches!(field, Value::Bulk(text) if text == name));
                at.and_then(|at| fields.get(at + 1))
                    .ok_or_else(|| Violation("XINFO GROUPS lacks a field".into()))
            };
            let name = text(field(b"name")?)?;
            let (position, length) = (id_of(field(b"last-delivered-id")?)?, int(field(b"pending")?)?);
            let rows = rows_of(&self.ask(&["XPENDING", stream, &name, "-", "+", "1000000"])?)?;
            groups.insert(name, (position, rows, length));
        }
        Ok(Found { entries, groups })
    }

    /// Asks on a connection of its own and waits for the answer.
    fn ask(&mut self, words: &[&str]) -> Result<Value, Violation> {
        let server = self.server()?;
        let id = server.connect();
        server.feed(id, &command(words));
        let mut answer = Vec::new();
        for _ in 0..3 {
            server.broker().log().step(true);
            answer.extend(server.receive(id).unwrap_or_default());
        }
        server.disconnect(id);
        self.hear(&answer);
        match decode_value(&answer) {
            Ok(Some((value, _))) => Ok(value),
            _ => Err(Violation(format!("no answer to {words:?}"))),
        }
    }

    /// A clean end: what was appended is there, to the last record.
    fn stop(&mut self) -> Kept {
        self.disk.calls_left.store(-1, SeqCst);
        self.disk.capacity.store(u64::MAX, SeqCst);
        let Some(server) = self.server.take() else { return Ok(()) };
        let (broker, digest) = (Arc::clone(server.broker()), server.broker().digest());
        if broker.log().durable().poisoned() {
            return Ok(());
        }
        let kept = broker.checkpoint().and_then(|_| broker.close());
        kept.map_err(|error| Violation(format!("a clean end failed: {error}")))?;
        drop(broker);
        drop(server);
        let disk = self.disk.after_power_cut(&mut || false);
        let back = self.open(&disk).map_err(|error| Violation(format!("no start: {error}")))?;
        promise!(back.broker().digest() == digest, "a clean end lost something");
        self.disk = disk;
        Ok(())
    }

    fn finish(&mut self) -> Kept {
        self.server = None;
        for (name, bytes) in self.files() {
            self.hear(name.as_bytes());
            self.hear(&bytes);
        }
        self.report.trace = self.heard;
        self.report.refused = self.facts.refused;
        for facts in self.facts.streams.values() {
            self.report.added += facts.added_count();
            self.report.delivered += facts.groups.values().map(|group| group.delivered_count()).sum::<u64>();
            self.report.acked += facts.groups.values().map(|group| group.acked_count()).sum::<u64>();
        }
        Ok(())
    }
}
