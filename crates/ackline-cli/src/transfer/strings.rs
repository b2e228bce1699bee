//! Copies strings: many at once, each by one command, so that none is ever there by halves.

use super::compare::Terms;
use super::link::{Batch, Error, Link};
use super::value::{bytes, int, shown};
use redis::{Value, cmd};

/// Values that travel together are kept about this small.
const BATCH_BYTES: i64 = 4 << 20;

/// What became of a string.
pub(super) enum Fate {
    Copied(u64),
    Present,
    Vanished,
    Failed(String),
}

/// A string and when it expires.
struct Text {
    value: Vec<u8>,
    expiry: Option<i64>,
}

/// What to do about what.
pub(super) struct Strings<'a> {
    pub(super) source: &'a mut Link,
    pub(super) target: &'a mut Link,
    pub(super) terms: &'a Terms,
    pub(super) replace: bool,
    pub(super) dry_run: bool,
    pub(super) verify: bool,
}

impl Strings<'_> {
    /// Copies strings; the fates are in the order of the keys.
    pub(super) fn copy(&mut self, keys: &[&[u8]]) -> Result<Vec<Fate>, Error> {
        let mut fates = Vec::new();
        for keys in self.portions(keys)? {
            fates.extend(self.copy_portion(keys)?);
        }
        Ok(fates)
    }

    fn portions<'k>(&mut self, keys: &'k [&'k [u8]]) -> Result<Vec<&'k [&'k [u8]]>, Error> {
        let sizes = ask_each(self.source, "STRLEN", keys)?;
        let (mut portions, mut start, mut total) = (Vec::new(), 0, 0);
        for (at, size) in sizes.iter().enumerate() {
            total += int(size).unwrap_or(0);
            if total >= BATCH_BYTES || at + 1 == keys.len() {
                portions.push(&keys[start..=at]);
                (start, total) = (at + 1, 0);
            }
        }
        Ok(portions)
    }

    fn copy_portion(&mut self, keys: &[&[u8]]) -> Result<Vec<Fate>, Error> {
        let wanted = texts(self.source, keys)?;
        let found = texts(self.target, keys)?;
        let mut batch = Batch::default();
        let mut fates = Vec::new();
        for ((key, wanted), found) in keys.iter().zip(&wanted).zip(&found) {
            let fate = self.decide(wanted, found);
            if let (Fate::Copied(_), Ok(Some(wanted)), false) = (&fate, wanted, self.dry_run) {
                batch.add(&self.set(key, wanted));
            }
            fates.push(fate);
        }
        let mut replies = self.target.ask_all(batch)?.into_iter();
        let copies = fates.iter_mut().filter(|fate| matches!(fate, Fate::Copied(_)) && !self.dry_run);
        copies.for_each(|fate| confirm(fate, replies.next()));
        if self.verify && !self.dry_run {
            self.check(keys, &wanted, &mut fates)?;
        }
        Ok(fates)
    }

    fn decide(&self, wanted: &Result<Option<Text>, String>, found: &Result<Option<Text>, String>) -> Fate {
        match (wanted, found) {
            (Err(why), _) => Fate::Failed(why.clone()),
            (Ok(None), _) => Fate::Vanished,
            (Ok(Some(wanted)), Ok(Some(found))) if self.same(wanted, found) => Fate::Present,
            (Ok(Some(wanted)), found) => match found {
                Ok(None) => Fate::Copied(wanted.value.len() as u64),
                _ if self.replace => Fate::Copied(wanted.value.len() as u64),
                _ => Fate::Failed("the target has another value (--replace overwrites it)".to_owned()),
            },
        }
    }

    fn same(&self, a: &Text, b: &Text) -> bool {
        a.value == b.value && self.terms.same_expiry(a.expiry, b.expiry)
    }

    fn set(&self, key: &[u8], text: &Text) -> redis::Cmd {
        let mut set = cmd("SET");
        set.arg(key).arg(&text.value);
        if let Some(at) = text.expiry {
            set.arg("PXAT").arg(at);
        }
        if !self.replace {
            set.arg("NX");
        }
        set
    }

    fn check(
        &mut self,
        keys: &[&[u8]],
        wanted: &[Result<Option<Text>, String>],
        fates: &mut [Fate],
    ) -> Result<(), Error> {
        let found = texts(self.target, keys)?;
        let now = self.target.now()?;
        for ((fate, wanted), found) in fates.iter_mut().zip(wanted).zip(&found) {
            let Ok(Some(wanted)) = wanted else { continue };
            let same = match found {
                Ok(Some(found)) => self.same(wanted, found),
                Ok(None) => wanted.expiry.is_some_and(|at| at <= now + self.terms.tolerance),
                Err(_) => false,
            };
            if matches!(fate, Fate::Copied(_)) && !same {
                *fate = Fate::Failed("reading it back gives something else".to_owned());
            }
        }
        Ok(())
    }
}

fn confirm(fate: &mut Fate, reply: Option<Value>) {
    match reply {
        Some(Value::Okay) => {}
        Some(Value::ServerError(error)) => {
            *fate = Fate::Failed(format!("{} {}", error.code(), error.details().unwrap_or_default()));
        }
        _ => *fate = Fate::Failed("somebody made this key meanwhile".to_owned()),
    }
}

fn ask_each(link: &mut Link, name: &str, keys: &[&[u8]]) -> Result<Vec<Value>, Error> {
    let mut batch = Batch::default();
    keys.iter().for_each(|key| batch.add(cmd(name).arg(*key)));
    link.ask_all(batch)
}

/// Value and expiry of each key; `Ok(None)` if there is no such key, the error's text if it is no string.
fn texts(link: &mut Link, keys: &[&[u8]]) -> Result<Vec<Result<Option<Text>, String>>, Error> {
    let values = ask_each(link, "GET", keys)?;
    let expiries = link.expiries(keys)?;
    let pairs = values.into_iter().zip(expiries);
    Ok(pairs
        .map(|(value, expiry)| match value {
            Value::Nil => Ok(None),
            Value::ServerError(error) => Err(error.details().unwrap_or_default().to_owned()),
            Value::BulkString(value) => Ok(Some(Text { value, expiry })),
            other => Err(format!("GET answered {}", shown(bytes(&other)))),
        })
        .collect())
}
