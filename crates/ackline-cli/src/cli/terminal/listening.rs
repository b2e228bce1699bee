//! Messages as they come, until a key is pressed.

use crate::cli::command::{Failed, Screen};
use crate::cli::link::Link;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use std::time::Duration;

/// How long a key may go unnoticed.
const LOOK: Duration = Duration::from_millis(50);

/// Why listening ended.
pub(super) enum Ended {
    /// Nothing is listened to any more.
    Over,
    /// Ctrl-C, Ctrl-D.
    Left,
    /// A command begins, with this.
    Typed(String),
}

/// Keys come one by one, and are not shown, as long as this lives.
struct Raw;

impl Raw {
    fn begin() -> std::io::Result<Raw> {
        enable_raw_mode()?;
        Ok(Raw)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that is gone.
        let _ = disable_raw_mode();
    }
}

/// Shows what comes.
pub(super) fn listen(screen: &Screen, link: &mut Link) -> Result<Ended, Failed> {
    match link.state.monitor {
        true => println!("Watching commands... (press Ctrl-C to quit)"),
        false => println!("Reading messages... (press Ctrl-C to quit or any key to type command)"),
    }
    let raw = Raw::begin()?;
    link.be_patient(Some(LOOK))?;
    let ended = loop {
        if !link.state.is_listening() {
            break Ended::Over;
        }
        if let Some(value) = link.receive_soon()? {
            show(screen, &value)?;
        }
        if poll(Duration::ZERO)?
            && let Some(ended) = pressed(&read()?, link.state.monitor)
        {
            break ended;
        }
    };
    drop(raw);
    if link.is_connected() {
        link.be_patient(None)?;
    }
    Ok(ended)
}

/// In raw mode a line feed goes down, but not to the left.
fn show(screen: &Screen, value: &ackline_resp::decode_reply::Value) -> Result<(), Failed> {
    let text = screen.format.reply(value, &[]);
    let mut out = Vec::with_capacity(text.len() + 16);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => out.extend([line, b"\r\n"].concat()),
            None => out.extend(line),
        }
    }
    Ok(crate::cli::command::print(&out)?)
}

fn pressed(event: &Event, monitor: bool) -> Option<Ended> {
    let Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) = event else { return None };
    match code {
        KeyCode::Char('c' | 'd') if modifiers.contains(KeyModifiers::CONTROL) => Some(Ended::Left),
        KeyCode::Char(char) if !monitor && !modifiers.contains(KeyModifiers::CONTROL) => {
            Some(Ended::Typed(char.to_string()))
        }
        KeyCode::Enter if !monitor => Some(Ended::Typed(String::new())),
        _ => None,
    }
}
