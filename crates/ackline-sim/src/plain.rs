//! Replies as plain trees that can be compared and read.

use ackline_engine::state::EntryRef;
use ackline_engine::{Outcome, Reply};
use ackline_resp::quote;
use std::fmt;

/// A reply as a client would see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plain {
    /// A simple string.
    Status(String),
    /// An integer.
    Int(i64),
    /// A bulk string.
    Bulk(Vec<u8>),
    /// The null bulk string.
    Nil,
    /// The null array.
    NilArray,
    /// An array, or a set.
    Array(Vec<Plain>),
    /// A map.
    Map(Vec<(Plain, Plain)>),
    /// An error.
    Error(String),
}

impl Plain {
    /// What a command gave. With `resp3` the result of a read is a map, else an array of pairs.
    pub fn of(outcome: &Outcome, resp3: bool) -> Plain {
        match outcome {
            Ok(reply) => Plain::reply(reply, resp3),
            Err(error) => Plain::Error(error.to_string()),
        }
    }

    fn reply(reply: &Reply, resp3: bool) -> Plain {
        let tree = |reply: &Reply| Plain::reply(reply, resp3);
        let pairs =
            |pairs: &[(Reply, Reply)]| pairs.iter().map(|(k, v)| (tree(k), tree(v))).collect::<Vec<_>>();
        match reply {
            Reply::Ok => Plain::Status("OK".into()),
            Reply::Simple(text) => Plain::Status((*text).into()),
            Reply::Line(text) => Plain::Status(text.to_string()),
            Reply::Double(n) => Plain::text(n),
            Reply::Int(n) => Plain::Int(*n),
            Reply::Bulk(bytes) => Plain::Bulk(bytes.to_vec()),
            Reply::Name(name) => Plain::Bulk(name.to_vec()),
            Reply::Text(text) | Reply::Verbatim(text) => Plain::text(text),
            Reply::Decimal(n) => Plain::text(n),
            Reply::Id(id) => Plain::text(id),
            Reply::Null => Plain::Nil,
            Reply::NullArray => Plain::NilArray,
            Reply::Array(items) | Reply::Set(items) => Plain::Array(items.iter().map(tree).collect()),
            Reply::Map(of) => Plain::Map(pairs(of)),
            Reply::Pairs(of) if resp3 => Plain::Map(pairs(of)),
            Reply::Pairs(of) => {
                Plain::Array(pairs(of).into_iter().map(|(k, v)| Plain::Array(vec![k, v])).collect())
            }
            Reply::Entry(entry) => Plain::Array(entry_parts(entry)),
            Reply::Delivered(entry, idle, count) => {
                let mut parts = entry_parts(entry);
                parts.extend([Plain::Int(*idle), Plain::Int(*count)]);
                Plain::Array(parts)
            }
            Reply::Error(error) => Plain::Error(error.to_string()),
        }
    }

    /// A bulk string of what something prints.
    pub fn text(of: impl fmt::Display) -> Plain {
        Plain::Bulk(of.to_string().into_bytes())
    }

    /// The value of a name in a map.
    pub fn field(&self, name: &str) -> Option<&Plain> {
        let Plain::Map(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| *key == Plain::text(name)).map(|(_, value)| value)
    }

    fn lines(&self) -> Vec<String> {
        match self {
            Plain::Status(text) => vec![text.clone()],
            Plain::Int(n) => vec![format!("(integer) {n}")],
            Plain::Bulk(bytes) => {
                let mut text = String::new();
                quote(&mut text, bytes);
                vec![text]
            }
            Plain::Nil => vec!["(nil)".into()],
            Plain::NilArray => vec!["(nil array)".into()],
            Plain::Error(text) => vec![format!("(error) {text}")],
            Plain::Array(items) if items.is_empty() => vec!["(empty array)".into()],
            Plain::Map(pairs) if pairs.is_empty() => vec!["(empty map)".into()],
            Plain::Array(items) => {
                let width = items.len().to_string().len();
                let numbered = items.iter().enumerate();
                numbered.flat_map(|(i, item)| beside(&format!("{:>width$}) ", i + 1), item)).collect()
            }
            Plain::Map(pairs) => pairs.iter().flat_map(|(key, value)| pair(key, value)).collect(),
        }
    }
}

/// `name => value`; a list or map that is not empty stands below its name.
fn pair(key: &Plain, value: &Plain) -> Vec<String> {
    let name = key.lines().join(" ");
    let name = name.trim_matches('"');
    let below = match value {
        Plain::Array(items) => !items.is_empty(),
        Plain::Map(pairs) => !pairs.is_empty(),
        _ => false,
    };
    match below {
        true => [format!("{name} =>")].into_iter().chain(beside("  ", value)).collect(),
        false => beside(&format!("{name} => "), value),
    }
}

/// The lines of `value` behind `prefix`, later ones indented as far.
fn beside(prefix: &str, value: &Plain) -> Vec<String> {
    let blank = " ".repeat(prefix.len());
    let lines = value.lines().into_iter().enumerate();
    lines.map(|(i, line)| if i == 0 { format!("{prefix}{line}") } else { format!("{blank}{line}") }).collect()
}

fn entry_parts(entry: &EntryRef) -> Vec<Plain> {
    let words = entry.words().map(|word| Plain::Bulk(word.to_vec()));
    vec![Plain::text(entry.id), Plain::Array(words.collect())]
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}
