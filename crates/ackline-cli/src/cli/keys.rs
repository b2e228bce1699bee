//! Walking through the keys: all of them, or the biggest of each type.

use super::command::{print, say};
use super::format::{Output, quoted};
use super::link::Link;
use super::options::{Mode, Options};
use ackline_admin::reply::{bytes, int, items, text};
use ackline_resp::decode_reply::Value;
use std::collections::BTreeMap;

/// Steps between two pauses (`-i`).
const STEPS: u64 = 100;

/// Runs one of the modes.
pub(super) fn walk(options: &Options, link: &mut Link) -> Result<(), String> {
    match options.mode {
        Mode::Scan => each_page(options, link, |_, keys| list(options, keys)),
        mode => biggest(options, link, mode == Mode::MemKeys),
    }
}

fn each_page(
    options: &Options,
    link: &mut Link,
    mut page: impl FnMut(&mut Link, &[Value]) -> Result<(), String>,
) -> Result<(), String> {
    let count = options.count.to_string();
    let (mut cursor, mut steps) = (b"0".to_vec(), 0);
    loop {
        let mut words: Vec<&[u8]> = vec![b"SCAN", &cursor];
        if let Some(pattern) = &options.pattern {
            words.extend([&b"MATCH"[..], pattern]);
        }
        words.extend([&b"COUNT"[..], count.as_bytes()]);
        let reply = link.ask(&words)?;
        let [next, keys] = items(&reply) else {
            return Err("SCAN was answered by something else".to_owned());
        };
        page(link, items(keys))?;
        cursor = bytes(next).to_vec();
        steps += 1;
        if cursor == b"0" {
            return Ok(());
        }
        // --scan pauses after each step, as redis-cli does.
        if options.mode == Mode::Scan || steps % STEPS == 0 {
            std::thread::sleep(options.interval);
        }
    }
}

fn list(options: &Options, keys: &[Value]) -> Result<(), String> {
    let mut out = Vec::new();
    for key in keys {
        match options.format.output {
            Output::Standard => out.extend(quoted(bytes(key)).bytes()),
            _ => out.extend(bytes(key)),
        }
        out.push(b'\n');
    }
    print(&out).map_err(|error| error.to_string())
}

/// What is counted of a type.
struct Type {
    /// The command that says how long such a value is, and what it counts.
    length: Option<(&'static str, &'static str)>,
    keys: u64,
    total: i64,
    biggest: Option<(Vec<u8>, i64)>,
}

/// Types in the order of the summary.
const TYPES: [(&str, &str, &str, &str); 6] = [
    ("list", "lists", "LLEN", "items"),
    ("hash", "hashs", "HLEN", "fields"),
    ("stream", "streams", "XLEN", "entries"),
    ("string", "strings", "STRLEN", "bytes"),
    ("set", "sets", "SCARD", "members"),
    ("zset", "zsets", "ZCARD", "members"),
];

/// What was found.
#[derive(Default)]
struct Survey {
    keys: u64,
    name_bytes: u64,
    types: BTreeMap<String, Type>,
}

impl Survey {
    fn of(&mut self, name: &str) -> &mut Type {
        self.types.entry(name.to_owned()).or_insert_with(|| {
            let known = TYPES.iter().find(|(kind, ..)| *kind == name);
            Type {
                length: known.map(|(.., command, unit)| (*command, *unit)),
                keys: 0,
                total: 0,
                biggest: None,
            }
        })
    }
}

const OPENING: &str = "
# Scanning the entire keyspace to find biggest keys as well as
# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec
# per 100 SCAN commands (not usually needed).

";

fn biggest(options: &Options, link: &mut Link, memory: bool) -> Result<(), String> {
    say(OPENING)?;
    let all = link.ask(&["DBSIZE"]).ok().as_ref().and_then(int).unwrap_or(0);
    let mut survey = Survey::default();
    each_page(options, link, |link, keys| {
        let percent = 100.0 * survey.keys as f64 / all.max(1) as f64;
        for key in keys {
            look(link, bytes(key), memory, percent, &mut survey)?;
        }
        Ok(())
    })?;
    say(&summary(&survey, memory))
}

fn look(link: &mut Link, key: &[u8], memory: bool, percent: f64, survey: &mut Survey) -> Result<(), String> {
    let name = text(&link.ask(&[&b"TYPE"[..], key])?);
    if name == "none" {
        // It is gone since.
        return Ok(());
    }
    survey.keys += 1;
    survey.name_bytes += key.len() as u64;
    let kind = survey.of(&name);
    let words: Vec<&[u8]> = match (memory, kind.length) {
        (true, _) => vec![b"MEMORY", b"USAGE", key],
        (false, Some((command, _))) => vec![command.as_bytes(), key],
        (false, None) => Vec::new(),
    };
    let size = if words.is_empty() { 0 } else { link.ask(&words).ok().as_ref().and_then(int).unwrap_or(0) };
    kind.keys += 1;
    kind.total += size;
    if kind.biggest.as_ref().is_none_or(|(_, most)| size > *most) {
        let (name, unit) = (format!("{name:<6}"), unit(kind, memory));
        say(&format!("[{percent:05.2}%] Biggest {name} found so far {} with {size} {unit}\n", quoted(key)))?;
        kind.biggest = Some((key.to_vec(), size));
    }
    Ok(())
}

fn unit(kind: &Type, memory: bool) -> &'static str {
    if memory { "bytes" } else { kind.length.map_or("?", |(_, unit)| unit) }
}

fn summary(survey: &Survey, memory: bool) -> String {
    let (keys, name_bytes) = (survey.keys, survey.name_bytes);
    let mut lines = vec![
        "\n-------- summary -------\n".to_owned(),
        format!("Sampled {keys} keys in the keyspace!"),
        format!(
            "Total key length in bytes is {name_bytes} (avg len {:.2})\n",
            average(name_bytes as f64, keys)
        ),
    ];
    for (name, kind) in &survey.types {
        if let Some((key, size)) = &kind.biggest {
            lines.push(format!("Biggest {name:>6} found {} has {size} {}", quoted(key), unit(kind, memory)));
        }
    }
    lines.push(String::new());
    lines.extend(TYPES.map(|(name, plural, command, counted)| {
        let missing = Type { length: Some((command, counted)), keys: 0, total: 0, biggest: None };
        let kind = survey.types.get(name).unwrap_or(&missing);
        let percent = 100.0 * average(kind.keys as f64, keys);
        let (keys, total, unit) = (kind.keys, kind.total, unit(kind, memory));
        let each = average(total as f64, keys);
        format!("{keys} {plural} with {total} {unit} ({percent:05.2}% of keys, avg size {each:.2})")
    }));
    lines.join("\n") + "\n"
}

fn average(total: f64, keys: u64) -> f64 {
    if keys == 0 { 0.0 } else { total / keys as f64 }
}
