//! Copies keys from one server to another.
//!
//! A stream is built under another name and gets its own by one RENAME, after it was read back and found equal: a run
//! that ends half-way leaves nothing under a real name.

use super::build::Builder;
use super::compare::{Side, Terms, difference};
use super::cursor::Cursor;
use super::header::Header;
use super::link::{Batch, Error, Link};
use super::meter::Meter;
use super::strings::{Fate, Strings};
use super::value::{bytes, shown};
use super::{Databases, Options};
use ackline_engine::StreamId;
use redis::{Value, cmd};

/// Between a key's name and a number: the name of a stream that is being built.
const BUILDING: &str = ".ackline-import-";
/// Times may be this much apart, in milliseconds.
const TOLERANCE_MS: i64 = 5;

/// A transfer.
pub(super) struct Copier<'o> {
    source: Link,
    target: Link,
    options: &'o Options,
    terms: Terms,
    /// What it did.
    pub(super) meter: Meter,
    /// The database of the source that is being copied.
    database: i64,
}

/// What became of a stream.
enum Done {
    Copied,
    Present,
    Vanished,
}

impl<'o> Copier<'o> {
    /// A transfer between two servers.
    pub(super) fn new(mut source: Link, mut target: Link, options: &'o Options) -> Result<Copier<'o>, Error> {
        let ahead = (source.now()? - target.now()?).max(0);
        let terms = Terms {
            has: target.has,
            released_to: options.released_to.clone(),
            tolerance: TOLERANCE_MS + ahead,
            batch: options.batch,
        };
        let meter = Meter::start(options.verbose);
        Ok(Copier { source, target, options, terms, meter, database: 0 })
    }

    /// Copies everything that was asked for.
    pub(super) fn run(&mut self) -> Result<(), Error> {
        let databases = self.databases()?;
        if databases.len() > 1 && self.target.database.is_some() {
            let name = &self.target.name;
            return Err(Error::Run(format!(
                "{name}: a database of the target needs one database of the source (--db)"
            )));
        }
        databases.iter().for_each(|(_, keys)| self.meter.expect(*keys));
        for (database, _) in databases {
            self.database = database;
            self.source.select(database)?;
            self.target.select(self.target.database.unwrap_or(database))?;
            if !self.options.dry_run {
                self.sweep()?;
            }
            self.copy_database()?;
        }
        Ok(())
    }

    fn databases(&mut self) -> Result<Vec<(i64, u64)>, Error> {
        let all = self.source.databases()?;
        let one = match self.options.db {
            Some(Databases::All) => None,
            Some(Databases::One(number)) => Some(number),
            None => self.source.database,
        };
        let Some(one) = one else { return Ok(all) };
        let keys = all.iter().find(|(database, _)| *database == one).map_or(0, |(_, keys)| *keys);
        Ok(vec![(one, keys)])
    }

    /// Removes what an interrupted run left at the target.
    fn sweep(&mut self) -> Result<(), Error> {
        let pattern = format!("*{BUILDING}*");
        let mut cursor = b"0".to_vec();
        loop {
            let (next, keys) = self.target.scan(&cursor, Some(pattern.as_bytes()))?;
            for key in keys.iter().map(bytes).filter(|key| is_building(key)) {
                self.meter.say(|| format!("removed: {}, left by an interrupted run", shown(key)));
                self.target.ask(cmd("DEL").arg(key))?;
            }
            if next == b"0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    fn copy_database(&mut self) -> Result<(), Error> {
        let pattern = self.options.pattern.as_ref().map(|pattern| pattern.as_bytes());
        let mut cursor = b"0".to_vec();
        loop {
            let (next, keys) = self.source.scan(&cursor, pattern)?;
            self.copy_keys(&keys.iter().map(bytes).collect::<Vec<_>>())?;
            if next == b"0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    fn copy_keys(&mut self, keys: &[&[u8]]) -> Result<(), Error> {
        let mut batch = Batch::default();
        keys.iter().for_each(|key| batch.add(cmd("TYPE").arg(*key)));
        let kinds = self.source.ask_all(batch)?;
        let (mut strings, mut streams) = (Vec::new(), Vec::new());
        for (key, kind) in keys.iter().zip(&kinds) {
            match bytes(kind) {
                _ if is_building(key) => self.meter.skip("unfinished", self.database, key),
                b"string" => strings.push(*key),
                b"stream" => streams.push(*key),
                b"none" => self.meter.vanished += 1,
                kind => self.meter.skip(&String::from_utf8_lossy(kind), self.database, key),
            }
        }
        self.meter.done((keys.len() - strings.len() - streams.len()) as u64);
        self.copy_strings(&strings)?;
        for key in streams {
            self.copy_stream(key)?;
            self.meter.done(1);
        }
        Ok(())
    }

    fn copy_strings(&mut self, keys: &[&[u8]]) -> Result<(), Error> {
        let mut strings = Strings {
            source: &mut self.source,
            target: &mut self.target,
            terms: &self.terms,
            replace: self.options.replace,
            dry_run: self.options.dry_run,
            verify: !self.options.no_verify,
        };
        let fates = match keys {
            [] => Vec::new(),
            keys => strings.copy(keys)?,
        };
        for (key, fate) in keys.iter().zip(fates) {
            match fate {
                Fate::Copied(size) => {
                    self.meter.copied += 1;
                    self.meter.bytes += size;
                }
                Fate::Present => self.meter.present += 1,
                Fate::Vanished => self.meter.vanished += 1,
                Fate::Failed(why) => self.meter.fail(self.database, key, &why),
            }
        }
        self.meter.done(keys.len() as u64);
        Ok(())
    }

    fn copy_stream(&mut self, key: &[u8]) -> Result<(), Error> {
        match self.try_stream(key) {
            Ok(Done::Copied) => self.meter.copied += 1,
            Ok(Done::Present) => self.meter.present += 1,
            Ok(Done::Vanished) => self.meter.vanished += 1,
            Err(Error::Key(_)) if !self.source.exists(key)? => self.meter.vanished += 1,
            Err(Error::Key(why)) => self.meter.fail(self.database, key, &why),
            Err(run) => return Err(run),
        }
        Ok(())
    }

    fn try_stream(&mut self, key: &[u8]) -> Result<Done, Error> {
        if !self.source.exists(key)? {
            return Ok(Done::Vanished);
        }
        let header = Header::read(&mut self.source, key)?;
        let expiry = self.source.expiries(&[key])?[0];
        if self.target.exists(key)? {
            match self.compare(key, &header, expiry, key) {
                Ok(None) => return Ok(Done::Present),
                Ok(Some(_)) | Err(Error::Key(_)) if self.options.replace => {}
                Ok(Some(what)) => return Err(Error::Key(format!("the target has another one: {what}"))),
                Err(error) => return Err(error),
            }
        }
        if self.options.dry_run {
            self.meter.entries += header.length as u64;
            self.count_groups(&header);
            self.meter.pending += header.groups.iter().map(|group| group.pending as u64).sum::<u64>();
            return Ok(Done::Copied);
        }
        let building = [key, BUILDING.as_bytes(), std::process::id().to_string().as_bytes()].concat();
        let made = self.make_stream(key, &header, expiry, &building);
        if let Err(Error::Key(_)) = made {
            self.target.ask(cmd("DEL").arg(&building))?;
        }
        made.map(|()| Done::Copied)
    }

    /// How the target's key differs from a faithful copy.
    fn compare(
        &mut self,
        key: &[u8],
        header: &Header,
        expiry: Option<i64>,
        there: &[u8],
    ) -> Result<Option<String>, Error> {
        let (copy, copy_expiry) =
            (Header::read(&mut self.target, there)?, self.target.expiries(&[there])?[0]);
        let source = Side { link: &mut self.source, key, header, expiry };
        let target = Side { link: &mut self.target, key: there, header: &copy, expiry: copy_expiry };
        difference(source, target, &self.terms)
    }

    fn make_stream(
        &mut self,
        key: &[u8],
        header: &Header,
        expiry: Option<i64>,
        building: &[u8],
    ) -> Result<(), Error> {
        let mut cursor = Cursor::new(key, header, self.options.batch);
        let mut builder = Builder::start(&mut self.target, building, header, &self.options.released_to)?;
        loop {
            let end = cursor.fill(&mut self.source)?;
            let window = cursor.take(end);
            self.meter.add(&window);
            builder.add(window)?;
            if end == StreamId::MAX {
                break;
            }
        }
        builder.finish(expiry)?;
        if !self.options.no_verify {
            self.verify(key, header, expiry, building)?;
        }
        self.publish(key, building)?;
        self.count_groups(header);
        Ok(())
    }

    fn verify(
        &mut self,
        key: &[u8],
        header: &Header,
        expiry: Option<i64>,
        building: &[u8],
    ) -> Result<(), Error> {
        let Some(what) = self.compare(key, header, expiry, building)? else { return Ok(()) };
        let why = match Header::read(&mut self.source, key)? == *header {
            true => format!("reading it back: {what}"),
            false => format!("{what}: it changed while it was copied; stop who uses it, or give --no-verify"),
        };
        Err(Error::Key(why))
    }

    fn publish(&mut self, key: &[u8], building: &[u8]) -> Result<(), Error> {
        let command = if self.options.replace { "RENAME" } else { "RENAMENX" };
        match self.target.ask(cmd(command).arg(building).arg(key))? {
            Value::Int(0) => Err(Error::Key("somebody made this key meanwhile".to_owned())),
            _ => Ok(()),
        }
    }

    fn count_groups(&mut self, header: &Header) {
        self.meter.groups += header.groups.len() as u64;
        if !self.target.has.release {
            self.meter.given += header.groups.iter().map(|group| group.released as u64).sum::<u64>();
        }
    }
}

/// Whether a key has the name of a stream that is being built.
fn is_building(key: &[u8]) -> bool {
    let at = key.windows(BUILDING.len()).rposition(|part| part == BUILDING.as_bytes());
    at.is_some_and(|at| {
        let number = &key[at + BUILDING.len()..];
        !number.is_empty() && number.iter().all(u8::is_ascii_digit)
    })
}
