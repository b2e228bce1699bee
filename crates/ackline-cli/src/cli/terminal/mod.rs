//! The interactive mode.

mod ahead;
mod guide;
mod history;
mod listening;
mod prompt;

use super::command::{Done, Failed, Screen, print};
use super::docs::Docs;
use super::format::Output;
use super::link::Link;
use super::options::Options;
use ackline_admin::client::{Address, Place};
use ahead::Ahead;
use guide::{Hints, Quotes, Shared};
use listening::Ended;
use prompt::Here;
use reedline::{
    ColumnarMenu, EditCommand, Emacs, HistoryItem, KeyCode, KeyModifiers, MenuBuilder, Reedline,
    ReedlineEvent, ReedlineMenu, Signal, default_emacs_keybindings,
};
use signal_hook::consts::SIGINT;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What took longer says how long.
const SLOW: Duration = Duration::from_millis(500);
const MENU: &str = "offers";
/// Exit status of who was interrupted.
const INTERRUPTED: i32 = 130;

/// A session at a terminal.
struct Session<'a> {
    link: &'a mut Link,
    screen: Screen,
    guide: Shared,
    /// Ctrl-C was pressed while a reply was waited for.
    interrupted: Arc<AtomicBool>,
    /// No reply is waited for: Ctrl-C ends the program.
    idle: Arc<AtomicBool>,
    /// What the next line begins with.
    typed: Option<String>,
}

/// Reads and runs lines until somebody leaves.
pub(super) fn interact(options: &Options, link: &mut Link, screen: Screen) -> ExitCode {
    let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let guide = Shared::new(link.address.clone(), true);
    let mut session = Session {
        link,
        screen,
        guide: guide.clone(),
        interrupted: Arc::default(),
        idle: Arc::new(AtomicBool::new(true)),
        typed: None,
    };
    let ready = session.catch_signals().and_then(|()| editor(guide, colours));
    let mut editor = match ready {
        Ok(editor) => editor,
        Err(error) => {
            eprintln!("cannot read from the terminal: {error}");
            return ExitCode::FAILURE;
        }
    };
    session.connect();
    if options.verbose && session.link.is_connected() {
        println!("Connected to {}", session.link.address.name());
    }
    match session.lines(&mut editor) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn editor(guide: Shared, colours: bool) -> std::io::Result<Reedline> {
    let mut keys = default_emacs_keybindings();
    let offer =
        ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, offer);
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    let menu = ColumnarMenu::default().with_name(MENU).with_marker("");
    let editor = Reedline::create()
        .with_completer(Box::new(guide.clone()))
        .with_highlighter(Box::new(guide.clone()))
        .with_hinter(Box::new(Hints(guide)))
        .with_validator(Box::new(Quotes))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_ansi_colors(colours)
        .with_edit_mode(Box::new(Emacs::new(keys)));
    Ok(match history::Discreet::open() {
        Some(history) => editor.with_history(Box::new(history)),
        None => editor,
    })
}

/// Whether the session goes on.
type Goes = Result<bool, Failed>;

