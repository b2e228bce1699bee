//! The text of INFO.

use crate::client::{Client, Error};
use crate::reply::text;
use std::collections::HashMap;

/// The fields of all sections that INFO shows by default.
pub(crate) struct Info(HashMap<String, String>);

impl Info {
    pub(crate) fn ask(client: &mut Client) -> Result<Info, Error> {
        Info::of_sections(client, &[])
    }

    /// The fields of these sections; of all that are shown by default if there are none.
    pub(crate) fn of_sections(client: &mut Client, sections: &[&str]) -> Result<Info, Error> {
        let words: Vec<&str> = ["INFO"].into_iter().chain(sections.iter().copied()).collect();
        Ok(Info::of(&text(&client.call(&words)?)))
    }

    fn of(text: &str) -> Info {
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        Info(pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or(0)
    }

    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.int(name) == 1
    }

    /// Databases that hold keys, and how many.
    pub(crate) fn databases(&self) -> Vec<(u32, i64)> {
        let database = |(name, value): (&String, &String)| {
            let db = name.strip_prefix("db")?.parse().ok()?;
            let keys = value.strip_prefix("keys=")?.split(',').next()?.parse().ok()?;
            Some((db, keys))
        };
        let mut all: Vec<(u32, i64)> = self.0.iter().filter_map(database).collect();
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_of_the_keyspace() {
        let info = Info::of("# Keyspace\r\ndb10:keys=3,expires=0\r\ndb0:keys=12,expires=1\r\nport:7\r\n");
        assert_eq!(info.databases(), [(0, 12), (10, 3)]);
        assert_eq!((info.int("port"), info.int("none")), (7, 0));
    }
}
