//! What was measured, as curves.

use super::asked::Asked;
use super::caller::Caller;
use super::problem::{Answer, Problem};
use super::site::Site;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;

/// Curves in one answer.
const CURVES: usize = 50;

/// `GET /series`
pub(crate) async fn series(State(site): State<Arc<Site>>, _: Caller, asked: Asked) -> Answer {
    let names: Vec<String> =
        asked.all("name").map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    if names.is_empty() || names.len() > CURVES {
        return Err(Problem::bad("name: give between 1 and 50"));
    }
    let step_ms = match asked.text("step", "1s")?.as_str() {
        "1s" => 1000,
        "1m" => 60_000,
        _ => return Err(Problem::bad("step: expected 1s or 1m")),
    };
    let points = asked.number("points", 300, 10_080)?.max(1) as usize;
    let curve = |name: &String| site.samples.curve(asked.db().unwrap_or(0), name, step_ms, points);
    let mut all: Vec<Value> = names
        .iter()
        .map(|name| {
            let (end, values) = curve(name);
            json!({ "name": name, "step_ms": step_ms, "end": end, "values": values })
        })
        .collect();
    Ok(Json(if all.len() == 1 { all.remove(0) } else { json!({ "series": all }) }))
}
