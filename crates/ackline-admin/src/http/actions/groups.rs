//! Actions on groups and consumers.

use super::Wish;
use super::ids::{pending, release as release_ids};
use super::run::{Count, Plan, Words};
use crate::client::Client;
use crate::http::problem::Problem;
use crate::view::{self, PendingFilter};

fn xgroup(subcommand: &str, stream: &[u8], rest: &[&[u8]]) -> Words {
    let words = [&b"XGROUP"[..], subcommand.as_bytes(), stream].into_iter().chain(rest.iter().copied());
    words.map(<[u8]>::to_vec).collect()
}

/// `create_group`
pub(crate) fn create(wish: &Wish, stream: &[u8]) -> Result<Plan, Problem> {
    let (group, id) = (wish.bytes("group")?, wish.maybe("id")?.unwrap_or_else(|| b"$".to_vec()));
    let mut words = xgroup("CREATE", stream, &[&group, &id]);
    if wish.flag("mkstream")? {
        words.push(b"MKSTREAM".to_vec());
    }
    Ok(Plan::one(words, 1))
}

/// `reset_group`
pub(crate) fn reset(wish: &Wish, stream: &[u8]) -> Result<Plan, Problem> {
    Ok(Plan::one(xgroup("SETID", stream, &[&wish.bytes("group")?, &wish.bytes("id")?]), 1))
}

/// `delete_group`
pub(crate) fn delete(wish: &Wish, client: &mut Client, stream: &[u8]) -> Result<Plan, Problem> {
    let group = wish.bytes("group")?;
    let found = view::groups(client, stream)?.iter().any(|one| one.name == group);
    Ok(Plan::one(xgroup("DESTROY", stream, &[&group]), found.into()))
}

/// `release_consumer`: what it has goes back, as if it had never been delivered.
pub(crate) fn release(wish: &Wish, client: &mut Client, stream: &[u8]) -> Result<Plan, Problem> {
    let (group, consumer) = (wish.bytes("group")?, wish.bytes("consumer")?);
    let filter = PendingFilter { consumer: Some(consumer), ..PendingFilter::default() };
    let chosen = pending(client, stream, &group, filter)?;
    Ok(release_ids(chosen, stream, &group, "SILENT"))
}

/// `delete_consumer`. With `release` its pending entries go back first; without, they are lost with it, and counted.
pub(crate) fn delete_consumer(wish: &Wish, client: &mut Client, stream: &[u8]) -> Result<Plan, Problem> {
    let (group, consumer) = (wish.bytes("group")?, wish.bytes("consumer")?);
    let mut plan = match wish.flag("release")? {
        true => release(wish, client, stream)?,
        false => {
            let all = view::consumers(client, stream, &group)?;
            let pending = all.iter().find(|one| one.name == consumer).map_or(0, |one| one.pending);
            Plan::many(Vec::new(), Count::Number, pending)
        }
    };
    // As long as it has more than one request may release it stays.
    if !plan.truncated {
        plan.commands.push(xgroup("DELCONSUMER", stream, &[&group, &consumer]));
    }
    Ok(plan)
}
