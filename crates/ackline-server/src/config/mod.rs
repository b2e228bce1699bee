//! Configuration: a typed table of Redis's parameters, from a file, the command line, and CONFIG SET.
//!
//! ```text
//! file, --name value ──► Config { values, live }      values: what CONFIG GET shows, behind a lock
//! CONFIG SET ──────────►                              live: what the data path reads, atomics
//! ```

mod events;
mod file;
mod live;
mod table;
mod value;

pub use file::ConfigError;
pub(crate) use live::Live;

use ackline_engine::{Error, glob};
use parking_lot::RwLock;
use table::{Parameter, TABLE};

/// The values of all parameters.
pub struct Config {
    values: RwLock<Vec<String>>,
    live: Live,
}

impl Default for Config {
    fn default() -> Config {
        Config::new()
    }
}

impl Config {
    /// The defaults.
    pub fn new() -> Config {
        let values = TABLE.iter().map(|parameter| parameter.default.to_owned()).collect();
        let config = Config { values: RwLock::new(values), live: Live::default() };
        config.refresh();
        config
    }

    /// Defaults, then a file if the first word names one, then `--name value` pairs.
    pub fn from_args(args: &[String]) -> Result<Config, ConfigError> {
        let config = Config::new();
        for directive in file::directives(args)? {
            config.apply(&directive)?;
        }
        Ok(config)
    }

    fn apply(&self, directive: &file::Directive) -> Result<(), ConfigError> {
        let fail = |reason: String| ConfigError { place: directive.place.clone(), reason };
        let name = directive.name.to_ascii_lowercase();
        let at = position(name.as_bytes()).ok_or_else(|| fail(format!("unknown directive '{name}'")))?;
        let parameter = &TABLE[at];
        let value = parameter
            .kind
            .read_words(&directive.values)
            .map_err(|reason| fail(format!("{name}: {reason}")))?;
        self.values.write()[at] = value;
        self.refresh();
        Ok(())
    }

    /// Names and values of the parameters that match one of the patterns.
    pub fn get<'p>(&self, patterns: impl Iterator<Item = &'p [u8]>) -> Vec<(String, String)> {
        let patterns: Vec<&[u8]> = patterns.collect();
        let values = self.values.read();
        let wanted =
            |name: &str| patterns.iter().any(|pattern| glob::matches(pattern, name.as_bytes(), true));
        let all = TABLE.iter().zip(values.iter());
        all.filter(|(parameter, _)| wanted(parameter.name))
            .map(|(parameter, value)| (parameter.name.to_owned(), value.clone()))
            .collect()
    }

    /// Sets parameters, all or none; answers the names of those given.
    pub fn set(&self, pairs: &[(&[u8], &[u8])]) -> Result<Vec<&'static str>, Error> {
        let mut changes: Vec<(usize, String)> = Vec::new();
        for (name, _) in pairs {
            let lower = name.to_ascii_lowercase();
            let at = position(&lower).ok_or_else(|| {
                Error::concat(&[b"ERR Unknown option or number of arguments for CONFIG SET - '", name, b"'"])
            })?;
            if changes.iter().any(|(other, _)| *other == at) {
                return Err(refused(&TABLE[at], "duplicate parameter"));
            }
            changes.push((at, String::new()));
        }
        for ((at, text), (_, value)) in changes.iter_mut().zip(pairs) {
            *text = self.read(&TABLE[*at], *at, value)?;
        }
        let mut values = self.values.write();
        let names = changes.iter().map(|(at, _)| TABLE[*at].name).collect();
        changes.into_iter().for_each(|(at, text)| values[at] = text);
        drop(values);
        self.refresh();
        Ok(names)
    }

    fn read(&self, parameter: &Parameter, at: usize, value: &[u8]) -> Result<String, Error> {
        let value = String::from_utf8_lossy(value).into_owned();
        let read = parameter.kind.read(&value);
        if !parameter.mutable {
            // Suites write back what they read; that is no change.
            let same = parameter.name == "appendonly" && read.as_deref() == Ok(&*self.values.read()[at]);
            return if same { Ok(value) } else { Err(refused(parameter, "can't set immutable config")) };
        }
        read.map_err(|reason| refused(parameter, &reason))
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

    fn refresh(&self) {
        self.live.refresh(|name| self.string(name));
    }
}

fn position(name: &[u8]) -> Option<usize> {
    TABLE.iter().position(|parameter| parameter.name.as_bytes() == name)
}

fn refused(parameter: &Parameter, reason: &str) -> Error {
    let name = parameter.name;
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
        let error = Config::from_args(&args(&["--nosuch", "1"])).err().expect("refused").to_string();
        assert!(error.contains("unknown directive 'nosuch'"), "{error}");
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
}
