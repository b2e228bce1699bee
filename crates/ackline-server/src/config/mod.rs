//! Configuration: a typed table of parameters, from files, the environment, the command line, and CONFIG SET.
//!
//! ```text
//! defaults, files, ACKLINE_*, --name value ──► Config { values, live }   values: what CONFIG GET shows, behind a lock
//! CONFIG SET ─────────────────────────────►                              live: what the data path reads, atomics
//! ```

mod effects;
mod environment;
mod events;
mod file;
mod known;
mod live;
mod load;
mod place;
mod promise;
mod reference;
mod rewrite;
mod table;
mod value;
mod words;

pub(crate) use live::Live;
pub(crate) use place::system_text;
pub use place::{ConfigError, UserLine};
pub(crate) use table::is_secret;

use ackline_engine::{Error, glob};
use effects::Effects;
use known::{ALIASES, FOREIGN};
use load::Origin;
use parking_lot::{Mutex, RwLock};
use promise::Promise;
use std::path::Path;
use std::sync::Arc;
use table::{Parameter, TABLE};

/// The values of all parameters.
#[derive(Debug)]
pub struct Config {
    values: RwLock<Vec<String>>,
    live: Live,
    origin: Origin,
    effects: Effects,
    /// One change at a time.
    changing: Mutex<()>,
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}

impl Config {
    /// The defaults.
    pub fn new() -> Config {
        let values: Vec<String> = TABLE.iter().map(|parameter| parameter.default.to_owned()).collect();
        let live = Live::default();
        live.refresh(&values);
        let (origin, effects) = (Origin::default(), Effects::default());
        Config { values: RwLock::new(values), live, origin, effects, changing: Mutex::default() }
    }

    /// Defaults, then a file if the first word names one, then `--name value` pairs. `-`, as the first word or the
    /// last, is a file on the standard input.
    ///
    /// # Errors
    ///
    /// What the first directive that cannot be accepted is, where it stands, and why.
    pub fn from_args(args: &[String]) -> Result<Config, ConfigError> {
        Config::load(args, std::iter::empty())
    }

    /// As [`Config::from_args`], with `ACKLINE_*` variables between the file and the command line. `ACKLINE_CONFIG`
    /// names a file if the command line does not.
    ///
    /// # Errors
    ///
    /// As [`Config::from_args`].
    pub fn from_args_and_environment(
        args: &[String],
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        Config::load(args, variables)
    }

    /// Whether a parameter was given at the start, by a file, the environment or the command line, be it with its
    /// default.
    pub fn is_given(&self, name: &str) -> bool {
        position(name.as_bytes()).is_some_and(|at| self.origin.given.contains_key(&at))
    }

    /// The `user` lines of the configuration files, in their order.
    pub fn user_lines(&self) -> &[UserLine] {
        &self.origin.users
    }

    /// Commands with new names, in the order in which they were given; an empty name takes a command away.
    pub fn renames(&self) -> &[(String, String)] {
        &self.origin.renames
    }

    /// What whoever started the server should be warned of.
    pub fn notices(&self) -> &[String] {
        &self.origin.notices
    }

    /// The configuration file, as an absolute path.
    pub fn file(&self) -> Option<&Path> {
        self.origin.file.as_deref()
    }

