//! Session files: what clients say and what they get, in plain text.
//!
//! ```text
//! # a comment
//! > XADD s 1-0 f v                  a command, quoted as in redis-cli
//! "1-0"                             its reply
//! @ +500ms                          time passes (ms, s, m)
//! client bob                        the next commands are bob's
//! client eve resp3 db 1             eve speaks RESP3 and looks at database 1
//! config stream-node-max-entries 3  a setting
//! > XREAD BLOCK 0 STREAMS s $
//! blocked                           the reply of a read that waits
//! blocked bob                       bob still waits
//! unblocked bob                     bob got an answer meanwhile, namely
//! (nil array)
//! ```

use crate::driver::{Answer, Driver};
use ackline_resp::words;
use std::fmt;

/// The time at which every session begins, Unix ms.
pub const START: i64 = 1_000_000_000;

/// A step of a session, with the lines that follow it as its expected reply.
#[derive(Clone, Debug)]
struct Step {
    line: usize,
    text: String,
    expected: Vec<String>,
}

/// A reply that is not as expected, or a line that makes no sense.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// The line of the step, from 1.
    pub line: usize,
    /// What the step says.
    pub step: String,
    /// What should have come.
    pub expected: String,
    /// What came.
    pub found: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { line, step, expected, found } = self;
        write!(f, "line {line}: {step}\n--- expected\n{expected}\n+++ found\n{found}\n")
    }
}

/// A session that was run.
pub struct Ran {
    /// The driver as the session left it.
    pub driver: Driver,
    /// What was not as expected.
    pub mismatches: Vec<Mismatch>,
    /// The file as it would be right.
    pub corrected: String,
}

/// Runs the text of a session file on so many shards.
pub fn run(text: &str, shards: usize) -> Ran {
    let mut runner = Runner { driver: Driver::new(shards, START), client: "main".into() };
    let mut mismatches = Vec::new();
    let mut corrected = String::new();
    for step in steps(text) {
        let found = runner.step(&step.text).unwrap_or_else(|problem| vec![format!("(problem) {problem}")]);
        corrected.push_str(&step.text);
        corrected.push('\n');
        found.iter().for_each(|line| corrected.extend([line, "\n"]));
        if found != step.expected {
            let (expected, found) = (step.expected.join("\n"), found.join("\n"));
            mismatches.push(Mismatch { line: step.line, step: step.text, expected, found });
        }
    }
    let left: Vec<&str> = runner.driver.unread().collect();
    if !left.is_empty() {
        let (step, expected, found) = ("end of the session".into(), String::new(), left.join(" "));
        mismatches.push(Mismatch { line: text.lines().count(), step, expected, found });
    }
    Ran { driver: runner.driver, mismatches, corrected }
}

/// Everything that is not a step by itself belongs to the reply of the step before it.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        match steps.last_mut() {
            Some(step) if !is_step(line) => step.expected.push(line.to_owned()),
            _ => steps.push(Step { line: i + 1, text: line.to_owned(), expected: Vec::new() }),
        }
    }
    steps
}

fn is_step(line: &str) -> bool {
    let begins = ["> ", "@ ", "#", "client ", "config ", "blocked ", "unblocked "];
    line.is_empty() || begins.iter().any(|begin| line.starts_with(begin))
}

struct Runner {
    driver: Driver,
    client: String,
}

impl Runner {
    /// Does what a line says: the lines of its reply.
    fn step(&mut self, line: &str) -> Result<Vec<String>, String> {
        let words = || line.split_whitespace().skip(1);
        let nothing = |()| Vec::new();
        match line.split_whitespace().next() {
            Some(">") => self.call(&line[2..]),
            Some("@") => self.wait(words().next().unwrap_or("")).map(nothing),
            Some("client") => self.switch(words()).map(nothing),
            Some("config") => self.configure(words()).map(nothing),
            Some("blocked") => match words().find(|name| !self.driver.is_blocked(name)) {
                Some(name) => Err(format!("{name} does not wait")),
                None => Ok(Vec::new()),
            },
            Some("unblocked") => {
                let name = words().next().unwrap_or("");
                let answer = self.driver.take_answer(name).ok_or("no answer yet")?;
                Ok(lines(&answer.to_string()))
            }
            _ => Ok(Vec::new()),
        }
    }

    fn call(&mut self, line: &str) -> Result<Vec<String>, String> {
        let words = words(line.as_bytes()).ok_or("unbalanced quotes")?;
        if self.driver.is_blocked(&self.client) {
            return Err(format!("{} is blocked", self.client));
        }
        match self.driver.call(&self.client, &words) {
            Answer::Now(reply) => Ok(lines(&reply.to_string())),
            Answer::Blocked => Ok(vec!["blocked".into()]),
        }
    }

    fn wait(&mut self, time: &str) -> Result<(), String> {
        let digits = time.strip_prefix('+').ok_or("a time begins with +")?;
        let (digits, factor) = match digits {
            _ if digits.ends_with("ms") => (digits.trim_end_matches("ms"), 1),
            _ if digits.ends_with('s') => (digits.trim_end_matches('s'), 1_000),
            _ => (digits.trim_end_matches('m'), 60_000),
        };
        let n: i64 = digits.parse().map_err(|_| "a time is a number and ms, s or m")?;
        self.driver.advance(n * factor);
        Ok(())
    }

    fn switch<'w>(&mut self, mut words: impl Iterator<Item = &'w str>) -> Result<(), String> {
        self.client = words.next().ok_or("whose turn is it?")?.to_owned();
        while let Some(word) = words.next() {
            let client = self.driver.client(&self.client);
            match word {
                "resp2" => client.resp3 = false,
                "resp3" => client.resp3 = true,
                "db" => client.db = words.next().and_then(|n| n.parse().ok()).ok_or("which database?")?,
                _ => return Err(format!("unknown word {word}")),
            }
        }
        Ok(())
    }

    fn configure<'w>(&mut self, mut words: impl Iterator<Item = &'w str>) -> Result<(), String> {
        let name = words.next().unwrap_or("");
        let value = words.next().and_then(|n| n.parse().ok()).ok_or("a setting needs a number")?;
        let settings = &mut self.driver.settings;
        *match name {
            "stream-node-max-entries" => &mut settings.node_max_entries,
            "stream-node-max-bytes" => &mut settings.node_max_bytes,
            "stream-idmp-duration" => &mut settings.idmp_duration,
            "stream-idmp-maxsize" => &mut settings.idmp_maxsize,
            _ => return Err(format!("unknown setting {name}")),
        } = value;
        Ok(())
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