impl Session<'_> {
    fn catch_signals(&self) -> std::io::Result<()> {
        signal_hook::flag::register_conditional_shutdown(SIGINT, INTERRUPTED, Arc::clone(&self.idle))?;
        signal_hook::flag::register(SIGINT, Arc::clone(&self.interrupted))?;
        Ok(())
    }

    fn connect(&mut self) {
        match self.link.connect() {
            Ok(()) => self.meet(),
            Err(why) => eprintln!("{why}"),
        }
        self.tell_guide();
    }

    /// Learns what the server can do. A server that does not say is used without help.
    fn meet(&mut self) {
        if let Ok(reply) = self.link.ask(&["COMMAND", "DOCS"]) {
            self.guide.lock().docs = Docs::read(&reply);
        }
    }

    fn tell_guide(&self) {
        let mut guide = self.guide.lock();
        guide.address = Address { database: self.link.state.database, ..self.link.address.clone() };
        guide.asks = self.link.is_connected();
    }

    fn lines(&mut self, editor: &mut Reedline) -> Result<(), Failed> {
        loop {
            self.catch_up()?;
            let here = Here::of(self.link);
            let mut start = self.typed.take().unwrap_or_default();
            match ahead::typed() {
                Ok(Ahead::Line(rest)) => {
                    if !self.typed_ahead(editor, &here, start + &rest)? {
                        return Ok(());
                    }
                    continue;
                }
                Ok(Ahead::Start(rest)) => start += &rest,
                Err(error) => return Err(unreadable(&error)),
            }
            editor.run_edit_commands(&[EditCommand::InsertString(start)]);
            self.guide.lock().prompt = here.0.chars().count();
            match editor.read_line(&here) {
                Ok(Signal::Success(line)) => {
                    if !self.line(&line)? {
                        return Ok(());
                    }
                }
                Ok(Signal::CtrlD) => return Ok(print(b"\n")?),
                Ok(_) => {}
                Err(error) => return Err(unreadable(&error)),
            }
            self.tell_guide();
        }
    }

    /// A line that the editor has not seen.
    fn typed_ahead(&mut self, editor: &mut Reedline, here: &Here, line: String) -> Goes {
        println!("{}{line}", here.0);
        if !line.is_empty() {
            // A history that cannot be written is no reason not to run it.
            let _ = editor.history_mut().save(HistoryItem::from_command_line(&line));
        }
        let goes = self.line(&line);
        self.tell_guide();
        goes
    }

    /// What the server said while nobody asked.
    fn catch_up(&mut self) -> Result<(), Failed> {
        for value in self.link.catch_up() {
            self.screen.show_push(&value)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Goes {
        let Some(words) = ackline_resp::words(line.as_bytes()) else {
            print(b"Invalid argument(s)\n")?;
            return Ok(true);
        };
        let (times, words) = super::repetition(&words);
        let names: Vec<String> =
            words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        match names.as_slice() {
            [] => self.listen_on()?,
            [word] if is_one(word, &["quit", "exit"]) => return Ok(false),
            [word] if is_one(word, &["clear"]) => print(b"\x1b[H\x1b[2J")?,
            [word, host, port] if is_one(word, &["connect"]) => self.move_to(host, port),
            [word, rest @ ..] if is_one(word, &["help", "?"]) => self.help(rest)?,
            [":set", rest @ ..] => self.set(rest),
            _ => self.repeat(times, words)?,
        }
        Ok(true)
    }

    fn move_to(&mut self, host: &str, port: &str) {
        match port.parse() {
            Ok(port) => {
                self.link.address.place = Place::Tcp(host.to_owned(), port);
                self.connect();
            }
            Err(_) => eprintln!("connect HOST PORT"),
        }
    }

    fn help(&self, topic: &[&str]) -> Result<(), Failed> {
        let topic: Vec<String> = topic.iter().map(|word| (*word).to_owned()).collect();
        let guide = self.guide.lock();
        let text = match topic.is_empty() {
            true => GENERAL.to_owned(),
            false if guide.docs.commands.is_empty() => {
                "The server says nothing of its commands.\n".to_owned()
            }
            false => guide.docs.help(&topic),
        };
        Ok(print(text.as_bytes())?)
    }

    fn set(&mut self, what: &[&str]) {
        match what {
            ["hints"] => self.guide.lock().hints = true,
            ["nohints"] => self.guide.lock().hints = false,
            ["table", "on"] => self.screen.tables = true,
            ["table", "off"] => self.screen.tables = false,
            _ => println!("unknown preference: {}", what.join(" ")),
        }
    }

    fn repeat(&mut self, times: u64, words: &[Vec<u8>]) -> Result<(), Failed> {
        for _ in 0..times {
            match self.command(words) {
                Ok(true) => {}
                Ok(false) => break,
                Err(Failed::Link(why)) => {
                    eprintln!("{why}");
                    break;
                }
                Err(failed) => return Err(failed),
            }
        }
        Ok(())
    }

    /// Runs a command. Whether it may be repeated.
    fn command(&mut self, words: &[Vec<u8>]) -> Goes {
        self.catch_up()?;
        if !self.link.is_connected() {
            self.connect();
        }
        if !self.link.is_connected() {
            return Ok(false);
        }
        let started = Instant::now();
        self.interrupted.store(false, Ordering::Relaxed);
        self.idle.store(false, Ordering::Relaxed);
        let done = self.screen.run(self.link, words, false, &self.interrupted);
        self.idle.store(true, Ordering::Relaxed);
        if done? == Done::Interrupted {
            // The reply may still come: this connection cannot be used any more.
            println!();
            self.reconnect();
            return Ok(false);
        }
        if started.elapsed() >= SLOW && self.screen.format.output == Output::Standard {
            println!("({:.2}s)", started.elapsed().as_secs_f64());
        }
        self.listen_on()?;
        Ok(true)
    }

    fn listen_on(&mut self) -> Result<(), Failed> {
        if !self.link.state.is_listening() {
            return Ok(());
        }
        match listening::listen(&self.screen, self.link) {
            Ok(Ended::Over) => {}
            Ok(Ended::Left) => self.reconnect(),
            Ok(Ended::Typed(text)) => self.typed = Some(text),
            Err(Failed::Link(why)) => eprintln!("{why}"),
            Err(failed) => return Err(failed),
        }
        Ok(())
    }

    fn reconnect(&mut self) {
        self.link.drop_connection();
        if let Err(why) = self.link.connect() {
            eprintln!("{why}");
        }
    }
}

fn unreadable(error: &dyn std::fmt::Display) -> Failed {
    eprintln!("cannot read from the terminal: {error}");
    Failed::Output
}

fn is_one(word: &str, names: &[&str]) -> bool {
    names.iter().any(|name| word.eq_ignore_ascii_case(name))
}

const GENERAL: &str = "\
help COMMAND            what a command does, and its arguments
help @GROUP             all commands of a group: @stream, @generic, @connection ..
N COMMAND               a command N times
connect HOST PORT       another server
:set hints | nohints    what is still to be typed, in grey
:set table on | off     tables for entries, groups, consumers and pending entries
clear                   an empty screen
quit                    or Ctrl-D; Ctrl-C ends a wait
Tab                     commands, their options, keys, groups and consumers
";
