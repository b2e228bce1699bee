//! The log: lines as text, logfmt or JSON, to standard output or to a file.

use ackline_server::config::Config;
use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt as layer, reload};

mod form;
mod time;

use form::Form;

/// Starts the log as the configuration says; `loglevel` may change later.
pub(crate) fn start(config: &Config) -> Result<(), String> {
    let path = config.string("logfile");
    let form = Form::named(&config.string("log-format"), path.is_empty() && io::stdout().is_terminal());
    let (filter, level) = reload::Layer::new(level(config));
    let lines = layer::layer().event_format(form);
    let lines = match path.is_empty() {
        true => lines.with_writer(io::stdout).boxed(),
        false => lines.with_writer(Mutex::new(LogFile::open(Path::new(&path))?)).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    config.watch(&["loglevel"], move |config| {
        level.reload(self::level(config)).map_err(|error| error.to_string())
    });
    Ok(())
}

fn level(config: &Config) -> LevelFilter {
    match config.string("loglevel").as_str() {
        "debug" => LevelFilter::TRACE,
        "verbose" => LevelFilter::DEBUG,
        "warning" => LevelFilter::WARN,
        "nothing" => LevelFilter::OFF,
        _ => LevelFilter::INFO,
    }
}

impl<S, N> FormatEvent<S, N> for Form
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let thread = std::thread::current();
        let line = form::Line {
            time: &time::now(),
            level: *event.metadata().level(),
            message: &fields.message,
            fields: &fields.others,
            thread: thread.name().unwrap_or("unnamed"),
        };
        writeln!(to, "{}", self.line(&line))
    }
}

/// What an event says.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            // Writing to a String cannot fail.
            "message" => drop(write!(self.message, "{value:?}")),
            name => self.others.push((name, format!("{value:?}"))),
        }
    }
}

/// A file that lines are appended to. If it was moved or removed, a new one is begun with the next line, so that
/// whoever rotates it need not tell; truncating it works too.
struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    fn open(path: &Path) -> Result<LogFile, String> {
        // A later change of the working directory must not move the log.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        match begin(&path) {
            Ok(file) => Ok(LogFile { path, file }),
            Err(error) => Err(format!("cannot write the log file {}: {error}", path.display())),
        }
    }

    fn is_in_place(&self) -> bool {
        let same = |a: std::fs::Metadata, b: std::fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        self.file.metadata().and_then(|own| Ok(same(own, std::fs::metadata(&self.path)?))).unwrap_or(false)
    }
}

fn begin(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !self.is_in_place()
            && let Ok(file) = begin(&self.path)
        {
            self.file = file;
        }
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_was_moved_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let (path, moved) = (dir.path().join("log"), dir.path().join("log.1"));
        let mut log = LogFile::open(&path).unwrap();
        log.write_all(b"one\n").unwrap();
        std::fs::rename(&path, &moved).unwrap();
        log.write_all(b"two\n").unwrap();
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\n");
        // As copytruncate does.
        File::options().write(true).truncate(true).open(&path).unwrap();
        log.write_all(b"three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
    }
}
