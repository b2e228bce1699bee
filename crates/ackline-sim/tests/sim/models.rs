//! Random commands: the engine and the model say the same, and the log says the same again.
//!
//! `SIM_RUNS` and `SIM_STEPS` make it longer, `SIM_SEED` repeats one run.

use ackline_sim::model::{Command, Model};
use ackline_sim::workload::{Workload, observations, shown};
use ackline_sim::{Answer, Driver, Plain, Rng, replayed};

/// A small clock, so that IDs made of it and IDs made up meet.
const START: i64 = 5;
const BLOCK_MAX: u64 = 4;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

struct Run {
    driver: Driver,
    model: Model,
    workload: Workload,
    trace: Vec<String>,
    /// Digests by the number of batches that led to them.
    digests: Vec<(usize, String)>,
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut driver = Driver::new(1 + (seed % 5) as usize, START);
        driver.settings.node_max_entries = BLOCK_MAX;
        driver.settings.node_max_bytes = 0;
        let model = Model::new(START, BLOCK_MAX);
        Run { driver, model, workload: Workload::new(seed), trace: Vec::new(), digests: Vec::new() }
    }

    fn ask(&mut self, words: &[String]) -> Plain {
        match self.driver.call("client", words) {
            Answer::Now(reply) => reply,
            Answer::Blocked => panic!("{words:?} blocks"),
        }
    }

    fn step(&mut self) -> Result<(), String> {
        let pause = self.workload.pause();
        self.driver.advance(pause);
        self.model.now += pause;
        let command = self.workload.command(&self.model);
        self.trace.push(format!("{:>6}  {}", self.model.now, shown(&command)));
        self.compare(&command)?;
        for observation in observations(&self.model) {
            self.compare(&observation).map_err(|problem| format!("afterwards {problem}"))?;
        }
        self.compare_infos()?;
        self.digests.push((self.driver.log().len(), self.driver.digest()));
        Ok(())
    }

    fn compare(&mut self, command: &Command) -> Result<(), String> {
        let (found, expected) = (self.ask(&command.words()), self.model.execute(command));
        same(&shown(command), &expected, &found)
    }

    fn compare_infos(&mut self) -> Result<(), String> {
        for key in self.model.streams.keys().cloned().collect::<Vec<_>>() {
            let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
            let found = self.ask(&words(&["XINFO", "GROUPS", &key]));
            same(&format!("XINFO GROUPS {key}"), &self.model.groups(&key), &found)?;
            let found = self.ask(&words(&["XINFO", "STREAM", &key]));
            for (name, expected) in self.model.overview(&key) {
                same(&format!("{name} of {key}"), &expected, found.field(name).unwrap_or(&Plain::Nil))?;
            }
            for group in self.model.streams[&key].groups.keys().cloned().collect::<Vec<_>>() {
                let found = self.ask(&words(&["XINFO", "CONSUMERS", &key, &group]));
                same(&format!("XINFO CONSUMERS {key} {group}"), &self.model.consumers(&key, &group), &found)?;
            }
        }
        Ok(())
    }

    fn check_log(&mut self, seed: u64) -> Result<(), String> {
        let (log, live) = (self.driver.log().to_vec(), self.driver.digest());
        let mut rng = Rng::new(seed);
        let count = log.len();
        let cuts: Vec<(usize, String)> = (0..3).map(|_| rng.pick(&self.digests).clone()).collect();
        for (cut, digest) in cuts.into_iter().chain([(count, live)]) {
            for shards in [1, 4, 16] {
                if replayed(&log[..cut], shards).as_ref() != Some(&digest) {
                    return Err(format!("{cut} of {count} batches on {shards} shards give another digest"));
                }
            }
        }
        Ok(())
    }
}

fn same(what: &str, expected: &Plain, found: &Plain) -> Result<(), String> {
    match expected == found {
        true => Ok(()),
        false => Err(format!("{what}\n--- model\n{expected}\n+++ engine\n{found}")),
    }
}

fn run(seed: u64, steps: u64) {
    let mut run = Run::new(seed);
    let result = (0..steps).try_for_each(|_| run.step()).and_then(|()| run.check_log(seed));
    if let Err(problem) = result {
        let trace = run.trace.join("\n");
        panic!("{trace}\n\n{problem}\n\nSIM_SEED={seed} SIM_STEPS={steps} repeats this");
    }
}

#[test]
fn the_engine_and_the_model_agree() {
    let steps = number("SIM_STEPS").unwrap_or(150);
    match number("SIM_SEED") {
        Some(seed) => run(seed, steps),
        None => (0..number("SIM_RUNS").unwrap_or(60)).for_each(|seed| run(seed, steps)),
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = |seed| {
        let mut run = Run::new(seed);
        (0..100).for_each(|_| drop(run.step()));
        run.driver.log().concat()
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}
