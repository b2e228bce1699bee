//! Everything that is done.

use crate::server::Server;
use ackline_admin::Value;
use serde_json::{Value as Json, json};

/// `count` entries, all pending for ann.
fn pending(server: &Server, count: u64) {
    server.call("XGROUP CREATE orders shop 0 MKSTREAM");
    let mut client = server.client();
    let add = |n: u64| ["XADD", "orders", &format!("{n}-0"), "n", &n.to_string()].map(str::to_owned).to_vec();
    client.call_all(&(1..=count).map(add).collect::<Vec<_>>()).unwrap();
    client
        .call(&["XREADGROUP", "GROUP", "shop", "ann", "COUNT", &count.to_string(), "STREAMS", "orders", ">"])
        .unwrap();
}

fn count(server: &Server) -> i64 {
    server.json("/streams/orders/groups/shop")["pending"].as_i64().unwrap()
}

/// The action with `dry_run`.
fn dry(action: &Json) -> Json {
    let mut action = action.clone();
    action["dry_run"] = true.into();
    action
}

#[test]
fn a_dry_run_says_what_a_run_does() {
    let server = Server::start();
    pending(&server, 10);
    server.call("XCLAIM orders shop bob 0 1-0 2-0 3-0");
    let of = |rest: Json| {
        let mut action = json!({"stream": "orders", "group": "shop"});
        action.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        action
    };
    let cases = [
        (of(json!({"action": "claim", "consumer": "eve", "filter": {"consumer": "ann", "to": "5-0"}})), 2),
        (of(json!({"action": "nack", "mode": "FAIL", "filter": {"consumer": "eve"}})), 2),
        (of(json!({"action": "nack", "mode": "SILENT", "ids": ["6-0"]})), 1),
        (of(json!({"action": "nack", "mode": "FATAL", "ids": ["7-0"]})), 1),
        (of(json!({"action": "ack", "filter": {"min_deliveries": 2}})), 4),
        (of(json!({"action": "release_consumer", "consumer": "ann"})), 3),
        (json!({"action": "delete_entries", "stream": "orders", "ids": ["1-0", "2-0"]}), 2),
        (json!({"action": "trim", "stream": "orders", "maxlen": 5}), 3),
        (json!({"action": "trim", "stream": "orders", "minid": "8-0"}), 2),
    ];
    for (action, matched) in cases {
        let before = server.json("/streams/orders");
        let told = server.act(&dry(&action));
        assert_eq!(
            (&told["matched"], &told["affected"], &told["dry_run"]),
            (&json!(matched), &json!(0), &json!(true)),
            "{action}"
        );
        let after = server.json("/streams/orders");
        assert_eq!(
            (&before["length"], &before["pending"]),
            (&after["length"], &after["pending"]),
            "{action}"
        );
        let done = server.act(&action);
        assert_eq!(
            (&done["matched"], &done["affected"]),
            (&json!(matched), &json!(matched)),
            "{action} {done}"
        );
        assert_eq!(told["commands"], done["commands"], "{action}");
    }
    assert_eq!(count(&server), 6);
}

#[test]
fn what_is_shown_is_what_runs() {
    let server = Server::start();
    pending(&server, 3);
    let told = server.act(&dry(
        &json!({"action": "nack", "mode": "FAIL", "stream": "orders", "group": "shop", "filter": {}}),
    ));
    let line = told["commands"][0].as_str().unwrap().to_owned();
    assert_eq!(line, "XNACK orders shop FAIL IDS 3 1-0 2-0 3-0");
    assert_eq!(server.call(&line), Value::Int(3));
}