    /// Runs `effect` whenever CONFIG SET has changed one of the parameters; it sees the new values. If it fails, CONFIG
    /// SET fails with its reason and all values are what they were; effects that had run already run again with these.
    pub fn watch(
        &self,
        names: &'static [&'static str],
        effect: impl Fn(&Config) -> Result<(), String> + Send + Sync + 'static,
    ) {
        self.effects.add(names, Arc::new(effect));
    }

    /// Whether CONFIG SET may change a parameter.
    pub fn is_mutable(&self, name: &str) -> bool {
        position(name.as_bytes()).is_some_and(|at| TABLE[at].mutable)
    }

    /// Names and values of the parameters that match one of the patterns.
    pub fn get<'p>(&self, patterns: impl Iterator<Item = &'p [u8]>) -> Vec<(String, String)> {
        let patterns: Vec<&[u8]> = patterns.collect();
        let values = self.values.read();
        let wanted =
            |name: &str| patterns.iter().any(|pattern| glob::matches(pattern, name.as_bytes(), true));
        let found = names().filter(|name| wanted(name));
        found.filter_map(|name| Some((name.to_owned(), values[position(name.as_bytes())?].clone()))).collect()
    }

    /// A copy in which parameters are set, for what has to be tried before it is set.
    pub(crate) fn with(&self, pairs: &[(&[u8], &[u8])]) -> Result<Config, Error> {
        let copy = Config { values: RwLock::new(self.values.read().clone()), ..Config::new() };
        copy.set(pairs)?;
        Ok(copy)
    }

    /// Sets parameters, all or none, with what that brings about; answers the names of those whose value is now
    /// another.
    ///
    /// # Errors
    ///
    /// The reply of CONFIG SET.
    pub fn set(&self, pairs: &[(&[u8], &[u8])]) -> Result<Vec<&'static str>, Error> {
        let places = places(pairs)?;
        let _one = self.changing.lock();
        let before = self.values.read().clone();
        let mut after = before.clone();
        let mut names = Vec::new();
        for (at, (_, value)) in places.into_iter().zip(pairs) {
            after[at] = accept(TABLE[at], &before[at], value)?;
            if after[at] != before[at] {
                names.push(TABLE[at].name);
            }
        }
        self.show(after);
        if let Err((name, reason)) = self.effects.run(self, &names) {
            self.show(before);
            // What worked a moment ago works again, as far as it ran at all.
            let _ = self.effects.run(self, &names);
            return Err(refused(name, &reason));
        }
        Ok(names)
    }

    /// Makes the values those that everybody sees.
    fn show(&self, values: Vec<String>) {
        let mut shown = self.values.write();
        self.live.refresh(&values);
        *shown = values;
    }

    /// The value of a parameter as CONFIG GET shows it.
    pub fn string(&self, name: &str) -> String {
        position(name.as_bytes()).map_or_else(String::new, |at| self.values.read()[at].clone())
    }

    /// The value of a parameter that is a number; 0 if it is none.
    pub fn int(&self, name: &str) -> i64 {
        self.string(name).parse().unwrap_or(0)
    }

    /// Whether a parameter is `yes`.
    pub fn flag(&self, name: &str) -> bool {
        self.string(name) == "yes"
    }

    /// What the data path reads.
    pub(crate) fn live(&self) -> &Live {
        &self.live
    }
}

/// Where the named parameters are; each may be named once.
fn places(pairs: &[(&[u8], &[u8])]) -> Result<Vec<usize>, Error> {
    let mut places = Vec::with_capacity(pairs.len());
    for (name, _) in pairs {
        let at = position(&name.to_ascii_lowercase()).ok_or_else(|| {
            Error::concat(&[b"ERR Unknown option or number of arguments for CONFIG SET - '", name, b"'"])
        })?;
        if places.contains(&at) {
            return Err(refused(TABLE[at].name, "duplicate parameter"));
        }
        places.push(at);
    }
    Ok(places)
}

/// The canonical form of a value that CONFIG SET may give to a parameter.
fn accept(parameter: &Parameter, current: &str, value: &[u8]) -> Result<String, Error> {
    let text = std::str::from_utf8(value).map_err(|_| "argument must be valid UTF-8".to_owned());
    let read = text.and_then(|text| parameter.kind.read(text, current));
    // Suites write back what they read; that is no change.
    let same = parameter.name == "appendonly" && read.as_deref() == Ok(current);
    let name = parameter.name;
    if !parameter.mutable && !same {
        return Err(refused(name, "can't set immutable config"));
    }
    let value = read.map_err(|reason| refused(name, &reason))?;
    match promise::judge(name, &value) {
        Promise::Broken(reason) => return Err(refused(name, reason)),
        Promise::Otherwise(reason) if value != current => tracing::warn!("{name} {value}: {reason}"),
        _ => {}
    }
    Ok(value)
}

/// Where a parameter is, by its name or an older one.
fn position(name: &[u8]) -> Option<usize> {
    let alias = ALIASES.iter().find(|(alias, _)| alias.as_bytes() == name);
    let name = alias.map_or(name, |(_, name)| name.as_bytes());
    TABLE.binary_search_by(|parameter| parameter.name.as_bytes().cmp(name)).ok()
}

/// All names of parameters, older ones too.
fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|parameter| parameter.name).chain(ALIASES.iter().map(|(alias, _)| *alias))
}

/// The directive that a misspelt one was meant to be.
fn near(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let all = names().chain(["include", "rename-command", "user"]);
    let (distance, near) = all.map(|known| (distance(&lower, known), known)).min()?;
    (1..=2.min(name.len() / 3)).contains(&distance).then_some(near)
}

/// How many letters are to be added, taken away or replaced until one word is the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let best = (row[j].min(row[j + 1]) + 1).min(corner + usize::from(x != y));
            corner = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[b.len()]
}

