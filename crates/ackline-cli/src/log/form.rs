//! How a line of the log looks.

use serde_json::Value;
use std::fmt::Write;
use tracing::Level;

/// The form of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people, with colours or without.
    Text { colours: bool },
    /// `name=value` pairs.
    Logfmt,
    /// An object a line.
    Json,
}

/// What a line says.
pub(super) struct Line<'e> {
    pub(super) time: &'e str,
    pub(super) level: Level,
    pub(super) message: &'e str,
    pub(super) fields: &'e [(&'static str, String)],
    pub(super) thread: &'e str,
}

impl Form {
    /// The form of that name; `terminal` = somebody looks at it.
    pub(super) fn named(name: &str, terminal: bool) -> Form {
        match name {
            "logfmt" => Form::Logfmt,
            "json" => Form::Json,
            _ => Form::Text { colours: terminal },
        }
    }

    /// The line, without its end. It has no line ends in it: whoever names a client or a key cannot forge lines.
    pub(super) fn line(self, line: &Line<'_>) -> String {
        match self {
            Form::Text { colours } => text(line, colours),
            Form::Logfmt => logfmt(line),
            Form::Json => json(line),
        }
    }
}

fn text(line: &Line<'_>, colours: bool) -> String {
    let (paint, dim, plain) = match (colours, line.level) {
        (false, _) => ("", "", ""),
        (true, Level::ERROR) => ("\x1b[31m", "\x1b[2m", "\x1b[0m"),
        (true, Level::WARN) => ("\x1b[33m", "\x1b[2m", "\x1b[0m"),
        (true, Level::INFO) => ("\x1b[32m", "\x1b[2m", "\x1b[0m"),
        (true, _) => ("\x1b[34m", "\x1b[2m", "\x1b[0m"),
    };
    let level = line.level.as_str();
    let mut text = format!("{dim}{}{plain} {paint}{level:>5}{plain} {}", line.time, visible(line.message));
    for (name, value) in line.fields {
        // Writing to a String cannot fail.
        let _ = write!(text, " {dim}{name}={plain}{}", visible(value));
    }
    text
}

/// The text with its control characters escaped.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_control() {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

fn logfmt(line: &Line<'_>) -> String {
    let mut text = format!("time={} level={} msg={}", line.time, level(line.level), value(line.message));
    for (name, field) in line.fields {
        // Writing to a String cannot fail.
        let _ = write!(text, " {name}={}", value(field));
    }
    text + " thread=" + &value(line.thread)
}

/// A value of logfmt: in quotes if it would not be one word otherwise.
fn value(text: &str) -> String {
    let is_word = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '=' | '\\');
    match !text.is_empty() && text.chars().all(is_word) {
        true => text.to_owned(),
        false => format!("\"{}\"", visible(&text.replace('\\', "\\\\").replace('"', "\\\""))),
    }
}

fn level(level: Level) -> String {
    level.as_str().to_ascii_lowercase()
}

fn json(line: &Line<'_>) -> String {
    let level = level(line.level);
    let own = [("time", line.time), ("level", &level), ("msg", line.message)];
    let fields = line.fields.iter().map(|(name, value)| (*name, value.as_str()));
    let all = own.into_iter().chain(fields).chain([("thread", line.thread)]);
    let pairs: Vec<String> =
        all.map(|(name, value)| format!("{}:{}", Value::from(name), Value::from(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(form: Form) -> String {
        let fields = [("key", "a b\n".to_owned()), ("n", "5".to_owned())];
        let (time, message) = ("2026-11-20T23:29:42.994Z", "say \"hi\"\r\nfaked");
        form.line(&Line { time, level: Level::WARN, message, fields: &fields, thread: "io-0" })
    }

    #[test]
    fn forms() {
        assert_eq!(
            line(Form::Text { colours: false }),
            "2026-11-20T23:29:42.994Z  WARN say \"hi\"\\r\\nfaked key=a b\\n n=5"
        );
        assert!(line(Form::Text { colours: true }).contains("\x1b[33m WARN\x1b[0m"));
        assert_eq!(
            line(Form::Logfmt),
            "time=2026-11-20T23:29:42.994Z level=warn msg=\"say \\\"hi\\\"\\r\\nfaked\" key=\"a b\\n\" n=5 \
             thread=io-0"
        );
        let json: Value = serde_json::from_str(&line(Form::Json)).unwrap();
        assert_eq!(json["msg"], "say \"hi\"\r\nfaked");
        assert_eq!(
            (&json["level"], &json["key"], &json["thread"]),
            (&"warn".into(), &"a b\n".into(), &"io-0".into())
        );
        assert!(!line(Form::Json).contains('\n'));
    }
}
