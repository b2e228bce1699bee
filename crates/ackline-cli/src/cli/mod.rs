//! `ackline cli`: what users of redis-cli know by hand, for any server that speaks the Redis protocol.

mod command;
mod docs;
mod format;
mod gauge;
mod keys;
mod link;
mod options;
mod pipe;
mod script;
mod syntax;
mod table;
mod terminal;
mod usage;

use command::Screen;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use link::Link;
use options::{Mode, Options, Stop};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Runs with these arguments, the program's name left out.
pub(crate) fn cli(args: Vec<OsString>) -> ExitCode {
    match options::read(args, |name| std::env::var(name).ok().filter(|value| !value.is_empty())) {
        Ok(options) => run(options),
        Err(Stop::Help) => said(usage::USAGE),
        Err(Stop::Version) => said(concat!("redis-cli (Ackline) ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(Stop::Wrong(why)) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn said(text: &str) -> ExitCode {
    // Nobody may be reading.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn run(mut options: Options) -> ExitCode {
    if options.warns {
        eprintln!(
            "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe."
        );
    }
    if options.ask_password {
        match ask_password() {
            Ok(word) => options.address.password = Some(word),
            Err(error) => {
                eprintln!("cannot read a password: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut link = Link::new(&options);
    let format = options.format.clone();
    let screen = Screen { format, tables: options.table, pushes: options.show_pushes };
    match options.mode {
        Mode::Pipe => pipe::pipe(&options, &mut link),
        Mode::Commands => commands(&mut options, &mut link, screen),
        mode => {
            let watched = link.connect().and_then(|()| match mode {
                Mode::Stat => gauge::stat(&options, &mut link),
                Mode::Latency => gauge::latency(&options, &mut link),
                _ => keys::walk(&options, &mut link),
            });
            watched.map_or_else(
                |why| {
                    eprintln!("{why}");
                    ExitCode::FAILURE
                },
                |()| ExitCode::SUCCESS,
            )
        }
    }
}

fn commands(options: &mut Options, link: &mut Link, screen: Screen) -> ExitCode {
    if !options.words.is_empty() {
        return script::arguments(options, link, &screen);
    }
    match std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        true => terminal::interact(options, link, screen),
        false => script::lines(link, &screen),
    }
}

/// `3 PING` is PING three times.
fn repetition(words: &[Vec<u8>]) -> (u64, &[Vec<u8>]) {
    let times =
        words.first().and_then(|word| std::str::from_utf8(word).ok()).and_then(|word| word.parse().ok());
    match times {
        Some(times) if words.len() > 1 => (times, &words[1..]),
        _ => (1, words),
    }
}

/// Columns of a terminal; `None` if it does not know, as one that was attached to a container a moment ago, which says 0.
pub(crate) fn columns(size: std::io::Result<(u16, u16)>) -> Option<u16> {
    size.ok().map(|(columns, _)| columns).filter(|columns| *columns > 0)
}

/// A line that is typed without being shown, but for a star a character.
fn ask_password() -> std::io::Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\n', '\r']).to_owned());
    }
    eprint!("Please input password: ");
    crossterm::terminal::enable_raw_mode()?;
    let word = typed_password();
    crossterm::terminal::disable_raw_mode()?;
    eprintln!();
    word
}

fn typed_password() -> std::io::Result<String> {
    let mut word = String::new();
    loop {
        let Event::Key(KeyEvent { code, modifiers, .. }) = crossterm::event::read()? else { continue };
        match code {
            KeyCode::Enter => return Ok(word),
            KeyCode::Char('c' | 'd') if modifiers.contains(KeyModifiers::CONTROL) => {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            KeyCode::Backspace => eprint!("{}", word.pop().map_or("", |_| "\x08 \x08")),
            KeyCode::Char(char) => {
                word.push(char);
                eprint!("*");
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn a_terminal_without_a_size_is_not_one_column_wide() {
        assert_eq!(columns(Ok((0, 0))), None);
        assert_eq!(columns(Ok((132, 43))), Some(132));
        assert_eq!(columns(Err(std::io::ErrorKind::NotConnected.into())), None);
    }
}
