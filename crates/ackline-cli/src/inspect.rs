//! `ackline inspect`: the records of a log or a snapshot, one a line.

pub(crate) mod open;
pub(crate) mod show;

use ackline::LogError;
use ackline::check::{read_snapshot, records};
use ackline_engine::record::{Change, Record};
use ackline_log::inspect::{self as log, Ending, ReadOnly};
use ackline_log::storage::Storage;
use ackline_log::{Lsn, snapshot};
use open::Kind;
use std::ffi::OsString;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;

/// What to print.
#[derive(clap::Args)]
pub(crate) struct Inspect {
    /// A data directory, also while a server uses it; or one segment or snapshot.
    path: PathBuf,
    /// The first position.
    #[arg(long, value_name = "LSN", allow_hyphen_values = true)]
    from: Option<String>,
    /// The last position.
    #[arg(long, value_name = "LSN", allow_hyphen_values = true)]
    to: Option<String>,
    /// Only what concerns this key, in any database.
    #[arg(long, allow_hyphen_values = true)]
    key: Option<OsString>,
    /// So many records at most.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    count: Option<String>,
    /// The records of the directory's snapshot of this position, in place of those of its log.
    #[arg(long, value_name = "POSITION", allow_hyphen_values = true)]
    snapshot: Option<String>,
    /// Adds each record as hexadecimal digits.
    #[arg(long)]
    raw: bool,
}

/// Why printing ended early.
enum Stop {
    /// Nobody reads on, or everything that was asked for is there.
    Enough,
    Failed(String),
}

/// `ackline inspect`: 0 if all could be read, 1 if something is damaged, 2 if it cannot be read.
pub(crate) fn inspect(args: &Inspect) -> ExitCode {
    match Printer::new(args).and_then(|mut printer| printer.run(args).map(|()| printer)) {
        Ok(mut printer) => {
            // A closed pipe is no failure.
            let _ = printer.out.flush();
            if printer.damaged { ExitCode::from(1) } else { ExitCode::SUCCESS }
        }
        Err(message) => {
            eprintln!("ackline: {message}");
            ExitCode::from(2)
        }
    }
}

fn number(name: &str, text: Option<&String>) -> Result<Option<u64>, String> {
    let parse = |text: &String| text.parse().map_err(|_| format!("--{name} {text}: expected a whole number"));
    text.map(parse).transpose()
}

struct Printer<'a> {
    out: BufWriter<StdoutLock<'static>>,
    from: Lsn,
    to: Lsn,
    key: Option<&'a [u8]>,
    left: u64,
    raw: bool,
    snapshot: Option<Lsn>,
    /// Positions ascend: behind the last one that was asked for comes nothing more.
    ascending: bool,
    damaged: bool,
    stop: Option<Stop>,
}

