//! Commands that are decided upon: shown, counted, run.

use crate::Value;
use crate::client::Client;
use crate::http::problem::Problem;
use crate::reply::{int, items, text};
use crate::words::quoted;
use serde_json::json;

/// Words of one command.
pub(crate) type Words = Vec<Vec<u8>>;

/// Commands that are shown, and words of one.
const SHOWN: usize = 20;
const WORDS: usize = 16;

/// Commands that are sent together.
const TOGETHER: usize = 16;

/// How many entries or other things the replies say were affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Count {
    /// Every command is about one thing, and has done it if it did not fail.
    Each,
    /// The reply is a number.
    Number,
    /// The reply is a list.
    List,
}

/// What an action comes to.
pub(crate) struct Plan {
    pub(crate) commands: Vec<Words>,
    pub(crate) count: Count,
    pub(crate) matched: i64,
    /// There is more than one request may do.
    pub(crate) truncated: bool,
    /// Asked at a dry run for the number of matches.
    measure: Option<Measure>,
    /// Runs in place of the commands, one after the other.
    pub(crate) moves: Option<super::redrive::Moves>,
    hides_last: bool,
}

/// How many entries a trim would remove.
struct Measure {
    stream: Vec<u8>,
    by_length: bool,
    bound: Vec<u8>,
}

/// What an action has done.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) matched: i64,
    pub(crate) affected: i64,
    pub(crate) commands: Vec<String>,
    pub(crate) truncated: bool,
    pub(crate) results: Vec<serde_json::Value>,
}

impl Plan {
    /// One command about so many things.
    pub(crate) fn one(words: Words, matched: i64) -> Plan {
        Plan::many(vec![words], Count::Each, matched)
    }

    /// Several commands, about `matched` things all together.
    pub(crate) fn many(commands: Vec<Words>, count: Count, matched: i64) -> Plan {
        Plan { commands, count, matched, truncated: false, measure: None, moves: None, hides_last: false }
    }

    /// A trim, of which a dry run says how many entries it would remove at most.
    pub(crate) fn trim(words: Words, stream: &[u8], by_length: bool, bound: Vec<u8>) -> Plan {
        let measure = Measure { stream: stream.to_vec(), by_length, bound };
        Plan { measure: Some(measure), count: Count::Number, ..Plan::one(words, 0) }
    }

    /// The last word is nobody's business.
    pub(crate) fn with_secret(self) -> Plan {
        Plan { hides_last: true, ..self }
    }

    /// Runs it, or says what would be run.
    pub(crate) fn run(mut self, client: &mut Client, dry_run: bool) -> Result<Done, Problem> {
        if let Some(measure) = self.measure.take() {
            self.matched = measure.ask(client)?;
        }
        let mut done = Done {
            matched: self.matched,
            commands: self.commands.iter().take(SHOWN).map(|words| self.line(words)).collect(),
            truncated: self.truncated,
            ..Done::default()
        };
        if dry_run {
            return Ok(done);
        }
        if let Some(moves) = self.moves.take() {
            moves.run(client, &mut done)?;
            return Ok(done);
        }
        for commands in self.commands.chunks(TOGETHER) {
            for reply in client.call_all(commands)? {
                self.note(&reply, &mut done)?;
            }
        }
        Ok(done)
    }

    fn note(&self, reply: &Value, done: &mut Done) -> Result<(), Problem> {
        if let Value::Error(text) = reply {
            let text = String::from_utf8_lossy(text);
            // What was done before is done: it is said, not hidden behind the error.
            if done.affected == 0 {
                return Err(Problem::said(&text));
            }
            done.results.push(json!({ "error": text }));
            return Ok(());
        }
        done.affected += match self.count {
            Count::Each => int(reply).unwrap_or(1),
            Count::Number => int(reply).unwrap_or(0),
            Count::List => items(reply).len() as i64,
        };
        if self.count == Count::Each && done.results.len() < SHOWN {
            done.results.push(result(reply));
        }
        Ok(())
    }

    /// As it would be typed. Long lists of IDs are cut.
    fn line(&self, words: &Words) -> String {
        let is_ids = words.len() > WORDS && words[0] != b"XADD";
        let shown = if is_ids { &words[..WORDS] } else { &words[..] };
        let mut line = String::new();
        for (at, word) in shown.iter().enumerate() {
            if at > 0 {
                line.push(' ');
            }
            match self.hides_last && at + 1 == words.len() {
                true => line.push_str("(hidden)"),
                false => line.push_str(&quoted(word)),
            }
        }
        if is_ids {
            line.push_str(" ..");
        }
        line
    }
}

impl Measure {
    fn ask(&self, client: &mut Client) -> Result<i64, Problem> {
        let length = int(&client.call(&[&b"XLEN"[..], &self.stream])?).unwrap_or(0);
        if self.by_length {
            let most: i64 =
                std::str::from_utf8(&self.bound).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
            return Ok(length.saturating_sub(most).max(0));
        }
        let end = [b"(", self.bound.as_slice()].concat();
        let most = super::ids::MOST.to_string();
        let words: [&[u8]; 6] = [b"XRANGE", &self.stream, b"-", &end, b"COUNT", most.as_bytes()];
        Ok(items(&client.call(&words)?).len() as i64)
    }
}

fn result(reply: &Value) -> serde_json::Value {
    match reply {
        Value::Int(number) => (*number).into(),
        other => text(other).into(),
    }
}

impl Done {
    /// As the API shows it.
    pub(crate) fn row(self, dry_run: bool) -> serde_json::Value {
        json!({
            "matched": self.matched,
            "affected": self.affected,
            "commands": self.commands,
            "truncated": self.truncated,
            "dry_run": dry_run,
            "results": self.results,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Words {
        line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn commands_are_shown_as_they_are_typed() {
        let plan = Plan::one(Vec::new(), 1);
        assert_eq!(plan.line(&words("XADD orders:eu * a b")), "XADD orders:eu * a b");
        assert_eq!(plan.line(&vec![b"DEL".to_vec(), b"a b\xff".to_vec()]), r#"DEL "a b\xff""#);
        let ids: Vec<String> = (0..100).map(|n| format!("{n}-0")).collect();
        let line = plan.line(&words(&format!("XACK s g {}", ids.join(" "))));
        assert!(line.ends_with("12-0 .."), "{line}");
        let secret = Plan::one(Vec::new(), 1).with_secret();
        assert_eq!(secret.line(&words("CONFIG SET requirepass sesame")), "CONFIG SET requirepass (hidden)");
    }
}
