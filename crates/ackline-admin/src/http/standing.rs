//! What the access control list says of a user: whether there is one, and what it may do.

use super::pool::Pool;
use super::problem::Problem;
use crate::Value;
use crate::client::{Client, Error};
use crate::reply::{bytes, field, items, text};
use ackline_server::Who;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an answer holds: a user that is deleted is out after that.
const FRESH: Duration = Duration::from_secs(1);

/// Users that are remembered.
const MOST: usize = 1000;

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything that the server lets the user do.
    Operator,
    /// Looking.
    Reader,
}

impl Role {
    /// As the API says it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::Reader => "reader",
        }
    }
}

/// A user as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) role: Role,
    /// Another one when the passwords have changed. Means nothing outside of this process.
    pub(crate) passwords: u64,
    /// Gets in without a password.
    pub(crate) nopass: bool,
}

/// The standing of users, asked once a second at most.
#[derive(Default)]
pub(crate) struct Standings {
    known: Mutex<HashMap<String, (Instant, Option<Standing>)>>,
    hash: RandomState,
}

impl Standings {
    /// Of a user; `None` if there is none, or if it is off.
    pub(crate) async fn of(&self, pool: &Arc<Pool>, user: &str) -> Result<Option<Standing>, Problem> {
        if let Some((at, standing)) = self.known.lock().get(user)
            && at.elapsed() < FRESH
        {
            return Ok(*standing);
        }
        let (name, hash) = (user.to_owned(), self.hash.clone());
        let standing =
            pool.run(move |pool| Ok(ask(&mut pool.connect(Who::Operator)?, &name, &hash)?)).await?;
        self.remember(user, standing);
        Ok(standing)
    }

    /// Whether anybody is the default user, asked where one may wait.
    pub(crate) fn is_open(&self, pool: &Pool) -> Result<bool, Error> {
        let standing = ask(&mut pool.connect(Who::Operator)?, "default", &self.hash)?;
        Ok(standing.is_some_and(|standing| standing.nopass))
    }

    fn remember(&self, user: &str, standing: Option<Standing>) {
        let mut known = self.known.lock();
        if known.len() >= MOST {
            known.retain(|_, (at, _)| at.elapsed() < FRESH);
        }
        if known.len() < MOST {
            known.insert(user.to_owned(), (Instant::now(), standing));
        }
    }
}

fn ask(client: &mut Client, user: &str, hash: &RandomState) -> Result<Option<Standing>, Error> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let replies = client.call_all(&[
        words(&["ACL", "GETUSER", user]),
        words(&["ACL", "DRYRUN", user, "XACK", "key", "group", "0-1"]),
    ])?;
    let [described, tried] = &replies[..] else { return Ok(None) };
    if matches!(described, Value::Null | Value::NullArray | Value::Error(_)) {
        return Ok(None);
    }
    let flags: Vec<String> =
        field(described, "flags").map(items).unwrap_or_default().iter().map(text).collect();
    if !flags.iter().any(|flag| flag == "on") {
        return Ok(None);
    }
    // That it may not touch this key says nothing about others.
    let refused = String::from_utf8_lossy(bytes(tried)).contains("permissions to run");
    Ok(Some(Standing {
        role: if refused { Role::Reader } else { Role::Operator },
        passwords: hash.hash_one(format!("{:?}", field(described, "passwords"))),
        nopass: flags.iter().any(|flag| flag == "nopass"),
    }))
}