impl<'a> Printer<'a> {
    fn new(args: &'a Inspect) -> Result<Printer<'a>, String> {
        Ok(Printer {
            out: BufWriter::with_capacity(1 << 16, io::stdout().lock()),
            from: number("from", args.from.as_ref())?.unwrap_or(0),
            to: number("to", args.to.as_ref())?.unwrap_or(Lsn::MAX),
            key: args.key.as_ref().map(|key| key.as_bytes()),
            left: number("count", args.count.as_ref())?.unwrap_or(u64::MAX),
            raw: args.raw,
            snapshot: number("snapshot", args.snapshot.as_ref())?,
            ascending: true,
            damaged: false,
            stop: None,
        })
    }

    fn run(&mut self, args: &Inspect) -> Result<(), String> {
        let kind = open::kind(&args.path)?;
        let file = ReadOnly::file(&args.path);
        let directory = ReadOnly::directory(&args.path);
        match (kind, self.snapshot) {
            (Kind::Directory, None) => self.directory(args, &directory)?,
            (Kind::Directory, Some(after)) => self.one_of(&directory, after)?,
            (_, Some(_)) => return Err("--snapshot is for directories".to_owned()),
            (Kind::Segment, None) => self.segment(&file, "", true, false)?,
            (Kind::Snapshot, None) => {
                let mut head = [0; 16];
                let read = file.open("").and_then(|file| file.read_at(&mut head, 0));
                read.map_err(|error| open::message(LogError::Io(args.path.clone(), error)))?;
                let after = u64::from_le_bytes(std::array::from_fn(|n| head[8 + n]));
                self.snapshot(&file, after)?;
            }
        }
        match self.stop.take() {
            Some(Stop::Failed(message)) => Err(message),
            _ => Ok(()),
        }
    }

    fn directory(&mut self, args: &Inspect, storage: &ReadOnly) -> Result<(), String> {
        let live = log::quiet(&args.path).map_err(open::message)?.is_none();
        let names = log::segments(storage).map_err(open::message)?;
        for (position, name) in names.iter().enumerate() {
            let next = names.get(position + 1);
            // What is not readable is read, so that it is told why.
            let begins = next.and_then(|next| log::joint(storage, next).ok().flatten());
            if begins.is_some_and(|next| next.lsn < self.from) {
                continue;
            }
            if self.stop.is_some() {
                break;
            }
            self.segment(storage, name, next.is_none(), live)?;
        }
        Ok(())
    }

    fn segment(&mut self, storage: &dyn Storage, name: &str, last: bool, live: bool) -> Result<(), String> {
        let bytes = match storage.read(name) {
            Ok(bytes) => bytes,
            // The server did not need it any more.
            Err(error) if live && error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(open::message(LogError::Io(storage.path(name), error))),
        };
        let found = log::segment(name, &bytes, last, &mut |lsn, batch| self.batch(Some(lsn), batch));
        let path = storage.path(name);
        match found.ending {
            // A server may be about to write it.
            _ if live && last => {}
            Ending::Whole => {}
            _ if self.stop.is_some() => {}
            Ending::Torn(bytes) => self.tell(&format!(
                "{}: {bytes} bytes behind byte {} are of a write that was interrupted",
                path.display(),
                found.end
            )),
            Ending::Damaged(reason) => {
                self.damaged = true;
                self.tell(&format!("{} is damaged at byte {}: {reason}", path.display(), found.end));
                log::salvage(&bytes, found.end + 1, &mut |batch| self.batch(None, batch));
            }
        }
        Ok(())
    }

    /// One line beside the output, in the order in which both arose.
    fn tell(&mut self, line: &str) {
        let _ = self.out.flush();
        eprintln!("ackline: {line}");
    }

    fn one_of(&mut self, storage: &ReadOnly, after: Lsn) -> Result<(), String> {
        let all = snapshot::list(storage).map_err(open::message)?;
        if all.contains(&after) {
            return self.snapshot(storage, after);
        }
        let known: Vec<String> = all.iter().map(Lsn::to_string).collect();
        Err(match known.is_empty() {
            true => "there is no snapshot".to_owned(),
            false => format!("there is no snapshot of position {after}, only of {}", known.join(" and ")),
        })
    }

    fn snapshot(&mut self, storage: &dyn Storage, after: Lsn) -> Result<(), String> {
        self.ascending = false;
        match read_snapshot(storage, after, &mut |lsn, part| self.batch(Some(lsn), part)) {
            Err(error @ LogError::Corrupt { .. }) => {
                self.damaged = true;
                self.tell(&open::message(error));
                Ok(())
            }
            done => done.map(drop).map_err(open::message),
        }
    }

    fn batch(&mut self, lsn: Option<Lsn>, batch: &[u8]) {
        let wanted =
            lsn.map_or(self.from == 0 && self.to == Lsn::MAX, |lsn| self.from <= lsn && lsn <= self.to);
        if self.ascending && lsn.is_some_and(|lsn| lsn > self.to) {
            self.stop.get_or_insert(Stop::Enough);
        }
        if !wanted || self.stop.is_some() {
            return;
        }
        let position = lsn.map_or("?".to_owned(), |lsn| lsn.to_string());
        if records(batch, &mut |record, bytes| self.record(&position, &record, bytes)).is_none() {
            self.damaged = true;
            self.line(&format!("{position} ? holds something that is no record ({} bytes)", batch.len()));
        }
    }

    fn record(&mut self, position: &str, record: &Record<'_>, bytes: &[u8]) {
        if self.stop.is_some() || !self.key.is_none_or(|key| concerns(record, key)) {
            return;
        }
        let mut line = format!("{position} {}", show::record(record));
        if self.raw {
            line.push_str(" raw=");
            bytes.iter().for_each(|byte| line.push_str(&format!("{byte:02x}")));
        }
        self.line(&line);
    }

    fn line(&mut self, line: &str) {
        if self.left == 0 {
            self.stop.get_or_insert(Stop::Enough);
            return;
        }
        self.left -= 1;
        match writeln!(self.out, "{line}") {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.stop = Some(Stop::Enough),
            Err(error) => self.stop = Some(Stop::Failed(format!("the output: {error}"))),
        }
    }
}

/// Whether a record changes a key, which changes of whole databases do as well.
fn concerns(record: &Record<'_>, key: &[u8]) -> bool {
    match record.change {
        Change::Flush | Change::Swap { .. } => true,
        Change::Move { to, .. } | Change::Copy { to, .. } => record.key == key || to == key,
        _ => record.key == key,
    }
}
