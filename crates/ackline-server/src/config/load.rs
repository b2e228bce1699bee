//! From directives to values, at the start.

use super::place::{ConfigError, Directive, UserLine};
use super::promise::{Promise, judge};
use super::table::{TABLE, is_secret};
use super::{Config, FOREIGN, environment, file, near, position};
use crate::commands;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Where the values came from; it does not change while the server runs.
#[derive(Debug, Default)]
pub(super) struct Origin {
    /// The configuration file, as an absolute path.
    pub(super) file: Option<PathBuf>,
    /// The last directive of each parameter that was given, by the parameter's place in the table.
    pub(super) given: BTreeMap<usize, Directive>,
    pub(super) users: Vec<UserLine>,
    pub(super) renames: Vec<(String, String)>,
    /// Known directives that have no effect.
    pub(super) idle: BTreeSet<String>,
    /// What whoever started the server should know.
    pub(super) notices: Vec<String>,
}

impl Config {
    /// Defaults, then files, then the environment, then `--name value` pairs.
    pub(super) fn load(
        args: &[String],
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, ConfigError> {
        let mut config = Config::new();
        let mut line = file::command_line(args)?;
        let environment = environment::read(variables);
        if line.files.is_empty() {
            line.files.extend(environment.file);
        }
        for path in &line.files {
            file::read(path)?.into_iter().try_for_each(|directive| config.take(directive))?;
        }
        config.origin.file = line
            .files
            .iter()
            .find(|path| *path != file::STDIN)
            .map(|path| std::path::absolute(path).unwrap_or(path.into()));
        let rest = environment.directives.into_iter().chain(line.directives);
        rest.into_iter().try_for_each(|directive| config.take(directive))?;
        if !environment.unknown.is_empty() {
            let names = environment.unknown.join(", ");
            config
                .origin
                .notices
                .push(format!("the environment has variables that are no directives: {names}"));
        }
        config.judge()?;
        Ok(config)
    }

    fn take(&mut self, directive: Directive) -> Result<(), ConfigError> {
        let name = directive.name.to_ascii_lowercase();
        match name.as_str() {
            "user" if directive.values.is_empty() => Err(directive.refuse("wrong number of arguments")),
            "user" => {
                self.origin.users.push(UserLine(directive));
                Ok(())
            }
            "rename-command" => self.rename(&directive),
            "loadmodule" | "loadmodule-ex" => Err(directive.refuse("there are no modules: remove the line")),
            "sentinel" => Err(directive.refuse("there is no sentinel: remove the line")),
            name if FOREIGN.contains(&name) => {
                self.origin.idle.insert(name.to_owned());
                Ok(())
            }
            _ => self.apply(&name, directive),
        }
    }

    fn apply(&mut self, name: &str, directive: Directive) -> Result<(), ConfigError> {
        let Some(at) = position(name.as_bytes()) else {
            let hint = near(name).map_or_else(String::new, |near| format!(" (did you mean '{near}'?)"));
            return Err(directive.refuse(format!("Bad directive or wrong number of arguments{hint}")));
        };
        let values = self.values.get_mut();
        let value = TABLE[at].kind.read_words(&directive.values, &values[at]);
        values[at] = value.map_err(|reason| directive.refuse(reason))?;
        self.live.refresh(values);
        self.origin.given.insert(at, directive);
        Ok(())
    }

    fn rename(&mut self, directive: &Directive) -> Result<(), ConfigError> {
        let [from, to] = &directive.values[..] else {
            return Err(directive.refuse("wrong number of arguments"));
        };
        let mut table = commands::table(&self.origin.renames);
        table.rename(from, to).map_err(|reason| directive.refuse(reason))?;
        self.origin.renames.push((from.clone(), to.clone()));
        Ok(())
    }

    /// Looks at what all directives together come to: a later one may have taken an earlier one back.
    fn judge(&mut self) -> Result<(), ConfigError> {
        let values = self.values.get_mut();
        let origin = &mut self.origin;
        for (at, directive) in &origin.given {
            let (name, value) = (TABLE[*at].name, &values[*at]);
            match judge(name, value) {
                Promise::Broken(reason) => return Err(directive.refuse(reason)),
                Promise::Otherwise(reason) => origin.notices.push(format!("{name} {value}: {reason}")),
                Promise::Kept if TABLE[*at].doc.is_empty() && !is_secret(name) => {
                    origin.idle.insert(name.to_owned());
                }
                Promise::Kept => {}
            }
        }
        if !origin.idle.is_empty() {
            let names: Vec<&str> = origin.idle.iter().map(String::as_str).collect();
            origin.notices.push(format!("accepted without effect: {}", names.join(", ")));
        }
        Ok(())
    }
}
