//! What was measured, as curves.

use super::asked::Asked;
use super::caller::Caller;
use super::problem::{Answer, Problem};
use super::samples::{Curve, Step};
use super::site::Site;
use crate::client::Client;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;

/// Curves in one answer.
const CURVES: usize = 50;

/// `GET /series`
pub(crate) async fn series(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let db = asked.db()?;
    let names: Vec<String> =
        asked.all("name").map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    if names.is_empty() || names.len() > CURVES {
        return Err(Problem::bad("name: give between 1 and 50"));
    }
    let curve = |name: &String| {
        Curve::of(db, name).ok_or_else(|| Problem::missing(format!("there is no series '{name}'")))
    };
    let curves = names.iter().map(curve).collect::<Result<Vec<Curve>, Problem>>()?;
    let step = match asked.text("step", "1s")?.as_str() {
        "1s" => Step::Second,
        "1m" => Step::Minute,
        _ => return Err(Problem::bad("step: expected 1s or 1m")),
    };
    let points = asked.number("points", 300, 10_080)?.max(1) as usize;
    let samples = Arc::clone(&site.samples);
    let job = move |client: &mut Client| {
        allowed(client, &curves)?;
        let keys = curves.iter().filter_map(|curve| match curve {
            Curve::Server(_) => None,
            Curve::Stream(_, key, _) | Curve::Group(_, key, ..) => Some(key.as_slice()),
        });
        samples.looked_at(db, keys);
        let row = |(name, curve): (&String, &Curve)| {
            let (end, values) = samples.curve(curve, step, points);
            json!({ "name": name, "step_ms": step.ms(), "end": end, "values": values })
        };
        let mut all: Vec<Value> = names.iter().zip(&curves).map(row).collect();
        Ok(Json(if all.len() == 1 { all.remove(0) } else { json!({ "series": all }) }))
    };
    site.pool.ask(caller.way, db, job).await
}

/// Who may not ask for something must not learn it from what others measured.
fn allowed(client: &mut Client, curves: &[Curve]) -> Result<(), Problem> {
    let command = |curve: &Curve| match curve {
        Curve::Server(_) => vec![b"INFO".to_vec(), b"cpu".to_vec()],
        Curve::Stream(_, key, _) | Curve::Group(_, key, ..) => {
            vec![b"XINFO".to_vec(), b"GROUPS".to_vec(), key.clone()]
        }
    };
    let replies = client.call_all(&curves.iter().map(command).collect::<Vec<_>>())?;
    let refused = replies.into_iter().find_map(|reply| match reply {
        crate::Value::Error(text) => Some(Problem::said(&String::from_utf8_lossy(&text))),
        _ => None,
    });
    refused.map_or(Ok(()), Err)
}
