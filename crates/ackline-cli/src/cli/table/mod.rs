//! Tables of entries, groups, consumers and pending entries, for eyes.

mod cells;
#[cfg(test)]
mod tests;

use super::columns;
use super::link::is;
use ackline_admin::reply::{bytes, int, items, pairs};
use ackline_resp::decode_reply::Value;
use cells::{elapsed, id_time, word};
use comfy_table::{ContentArrangement, Table, TableComponent, presets};

/// Columns of fields at most; entries with more of them have one column for all.
const FIELDS: usize = 8;

/// A reply as a table, if it is one of those that have one.
pub(super) fn table(reply: &Value, words: &[Vec<u8>]) -> Option<String> {
    table_of(reply, words, columns(crossterm::terminal::size()).unwrap_or(u16::MAX))
}

fn table_of(reply: &Value, words: &[Vec<u8>], width: u16) -> Option<String> {
    if matches!(reply, Value::Error(_)) {
        return None;
    }
    let second = |name: &str| words.get(1).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    if is(words, "XINFO") && second("STREAM") {
        return Some(facts(reply, width));
    }
    if is(words, "XINFO") && (second("GROUPS") || second("CONSUMERS")) {
        return rows_of_maps(reply, width);
    }
    if is(words, "XPENDING") {
        return if words.len() > 3 { pending(reply, width) } else { pending_summary(reply, width) };
    }
    if is(words, "XRANGE") || is(words, "XREVRANGE") || is(words, "XCLAIM") {
        return entries(items(reply), width);
    }
    if is(words, "XREAD") || is(words, "XREADGROUP") {
        return streams(reply, width);
    }
    if is(words, "XAUTOCLAIM") {
        return claimed(reply, width);
    }
    None
}

fn plain(width: u16) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table
        .set_style(TableComponent::HeaderLines, '─')
        .set_style(TableComponent::MiddleHeaderIntersections, '─');
    table
}

