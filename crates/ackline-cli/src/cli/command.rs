//! One command: sent, answered, printed; and what comes unasked.

use super::format::{Format, Output, quoted};
use super::link::{Heard, Link, is};
use super::table;
use ackline_resp::decode_reply::Value;
use std::io::{self, Write};
use std::sync::atomic::AtomicBool;

/// How replies are shown.
pub(super) struct Screen {
    pub(super) format: Format,
    pub(super) tables: bool,
    pub(super) pushes: bool,
}

/// How a command ended.
#[derive(Debug, PartialEq)]
pub(super) enum Done {
    Fine,
    /// The server's own words.
    Refused(String),
    Interrupted,
}

/// Why there was no answer.
#[derive(Debug)]
pub(super) enum Failed {
    /// The connection, or what came over it.
    Link(String),
    /// Nobody reads what is printed.
    Output,
}

impl From<io::Error> for Failed {
    fn from(_: io::Error) -> Failed {
        Failed::Output
    }
}

impl From<String> for Failed {
    fn from(text: String) -> Failed {
        Failed::Link(text)
    }
}

impl Screen {
    /// Runs a command and prints its reply; with `strict` not if it is an error, which is for the caller to print. While
    /// messages are listened to it is only sent: its reply comes among them.
    pub(super) fn run(
        &self,
        link: &mut Link,
        words: &[Vec<u8>],
        strict: bool,
        interrupted: &AtomicBool,
    ) -> Result<Done, Failed> {
        link.send(words)?;
        if link.state.is_subscribed() {
            return Ok(Done::Fine);
        }
        for _ in 0..replies_to(words) {
            let reply = loop {
                let heard = link.receive_unless(interrupted);
                // Who is told to end does so without a word.
                if heard.is_err() && is(words, "SHUTDOWN") {
                    return Ok(Done::Fine);
                }
                match heard? {
                    Heard::Interrupted => return Ok(Done::Interrupted),
                    Heard::Value(value) if is_aside(&value, words) => self.show_push(&value)?,
                    Heard::Value(value) => break value,
                }
            };
            link.follow(words, &reply);
            if !(strict && matches!(reply, Value::Error(_))) {
                self.show(&reply, words)?;
            }
            if let Value::Error(text) = reply {
                return Ok(Done::Refused(String::from_utf8_lossy(&text).into_owned()));
            }
        }
        Ok(Done::Fine)
    }

    /// Prints what comes while messages are listened to. Ends only when they are not any more.
    pub(super) fn listen(&self, link: &mut Link) -> Result<(), Failed> {
        while link.state.is_listening() {
            let value = link.receive()?;
            self.show(&value, &[])?;
        }
        Ok(())
    }

    pub(super) fn show(&self, value: &Value, words: &[Vec<u8>]) -> io::Result<()> {
        let table = if self.tables { table::table(value, words) } else { None };
        let text = match table {
            Some(table) => table.into_bytes(),
            None => self.format.reply(value, words),
        };
        print(&text)
    }

    /// Something that the server says unasked.
    pub(super) fn show_push(&self, value: &Value) -> io::Result<()> {
        match self.pushes {
            true => print(&self.push(value)),
            false => Ok(()),
        }
    }

    fn push(&self, value: &Value) -> Vec<u8> {
        match value {
            Value::Push(items) if self.format.output == Output::Standard => match items.as_slice() {
                [Value::Bulk(kind), keys] if kind == b"invalidate" => invalidated(keys),
                _ => self.format.reply(value, &[]),
            },
            _ => self.format.reply(value, &[]),
        }
    }
}

/// Keys that changed for somebody who tracks them.
fn invalidated(keys: &Value) -> Vec<u8> {
    let names = match keys {
        Value::Array(keys) => keys.iter().map(|key| match key {
            Value::Bulk(key) => {
                let quoted = quoted(key);
                format!("'{}'", &quoted[1..quoted.len() - 1])
            }
            _ => String::new(),
        }),
        _ => return b"-> invalidate: (all)\n".to_vec(),
    };
    format!("-> invalidate: {}\n", names.collect::<Vec<_>>().join(", ")).into_bytes()
}

/// Whether a value answers something else than this command.
fn is_aside(value: &Value, words: &[Vec<u8>]) -> bool {
    matches!(value, Value::Push(_)) && !is_subscription(words)
}

fn is_subscription(words: &[Vec<u8>]) -> bool {
    const NAMES: [&str; 6] =
        ["SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUNSUBSCRIBE"];
    words.first().is_some_and(|word| NAMES.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes())))
}

/// Every channel is confirmed on its own.
fn replies_to(words: &[Vec<u8>]) -> usize {
    match is_subscription(words) {
        true => words.len().saturating_sub(1).max(1),
        false => 1,
    }
}

/// The same for what is no reply.
pub(super) fn say(text: &str) -> Result<(), String> {
    print(text.as_bytes()).map_err(|error| error.to_string())
}

/// Writes at once: whoever reads may be a script that waits.
pub(super) fn print(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text).and_then(|()| out.flush());
    if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        // As programs end whose reader has seen enough: without a word.
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGPIPE)?;
    }
    written
}
