//! Results as tables, JSON, and lines of JSON.

use super::options::{Form, Shared};
use super::trouble::Trouble;
use ackline_admin::doctor::span;
use ackline_admin::words::{Json, escaped, harmless_json};
use comfy_table::{Attribute, CellAlignment, ColumnConstraint, ContentArrangement, presets};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

/// Columns of a table that may be longer than a screen is wide.
const LONG: &[&str] = &["fields", "error", "reasons"];

/// One value: how it is shown, and what it is in JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// Words of ours, and IDs.
    Text(String),
    /// A name or a value of somebody else's.
    Bytes(Vec<u8>),
    /// A number.
    Int(i64),
    /// How often an entry was delivered; the greatest number is the mark of XNACK FATAL.
    Deliveries(i64),
    /// Bytes of memory.
    Size(i64),
    /// Ms that have passed.
    Span(i64),
    /// A unix time in ms.
    Date(i64),
    /// The same, shown as the time since.
    Since(i64),
    /// Fields and values.
    Fields(Vec<(Vec<u8>, Vec<u8>)>),
    /// Several.
    List(Vec<Cell>),
    /// Rows with columns of their own, in JSON alone.
    Rows(Vec<Row>),
    /// Yes or no.
    Flag(bool),
    /// Not known, or nothing.
    None,
}

/// Values with their names.
pub(super) type Row = Vec<(&'static str, Cell)>;

impl Cell {
    pub(super) fn int(value: Option<i64>) -> Cell {
        value.map_or(Cell::None, Cell::Int)
    }

    pub(super) fn span(value: Option<i64>) -> Cell {
        value.map_or(Cell::None, Cell::Span)
    }

    pub(super) fn text(value: impl Into<String>) -> Cell {
        Cell::Text(value.into())
    }

    fn is_number(&self) -> bool {
        matches!(self, Cell::Int(_) | Cell::Deliveries(_) | Cell::Since(_) | Cell::Size(_) | Cell::Span(_))
    }

    /// For people.
    pub(super) fn shown(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Bytes(bytes) => escaped(bytes),
            Cell::Deliveries(i64::MAX) => "FATAL".to_owned(),
            Cell::Int(number) | Cell::Deliveries(number) => number.to_string(),
            Cell::Size(bytes) => size(*bytes),
            Cell::Span(ms) => span(*ms),
            Cell::Date(ms) => super::moment::date(*ms),
            Cell::Since(ms) => span(super::moment::now().saturating_sub(*ms).max(0)),
            Cell::Fields(fields) => fields_shown(fields),
            Cell::List(cells) => cells.iter().map(Cell::shown).collect::<Vec<_>>().join(" "),
            Cell::Flag(flag) => (if *flag { "yes" } else { "no" }).to_owned(),
            Cell::Rows(rows) => rows.len().to_string(),
            Cell::None => "-".to_owned(),
        }
    }
}

/// `item=tea pieces=3`
pub(super) fn fields_shown(fields: &[(Vec<u8>, Vec<u8>)]) -> String {
    let pair = |(name, value): &(Vec<u8>, Vec<u8>)| format!("{}={}", escaped(name), escaped(value));
    fields.iter().map(pair).collect::<Vec<_>>().join(" ")
}

/// Bytes as `1.5M`.
pub(super) fn size(bytes: i64) -> String {
    let mut amount = bytes as f64;
    for unit in ["B", "K", "M", "G"] {
        if amount.abs() < 1000.0 {
            return if unit == "B" { format!("{bytes}B") } else { format!("{amount:.1}{unit}") };
        }
        amount /= 1024.0;
    }
    format!("{amount:.1}T")
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Cell::Text(text) => serializer.serialize_str(text),
            Cell::Bytes(bytes) => Json(bytes).serialize(serializer),
            Cell::Int(number)
            | Cell::Deliveries(number)
            | Cell::Size(number)
            | Cell::Span(number)
            | Cell::Date(number)
            | Cell::Since(number) => serializer.serialize_i64(*number),
            Cell::Fields(fields) => {
                serializer.collect_seq(fields.iter().map(|(name, value)| (Json(name), Json(value))))
            }
            Cell::List(cells) => serializer.collect_seq(cells),
            Cell::Rows(rows) => {
                let mut all = serializer.serialize_seq(Some(rows.len()))?;
                rows.iter().try_for_each(|row| all.serialize_element(&Object(row)))?;
                all.end()
            }
            Cell::Flag(flag) => serializer.serialize_bool(*flag),
            Cell::None => serializer.serialize_none(),
        }
    }
}

/// A row as an object of JSON, its names in their order.
pub(super) struct Object<'r>(pub(super) &'r Row);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(name, cell)| map.serialize_entry(name, cell))?;
        map.end()
    }
}

/// Where results go.
pub(super) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    pub(super) form: Form,
    colours: bool,
}

/// Colours of the sixteen that every terminal has. Nothing is told by colour alone.
#[derive(Clone, Copy)]
pub(super) enum Ink {
    Bold,
    Dim,
    Red,
    Yellow,
    Green,
}

impl Output {
    pub(super) fn new(shared: &Shared) -> Output {
        Output { out: BufWriter::new(io::stdout().lock()), form: shared.output, colours: shared.colours() }
    }

