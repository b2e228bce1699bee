//! The kinds of values, how each is read, and its canonical form.

use super::events;

/// What a parameter's value looks like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// `yes` or `no`.
    Bool,
    /// A number within bounds.
    Int(i64, i64),
    /// Bytes, no fewer than these: plain, or with k, kb, m, mb, g, gb.
    Memory(i64),
    /// As [`Kind::Memory`], or a percentage of `maxmemory`.
    Percent,
    /// One of these words.
    Enum(&'static [&'static str]),
    /// Several of these words.
    Flags(&'static [&'static str]),
    /// Anything; one word in a file.
    Text,
    /// Words, separated by spaces.
    Words,
    /// `seconds changes` pairs.
    Save,
    /// `class hard soft seconds` groups.
    OutputLimits,
    /// Letters of event classes.
    Events,
}

impl Kind {
    /// The canonical form of a value, or why it is none. `current` is what the parameter has now.
    pub(super) fn read(self, text: &str, current: &str) -> Result<String, String> {
        match self {
            Kind::Bool => match text.to_ascii_lowercase().as_str() {
                word @ ("yes" | "no") => Ok(word.to_owned()),
                _ => Err("argument must be 'yes' or 'no'".to_owned()),
            },
            Kind::Int(min, max) => integer(text, min, max),
            Kind::Memory(min) => {
                let n = memory(text).ok_or("argument must be a memory value")?;
                within(n, min, i64::MAX)
            }
            Kind::Percent if text.ends_with('%') => {
                integer(text.trim_end_matches('%'), 0, 100).map(|number| format!("{number}%"))
            }
            Kind::Percent => Kind::Memory(0).read(text, current),
            Kind::Enum(words) => one_of(text, words),
            Kind::Flags(words) => several(text, words),
            Kind::Text | Kind::Words => Ok(text.to_owned()),
            Kind::Save => save(text).ok_or("Invalid save parameters".to_owned()),
            Kind::OutputLimits => output_limits(text, current),
            Kind::Events => events::canonical(text)
                .ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".to_owned()),
        }
    }

    /// As [`Kind::read`], from the words of a directive. A missing word is never read as an empty value: a password
    /// that got lost must not open the server. Lines of `save` add up, until one is empty.
    pub(super) fn read_words(self, words: &[String], current: &str) -> Result<String, String> {
        match (self, words) {
            (Kind::Save, _) => {
                let more = self.read(&words.join(" "), current)?;
                Ok(if more.is_empty() { more } else { format!("{current} {more}").trim_start().to_owned() })
            }
            (Kind::OutputLimits | Kind::Words | Kind::Flags(_), [_, ..]) => {
                self.read(&words.join(" "), current)
            }
            (_, [word]) => self.read(word, current),
            _ => Err("wrong number of arguments".to_owned()),
        }
    }
}

fn integer(text: &str, min: i64, max: i64) -> Result<String, String> {
    let number = text.parse().ok().filter(|_| !text.starts_with('+'));
    within(number.ok_or("argument couldn't be parsed into an integer")?, min, max)
}

fn within(number: i64, min: i64, max: i64) -> Result<String, String> {
    match (min..=max).contains(&number) {
        true => Ok(number.to_string()),
        false => Err(format!("argument must be between {min} and {max} inclusive")),
    }
}

fn one_of(text: &str, words: &[&str]) -> Result<String, String> {
    let found = words.iter().find(|word| text.eq_ignore_ascii_case(word));
    let all = || format!("argument(s) must be one of the following: {}", words.join(", "));
    found.map(|word| (*word).to_owned()).ok_or_else(all)
}

/// The words in the order in which they are known; `save` and `nosave` exclude each other.
fn several(text: &str, words: &[&str]) -> Result<String, String> {
    let given: Vec<String> =
        text.split_whitespace().map(|word| one_of(word, words)).collect::<Result<_, _>>()?;
    let has = |word: &str| given.iter().any(|given| given == word);
    if given.is_empty() {
        return one_of("", words);
    }
    if has("save") && has("nosave") {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".to_owned());
    }
    let known: Vec<&str> = words.iter().copied().filter(|word| has(word)).collect();
    Ok(known.join(" "))
}

/// A memory value in bytes: k is 1000, kb is 1024.
fn memory(text: &str) -> Option<i64> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: i64 = match &lower[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    let number = digits.parse::<i64>().ok().filter(|_| digits.starts_with(|c: char| c.is_ascii_digit()));
    number?.checked_mul(unit)
}

/// Pairs of at least a second and a number of changes.
fn save(text: &str) -> Option<String> {
    let numbers: Option<Vec<u32>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() % 2 == 0)?;
    let whole = numbers.iter().step_by(2).all(|seconds| *seconds > 0);
    whole.then(|| numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(" "))
}

/// The three classes in their order; classes that are not named keep what they have.
fn output_limits(text: &str, current: &str) -> Result<String, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".to_owned());
    }
    let mut all: Vec<String> = current.split(' ').map(str::to_owned).collect();
    for group in words.chunks_exact(4) {
        let name = if group[0].eq_ignore_ascii_case("replica") { "slave" } else { group[0] };
        let class = all.chunks_exact_mut(4).find(|class| class[0].eq_ignore_ascii_case(name));
        let class = class.ok_or("Invalid client class specified in buffer limit configuration.")?;
        let limits = limit(group)
            .ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
        class[1..].clone_from_slice(&limits);
    }
    Ok(all.join(" "))
}

/// The hard limit, the soft one, and the seconds of a group whose first word is its class.
fn limit(group: &[&str]) -> Option<[String; 3]> {
    let seconds = integer(group[3], 0, i32::MAX.into()).ok()?;
    Some([memory(group[1])?.to_string(), memory(group[2])?.to_string(), seconds])
}
