//! What was typed while a command ran. The editor takes one line of what has come and forgets the others.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use std::time::Duration;

/// What has come.
pub(super) enum Ahead {
    /// A whole line.
    Line(String),
    /// The beginning of one, for the editor; the terminal is left as the editor wants it.
    Start(String),
}

/// Takes one line of what has come already.
pub(super) fn typed() -> std::io::Result<Ahead> {
    enable_raw_mode()?;
    let mut text = String::new();
    while poll(Duration::ZERO)? {
        let Event::Key(key) = read()? else { continue };
        if key.kind == KeyEventKind::Press && take(&mut text, key) {
            disable_raw_mode()?;
            return Ok(Ahead::Line(text));
        }
    }
    Ok(Ahead::Start(text))
}

/// Whether the line is at its end.
fn take(text: &mut String, key: KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Enter => return true,
        // The terminal makes this of Enter while no editor runs.
        KeyCode::Char('j') if control => return true,
        KeyCode::Char('c' | 'u') if control => text.clear(),
        KeyCode::Char(char) if !control => text.push(char),
        KeyCode::Backspace => drop(text.pop()),
        _ => {}
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_enter_was_pressed() {
        let mut text = String::new();
        let mut press = |code, modifiers| take(&mut text, KeyEvent::new(code, modifiers));
        assert!(!press(KeyCode::Char('x'), KeyModifiers::NONE));
        assert!(!press(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert!(!press(KeyCode::Char('é'), KeyModifiers::SHIFT));
        assert!(!press(KeyCode::Char('b'), KeyModifiers::NONE));
        assert!(!press(KeyCode::Backspace, KeyModifiers::NONE));
        assert!(press(KeyCode::Char('j'), KeyModifiers::CONTROL));
        assert!(press(KeyCode::Enter, KeyModifiers::NONE));
        assert_eq!(text, "é");
    }
}
