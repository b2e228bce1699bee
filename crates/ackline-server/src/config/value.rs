//! The kinds of values, how each is read, and its canonical form.

use super::events;

/// What a parameter's value looks like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// `yes` or `no`.
    Bool,
    /// A number within bounds.
    Int(i64, i64),
    /// Bytes: plain, or with k, kb, m, mb, g, gb.
    Memory,
    /// One of these words.
    Enum(&'static [&'static str]),
    /// Anything.
    Text,
    /// `seconds changes` pairs.
    Save,
    /// `class hard soft seconds` groups.
    OutputLimits,
    /// Letters of event classes.
    Events,
}

impl Kind {
    /// The canonical form of a value, or why it is none.
    pub(super) fn read(self, text: &str) -> Result<String, String> {
        match self {
            Kind::Bool => match text.to_ascii_lowercase().as_str() {
                word @ ("yes" | "no") => Ok(word.to_owned()),
                _ => Err("argument must be 'yes' or 'no'".to_owned()),
            },
            Kind::Int(min, max) => {
                let n: i64 =
                    text.parse().map_err(|_| "argument couldn't be parsed into an integer".to_owned())?;
                match (min..=max).contains(&n) {
                    true => Ok(n.to_string()),
                    false => Err(format!("argument must be between {min} and {max} inclusive")),
                }
            }
            Kind::Memory => {
                memory(text).map(|n| n.to_string()).ok_or("argument must be a memory value".to_owned())
            }
            Kind::Enum(words) => {
                let found = words.iter().find(|word| text.eq_ignore_ascii_case(word));
                let all = || format!("argument(s) must be one of the following: {}", words.join(", "));
                found.map(|word| (*word).to_owned()).ok_or_else(all)
            }
            Kind::Text => Ok(text.to_owned()),
            Kind::Save => save(text).ok_or("Invalid save parameters".to_owned()),
            Kind::OutputLimits => output_limits(text),
            Kind::Events => events::canonical(text)
                .ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".to_owned()),
        }
    }

    /// As [`Kind::read`], from the words of a directive.
    pub(super) fn read_words(self, words: &[String]) -> Result<String, String> {
        match (self, words) {
            (Kind::Save, _) | (Kind::OutputLimits, _) => self.read(&words.join(" ")),
            (_, [word]) => self.read(word),
            (Kind::Text, _) => Ok(words.join(" ")),
            _ => Err("wrong number of arguments".to_owned()),
        }
    }
}

/// A memory value in bytes: k is 1000, kb is 1024.
fn memory(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match &lower[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn save(text: &str) -> Option<String> {
    let numbers: Option<Vec<u64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() % 2 == 0)?;
    Some(numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(" "))
}

/// The three classes in their order; classes that are not named keep their defaults.
fn output_limits(text: &str) -> Result<String, String> {
    let bad = || "Wrong number of arguments in buffer limit configuration.".to_owned();
    let mut limits =
        [("normal", [0; 3]), ("slave", [268435456, 67108864, 60]), ("pubsub", [33554432, 8388608, 60])];
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err(bad());
    }
    for group in words.chunks_exact(4) {
        let name = if group[0] == "replica" { "slave" } else { group[0] };
        let limit = limits.iter_mut().find(|(class, _)| *class == name);
        let limit = limit
            .ok_or_else(|| "Invalid client class specified in buffer limit configuration.".to_owned())?;
        let seconds = group[3].parse::<u64>().ok();
        limit.1 =
            [memory(group[1]).ok_or_else(bad)?, memory(group[2]).ok_or_else(bad)?, seconds.ok_or_else(bad)?];
    }
    let line = |(name, [hard, soft, seconds]): &(&str, [u64; 3])| format!("{name} {hard} {soft} {seconds}");
    Ok(limits.iter().map(line).collect::<Vec<_>>().join(" "))
}
