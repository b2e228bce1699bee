//! Dead letters go back to where they come from.

use super::Wish;
use super::ids::{MOST, named};
use super::run::{Count, Done, Plan, Words};
use crate::Value;
use crate::client::Client;
use crate::http::pages::dead::{PREFIX, said};
use crate::http::problem::Problem;
use crate::reply::{items, text};
use crate::view::{self, Entry};
use serde_json::json;
use std::collections::HashMap;

/// Entries that are read and moved together.
const TOGETHER: usize = 100;

/// Entries that are to be moved out of a stream.
pub(crate) struct Moves {
    stream: Vec<u8>,
    ids: Vec<String>,
}

/// `redrive`
pub(crate) fn redrive(wish: &Wish, client: &mut Client, stream: &[u8]) -> Result<Plan, Problem> {
    let limit = wish.number("limit")?.map_or(MOST, |limit| limit.clamp(0, MOST as i64) as usize);
    let (mut ids, mut truncated) = match named(wish)? {
        Some(chosen) => (chosen.ids, chosen.truncated),
        None => oldest(client, stream, limit)?,
    };
    truncated |= ids.len() > limit;
    ids.truncate(limit);
    let first = view::entries_by_id(client, stream, &ids[..ids.len().min(TOGETHER)])?;
    let shown = first.iter().take(3).filter_map(|entry| transaction(stream, entry)).flatten();
    let mut plan = Plan::many(shown.collect(), Count::Each, ids.len() as i64);
    plan.truncated = truncated;
    plan.moves = Some(Moves { stream: stream.to_vec(), ids });
    Ok(plan)
}

/// The IDs of the oldest entries, and whether there are more.
fn oldest(client: &mut Client, stream: &[u8], limit: usize) -> Result<(Vec<String>, bool), Problem> {
    let (mut ids, mut from) = (Vec::new(), "-".to_owned());
    loop {
        let page = view::entries(client, stream, (&from, "+"), false, TOGETHER as u64)?;
        let is_last = page.len() < TOGETHER;
        ids.extend(page.into_iter().map(|entry| entry.id));
        if is_last || ids.len() > limit {
            return Ok((ids, false));
        }
        from = ids.last().map_or_else(String::new, |id| format!("({id}"));
    }
}

/// XADD where it comes from and XDEL here, as one step. `None` if it does not say where it comes from, or is gone.
fn transaction(stream: &[u8], entry: &Entry) -> Option<[Words; 4]> {
    let source = said(entry, "stream")?;
    let word = |text: &[u8]| text.to_vec();
    let mut add = vec![word(b"XADD"), word(source), word(b"*")];
    let fields = entry.fields.iter().flatten().filter(|(name, _)| !name.starts_with(PREFIX));
    fields.for_each(|(name, value)| add.extend([name.clone(), value.clone()]));
    if add.len() == 3 {
        return None;
    }
    let delete = vec![word(b"XDEL"), word(stream), entry.id.clone().into()];
    Some([vec![word(b"MULTI")], add, delete, vec![word(b"EXEC")]])
}

impl Moves {
    /// Moves all of them. What cannot be moved stays, and is named.
    pub(crate) fn run(self, client: &mut Client, done: &mut Done) -> Result<(), Problem> {
        let mut kinds = HashMap::new();
        for ids in self.ids.chunks(TOGETHER) {
            let entries = view::entries_by_id(client, &self.stream, ids)?;
            let (mut moved, mut commands) = (Vec::new(), Vec::new());
            for entry in &entries {
                match self.prepare(client, entry, &mut kinds)? {
                    Ok(steps) => {
                        moved.push(entry);
                        commands.extend(steps);
                    }
                    Err(why) => fail(done, &entry.id, why),
                }
            }
            let replies = client.call_all(&commands)?;
            for (entry, replies) in moved.iter().zip(replies.chunks_exact(4)) {
                self.note(client, entry, replies, done)?;
            }
        }
        Ok(())
    }

    fn prepare(
        &self,
        client: &mut Client,
        entry: &Entry,
        kinds: &mut HashMap<Vec<u8>, bool>,
    ) -> Result<Result<[Words; 4], &'static str>, Problem> {
        if entry.fields.is_none() {
            return Ok(Err("it is gone"));
        }
        let Some(steps) = transaction(&self.stream, entry) else {
            return Ok(Err("it does not say which stream it comes from, or has no other fields"));
        };
        let source = &steps[1][1];
        let fits = match kinds.get(source) {
            Some(fits) => *fits,
            None => {
                let kind = text(&client.call(&[&b"TYPE"[..], source])?);
                let fits = kind == "stream" || kind == "none";
                kinds.insert(source.clone(), fits);
                fits
            }
        };
        // A transaction is not undone when one of its commands fails: XADD has to be possible.
        Ok(if fits { Ok(steps) } else { Err("where it comes from is no stream any more") })
    }

    fn note(
        &self,
        client: &mut Client,
        entry: &Entry,
        replies: &[Value],
        done: &mut Done,
    ) -> Result<(), Problem> {
        let outcome = &replies[replies.len() - 1];
        match (outcome, items(outcome)) {
            (Value::Error(why), _) => fail(done, &entry.id, &String::from_utf8_lossy(why)),
            (_, [Value::Error(why), deleted]) => {
                if *deleted == Value::Int(1) {
                    self.put_back(client, entry)?;
                }
                fail(done, &entry.id, &String::from_utf8_lossy(why));
            }
            _ => done.affected += 1,
        }
        Ok(())
    }

    /// The source became something else between the question and the transaction: the entry stays here, with a new ID.
    fn put_back(&self, client: &mut Client, entry: &Entry) -> Result<(), Problem> {
        let mut words = vec![b"XADD".to_vec(), self.stream.clone(), b"*".to_vec()];
        entry.fields.iter().flatten().for_each(|(name, value)| words.extend([name.clone(), value.clone()]));
        client.call(&words)?;
        Ok(())
    }
}

/// Failures that are told one by one.
const TOLD: usize = 100;

fn fail(done: &mut Done, id: &str, why: &str) {
    if done.results.len() < TOLD {
        done.results.push(json!({ "id": id, "error": why }));
    }
}