fn finished(table: &Table) -> String {
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A string as it may be shown.
fn text(value: &Value) -> String {
    word(bytes(value))
}

/// Names and values below each other.
fn facts(reply: &Value, width: u16) -> String {
    let mut table = plain(width);
    table.set_header(["field", "value", ""]);
    for (name, value) in pairs(reply) {
        let name = word(bytes(name));
        let time = if name.ends_with("-id") { id_time(&text(value)) } else { String::new() };
        table.add_row([name, cell("", value), time]);
    }
    finished(&table)
}

/// One map a row; the names are those of the first.
fn rows_of_maps(reply: &Value, width: u16) -> Option<String> {
    let names: Vec<String> = pairs(items(reply).first()?).iter().map(|(name, _)| word(bytes(name))).collect();
    let mut table = plain(width);
    table.set_header(&names);
    for row in items(reply) {
        let value = |name: &String| {
            ackline_admin::reply::field(row, name).map(|value| cell(name, value)).unwrap_or_default()
        };
        table.add_row(names.iter().map(value));
    }
    Some(finished(&table))
}

/// A value of the field `name`.
fn cell(name: &str, value: &Value) -> String {
    match value {
        Value::Int(ms) if matches!(name, "idle" | "inactive") => elapsed(*ms),
        Value::Int(n) => n.to_string(),
        Value::Null | Value::NullArray => "-".to_owned(),
        Value::Double(n) => n.to_string(),
        Value::Bool(yes) => yes.to_string(),
        other if !items(other).is_empty() || matches!(other, Value::Map(_)) => nested(other),
        other => word(bytes(other)),
    }
}

/// An entry, or what else is inside a value.
fn nested(value: &Value) -> String {
    if let [id, fields] = items(value)
        && !items(fields).is_empty()
    {
        return format!("{}  {}", text(id), all_fields(fields));
    }
    let inner = |value: &Value| cell("", value);
    match value {
        Value::Map(pairs) => pairs
            .iter()
            .map(|(name, value)| format!("{}={}", inner(name), inner(value)))
            .collect::<Vec<_>>()
            .join(" "),
        other => items(other).iter().map(inner).collect::<Vec<_>>().join(" "),
    }
}

fn all_fields(fields: &Value) -> String {
    let one = |(name, value): (&Value, &Value)| format!("{}={}", word(bytes(name)), word(bytes(value)));
    pairs(fields).into_iter().map(one).collect::<Vec<_>>().join(" ")
}

fn pending(reply: &Value, width: u16) -> Option<String> {
    let mut table = plain(width);
    table.set_header(["id", "time", "consumer", "idle", "deliveries"]);
    for row in items(reply) {
        let [id, consumer, idle, deliveries] = items(row) else { return None };
        let (id, idle) = (text(id), int(idle)?);
        // Released entries have no consumer and were never idle.
        let consumer = if bytes(consumer).is_empty() { "-".to_owned() } else { word(bytes(consumer)) };
        table.add_row([id.clone(), id_time(&id), consumer, elapsed(idle), int(deliveries)?.to_string()]);
    }
    Some(finished(&table))
}

fn pending_summary(reply: &Value, width: u16) -> Option<String> {
    let [count, least, greatest, consumers] = items(reply) else { return None };
    let mut all = format!("{} pending", int(count)?);
    for (name, id) in [("oldest", least), ("newest", greatest)] {
        if !bytes(id).is_empty() {
            all += &format!(", {name} {} ({})", text(id), id_time(&text(id)));
        }
    }
    let mut table = plain(width);
    table.set_header(["consumer", "pending"]);
    for row in items(consumers) {
        let [name, count] = items(row) else { return None };
        table.add_row([word(bytes(name)), int(count)?.to_string()]);
    }
    let table = if items(consumers).is_empty() { String::new() } else { finished(&table) };
    Some(format!("{all}\n{table}"))
}

fn streams(reply: &Value, width: u16) -> Option<String> {
    let streams: Vec<(&Value, &Value)> = match reply {
        Value::Map(_) => pairs(reply),
        other => items(other).iter().filter_map(|pair| items(pair).first().zip(items(pair).get(1))).collect(),
    };
    if streams.is_empty() {
        return None;
    }
    let one =
        |(key, all): (&Value, &Value)| Some(format!("{}\n{}", word(bytes(key)), entries(items(all), width)?));
    streams.into_iter().map(one).collect()
}

fn claimed(reply: &Value, width: u16) -> Option<String> {
    let [next, all, deleted @ ..] = items(reply) else { return None };
    let mut shown = format!("go on from {}\n{}", text(next), entries(items(all), width)?);
    for id in deleted.iter().flat_map(items) {
        shown += &format!("{} is no longer in the stream\n", text(id));
    }
    Some(shown)
}

/// Entries, those of XREADGROUP with CLAIM with their idle time and deliveries. IDs alone (JUSTID) are no table.
fn entries(all: &[Value], width: u16) -> Option<String> {
    let parts =
        all.iter().map(|entry| items(entry).get(..2).map(|_| items(entry))).collect::<Option<Vec<_>>>()?;
    let claimed = parts.iter().any(|entry| entry.len() == 4);
    let names = common_names(&parts, width);
    let mut header = vec!["id".to_owned(), "time".to_owned()];
    header.extend(claimed.then_some(["idle", "deliveries"]).into_iter().flatten().map(str::to_owned));
    match &names {
        Some(names) => header.extend(names.iter().map(|name| word(name))),
        None => header.push("fields".to_owned()),
    }
    let mut table = plain(width);
    table.set_header(header);
    for entry in &parts {
        table.add_row(entry_row(entry, claimed, names.is_some()));
    }
    Some(finished(&table))
}

fn entry_row(entry: &[Value], claimed: bool, columns: bool) -> Vec<String> {
    let id = text(&entry[0]);
    let mut row = vec![id.clone(), id_time(&id)];
    if claimed {
        row.push(entry.get(2).and_then(int).map(elapsed).unwrap_or_default());
        row.push(entry.get(3).and_then(int).map(|n| n.to_string()).unwrap_or_default());
    }
    match (&entry[1], columns) {
        (Value::Null | Value::NullArray, _) => row.push("(deleted)".to_owned()),
        (fields, true) => row.extend(pairs(fields).iter().map(|(_, value)| word(bytes(value)))),
        (fields, false) => row.push(all_fields(fields)),
    }
    row
}

/// The fields, if all entries have the same in the same order, and there is room for a column each.
fn common_names<'v>(entries: &[&'v [Value]], width: u16) -> Option<Vec<&'v [u8]>> {
    let names = |entry: &'v [Value]| pairs(&entry[1]).iter().map(|(name, _)| bytes(name)).collect::<Vec<_>>();
    let first = names(entries.first()?);
    let fits = first.len() <= FIELDS && 45 + first.len() * 12 <= usize::from(width);
    (fits && !first.is_empty() && entries.iter().all(|entry| names(entry) == first)).then_some(first)
}
