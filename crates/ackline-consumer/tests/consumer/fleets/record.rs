//! What happened, a line each, in a file that all processes of a fleet append to.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// Appends lines. Each is one write, so that whoever is killed leaves whole ones.
pub(super) struct Record(File);

impl Record {
    pub(super) fn open(path: &Path) -> Record {
        Record(OpenOptions::new().create(true).append(true).open(path).unwrap())
    }

    /// A producer has it confirmed.
    pub(super) fn added(&self, stream: &str, id: impl Display, plan: &str) {
        self.line(format_args!("added {stream} {id} {plan}"));
    }

    /// A handler begins.
    pub(super) fn begun(&self, stream: &str, id: impl Display, key: &str, deliveries: u64) {
        self.line(format_args!("begun {stream} {id} {key} {deliveries} {}", std::process::id()));
    }

    /// A handler has come to its end.
    pub(super) fn ended(&self, stream: &str, id: impl Display, how: &str) {
        self.line(format_args!("ended {stream} {id} {how}"));
    }

    fn line(&self, line: impl Display) {
        (&self.0).write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

/// An entry's ID, in its order.
pub(super) type Id = (u64, u64);

pub(super) fn id(text: &str) -> Id {
    let (ms, seq) = text.split_once('-').unwrap_or_else(|| panic!("no ID: {text}"));
    (ms.parse().unwrap(), seq.parse().unwrap())
}

/// All that happened to one entry.
#[derive(Debug, Default)]
pub(super) struct Life {
    pub(super) confirmed: bool,
    pub(super) begun: usize,
    /// A handler was through with it: it succeeded, or has rejected it.
    pub(super) done: bool,
}

/// What the file says.
#[derive(Default)]
pub(super) struct History {
    pub(super) lives: BTreeMap<(String, Id), Life>,
    /// Where the order of a key was broken.
    pub(super) disorder: Vec<String>,
    order: HashMap<(String, String), Lane>,
}

/// A key.
#[derive(Default)]
struct Lane {
    /// What every process began last.
    last: HashMap<u32, Id>,
    /// The greatest that anybody began.
    greatest: Id,
    all: Vec<Id>,
}

impl History {
    pub(super) fn read(path: &Path) -> History {
        let mut history = History::default();
        for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
            history.learn(&line.split(' ').collect::<Vec<_>>());
        }
        history
    }

    pub(super) fn confirmed(&self) -> usize {
        self.lives.values().filter(|life| life.confirmed).count()
    }

    fn learn(&mut self, words: &[&str]) {
        match *words {
            ["added", stream, at, _] => self.life(stream, at).confirmed = true,
            ["begun", stream, at, key, _, pid] => {
                self.life(stream, at).begun += 1;
                self.line_up(stream, id(at), key, pid.parse().unwrap());
            }
            ["ended", stream, at, how] => self.life(stream, at).done |= matches!(how, "ok" | "reject"),
            _ => panic!("what is {words:?}?"),
        }
    }

    fn life(&mut self, stream: &str, at: &str) -> &mut Life {
        self.lives.entry((stream.to_owned(), id(at))).or_default()
    }

    /// One process never goes back to an earlier entry of a key, and nobody begins a new one before those in front of it are
    /// through.
    fn line_up(&mut self, stream: &str, at: Id, key: &str, pid: u32) {
        let lane = self.order.entry((stream.to_owned(), key.to_owned())).or_default();
        let last = lane.last.insert(pid, at).unwrap_or_default();
        if last > at {
            self.disorder.push(format!("{key}: process {pid} went back from {last:?} to {at:?}"));
        }
        if at > lane.greatest {
            let lives = &self.lives;
            let open = lane.all.iter().find(|&&before| !lives[&(stream.to_owned(), before)].done);
            self.disorder
                .extend(open.map(|before| format!("{key}: {at:?} began before {before:?} was through")));
            lane.greatest = at;
        } else if !lane.all.contains(&at) {
            self.disorder.push(format!("{key}: {at:?} began for the first time after {:?}", lane.greatest));
        }
        if !lane.all.contains(&at) {
            lane.all.push(at);
        }
    }
}
