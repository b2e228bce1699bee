//! Actions on entries by their IDs, or on all that match.

use super::Wish;
use super::run::{Count, Plan, Words};
use crate::client::Client;
use crate::http::problem::Problem;
use crate::view::{self, PendingFilter};

/// IDs in one request, and in one command.
pub(crate) const MOST: usize = 10_000;
const IN_ONE: usize = 1000;

/// Pending entries that are asked for together, and read at most for one request.
const PAGE: u64 = 1000;
const SCANNED: u64 = 100_000;

/// Some IDs, and whether there are more.
pub(crate) struct Chosen {
    pub(crate) ids: Vec<String>,
    pub(crate) truncated: bool,
}

/// `delete_entries`
pub(crate) fn delete(wish: &Wish, stream: &[u8]) -> Result<Plan, Problem> {
    let chosen = named(wish)?.ok_or_else(|| Problem::bad("ids is missing"))?;
    let commands = chunks(&chosen, |ids| command(&[b"XDEL", stream], ids));
    Ok(plan(chosen, commands, Count::Number))
}

/// `ack`
pub(crate) fn ack(wish: &Wish, client: &mut Client, stream: &[u8]) -> Result<Plan, Problem> {
    let group = wish.bytes("group")?;
    let chosen = chosen(wish, client, stream, &group)?;
    let commands = chunks(&chosen, |ids| command(&[b"XACK", stream, &group], ids));
    Ok(plan(chosen, commands, Count::Number))
}

/// `nack`
pub(crate) fn nack(wish: &Wish, client: &mut Client, stream: &[u8]) -> Result<Plan, Problem> {
    let (group, mode) = (wish.bytes("group")?, wish.word("mode")?.to_ascii_uppercase());
    if !["FAIL", "SILENT", "FATAL"].contains(&mode.as_str()) {
        return Err(Problem::bad("mode: expected FAIL, SILENT or FATAL"));
    }
    let chosen = chosen(wish, client, stream, &group)?;
    Ok(release(chosen, stream, &group, &mode))
}

/// XNACK of what was chosen.
pub(crate) fn release(chosen: Chosen, stream: &[u8], group: &[u8], mode: &str) -> Plan {
    let commands = chunks(&chosen, |ids| {
        let count = ids.len().to_string();
        command(&[b"XNACK", stream, group, mode.as_bytes(), b"IDS", count.as_bytes()], ids)
    });
    plan(chosen, commands, Count::Number)
}

/// `claim`. Deliveries are not counted: nobody has been given anything yet.
pub(crate) fn claim(wish: &Wish, client: &mut Client, stream: &[u8]) -> Result<Plan, Problem> {
    let (group, consumer) = (wish.bytes("group")?, wish.bytes("consumer")?);
    let chosen = chosen(wish, client, stream, &group)?;
    let commands = chunks(&chosen, |ids| {
        let mut words = command(&[b"XCLAIM", stream, &group, &consumer, b"0"], ids);
        words.push(b"JUSTID".to_vec());
        words
    });
    Ok(plan(chosen, commands, Count::List))
}

fn plan(chosen: Chosen, commands: Vec<Words>, count: Count) -> Plan {
    let mut plan = Plan::many(commands, count, chosen.ids.len() as i64);
    plan.truncated = chosen.truncated;
    plan
}

fn chunks(chosen: &Chosen, command: impl Fn(&[String]) -> Words) -> Vec<Words> {
    chosen.ids.chunks(IN_ONE).map(command).collect()
}

fn command(words: &[&[u8]], ids: &[String]) -> Words {
    words.iter().map(|word| word.to_vec()).chain(ids.iter().map(|id| id.clone().into_bytes())).collect()
}

/// The IDs that a wish names.
pub(crate) fn named(wish: &Wish) -> Result<Option<Chosen>, Problem> {
    let Some(mut ids) = wish.list("ids")? else { return Ok(None) };
    if ids.is_empty() {
        return Err(Problem::bad("ids: name one at least"));
    }
    let truncated = ids.len() > MOST;
    ids.truncate(MOST);
    Ok(Some(Chosen { ids, truncated }))
}

fn chosen(wish: &Wish, client: &mut Client, stream: &[u8], group: &[u8]) -> Result<Chosen, Problem> {
    if let Some(chosen) = named(wish)? {
        return Ok(chosen);
    }
    let filter = wish.present("filter").filter(|filter| filter.is_object());
    let filter = Wish(filter.ok_or_else(|| Problem::bad("give either ids or filter"))?.clone());
    let word = |name| {
        Ok::<_, Problem>(filter.present(name).map(|_| filter.word(name)).transpose()?.unwrap_or_default())
    };
    let filter = PendingFilter {
        consumer: filter.maybe("consumer")?,
        min_idle: filter.number("min_idle")?.unwrap_or(0),
        min_deliveries: filter.number("min_deliveries")?.unwrap_or(0),
        from: word("from")?,
        to: word("to")?,
    };
    pending(client, stream, group, filter)
}

/// The IDs of the pending entries that match, from the lowest on.
pub(crate) fn pending(
    client: &mut Client,
    stream: &[u8],
    group: &[u8],
    mut filter: PendingFilter,
) -> Result<Chosen, Problem> {
    let (mut ids, mut scanned) = (Vec::new(), 0);
    loop {
        let (page, next) = view::pending(client, stream, group, &filter, PAGE)?;
        ids.extend(page.into_iter().map(|one| one.id));
        scanned += PAGE;
        let more = next.is_some();
        if ids.len() >= MOST || scanned >= SCANNED || !more {
            let truncated = ids.len() > MOST || more;
            ids.truncate(MOST);
            return Ok(Chosen { ids, truncated });
        }
        filter.from = next.unwrap_or_default();
    }
}