#[test]
fn more_than_one_request_may_do() {
    let server = Server::start();
    pending(&server, 10_500);
    let ack = json!({"action": "ack", "stream": "orders", "group": "shop", "filter": {"consumer": "ann"}});
    let told = server.act(&dry(&ack));
    assert_eq!((&told["matched"], &told["truncated"]), (&json!(10_000), &json!(true)));
    let commands = told["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 10);
    assert!(commands[0].as_str().unwrap().ends_with(" 13-0 .."), "{}", commands[0]);
    let done = server.act(&ack);
    assert_eq!((&done["affected"], &done["truncated"]), (&json!(10_000), &json!(true)));
    assert_eq!(count(&server), 500);
    let rest = server.act(&ack);
    assert_eq!((&rest["affected"], &rest["truncated"]), (&json!(500), &json!(false)));
    assert_eq!(count(&server), 0);
}

#[test]
fn streams_are_written() {
    let server = Server::start();
    let add = json!({"action": "add", "stream": "orders", "id": "5-1", "fields": [["item", "tea"], ["b", {"base64": "/w=="}]]});
    let told = server.act(&dry(&add));
    assert_eq!(told["commands"][0], r#"XADD orders 5-1 item tea b "\xff""#);
    assert_eq!(server.get("/streams/orders").status, 404);
    assert_eq!(server.act(&add)["results"], json!(["5-1"]));
    let again = server.post("/actions", &add);
    assert_eq!((again.status, again.code()), (422, "ERR".to_owned()));
    for _ in 0..3 {
        server.act(&json!({"action": "add", "stream": "orders", "maxlen": 1000, "fields": [["item", 7]]}));
    }
    assert_eq!(server.json("/streams/orders")["length"], 4);
    assert_eq!(server.act(&json!({"action": "delete_stream", "stream": "orders"}))["affected"], 1);
    assert_eq!(server.get("/streams/orders").status, 404);
}

#[test]
fn groups_and_consumers() {
    let server = Server::start();
    let create =
        json!({"action": "create_group", "stream": "orders", "group": "shop", "id": "0", "mkstream": true});
    assert_eq!(server.act(&create)["affected"], 1);
    let again = server.post("/actions", &create);
    assert_eq!((again.status, again.code()), (409, "BUSYGROUP".to_owned()));
    server.call("XADD orders 1-0 a b");
    server.call("XREADGROUP GROUP shop ann STREAMS orders >");
    server.act(&json!({"action": "reset_group", "stream": "orders", "group": "shop", "id": "0"}));
    assert_eq!(server.json("/streams/orders/groups/shop")["last_delivered_id"], "0-0");

    let delete = json!({"action": "delete_consumer", "stream": "orders", "group": "shop", "consumer": "ann", "release": true});
    let done = server.act(&delete);
    assert_eq!(
        done["commands"],
        json!(["XNACK orders shop SILENT IDS 1 1-0", "XGROUP DELCONSUMER orders shop ann"])
    );
    let group = server.json("/streams/orders/groups/shop");
    assert_eq!((&group["consumers"], &group["released"]), (&json!([]), &json!(1)));
    let gone = json!({"action": "delete_group", "stream": "orders", "group": "shop"});
    assert_eq!(server.act(&dry(&gone))["matched"], 1);
    assert_eq!(server.act(&gone)["affected"], 1);
    assert_eq!(server.act(&gone)["affected"], 0);
}

#[test]
fn dead_letters_go_back() {
    let server = Server::start();
    for n in 1..=250 {
        let source = if n == 250 { "text" } else { "orders" };
        server.call(&format!("XADD orders:dead {n}-0 n {n} dead-letter-stream {source} dead-letter-id {n}-0 dead-letter-reason x"));
    }
    server.call("XADD orders:dead 251-0 no provenance");
    server.call("SET text 1");
    let named = server.act(&json!({"action": "redrive", "stream": "orders:dead", "ids": ["7-0", "900-0"]}));
    assert_eq!((&named["matched"], &named["affected"]), (&json!(2), &json!(1)));
    assert_eq!(named["results"][0]["id"], "900-0");
    let some = json!({"action": "redrive", "stream": "orders:dead", "limit": 10});
    let told = server.act(&dry(&some));
    assert_eq!((&told["matched"], &told["truncated"]), (&json!(10), &json!(true)));
    assert_eq!(
        told["commands"].as_array().unwrap()[..4],
        ["MULTI", "XADD orders * n 1", "XDEL orders:dead 1-0", "EXEC"].map(Json::from)
    );
    assert_eq!(server.act(&some)["affected"], 10);
    let all = server.act(&json!({"action": "redrive", "stream": "orders:dead"}));
    assert_eq!((&all["matched"], &all["affected"]), (&json!(240), &json!(238)));
    // What cannot go stays.
    let left = server.json("/streams/orders:dead/entries");
    assert_eq!((&left["entries"][0]["id"], &left["entries"][1]["id"]), (&json!("251-0"), &json!("250-0")));
    let back = server.json("/streams/orders/entries?newest=0&count=1000");
    let entries = back["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 249);
    assert_eq!(entries[0]["fields"], json!([["n", "7"]]));
}

#[test]
fn the_server_is_set() {
    let server = Server::start();
    server.act(&json!({"action": "config_set", "name": "slowlog-max-len", "value": "7"}));
    assert_eq!(server.json("/config?match=slowlog-max-len")["parameters"][0]["value"], "7");
    let fixed = server.post("/actions", &json!({"action": "config_set", "name": "port", "value": 1}));
    assert_eq!(fixed.status, 422, "{fixed:?}");
    server.act(&json!({"action": "slowlog_reset"}));
    let mut victim = server.client();
    let id = ackline_admin::reply::int(&victim.call(&["CLIENT", "ID"]).unwrap()).unwrap();
    assert_eq!(server.act(&json!({"action": "kill_client", "id": id}))["affected"], 1);
    assert!(victim.call(&["PING"]).is_err());
}

#[test]
fn secrets_are_not_told() {
    let server = Server::start();
    let set = json!({"action": "config_set", "name": "requirepass", "value": "sesame"});
    let told = server.act(&dry(&set));
    assert_eq!(told["commands"], json!(["CONFIG SET requirepass (hidden)"]));
    let done = server.post("/actions", &set);
    assert!(done.status == 200 && !done.body.contains("sesame"), "{done:?}");
    let login = server.post("/login", &json!({"user": "default", "password": "sesame"}));
    let cookie = login.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let config = server.send("GET", "/api/v1/config", &[&format!("Cookie: {cookie}")], "");
    assert_eq!(config.status, 200);
    assert!(!config.body.contains("sesame"));
    assert!(config.body.contains("(hidden)"));
}

#[test]
fn wishes_that_are_none() {
    let server = Server::start();
    pending(&server, 1);
    let cases = [
        json!({}),
        json!({"action": "nosuch"}),
        json!({"action": "add", "stream": "s", "fields": []}),
        json!({"action": "add", "stream": "s", "fields": [["a"]]}),
        json!({"action": "add", "fields": [["a", "b"]]}),
        json!({"action": "trim", "stream": "s"}),
        json!({"action": "trim", "stream": "s", "maxlen": 1, "minid": "1"}),
        json!({"action": "ack", "stream": "orders", "group": "shop"}),
        json!({"action": "ack", "stream": "orders", "group": "shop", "ids": []}),
        json!({"action": "ack", "stream": "orders", "group": "shop", "ids": [1]}),
        json!({"action": "nack", "stream": "orders", "group": "shop", "mode": "SOFT", "ids": ["1-0"]}),
        json!({"action": "claim", "stream": "orders", "group": "shop", "ids": ["1-0"]}),
        json!({"action": "slowlog_reset", "dry_run": 1}),
        json!({"action": "slowlog_reset", "db": -1}),
        json!([1]),
    ];
    for wish in cases {
        let answer = server.post("/actions", &wish);
        assert_eq!((answer.status, answer.code().as_str()), (400, "BAD_REQUEST"), "{wish}: {answer:?}");
    }
    let least = server.post("/actions", &json!({"action": "trim", "stream": "orders", "maxlen": i64::MIN}));
    assert_eq!((least.status, least.code()), (422, "ERR".to_owned()), "{least:?}");
    let none =
        server.post("/actions", &json!({"action": "ack", "stream": "orders", "group": "none", "filter": {}}));
    assert_eq!((none.status, none.code()), (404, "NOGROUP".to_owned()));
    assert_eq!(count(&server), 1);
}
