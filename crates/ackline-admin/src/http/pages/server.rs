//! The server as a whole: overview, clients, slow commands, parameters.

use super::{Samples, Site};
use crate::client::{Client, Error};
use crate::http::asked::Asked;
use crate::http::caller::Caller;
use crate::http::info::Info;
use crate::http::problem::Answer;
use crate::http::text::shown;
use crate::reply::{bytes, int, items, pairs, text};
use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// `GET /overview`
pub(crate) async fn overview(State(site): State<Arc<Site>>, caller: Caller) -> Answer {
    let (samples, sync) = (Arc::clone(&site.samples), site.handle.config().string("appendfsync"));
    site.pool.ask(caller.way, 0, move |client| Ok(Json(overview_row(client, &samples, &sync)?))).await
}

/// The overview, of one INFO.
pub(crate) fn overview_row(
    client: &mut Client,
    samples: &Samples,
    appendfsync: &str,
) -> Result<Value, Error> {
    let info = Info::ask(client)?;
    let (rates, totals) = (samples.server_rates(), samples.totals());
    let keys = info.databases().into_iter().map(|(db, keys)| json!({ "db": db, "keys": keys }));
    Ok(json!({
        "server": {
            "version": info.text("ackline_version"),
            "redis_version": info.text("redis_version"),
            "run_id": info.text("run_id"),
            "uptime_seconds": info.int("uptime_in_seconds"),
            "loading": info.int("loading") == 1,
            "port": info.int("tcp_port"),
            "appendfsync": info.is_on("aof_enabled").then_some(appendfsync),
            "persistence_ok": info.text("aof_last_write_status") != "err"
                && info.text("rdb_last_bgsave_status") != "err",
        },
        "clients": { "connected": info.int("connected_clients"), "blocked": info.int("blocked_clients") },
        "memory": {
            "used": info.int("used_memory"),
            "peak": info.int("used_memory_peak"),
            "rss": info.int("used_memory_rss"),
            "max": info.int("maxmemory"),
        },
        "ops_per_second": rates.ops,
        "net": { "in_per_second": rates.net_in, "out_per_second": rates.net_out },
        "log": {
            "bytes": info.int("aof_current_size"),
            "first_lsn": info.int("log_first_lsn"),
            "last_lsn": info.int("log_last_lsn"),
            "synced_lsn": info.int("log_synced_lsn"),
            "last_save_at": info.int("rdb_last_save_time") * 1000,
            "saving": info.is_on("rdb_bgsave_in_progress"),
        },
        "keys": keys.collect::<Vec<_>>(),
        "totals": totals.map(|totals| json!({
            "streams": totals.streams,
            "groups": totals.groups,
            "pending": totals.pending,
            "dead": totals.dead,
            "as_of": totals.as_of,
        })),
    }))
}

/// `GET /slowlog`
pub(crate) async fn slowlog(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let count = asked.number("count", 100, 10_000)?.to_string();
    let job = move |client: &mut Client| {
        let reply = client.call(&["SLOWLOG", "GET", &count])?;
        let rows: Vec<Value> = items(&reply).iter().filter_map(slow_row).collect();
        Ok(Json(json!({ "entries": rows })))
    };
    site.pool.ask(caller.way, 0, job).await
}

fn slow_row(value: &crate::Value) -> Option<Value> {
    let [id, at, usec, words, client, name, ..] = items(value) else { return None };
    Some(json!({
        "id": int(id),
        "at": int(at)? * 1000,
        "usec": int(usec),
        "words": items(words).iter().map(|word| shown(bytes(word))).collect::<Vec<_>>(),
        "client": text(client),
        "name": shown(bytes(name)),
    }))
}

/// `GET /clients`
pub(crate) async fn clients(State(site): State<Arc<Site>>, caller: Caller) -> Answer {
    let job = |client: &mut Client| {
        let reply = client.call(&["CLIENT", "LIST"])?;
        let rows: Vec<Value> = text(&reply).lines().filter(|line| !line.is_empty()).map(client_row).collect();
        Ok(Json(json!({ "clients": rows })))
    };
    site.pool.ask(caller.way, 0, job).await
}

/// A line of CLIENT LIST, `name=value` and spaces between them.
fn client_row(line: &str) -> Value {
    let all: Map<String, Value> = line
        .split(' ')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let word = |name: &str| all.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| word(name).parse::<i64>().ok();
    json!({
        "id": number("id"),
        "addr": word("addr"),
        "name": word("name"),
        "user": word("user"),
        "age_s": number("age"),
        "idle_s": number("idle"),
        "flags": word("flags"),
        "db": number("db"),
        "cmd": word("cmd"),
        "resp": number("resp"),
        "lib_name": word("lib-name"),
        "lib_ver": word("lib-ver"),
        "tot_mem": number("tot-mem"),
        "all": all,
    })
}

/// Parameters whose values nobody sees.
const SECRET: &[&str] = &[
    "requirepass",
    "masterauth",
    "masteruser",
    "user",
    "admin-token",
    "admin-read-token",
    "tls-key-file-pass",
];

/// Whether nobody may see the value of a parameter.
pub(crate) fn is_secret(name: &str) -> bool {
    // Names of parameters are taken in any case.
    let name = name.to_ascii_lowercase();
    SECRET.contains(&name.as_str()) || name.ends_with("-pass") || name.ends_with("-token")
}

/// `GET /config`
pub(crate) async fn config(State(site): State<Arc<Site>>, caller: Caller, asked: Asked) -> Answer {
    let pattern = asked.bytes("match").unwrap_or_else(|| b"*".to_vec());
    let handle = site.handle.clone();
    let job = move |client: &mut Client| {
        let reply = client.call(&[&b"CONFIG"[..], b"GET", &pattern])?;
        let mut rows: Vec<(String, Value)> = pairs(&reply)
            .into_iter()
            .map(|(name, value)| (text(name), shown(bytes(value))))
            .map(|(name, value)| {
                (name.clone(), parameter_row(&name, value, handle.config().is_mutable(&name)))
            })
            .collect();
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Json(json!({ "parameters": rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>() })))
    };
    site.pool.ask(caller.way, 0, job).await
}

fn parameter_row(name: &str, value: Value, is_mutable: bool) -> Value {
    let is_empty = value == "";
    let value = if is_secret(name) && !is_empty { "(hidden)".into() } else { value };
    json!({ "name": name, "value": value, "mutable": is_mutable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden() {
        for name in SECRET {
            let row = parameter_row(name, "sesame".into(), false);
            assert!(!row.to_string().contains("sesame"), "{name}");
            assert!(is_secret(&name.to_ascii_uppercase()), "{name}");
        }
        assert_eq!(parameter_row("requirepass", "".into(), true)["value"], "");
        assert_eq!(
            parameter_row("hz", "10".into(), true),
            json!({"name": "hz", "value": "10", "mutable": true})
        );
    }

    #[test]
    fn clients_have_all_fields() {
        let row = client_row(
            "id=3 addr=127.0.0.1:5 laddr=x name= age=7 idle=1 flags=N db=2 cmd=client|list user=ann lib-name=",
        );
        assert_eq!((&row["id"], &row["age_s"], &row["user"]), (&json!(3), &json!(7), &json!("ann")));
        assert_eq!(row["all"]["laddr"], "x");
        assert_eq!(row["tot_mem"], Value::Null);
    }
}
