//! What is done: actions, each of them commands that can be shown, and counted before they run.

mod groups;
mod ids;
mod redrive;
mod run;

use super::asked::body;
use super::caller::Caller;
use super::pages::server::is_secret;
use super::problem::{Answer, Problem};
use super::site::Site;
use super::text;
use crate::client::Client;
use axum::Json;
use axum::extract::{Request, State};
use run::Plan;
use serde_json::Value;
use std::sync::Arc;

/// `POST /actions`
pub(crate) async fn act(State(site): State<Arc<Site>>, caller: Caller, request: Request) -> Answer {
    caller.operator()?;
    let wish = Wish(body(request).await?);
    let db = wish.number("db")?.unwrap_or(0);
    let db = u32::try_from(db).map_err(|_| Problem::bad("db: out of range"))?;
    let job = move |client: &mut Client| {
        let dry_run = wish.flag("dry_run")?;
        let done = decide(&wish, client)?.run(client, dry_run)?;
        Ok(Json(done.row(dry_run)))
    };
    site.pool.ask(caller.way, db, job).await
}

/// What somebody wants done.
pub(crate) struct Wish(Value);

impl Wish {
    fn present(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn maybe(&self, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        self.present(name).map(|value| text::read(value, name)).transpose()
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Problem> {
        self.maybe(name)?.ok_or_else(|| Problem::bad(format!("{name} is missing")))
    }

    fn word(&self, name: &str) -> Result<String, Problem> {
        String::from_utf8(self.bytes(name)?).map_err(|_| Problem::bad(format!("{name}: expected UTF-8")))
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Problem> {
        let number =
            |value: &Value| value.as_i64().ok_or_else(|| Problem::bad(format!("{name}: expected a number")));
        self.present(name).map(number).transpose()
    }

    fn flag(&self, name: &str) -> Result<bool, Problem> {
        let flag = |value: &Value| {
            value.as_bool().ok_or_else(|| Problem::bad(format!("{name}: expected true or false")))
        };
        Ok(self.present(name).map(flag).transpose()?.unwrap_or(false))
    }

    fn list(&self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let Some(value) = self.present(name) else { return Ok(None) };
        let wrong = || Problem::bad(format!("{name}: expected a list of IDs"));
        let items = value.as_array().ok_or_else(wrong)?;
        items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect::<Result<_, _>>()
            .map(Some)
    }
}

/// What a wish comes to. Reads, where it depends on what there is.
fn decide(wish: &Wish, client: &mut Client) -> Result<Plan, Problem> {
    let stream = || wish.bytes("stream");
    match wish.word("action")?.as_str() {
        "add" => add(wish, &stream()?),
        "trim" => trim(wish, &stream()?),
        "delete_entries" => ids::delete(wish, &stream()?),
        "delete_stream" => Ok(Plan::one(vec![b"DEL".to_vec(), stream()?], 1)),
        "ack" => ids::ack(wish, client, &stream()?),
        "nack" => ids::nack(wish, client, &stream()?),
        "claim" => ids::claim(wish, client, &stream()?),
        "create_group" => groups::create(wish, &stream()?),
        "reset_group" => groups::reset(wish, &stream()?),
        "delete_group" => groups::delete(wish, client, &stream()?),
        "release_consumer" => groups::release(wish, client, &stream()?),
        "delete_consumer" => groups::delete_consumer(wish, client, &stream()?),
        "redrive" => redrive::redrive(wish, client, &stream()?),
        "kill_client" => kill(wish),
        "config_set" => config_set(wish),
        "slowlog_reset" => Ok(Plan::one(vec![b"SLOWLOG".to_vec(), b"RESET".to_vec()], 1)),
        other => Err(Problem::bad(format!("there is no action '{other}'"))),
    }
}

fn add(wish: &Wish, stream: &[u8]) -> Result<Plan, Problem> {
    let wrong = || Problem::bad("fields: expected a list of [name, value], with one at least");
    let fields = wish.present("fields").and_then(Value::as_array).filter(|fields| !fields.is_empty());
    let mut words = vec![b"XADD".to_vec(), stream.to_vec()];
    if let Some(most) = wish.number("maxlen")? {
        words.extend([b"MAXLEN".to_vec(), b"~".to_vec(), most.to_string().into()]);
    }
    words.push(wish.maybe("id")?.unwrap_or_else(|| b"*".to_vec()));
    for pair in fields.ok_or_else(wrong)? {
        let [name, value] = pair.as_array().map(Vec::as_slice).ok_or_else(wrong)? else {
            return Err(wrong());
        };
        words.extend([text::read(name, "fields")?, text::read(value, "fields")?]);
    }
    Ok(Plan::one(words, 1))
}

fn trim(wish: &Wish, stream: &[u8]) -> Result<Plan, Problem> {
    let (by, bound) = match (wish.number("maxlen")?, wish.maybe("minid")?) {
        (Some(most), None) => ("MAXLEN", most.to_string().into_bytes()),
        (None, Some(id)) => ("MINID", id),
        _ => return Err(Problem::bad("give either maxlen or minid")),
    };
    let how = if wish.flag("approx")? { "~" } else { "=" };
    let words = vec![b"XTRIM".to_vec(), stream.to_vec(), by.into(), how.into(), bound.clone()];
    Ok(Plan::trim(words, stream, by == "MAXLEN", bound))
}

fn kill(wish: &Wish) -> Result<Plan, Problem> {
    let id = wish.number("id")?.ok_or_else(|| Problem::bad("id is missing"))?;
    Ok(Plan::one(vec![b"CLIENT".to_vec(), b"KILL".to_vec(), b"ID".to_vec(), id.to_string().into()], 1))
}

fn config_set(wish: &Wish) -> Result<Plan, Problem> {
    let (name, value) = (wish.word("name")?, wish.bytes("value")?);
    let plan = Plan::one(vec![b"CONFIG".to_vec(), b"SET".to_vec(), name.clone().into(), value], 1);
    Ok(if is_secret(&name) { plan.with_secret() } else { plan })
}