fn refused(name: &str, reason: &str) -> Error {
    Error::from(format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn what_get_shows_set_accepts() {
        let config = Config::new();
        for (name, value) in config.get([&b"*"[..]].into_iter()) {
            let result = config.set(&[(name.as_bytes(), value.as_bytes())]);
            let immutable =
                result.as_ref().is_err_and(|error| error.to_string().ends_with("immutable config"));
            assert!(result.is_ok() || immutable, "{name} {value}: {result:?}");
        }
    }

    #[test]
    fn a_bad_value_changes_nothing() {
        let config = Config::new();
        let pairs: [(&[u8], &[u8]); 2] = [(b"maxclients", b"5"), (b"hz", b"x")];
        assert!(config.set(&pairs).is_err());
        assert_eq!(config.int("maxclients"), 10000);
    }

    #[test]
    fn the_command_line_overrides_the_file() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), "# comment\nport 7000\nsave 3600 1 300 100\nrequirepass \"a b\"\n")
            .expect("written");
        let path = file.path().display().to_string();
        let config =
            Config::from_args(&args(&[&path, "--port", "7001", "--appendfsync", "no"])).expect("valid");
        assert_eq!((config.int("port"), config.string("requirepass")), (7001, "a b".to_owned()));
        assert_eq!(config.string("save"), "3600 1 300 100");
        let error = Config::from_args(&args(&["--nosuch", "1"])).expect_err("refused").to_string();
        assert!(error.ends_with("Bad directive or wrong number of arguments"), "{error}");
    }

    #[test]
    fn errors_are_those_of_redis() {
        let config = Config::new();
        let error = |name: &str, value: &str| {
            config.set(&[(name.as_bytes(), value.as_bytes())]).expect_err("refused").to_string()
        };
        assert!(error("maxmemory", "x").ends_with("argument must be a memory value"));
        assert!(
            error("stream-idmp-duration", "0").ends_with("argument must be between 1 and 86400 inclusive")
        );
        assert!(error("appendfsync", "x").ends_with("must be one of the following: everysec, always, no"));
        assert!(error("port", "1").ends_with("can't set immutable config"));
        assert!(error("notify-keyspace-events", "Q").contains("Invalid event class character"));
    }

    #[test]
    fn canonical_forms() {
        let config = Config::new();
        let cases = [
            ("notify-keyspace-events", "KEA", "AKE"),
            ("notify-keyspace-events", "mKExn", "xnKEm"),
            ("notify-keyspace-events", "AKEmnoc", "AKEm"),
            ("maxmemory", "1KB", "1024"),
            ("repl-backlog-size", "2m", "2000000"),
            ("appendfsync", "EVERYSEC", "everysec"),
            ("slave-priority", "7", "7"),
        ];
        for (name, value, shown) in cases {
            config.set(&[(name.as_bytes(), value.as_bytes())]).expect(name);
            assert_eq!(config.string(name), shown, "{name} {value}");
        }
        assert_eq!(config.int("replica-priority"), 7);
        assert_eq!(config.set(&[(b"hz", b"11"), (b"timeout", b"0")]).expect("valid"), ["hz"]);
    }

    #[test]
    fn values_that_are_none() {
        let config = Config::new();
        let cases: [(&str, &[u8]); 9] = [
            ("maxclients", b"+5"),
            ("maxclients", b"0"),
            ("maxmemory", b"-1"),
            ("maxmemory", b"99999999999gb"),
            ("proto-max-bulk-len", b"5"),
            ("save", b"3600"),
            ("save", b"0 1"),
            ("requirepass", b"\xff"),
            ("client-output-buffer-limit", b"master 1 2 3"),
        ];
        for (name, value) in cases {
            assert!(config.set(&[(name.as_bytes(), value)]).is_err(), "{name} {value:?}");
        }
    }

    #[test]
    fn classes_of_output_limits_are_set_one_by_one() {
        let lines = "client-output-buffer-limit normal 1 2 3\nclient-output-buffer-limit replica 1mb 2 3\n";
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), lines).expect("written");
        let config = Config::from_args(&args(&[&file.path().display().to_string()])).expect("valid");
        let shown = "normal 1 2 3 slave 1048576 2 3 pubsub 33554432 8388608 60";
        assert_eq!(config.string("client-output-buffer-limit"), shown);
        assert_eq!(config.live().output_limits(false).hard, 1);
    }

    #[test]
    fn a_lost_word_is_no_empty_value() {
        for words in [&["--requirepass"][..], &["--requirepass", "a", "b"], &["--bind"], &["--port"]] {
            let error = Config::from_args(&args(words)).expect_err("refused").to_string();
            assert!(error.ends_with("wrong number of arguments"), "{error}");
        }
        let config = Config::from_args(&args(&["--bind", "127.0.0.1", "-::1", "--save", ""])).expect("valid");
        assert_eq!(config.string("bind"), "127.0.0.1 -::1");
    }
}
