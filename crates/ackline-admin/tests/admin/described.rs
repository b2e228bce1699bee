//! What the API answers is what its description says.

use crate::server::Server;
use serde_json::{Value as Json, json};

/// Why a value does not fit a schema. Only as much of JSON Schema as the description uses.
fn misfit(root: &Json, schema: &Json, value: &Json, at: &str) -> Option<String> {
    if let Some(target) = schema["$ref"].as_str() {
        return misfit(root, root.pointer(&target[1..])?, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let misfits: Vec<String> = choices.iter().filter_map(|one| misfit(root, one, value, at)).collect();
        return (misfits.len() == choices.len()).then(|| misfits.join(" | "));
    }
    if let Some(choices) = schema["enum"].as_array()
        && !choices.contains(value)
    {
        return Some(format!("{at}: {value} is none of {choices:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return Some(format!("{at}: {value} is not {}", schema["const"]));
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    if !kinds.is_empty() && !kinds.iter().any(|kind| is_of(kind, value)) {
        return Some(format!("{at}: {value} is no {kinds:?}"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        if value.get(name).is_none() {
            return Some(format!("{at}: {name} is missing"));
        }
    }
    let properties = schema["properties"].as_object();
    for (name, value) in value.as_object().into_iter().flatten() {
        match properties.and_then(|properties| properties.get(name)) {
            Some(schema) => {
                if let Some(why) = misfit(root, schema, value, &format!("{at}.{name}")) {
                    return Some(why);
                }
            }
            None if properties.is_some() => return Some(format!("{at}: {name} is not described")),
            None => {}
        }
    }
    let items = value.as_array().filter(|_| schema.get("items").is_some());
    items.into_iter().flatten().find_map(|item| misfit(root, &schema["items"], item, &format!("{at}[]")))
}

fn is_of(kind: &str, value: &Json) -> bool {
    match kind {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

fn fill(server: &Server) {
    let mut client = server.client();
    let lines = [
        "CONFIG SET slowlog-log-slower-than 0",
        "XGROUP CREATE orders shop 0 MKSTREAM",
        "XADD orders 1-0 item tea",
        "XADD orders * item tea",
        "XADD orders * item coffee",
        "XREADGROUP GROUP shop ann COUNT 2 STREAMS orders >",
        "XNACK orders shop FATAL IDS 1 1-0",
        "XADD orders:dead 1-0 item tea dead-letter-stream orders dead-letter-reason failed dead-letter-id 1-0",
        "XADD orders:dead * strange thing",
    ];
    for line in lines {
        client.call(&line.split(' ').collect::<Vec<_>>()).unwrap();
    }
    client.call(&[&b"XADD"[..], b"\xff", b"*", b"\xfe", b"\xfd"]).unwrap();
}

#[test]
fn answers_are_as_described() {
    let server = Server::start();
    fill(&server);
    let root = server.json("/openapi.json");
    server.until("rates", || server.json("/streams/orders")["added_per_second"].is_number());
    let cases = [
        ("/me", "/me"),
        ("/overview", "/overview"),
        ("/streams", "/streams"),
        ("/streams/{key}", "/streams/orders"),
        ("/streams/{key}", "/streams/%ff"),
        ("/streams/{key}/entries", "/streams/orders/entries?count=1"),
        ("/streams/{key}/entries", "/streams/%ff/entries"),
        ("/streams/{key}/entries/{id}", "/streams/orders/entries/1-0"),
        ("/streams/{key}/groups", "/streams/orders/groups"),
        ("/streams/{key}/groups/{group}", "/streams/orders/groups/shop"),
        ("/streams/{key}/groups/{group}/pending", "/streams/orders/groups/shop/pending?count=1"),
        ("/streams/{key}/groups/{group}/pending", "/streams/orders/groups/shop/pending?payload=0"),
        ("/dead", "/dead"),
        ("/dead/{key}/entries", "/dead/orders:dead/entries"),
        ("/series", "/series?name=ops&points=5"),
        ("/series", "/series?name=ops&name=group/orders/shop/lag&points=5"),
        ("/slowlog", "/slowlog"),
        ("/clients", "/clients"),
        ("/config", "/config"),
        ("/attention", "/attention"),
        ("/openapi.json", "/openapi.json"),
    ];
    for (path, address) in cases {
        let schema = &root["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{path}");
        assert_eq!(misfit(&root, schema, &server.json(address), address), None);
    }
    let error = &root["components"]["schemas"]["Error"];
    assert_eq!(misfit(&root, error, &server.get("/streams/none").json(), "error"), None);
}

#[test]
fn wishes_and_what_comes_of_them_are_as_described() {
    let server = Server::start();
    fill(&server);
    let root = server.json("/openapi.json");
    let (action, done) = (&root["components"]["schemas"]["Action"], &root["components"]["schemas"]["Done"]);
    let group = server.json("/streams/orders/groups/shop");
    let offered =
        group["findings"].as_array().unwrap().iter().filter_map(|finding| finding.get("action")).cloned();
    let own = [
        json!({"action": "add", "stream": "orders", "fields": [["a", "b"]], "id": "*", "maxlen": 5}),
        json!({"action": "trim", "stream": "orders", "minid": "1-0", "approx": true}),
        json!({"action": "nack", "mode": "FAIL", "stream": "orders", "group": "shop", "filter": {"min_idle": 0}}),
        json!({"action": "redrive", "stream": "orders:dead", "limit": 5}),
        json!({"action": "config_set", "name": "maxmemory", "value": "0"}),
        json!({"action": "slowlog_reset"}),
    ];
    for wish in own.into_iter().chain(offered) {
        assert_eq!(misfit(&root, action, &wish, "action"), None);
        assert_eq!(misfit(&root, done, &server.act(&wish), &wish.to_string()), None);
    }
    assert!(misfit(&root, action, &json!({"action": "nosuch"}), "action").is_some());
    assert!(misfit(&root, done, &json!({"matched": 1}), "done").is_some());
}