    /// Whether people read.
    pub(super) fn is_table(&self) -> bool {
        self.form == Form::Table
    }

    /// Whether lines are broken at the edge of a screen.
    pub(super) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Text in a colour, if there are colours.
    pub(super) fn ink(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Bold => 1,
            Ink::Dim => 2,
            Ink::Red => 31,
            Ink::Yellow => 33,
            Ink::Green => 32,
        };
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// One line of text.
    pub(super) fn line(&mut self, text: &str) -> Result<(), Trouble> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// What was printed is to be seen now.
    pub(super) fn flush(&mut self) -> Result<(), Trouble> {
        Ok(self.out.flush()?)
    }

    /// A line of JSON.
    pub(super) fn json_line(&mut self, row: &Row) -> Result<(), Trouble> {
        let text = harmless_json(&serde_json::to_string(&Object(row)).expect("strings and numbers are JSON"));
        self.line(&text)
    }

    /// Many: a table, an array, or a line each. Of an empty table `nothing` is said.
    pub(super) fn rows(&mut self, rows: &[Row], nothing: &str) -> Result<(), Trouble> {
        match self.form {
            Form::Ndjson => rows.iter().try_for_each(|row| self.json_line(row)),
            Form::Json => self.document(&rows.iter().map(Object).collect::<Vec<_>>()),
            Form::Table if rows.is_empty() => self.line(nothing),
            Form::Table => self.table(rows),
        }
    }

    /// One: a line for each value, or an object.
    pub(super) fn row(&mut self, row: &Row) -> Result<(), Trouble> {
        match self.form {
            Form::Ndjson => self.json_line(row),
            Form::Json => self.document(&Object(row)),
            Form::Table => {
                let width = row.iter().map(|(name, _)| label(name).len()).max().unwrap_or(0);
                for (name, cell) in row.iter().filter(|(_, cell)| !matches!(cell, Cell::Rows(_))) {
                    let name = self.ink(Ink::Bold, &format!("{:width$}", label(name)));
                    self.line(&format!("{name}  {}", cell.shown()))?;
                }
                Ok(())
            }
        }
    }

    fn document<T: Serialize>(&mut self, value: &T) -> Result<(), Trouble> {
        let text = harmless_json(&serde_json::to_string_pretty(value).expect("strings and numbers are JSON"));
        self.line(&text)
    }

    fn table(&mut self, rows: &[Row]) -> Result<(), Trouble> {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING);
        let header = rows[0].iter().enumerate().map(|(at, (name, _))| {
            // Over numbers, at the right, if there are any.
            let numbers = rows.iter().any(|row| row.get(at).is_some_and(|(_, cell)| cell.is_number()));
            heading(name).set_alignment(if numbers { CellAlignment::Right } else { CellAlignment::Left })
        });
        match self.colours {
            true => {
                table.enforce_styling().set_header(header.map(|cell| cell.add_attribute(Attribute::Bold)))
            }
            false => table.force_no_tty().set_header(header),
        };
        // Who reads through a pipe wants lines as they are. Only what may be long is broken into several.
        if self.is_terminal() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            let columns = table.column_iter_mut().zip(&rows[0]);
            columns.filter(|(_, (name, _))| !LONG.contains(name)).for_each(|(column, _)| {
                column.set_constraint(ColumnConstraint::ContentWidth);
            });
        }
        for row in rows {
            table.add_row(row.iter().map(|(_, cell)| match cell.is_number() {
                true => comfy_table::Cell::new(cell.shown()).set_alignment(CellAlignment::Right),
                false => comfy_table::Cell::new(cell.shown()),
            }));
        }
        let last = rows[0].len() - 1;
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if at == last { 0 } else { 2 }));
        }
        table.trim_fmt().lines().try_for_each(|line| self.line(line))
    }
}

fn heading(name: &str) -> comfy_table::Cell {
    comfy_table::Cell::new(label(name).to_uppercase())
}

/// A name as people read it: times show their unit themselves.
fn label(name: &str) -> String {
    match name {
        "oldest_pending_ms" => "oldest".to_owned(),
        "last_added_at" => "last added".to_owned(),
        _ => name.strip_suffix("_ms").unwrap_or(name).replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(
            [0, 999, 1000, 1_572_864, i64::MAX].map(size),
            ["0B", "999B", "1.0K", "1.5M", "8388608.0T"]
        );
    }

    #[test]
    fn a_row_keeps_its_order_and_its_bytes_in_json() {
        let fields = vec![(b"f".to_vec(), b"\xff".to_vec())];
        let row: Row = vec![
            ("name", Cell::Bytes(b"\x01".to_vec())),
            ("a", Cell::Span(90_000)),
            ("fields", Cell::Fields(fields)),
        ];
        let json = serde_json::to_string(&Object(&row)).unwrap();
        assert_eq!(json, r#"{"name":"\u0001","a":90000,"fields":[["f",{"base64":"/w=="}]]}"#);
        assert_eq!(
            row.iter().map(|(_, cell)| cell.shown()).collect::<Vec<_>>(),
            ["\\x01", "1m 30s", "f=\\xff"]
        );
    }
}
